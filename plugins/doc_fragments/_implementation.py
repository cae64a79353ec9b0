# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that decide when something is implemented, in words."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared by the modules that submit requests and work orders."""

    DOCUMENTATION = r"""
options:
  manual_implementation:
    description:
      - Whether it waits, once approved, for somebody to implement it with M(edgecert.clm.cert_workflow).
      - Otherwise it is implemented as soon as it may be, by the next call or by M(edgecert.clm.cert_lifecycle).
    type: bool
  schedule_at:
    description:
      - Time before which it is not implemented, in ISO 8601, as V(2027-01-31T22:00:00Z); without an offset it is UTC.
      - Something has to look then, as M(edgecert.clm.cert_lifecycle) run by a schedule does.
    type: str
  freeze_override:
    description:
      - Reason to implement it although the group is frozen. It is kept on record.
      - It holds for the freeze in which it is given, and given before one for the next, also where approvals or a time
        lie between.
    type: str
"""
