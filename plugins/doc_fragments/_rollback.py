# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say what is taken back, and how far, in words."""

from __future__ import annotations


class ModuleDocFragment:
    """For the module that takes pushes and settings back."""

    DOCUMENTATION = r"""
options:
  roll_forward:
    description:
      - With O(action=rollback), whether to roll forward where CPS cannot go back any more, as the certificate is on
        production. The enrollment gets the names, subject and settings of the newest snapshot from before that
        certificate, a certificate for a new key is ordered from the same CA account, and pushed to O(network). It is
        what M(edgecert.clm.cert_enroll) does with C(from_snapshot) V(previous), and a push after it, each under its own
        approvals.
      - The same call again goes on from where it stands, and changes nothing once that is pushed. Before production has
        the certificate it cancels, as without this option. The steps say in check mode which it will be.
      - Of network settings, it sets those that were changed to what they were, by a work order with O(action=configure)
        and without a certificate.
    type: bool
    default: false
  rollback_of:
    description:
      - With O(action=rollback), what is taken back, V(push) the certificate, or V(configure) the last change of network
        settings that was made from here. Where nothing is said it is the change of settings as long as that is under
        way, that is the last thing that was begun and not known to be on production, and a push otherwise.
      - Settings are taken back by cancelling their change, no other one, as long as production does not have them. Once
        it has, the call fails unless O(roll_forward) asks to set them to what they were before that change.
    type: str
    choices: [push, configure]
  from_snapshot:
    description:
      - With O(action=configure), id of a snapshot of the certificate's enrollment, as M(edgecert.clm.cert_info) shows
        them, or V(previous) for that from before what production serves now. The network settings of the enrollment
        become those of the snapshot; those that are the same are not sent. Certificate, names and contacts stay.
      - Approvals are bound to the settings and to the snapshot. It takes the place of O(network_settings).
    type: str
  allow_names_in_use:
    description:
      - With O(roll_forward), whether names may be dropped that properties still serve, where the snapshot lacks them.
        As Property Manager tells before anything is sent; with V(false) the call is refused.
    type: bool
    default: false
"""
