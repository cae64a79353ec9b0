# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof of a deployment: handshakes with edge servers, or what the remote side says it deployed.

Stores nothing and knows no work order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .._core.clock import Clock, to_text
from .._core.errors import TransportError
from .._target.base import EdgeProbe

Evidence = list[dict[str, str]]


def of_network(
    network: str,
    probe: Callable[[], EdgeProbe],
    edges: Sequence[str],
    sans: Sequence[str],
    fingerprints: Mapping[str, str],
    clock: Clock,
) -> tuple[Evidence, list[str]]:
    """Give what proves that a network serves what was pushed, and a sentence for each thing that is not proved.

    :param edges: addresses to ask; without any the caller's look at the deployments is the evidence.
    :param fingerprints: of the leaves that were pushed, by key algorithm.
    """
    if not edges:
        at = to_text(clock.now())
        entries = fingerprints.values()
        return [_entry("api", network, "deployments", fingerprint, at) for fingerprint in entries], []
    evidence, missing = _handshakes(network, probe(), edges, sans, fingerprints, clock)
    if not evidence and not missing:
        missing = ["the certificate has no name to ask an edge for"]
    return evidence, missing


def _entry(kind: str, network: str, where: str, fingerprint: str, at: str) -> dict[str, str]:
    return {"kind": kind, "network": network, "where": where, "fingerprint": fingerprint, "at": at}


def _handshakes(
    network: str,
    probe: EdgeProbe,
    edges: Sequence[str],
    sans: Sequence[str],
    fingerprints: Mapping[str, str],
    clock: Clock,
) -> tuple[Evidence, list[str]]:
    """Ask every edge for every name and key."""
    names = [name for name in sans if not name.startswith("*.")] or [
        name.replace("*", "edgecert-probe", 1) for name in sans[:1]
    ]
    evidence: Evidence = []
    missing = []
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
                    evidence.append(_entry("handshake", network, where, shown, at))
                else:
                    missing.append(f"{address} presents {shown} for {name}, {fingerprint} was pushed")
    return evidence, missing
