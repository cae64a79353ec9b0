# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a GlobalSign account has: profiles (vetted organisations) and their domains, and which an order belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import globalsign_mssl_wire as wire
from . import soap
from .base import Choice


@dataclass(frozen=True)
class Place:
    """The ids of profile and domain that an order names; or ``why`` there are none, and which there are."""

    profile: str = ""
    domain: str = ""
    why: str = ""


class Directory:
    """Profiles and domains, each list read once."""

    def __init__(self, services: wire.Services) -> None:
        self._services = services
        self._profiles: list[Choice] | None = None
        self._domains: dict[str, dict[str, str]] = {}

    def profiles(self) -> list[Choice]:
        """List profiles: the id, and the organisation, which is all that they have for a name.

        :raises AuthError: the user may not.
        """
        if self._profiles is None:
            found = self._services.order("list the profiles", "GetMSSLProfiles", header="Query")
            self._profiles = []
            for one in soap.anywhere(found, "SearchMsslProfileDetail"):
                named = next((soap.text(deep) for deep in soap.anywhere(one, "OrganizationName")), "")
                self._profiles.append(Choice(soap.text(one, "MSSLProfileId"), named))
        return self._profiles

    def domains(self, profile: str) -> dict[str, str]:
        """Give the ids of a profile's domains by their names; of all profiles for none."""
        if profile not in self._domains:
            asked = (("MSSLProfileID", profile),) if profile else ()
            found = self._services.order("list the domains", "GetMSSLDomains", *asked, header="Query")
            self._domains[profile] = {
                soap.text(one, "MSSLDomainName").lower(): soap.text(one, "MSSLDomainID")
                for one in soap.anywhere(found, "SearchMsslDomainDetail")
            }
        return self._domains[profile]

    def matching(self, wanted: str) -> list[Choice]:
        """Give the profiles of an id or, where there is no such id, of an organisation."""
        by_id = [one for one in self.profiles() if one.value == wanted]
        return by_id or [one for one in self.profiles() if one.label.lower() == wanted.lower()]

    def place_of(self, wanted: str, common_name: str, product: str) -> Place:
        """Find where an order belongs.

        :param wanted: profile, by its id or its organisation.
        """
        found = self.matching(wanted)
        if len(found) != 1:
            why = "is of several profiles, give the id" if found else "is not there"
            return Place(why=f"profile_name {wanted!r} {why}; there are {shown(found or self.profiles())}")
        profile = found[0].value
        if wire.is_private(product):
            return Place(profile, wire.PRIVATE_DOMAIN)
        name = common_name.removeprefix("*.")
        domains = self.domains(profile)
        covering = [one for one in domains if name == one or name.endswith(f".{one}")]
        if not covering:
            there = ", ".join(sorted(domains)) or "none"
            return Place(why=f"no domain of profile {profile} covers {common_name}; there are {there}")
        return Place(profile, domains[max(covering, key=len)])


def shown(listed: Sequence[Choice]) -> str:
    """Write profiles for a message."""
    return ", ".join(f"{one.value} ({one.label})" for one in listed) or "none"
