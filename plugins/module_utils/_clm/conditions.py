# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps a request or work order went through, as they stand on its record (E24, W2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .._core.clock import to_text


def begun(actor: str, comment: str, now: datetime) -> tuple[dict[str, Any], ...]:
    """Give the steps of a record that nobody has to approve, as no policy asks for it yet; each is on record."""
    at = to_text(now)
    return (
        {"type": "submitted", "at": at, "actor": actor, "comment": comment},
        {"type": "approved", "at": at, "actor": "policy", "comment": "no approval is asked for"},
        {"type": "implementing", "at": at, "actor": actor, "comment": ""},
    )
