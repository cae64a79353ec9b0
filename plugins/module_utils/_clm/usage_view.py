# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where certificates are used: the host names of properties that their names stand for (cps-protocol §4.4).

Reads only, so a device that is monitored is looked at like a managed one. The names of all certificates of a device are
looked for at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from .._core.errors import RemoteError
from .._core.names import covers
from .._core.types import Certificate, Device
from . import usage
from .on_demand import why_not
from .ports import Ports


def used(
    certificates: Sequence[Certificate], devices: Mapping[str, Device], ports: Ports, budget: int | None
) -> list[dict[str, Any]]:
    """Look where certificates are used; gives an entry for each, in their order.

    :param budget: API calls after which no further device is looked at; None for no such limit.
    """
    of_device: dict[str, list[Certificate]] = defaultdict(list)
    for certificate in certificates:
        of_device[certificate.device].append(certificate)
    found = {}
    for name, members in of_device.items():
        names = sorted({san for one in members for san in one.sans})
        found[name] = _looked(ports, devices.get(name), name, names, budget)
    return [_view(one, found[one.device]) for one in certificates]


def _looked(ports: Ports, device: Device | None, name: str, names: Sequence[str], budget: int | None) -> usage.Usage:
    problem = why_not(device, name, ports, budget)
    if problem or device is None:
        return usage.Usage(tuple(names), problem=problem)
    try:
        return usage.look(ports, device, names)
    except RemoteError as exc:
        # The other devices can be looked at all the same.
        return usage.Usage(tuple(names), problem=f"device {name} could not be asked: {exc.message}")


def _view(certificate: Certificate, looked: usage.Usage) -> dict[str, Any]:
    """Show what uses one certificate, with the names that nothing uses; ``looked`` is False where nobody knows."""
    sans = certificate.sans
    hostnames = [
        {**shown, "names": [name for name in sans if covers(name, shown["hostname"])]}
        for shown in looked.view()["hostnames"]
        if any(covers(name, shown["hostname"]) for name in sans)
    ]
    in_use = {name for shown in hostnames for name in shown["names"]}
    return {
        "certificate": certificate.certificate_id,
        "device": certificate.device,
        "looked": not looked.problem,
        "problem": looked.problem,
        "hostnames": hostnames,
        "unused_names": [] if looked.problem else [name for name in sans if name not in in_use],
    }
