# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CAs are asked what they have revoked: how often, of whom, what is kept, and what follows for renewals and pushes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Issued
from ansible_collections.edgecert.clm.plugins.module_utils._clm import (
    enroll,
    lifecycle,
    revocation_checks,
    revocation_lines,
)
from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention import collect
from ansible_collections.edgecert.clm.plugins.module_utils._clm.discovery import compare
from ansible_collections.edgecert.clm.plugins.module_utils._clm.views import certificate_view
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text, to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ConflictError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import (
    AuditEntry,
    Bundle,
    Certificate,
    Device,
    StoredPem,
)
from ansible_collections.edgecert.clm.plugins.module_utils._pki import revocation, revocation_lists
from ansible_collections.edgecert.clm.plugins.module_utils._target.base import Found, NetworkFacts, Sweep
from ansible_collections.edgecert.clm.tests.support.doubtful_ca import DoubtfulCa
from ansible_collections.edgecert.clm.tests.support.lab_pki import Pair
from ansible_collections.edgecert.clm.tests.support.revoking_ca import LIST, RESPONDER, Publisher, RevokingCa, sources
from ansible_collections.edgecert.clm.tests.support.virtual_bench import START, VirtualBench

NAME = "www.example.com"
OTHER = "http://other.example.net/ocsp"


class Scene:
    """A bench whose CA can be asked."""

    def __init__(self, bench: VirtualBench) -> None:
        self.bench = bench
        self.ca = RevokingCa(START)
        self.publisher = Publisher(self.ca, bench.clock)

    def run(self, **options: Any) -> dict[str, Any]:
        """Do what is due, as a run of its own."""
        ports = replace(self.bench.make_ports(self.bench.store), documents=self.publisher.through)
        return dict(lifecycle.plan(options, ports).execute().extra)

    def found(self, name: str = NAME, **more: Any) -> Pair:
        """Have a discovered certificate, on production; ``more`` as ``RevokingCa.leaf`` takes it."""
        leaf = self.ca.leaf(name, **more)
        self.keep(leaf)
        print_ = print_of(leaf)
        ends = leaf.cert.not_valid_after_utc
        served = {"fingerprint": print_, "serial": "01", "issuer": "CN=Lab Root", "not_after": to_text(ends)}
        with self.bench.store.write() as unit:
            unit.certificates.add(
                Certificate(
                    name,
                    "discovered",
                    name,
                    state="issued",
                    device="edge",
                    fingerprint=print_,
                    not_after=ends,
                    production=served,
                    enrollment_id=10001,
                    contract_id="C-1",
                )
            )
        return leaf

    def keep(self, leaf: Pair) -> None:
        """Have a certificate's text in the store, and the CA know it."""
        self.publisher.leaves.append(leaf)
        with self.bench.store.write() as unit:
            unit.pems.add(StoredPem(print_of(leaf), leaf.pem, "", self.ca.root.pem))

    def sign(self, csr_pem: str) -> Answer:
        """Sign a CSR so that it names the responder and the CRL."""
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        builder = (
            x509.CertificateBuilder()
            .subject_name(csr.subject)
            .issuer_name(self.ca.root.cert.subject)
            .public_key(csr.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.bench.clock.now() - timedelta(hours=1))
            .not_valid_after(self.bench.clock.now() + timedelta(days=47))
        )
        for extension in csr.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        for value in sources([RESPONDER], [[LIST]]):
            builder = builder.add_extension(value, critical=False)
        cert = builder.sign(self.ca.root.key, hashes.SHA256())
        self.publisher.leaves.append(Pair(cert, self.ca.root.key))
        pem = cert.public_bytes(Encoding.PEM).decode()
        return Issued(Bundle(pem, (), self.ca.root.pem), {"order": "1"})

    def enrolled(self, **options: Any) -> Pair:
        """Have an issued certificate of that CA, with its application connector."""
        self.bench.use_ca(DoubtfulCa(self.sign))
        self.bench.enroll(**options)
        self.bench.connector()
        return self.publisher.leaves[-1]

    def live(self) -> None:
        """Have it pushed, and served on production, as a discovery finds it then."""
        self.bench.push()
        self.bench.to_production()
        with self.bench.store.write() as unit:
            line = unit.certificates.get(NAME)
            assert line is not None
            unit.certificates.put(replace(line, production=line.staging))

    def attention(self, kind: str = "revoked") -> list[dict[str, Any]]:
        """Give what needs attention."""
        with self.bench.store.read() as unit:
            return [one.view() for one in collect(unit, self.bench.clock.now()) if one.kind == kind]

    def audited(self) -> list[AuditEntry]:
        """Give what the audit says of it."""
        with self.bench.store.read() as unit:
            told = [row.entry for row in unit.audit_rows()]
        return [one for one in told if one.action.startswith(("certificate_found_", "certificate_hold_"))]


