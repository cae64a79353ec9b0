# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say what is removed with a certificate, in words."""

from __future__ import annotations


class ModuleDocFragment:
    """For the module that removes."""

    DOCUMENTATION = r"""
options:
  remove_from:
    description:
      - Where O(action=remove) removes the certificate from. V(akamai) when left out.
      - V(akamai) removes its enrollment at CPS. The certificate stays in the inventory as C(vanished), with its
        history. O(edge) may name where it was served; those edges have to present it no more.
      - V(store) sends nothing and needs no approval. The certificate, those it followed and its application connectors
        leave the inventory; requests, work orders and the audit stay. It is refused while a request or work order is
        open, or a change that was opened from here may be open at CPS. The next discovery finds again what still
        exists.
    type: str
    choices: [akamai, store]
  cancel_changes:
    description:
      - Ids of the changes that may be cancelled with O(action=remove). An enrollment with an open change that is not
        named here is not removed, whoever opened the change. They are part of what is approved.
    type: list
    elements: int
"""
