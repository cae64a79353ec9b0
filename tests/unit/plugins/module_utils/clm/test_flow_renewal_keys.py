# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new key and CSR for a live enrollment: forced, taken up where CPS began by itself, never at another's cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued
from ansible_collections.edgecert.clm.plugins.module_utils._clm.moves import Mover
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ConflictError, NotFoundError, RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._cps import changes
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import READ_ONLY, enrollment_update
from ansible_collections.edgecert.clm.plugins.module_utils._cps.models import EnrollmentRecord, EnrollmentStatus
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.plugins.module_utils._keys.base import (
    TAKEN_UP,
    CsrPending,
    CsrQuestion,
    CsrReady,
    CsrRefused,
    Obstacle,
    Reference,
)
from ansible_collections.edgecert.clm.plugins.module_utils._keys.endpoint import EndpointKeys
from ansible_collections.edgecert.clm.plugins.module_utils._pki.csr import same_key
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.meanwhile import signing

DAY_S = 86400.0
PUT = r"force-renewal=true"
# One day of life: CPS opens a renewal of its own after two thirds of it.
SHORT = {"count": 1, "unit": "days"}


class Live:
    """An enrollment that a person brought to production, and the order to renew it."""

    def __init__(self, bench: Bench, **changes: Any) -> None:
        bench.issued(**changes)
        bench.push()
        self.bench = bench
        with bench.store.read() as unit:
            [self.device], [request], [account] = unit.devices.find(), unit.requests.find(), unit.ca_accounts.find()
            [certificate] = unit.certificates.find()
        assert certificate.not_after is not None
        self.enrollment_id, self.change_id = (int(request.key_reference[k]) for k in ("enrollment_id", "change_id"))
        self.csrs = request.csrs
        self.client = client_of(self.device, bench.store, bench.clock, bench.environment)
        self.approve(self.change_id)
        renews = {
            "enrollment_id": self.enrollment_id,
            "change_id": self.change_id,
            "not_after": to_text(certificate.not_after),
        }
        self.order = replace(Mover(bench.ports, request, self.device, account, wait_s=0).order, renews=renews)
        self.keys = self.provider()
        bench.calls()

    def provider(self) -> EndpointKeys:
        """Give a provider that has seen nothing."""
        keys = self.bench.ports.key_provider("endpoint", self.device)
        assert isinstance(keys, EndpointKeys)
        return keys

    def approve(self, change_id: int) -> None:
        """Acknowledge at Control Center what is on staging, and wait for production."""
        info = self.client.get_change_management_info(self.enrollment_id, change_id)
        self.client.acknowledge(changes.CHANGE_MANAGEMENT, self.enrollment_id, change_id, hash_text=info.hash)
        self.until(lambda: not self.enrollment().pending_changes)

    def until(self, reached: Callable[[], bool]) -> None:
        """Let time pass until something is so."""
        for _look in range(60):
            if reached():
                return
            self.bench.advance(2)
        raise AssertionError("it never came to that")

    def enrollment(self) -> EnrollmentRecord:
        """Read the enrollment as a person would."""
        return self.client.get_enrollment(self.enrollment_id)

    def pending(self) -> list[tuple[int, str | None]]:
        """Give the changes that are open at CPS."""
        return [(change.change_id, change.change_type) for change in self.enrollment().pending_changes]

    def edit(self, over: dict[str, Any], *, force_renewal: bool = False) -> EnrollmentStatus:
        """Edit the enrollment at Control Center."""
        body = enrollment_update(self.enrollment().raw, over)
        return self.client.update_enrollment(self.enrollment_id, body, force_renewal=force_renewal)

    def takes(self, change_id: int, kind: changes.InputKind) -> bool:
        """Say whether a change takes an input now."""
        return self.client.get_change(self.enrollment_id, change_id).takes(kind)

    def collect(self, reference: Reference) -> CsrReady:
        """Wait for the CSRs of a change."""
        for _look in range(30):
            answer = self.keys.collect(reference)
            if isinstance(answer, CsrReady):
                return answer
            assert isinstance(answer, CsrPending), answer
            self.bench.advance(answer.look_again_s)
        raise AssertionError("no CSR came")

    def puts(self) -> list[str]:
        """Give the flags of the updates since the last look."""
        calls = self.bench.calls()
        assert not [call for call in calls if call[0] == "DELETE" or "allow-cancel" in call[1]]
        return [path.partition("?")[2] for method, path in calls if method == "PUT"]

    def obstacles(self) -> list[Obstacle]:
        """Look for obstacles with fresh eyes; nothing may be sent."""
        self.bench.calls()
        found = list(self.provider().conflicts(self.order))
        assert all(method == "GET" for method, _path in self.bench.calls())
        return found


