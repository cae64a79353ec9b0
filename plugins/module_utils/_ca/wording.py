# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of users and of CAs, read alike for every CA: lists of words, names of attributes, waits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .._core.clock import from_text


def listed(value: Any) -> list[str]:
    """Read a list of words, from a list or from a text with commas; blank ones are left out."""
    words = value if isinstance(value, (list, tuple)) else str(value or "").split(",")
    return [word for word in (str(one).strip() for one in words) if word]


def attribute_name(label: str) -> str:
    """Write a CA's label of a field as the name of an attribute: ``Cost Center`` is ``cost_center``."""
    return re.sub(r"[^0-9a-z]+", "_", label.lower()).strip("_")


def attributes_by_name(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Give the attributes that have a value, as text, by names that meet the labels of a CA."""
    texts = {attribute_name(str(name)): "" if value is None else str(value) for name, value in attributes.items()}
    return {name: text for name, text in texts.items() if text}


def share_of_age(since: object, now: datetime, *, share: float, least_s: float, most_s: float) -> float:
    """Give the seconds until the next look at what waits: a share of its age, so that looks become rare.

    :param since: when it began to wait, ISO 8601 UTC; the shortest wait holds where that cannot be read.
    """
    try:
        age_s = (now - from_text(str(since))).total_seconds()
    except ValueError:
        age_s = 0.0
    return min(max(age_s * share, least_s), most_s)
