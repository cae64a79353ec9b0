# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and CSRs made by CPS: the enrollment is opened there and the key never leaves it (E9, E10)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._core import vocabulary
from .._core.csr_sources import ALLOW_DUPLICATE
from .._core.types import Notice
from .._cps import changes
from .._cps.client import CpsClient
from .._cps.enrollment_wire import enrollment_to_wire
from .._cps.errors import RemoteNotFound
from .._cps.models import EnrollmentRecord
from .._cps.notices import acknowledge_notices, read_notices
from .._cps.scanning import Unreadable
from .base import (
    CsrAnswer,
    CsrPending,
    CsrQuestion,
    CsrReady,
    CsrRefused,
    KeyOrder,
    KeyProvider,
    Left,
    Obstacle,
    Reference,
)
from .endpoint_limits import too_many_for_new
from .endpoint_orders import fits, is_multi_stacked, reference_to, wanted_enrollment
from .endpoint_renewal import Renewals
from .endpoint_take_back import TakeBack
from .endpoint_unread import Unread

_NEAR_S = 10.0
_RSA_BITS = 2048
_KEY_TYPES = ("rsa", "ec")
_CURVES = ("p-256", "secp256r1", "prime256v1")


class EndpointKeys(KeyProvider):
    """CPS as the maker of keys, for one device.

    :param connect: builds the client; called at the first call that needs one, so that checks cost no connection.
    """

    def __init__(self, connect: Callable[[], CpsClient]) -> None:
        self._connect = connect
        self._connected: CpsClient | None = None
        self._listed: dict[str, tuple[EnrollmentRecord, ...]] = {}
        self._unread: dict[str, Unread] = {}
        self._asked: dict[int, changes.InputKind] = {}
        self._renewals = Renewals(lambda: self._client)
        self._take_back = TakeBack(lambda: self._client)

    @property
    def calls(self) -> int:
        """Count the API calls made so far."""
        return self._connected.calls if self._connected else 0

    @property
    def _client(self) -> CpsClient:
        if self._connected is None:
            self._connected = self._connect()
        return self._connected

    def validate(self, order: KeyOrder) -> Sequence[str]:
        """Give what CPS cannot put into a key or a CSR; no traffic (E13, E17)."""
        spec, problems = order.spec, []
        if order.place["validation_type"] != "third-party":
            problems.append(
                f"validation_type {order.place['validation_type']}: its CA is chosen and asked by CPS itself; only "
                "third-party enrollments have a CSR to be signed here"
            )
        for kind, names in (
            ("IP addresses", spec.ip_addresses),
            ("e-mail addresses", spec.emails),
            ("URIs", spec.uris),
            ("other names", tuple(value for _oid, value in spec.other_names)),
            ("directory names", spec.directory_names),
        ):
            if names:
                problems.append(f"CPS takes DNS names only, no {kind} ({', '.join(names)})")
        if order.challenge_password:
            problems.append("the CSR that CPS makes bears no challenge password; leave challenge_password out")
        if spec.extensions:
            problems.append(f"the CSR that CPS makes bears no other extensions ({', '.join(spec.extensions)})")
        if spec.email:
            problems.append("the CSR that CPS makes bears no e-mail address; leave email out")
        if spec.hash_name != "sha256":
            problems.append(f"hash {spec.hash_name}: CPS signs its CSRs with sha256 only")
        if spec.key_size not in (None, _RSA_BITS):
            problems.append(f"key_size {spec.key_size}: CPS makes RSA keys of {_RSA_BITS} bits only")
        if spec.curve and spec.curve.lower() not in _CURVES:
            problems.append(f"curve {spec.curve}: CPS makes ECDSA keys on P-256 only")
        if spec.key_type not in _KEY_TYPES:
            problems.append(f"key_type {spec.key_type}: CPS makes {' and '.join(_KEY_TYPES)} keys only")
        return problems

    def predict(self, order: KeyOrder) -> str:
        """Say what ``begin`` would do."""
        if order.renews:
            return self._renewals.predict(order)
        keys = "RSA and ECDSA" if is_multi_stacked(order) else "RSA"
        return (
            f"Create an enrollment for {order.spec.common_name} with {len(order.spec.dns_names)} names and {keys} keys "
            f"on contract {order.place['contract_id']}"
        )

    def find(self, order: KeyOrder) -> Sequence[Reference]:
        """Look for enrollments, or renewals, that are just what the order would have made, and are still being made."""
        if order.renews:
            return self._renewals.find(order)
        self._listed.pop(order.place["contract_id"], None)
        found = []
        for enrollment in self._list(order):
            change = enrollment.newest_change
            if change is not None and enrollment.is_first and fits(enrollment, order):
                found.append(reference_to(enrollment.id, change.change_id))
        return found

    def conflicts(self, order: KeyOrder) -> Sequence[Obstacle]:
        """Look for an enrollment of the same name, and for a limit of names that would be passed."""
        if order.renews:
            return self._renewals.conflicts(order)
        name, contract_id = order.spec.common_name.lower(), order.place["contract_id"]
        listed = self._list(order)
        found = [
            Obstacle(
                "enrollment_exists",
                f"enrollment {enrollment.id} on contract {contract_id} has the same common name; use that one, have "
                "another one beside it with allow_duplicate: true and a certificate id of its own, or remove it in "
                "Akamai Control Center first",
                enrollment_id=enrollment.id,
            )
            for enrollment in listed
            if enrollment.cn.lower() == name
        ]
        found += self._unread[contract_id].obstacles(order)
        return found + too_many_for_new(order, listed)

    def doubts(self, order: KeyOrder) -> Sequence[str]:
        """Give the entries of the contract's list that bear no name."""
        unread = self._unread.get(order.place["contract_id"])
        return unread.doubts() if unread and not order.renews else ()

    @property
    def notes(self) -> Sequence[str]:
        """Give the entries of the lists that were passed over."""
        return [note for unread in self._unread.values() for note in unread.notes()]

    def settings(self, order: KeyOrder) -> Mapping[str, Any]:
        """Give the enrollment of a renewal as it was read last."""
        return self._renewals.settings(order) if order.renews else {}

    def begin(self, order: KeyOrder) -> Reference:
        """Create the enrollment, or force its renewal."""
        if order.renews:
            return self._renewals.begin(order)
        self._listed.pop(order.place["contract_id"], None)
        body = enrollment_to_wire(wanted_enrollment(order))
        is_allowed = bool(order.place.get(ALLOW_DUPLICATE))
        status = self._client.create_enrollment(body, order.place["contract_id"], allow_duplicate_cn=is_allowed)
        if not status.change_ids:
            enrollment = self._client.get_enrollment(status.enrollment_id)
            change = enrollment.newest_change
            return reference_to(status.enrollment_id, change.change_id if change else None)
        return reference_to(status.enrollment_id, status.change_ids[-1])

    def calls_ahead(self, order: KeyOrder, move: str, wait_s: float) -> tuple[int, int]:
        """Count a look and a write to begin, then looks at the change until it shows its CSRs, or one without waiting.

        At most one write more in CPS's own renewal window, two calls a look, and two to acknowledge warnings. At the
        least the CSRs of a new place are fetched when they are there; without waiting they are not looked for yet.
        """
        if move == "amend":
            calls = self._renewals.calls_to_amend(order)
            return calls, calls
        if move not in ("begin", "csr"):
            return 0, 0
        looks = (3 if wait_s else 1) + math.ceil(wait_s / _NEAR_S)
        least = (2 if wait_s else 1) if order.renews else bool(wait_s)
        begins = (2, 3) if move == "begin" else (0, 0)
        return begins[0] + least, begins[1] + 2 * looks + 2

    def amend(self, order: KeyOrder) -> None:
        """Update the enrollment's organization and contacts."""
        self._renewals.amend(order)

    def left(self, order: KeyOrder, reference: Reference, before: Mapping[str, Any]) -> Left:
        """Look at the change, and at what the enrollment keeps of the order's edits."""
        return self._take_back.left(order, reference, before)

    def take_back(self, reference: Reference) -> None:
        """Cancel the change."""
        self._take_back.cancel(reference)

    def put_back(self, order: KeyOrder, before: Mapping[str, Any]) -> Reference | None:
        """Update the enrollment, without what it keeps of the order's edits."""
        return self._take_back.put_back(order, before)

    def collect(self, reference: Reference) -> CsrAnswer:
        """Ask where the change stands, and for the CSRs when it says they are there."""
        enrollment_id, change_id = int(reference["enrollment_id"]), int(reference["change_id"])
        try:
            change = self._client.get_change(enrollment_id, change_id)
        except RemoteNotFound as exc:
            if self._client.is_open(enrollment_id, change_id):
                return CsrPending(f"CPS has the change open and does not find it ({exc.message})", _NEAR_S)
            return CsrRefused(f"change {change_id} of enrollment {enrollment_id} is gone; somebody cancelled it")
        if change.state in ("cancelled", "completed", "error"):
            reason = (change.error.description if change.error else None) or change.description or change.status
            return CsrRefused(f"change {change_id} of enrollment {enrollment_id} is {change.state}: {reason}")
        if change.takes(changes.PRE_WARNINGS):
            return self._question(changes.PRE_WARNINGS, enrollment_id, change_id)
        if change.takes(changes.POST_WARNINGS) and not change.takes(changes.CSR):
            # Names that go are asked about here before the CSR, or instead of it; cps-protocol §3.7.
            return self._question(changes.POST_WARNINGS, enrollment_id, change_id)
        if change.takes(changes.CHANGE_MANAGEMENT):
            # Somebody handed it a certificate at Control Center, or it never needed one: no CSR will come.
            return CsrRefused(
                f"change {change_id} of enrollment {enrollment_id} is past its CSR: {change.status}; finish or cancel "
                "it in Akamai Control Center, then regenerate to have a new certificate"
            )
        if not change.takes(changes.CSR):
            return CsrPending(f"CPS is at work on the CSR: {change.status}", _NEAR_S)
        try:
            csrs = self._client.get_csrs(enrollment_id, change_id)
        except RemoteNotFound:
            return CsrPending("CPS asks for the certificate already, and shows the CSR in a moment", _NEAR_S)
        return _ready(csrs)

    def fetch(self, reference: Reference) -> CsrAnswer:
        """Ask for the CSRs at once: CPS shows them only while it waits for their certificates (cps-protocol §2.2)."""
        try:
            csrs = self._client.get_csrs(int(reference["enrollment_id"]), int(reference["change_id"]))
        except RemoteNotFound:
            return self.collect(reference)
        return _ready(csrs)

    def acknowledge(self, reference: Reference, notices: Sequence[Notice]) -> bool:
        """Acknowledge the warnings that were decided on, if there is no other one by now."""
        enrollment_id, change_id = int(reference["enrollment_id"]), int(reference["change_id"])
        kind = self._asked.get(change_id)
        if kind is None:
            is_late = self._client.get_change(enrollment_id, change_id).takes(changes.POST_WARNINGS)
            kind = changes.POST_WARNINGS if is_late else changes.PRE_WARNINGS
        return acknowledge_notices(self._client, kind, enrollment_id, change_id, notices)

    def _question(self, kind: changes.InputKind, enrollment_id: int, change_id: int) -> CsrAnswer:
        self._asked[change_id] = kind
        notices = read_notices(self._client, kind, enrollment_id, change_id)
        if not notices:
            return CsrPending("the warnings vanished, CPS goes on", _NEAR_S)
        return CsrQuestion(notices)

    def _list(self, order: KeyOrder) -> tuple[EnrollmentRecord, ...]:
        contract_id = order.place["contract_id"]
        if contract_id not in self._listed:
            entries: list[Unreadable] = []
            listed = self._client.list_enrollments(contract_id, entries)
            unread = self._unread[contract_id] = Unread(self._client, contract_id, entries)
            self._listed[contract_id] = (*listed, *unread.readable)
        return self._listed[contract_id]


def _ready(csrs: Sequence[changes.Csr]) -> CsrReady:
    return CsrReady({csr.key_algorithm or vocabulary.RSA: csr.pem for csr in csrs})
