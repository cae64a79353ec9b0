# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CPS in memory under a clock that tests move: real keys and CSRs, strict about what it takes, no network.

Store and CA around it are the real ones. What a real CPS would refuse is refused, and noted in ``refused``: the code
under test looks before it acts, so that nothing should ever stand there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Bundle, Notice
from ansible_collections.edgecert.clm.plugins.module_utils._keys.base import (
    CsrAnswer,
    CsrPending,
    CsrReady,
    CsrRefused,
    KeyOrder,
    KeyProvider,
    Obstacle,
    Reference,
)
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.plugins.module_utils._target.base import (
    Former,
    Found,
    HostnameUse,
    NetworkFacts,
    Presence,
    PushState,
    Reading,
    Review,
    Standing,
    Sweep,
    Target,
)
from ansible_collections.edgecert.clm.plugins.module_utils._target.inspection_base import Inspection
from ansible_collections.edgecert.clm.plugins.module_utils._target.validation_base import Validation

# How long CPS is at work in a phase, and what follows; the other phases wait for somebody.
WORKS: Mapping[str, tuple[str, timedelta]] = {
    "making_csr": ("wants_certificate", timedelta(minutes=2)),
    "verifying": ("deploying_staging", timedelta(minutes=5)),
    "deploying_staging": ("on_staging", timedelta(minutes=40)),
    "deploying_production": ("over", timedelta(minutes=60)),
}
# CPS deploys by itself what is on staging so long before the live certificate ends; cps-protocol §3.4.
BY_ITSELF = timedelta(days=7)
_NOBODY_HAS_IT = ("making_csr", "wants_certificate")


