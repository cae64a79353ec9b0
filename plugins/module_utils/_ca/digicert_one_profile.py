# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile of Trust Lifecycle Manager: what it wants of an order, what it has fixed, and what stands above its leaves.

:source: ca-connectors §4.8; DigiCert's OpenAPI document of the API, version 1.0.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._core.csr_spec import CsrSpec
from .._core.errors import AuthError, RemoteError
from .base import Choice
from .rest import Rest, quoted
from .shapes import rows

if TYPE_CHECKING:
    from .._pki.x509 import Sans

AT_ONCE = "third_party_app"
_BY_API = "rest_api"
_FIXED = "FIXED_VALUE"
_RENEWAL_DAYS = 30
# The document's word for a part of the subject: ours, and the word in an order.
_SUBJECT: Mapping[str, tuple[str, str]] = {
    "common_name": ("common_name", "common_name"),
    "organization_name": ("organization", "organization_name"),
    "organization_unit": ("organizational_unit", "organization_units"),
    "organization_units": ("organizational_unit", "organization_units"),
    "locality": ("locality", "locality"),
    "state": ("state_or_province", "state"),
    "country": ("country", "country"),
    "email": ("email", "email"),
}
_SANS = (("dns_names", "dns_names"), ("ip_addresses", "ip_addresses"), ("emails", "emails"), ("uris", "uris"))
# The document's word for a kind of name, which it has nowhere in a list: those of orders, and those of one name.
_KINDS: Mapping[str, str] = {
    **{theirs: theirs for _ours, theirs in _SANS},
    **{"dns_name": "dns_names", "ip_address": "ip_addresses", "email": "emails", "rfc822_name": "emails"},
    "uri": "uris",
}
# Kinds of names: in an order of ours, and in a certificate.
_NAMES = (("dns_names", "dns"), ("ip_addresses", "ips"), ("emails", "emails"), ("uris", "uris"))
# What is sent where the profile cannot be read: as DigiCert's own provider does.
_USUAL = ("common_name",)


@dataclass(frozen=True)
class SubjectField:
    """One part of the subject, or one kind of names, as a profile wants it.

    :ivar fixed: its value, where the profile has one; None where it has none.
    :ivar of_csr: it is taken out of the CSR.
    """

    name: str
    is_mandatory: bool
    fixed: str | None
    of_csr: bool

    @property
    def is_sent(self) -> bool:
        """Say whether an order has to bring it."""
        return self.fixed is None and not self.of_csr


@dataclass(frozen=True)
class Profile:
    """A profile; ``details`` is empty where the key may not read it."""

    profile_id: str
    details: Mapping[str, Any]

    @property
    def is_known(self) -> bool:
        """Say whether it could be read."""
        return bool(self.details)

    @property
    def name(self) -> str:
        """Give its name; its id where it has none."""
        return str(self.details.get("name") or self.profile_id)

    @property
    def is_at_once(self) -> bool:
        """Say whether it surely issues at once, and no person is asked."""
        return self.details.get("authentication_method") == AT_ONCE

    @property
    def takes_lifetimes(self) -> bool:
        """Say whether an order may say how long it is to live."""
        return self.details.get("override_cert_validity_via_api") is True

    @property
    def renewal_days(self) -> int:
        """Give the days before the end within which it renews."""
        return int(self.details.get("renewal_period_days") or _RENEWAL_DAYS)

    @property
    def names_common_name(self) -> bool:
        """Say whether its certificates surely have a common name, that of the order."""
        return any(one.name == "common_name" and one.is_mandatory for one in self.subject_fields())

    def subject_fields(self) -> list[SubjectField]:
        """Give what it says of the subject."""
        certificate = self.details.get("certificate") or {}
        told = (certificate.get("subject") or {}).get("attributes") or ()
        return [_field(one) for one in told]

    def name_fields(self) -> dict[str, SubjectField]:
        """Give what it says of names, by their kind in an order; a kind that it says nothing of is not there."""
        san = ((self.details.get("certificate") or {}).get("extensions") or {}).get("san") or {}
        told = [_field(one) for one in san.get("attributes") or ()]
        plain = {one.name.rpartition(".")[2].removesuffix("[]"): one for one in told}
        return {_KINDS.get(name, name): one for name, one in plain.items()}

    def chain(self) -> list[str]:
        """Give the certificates above a leaf of it, PEM or base64 of DER each; empty where that is not told."""
        issuer = (self.details.get("certificate") or {}).get("issuer") or {}
        found: list[str] = []
        waiting = [issuer]
        while waiting:
            one = waiting.pop(0)
            if one.get("certificate"):
                found.append(str(one["certificate"]))
            waiting += list(one.get("chain") or ())
        return found

    def problems(self, spec: CsrSpec) -> list[str]:
        """Give why an order cannot be placed under it, or would not be had as it is asked for (E22)."""
        found = []
        method = str(self.details.get("enrollment_method") or _BY_API)
        if method != _BY_API:
            found.append(f"certificate_profile {self.name} enrols by {method}; choose one that enrols by {_BY_API}")
        for one in self.subject_fields():
            ours = _SUBJECT.get(one.name, ("", ""))[0]
            given = str(getattr(spec, ours)) if ours else ""
            if one.fixed is not None and given and given != one.fixed:
                found.append(
                    f"{ours} {given!r} is asked for, and the profile {self.name} has {one.fixed!r} fixed; leave it out"
                )
            elif one.is_mandatory and one.is_sent and not given:
                found.append(f"{ours or one.name} is missing; the profile {self.name} requires it")
        return found + self._name_problems(spec)

    def _name_problems(self, spec: CsrSpec) -> list[str]:
        found, of_kind = [], {theirs: ours for ours, theirs in _SANS}
        for kind, one in self.name_fields().items():
            given: Sequence[str] = getattr(spec, of_kind[kind]) if kind in of_kind else ()
            fixed = [name.strip() for name in (one.fixed or "").split(",")]
            others = [name for name in given if name not in fixed]
            if one.fixed and others:
                found.append(
                    f"{kind} {', '.join(others)} are asked for, and the profile {self.name} has {one.fixed!r} fixed; "
                    "leave them out"
                )
            elif one.is_mandatory and one.is_sent and not given:
                found.append(f"{kind} are missing; the profile {self.name} requires them")
        return found

    def attributes(self, spec: CsrSpec) -> dict[str, Any]:
        """Write the names of an order: what the profile has fixed, or takes out of the CSR, is not sent."""
        known = self.subject_fields()
        wanted = [one.name for one in known if one.is_sent] if known else list(_USUAL)
        subject: dict[str, Any] = {}
        for name in wanted:
            ours, theirs = _SUBJECT.get(name, ("", ""))
            value = str(getattr(spec, ours)) if ours else ""
            if value:
                subject[theirs] = [value] if theirs == "organization_units" else value
        kept_back = {kind for kind, one in self.name_fields().items() if not one.is_sent}
        told = {theirs: list(getattr(spec, ours)) for ours, theirs in _SANS if theirs not in kept_back}
        sans = {theirs: names for theirs, names in told.items() if names}
        return {
            **({"subject": subject} if subject else {}),
            **({"extensions": {"san": sans}} if sans else {}),
        }

    def is_had(self, spec: CsrSpec, subject: Mapping[str, str], sans: Sans) -> bool:
        """Say whether a certificate has the names that are asked for, of each kind, and the subject that is taken."""
        fixed = {kind for kind, one in self.name_fields().items() if one.fixed is not None}
        told = [(getattr(spec, ours), getattr(sans, theirs)) for ours, theirs in _NAMES if ours not in fixed]
        if any({*asked} != {*had} for asked, had in told):
            return False
        others = {f"other:{oid}:{text}" for oid, text in spec.other_names}
        if {*others, *(f"directory:{name}" for name in spec.directory_names)} != {*sans.others}:
            return False
        known = self.subject_fields()
        taken = [one.name for one in known if one.fixed is None] if known else list(_USUAL)
        parts = [_SUBJECT[name][0] for name in taken if name in _SUBJECT]
        return all(getattr(spec, part) == subject.get(part, "") for part in parts)


