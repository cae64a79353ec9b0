# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a CA's answer that have to be objects, or lists of them: JSON may be anything else.

What is of another shape is an error, and never an empty list: "no order is there" leads to another one, paid for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.errors import RemoteError


def part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give a member that is an object; empty where it is missing or null.

    :raises RemoteError: it is another thing.
    """
    found = told.get(name) or {}
    if not isinstance(found, Mapping):
        raise RemoteError(f"Cannot read the CA's answer: its {name} is no JSON object", code="not_json")
    return found


def rows(told: Mapping[str, Any], name: str, needed: str = "") -> list[Mapping[str, Any]]:
    """Give a member that is a list of objects; empty where it is missing or null.

    :param needed: member that each of them has to have.
    :raises RemoteError: it is another thing, or an entry is, or lacks that.
    """
    found = told.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise RemoteError(f"Cannot read the CA's answer: its {name} is no list of JSON objects", code="not_json")
    if needed and not all(one.get(needed) for one in found):
        raise RemoteError(f"Cannot read the CA's answer: an entry of its {name} has no {needed}", code="not_json")
    return found