class VirtualClock:
    """Time that moves only when told to.

    :ivar at_tick: called with each look at the clock; a test may end the run there.
    """

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self.at_tick: Callable[[], None] | None = None

    def now(self) -> datetime:
        """Give the moment it stands at."""
        if self.at_tick is not None:
            self.at_tick()
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Move on, as every clock does: by a microsecond at least."""
        self.moment += timedelta(microseconds=max(1.0, seconds * 1e6))

    def monotonic(self) -> float:
        """Give the moment as seconds."""
        return self.moment.timestamp()


@dataclass
class Change:
    """One change of an enrollment.

    :ivar phase: of ``WORKS``, or ``wants_certificate``, ``on_staging``, ``over``.
    :ivar served: what is deployed by it; empty before the upload.
    :ivar held_until: the date that is set for it; it goes nowhere by itself then.
    """

    change_id: int
    kind: str
    csr: str
    public_key: bytes
    since: datetime
    phase: str = "making_csr"
    served: dict[str, Any] = field(default_factory=dict)
    held_until: datetime | None = None
    is_acknowledged: bool = False


@dataclass
class Enrollment:
    """One enrollment with what it serves; ``history`` holds every change it ever had."""

    enrollment_id: int
    contract_id: str
    names: tuple[str, ...]
    history: list[Change] = field(default_factory=list)
    staging: dict[str, Any] = field(default_factory=dict)
    production: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=lambda: {"sniOnly": True})

    @property
    def change(self) -> Change | None:
        """Give the change that is open."""
        return self.history[-1] if self.history and self.history[-1].phase != "over" else None


class VirtualCps:
    """Every enrollment of one account.

    :ivar is_down: no call gets through.
    :ivar at_call: called with each call, once it got through; a test may let somebody else act there.
    :ivar lose: says whether the reply to a write of that name is lost after it was done.
    :ivar refused: what was asked for and no CPS takes; ``expired`` what ran out on production.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.enrollments: dict[int, Enrollment] = {}
        self.calls: Counter[str] = Counter()
        self.is_down = False
        self.at_call: Callable[[str], None] | None = None
        self.lose: Callable[[str], bool] = lambda _name: False
        self.refused: list[str] = []
        self.expired: list[str] = []
        self._told: set[str] = set()
        self._settled: datetime | None = None
        self._last_id = 10_000

    @property
    def now(self) -> datetime:
        """Give the time without a tick of the clock: a look of CPS's own."""
        return self.clock.moment

    def called(self, name: str) -> None:
        """Count a call, and let time do its part first."""
        self.calls[name] += 1
        if self.is_down:
            raise TransportError(f"Cannot {name}: CPS is down", kind="connect", sent=False)
        if self.at_call is not None:
            self.at_call(name)
        self.settle()

    def replied(self, name: str) -> None:
        """Lose the reply to a write that was done, where the test wants it."""
        if self.lose(name):
            raise TransportError(f"Cannot {name}: the connection was reset", kind="reset", sent=True)

    def refuse(self, what: str, code: str, status: int = 409) -> NoReturn:
        """Refuse what nobody should ask for."""
        self.refused.append(f"{to_text(self.now)} {what}")
        raise RemoteError(what, status=status, code=code)

    def new_id(self) -> int:
        """Give an id nobody has."""
        self._last_id += 1
        return self._last_id

    # -- time ------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let every change come as far as time lets it, and notice what ran out; once at each moment."""
        if self._settled == self.now:
            return
        self._settled = self.now
        for enrollment in self.enrollments.values():
            while enrollment.change is not None and self._moved(enrollment, enrollment.change):
                pass
            ends = enrollment.production.get("ends")
            if ends is not None and ends <= self.now:
                self._note_expired(enrollment, self.now)

    def _moved(self, enrollment: Enrollment, change: Change) -> bool:
        if change.phase == "on_staging":
            deadline = self.deadline(enrollment)
            if deadline is None or deadline > self.now or change.held_until is not None:
                return False
            self._enter(enrollment, change, "deploying_production", max(deadline, change.since))
            return True
        following, lasts = WORKS.get(change.phase, ("", timedelta()))
        if not following or change.since + lasts > self.now:
            return False
        self._enter(enrollment, change, following, change.since + lasts)
        return True

    def _enter(self, enrollment: Enrollment, change: Change, phase: str, at: datetime) -> None:
        change.phase, change.since = phase, at
        if phase == "on_staging":
            enrollment.staging = change.served
        if phase == "over":
            ends = enrollment.production.get("ends")
            if ends is not None and ends <= at:
                self._note_expired(enrollment, at)
            enrollment.production = change.served

    def _note_expired(self, enrollment: Enrollment, at: datetime) -> None:
        told = f"{enrollment.names[0]} ended {enrollment.production['not_after']} on production"
        if told not in self._told:
            self._told.add(told)
            self.expired.append(f"{told}, seen {to_text(at)}")

    @staticmethod
    def deadline(enrollment: Enrollment) -> datetime | None:
        """Give when what is on staging goes to production by itself; None where production serves nothing yet."""
        ends: datetime | None = enrollment.production.get("ends")
        return ends - BY_ITSELF if ends is not None else None

    # -- what a person does at Control Center ----------------------------------------------------------------------

    def acknowledge_production(self, enrollment: Enrollment) -> None:
        """Let what is on staging go to production."""
        assert enrollment.change is not None and enrollment.change.phase == "on_staging"
        self._enter(enrollment, enrollment.change, "deploying_production", self.now)

    def cancel_change(self, enrollment: Enrollment) -> None:
        """Cancel the change that is open."""
        assert enrollment.change is not None
        enrollment.change.phase = "over"

    def open_change(self, enrollment: Enrollment, kind: str) -> Change:
        """Open a change with a new key, as CPS does; it forgets no earlier one."""
        if enrollment.change is not None:
            self.refuse(f"a second change of enrollment {enrollment.enrollment_id}", "change_pending")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Berlin"),
            x509.NameAttribute(NameOID.LOCALITY_NAME, "Berlin"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example GmbH"),
            x509.NameAttribute(NameOID.COMMON_NAME, enrollment.names[0]),
        ]
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in enrollment.names])
        csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
        signed = csr.add_extension(alternatives, critical=False).sign(key, hashes.SHA256())
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        change = Change(self.new_id(), kind, signed.public_bytes(Encoding.PEM).decode(), spki, self.now)
        enrollment.history.append(change)
        return change


def _reference(enrollment: Enrollment, change: Change) -> Reference:
    ids = {"enrollment_id": enrollment.enrollment_id, "change_id": change.change_id}
    return {**ids, "label": f"enrollment {ids['enrollment_id']}, change {ids['change_id']}"}


