# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Media types of the API: parse them, and hold a header against what a route has. Exact versions, no wildcards."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

PLAIN_JSON = "application/json"

_NAME = re.compile(r"application/vnd\.akamai\.cps\.(?P<entity>[a-z-]+)\.v(?P<version>[1-9][0-9]?)\+json")


@dataclasses.dataclass(frozen=True)
class Entity:
    """An entity of CPS and the versions of it that exist here."""

    name: str
    versions: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Chosen:
    """One entity in one version."""

    entity: str
    version: int

    @property
    def media_type(self) -> str:
        """The media type that names it."""
        return f"application/vnd.akamai.cps.{self.entity}.v{self.version}+json"


def parse(text: str) -> Chosen | None:
    """Read one media type of CPS; None if it is another, or carries a parameter other than charset=utf-8."""
    name, *parameters = [part.strip() for part in text.strip().split(";")]
    match = _NAME.fullmatch(name.lower())
    if match is None or any(part.lower().replace('"', "") != "charset=utf-8" for part in parameters if part):
        return None
    return Chosen(match["entity"], int(match["version"]))


def choose(header: str | None, offered: Sequence[Entity]) -> Chosen | None:
    """Give the first media type of a header that is offered, else None."""
    for text in (header or "").split(","):
        found = parse(text)
        if found and any(found.entity == entity.name and found.version in entity.versions for entity in offered):
            return found
    return None


def is_json(header: str) -> bool:
    """Tell whether a Content-Type is plain JSON."""
    return header.split(";")[0].strip().lower() == PLAIN_JSON


def takes_json(header: str | None) -> bool:
    """Tell whether an Accept header allows plain JSON; none at all does."""
    if header is None:
        return True
    names = {part.split(";")[0].strip().lower() for part in header.split(",")}
    return bool(names & {PLAIN_JSON, "application/*", "*/*"})
