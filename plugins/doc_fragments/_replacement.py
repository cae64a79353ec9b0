# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that says which certificates are replaced by what."""

from __future__ import annotations


class ModuleDocFragment:
    """For the module that does it."""

    DOCUMENTATION = r"""
options:
  replacement:
    description:
      - Which certificates are replaced, by what, and within which limits. For all actions but V(due).
      - A certificate that another request is open for is left to that one. One whose request of this replacement failed
        is told and passed over.
      - The freeze windows of a group hold, and its approvals are needed, as for every request.
      - What was replaced is pushed as after every renewal, by itself where application connector and group say so,
        else by M(edgecert.clm.cert_push).
    type: dict
    suboptions:
      name:
        description: Name under which its progress is kept.
        type: str
        required: true
      select:
        description:
          - Filters of M(edgecert.clm.cert_info) by name, as C(ca), a list of CA accounts, C(device), C(group),
            C(attributes), C(network), C(certificate) and C(expires_within_days). Needed to begin it; later calls may
            leave it out, and the next four, too.
        type: dict
      to_ca:
        description: CA account that signs. Left out, the one that each certificate was asked of.
        type: str
      ca_options:
        description: Options of requests at O(replacement.to_ca).
        type: dict
      renewal:
        description: V(regenerate) makes another key in any case, as for keys that are not to be trusted any more.
        type: str
        choices: [renew, regenerate]
      validity:
        description: Lifetime to ask for. Left out, the one that each certificate was asked with.
        type: dict
        suboptions:
          count:
            description: Number of units.
            type: int
            required: true
          unit:
            description: Unit, days where it is left out.
            type: str
            choices: [days, months, years]
          at_most:
            description: Fewer days do, too, where the CA or public trust allows no more.
            type: bool
      order_by:
        description:
          - What decides which goes first. V(live) is what production serves, then staging; V(importance) the highest
            value of the attribute; V(expiry) what ends first. The default is this order.
        type: list
        elements: str
        choices: [live, importance, expiry]
      importance:
        description:
          - Name of the attribute of a certificate that says how important it is, by a number or by one of C(critical),
            C(high), C(medium) and C(low). The default is C(importance).
        type: str
      batch:
        description: Requests of it that may be open at once. The default is 10.
        type: int
      max_orders:
        description: Orders that all of its runs may place at CAs. Left out, as many as are needed.
        type: int
      per_hour:
        description: Certificates to begin within an hour. Left out, as many as O(replacement.batch) lets.
        type: int
      windows:
        description:
          - Times in which certificates are begun, written as C(freeze_windows) of M(edgecert.clm.cert_group) without
            kinds and networks. Left out, always.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name, unique among them.
            type: str
            required: true
          starts_at:
            description: ISO 8601.
            type: str
          ends_at:
            description: ISO 8601.
            type: str
          weekdays:
            description: Days the window begins on.
            type: list
            elements: str
          from:
            description: Time of day at which it begins, in quotes.
            type: str
          until:
            description: Time of day at which it ends.
            type: str
          time_zone:
            description: Time zone of local times.
            type: str
      retry_failed:
        description: Whether to begin those anew whose request failed, was rejected, cancelled or rolled back.
        type: bool
        default: false
      resume:
        description: Whether to go on with one that was stopped.
        type: bool
        default: false
"""
