# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dual stacks of which one half is late, refused, or left out: nothing is ordered twice, what is missing is said."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    Answer,
    CannotTell,
    Found,
    Issued,
    NotThere,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Check, Choice, Order
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._clm import enroll, exporting
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ConflictError,
    InputError,
    StateError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CertRequest
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Unit
from ansible_collections.edgecert.clm.tests.support.flow import Bench

DUAL = {"dual_stack": True}
NEVER = {"second_csr_s": 10_000_000}


def algorithm_of(csr_pem: str) -> str:
    """Name the key algorithm of a CSR."""
    key = x509.load_pem_x509_csr(csr_pem.encode()).public_key()
    return "ECDSA" if isinstance(key, ec.EllipticCurvePublicKey) else "RSA"


class PickyCa(CaConnector):
    """The bench's own CA behind a desk that refuses one kind of key, or lets its orders wait.

    :ivar ordered: key algorithm of each order placed; ``placed`` holds it with its intent, which is one order however
        often it is handed over.
    """

    def __init__(self, behind: CaConnector) -> None:
        self.behind = behind
        self.refuses, self.waits = {"ECDSA"}, set[str]()
        self.ordered: list[str] = []
        self.placed: set[tuple[str, str]] = set()

    def capabilities(self) -> Capabilities:
        """As it is behind."""
        return self.behind.capabilities()

    def test(self) -> list[Check]:
        """Check nothing."""
        return []

    def choices(self, kind: str) -> list[Choice]:
        """Offer nothing."""
        return []

    def validate(self, order: Order) -> list[str]:
        """Take everything."""
        return []

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Refuse, or let it wait, or sign."""
        algorithm = algorithm_of(csr_pem)
        self.ordered.append(algorithm)
        self.placed.add((algorithm, order.intent_id))
        if algorithm in self.waits:
            return Pending({"csr": csr_pem, "id": order.intent_id}, "a person signs", 60.0)
        return self._answer(algorithm, order, csr_pem)

    def _answer(self, algorithm: str, order: Order, csr_pem: str) -> Answer:
        self._order = order
        if algorithm in self.refuses:
            return Rejected(f"the profile has no {algorithm} keys")
        return self.behind.submit(order, csr_pem)

    def find(self, order: Order, csr_pem: str) -> Found:
        """Remember nothing, and mind nothing."""
        return NotThere("a stub keeps no orders")

    def collect(self, handle: Mapping[str, Any]) -> Answer:
        """Sign what waited, once it need not any more."""
        algorithm = algorithm_of(str(handle["csr"]))
        if algorithm in self.waits:
            return Pending(handle, "a person signs", 60.0)
        return self._answer(algorithm, self._order, str(handle["csr"]))


@pytest.fixture
def picky(bench: Bench) -> PickyCa:
    bench.prepare()
    with bench.store.read() as unit:
        account = unit.ca_accounts.find()[0]
    made = PickyCa(bench.ports.ca(account))
    bench.use_ca(made)
    return made


def request_of(bench: Bench) -> CertRequest:
    """Read the newest request."""
    with bench.store.read() as unit:
        return unit.requests.find(certificate_id=bench.name())[-1]


def creates(bench: Bench) -> int:
    """Count the enrollments that were opened."""
    return len(
        [path for method, path in bench.calls() if (method, path.partition("?")[0]) == ("POST", "/cps/v2/enrollments")]
    )


# -- one CSR is late -----------------------------------------------------------------------------------------------


def test_nothing_is_ordered_before_both_csrs_are_there_and_then_both_are(bench: Bench, picky: PickyCa) -> None:
    """E10: one is kept, what is missing is said, and a look that finds nothing new changes nothing."""
    picky.refuses = set()
    bench.sandbox.configure({"second_csr_s": 600})
    waiting = bench.enroll(wait_timeout=60, **DUAL).record
    assert waiting is not None and waiting["state"] == "implementing" and waiting["reason"] == "csr_missing"
    assert (
        "no ECDSA CSR is there yet; there is: RSA" in waiting["message"] and "allow_missing: true" in waiting["message"]
    )
    assert set(waiting["csrs"]) == {"RSA"} and waiting["missing"] == ["RSA", "ECDSA"] and picky.ordered == []
    assert not bench.plan_enroll(wait=False, **DUAL).changed
    bench.advance(700)
    record = bench.enroll(**DUAL).record
    assert record is not None and record["state"] == "issued" and record["missing"] == []
    assert set(record["fingerprints"]) == {"RSA", "ECDSA"} and sorted(picky.ordered) == ["ECDSA", "RSA"]
    assert creates(bench) == 1


def test_one_certificate_alone_does_where_that_was_allowed(bench: Bench, picky: PickyCa) -> None:
    """E10: after five minutes, on record, and pushed alone."""
    picky.refuses = set()
    bench.sandbox.configure(NEVER)
    waiting = bench.enroll(wait_timeout=60, allow_missing=True, **DUAL).record
    assert (
        waiting is not None and waiting["reason"] == "csr_missing" and "for 5 minutes, then RSA" in waiting["message"]
    )
    bench.advance(300)
    record = bench.enroll(allow_missing=True, **DUAL).record
    assert record is not None and record["state"] == "issued" and picky.ordered == ["RSA"]
    assert record["missing"] == ["ECDSA"] and "no ECDSA CSR" in record["refusals"]["ECDSA"]
    assert "goes_on_without" in bench.audit()
    assert [step["type"] for step in record["conditions"]].count("goes_on_without") == 1
    bench.connector()
    order = bench.push().record
    assert order is not None and order["state"] == "completed" and set(order["fingerprints"]) == {"RSA"}
    assert not bench.plan_enroll(allow_missing=True, **DUAL).changed


def test_it_is_allowed_later_and_goes_on_at_once(bench: Bench, picky: PickyCa) -> None:
    """E10: what is asked for stays; only what may be missing changes."""
    picky.refuses = set()
    bench.sandbox.configure(NEVER)
    first = bench.enroll(wait_timeout=400, **DUAL).record
    record = bench.enroll(allow_missing=True, **DUAL).record
    assert first is not None and record is not None and record["request_id"] == first["request_id"]
    assert record["state"] == "issued" and record["missing"] == ["ECDSA"]


def test_an_approval_is_for_what_may_be_missing_too(bench: Bench, picky: PickyCa) -> None:
    """E10, E24: allowed later, it has to be approved again."""
    picky.refuses = set()
    bench.group(approvals={"enroll": 1, "push": 0})
    bench.sandbox.configure(NEVER)
    asked = bench.enroll(wait=False, **DUAL).record
    assert asked is not None and asked["state"] == "submitted"
    bench.act("ben", "approve", request_id=asked["request_id"])
    bench.enroll(wait_timeout=400, **DUAL)
    back = bench.enroll(allow_missing=True, **DUAL).record
    assert back is not None and back["state"] == "submitted" and back["approvals"] == []
    assert "what may be missing changed" in back["message"] and picky.ordered == []
    bench.act("ben", "approve", request_id=asked["request_id"])
    record = bench.enroll(allow_missing=True, **DUAL).record
    assert record is not None and record["state"] == "issued" and record["missing"] == ["ECDSA"]


def test_an_ec_certificate_whose_csr_is_late_is_waited_for_and_given_up_in_the_end(bench: Bench) -> None:
    """E10: there is nothing to sign without it."""
    bench.prepare()
    bench.sandbox.configure({"second_csr_s": 600})
    waiting = bench.enroll(wait_timeout=60, key_type="ec").record
    assert waiting is not None and waiting["reason"] == "csr_missing"
    bench.advance(700)
    record = bench.enroll(key_type="ec").record
    assert record is not None and record["state"] == "issued" and set(record["csrs"]) == {"ECDSA"}
    bench.sandbox.configure(NEVER)
    other = bench.name("other")
    bench.enroll(wait_timeout=60, key_type="ec", common_name=other)
    bench.advance(3700)
    with pytest.raises(StateError, match="no ECDSA CSR is there yet; there is: RSA") as caught:
        bench.enroll(key_type="ec", common_name=other)
    assert caught.value.code == "csr_algorithm_missing"


def test_what_may_be_missing_of_one_certificate_is_refused_before_any_call(bench: Bench) -> None:
    """E10."""
    bench.prepare()
    bench.calls()
    with pytest.raises(InputError, match="allow_missing goes with dual_stack: true"):
        bench.plan_enroll(allow_missing=True)
    assert bench.calls() == []


# -- the CA refuses one --------------------------------------------------------------------------------------------


def test_a_refused_half_fails_the_request_and_a_retry_orders_that_half_alone(bench: Bench, picky: PickyCa) -> None:
    """E10: what is issued is kept, and told."""
    with pytest.raises(
        StateError, match=r"refused the ECDSA CSR: the profile has no ECDSA keys \(RSA is issued and kept\)"
    ) as caught:
        bench.enroll(**DUAL)
    assert caught.value.code == "ca_rejected" and "allow_missing: true" in caught.value.message
    failed = request_of(bench)
    assert failed.state == "failed" and set(failed.fingerprints) == {"RSA"} and set(failed.refusals) == {"ECDSA"}
    picky.refuses = set()
    record = bench.act("tester", "retry", request_id=failed.request_id, wait=True).record
    assert record is not None and record["state"] == "issued" and record["refusals"] == {}
    assert picky.ordered == ["RSA", "ECDSA", "ECDSA"]
    assert record["fingerprints"]["RSA"] == failed.fingerprints["RSA"]


def test_an_order_that_waits_is_not_placed_again_because_the_other_was_refused(bench: Bench, picky: PickyCa) -> None:
    """E10, design 8: never a second order."""
    picky.waits = {"RSA"}
    with pytest.raises(StateError, match="RSA is ordered and stays so"):
        bench.enroll(**DUAL)
    picky.refuses, picky.waits = set(), set()
    record = bench.act("tester", "retry", request_id=request_of(bench).request_id, wait=True).record
    assert record is not None and record["state"] == "issued" and picky.ordered == ["RSA", "ECDSA", "ECDSA"]


@pytest.mark.parametrize("options", [{}, {"allow_missing": True}], ids=["both", "one alone"])
def test_enrolling_again_after_a_refusal_orders_nothing_that_was_ordered(
    bench: Bench, picky: PickyCa, options: dict[str, Any]
) -> None:
    """E10: the same place, the same CSRs, and so the same orders."""
    with pytest.raises(StateError):
        bench.enroll(**DUAL)
    issued = request_of(bench).fingerprints["RSA"]
    if not options:
        picky.refuses = set()
    record = bench.enroll(**DUAL, **options).record
    assert record is not None and record["state"] == "issued" and picky.ordered == ["RSA", "ECDSA", "ECDSA"]
    assert record["fingerprints"]["RSA"] == issued and record["missing"] == (["ECDSA"] if options else [])
    assert creates(bench) == 1


def test_a_refusal_that_is_allowed_leaves_one_certificate_whichever_comes_first(bench: Bench, picky: PickyCa) -> None:
    """E10: also when the refused one is the first, and the other one waits."""
    picky.refuses, picky.waits = {"RSA"}, {"ECDSA"}
    waiting = bench.enroll(wait=False, allow_missing=True, **DUAL).record
    bench.advance(60)
    waiting = bench.enroll(wait_timeout=30, allow_missing=True, **DUAL).record
    assert waiting is not None and waiting["state"] == "retrieval_in_progress" and set(waiting["refusals"]) == {"RSA"}
    picky.waits = set()
    bench.advance(60)
    record = bench.enroll(allow_missing=True, **DUAL).record
    assert record is not None and record["state"] == "issued" and record["missing"] == ["RSA"]
    assert picky.ordered == ["RSA", "ECDSA"]


def test_a_request_fails_when_both_are_refused_whatever_is_allowed(bench: Bench, picky: PickyCa) -> None:
    """E10: one certificate alone may do, none may not."""
    picky.refuses = {"RSA", "ECDSA"}
    with pytest.raises(StateError, match="refused the ECDSA CSR"):
        bench.enroll(allow_missing=True, **DUAL)
    assert set(request_of(bench).refusals) == {"RSA", "ECDSA"} and request_of(bench).state == "failed"


def test_a_cancelled_request_says_what_may_still_be_signed(bench: Bench, picky: PickyCa) -> None:
    """E10, E24: of two orders the one that was refused is not among it."""
    picky.waits, picky.refuses = {"RSA"}, set()
    waiting = bench.enroll(wait_timeout=60, **DUAL).record
    assert waiting is not None and waiting["missing"] == ["RSA"]
    assert waiting["message"] == "no RSA certificate yet: a person signs; ECDSA is issued and kept"
    record = bench.act("tester", "cancel", request_id=request_of(bench).request_id).record
    assert record is not None and record["state"] == "cancelled"
    assert "may issue for the RSA CSR all the same" in str(record)


# -- killed --------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The run ends here, whatever it was about to write."""


