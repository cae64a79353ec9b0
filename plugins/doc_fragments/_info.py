# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a look at certificates: what it shows, and how much is read of them, in words."""

from __future__ import annotations


class ModuleDocFragment:
    """How much is read of certificates."""

    DOCUMENTATION = r"""
options:
  with_content:
    description:
      - With O(view=attachments), O(certificate) and O(attachment), whether to give the content of that attachment,
        after a check of its digest. An attachment is sealed in the store, and plain in the result.
    type: bool
    default: false
  kinds:
    description:
      - With O(view=attention), only these kinds.
    type: list
    elements: str
    choices:
      - expiring
      - expired
      - awaiting_decision
      - awaiting_approval
      - awaiting_implementation
      - awaiting_action
      - approval_deadline_near
      - drift
      - foreign_change
      - edge_mismatch
      - revoked
      - vanished
      - failed
      - renewal_stopped
      - device_failed
  compare:
    description:
      - Whether to lay what was asked for, what each CSR says and what each certificate says side by side, with
        O(view=list), O(view=holistic) and O(view=history).
      - Each CSR and certificate is read for it, about a thousand in a second. Left out, it is done with
        O(view=holistic) and O(certificate) alone.
    type: bool
  limit:
    description:
      - With O(view=audit), only the newest that many lines, at least 1.
    type: int
  budget:
    description:
      - With O(view=usage) and O(view=validation), the number of API calls after which nothing further is asked.
    type: int
"""