class VirtualKeys(KeyProvider):
    """The maker of keys; looks once where nothing was begun between, as the contract wants it."""

    def __init__(self, cps: VirtualCps) -> None:
        self._cps = cps
        self._looked = False

    def validate(self, order: KeyOrder) -> Sequence[str]:
        """Take everything."""
        return ()

    def predict(self, order: KeyOrder) -> str:
        """Say what would be done."""
        return f"{'Renew' if order.renews else 'Create'} an enrollment for {order.spec.common_name}"

    def _place(self, order: KeyOrder) -> Enrollment | None:
        if order.renews:
            return self._cps.enrollments.get(int(order.renews["enrollment_id"]))
        name = order.spec.common_name
        return next((e for e in self._cps.enrollments.values() if e.names[0] == name), None)

    @staticmethod
    def _usable(order: KeyOrder, enrollment: Enrollment) -> Change | None:
        """Give the open change whose CSR nobody was handed yet."""
        change = enrollment.change
        is_known = change is not None and change.change_id == order.renews.get("change_id")
        return change if change is not None and change.phase in _NOBODY_HAS_IT and not is_known else None

    def find(self, order: KeyOrder) -> Sequence[Reference]:
        """Look for what an earlier call began."""
        self._cps.called("look_for_change")
        enrollment = self._place(order)
        change = self._usable(order, enrollment) if enrollment is not None else None
        return [_reference(enrollment, change)] if enrollment is not None and change is not None else []

    def conflicts(self, order: KeyOrder) -> Sequence[Obstacle]:
        """Look for what stands in the way."""
        if not self._looked:
            self._cps.called("look_for_change")
        self._looked = True
        enrollment = self._place(order)
        if not order.renews:
            return [Obstacle("enrollment_exists", "it is there already")] if enrollment is not None else []
        if enrollment is None:
            return [Obstacle("enrollment_gone", "it is gone at CPS")]
        if enrollment.change is None or self._usable(order, enrollment) is not None:
            return []
        return [Obstacle("change_pending", f"change {enrollment.change.change_id} is open")]

    def begin(self, order: KeyOrder) -> Reference:
        """Open an enrollment or a renewal, or take up the renewal that is open."""
        self._looked = False
        self._cps.called("begin")
        enrollment = self._place(order)
        if enrollment is not None and not order.renews:
            self._cps.refuse(f"a second enrollment of {order.spec.common_name}", "duplicate_common_name")
        if enrollment is None:
            contract = str(order.place["contract_id"])
            enrollment = Enrollment(self._cps.new_id(), contract, tuple(order.spec.dns_names))
            self._cps.enrollments[enrollment.enrollment_id] = enrollment
        change = self._usable(order, enrollment) if order.renews else None
        if change is None:
            change = self._cps.open_change(enrollment, "renewal" if order.renews else "new-certificate")
        self._cps.replied("begin")
        return _reference(enrollment, change)

    def calls_ahead(self, order: KeyOrder, move: str, wait_s: float) -> tuple[int, int]:
        """Count as little as there is."""
        return 0, 1000

    def amend(self, order: KeyOrder) -> None:
        """Have nothing that is in no certificate."""
        raise AssertionError("there is nothing to amend here")

    def collect(self, reference: Reference) -> CsrAnswer:
        """Give the CSR once it is made."""
        self._cps.called("get_csr")
        change = self._cps.enrollments[int(reference["enrollment_id"])].change
        if change is None or change.change_id != reference["change_id"]:
            return CsrRefused(f"change {reference['change_id']} is gone")
        if change.phase == "making_csr":
            left = change.since + WORKS["making_csr"][1] - self._cps.now
            return CsrPending("CPS is at work on the CSR", left.total_seconds())
        return CsrReady({"ECDSA": change.csr})

    def acknowledge(self, reference: Reference, notices: Sequence[Notice]) -> bool:
        """Have no warnings."""
        raise AssertionError("there are no warnings here")


def _hash(change: Change) -> str:
    return f"hash-{change.served['fingerprint'][:12]}"


