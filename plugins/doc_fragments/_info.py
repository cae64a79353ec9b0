# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a look at certificates: filters, and how much is read, in words."""

from __future__ import annotations


class ModuleDocFragment:
    """Which certificates, what is kept with them, when they expire, and how much is read of them."""

    DOCUMENTATION = r"""
options:
  certificate:
    description:
      - Only the certificate of that id.
    type: str
  device:
    description:
      - Only certificates of these devices.
    type: list
    elements: str
  sync:
    description:
      - Only certificates of devices with such a sync policy.
    type: list
    elements: str
    choices: [managed, monitored, ignored]
  group:
    description:
      - Only certificates, requests and work orders of these groups. What is in no other group is in C(default).
    type: list
    elements: str
  ca:
    description:
      - Only certificates requested from these CA accounts.
    type: list
    elements: str
  state:
    description:
      - Only certificates in such a state.
    type: list
    elements: str
    choices: [pending, issued, superseded, revoked, vanished]
  enrollment_id:
    description:
      - Only the certificate of that enrollment; ids of different accounts are not told apart, unless by O(device).
    type: int
  attributes:
    description:
      - Only certificates with each of these attributes. A value is compared as text; behind C(~) stands a regular
        expression that the whole value has to match.
    type: dict
  tracking_id:
    description:
      - Only certificates with a request or work order of that tracking id. With O(view=history), O(view=pending) and
        O(view=audit), only what bears it.
    type: str
  attachment:
    description:
      - Only certificates, with O(view=attachments) only attachments, where the name of an attachment holds this text,
        in any case. With O(with_content) it is the whole name.
    type: str
  with_content:
    description:
      - With O(view=attachments), O(certificate) and O(attachment), whether to give the content of that attachment,
        after a check of its digest. An attachment is sealed in the store, and plain in the result.
    type: bool
    default: false
  expiring:
    description:
      - If V(true), only certificates that expire within the C(expiry_warning_days) of their group; expired ones are
        among them. If V(false), nothing is filtered by it.
    type: bool
  expires_within_days:
    description:
      - Only certificates that expire within so many days; expired ones are among them.
      - With O(view=attention) it says what counts as expiring, instead of the C(expiry_warning_days) of groups, and
        filters nothing.
    type: int
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
  network:
    description:
      - Only certificates that this network serves.
    type: str
    choices: [staging, production]
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
      - With O(view=usage), the number of API calls after which no further device is asked.
    type: int
"""
