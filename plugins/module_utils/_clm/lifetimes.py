# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a certificate may be valid on the day it is ordered; days or weeks may lie between a form and its order.

A request whose lifetime public trust allowed when it was submitted, and allows no more, is refused and not shortened:
what was approved is what is ordered. With ``validity.at_most`` fewer days were approved, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._core import validity
from .._core.clock import to_text
from . import form

if TYPE_CHECKING:
    from .._ca.capability_base import Capabilities
    from .moves import Mover

REFUSED = "validity_refused"


def days(wish: Mapping[str, Any], at: datetime, capabilities: Capabilities) -> int:
    """Give the days to ask the CA for, when it is ordered at a moment (E15)."""
    wanted = form.lifetime_days(wish, at)
    if not wish["validity"].get("at_most"):
        return wanted
    limits = [validity.public_limit_days(at)] if capabilities.is_public else []
    own = capabilities.max_validity_days
    return min([wanted, *limits, *([own] if own is not None else [])])


def problems(wish: Mapping[str, Any], at: datetime, capabilities: Capabilities) -> list[str]:
    """Give why public trust allows no order of a wish at a moment, as sentences; the CA's own limit it says itself.

    :source: CA/Browser Forum baseline requirements §6.3.2, ballot SC-081.
    """
    return list(validity.validity_problems(days(wish, at, capabilities), at, is_public=capabilities.is_public))


def refusal(mover: Mover) -> str:
    """Give why a request cannot be ordered now though it could be when it was submitted; empty where it can."""
    request, now = mover.request, mover.ports.clock.now()
    found = problems(request.wish, now, mover.ca.capabilities())
    if not found:
        return ""
    since = to_text(request.created_at or now)
    return f"{found[0]}; it was asked for on {since}: ask again for fewer days, or with validity.at_most: true"
