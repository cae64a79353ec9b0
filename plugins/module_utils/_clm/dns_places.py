# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which zone a name's records are, and at which name: where a CNAME leads to, as CAs look there. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._core.errors import NotFoundError, StateError
from .._dns.base import CNAME
from .._edns.base import Zone

if TYPE_CHECKING:
    from .._edns.base import DnsRecords, RecordSet

MOST_ALIASES = 8
"""So many are followed, as resolvers do."""


@dataclass(frozen=True)
class Place:
    """Where the records of a name are.

    :ivar zone: its name; ``found`` what is there, None for nothing.
    :ivar aliases: names that were followed to this one, the first one asked for; empty for none.
    """

    zone: str
    name: str
    found: RecordSet | None
    aliases: tuple[str, ...] = ()


def place_of(dns: DnsRecords, given: str, name: str, kind: str, *, follows: bool) -> Place:
    """Find the place of a name's records.

    :param given: zone of the name, lower-case; empty for the longest one of the account that it ends with.
    :param follows: look where a CNAME leads to, in the zones of the account.
    :raises NotFoundError: no zone of the account is for the name, or for where it leads to.
    :raises StateError: the zone's records cannot be changed, or CNAMEs lead in a circle.
    """
    zones = _Zones(dns, given)
    passed: list[str] = []
    while True:
        zone = zones.of(name, passed)
        found = dns.find(zone.name, name, kind) if follows or zones.is_writable(zone, name) else None
        alias = dns.find(zone.name, name, CNAME) if follows and found is None else None
        if alias is None:
            break
        passed.append(name)
        name = alias.values[0]
        if name in passed or len(passed) > MOST_ALIASES:
            raise StateError(
                f"Cannot follow {passed[0]}: {_path([*passed, name])} comes to no end; mend those CNAMEs",
                code="dns_alias_loop",
                details={"names": [*passed, name]},
            )
    zones.is_writable(zone, name)
    return Place(zone.name, name, found, tuple(passed))


class _Zones:
    """The zones of an account, listed once and only where they are needed."""

    def __init__(self, dns: DnsRecords, given: str) -> None:
        self._dns, self._given = dns, given
        self._listed: Sequence[Zone] | None = None

    def of(self, name: str, passed: Sequence[str]) -> Zone:
        """Give the zone of a name; one that was named for the first name is taken for that alone, and unseen."""
        if self._given and not passed:
            return Zone(self._given, True, "")
        if self._listed is None:
            self._listed = self._dns.zones()
        fitting = [zone for zone in self._listed if is_in(name, zone.name)]
        if fitting:
            return max(fitting, key=lambda one: len(one.name))
        known = ", ".join(sorted(zone.name for zone in self._listed)[:10]) or "none"
        leads = f" ({_path([*passed, name])})" if passed else ""
        raise NotFoundError(
            f"No zone of Edge DNS is for {name}{leads}: these credentials show {known}; check name, the grants of the "
            "API client, or name the zone",
            code="zone_not_found",
            details={"name": name},
        )

    @staticmethod
    def is_writable(zone: Zone, name: str) -> bool:
        """Hold that the records of a zone can be changed.

        :raises StateError: they come from elsewhere.
        """
        if zone.is_writable:
            return True
        raise StateError(
            f"Cannot change records of {name}: its zone {zone.name} is of type {zone.kind}, whose records come from "
            "elsewhere; change them there",
            code="zone_not_writable",
            details={"zone": zone.name, "type": zone.kind},
        )


def is_in(name: str, zone: str) -> bool:
    """Say whether a name belongs to a zone, or would if no zone below were there."""
    return name == zone or name.endswith(f".{zone}")


def _path(names: Sequence[str]) -> str:
    return " is a CNAME of ".join(names)
