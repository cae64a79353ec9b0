# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing enrollments: strict for a new one, member-preserving for an update.

Knows no HTTP; checks of what a user may wish for are made before, here stands only what the wire allows.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import reading as read

READ_ONLY = (
    "id",
    "location",
    "pendingChanges",
    "assignedSlots",
    "productionSlots",
    "stagingSlots",
    "slots",
    "maxAllowedSanNames",
    "maxAllowedWildcardSanNames",
)
"""Members CPS sets itself; they are left out of what is sent."""

_SUBJECT = {
    "country": "c",
    "state_or_province": "st",
    "locality": "l",
    "organization": "o",
    "organizational_unit": "ou",
}


@dataclass(frozen=True)
class Organization:
    """The organization of an enrollment; empty texts are left out.

    :ivar country: ISO 3166-1 alpha-2.
    """

    name: str = ""
    address: str = ""
    address_line_two: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    phone: str = ""

    def to_wire(self) -> dict[str, str]:
        """Write the members that are set."""
        return _filled(
            {
                "name": self.name,
                "addressLineOne": self.address,
                "addressLineTwo": self.address_line_two,
                "city": self.city,
                "region": self.state,
                "postalCode": self.postal_code,
                "country": self.country,
                "phone": self.phone,
            }
        )


@dataclass(frozen=True)
class Contact:
    """The admin or the tech contact; empty texts are left out.

    :source: first name, last name, e-mail and phone are all that CPS asks for since 2024.
    """

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    title: str = ""
    organization_name: str = ""
    address: str = ""
    address_line_two: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""

    def to_wire(self) -> dict[str, str]:
        """Write the members that are set."""
        return _filled(
            {
                "firstName": self.first_name,
                "lastName": self.last_name,
                "email": self.email,
                "phone": self.phone,
                "title": self.title,
                "organizationName": self.organization_name,
                "addressLineOne": self.address,
                "addressLineTwo": self.address_line_two,
                "city": self.city,
                "region": self.state,
                "postalCode": self.postal_code,
                "country": self.country,
            }
        )


