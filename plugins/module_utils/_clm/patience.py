# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a push waits for what."""

from __future__ import annotations

import zlib
from datetime import timedelta

ASK_AGAIN_S = 300.0
"""From one look to the next at what waits for a person."""
LAG_S = 120.0
"""How long CPS may show an old status after it was given something; cps-protocol §3.3."""
DEPLOYS_BEFORE_END = timedelta(days=7)
"""So long before the live certificate ends CPS deploys by itself what is on staging; cps-protocol §3.4."""

_LONGEST_S = 300.0


def look_again_s(least_s: float, waited_s: float, key: str) -> float:
    """Give the seconds to the next look: the longer nothing moved, the more, so that an hour costs few calls.

    :param least_s: what the target says.
    :param waited_s: since something was done last; the first look is due at once, each further one when as long has
        passed again.
    :param key: of what is waited for; many that began together do not all look at once.
    """
    seconds = max(least_s, min(waited_s, _LONGEST_S))
    spread = zlib.crc32(key.encode()) % 21 - 10
    return seconds * (1 + spread / 100) if seconds > least_s else seconds
