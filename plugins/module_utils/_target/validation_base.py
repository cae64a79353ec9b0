# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known at a device of the domain validation of an enrollment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Validation:
    """What has to be proven for the names of an enrollment, and how it went before; texts and times, for people.

    :ivar domains: names that an open change waits for, each with its ``challenges``; empty while none does.
    :ivar history: ``domain`` with its earlier ``attempts``.
    """

    domains: Sequence[Mapping[str, Any]] = ()
    history: Sequence[Mapping[str, Any]] = ()
