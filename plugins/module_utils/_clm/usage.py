# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a certificate's names are used, looked at before one of them is dropped (cps-protocol §4.4). Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._core.errors import ConflictError, PolicyError, RemoteError
from .._core.names import covers
from .._core.plan import Step
from .._core.types import CertRequest, Device
from . import approvals, edits
from .ports import Params, Ports

if TYPE_CHECKING:
    from .._target.base import HostnameUse
    from .moves import Mover

IN_USE = "names_in_use"
ALLOWED = "allow_names_in_use"
"""Option by which a person lets names go that are in use; kept with what a renewal follows."""
_SHOWN = 5


@dataclass(frozen=True)
class Usage:
    """What a look found.

    :ivar names: that were looked for.
    :ivar found: host names in use that no other name of the certificate stands for.
    :ivar problem: why it could not be looked at, as a sentence; empty when it could.
    """

    names: tuple[str, ...]
    found: tuple[HostnameUse, ...] = ()
    problem: str = ""

    def view(self) -> dict[str, Any]:
        """Show it; ``looked`` is False where nobody knows."""
        return {
            "names": list(self.names),
            "looked": not self.problem,
            "problem": self.problem,
            "hostnames": [
                {
                    "hostname": use.hostname,
                    "networks": list(use.networks),
                    "property": use.property_name,
                    "property_id": use.property_id,
                    "contract_id": use.contract_id,
                    "edge_hostnames": dict(use.edges),
                }
                for use in self.found
            ],
        }


def look(ports: Ports, device: Device, names: Sequence[str], kept: Sequence[str] = ()) -> Usage:
    """Look where names are used.

    :param kept: names the certificate has all the same; what they stand for is in no danger.
    :raises RemoteError: the look failed in a way that may be another one next time.
    """
    wanted = tuple(names)
    try:
        found = ports.target(device).uses(wanted)
    except RemoteError as exc:
        if exc.code != "missing_grant" and exc.status != 404:
            raise
        return Usage(wanted, problem=f"whether {_listed(wanted)} is in use could not be looked at: {exc.message}")
    lost = tuple(use for use in found if not any(covers(name, use.hostname) for name in kept))
    return Usage(wanted, lost)


def of_dropped(ports: Ports, device: Device, request: CertRequest) -> Usage | None:
    """Look where the names are used that a renewal drops; None when it drops none."""
    edited = edits.of_request(request)
    return look(ports, device, edited.dropped, edited.kept) if edited.dropped else None


def reason(request: CertRequest, usage: Usage | None) -> str:
    """Say why names may not be dropped; empty when they may.

    Where nobody could look they may: the caller says that nobody could.
    """
    if usage is None or not usage.found or request.renews.get(ALLOWED):
        return ""
    shown = [f"{use.hostname} ({use.property_name}, {' and '.join(use.networks)})" for use in usage.found[:_SHOWN]]
    more = f" and {len(usage.found) - _SHOWN} more" if len(usage.found) > _SHOWN else ""
    return (
        f"{_listed(usage.names)} cannot be dropped, properties still serve {', '.join(shown)}{more}; take the host "
        f"names out of the properties first, or say {ALLOWED}: true"
    )


def refuse(request: CertRequest, usage: Usage | None) -> None:
    """Refuse to drop names that are in use.

    :raises ConflictError: they are, and nobody allowed it.
    """
    why = reason(request, usage)
    if why and usage is not None:
        raise ConflictError(
            f"Cannot {request.action} {request.certificate_id}: {why}",
            code=IN_USE,
            details={"hostnames": usage.view()["hostnames"]},
        )


def allowing(mover: Mover, params: Params) -> list[Step]:
    """Let a request that is open drop names in use, where nobody else had to approve that it drops them.

    :raises PolicyError: somebody had; what they saw did not say so.
    """
    request = mover.request
    if not params.get(ALLOWED) or not request.renews.get("before") or request.renews.get(ALLOWED):
        return []
    if approvals.levels(request):
        raise PolicyError(
            f"Cannot let request {request.request_id} drop names in use: it was to be approved without that; cancel "
            f"it, and ask anew with {ALLOWED}: true",
            code="approval_needed",
        )

    def save() -> bool:
        mover.keeper.save("request_changed", renews={**mover.request.renews, ALLOWED: True})
        return True

    return [Step(f"Let request {request.request_id} drop names in use", save)]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
