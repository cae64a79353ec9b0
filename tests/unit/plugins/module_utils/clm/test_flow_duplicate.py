# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another enrollment of a common name beside one that is there, for what CPS never changes of that (E9, W5)."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, ConflictError, InputError
from ansible_collections.edgecert.clm.tests.support.crash import distinct, watch
from ansible_collections.edgecert.clm.tests.support.flow import ENROLLMENTS, Bench
from ansible_collections.edgecert.clm.tests.support.lives import PAST_LEASES_S
from ansible_collections.edgecert.clm.tests.support.stopping import Killed, Stops
from ansible_collections.edgecert.clm.tests.support.undoing import live

Record = dict[str, Any]
BESIDE = {"secure_network": "enhanced-tls", "allow_duplicate": True}


def beside(bench: Bench, certificate: str = "new-id", **options: Any) -> Record:
    """Enrol the same common name under another id."""
    return dict(bench.enroll(certificate=certificate, **{**BESIDE, **options}).record or {})


def creates(bench: Bench) -> list[str]:
    """Give the queries of the creates since the last look."""
    return [path for method, path in bench.calls() if method == "POST" and path.startswith("/cps/v2/enrollments?")]


def test_what_cps_never_changes_is_had_beside_what_serves(bench: Bench) -> None:
    """E9, E10: each refusal names the way, and that way can be gone; what is live is not touched."""
    before = live(bench)
    with pytest.raises(InputError) as refused:
        bench.enroll_action("renew", bench.name(), secure_network="enhanced-tls", force=True)
    assert refused.value.code == "needs_new_enrollment"
    assert "under another certificate id with allow_duplicate: true" in refused.value.message
    with pytest.raises(InputError, match="with allow_duplicate: true of edgecert.clm.cert_enroll"):
        bench.push(action="configure", network="production", network_settings={"quic": True, "sni_only": False})
    bench.settings(secure_network="enhanced-tls")
    with pytest.raises(ConflictError) as exists:
        beside(bench, allow_duplicate=None)
    assert exists.value.code == "enrollment_exists" and "with allow_duplicate: true" in exists.value.message
    bench.calls()
    made = beside(bench)
    [create] = creates(bench)
    assert "allow-duplicate-cn=true" in create
    assert made["state"] == "issued" and made["enrollment_id"] != before.enrollment_id
    bench.connector(certificate="new-id")
    assert dict(bench.push(certificate="new-id", network="production").record or {})["state"] == "completed"
    there = {one["enrollment_id"]: one["production"].certificates for one in bench.enrollments()}
    assert there[before.enrollment_id][0]["fingerprint"] == before.fingerprint and len(there) == 2
    assert not bench.plan_enroll(certificate="new-id", **BESIDE).changed
    assert not bench.plan_enroll(certificate="new-id", secure_network="enhanced-tls").changed


def test_the_certificates_own_enrollment_is_no_reason_for_another(bench: Bench) -> None:
    """Design §8: one certificate id has one enrollment, whatever is allowed."""
    live(bench)
    assert not bench.plan_enroll(allow_duplicate=True).changed
    bench.settings(secure_network="enhanced-tls")
    with pytest.raises(ClmError) as caught:
        beside(bench, certificate=bench.name())
    assert caught.value.code == "already_enrolled"
    with pytest.raises(InputError, match="only action: enroll opens enrollments"):
        bench.enroll_action("renew", bench.name(), allow_duplicate=True)
    with pytest.raises(InputError, match="allow_duplicate"):
        bench.plan_enroll(certificate="local", csr_source="local", device=None, allow_duplicate=True)


def test_what_a_cancelled_request_left_is_taken_back_and_not_passed_over(bench: Bench) -> None:
    """Design §8, W1: the certificate's own enrollment is in the way of another one; the refusal says how it goes."""
    bench.prepare()
    bench.sandbox.configure({"csr_s": 500})
    first = dict(bench.enroll(wait=False).record or {})
    bench.act("tester", "cancel", request_id=first["request_id"])
    names = {"dns": [bench.name("more")], "ip": [], "email": [], "uri": []}
    with pytest.raises(ConflictError) as caught:
        bench.enroll(subject_alternative_names=names, allow_duplicate=True)
    assert caught.value.code == "enrollment_exists"
    assert f"request_id: {first['request_id']}, action: cancel and cancel_change: true" in caught.value.message
    bench.act("tester", "cancel", request_id=first["request_id"], cancel_change=True, wait=True, wait_timeout=600)
    bench.sandbox.configure({"csr_s": 3})
    made = dict(bench.enroll(subject_alternative_names=names, allow_duplicate=True).record or {})
    assert made["state"] == "issued" and len(bench.enrollments()) == 1


def test_a_run_that_ends_anywhere_opens_one_enrollment_and_takes_no_other_for_it(bench: Bench) -> None:
    """W5, design §8: an older enrollment that fits just as well, and is being made, is never taken for the new one."""
    bench.prepare()
    # Of no certificate here, still being made, and in all the same as what is asked for.
    bench.sandbox.configure({"csr_s": 1})
    fatal, places, number = 0, [0], 0
    while places:
        fatal, number = places.pop(), number + 1
        name, options = bench.name(f"n{number}"), {"allow_duplicate": True, "wait_timeout": 1800}
        foreign = dict(bench.enroll(certificate=f"foreign-{number}", common_name=name, wait=False).record or {})
        with bench.store.write() as unit:
            for certificate in unit.certificates.find(certificate_id=f"foreign-{number}"):
                unit.certificates.remove(certificate)
            for request in unit.requests.find(certificate_id=f"foreign-{number}"):
                unit.requests.remove(request)
        stops = Stops(fatal)
        bench.calls()
        watch(stops)
        try:
            bench.enroll(certificate=f"new-{number}", common_name=name, **options)
        except Killed:
            pass
        finally:
            mock.patch.stopall()
        if not fatal:
            places = distinct(stops.names)
            assert len(places) > 8, stops.names
        bench.advance(PAST_LEASES_S)
        done = dict(bench.enroll(certificate=f"new-{number}", common_name=name, **options).record or {})
        assert done["state"] == "issued", stops.names[-1]
        assert done["enrollment_id"] != foreign["enrollment_id"], stops.names[-1]
        assert len(creates(bench)) == 1, stops.names[-1]
        with bench.store.read() as unit:
            assert unit.intents.find(finished_at=None) == [], stops.names[-1]


@pytest.mark.parametrize("kind", ["lost_after", "server_error"])
def test_a_lost_create_is_looked_for_before_another_is_sent(bench: Bench, kind: str) -> None:
    """W5, cps-protocol §5.2: CPS refuses no second one here, so that it is asked again only once it would show."""
    live(bench)
    bench.settings(secure_network="enhanced-tls")
    bench.sandbox.fault(kind, method="POST", path=ENROLLMENTS)
    # At once it is not seen in the list.
    bench.sandbox.fault("server_error", method="GET", path=ENROLLMENTS, nth=3, times=9)
    bench.calls()
    with pytest.raises(ClmError):
        beside(bench)
    bench.sandbox.clear_faults()
    sent = len(creates(bench))
    waits = beside(bench, wait=False)
    is_done = kind == "lost_after"
    assert (sent, len(creates(bench))) == (1, 0)
    assert bool(waits["enrollment_id"]) == is_done and (is_done or waits["reason"] == "create_too_soon")
    made = beside(bench, wait_timeout=1800)
    assert made["state"] == "issued" and len(creates(bench)) == (0 if is_done else 1)
    assert len(bench.enrollments()) == 2