def kill_at(bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the run end instead of its write of that number."""
    write, left = bench.store.write, itertools.count(1)

    def counted() -> AbstractContextManager[Unit]:
        if next(left) == number:
            raise Killed
        return write()

    monkeypatch.setattr(bench.store, "write", counted)


@pytest.mark.parametrize("options", [{}, {"allow_missing": True}], ids=["both", "one alone"])
def test_a_run_that_ends_before_any_of_its_writes_is_taken_up_and_orders_each_half_once(
    bench: Bench, picky: PickyCa, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """E10, design 3: whatever was lost, there is one order for each CSR and one enrollment."""
    picky.refuses = {"ECDSA"} if options else set()
    for number in itertools.count(1):
        picky.placed.clear()
        name = bench.name(f"kill{number}")
        wanted = {"common_name": name, **DUAL, **options}
        was_killed = False
        with monkeypatch.context() as patched:
            kill_at(bench, patched, number)
            try:
                bench.enroll(**wanted)
            except Killed:
                was_killed = True
        bench.advance(3600)
        record = bench.enroll(**wanted).record
        assert record is not None and record["state"] == "issued", (number, record)
        assert record["missing"] == (["ECDSA"] if options else [])
        assert sorted(algorithm for algorithm, _intent in picky.placed) == ["ECDSA", "RSA"], number
        assert [one["common_name"] for one in bench.enrollments()].count(name) == 1
        if not was_killed:
            break
    assert number > 6


# -- later ---------------------------------------------------------------------------------------------------------


def live(bench: Bench, **wish: Any) -> dict[str, str]:
    """Have a certificate on production; gives its fingerprints by key algorithm."""
    record = bench.enroll(**wish).record
    bench.connector()
    to_production(bench)
    assert record is not None
    return dict(record["fingerprints"])


def to_production(bench: Bench) -> dict[str, Any]:
    """Push what is issued to production, proved at both edges."""
    edge = {network: [bench.sandbox.edge(network)] for network in ("staging", "production")}
    record = bench.push(network="production", edge=edge).record
    assert record is not None and record["state"] == "completed"
    return dict(record)


def served(bench: Bench, network: str) -> set[str]:
    """Give what a network serves, by the API."""
    [found] = bench.enrollments()
    return {facts["fingerprint"] for facts in found[network].certificates}


def regenerate(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Regenerate until it is issued."""
    record = bench.enroll(certificate=bench.name(), action="regenerate", ca=None, **changes).record
    assert record is not None
    return dict(record)


@pytest.mark.parametrize("wish", [{}, {"key_type": "ec"}], ids=["rsa", "ec"])
def test_a_live_single_stack_becomes_dual_in_place_and_single_again(bench: Bench, wish: dict[str, Any]) -> None:
    """E10, U6: one enrollment throughout; an RSA and an ECDSA client get their own at both edges."""
    bench.prepare()
    live(bench, **wish)
    plan = bench.plan_enroll(certificate=bench.name(), action="regenerate", ca=None, dual_stack=True)
    assert any("in place (RSA and ECDSA keys)" in step.sentence for step in plan.steps)
    told = plan.extra["prediction"]
    assert (told["outcome"], told["csrs"], told["ca_orders"]) == ("new_certificate", ["RSA", "ECDSA"], 2)
    assert told["edits"]["changed"] == {"dual_stack": {"before": False, "after": True}}
    dual = regenerate(bench, dual_stack=True)
    assert dual["state"] == "issued" and set(dual["fingerprints"]) == {"RSA", "ECDSA"}
    order = to_production(bench)
    wanted = set(dual["fingerprints"].values())
    assert served(bench, "staging") == served(bench, "production") == wanted
    assert {entry["kind"] for entry in order["evidence"]} == {"handshake"}
    for network in ("staging", "production"):
        assert {e["fingerprint"] for e in order["evidence"] if e["network"] == network} == wanted
    assert not bench.plan_enroll(certificate=bench.name(), action="regenerate", ca=None, dual_stack=True).changed
    single = regenerate(bench, dual_stack=False)
    to_production(bench)
    assert served(bench, "production") == set(single["fingerprints"].values()) and len(single["fingerprints"]) == 1
    assert len(bench.enrollments()) == 1


def test_a_renewal_changes_the_stack_as_a_regeneration_does(bench: Bench) -> None:
    """E3, E10: it is an edit, so it is due at once."""
    bench.prepare()
    live(bench)
    record = bench.enroll(certificate=bench.name(), action="renew", ca=None, dual_stack=True).record
    assert record is not None and record["state"] == "issued" and set(record["fingerprints"]) == {"RSA", "ECDSA"}
    assert len(bench.enrollments()) == 1


def test_a_run_that_was_lost_while_it_made_the_stack_dual_is_taken_up(bench: Bench) -> None:
    """E10, design 3: the answer to the update is lost; the next run finds the change and forces none beside it."""
    bench.prepare()
    live(bench)
    bench.sandbox.fault(kind="lost_after", method="PUT", path="force-renewal")
    bench.calls()
    record = regenerate(bench, dual_stack=True)
    puts = [path for method, path in bench.calls() if method == "PUT"]
    assert record["state"] == "issued" and set(record["fingerprints"]) == {"RSA", "ECDSA"} and len(puts) == 1


def test_what_is_missing_of_a_dual_stack_is_added_beside_what_stays(bench: Bench, picky: PickyCa) -> None:
    """E10, cps-protocol 3.5: the RSA certificate is neither ordered nor uploaded again."""
    before = live(bench, allow_missing=True, **DUAL)
    assert set(before) == {"RSA"} == set(request_of(bench).fingerprints)
    picky.refuses = set()
    told = bench.plan_enroll(certificate=bench.name(), action="regenerate", ca=None, only_missing=True)
    predicted = told.extra["prediction"]
    assert (predicted["outcome"], predicted["csrs"], predicted["ca_orders"]) == ("new_certificate", ["ECDSA"], 1)
    assert predicted["edits"] == {"names_added": [], "names_dropped": [], "changed": {}}
    bench.calls()
    record = regenerate(bench, only_missing=True)
    assert [path.partition("?")[2] for method, path in bench.calls() if method == "PUT"] == [
        "allow-missing-certificate-addition=true"
    ]
    assert record["state"] == "issued" and record["missing"] == [] and set(record["csrs"]) == {"ECDSA"}
    assert record["fingerprints"]["RSA"] == before["RSA"] and picky.ordered == ["RSA", "ECDSA", "ECDSA"]
    order = to_production(bench)
    assert served(bench, "production") == set(record["fingerprints"].values()) == set(order["fingerprints"].values())
    assert [row["state"] for row in bench.certificates()] == ["issued"]
    again = bench.plan_enroll(certificate=bench.name(), action="regenerate", ca=None, only_missing=True)
    assert not again.changed and "nothing is missing" in str(again.extra["not_due"])
    # The next one has both anew.
    both = regenerate(bench, force=True)
    assert set(both["csrs"]) == {"RSA", "ECDSA"} and not set(both["fingerprints"].values()) & set(before.values())


def test_each_key_of_a_stack_that_was_added_to_stays_within_reach(
    bench: Bench, picky: PickyCa, tmp_path: pathlib.Path
) -> None:
    """E6, E10: made here; the addition holds its own key alone, the one before holds the other one."""
    bench.group(approvals={"push": 0}, defaults={"organization": "Example AG", "country": "DE"})
    here = {"device": None, "csr_source": "local"}
    first: Any = bench.enroll(**here, allow_missing=True, **DUAL).record
    assert set(first["fingerprints"]) == {"RSA"}
    picky.refuses = set()
    added = regenerate(bench, device=None, only_missing=True)
    assert set(added["csrs"]) == {"ECDSA"} and set(added["fingerprints"]) == {"RSA", "ECDSA"}
    keys = {}
    for name in ("RSA", "ECDSA"):
        dest = tmp_path / name
        wanted = {"certificate": bench.name(), "dest": str(dest), "format": "pem", "key_algorithm": name}
        assert exporting.plan({**wanted, "content": "bundle"}, bench.ports).execute().record is not None
        key = load_pem_private_key(dest.read_bytes(), None).public_key()
        assert key == x509.load_pem_x509_certificate(dest.read_bytes()).public_key()
        keys[name] = key
    kept: Any = bench.enroll_action("renew", bench.name(), force=True, reuse_key=True, ca=None).record
    assert kept["state"] == "issued" and set(kept["csrs"]) == {"RSA", "ECDSA"}
    assert {name: x509.load_pem_x509_csr(text.encode()).public_key() for name, text in kept["csrs"].items()} == keys
    again: Any = bench.enroll_action("renew", bench.name(), force=True, ca=None).record
    assert {name: x509.load_pem_x509_csr(text.encode()).public_key() for name, text in again["csrs"].items()} == keys


def test_an_addition_that_is_taken_back_leaves_what_was_there(bench: Bench, picky: PickyCa) -> None:
    """E10, U5."""
    before = live(bench, allow_missing=True, **DUAL)
    first = request_of(bench).request_id
    picky.refuses = set()
    regenerate(bench, only_missing=True)
    bench.push(network="staging")
    bench.push(action="rollback", network="staging")
    assert served(bench, "production") == set(before.values())
    [shown] = bench.certificates()
    assert shown["request_id"] == first and shown["fingerprint"] == before["RSA"]


@pytest.mark.parametrize("options", [{"action": "renew"}, {"dual_stack": False}, {"action": "enroll"}], ids=str)
def test_only_what_is_missing_goes_with_regenerate_alone(bench: Bench, options: dict[str, Any]) -> None:
    """E10."""
    bench.prepare()
    live(bench)
    with pytest.raises(InputError, match="only_missing"):
        bench.plan_enroll(**{"certificate": bench.name(), "action": "regenerate", "only_missing": True, **options})


@pytest.mark.parametrize("wanted", [{"dual_stack": True}, {"dual_stack": False}], ids=["dual", "single"])
def test_a_renewal_that_cps_opened_is_not_taken_for_another_stack(bench: Bench, wanted: dict[str, Any]) -> None:
    """E10, cps-protocol 3.7: it has the keys of the old stack; nothing is sent, nothing is cancelled."""
    bench.prepare()
    live(bench, validity={"count": 1, "unit": "days"}, dual_stack=not wanted["dual_stack"])
    bench.advance(86400 * 0.7)
    bench.calls()
    with pytest.raises(ConflictError, match="is open") as caught:
        regenerate(bench, **wanted)
    assert caught.value.code == "change_pending" and {method for method, _path in bench.calls()} == {"GET"}
    assert regenerate(bench)["state"] == "issued"


def test_a_renewal_that_cps_opened_takes_no_certificate_that_is_missing(bench: Bench, picky: PickyCa) -> None:
    """E10: uploaded alone to a renewal, it would take the other one away."""
    live(bench, validity={"count": 1, "unit": "days"}, allow_missing=True, **DUAL)
    picky.refuses = set()
    bench.advance(86400 * 0.7)
    bench.calls()
    with pytest.raises(ConflictError, match="is open"):
        regenerate(bench, only_missing=True)
    assert {method for method, _path in bench.calls()} == {"GET"}


# -- another CA, a doubt, what cannot be used ----------------------------------------------------------------------


def other_ca(bench: Bench) -> None:
    """Have a second CA account beside the first."""
    with bench.store.write() as unit:
        [account] = unit.ca_accounts.find()
        unit.ca_accounts.add(replace(account, name="other", version=0))


def test_what_is_missing_is_added_by_the_same_ca_alone(bench: Bench, picky: PickyCa) -> None:
    """E10, E4: else one CA would be told to revoke what the other one signed."""
    live(bench, allow_missing=True, **DUAL)
    other_ca(bench)
    picky.refuses = set()
    for submit in (True, False):
        with pytest.raises(InputError, match="only_missing at CA account other: what it is added to is of"):
            bench.enroll(certificate=bench.name(), action="regenerate", ca="other", only_missing=True, submit=submit)
    assert picky.ordered == ["RSA", "ECDSA"]


def test_certificates_of_two_cas_are_not_revoked_at_one(bench: Bench, picky: PickyCa) -> None:
    """E4: a store may have such an addition from before it was refused."""
    live(bench, allow_missing=True, **DUAL)
    picky.refuses = set()
    record = regenerate(bench, only_missing=True)
    other_ca(bench)
    with bench.store.write() as unit:
        added = unit.requests.get(record["request_id"])
        assert added is not None
        unit.requests.put(replace(added, ca="other"))
    with pytest.raises(StateError, match="its ECDSA certificate is of CA account other") as caught:
        enroll.plan({"action": "revoke", "certificate": bench.name()}, bench.ports)
    assert caught.value.code == "several_cas"


class DoubtfulPicky(PickyCa):
    """Loses the answer to each ECDSA order, and cannot tell what became of it."""

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Take it, and lose the answer."""
        if algorithm_of(csr_pem) == "ECDSA":
            raise TransportError("no answer", kind="timeout", sent=True)
        return super().submit(order, csr_pem)

    def find(self, order: Order, csr_pem: str) -> Found:
        """Be unable to tell."""
        return CannotTell("its list cannot be searched", "under Orders")


def test_what_may_be_missing_does_not_change_past_an_approval_while_in_doubt(bench: Bench, picky: PickyCa) -> None:
    """E10, E24: the approval was for both, and cannot be asked for again before the doubt is settled."""
    bench.group(approvals={"enroll": 1, "push": 0})
    bench.use_ca(DoubtfulPicky(picky.behind))
    asked = bench.enroll(wait=False, **DUAL).record
    assert asked is not None
    bench.act("ben", "approve", request_id=asked["request_id"])
    doubtful = bench.enroll(**DUAL).record
    assert doubtful is not None and doubtful["state"] == "in_doubt"
    with pytest.raises(StateError, match="Cannot change allow_missing") as caught:
        bench.enroll(allow_missing=True, **DUAL)
    assert caught.value.code == "request_in_progress"
    assert "settle" in caught.value.message and not request_of(bench).wish.get("allow_missing")


class WrongKeyCa(PickyCa):
    """Signs another key than the ECDSA CSR's."""

    def _answer(self, algorithm: str, order: Order, csr_pem: str) -> Answer:
        answer = self.behind.submit(order, csr_pem)
        if algorithm == "ECDSA" and isinstance(answer, Issued):
            return replace(answer, bundle=self.first.bundle, handle={**answer.handle, "paid": algorithm})
        assert isinstance(answer, Issued)
        self.first = answer
        return answer

    first: Issued


def test_the_handle_of_a_second_certificate_that_cannot_be_used_is_kept(bench: Bench, picky: PickyCa) -> None:
    """U6, E4: it was paid for, and can be revoked at its CA by that."""
    bench.use_ca(WrongKeyCa(picky.behind))
    with pytest.raises(StateError, match="ECDSA CSR"):
        bench.enroll(**DUAL)
    failed = request_of(bench)
    assert failed.reason == "certificate_unusable" and failed.ca_handles["ECDSA"]["paid"] == "ECDSA"
    with bench.store.read() as unit:
        key = f"{failed.request_id}/ECDSA"
        [intent] = unit.intents.find(kind="order_certificate", noun="request", key=key)
    assert intent.finished_at is not None and intent.result["handle"] == failed.ca_handles["ECDSA"]
