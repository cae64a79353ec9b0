# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a push waits for what, seconds."""

from __future__ import annotations

ASK_AGAIN_S = 300.0
"""From one look to the next at what waits for a person."""
LAG_S = 120.0
"""How long CPS may show an old status after it was given something; cps-protocol §3.3."""
