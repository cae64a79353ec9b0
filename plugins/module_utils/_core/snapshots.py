# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frozen record of what an enrollment was before it was written to. Conventions as in ``types``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

JsonMap = Mapping[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """An enrollment as it stood directly before a write (cps-protocol §6.5). Holds no secret: CPS keeps the keys.

    :ivar before: the write it was taken before: ``update``, ``upload`` or ``cancel``.
    :ivar request_id: whose certificate the write was for; ``work_order_id`` is empty for an update.
    :ivar enrollment: the JSON of the read, whole, so that it can be sent back.
    :ivar production: what the network served, ``staging`` likewise: facts of the primary certificate with the
        ``others`` beside it, as a certificate's record holds them; the PEM is kept by fingerprint.
    """

    snapshot_id: str
    certificate_id: str
    enrollment_id: int | None
    before: str
    request_id: str = ""
    work_order_id: str = ""
    enrollment: JsonMap = field(default_factory=dict)
    production: JsonMap = field(default_factory=dict)
    staging: JsonMap = field(default_factory=dict)
    actor: str = ""
    created_at: datetime | None = None
    version: int = 0
