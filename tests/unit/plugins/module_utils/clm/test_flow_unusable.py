# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be used by the time it would be handed over is not, and what CPS refuses is not sent for ever (U6)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import PolicyError, RemoteError
from ansible_collections.edgecert.clm.tests.support.virtual_bench import DAYS, VirtualBench


def outcome(virtual: VirtualBench) -> tuple[str, str, int]:
    """Give where the newest order stands, why, and how many uploads there were."""
    order = virtual.orders()[-1]
    return order.state, order.reason, virtual.cps.calls["upload"]


def later(virtual: VirtualBench, days: float) -> str:
    return to_text(virtual.clock.moment + timedelta(days=days))


def test_a_time_after_the_certificates_end_is_refused(virtual: VirtualBench) -> None:
    """U6, W2: with the push, by another call and by schedule; nothing is recorded of the first."""
    virtual.issued()
    with pytest.raises(PolicyError, match="expired on") as caught:
        virtual.push(schedule_at=later(virtual, DAYS + 3))
    assert caught.value.code == "certificate_unusable" and virtual.orders() == []
    virtual.push(schedule_at=later(virtual, 40))
    number = virtual.orders()[0].work_order_id
    with pytest.raises(PolicyError, match="expired on"):
        virtual.push(schedule_at=later(virtual, DAYS + 3))
    with pytest.raises(PolicyError, match="expired on"):
        virtual.act("tester", "schedule", work_order_id=number, at=later(virtual, DAYS + 3))
    assert virtual.act("tester", "schedule", work_order_id=number, at=later(virtual, 41)).record


def test_an_order_that_is_run_after_the_certificates_end_sends_nothing_and_ends(virtual: VirtualBench) -> None:
    """U6, W4: it was scheduled in time, and nobody ran what was due."""
    virtual.issued()
    virtual.push(schedule_at=later(virtual, 40))
    virtual.advance(days=DAYS + 3)
    told = virtual.run_due(fail=False)
    assert [one["reason"] for one in told["failures"]] == ["certificate_unusable"]
    assert outcome(virtual) == ("cancelled", "certificate_unusable", 0) and virtual.cps.refused == []
    assert virtual.run_due(fail=False)["failures"] == []


def test_an_order_that_was_begun_and_could_not_be_sent_in_time_fails(virtual: VirtualBench) -> None:
    """U6, W5: CPS was away until the certificate had ended."""
    virtual.issued()

    def lost(name: str) -> None:
        if name == "upload":
            raise RemoteError("the service is not available", status=503, code="unavailable")

    virtual.cps.at_call = lost
    with pytest.raises(RemoteError):
        virtual.push()
    virtual.cps.at_call = None
    virtual.advance(days=DAYS + 3)
    told = virtual.run_due(fail=False)
    assert [one["reason"] for one in told["failures"]] == ["certificate_unusable"]
    assert outcome(virtual) == ("failed", "certificate_unusable", 1)


@pytest.mark.parametrize(("status", "tries", "ended"), [(400, 3, ("failed", "upload_refused")), (403, 6, None)])
def test_what_cps_refuses_is_sent_a_few_times_and_not_for_ever(
    virtual: VirtualBench, status: int, tries: int, ended: tuple[str, str] | None
) -> None:
    """U6, W5: a no to the certificate ends the order, a no to the login waits until that is mended."""
    virtual.issued()

    def no(name: str) -> None:
        if name == "upload":
            raise RemoteError("it is not taken", status=status, code="http_error")

    virtual.cps.at_call = no
    with pytest.raises(RemoteError):
        virtual.push()
    for _round in range(5):
        virtual.advance(hours=2)
        virtual.run_due(fail=False)
    state, reason, uploads = outcome(virtual)
    assert uploads == tries
    assert (state, reason) == (ended or ("implementing", "http_error"))
    if ended:
        assert "refused the certificate 3 times, the last time with: it is not taken" in virtual.orders()[-1].message
        virtual.cps.at_call = None
        virtual.act("tester", "retry", work_order_id=virtual.orders()[-1].work_order_id, wait=True, wait_timeout=7200)
        assert outcome(virtual) == ("completed", "", 4)
