# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of certificates in words; the table itself is C(OPTIONS) of C(_clm/filters.py)."""

from __future__ import annotations


class ModuleDocFragment:
    """Which certificates are asked for."""

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
    choices: [pending, issued, suspended, superseded, revoked, vanished]
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
      - Only certificates with a request or work order of that tracking id.
    type: str
  attachment:
    description:
      - Only certificates where the name of an attachment holds this text, in any case.
    type: str
  expiring:
    description:
      - If V(true), only certificates that expire within the C(expiry_warning_days) of their group, they or what
        production serves in their place; expired ones are among them. If V(false), nothing is filtered by it.
    type: bool
  expires_within_days:
    description:
      - Only certificates that expire within so many days, they or what production serves in their place, as after a
        renewal that is not pushed yet; expired ones are among them.
    type: int
  network:
    description:
      - Only certificates that this network serves.
    type: str
    choices: [staging, production]
"""
