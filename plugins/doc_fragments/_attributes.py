# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection supports, in words."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes common to all modules."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the changes it would make, without making them.
    support: full
  diff_mode:
    description: Returns what has changed, or would change, when in diff mode; secrets are left out.
    support: full
  idempotent:
    description:
      - When run twice in a row outside check mode with the same arguments, the second run changes nothing,
        unless the first one had to leave something for later.
    support: full
  action_group:
    description: Use C(group/edgecert.clm.clm) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - edgecert.clm.clm
  platform:
    description: Runs where the API and the store are reached, on the controller or in an execution environment.
    support: full
    platforms: posix
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Reads only, so that it does the same in C(check_mode) as always.
    support: full
  diff_mode:
    description: Changes nothing, so that there is nothing to show in diff mode.
    support: N/A
  idempotent:
    description: When run twice in a row with the same arguments, the second run changes nothing.
    support: full
  action_group:
    description: Use C(group/edgecert.clm.clm) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - edgecert.clm.clm
  platform:
    description: Runs where the store is reached, on the controller or in an execution environment.
    support: full
    platforms: posix
"""
