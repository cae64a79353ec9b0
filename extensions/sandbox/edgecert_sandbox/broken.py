# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrollments that are answered wrongly, as a test orders it: the faults, applied to finished wire objects.

Knows no record of the engine and changes none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .model import Wire, WorldConfig

NO_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"


def _without_name(view: Wire) -> Any:
    return {**view, "csr": None}


def _without_id(view: Wire) -> Any:
    return {name: value for name, value in view.items() if name not in ("id", "location")}


def _strange_name(view: Wire) -> Any:
    return {**view, "csr": {**view["csr"], "cn": "www\u0000.example.com"}}


# What the entry of a list looks like; kinds that are not here leave the lists as they are.
LISTED: dict[str, Callable[[Wire], Any]] = {
    "no-name": _without_name,
    "no-id": _without_id,
    "no-object": lambda view: "broken",
    "strange-name": _strange_name,
}
KINDS = (*LISTED, "no-certificate", "not-live-listed")


def check(words: Iterable[str]) -> None:
    """Check the setting ``broken_enrollments``.

    :raises ValueError: a word that is no id and kind.
    """
    for word in words:
        number, _equals, kind = word.partition("=")
        if not number.isdecimal() or kind not in KINDS:
            raise ValueError(f"broken_enrollments: {word!r} is none of ID={', ID='.join(KINDS)}")


def kind_of(config: WorldConfig, enrollment_id: int) -> str:
    """Give what is wrong with an enrollment; empty for nothing."""
    kinds = dict(word.split("=") for word in config.broken_enrollments)
    return kinds.get(str(enrollment_id), "")


def listed(config: WorldConfig, views: Iterable[Wire]) -> list[Any]:
    """Give the entries of a list of enrollments, or of active certificates, with the faults that are ordered."""
    if not config.broken_enrollments:
        return list(views)
    shown: list[Any] = []
    for view in views:
        spoil = LISTED.get(kind_of(config, view["id"]))
        shown.append(spoil(view) if spoil else view)
    return shown


def is_missed(config: WorldConfig, enrollment_id: int) -> bool:
    """Say whether ``active-certificates`` leaves it out."""
    return bool(config.broken_enrollments) and kind_of(config, enrollment_id) == "not-live-listed"


def answered(config: WorldConfig, enrollment_id: int, body: Wire) -> Wire:
    """Give an answer about one enrollment, with a certificate that is none where that is ordered."""
    if not config.broken_enrollments or kind_of(config, enrollment_id) != "no-certificate":
        return body
    spoiled: Wire = _spoiled(body)
    return spoiled


def _spoiled(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            name: NO_CERTIFICATE if name == "certificate" and value else _spoiled(value) for name, value in node.items()
        }
    return [_spoiled(entry) for entry in node] if isinstance(node, list) else node