def print_of(leaf: Pair) -> str:
    return leaf.cert.fingerprint(hashes.SHA256()).hex()


def told(scene: Scene, name: str = NAME) -> Any:
    """Give what is kept of the primary, as a user sees it."""
    return certificate_view(scene.bench.certificate(name), START)["revocation"]


@pytest.fixture
def scene(virtual: VirtualBench) -> Scene:
    virtual.prepare()
    return Scene(virtual)


# -- how often, and of whom --------------------------------------------------------------------------------------------


def test_a_certificate_is_asked_about_once_in_its_hours(scene: Scene) -> None:
    """A day as it is; a run that comes earlier asks nobody, and the next time is told."""
    scene.found(ocsp_urls=[RESPONDER])
    first = scene.run()
    assert (first["revocation_checks"], first["next_due_at"]) == (1, to_text(START + timedelta(hours=24)))
    good = {"state": "good", "reason": "", "revoked_at": "", "source": RESPONDER, "checked_at": to_text(START)}
    assert told(scene) == {**good, "message": ""}
    for _hour in range(23):
        scene.bench.advance(hours=1)
        assert scene.run()["revocation_checks"] == 0
    assert scene.publisher.asked == {RESPONDER: 1}
    scene.bench.advance(hours=1)
    scene.run()
    assert scene.publisher.asked == {RESPONDER: 2} and scene.audited() == []


def test_a_group_says_how_often_and_through_what(scene: Scene) -> None:
    scene.bench.group(revocation_checks={"every_hours": 6, "proxy": "http://proxy.example.com:3128"})
    scene.found(ocsp_urls=[RESPONDER])
    assert scene.run()["next_due_at"] == to_text(START + timedelta(hours=6))
    assert scene.publisher.proxies == ["http://proxy.example.com:3128"]
    scene.bench.group(revocation_checks={"every_hours": 0})
    scene.bench.advance(days=3)
    assert scene.run()["next_due_at"] is None and scene.publisher.asked[RESPONDER] == 1


def test_check_mode_and_other_kinds_of_work_ask_nobody(scene: Scene) -> None:
    scene.found(ocsp_urls=[RESPONDER])
    scene.run(only=["renewals", "leases"])
    scene.run()
    scene.bench.advance(hours=25)
    ports = replace(scene.bench.make_ports(scene.bench.store), check_mode=True, documents=scene.publisher.through)
    planned = lifecycle.plan({}, ports)
    assert not planned.changed and planned.extra["next_due_at"] is None and scene.publisher.asked[RESPONDER] == 1


def test_a_check_alone_keeps_no_run_waiting(scene: Scene) -> None:
    """W4: a run that goes on until a time ends when no work is left, whatever is asked about later."""
    scene.found(ocsp_urls=[RESPONDER])
    result = scene.run(until=to_text(START + timedelta(hours=48)))
    assert scene.bench.clock.now() == START and scene.publisher.asked == {RESPONDER: 1}
    assert result["next_due_at"] == to_text(START + timedelta(hours=24))


def test_what_names_nobody_or_is_not_ours_to_look_at_costs_nothing(scene: Scene) -> None:
    """D5: neither what names no place, nor what has ended, nor what is of an ignored device is asked about."""
    scene.found("plain.example.com")
    scene.found("old.example.com", ocsp_urls=[RESPONDER], days=0)
    scene.found("ignored.example.com", ocsp_urls=[RESPONDER])
    with scene.bench.store.write() as unit:
        unit.devices.add(Device("hidden", sync="ignored"))
        ignored = unit.certificates.get("ignored.example.com")
        assert ignored is not None
        unit.certificates.put(replace(ignored, device="hidden"))
        unit.certificates.add(Certificate("textless", "discovered", "x", state="issued", fingerprint="ab" * 32))
    result = scene.run()
    assert (result["revocation_checks"], result["next_due_at"], scene.publisher.asked) == (0, None, {})
    assert told(scene, "plain.example.com")["state"] == "not_told" and told(scene, "old.example.com") is None


