# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be proven for the names of DV certificates, asked of their devices (cps-protocol §2.5). Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.errors import RemoteError
from .._core.types import Certificate, Device
from .on_demand import why_not
from .ports import Ports

_DV = "dv"


def validations(
    certificates: Sequence[Certificate], devices: Mapping[str, Device], ports: Ports, budget: int | None
) -> list[dict[str, Any]]:
    """Ask for the domain validation of each DV certificate, in their order; ``looked`` is False where nobody knows.

    :param budget: API calls after which no further certificate is asked about; None for no such limit.
    """
    failed: dict[str, str] = {}
    return [_view(one, devices.get(one.device), ports, budget, failed) for one in certificates if _is_validated(one)]


def _is_validated(certificate: Certificate) -> bool:
    return certificate.validation_type == _DV and certificate.enrollment_id is not None


def _view(
    certificate: Certificate, device: Device | None, ports: Ports, budget: int | None, failed: dict[str, str]
) -> dict[str, Any]:
    """Show one.

    :param failed: devices that could not be asked, with why: they are not asked again for each certificate.
    """
    name = certificate.device
    problem = failed.get(name) or why_not(device, name, ports, budget)
    domains: Sequence[Mapping[str, Any]] = ()
    history: Sequence[Mapping[str, Any]] = ()
    if not problem and device is not None and certificate.enrollment_id is not None:
        try:
            found = ports.target(device).validation(certificate.enrollment_id)
            domains, history = found.domains, found.history
        except RemoteError as exc:
            problem = f"device {name} could not be asked: {exc.message}"
            if exc.status != 404:
                failed[name] = problem
    return {
        "certificate": certificate.certificate_id,
        "device": name,
        "enrollment_id": certificate.enrollment_id,
        "looked": not problem,
        "problem": problem,
        "domains": [dict(one) for one in domains],
        "history": [dict(one) for one in history],
    }
