# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that decides about CPS's warnings, in words."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared by the modules that may meet warnings."""

    DOCUMENTATION = r"""
options:
  warnings:
    description:
      - What to do with warnings of CPS. Each list holds warning ids, or regular expressions over a warning's text
        behind C(re:).
      - V(block) wins over V(ask), V(ask) over V(allow), and each of them over the default, which acknowledges what is
        informational, blocks what is dangerous, and asks about everything else.
      - Only warnings that are allowed are acknowledged. One whose words are not known has no id and can be allowed by a
        regular expression only, such as the message about it shows; one that is blocked as dangerous can be allowed by
        its id only, never by a regular expression that fits its text.
    type: dict
    suboptions:
      allow:
        description: Warnings to acknowledge.
        type: list
        elements: str
      ask:
        description: Warnings to stop at, until a later call allows or blocks them.
        type: list
        elements: str
      block:
        description: Warnings never to acknowledge.
        type: list
        elements: str
"""
