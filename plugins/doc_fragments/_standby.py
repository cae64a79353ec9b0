# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that names standby CA accounts."""

from __future__ import annotations


class ModuleDocFragment:
    """For the module that keeps groups, which is long as it is."""

    DOCUMENTATION = r"""
options:
  standby_cas:
    description:
      - CA accounts that are asked, in this order, where the one before surely took no order. It refused the order or
        the credentials, or was out of reach or limited the rate of orders for the time of
        O(standby_cas[].after_minutes). Never while an order at it is pending or in doubt, and not where somebody
        cancelled the order there.
      - A request keeps the list as it was when it was submitted, and its approvals are bound to it. An account that
        comes to the group later, or whose options were changed since, signs only after another approval.
      - Each has to be able to sign what O(defaults) and O(allowed) say, and to be among O(ca_accounts) where those
        are named. An account that cannot take a single request is passed over, which the form's check mode tells.
      - Successors are asked of the first account again.
    type: list
    elements: dict
    suboptions:
      ca:
        description: Name of the CA account.
        type: str
        required: true
      ca_options:
        description: Options of the request at this CA, as C(ca_options) of M(edgecert.clm.cert_enroll).
        type: dict
      after_minutes:
        description:
          - Minutes for which the account before has to have been out of reach, or to limit the rate, before this one
            is asked; 0 to 10080. V(0) asks it at once. A refusal does not pass and is not waited for. The default is
            15.
        type: int
"""