@dataclass(frozen=True)
class NewNetwork:
    """The network configuration of a new enrollment; None and empty leave CPS's own default.

    :ivar clone_dns_names: serve every name of the certificate; else exactly ``dns_names``. Both mean nothing, and
        are not sent, without SNI.
    :ivar ocsp_stapling: ``on``, ``off``, ``not-set`` or None.
    """

    secure_network: str = "standard-tls"
    sni_only: bool = True
    geography: str = "core"
    quic: bool = False
    must_have_ciphers: str | None = None
    preferred_ciphers: str | None = None
    disallowed_tls_versions: tuple[str, ...] = ()
    ocsp_stapling: str | None = None
    clone_dns_names: bool = True
    dns_names: tuple[str, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """Write it; an enrollment without SNI that bears ``dnsNameSettings`` is refused by CPS."""
        wire: dict[str, Any] = {
            "secureNetwork": self.secure_network,
            "sniOnly": self.sni_only,
            "geography": self.geography,
            "quicEnabled": self.quic,
            **_filled(
                {
                    "mustHaveCiphers": self.must_have_ciphers,
                    "preferredCiphers": self.preferred_ciphers,
                    "ocspStapling": self.ocsp_stapling,
                }
            ),
        }
        if self.disallowed_tls_versions:
            wire["disallowedTlsVersions"] = list(self.disallowed_tls_versions)
        if self.sni_only:
            names = None if self.clone_dns_names else list(self.dns_names)
            wire["dnsNameSettings"] = {"cloneDnsNames": self.clone_dns_names, "dnsNames": names}
        return wire


@dataclass(frozen=True)
class NewEnrollment:
    """Everything a new enrollment is made of.

    :ivar sans: DNS names; the common name may be left out, CPS adds it.
    :ivar multi_stacked: two CSRs, RSA and ECDSA.
    :ivar exclude_sans: leave the names out of the CSR, for third-party ones.
    :ivar preferred_trust_chain: for DV only.
    :ivar org_id: organization at DigiCert; then organization and contacts are not sent.
    """

    cn: str
    sans: tuple[str, ...] = ()
    country: str = ""
    state: str = ""
    locality: str = ""
    organization: str = ""
    organizational_unit: str = ""
    validation_type: str = "third-party"
    certificate_type: str = "third-party"
    ra: str = "third-party"
    change_management: bool = True
    multi_stacked: bool = False
    exclude_sans: bool = False
    signature_algorithm: str | None = "SHA-256"
    certificate_chain_type: str | None = "default"
    preferred_trust_chain: str | None = None
    org_id: int | None = None
    network: NewNetwork = NewNetwork()
    org: Organization = Organization()
    admin_contact: Contact = Contact()
    tech_contact: Contact = Contact()


def _filled(members: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in members.items() if value}


def _csr(wanted: NewEnrollment) -> dict[str, Any]:
    subject = {
        "country": wanted.country,
        "state_or_province": wanted.state,
        "locality": wanted.locality,
        "organization": wanted.organization,
        "organizational_unit": wanted.organizational_unit,
    }
    return {
        "cn": wanted.cn,
        "sans": list(wanted.sans),
        **_filled({member: subject[word] for word, member in _SUBJECT.items()}),
        **_filled({"preferredTrustChain": wanted.preferred_trust_chain if wanted.validation_type == "dv" else None}),
    }


def enrollment_to_wire(wanted: NewEnrollment) -> dict[str, Any]:
    """Write the body of a create call, with published members only.

    :source: post-enrollments, version 11.
    """
    wire: dict[str, Any] = {
        "ra": wanted.ra,
        "validationType": wanted.validation_type,
        "certificateType": wanted.certificate_type,
        "changeManagement": wanted.change_management,
        "enableMultiStackedCertificates": wanted.multi_stacked,
        "csr": _csr(wanted),
        "networkConfiguration": wanted.network.to_wire(),
        **_filled(
            {
                "signatureAlgorithm": wanted.signature_algorithm,
                "certificateChainType": wanted.certificate_chain_type,
            }
        ),
    }
    if wanted.org_id is not None:
        wire["orgId"] = wanted.org_id
    else:
        wire["org"] = wanted.org.to_wire()
        wire["adminContact"] = wanted.admin_contact.to_wire()
        wire["techContact"] = wanted.tech_contact.to_wire()
    if wanted.validation_type == "third-party":
        wire["thirdParty"] = {"excludeSans": wanted.exclude_sans}
    return wire


def subject_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """Read the subject of an enrollment beside its common name, in the words of ``CsrSpec``; empty where it has none.

    :param raw: the JSON of a read.
    """
    csr = read.mapping(raw.get("csr"))
    return {word: (read.text(csr.get(member)) or "").strip() for word, member in _SUBJECT.items()}


def parties_to_wire(settings: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Write organization and contacts by member, those of a contact that are set, from the words of the options."""
    return {
        "org": Organization(**settings["organization"]).to_wire(),
        "adminContact": Contact(**settings["admin_contact"]).to_wire(),
        "techContact": Contact(**settings["tech_contact"]).to_wire(),
    }


def subject_to_wire(subject: Mapping[str, str]) -> dict[str, str | None]:
    """Write members of a subject for an update, in the words of ``CsrSpec``; an empty one is cleared by null."""
    return {_SUBJECT[word]: value or None for word, value in subject.items()}


def enrollment_update(raw: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write the body of an update from the JSON of a read, keeping members that are unknown here.

    :param raw: as read just before, same media type version.
    :param changes: members to lay over it; objects are merged member by member, lists and values replace.
    """
    body = {name: copy.deepcopy(value) for name, value in raw.items() if name not in READ_ONLY}
    return _merged(body, changes or {})


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in over.items():
        known = result.get(name)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            result[name] = _merged(known, value)
        else:
            result[name] = copy.deepcopy(value)
    return result