def test_one_crl_tells_of_all_certificates_that_name_it(scene: Scene) -> None:
    """A handful of fetches for all certificates of one CA, although each names a responder as well."""
    leaves = [scene.found(f"w{n}.example.com", ocsp_urls=[RESPONDER], points=[[LIST]]) for n in range(12)]
    scene.ca.revoke(leaves[3], "keyCompromise")
    assert scene.run()["revocation_checks"] == 12
    assert scene.publisher.asked == {LIST: 1}
    states = [scene.bench.certificate(f"w{n}.example.com").state for n in range(12)]
    assert states == ["issued"] * 3 + ["revoked"] + ["issued"] * 8


def test_few_are_asked_about_one_by_one_and_the_crl_stands_in_for_the_responder(scene: Scene) -> None:
    scene.found(ocsp_urls=[RESPONDER], points=[[LIST]])
    scene.run()
    assert scene.publisher.asked == {RESPONDER: 1}
    scene.bench.advance(hours=24)
    scene.publisher.broken.add(RESPONDER)
    scene.run()
    assert scene.publisher.asked == {RESPONDER: 2, LIST: 1} and told(scene)["source"] == LIST


@pytest.mark.parametrize("how", ["away", "broken"])
def test_who_does_not_answer_is_asked_once_a_run_and_fails_nothing(scene: Scene, how: str) -> None:
    """What could not be told is kept with its reason, and asked again after an hour."""
    for number in range(4):
        scene.found(f"w{number}.example.com", ocsp_urls=[RESPONDER])
    scene.found("sound.example.com", ocsp_urls=[OTHER])
    (scene.publisher.away if how == "away" else scene.publisher.broken).update(["ocsp.example.net", RESPONDER])
    result = scene.run()
    assert scene.publisher.asked == {RESPONDER: 1, OTHER: 1} and result["failures"] == []
    assert told(scene, "sound.example.com")["state"] == "good"
    for number in range(4):
        kept = told(scene, f"w{number}.example.com")
        assert kept["state"] == "unknown" and kept["message"].startswith(f"unknown, because Cannot fetch {RESPONDER}: ")
        assert scene.bench.certificate(f"w{number}.example.com").state == "issued"
    assert result["next_due_at"] == to_text(START + timedelta(hours=1))
    scene.publisher.away.clear()
    scene.publisher.broken.clear()
    scene.bench.advance(hours=1)
    scene.run()
    assert told(scene, "w0.example.com")["state"] == "good" and scene.publisher.asked[OTHER] == 1


def test_a_host_that_refuses_one_thing_is_asked_others(scene: Scene) -> None:
    other = RESPONDER.replace(".net/", ".net/other/")
    ports = replace(scene.bench.make_ports(scene.bench.store), documents=scene.publisher.through)
    checks = revocation_checks.Checks(ports)
    scene.found("a.example.com", ocsp_urls=[RESPONDER])
    scene.publisher.broken.add(RESPONDER)
    checks.run()
    scene.found("b.example.com", ocsp_urls=[other])
    scene.bench.advance(minutes=5)
    checks.run()
    assert scene.publisher.asked == {RESPONDER: 1, other: 1} and told(scene, "b.example.com")["state"] == "good"


