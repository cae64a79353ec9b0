# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many slow edges are asked what they do no more: the lease is held on, and who is silent is asked once (U6, U3+)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm.refusal_proof import (
    Absence,
    AbsenceProver,
    VersionProver,
    Versions,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ConflictError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._target.edge_base import Edges, Place, Presented

NAMES = [f"n{number}.example.com" for number in range(8)]
EDGES = {"production": ["192.0.2.1", "192.0.2.2"], "names": NAMES}
SILENT = "192.0.2.1"
STEP_S = 10.0


class MovedClock:
    """Stands still, but for what is asked."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=self.ahead_s)

    def monotonic(self) -> float:
        return self.ahead_s

    def sleep(self, seconds: float) -> None:
        self.ahead_s += seconds


class SlowEdges(Edges):
    """Two edges, each of which takes its time; one may not answer."""

    def __init__(self, clock: MovedClock, silent: str = "", kind: str = "timeout") -> None:
        self.clock, self.silent, self.kind = clock, silent, kind
        self.asked: list[str] = []

    def _answer(self, address: str) -> None:
        self.asked.append(address)
        self.clock.sleep(STEP_S)
        if address == self.silent:
            raise TransportError(f"{address} did not answer", kind=self.kind, sent=False)

    def presented(self, address: str, server_name: str, key_algorithm: str) -> Presented:
        self._answer(address)
        return Presented("AA")

    def takes_version(self, address: str, server_name: str, version: str) -> bool | None:
        self._answer(address)
        return version != "TLSv1"

    def host_reasons(self, host: str) -> Sequence[str]:
        return ()

    def host_of(self, host: str, network: str) -> str:
        return host

    def places(self, address: str, family: str) -> Sequence[Place]:
        return (Place(address),)

    def places_of_name(self, server_name: str, network: str, family: str) -> Sequence[Place]:
        return ()


def test_an_edge_that_is_silent_is_not_asked_for_every_name() -> None:
    """A time-out for each name and version would outlast the lease."""
    clock = MovedClock()
    probe = SlowEdges(clock, SILENT)
    prover = VersionProver(Versions("production", EDGES, NAMES, ["TLSv1"]), probe, clock)
    assert prover.look() == [f"{SILENT} did not answer"]
    assert probe.asked.count(SILENT) == 1 and len(prover.evidence) == len(NAMES)
    probe.silent = ""
    assert prover.look() == [] and len(prover.evidence) == 2 * len(NAMES)


def test_trouble_with_one_name_leaves_the_others_to_be_asked_for() -> None:
    clock = MovedClock()
    probe = SlowEdges(clock, SILENT, kind="tls")
    VersionProver(Versions("production", EDGES, NAMES, ["TLSv1"]), probe, clock).look()
    assert probe.asked.count(SILENT) == len(NAMES)


@pytest.mark.parametrize("kind", ["versions", "absence"])
def test_what_is_held_for_the_proof_is_held_on_while_edges_are_asked(kind: str) -> None:
    """W5: and the proof ends where it is held no more."""
    clock, told = MovedClock(), []
    probe = SlowEdges(clock)

    def alive() -> None:
        told.append(clock.monotonic())
        if len(told) == 3:
            raise ConflictError("another run took it over")

    versions, absence = (
        Versions("production", EDGES, NAMES, ["TLSv1"]),
        Absence("production", EDGES, NAMES, {"RSA": "BB"}),
    )
    of_versions, of_absence = (
        VersionProver(versions, probe, clock, alive),
        AbsenceProver(absence, probe, clock, alive),
    )
    look = of_versions.look if kind == "versions" else of_absence.look
    with pytest.raises(ConflictError):
        look()
    assert told == [30.0, 60.0, 90.0]