class VirtualTarget(Target):
    """The device the certificates are pushed to."""

    def __init__(self, cps: VirtualCps) -> None:
        self._cps = cps

    @property
    def calls(self) -> int:
        """Count the calls of the whole account."""
        return self._cps.calls.total()

    def inspect(self, *, will_write: bool) -> Inspection:
        """Be reached."""
        return Inspection("reached", (), {})

    def visible_contracts(self) -> Sequence[str]:
        """Give the contracts that enrollments are on."""
        self._cps.called("list_contracts")
        return sorted({one.contract_id for one in self._cps.enrollments.values()})

    def discover(self, contracts: Sequence[str], reading: Reading | None = None) -> Sweep:
        """Give every enrollment."""
        self._cps.called("list_enrollments")
        return Sweep(iter([self._found(one) for one in self._cps.enrollments.values()]))

    @staticmethod
    def _found(one: Enrollment) -> Found:
        change = one.change
        return Found(
            one.enrollment_id,
            one.contract_id,
            one.names[0],
            one.names,
            "third-party",
            "third-party",
            "standard-tls",
            True,
            ({"change_id": change.change_id, "change_type": change.kind},) if change is not None else (),
            production=_served(one.production),
            staging=_served(one.staging),
        )

    def fetch_pem(self, enrollment_id: int) -> Mapping[str, Bundle]:
        """Give nothing that is not in the store already."""
        return {}

    def fetch_history(self, enrollment_id: int) -> Sequence[Former]:
        """Give nothing that is not in the store already."""
        return ()

    def uses(self, names: Sequence[str]) -> Sequence[HostnameUse]:
        """Know of no properties."""
        return ()

    def validation(self, enrollment_id: int) -> Validation:
        """Have no domain validated."""
        return Validation()

    def survey(self, contracts: Sequence[str], *, is_of_staging: bool = False) -> None:
        """Tell nothing: every look is as good as another here."""

    def observe(
        self,
        reference: Reference,
        fingerprints: Mapping[str, str],
        *,
        waits_for: str = "",
        settings: Mapping[str, Any] | None = None,
    ) -> PushState:
        """Tell where the change stands."""
        self._cps.called("look_at_change")
        enrollment = self._cps.enrollments[int(reference["enrollment_id"])]
        change = enrollment.change
        is_ours = change is not None and change.change_id == reference["change_id"]
        phase = change.phase if change is not None and is_ours else "none"
        return PushState(
            "busy" if phase in ("making_csr", "verifying") else phase,
            status=phase,
            staging=_served(enrollment.staging),
            production=_served(enrollment.production),
            settings=enrollment.settings if is_ours else {},
            held_until=change.held_until if change is not None and is_ours else None,
            look_again_s=600.0,
        )

    def review(self, reference: Reference) -> Review | None:
        """Tell what waits to go to production."""
        self._cps.called("look_at_review")
        enrollment = self._cps.enrollments[int(reference["enrollment_id"])]
        change = enrollment.change
        if change is None or change.phase != "on_staging":
            return None
        found = frozenset([change.served["fingerprint"]])
        return Review(_hash(change), self._cps.deadline(enrollment), fingerprints=found)

    def _on_staging(self, reference: Reference, what: str) -> tuple[Enrollment, Change]:
        enrollment = self._cps.enrollments[int(reference["enrollment_id"])]
        change = enrollment.change
        if change is None or change.change_id != reference["change_id"] or change.phase != "on_staging":
            self._cps.refuse(f"{what} of enrollment {enrollment.enrollment_id}, which is not on staging", "conflict")
        return enrollment, change

    def go_on(self, reference: Reference, validation_hash: str) -> None:
        """Take an acknowledgement for what was seen; a date that is still to come is waited for."""
        self._cps.called("go_on")
        enrollment, change = self._on_staging(reference, "an acknowledgement")
        if validation_hash != _hash(change):
            self._cps.refuse(f"an acknowledgement for {validation_hash}", "conflict")
        change.is_acknowledged = True
        if change.held_until is None or change.held_until <= self._cps.now:
            self._cps.acknowledge_production(enrollment)
        self._cps.replied("go_on")

    def cancel(self, reference: Reference) -> None:
        """Cancel the open change; an enrollment that production does not serve vanishes with it."""
        self._cps.called("cancel")
        enrollment = self._cps.enrollments[int(reference["enrollment_id"])]
        if enrollment.change is None or enrollment.change.change_id != reference["change_id"]:
            self._cps.refuse(f"cancelling change {reference['change_id']}, which is over", "gone", 404)
        self._cps.cancel_change(enrollment)

    def presence(self, reference: Reference, *, waits_for: str = "") -> Presence:
        """Tell what is there; what is removed here is gone at once."""
        self._cps.called("look_at_enrollment")
        one = self._cps.enrollments.get(int(reference["enrollment_id"]))
        if one is None:
            return Presence(False)
        change = one.change
        pending = ({"change_id": change.change_id, "change_type": change.kind},) if change is not None else ()
        state = PushState("none", staging=_served(one.staging), production=_served(one.production))
        return Presence(True, tuple(sorted(one.names)), pending, state)

    def remove(self, reference: Reference, *, cancel_pending: bool) -> int | None:
        """Take the enrollment away; an open change is in the way unless it may go too."""
        self._cps.called("remove")
        enrollment = self._cps.enrollments.get(int(reference["enrollment_id"]))
        if enrollment is None:
            self._cps.refuse(f"removing enrollment {reference['enrollment_id']}, which is gone", "not_found", 404)
        if enrollment.change is not None and not cancel_pending:
            self._cps.refuse(f"removing enrollment {enrollment.enrollment_id} with its change", "pending_change")
        del self._cps.enrollments[enrollment.enrollment_id]
        self._cps.replied("remove")
        return None

    def hold_back(self, reference: Reference, until: datetime | None) -> None:
        """Set the date."""
        self._cps.called("hold_back")
        enrollment, change = self._on_staging(reference, "a date")
        change.held_until = until
        if until is None and change.is_acknowledged:
            self._cps.acknowledge_production(enrollment)

    def standing(self, enrollment_id: int) -> Standing:
        """Tell nothing: no settings are changed in virtual time."""
        raise AssertionError("no settings are changed in virtual time")

    def configure(self, standing: Standing, settings: Mapping[str, Any]) -> int | None:
        """Change nothing."""
        raise AssertionError("no settings are changed in virtual time")

    def settings_of(self, place: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read nothing."""
        raise AssertionError("no settings are changed in virtual time")

    def checks(self, reference: Reference) -> Sequence[Notice]:
        """Warn of nothing."""
        return ()

    def acknowledge_checks(self, reference: Reference, notices: Sequence[Notice]) -> bool:
        """Acknowledge nothing."""
        raise AssertionError("no settings are changed in virtual time")

    def upload(self, reference: Reference, bundles: Mapping[str, Bundle], *, with_root: bool) -> None:
        """Take a certificate for the CSR of the open change, once."""
        self._cps.called("upload")
        enrollment = self._cps.enrollments[int(reference["enrollment_id"])]
        change, [bundle] = enrollment.change, bundles.values()
        if change is None or change.change_id != reference["change_id"] or change.phase != "wants_certificate":
            self._cps.refuse(f"an upload to enrollment {enrollment.enrollment_id}, which waits for none", "conflict")
        leaf = x509.load_pem_x509_certificate(bundle.leaf.encode())
        if leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != change.public_key:
            self._cps.refuse(f"a certificate for another CSR than that of change {change.change_id}", "bad", 400)
        if not leaf.not_valid_before_utc <= self._cps.now < leaf.not_valid_after_utc:
            self._cps.refuse(f"a certificate that is not valid now, for {enrollment.names[0]}", "bad", 400)
        facts = certificate_facts(bundle.leaf)
        change.served = {
            "fingerprint": facts.fingerprint,
            "serial": facts.serial,
            "issuer": facts.issuer,
            "not_after": to_text(facts.not_after),
            "key_algorithm": "ECDSA",
            "ends": facts.not_after,
        }
        change.phase, change.since = "verifying", self._cps.now
        self._cps.replied("upload")

    def acknowledge(self, reference: Reference, notices: Sequence[Notice]) -> bool:
        """Have no warnings."""
        raise AssertionError("there are no warnings here")


def _served(facts: Mapping[str, Any]) -> NetworkFacts:
    shown = {name: value for name, value in facts.items() if name != "ends"}
    return NetworkFacts((shown,) if shown else ())