def _field(told: Mapping[str, Any]) -> SubjectField:
    # The document says ``sources`` in one place, and ``source`` in another.
    sources = told.get("sources") or told.get("source") or ()
    listed: Sequence[Mapping[str, Any]] = [sources] if isinstance(sources, Mapping) else list(sources)
    fixed = [one for one in listed if str(one.get("source")).upper() == _FIXED]
    of_csr = bool(listed) and not fixed and all("CSR" in str(one.get("source")).upper() for one in listed)
    is_mandatory = bool(told.get("mandatory")) or any(one.get("mandatory") for one in listed)
    value = str(fixed[0].get("value") or "") if fixed else None
    return SubjectField(str(told.get("type") or "").lower(), is_mandatory, value, of_csr)


class Profiles:
    """The profiles of one account, each asked for once a run.

    :param rest: gives the calls.
    """

    def __init__(self, name: str, rest: Callable[[], Rest]) -> None:
        self._name, self._rest = name, rest
        self._profiles: Sequence[Mapping[str, Any]] | None = None
        self._known: dict[str, Profile] = {}

    def choices(self) -> Sequence[Choice]:
        """List the profiles that issue by the API.

        :raises AuthError: the key may not read them.
        """
        if self._profiles is None:
            told = self._rest().ask("list the profiles", "GET", "/profile")
            entries = _flat(told.get("items") if isinstance(told, Mapping) else told)
            self._profiles = rows({"profiles": entries}, "profiles", "id")
        usable = [one for one in self._profiles if one.get("enrollment_method") in (None, "rest_api")]
        active = [one for one in usable if str(one.get("status") or "active").lower() == "active"]
        return [Choice(str(one["id"]), str(one.get("name") or "")) for one in active]

    def values(self) -> list[str]:
        """Give what names a profile, ids and names; none where the key may not read them."""
        try:
            found = self.choices()
        except AuthError:
            return []
        return [value for choice in found for value in dict.fromkeys((choice.value, choice.label)) if value]

    def id_of(self, given: str) -> str:
        """Give a profile's id by its id or name; as it was given where the list cannot be read.

        :raises RemoteError: there is none of it.
        """
        try:
            found = self.choices()
        except AuthError:
            return given
        for choice in found:
            if given in (choice.value, choice.label):
                return choice.value
        there = ", ".join(f"{choice.label} ({choice.value})" for choice in found) or "none"
        # With a status, as it is the CA's own word, and surely no order was sent.
        raise RemoteError(
            f"certificate_profile {given!r} is not there in CA account {self._name}; there are {there}",
            status=404,
            code="unknown_choice",
        )

    def get(self, profile_id: str) -> Profile:
        """Give a profile; without details where it may not be read."""
        if profile_id not in self._known:
            try:
                told = self._rest().mapping("look at a profile", "GET", f"/profile/{quoted(profile_id)}")
            except AuthError:
                told = {}
            self._known[profile_id] = Profile(profile_id, told)
        return self._known[profile_id]


def _flat(told: Any) -> Any:
    """Give the entries of a list, which the document has as a list of lists; what is no list as it is."""
    if not isinstance(told, list):
        return told
    return [entry for one in told for entry in (one if isinstance(one, list) else [one])]