def test_a_round_has_its_most_fetches_and_the_next_one_goes_on(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other work does not wait behind thousands of questions."""
    monkeypatch.setattr(revocation_checks, "MOST_FETCHES", 3)
    for number in range(8):
        scene.found(f"w{number}.example.com", ocsp_urls=[RESPONDER])
    first = scene.run()
    assert (first["revocation_checks"], first["next_due_at"]) == (3, to_text(START))
    assert scene.run(wait_timeout=60)["revocation_checks"] == 5 and scene.publisher.asked == {RESPONDER: 8}


def test_a_call_that_goes_round_and_round_looks_now_and_then(scene: Scene) -> None:
    """A look costs a read of all certificates, and rounds may be seconds apart."""
    ports = replace(scene.bench.make_ports(scene.bench.store), documents=scene.publisher.through)
    checks = revocation_checks.Checks(ports)
    scene.found("a.example.com", ocsp_urls=[RESPONDER])
    checks.run()
    scene.found("b.example.com", ocsp_urls=[RESPONDER])
    scene.bench.advance(minutes=4)
    checks.run()
    assert checks.count == 1
    scene.bench.advance(minutes=1)
    checks.run()
    assert checks.count == 2


def test_an_issuer_that_is_not_in_the_store_is_said(scene: Scene) -> None:
    """Nothing is believed that cannot be held against the issuer."""
    leaf = scene.found(ocsp_urls=[RESPONDER])
    with scene.bench.store.write() as unit:
        kept = unit.pems.get(print_of(leaf))
        assert kept is not None
        unit.pems.put(replace(kept, root=""))
    scene.run()
    assert "the certificate of its issuer is not in the store" in told(scene)["message"] and not scene.publisher.asked


def test_a_url_that_is_none_is_a_reason_like_others(scene: Scene) -> None:
    """Whoever signs a certificate writes into it what they like."""
    scene.found(ocsp_urls=["http://[x/ocsp", "http://", RESPONDER])
    scene.publisher.broken.update(["http://[x/ocsp", "http://"])
    scene.run()
    assert told(scene)["state"] == "good"


# -- what is slow, blocked, or strange ---------------------------------------------------------------------------------


def moment(text: str) -> float:
    """Give hours from the start."""
    return (from_text(text) - START).total_seconds() / 3600


def test_a_responder_that_takes_its_time_is_given_up_and_the_round_is_short(scene: Scene) -> None:
    """E4, W4: two hundred due certificates and 9 s an answer were half an hour before the first renewal."""
    scene.publisher.takes_s["ocsp.example.net"] = 9
    for number in range(20):
        scene.found(f"w{number}.example.com", ocsp_urls=[RESPONDER])
    scene.run()
    assert scene.publisher.asked == {RESPONDER: 2} and (scene.bench.clock.now() - START).total_seconds() < 20
    states = [told(scene, f"w{number}.example.com")["state"] for number in range(20)]
    assert sorted(states) == ["good"] * 2 + ["unknown"] * 18
    slow = next(told(scene, f"w{n}.example.com") for n in range(20) if states[n] == "unknown")
    assert "Cannot ask ocsp.example.net: it took more than 5 s to answer, 2 times" in slow["message"]


def test_a_slow_answer_now_and_then_puts_nobody_away(scene: Scene) -> None:
    scene.publisher.takes_s["ocsp.example.net"] = 5
    for number in range(4):
        scene.found(f"w{number}.example.com", ocsp_urls=[RESPONDER])
    scene.run()
    assert scene.publisher.asked == {RESPONDER: 4}


def test_a_round_ends_after_a_minute_and_the_next_one_goes_on(scene: Scene) -> None:
    """W4: with port 80 blocked, each of twenty hosts is given up after ten seconds; what is due meanwhile is done."""
    for number in range(20):
        host = f"h{number}.example.net"
        scene.publisher.takes_s[host] = 10
        scene.publisher.away.add(host)
        scene.found(f"w{number}.example.com", ocsp_urls=[f"http://{host}/ocsp"])
    first = scene.run()
    assert first["revocation_checks"] == 6 and sum(scene.publisher.asked.values()) == 6
    assert first["next_due_at"] == first["at"] == to_text(START + timedelta(minutes=1))
    # The next run asks others than the first one did, and one that may wait goes on round after round.
    scene.run()
    assert sum(scene.publisher.asked.values()) == 12
    last = scene.run(wait_timeout=3600)
    assert set(scene.publisher.asked.values()) == {1} and len(scene.publisher.asked) == 20
    assert last["next_due_at"] == to_text(START + timedelta(hours=1))


def test_each_round_gets_on_however_many_places_one_certificate_names(scene: Scene) -> None:
    """Whoever signs a certificate may name a hundred hosts in it that never answer; the others have their turn."""
    hosts = [f"h{number}.example.net" for number in range(12)]
    scene.publisher.takes_s.update(dict.fromkeys(hosts, 10))
    scene.publisher.away.update(hosts)
    lists = [f"http://{host}/x.crl" for host in hosts]
    names = [f"w{number}.example.com" for number in range(5)]
    for name in names:
        scene.found(name, points=[[url] for url in lists])
    scene.found("sound.example.com", ocsp_urls=[OTHER])
    assert scene.run()["revocation_checks"] == 1
    begun = [told(scene, name)["message"] for name in names if told(scene, name)]
    assert len(begun) == 1 and begun[0].endswith("; others were not asked, for the round was over")
    for _run in range(5):
        scene.run()
    assert told(scene, "sound.example.com")["state"] == "good" and all(told(scene, name) for name in names)


def test_a_place_that_is_never_reached_is_asked_more_and_more_seldom(scene: Scene) -> None:
    """D5: a blocked port does not have every certificate written each hour; an answer has it begin anew."""
    scene.found(ocsp_urls=[RESPONDER])
    scene.publisher.away.add("ocsp.example.net")
    at = []
    for _turn in range(7):
        following = scene.run()["next_due_at"]
        at.append(moment(following))
        scene.bench.clock.moment = from_text(following)
    assert at == [1, 3, 7, 15, 31, 55, 79] and scene.publisher.asked == {RESPONDER: 7}
    assert told(scene)["failures"] == 7
    scene.publisher.away.clear()
    assert moment(scene.run()["next_due_at"]) == 79 + 24 and "failures" not in told(scene)
    scene.publisher.away.add("ocsp.example.net")
    scene.bench.advance(hours=24)
    assert moment(scene.run()["next_due_at"]) == 79 + 25


def test_a_hold_that_cannot_be_asked_about_is_asked_about_more_and_more_seldom_too(scene: Scene) -> None:
    leaf = scene.found(ocsp_urls=[RESPONDER])
    scene.ca.revoke(leaf, "certificateHold")
    scene.run()
    scene.publisher.away.add("ocsp.example.net")
    waits = []
    for hours in (24, 1, 2):
        scene.bench.advance(hours=hours)
        now = moment(to_text(scene.bench.clock.now()))
        waits.append(moment(scene.run()["next_due_at"]) - now)
    assert waits == [1, 2, 4] and told(scene)["state"] == "suspended"


@pytest.mark.parametrize("place", [RESPONDER, LIST])
def test_a_fault_at_one_place_is_a_reason_like_others(scene: Scene, place: str) -> None:
    """W4: one strange answer stopped all due work of every run."""
    names = {"ocsp_urls": [RESPONDER]} if place == RESPONDER else {"points": [[LIST]]}
    scene.found(**names)
    scene.found("sound.example.com", ocsp_urls=[OTHER])
    scene.publisher.faults[place] = ValueError("Invalid IPv6 URL")
    assert scene.run()["failures"] == []
    assert f"Cannot fetch {place}: unexpected ValueError: Invalid IPv6 URL; this is a fault" in told(scene)["message"]
    assert told(scene, "sound.example.com")["state"] == "good"


@pytest.mark.parametrize("reader", ["read_ocsp", "subject_of", "ocsp_request"])
def test_a_fault_in_reading_is_a_reason_like_others(scene: Scene, monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    def broken(*_args: Any) -> Any:
        raise KeyError("x")

    scene.found(ocsp_urls=[RESPONDER])
    monkeypatch.setattr(revocation, reader, broken)
    assert scene.run()["failures"] == [] and "unexpected KeyError: 'x'" in told(scene)["message"]


def test_a_fault_in_reading_a_list_is_a_reason_like_others(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any) -> Any:
        raise KeyError("x")

    scene.found(points=[[LIST]])
    with monkeypatch.context() as patched:
        patched.setattr(revocation_lists, "RevocationList", broken)
        scene.run()
    assert "unexpected KeyError: 'x'" in told(scene)["message"]
    scene.bench.advance(hours=1)
    monkeypatch.setattr(revocation_lists.RevocationList, "finding", broken)
    scene.run()
    assert "unexpected KeyError: 'x'" in told(scene)["message"] and told(scene)["failures"] == 2


@pytest.mark.parametrize(
    ("fault", "where", "reason"),
    [
        (KeyError("x"), "failures", "internal_error"),
        (StateError("no", code="lease_held"), "failures", "lease_held"),
        (ConflictError("somebody else was faster"), "waiting", "conflict"),
    ],
)
def test_checks_that_go_wrong_stop_no_other_work(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, fault: Exception, where: str, reason: str
) -> None:
    """W4: the renewal that is due is done, and what went wrong is told as what else goes wrong is."""
    scene.enrolled(auto_renew={"enabled": True})
    scene.live()
    scene.bench.advance(days=40)

    def broken(*_args: Any) -> Any:
        raise fault

    monkeypatch.setattr(revocation_lines, "agenda", broken)
    result = scene.run(fail=False)
    told_ = [one for one in result[where] if one["kind"] == "revocation_checks"]
    assert [one["reason"] for one in told_] == [reason]
    assert [one["kind"] for one in result["done"]].count("renewals") == 1
    monkeypatch.undo()
    assert not [one for one in scene.run(fail=False)[where] if one["kind"] == "revocation_checks"]


def test_checks_that_go_wrong_are_told_until_they_go_right(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """W4: a call that goes on does not go round at once for them, nor forget them while it does not look."""
    ports = replace(scene.bench.make_ports(scene.bench.store), documents=scene.publisher.through)
    runner, report = lifecycle.Runner({}, ports), lifecycle.Report()
    monkeypatch.setattr(revocation_checks, "MOST_FETCHES", 1)
    for name in ("a.example.com", "b.example.com", "c.example.com"):
        scene.found(name, ocsp_urls=[RESPONDER])
    runner.run(report)
    assert runner.checks.is_more
    with monkeypatch.context() as patched:
        patched.setattr(revocation_lines, "keep", None)
        for _minute in range(2):
            runner.run(report)
            assert [one["reason"] for one in report.result(0)["failures"]] == ["internal_error"]
            assert not runner.checks.is_more and report.next_check_at == scene.bench.clock.now() + timedelta(hours=1)
            scene.bench.advance(minutes=1)
    scene.bench.advance(minutes=5)
    runner.run(report)
    assert report.result(0)["failures"] == [] and report.next_at is not None


# -- what follows ------------------------------------------------------------------------------------------------------


def test_a_revocation_elsewhere_is_seen_told_and_final(scene: Scene) -> None:
    """As if it had been revoked here: state, attention, audit once; nobody is asked about it any more."""
    leaf = scene.found(ocsp_urls=[RESPONDER])
    scene.run()
    scene.ca.revoke(leaf, "keyCompromise", START - timedelta(days=1))
    scene.bench.advance(hours=24)
    scene.run()
    assert scene.bench.certificate().state == "revoked"
    assert told(scene)["reason"] == "key_compromise"
    [event] = scene.attention()
    assert (event["severity"], event["reason"], event["network"]) == ("critical", "revoked", "production")
    assert event["since"] == to_text(START - timedelta(days=1)) and "production still serves it" in event["message"]
    [line] = scene.audited()
    assert (line.actor, line.action, line.key) == ("tester", "certificate_found_revoked", NAME)
    assert line.before is not None and line.after is not None
    assert (line.before["state"], line.after["state"]) == ("issued", "revoked")
    scene.bench.advance(days=3)
    scene.run()
    assert scene.publisher.asked == {RESPONDER: 2} and len(scene.audited()) == 1
    assert scene.bench.store.verify_audit() == []


def test_a_hold_is_seen_told_and_its_end_as_well(scene: Scene) -> None:
    """E4: suspended, and back; each is in the audit once."""
    leaf = scene.found(ocsp_urls=[RESPONDER])
    scene.ca.revoke(leaf, "certificateHold")
    scene.run()
    assert scene.bench.certificate().state == "suspended"
    [event] = scene.attention()
    assert (event["severity"], event["reason"]) == ("critical", "suspended") and "on hold at its CA" in event["message"]
    scene.bench.advance(hours=24)
    scene.publisher.away.add("ocsp.example.net")
    scene.run()
    assert scene.bench.certificate().state == "suspended" and told(scene)["message"].startswith("unknown, because")
    scene.publisher.away.clear()
    scene.ca.release(leaf)
    scene.bench.advance(hours=1)
    scene.run()
    assert scene.bench.certificate().state == "issued" and scene.attention() == []
    assert [line.action for line in scene.audited()] == ["certificate_found_suspended", "certificate_hold_ended"]


def renewing(scene: Scene) -> Pair:
    """Have a certificate that renews itself, and its window open."""
    leaf = scene.enrolled(auto_renew={"enabled": True}, auto_regenerate={"enabled": True})
    scene.live()
    return leaf


@pytest.mark.parametrize("reason", ["certificateHold", "keyCompromise"])
def test_what_is_on_hold_or_revoked_neither_renews_nor_regenerates_by_itself(scene: Scene, reason: str) -> None:
    """E3, E4: only a valid certificate does; the CA is asked before anything is begun. A hold is told as stuck."""
    leaf = renewing(scene)
    scene.bench.advance(days=40)
    scene.ca.revoke(leaf, reason)
    result = scene.run(fail=False)
    assert result["done"] == [] and len(scene.bench.requests()) == 1
    stuck = [(one["certificate"], one["reason"]) for one in result["failures"]]
    assert stuck == ([(NAME, "certificate_suspended")] if reason == "certificateHold" else [])
    told_of = [one["reason"] for one in scene.attention("renewal_stopped")]
    assert told_of == (["certificate_suspended"] if stuck else [])
    if stuck:
        scene.ca.release(leaf)
        scene.bench.advance(hours=24)
        assert [one["kind"] for one in scene.run()["done"]] == ["renewals"]


def test_what_is_on_hold_is_not_pushed_nor_regenerated_and_may_be_renewed(scene: Scene) -> None:
    """E4, U6: refused with a code that says what to do; a renewal by hand has another one."""
    leaf = scene.enrolled()
    scene.live()
    scene.ca.revoke(leaf, "certificateHold")
    scene.run()
    with pytest.raises(StateError, match="Cannot push www.example.com: its CA has put it on hold") as caught:
        scene.bench.push(network="production")
    assert caught.value.code == "certificate_suspended"
    with pytest.raises(StateError, match="Cannot regenerate www.example.com: its CA has put it on hold") as caught:
        scene.bench.enroll(action="regenerate")
    assert caught.value.code == "certificate_suspended"
    scene.bench.enroll(action="renew", force=True)
    assert scene.bench.certificate().state == "issued"
    scene.bench.push()


def test_what_was_revoked_elsewhere_is_not_pushed_and_told_until_another_is_served(scene: Scene) -> None:
    """U6: as what was revoked here; the line goes on with another one, and production is told of until it has it."""
    leaf = scene.enrolled()
    scene.live()
    scene.run()
    scene.ca.revoke(leaf, "cACompromise")
    scene.bench.advance(hours=24)
    scene.run()
    with pytest.raises(StateError, match="is revoked") as caught:
        scene.bench.push(network="production")
    assert caught.value.code == "certificate_revoked"
    scene.bench.enroll(action="regenerate", force=True)
    assert scene.bench.certificate().state == "issued" and len(scene.attention()) == 1
    scene.live()
    scene.run()
    assert scene.bench.certificate().state == "issued" and scene.attention() == []


def test_a_renewed_certificate_on_hold_is_not_pushed_by_itself(scene: Scene) -> None:
    """A5, E4: the CA is asked before the push that is due."""
    scene.bench.group(push_automatically=True)
    scene.enrolled()
    scene.bench.connector(push_automatically=True)
    scene.live()
    scene.bench.enroll(action="renew", force=True)
    scene.ca.revoke(scene.publisher.leaves[-1], "certificateHold")
    assert scene.run()["done"] == [] and len(scene.bench.orders()) == 1
    scene.ca.revoked.clear()
    scene.bench.advance(hours=24)
    assert [one["kind"] for one in scene.run()["done"]] == ["automatic_pushes"]


def test_what_was_revoked_from_here_is_kept_in_the_same_way(scene: Scene) -> None:
    """One place tells of both; nobody is asked about it."""
    scene.enrolled()
    revoke = {"action": "revoke", "certificate": NAME, "reason": "superseded"}
    enroll.plan(revoke, scene.bench.ports).execute()
    scene.run()
    line = scene.bench.certificate()
    assert (line.state, told(scene)["reason"], told(scene)["source"]) == ("revoked", "superseded", "")
    assert not scene.publisher.asked and scene.attention()[0]["since"] == told(scene)["revoked_at"]


def test_what_production_still_serves_of_a_renewed_line_is_asked_about(scene: Scene) -> None:
    """Every fingerprint of a line: the older one is revoked while the newer one waits for its push."""
    leaf = scene.enrolled()
    scene.live()
    scene.bench.enroll(action="renew", force=True)
    scene.ca.revoke(leaf, "superseded")
    scene.run()
    line = scene.bench.certificate()
    assert line.state == "issued" and set(line.revocation) == {print_of(leaf), line.fingerprint}
    [event] = scene.attention()
    assert (event["network"], event["severity"]) == ("production", "critical") and print_of(leaf) in event["message"]
    assert scene.bench.certificate(line.parent).state == "revoked"
    assert [one.key for one in scene.audited()] == [NAME, line.parent]


def test_the_second_key_of_a_line_counts_as_well(scene: Scene) -> None:
    """E10: one of the two is revoked, so the line is."""
    first, second = scene.found(ocsp_urls=[RESPONDER]), scene.ca.leaf(ocsp_urls=[RESPONDER])
    scene.keep(second)
    with scene.bench.store.write() as unit:
        line = unit.certificates.get(NAME)
        assert line is not None
        both = {**line.production, "others": [{"fingerprint": print_of(second)}]}
        unit.certificates.put(replace(line, production=both))
    scene.ca.revoke(second)
    scene.run()
    assert scene.bench.certificate().state == "revoked" and told(scene)["state"] == "good"
    [event] = scene.attention()
    assert print_of(second) in event["message"] and print_of(first) not in event["message"]


def discovered(scene: Scene, prints: Sequence[str]) -> Certificate:
    """Discover the line with this on production; give what would be stored, or what is."""
    ends = "2030-03-01T00:00:00Z"
    facts = [{"fingerprint": one, "serial": "01", "issuer": "CN=x", "not_after": ends} for one in prints]
    one = Found(
        enrollment_id=10001,
        contract_id="C-1",
        common_name=NAME,
        sans=(NAME,),
        validation_type="third-party",
        certificate_type="third-party",
        secure_network="standard-tls",
        change_management=True,
        pending_changes=(),
        production=NetworkFacts(tuple(facts)),
        staging=NetworkFacts(()),
    )
    sweep = Sweep(iter([one] if prints else []))
    found = compare("edge", sweep, scene.bench.store, START, contracts=["C-1"], want_pem=False)
    changed = [*found.changed, *found.vanished]
    with scene.bench.store.write() as unit:
        unit.certificates.put_many(changed)
    return scene.bench.certificate()


@pytest.mark.parametrize(("reason", "state"), [("certificateHold", "suspended"), ("keyCompromise", "revoked")])
def test_a_discovery_does_not_undo_what_the_ca_said(scene: Scene, reason: str, state: str) -> None:
    """D7: the same certificate stays what it is, also when it was gone for a while; another one begins anew."""
    leaf = scene.found(ocsp_urls=[RESPONDER])
    scene.ca.revoke(leaf, reason)
    scene.run()
    assert discovered(scene, [print_of(leaf)]).state == state
    assert discovered(scene, []).state == "vanished"
    assert discovered(scene, [print_of(leaf)]).state == state
    assert discovered(scene, ["cd" * 32]).state == "issued"
    assert scene.attention() == []


def test_a_line_that_goes_back_has_the_state_of_what_it_goes_back_to(scene: Scene) -> None:
    """U5: a rollback to a certificate on hold."""
    leaf = scene.enrolled()
    scene.live()
    scene.bench.enroll(action="renew", force=True)
    scene.ca.revoke(leaf, "certificateHold")
    scene.run()
    scene.bench.push()
    scene.bench.push(action="rollback")
    line = scene.bench.certificate()
    assert (line.fingerprint, line.state) == (print_of(leaf), "suspended")


def test_the_group_of_a_certificate_may_be_gone(scene: Scene) -> None:
    """It counts as in the default one."""
    scene.found(ocsp_urls=[RESPONDER])
    with scene.bench.store.write() as unit:
        line = unit.certificates.get(NAME)
        assert line is not None
        unit.certificates.put(replace(line, group="gone"))
        unit.groups.add(Group("other", revocation_checks={"every_hours": 1}))
    assert scene.run()["next_due_at"] == to_text(START + timedelta(hours=24))
