# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The domain validation of a DV enrollment as CPS tells it: read only; CPS answers its CA by itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .._core.clock import to_text
from .._cps.client import CpsClient
from .._cps.errors import RemoteNotFound
from .._cps.validations import DomainValidation
from .validation_base import Validation

_TIMES = ("requested", "validated", "expires")


def validation(client: CpsClient, enrollment_id: int) -> Validation:
    """Read the challenges of the changes that are open, and the history: two calls, and one for each change.

    :raises RemoteError: with status 404 the enrollment is gone.
    :source: cps-protocol §2.2 (8), (16).
    """
    domains: list[dict[str, Any]] = []
    for change in client.get_enrollment(enrollment_id).pending_changes:
        try:
            found = client.get_dv_challenges(enrollment_id, change.change_id)
        except RemoteNotFound:
            # It waits for nothing, not yet or not any more.
            continue
        domains += [{"change_id": change.change_id, **_shown(one)} for one in found]
    try:
        earlier = client.dv_history(enrollment_id)
    except RemoteNotFound:
        earlier = {}
    history = [{"domain": name, "attempts": [_shown(one) for one in tries]} for name, tries in earlier.items()]
    return Validation(domains, history)


def _shown(one: DomainValidation) -> dict[str, Any]:
    shown = asdict(one)
    for name in _TIMES:
        moment = shown.pop(name)
        shown[f"{name}_at"] = to_text(moment) if moment else None
    return {**shown, "challenges": [dict(challenge) for challenge in shown["challenges"]]}
