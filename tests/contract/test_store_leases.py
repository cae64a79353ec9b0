# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store's contract: leases, and the count of API calls that processes share."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ConflictError
from ansible_collections.edgecert.clm.plugins.module_utils._core.ledger import CallLedger, Limits, MemoryLedger
from ansible_collections.edgecert.clm.tests.support.stores import (
    NOON,
    StorePlace,
    in_processes,
    reserve_calls,
    take_lease,
)

LIMITS = Limits(per_minute=5, burst=3, burst_window_s=2.0, family_per_minute={"few": 2})


def test_a_held_lease_keeps_others_out_and_says_who_holds_it(place: StorePlace) -> None:
    with place.open("alice@one") as one, place.open("bob@two") as other:
        with one.lease("certificate www.example.com", 60):
            for taker in (one, other):
                with pytest.raises(ConflictError, match="alice@one is at it, until 2026-11-23T12:01:00") as caught:
                    taker.lease("certificate www.example.com", 60).__enter__()
                assert caught.value.code == "lease_held"
                assert caught.value.retryable
            with other.lease("certificate other.example.com", 60):
                pass
        with other.lease("certificate www.example.com", 60):
            pass


def test_a_lease_is_given_back_when_the_block_raises(place: StorePlace) -> None:
    with place.open() as one, place.open() as other:
        with pytest.raises(KeyError), one.lease("x", 60):
            raise KeyError("a bug")
        with other.lease("x", 60):
            pass
    assert place.execute("SELECT COUNT(*) FROM leases") == [(0,)]


def test_an_expired_lease_is_taken_over_and_its_old_holder_cannot_give_it_back(place: StorePlace) -> None:
    with place.open("alice") as one, place.open("bob") as other:
        with one.lease("x", 60):
            place.clock.sleep(59.999)
            with pytest.raises(ConflictError):
                other.lease("x", 60).__enter__()
            place.clock.sleep(0.001)
            taken = other.lease("x", 60)
            taken.__enter__()
            with pytest.raises(ConflictError, match="bob"):
                one.renew("x", 60)
        with pytest.raises(ConflictError, match="bob"):
            one.lease("x", 60).__enter__()
        taken.__exit__(None, None, None)
        with one.lease("x", 60):
            pass


def test_a_renewed_lease_lasts_longer(place: StorePlace) -> None:
    with place.open("alice") as one, place.open("bob") as other, one.lease("x", 60):
        place.clock.sleep(50)
        one.renew("x", 60)
        place.clock.sleep(50)
        with pytest.raises(ConflictError, match="alice"):
            other.lease("x", 60).__enter__()


@pytest.mark.slow
def test_of_eight_processes_one_gets_the_lease(place: StorePlace) -> None:
    with place.open():
        pass
    assert sorted(in_processes(take_lease, place.url, 8)) == [False] * 7 + [True]


def test_the_ledger_decides_as_the_one_in_memory(place: StorePlace) -> None:
    with place.open() as store:
        ledgers: list[CallLedger] = [store.ledger, MemoryLedger()]
        waits: list[list[float]] = [[], []]
        for ledger, seen in zip(ledgers, waits, strict=True):
            now = NOON
            for turn in range(60):
                seen.append(ledger.reserve("account", "few" if turn % 3 else "", LIMITS, now))
                if turn == 20:
                    ledger.block("account", now + timedelta(seconds=30))
                    ledger.block("account", now + timedelta(seconds=10))
                now += timedelta(seconds=2.5 if turn % 4 else 0.1)
        assert waits[0] == waits[1]
        assert 0 in waits[0]
        assert any(waits[0])


def test_a_blocked_account_stops_itself_alone_for_all_processes(place: StorePlace) -> None:
    with place.open() as one, place.open() as other:
        one.ledger.block("account", NOON + timedelta(seconds=30))
        assert other.ledger.reserve("account", "", LIMITS, NOON) == 30
        assert other.ledger.reserve("another", "", LIMITS, NOON) == 0
        assert other.ledger.reserve("account", "", LIMITS, NOON + timedelta(seconds=30)) == 0


def test_old_calls_are_forgotten(place: StorePlace) -> None:
    with place.open() as store:
        limits = replace(LIMITS, burst=100, per_minute=100)
        for second in range(300):
            assert store.ledger.reserve("account", "", limits, NOON + timedelta(seconds=second)) == 0
    (calls,) = place.execute("SELECT calls FROM ledger")[0]
    assert str(calls).count("2026") == 60


@pytest.mark.postgres
def test_on_postgresql_a_call_does_not_wait_for_a_running_unit(postgres_url: str) -> None:
    place = StorePlace(postgres_url)
    with place.open() as one, place.open() as other, one.write():
        assert other.ledger.reserve("account", "", LIMITS, NOON) == 0


@pytest.mark.slow
def test_eight_processes_get_no_more_calls_than_allowed(place: StorePlace) -> None:
    with place.open():
        pass
    now = datetime.now(timezone.utc)
    assert sum(in_processes(reserve_calls, place.url, 8, 10, now)) == 25
