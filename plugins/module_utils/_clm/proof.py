# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof of a deployment by handshakes with edge servers. Stores nothing and knows no work order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._core.clock import Clock, to_text
from .._core.errors import TransportError
from .._target.base import EdgeProbe


def handshakes(
    probe: EdgeProbe, edges: Sequence[str], sans: Sequence[str], fingerprints: Mapping[str, str], clock: Clock
) -> tuple[list[dict[str, str]], list[str]]:
    """Ask every edge for every name and key; gives the evidence, and a sentence for each that is not proved.

    :param fingerprints: of the leaves that were pushed, by key algorithm.
    """
    names = [name for name in sans if not name.startswith("*.")] or [
        name.replace("*", "edgecert-probe", 1) for name in sans[:1]
    ]
    evidence, missing = [], []
    for address in edges:
        for name in names:
            for algorithm, fingerprint in fingerprints.items():
                try:
                    shown = probe.presented(address, name, algorithm)
                except TransportError as exc:
                    missing.append(exc.message)
                    continue
                if shown == fingerprint:
                    where, at = f"{name} at {address}", to_text(clock.now())
                    evidence.append({"kind": "handshake", "where": where, "fingerprint": shown, "at": at})
                else:
                    missing.append(f"{address} presents {shown} for {name}, {fingerprint} was pushed")
    return evidence, missing