@pytest.fixture
def live(bench: Bench) -> Live:
    return Live(bench)


# -- forced --------------------------------------------------------------------------------------------------------


def test_a_live_enrollment_gets_a_new_key_and_csr_in_place(live: Live) -> None:
    """E3, E4, cps-protocol §3.7: same enrollment, same names, other key; one look before, one look and one write."""
    assert live.keys.validate(live.order) == []
    sentence = live.keys.predict(live.order)
    assert sentence == f"Force a renewal of enrollment {live.enrollment_id} for {live.order.spec.common_name}"
    assert live.bench.calls() == []
    assert live.keys.conflicts(live.order) == live.keys.conflicts(live.order) == []
    path = f"/cps/v2/enrollments/{live.enrollment_id}"
    assert live.bench.calls() == [("GET", path)]
    reference = live.keys.begin(live.order)
    assert live.bench.calls() == [("GET", path), ("PUT", f"{path}?force-renewal=true")]
    assert reference["enrollment_id"] == live.enrollment_id and reference["change_id"] != live.change_id
    assert str(live.enrollment_id) in reference["label"]
    assert live.pending() == [(reference["change_id"], "renewal")]
    new = live.collect(reference).csrs
    assert set(new) == set(live.csrs) and not same_key(new["RSA"], live.csrs["RSA"])
    assert same_key(new["RSA"], live.collect(reference).csrs["RSA"])
    assert len(live.bench.enrollments()) == 1


def test_an_enrollment_with_both_kinds_of_keys_gets_both_anew(bench: Bench) -> None:
    """E4, E10."""
    live = Live(bench, dual_stack=True)
    new = live.collect(live.keys.begin(live.order)).csrs
    assert set(new) == {"RSA", "ECDSA"}
    assert not [name for name in new if same_key(new[name], live.csrs[name])]


