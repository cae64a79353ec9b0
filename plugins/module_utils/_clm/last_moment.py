# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Until when something can be put on staging alone: later, CPS puts it on production by itself (cps-protocol §3.4).

Pure: reads records and what the target said, sends and stores nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .._core.clock import from_text, to_text
from .._core.errors import PolicyError
from . import states
from .patience import DEPLOYS_BEFORE_END

if TYPE_CHECKING:
    from .._core.types import Certificate, WorkOrder
    from .._target.base import PushState

CODE = "too_late_for_staging"
STAGING_TAKES = timedelta(hours=2)
"""So long CPS may take from the upload to staging, and with it nobody can hold the change back; cps-protocol §3.2."""


def live_until(state: PushState) -> datetime | None:
    """Give when the first of what production serves ends, UTC; None where it serves nothing, or was not asked."""
    ends = [from_text(facts["not_after"]) for facts in state.production.certificates if facts.get("not_after")]
    return min(ends, default=None)


def refuse(certificate: Certificate, order: WorkOrder, at: datetime, state: PushState | None = None) -> None:
    """Refuse what would come to staging when CPS does not leave it there any more.

    A renewal that is pushed by itself is no promise to stay on staging, and what is live would end.

    :param at: when it would be implemented, UTC.
    :param state: what the target said; where it does not tell what production serves, the inventory does.
    :raises PolicyError: it is too late then.
    """
    if order.network != "staging" or order.is_automatic or order.action not in ("push", states.CONFIGURE):
        return
    known = certificate.production.get("not_after")
    ends = live_until(state) if state is not None else None
    ends = ends or (from_text(known) if known else None)
    if ends is None or at < ends - DEPLOYS_BEFORE_END - STAGING_TAKES:
        return
    deadline, hours = ends - DEPLOYS_BEFORE_END, int(STAGING_TAKES.total_seconds() // 3600)
    raise PolicyError(
        f"Cannot {states.VERBS[order.action]} {order.certificate_id} to staging only at {to_text(at)}: what production "
        f"serves ends at {to_text(ends)}, and from {to_text(deadline)} on CPS puts on production by itself what comes "
        f"to staging, which may take {hours} hours; use network: production, or discover the device where production "
        "serves another one by now",
        code=CODE,
        details={"live_until": to_text(ends), "last_safe_at": to_text(deadline)},
    )
