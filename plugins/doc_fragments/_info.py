# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a look at certificates: filters beyond those by name, and how much is read, in words."""

from __future__ import annotations


class ModuleDocFragment:
    """What is kept with certificates, when they expire, and how much is read of them."""

    DOCUMENTATION = r"""
options:
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
    type: int
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