def test_the_whole_enrollment_is_sent_back_with_what_is_unknown_here(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cps-protocol §2.1, §3.7: read, then written; the members CPS sets itself are left out."""
    read, sent = live.client.get_enrollment(live.enrollment_id), []
    raw = {**read.raw, "mayBeNew": {"a": 1}}

    def update(enrollment_id: int, body: Any, **flags: bool) -> EnrollmentStatus:
        sent.append((enrollment_id, body, flags))
        return EnrollmentStatus(enrollment_id, (4711,), 202)

    monkeypatch.setattr(live.client, "get_enrollment", lambda _id: replace(read, raw=raw))
    monkeypatch.setattr(live.client, "update_enrollment", update)
    reference = EndpointKeys(lambda: live.client).begin(live.order)
    [(enrollment_id, body, flags)] = sent
    assert (enrollment_id, reference["change_id"]) == (live.enrollment_id, 4711)
    assert flags == {"force_renewal": True}
    assert body == {name: value for name, value in raw.items() if name not in READ_ONLY} and "mayBeNew" in body


def test_a_renewal_that_opens_no_change_is_an_error_and_no_success(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """cps-protocol §2.2: CPS answers 200 where it sees nothing to deploy."""
    status = EnrollmentStatus(live.enrollment_id, (), 200)
    monkeypatch.setattr(live.client, "update_enrollment", lambda *_args, **_flags: status)
    with pytest.raises(RemoteError) as caught:
        EndpointKeys(lambda: live.client).begin(live.order)
    assert caught.value.code == "no_change_opened" and not caught.value.retryable
    assert f"enrollment {live.enrollment_id}" in caught.value.message and "HTTP 200" in caught.value.message


# -- CPS's own renewal ---------------------------------------------------------------------------------------------


def own_renewal(bench: Bench) -> tuple[Live, int]:
    """Have an enrollment whose renewal CPS opened by itself."""
    live = Live(bench, validity=SHORT)
    bench.advance(DAY_S * 0.7)
    [(change_id, kind)] = live.pending()
    assert kind == "renewal" and change_id != live.change_id
    live.bench.calls()
    return live, change_id


def test_a_renewal_that_cps_opened_by_itself_is_taken_up(bench: Bench) -> None:
    """E3, cps-protocol §3.7 (a): nothing is forced beside it."""
    live, change_id = own_renewal(bench)
    assert live.keys.conflicts(live.order) == []
    assert [found["change_id"] for found in live.keys.find(live.order)] == [change_id]
    reference = live.keys.begin(live.order)
    assert reference["change_id"] == change_id and live.puts() == []
    assert not same_key(live.collect(reference).csrs["RSA"], live.csrs["RSA"])
    assert live.pending() == [(change_id, "renewal")]


def test_a_renewal_whose_csr_was_handed_out_before_is_not_taken_up_again(bench: Bench) -> None:
    """E3: its certificate may be on its way."""
    live, change_id = own_renewal(bench)
    again = replace(live.order, renews={**live.order.renews, "change_id": change_id})
    assert live.keys.find(again) == []
    [obstacle] = live.keys.conflicts(again)
    assert obstacle.code == "change_pending" and str(change_id) in obstacle.sentence


def test_an_enrollment_of_unknown_past_takes_up_what_is_open(bench: Bench) -> None:
    """E3: one found by discovery has no request before."""
    live, change_id = own_renewal(bench)
    found = replace(live.order, renews={**live.order.renews, "change_id": None})
    assert [reference["change_id"] for reference in live.keys.find(found)] == [change_id]


def test_a_renewal_is_forced_inside_cps_own_window_when_cps_says_how(bench: Bench) -> None:
    """cps-protocol §3.7: somebody cancelled CPS's renewal; the check is overridden only after it was met."""
    live, change_id = own_renewal(bench)
    live.client.cancel_change(live.enrollment_id, change_id)
    live.bench.calls()
    reference = live.keys.begin(live.order)
    assert live.puts() == ["force-renewal=true", "force-renewal=true&renewal-date-check-override=true"]
    assert live.pending() == [(reference["change_id"], "renewal")]


# -- what stands in the way ----------------------------------------------------------------------------------------


def test_an_enrollment_that_is_gone_cannot_be_renewed(live: Live) -> None:
    """E3: said with what to do, and nothing is opened in its place."""
    live.client.delete_enrollment(live.enrollment_id)
    live.bench.advance(60)
    [obstacle] = live.obstacles()
    assert obstacle.code == "enrollment_gone" and f"enrollment {live.enrollment_id} is gone" in obstacle.sentence
    assert live.keys.find(live.order) == []
    with pytest.raises(NotFoundError) as caught:
        live.keys.begin(live.order)
    assert caught.value.code == "enrollment_gone"
    assert live.puts() == [] and live.bench.enrollments() == []


EDITS: list[tuple[dict[str, Any], str]] = [
    ({"csr": {"o": "Other GmbH"}}, "organization is 'Other GmbH' there and 'Example GmbH' here"),
    ({"csr": {"ou": "Web"}}, "organizational_unit is 'Web' there and '' here"),
    ({"csr": {"l": None}}, "locality is '' there and 'Berlin' here"),
]


@pytest.mark.parametrize(("over", "words"), EDITS, ids=["changed", "added", "taken"])
def test_a_subject_that_was_edited_at_cps_is_not_renewed(live: Live, over: dict[str, Any], words: str) -> None:
    """E3: renewing would renew theirs. The edit and its change stay."""
    [change_id] = live.edit(over).change_ids
    found = live.obstacles()
    assert "enrollment_differs" in [obstacle.code for obstacle in found]
    assert words in found[0].sentence and "Control Center" in found[0].sentence
    assert live.keys.find(live.order) == []
    with pytest.raises(ConflictError) as caught:
        live.keys.begin(live.order)
    assert caught.value.code == "enrollment_differs" and not caught.value.retryable
    assert live.puts() == [] and [one[0] for one in live.pending()] == [change_id]


def test_names_that_were_edited_at_cps_are_not_renewed(live: Live) -> None:
    """E3: which ones is said, up to a few; case and order are no edit."""
    name = live.order.spec.common_name
    more = [f"{number}.{name}" for number in range(7)]
    live.edit({"csr": {"sans": [name, *more]}})
    obstacle = live.obstacles()[0]
    assert obstacle.code == "enrollment_differs"
    assert f"it has more 0.{name}, 1.{name}" in obstacle.sentence and "and 2 more" in obstacle.sentence
    wanted = replace(live.order.spec, dns_names=(name.upper(), *reversed(more), f"gone.{name}"))
    other = replace(live.order, spec=wanted)
    [obstacle] = [o for o in live.provider().conflicts(other) if o.code == "enrollment_differs"]
    assert f"it lacks gone.{name};" in obstacle.sentence
    same = replace(live.order, spec=replace(wanted, dns_names=(name.upper(), *reversed(more))))
    # The change that the edit opened is about just these names, and nobody took its CSR: it will do.
    assert live.provider().conflicts(same) == [] and len(live.provider().find(same)) == 1


def test_a_kind_of_key_that_the_enrollment_does_not_make_is_said_before_anything_is_opened(live: Live) -> None:
    """E10."""
    wanted = replace(live.order, spec=replace(live.order.spec, key_type="ec"))
    [obstacle] = live.keys.conflicts(wanted)
    assert obstacle.code == "enrollment_differs" and "ECDSA" in obstacle.sentence


def foreign_network(live: Live) -> None:
    """Somebody edits the network configuration: a change that needs no certificate."""
    live.edit({"networkConfiguration": {"quicEnabled": True}})


def foreign_staged(live: Live) -> None:
    """Somebody renewed by hand, and it is on staging."""
    change_id = _renewed_by_hand(live)
    live.until(lambda: live.takes(change_id, changes.POST_WARNINGS))
    live.client.acknowledge(changes.POST_WARNINGS, live.enrollment_id, change_id)
    live.until(lambda: live.takes(change_id, changes.CHANGE_MANAGEMENT))


def foreign_reviewed(live: Live) -> None:
    """Somebody renewed by hand, and CPS waits for the warnings to be acknowledged."""
    change_id = _renewed_by_hand(live)
    live.until(lambda: live.takes(change_id, changes.POST_WARNINGS))


def foreign_verifying(live: Live) -> None:
    """Somebody renewed by hand, and CPS is at work on the certificate."""
    live.bench.sandbox.configure({"verify_s": 500})
    _renewed_by_hand(live)
    live.bench.advance(5)


def _renewed_by_hand(live: Live) -> int:
    """Force a renewal and hand over a certificate, as a person would; its private CA raises a warning."""
    [change_id] = live.edit({}, force_renewal=True).change_ids
    csr_pem = live.collect({"enrollment_id": live.enrollment_id, "change_id": change_id}).csrs["RSA"]
    answer = signing(live.bench)(csr_pem)
    assert isinstance(answer, Issued)
    certificate = changes.UploadCertificate(answer.bundle.leaf, "".join(answer.bundle.chain), "RSA")
    live.client.upload_certificates(live.enrollment_id, change_id, [certificate])
    return change_id


@pytest.mark.parametrize("act", [foreign_network, foreign_staged, foreign_reviewed, foreign_verifying])
def test_a_change_that_somebody_else_opened_is_never_touched(live: Live, act: Callable[[Live], None]) -> None:
    """E3, cps-protocol §5.5: named with its type and status and what to do; not cancelled, not taken for ours."""
    act(live)
    [(change_id, kind)] = live.pending()
    status = live.client.get_change(live.enrollment_id, change_id).status
    [obstacle] = live.obstacles()
    assert obstacle.code == "change_pending"
    assert all(word in obstacle.sentence for word in (str(change_id), str(kind), status, "cert_push", "Control Center"))
    assert live.order.renews["not_after"] in obstacle.sentence
    assert live.keys.find(live.order) == []
    with pytest.raises(ConflictError) as caught:
        live.keys.begin(live.order)
    assert caught.value.code == "change_pending" and caught.value.retryable
    assert live.puts() == [] and live.pending() == [(change_id, kind)]


def test_a_change_that_never_asks_for_a_certificate_is_not_taken_up_at_any_stage(live: Live) -> None:
    """cps-protocol §3.7: from the outside it is at work as a renewal is, until it has been deployed."""
    foreign_network(live)
    seen = set()
    while live.pending():
        for change in live.enrollment().pending_changes:
            record = live.client.get_change(live.enrollment_id, change.change_id)
            seen.add(record.status)
            assert live.keys.find(live.order) == []
            if record.takes(changes.CHANGE_MANAGEMENT):
                live.approve(change.change_id)
        live.bench.advance(1)
    assert {"pre-verification-safety-checks", "wait-ack-change-management"} <= seen
    assert live.keys.begin(live.order)["change_id"] != live.change_id


def test_a_first_change_that_is_not_at_its_end_is_finished_first(bench: Bench) -> None:
    """E3: what was enrolled and never pushed has its change, and CSR, still."""
    bench.issued()
    with bench.store.read() as unit:
        [device], [request], [account] = unit.devices.find(), unit.requests.find(), unit.ca_accounts.find()
    order = Mover(bench.ports, request, device, account, wait_s=0).order
    order = replace(order, renews={**request.key_reference, "not_after": "2030-01-01T00:00:00Z"})
    keys = bench.ports.key_provider("endpoint", device)
    [obstacle] = keys.conflicts(order)
    assert obstacle.code == "change_pending"
    assert "new-certificate, wait-upload-third-party" in obstacle.sentence


@pytest.mark.parametrize("status", ["pre-verification-safety-checks", "generate-csr", "wait-upload", "a new word"])
def test_a_renewal_at_work_before_its_csr_is_taken_up_whatever_cps_calls_it(
    live: Live, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """cps-protocol §3.1: the list of words is open."""
    reference = live.keys.begin(live.order)
    record = changes.ChangeRecord(status, "running", "", None, (), changes.Schedule())
    monkeypatch.setattr(live.client, "get_change", lambda *_ids: record)
    assert [found["change_id"] for found in EndpointKeys(lambda: live.client).find(live.order)] == [
        reference["change_id"]
    ]
    for ended in ("error", "cancelled", "suspended", "completed"):
        gone = replace(record, state=ended)
        monkeypatch.setattr(live.client, "get_change", lambda *_ids, gone=gone: gone)
        assert EndpointKeys(lambda: live.client).find(live.order) == []


def test_a_renewal_that_somebody_finished_by_hand_gives_no_csr_and_says_so(live: Live) -> None:
    """E3: else the request would wait for a CSR for ever."""
    foreign_staged(live)
    [(change_id, _kind)] = live.pending()
    answer = live.keys.collect({"enrollment_id": live.enrollment_id, "change_id": change_id})
    assert isinstance(answer, CsrRefused) and str(change_id) in answer.reason


def test_a_renewal_that_waits_for_its_warnings_is_taken_up_with_them(live: Live) -> None:
    """E3, W5."""
    live.bench.sandbox.configure({"pre_verification_warnings": ["Odd."]})
    reference = live.keys.begin(live.order)
    live.until(lambda: live.takes(reference["change_id"], changes.PRE_WARNINGS))
    assert live.provider().conflicts(live.order) == []
    [found] = live.provider().find(live.order)
    assert found == reference
    assert isinstance(live.keys.collect(found), CsrQuestion)


# -- beside others, and lost replies -------------------------------------------------------------------------------


def test_a_change_opened_between_the_look_and_the_write_is_not_lost(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cps-protocol §5.5: CPS refuses, and nothing is overridden."""
    look = live.client.get_enrollment

    def looked(enrollment_id: int) -> EnrollmentRecord:
        found = look(enrollment_id)
        monkeypatch.setattr(live.client, "get_enrollment", look)
        foreign_network(live)
        return found

    monkeypatch.setattr(live.client, "get_enrollment", looked)
    with pytest.raises(RemoteError) as caught:
        EndpointKeys(lambda: live.client).begin(live.order)
    assert caught.value.code == "change_pending" and caught.value.retryable and caught.value.status == 409
    assert [kind for _id, kind in live.pending()] == ["modify-certificate"]


LOST = [
    ("lost_before", {}, False),
    ("lost_after", {}, True),
    ("server_error", {"when": "before"}, False),
    ("server_error", {"when": "after"}, True),
    ("truncated", {}, True),
    ("garbage", {}, True),
    ("plain_text", {"when": "after"}, True),
]


@pytest.mark.parametrize(("kind", "more", "done"), LOST, ids=[f"{kind}-{done}" for kind, _more, done in LOST])
def test_a_lost_reply_to_the_renewal_leads_to_exactly_one_change(
    live: Live, kind: str, more: dict[str, Any], done: bool
) -> None:
    """W5, design §8: what the lost call opened is found, at once and by the next run; else it is sent again."""
    live.bench.sandbox.fault(kind, method="PUT", path=PUT, **more)
    with pytest.raises(RemoteError):
        live.keys.begin(live.order)
    assert len(live.keys.find(live.order)) == len(live.provider().find(live.order)) == int(done)
    reference = live.provider().begin(live.order)
    assert len(live.puts()) == (1 if done else 2)
    assert live.pending() == [(reference["change_id"], "renewal")]
    assert not same_key(live.collect(reference).csrs["RSA"], live.csrs["RSA"])
    # What begins once more cannot tell whose it is that it finds open, and says so.
    marked = {TAKEN_UP: True} if done else {}
    assert [{**found, **marked} for found in live.provider().find(live.order)] == [reference]


def test_an_answer_without_a_body_is_looked_up(live: Live) -> None:
    """W5, cps-protocol §5.1: some answers are empty."""
    live.bench.sandbox.fault("empty", method="PUT", path=PUT)
    reference = live.keys.begin(live.order)
    assert len(live.puts()) == 1 and live.pending() == [(reference["change_id"], "renewal")]


def test_a_look_that_fails_renews_nothing(live: Live) -> None:
    """E3: an enrollment that cannot be read is not one that is gone."""
    live.bench.sandbox.fault("forbidden", method="GET", path=f"/enrollments/{live.enrollment_id}", times=0)
    for call in (live.keys.conflicts, live.keys.find, live.keys.begin):
        with pytest.raises(RemoteError) as caught:
            call(live.order)
        assert caught.value.code == "missing_grant"
    live.bench.sandbox.clear_faults()
    assert live.puts() == [] and live.pending() == []
