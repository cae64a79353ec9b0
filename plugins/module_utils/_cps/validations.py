# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain validations of CPS, read: what a CA asks to see for each name of a DV enrollment, and how it went before.

Knows no paths and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import reading as read


@dataclass(frozen=True)
class Challenge:
    """One way to prove control over a name; one of them is enough.

    :ivar type: ``http-01`` or ``dns-01``.
    :ivar status: an open set of words, in CPS's spelling.
    :ivar path: the URL, or the name of the TXT record, where the CA looks for ``content``.
    :ivar redirect: where Akamai publishes it, so that the URL may redirect there; empty for DNS.
    """

    type: str
    status: str
    error: str
    path: str
    redirect: str
    content: str
    token: str

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any], kind: str = "") -> Challenge:
        """Read one.

        :param kind: its type where it does not tell.
        """
        names = ("type", "status", "error", "fullPath", "redirectFullPath", "responseBody", "token")
        given = [read.text(wire.get(name)) or "" for name in names]
        return cls(given[0] or kind, *given[1:])


@dataclass(frozen=True)
class DomainValidation:
    """The validation of one name.

    :ivar validation_status: what the last try came to, in CPS's words; ``error`` what it says of it.
    :ivar requested: UTC, as ``validated`` and ``expires``; None where it is not so far, or not told.
    """

    domain: str
    status: str
    validation_status: str
    error: str
    requested: datetime | None
    validated: datetime | None
    expires: datetime | None
    challenges: tuple[Challenge, ...]

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> DomainValidation:
        """Read one; in version 1 the members of its only challenge, which is http-01, stand in the object itself."""
        listed = tuple(map(Challenge.from_wire, read.objects(wire.get("challenges"))))
        is_flat = not listed and bool(read.text(wire.get("token")))
        return cls(
            domain=read.text(wire.get("domain")) or "",
            status=read.text(wire.get("status")) or "",
            validation_status=read.text(wire.get("validationStatus")) or "",
            error=read.text(wire.get("error")) or "",
            requested=read.moment(wire.get("requestTimestamp")),
            validated=read.moment(wire.get("validatedTimestamp")),
            expires=read.moment(wire.get("expires")),
            challenges=(Challenge.from_wire(wire, "http-01"),) if is_flat else listed,
        )


def challenges(value: Any) -> tuple[DomainValidation, ...]:
    """Read what is asked for now, ``{dv: [...]}``, or ``{challenges: [...]}`` as version 1 has it.

    :raises RemoteError: neither is in it.
    """
    wire = read.mapping(value)
    if "dv" not in wire and "challenges" not in wire:
        raise read.unusable("the challenges of a domain validation", "neither dv nor challenges is in it")
    return tuple(map(DomainValidation.from_wire, read.objects(wire.get("dv", wire.get("challenges")))))


def history(value: Any) -> dict[str, tuple[DomainValidation, ...]]:
    """Read earlier validations by name, in the order they came; ``{results}``, which the published example calls data.

    :raises RemoteError: neither is in it.
    """
    wire = read.mapping(value)
    if "results" not in wire and "data" not in wire:
        raise read.unusable("the validation history", "neither results nor data is in it")
    found: dict[str, tuple[DomainValidation, ...]] = {}
    for entry in read.objects(wire.get("results", wire.get("data"))):
        name = read.text(entry.get("domain")) or ""
        tries = tuple(map(DomainValidation.from_wire, read.objects(entry.get("domainHistory"))))
        found[name] = (*found.get(name, ()), *tries)
    return found
