# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrollments and what is active, as frozen records read from the wire; wire names stop here.

Knows no HTTP. Writing enrollments is in ``enrollment_wire``, changes and deployments have files of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import reading as read


@dataclass(frozen=True)
class PendingChange:
    """A change that is open on an enrollment.

    :ivar change_type: ``new-certificate``, ``modify-certificate``, ``modify-san``, ``renewal`` or a word not known
        yet; None from old answers.
    """

    change_id: int
    change_type: str | None = None


@dataclass(frozen=True)
class NetworkSettings:
    """A network configuration as read; members the answer did not have are None.

    :ivar dns_names: None when the answer had no list, which is not the same as an empty one.
    """

    secure_network: str | None = None
    geography: str | None = None
    sni_only: bool | None = None
    quic: bool | None = None
    must_have_ciphers: str | None = None
    preferred_ciphers: str | None = None
    disallowed_tls_versions: tuple[str, ...] = ()
    ocsp_stapling: str | None = None
    clone_dns_names: bool | None = None
    dns_names: tuple[str, ...] | None = None

    @classmethod
    def from_wire(cls, value: Any) -> NetworkSettings:
        """Read ``networkConfiguration`` of an enrollment, a deployment, or a pending state.

        :source: versions up to 4 have an object ``sni`` where later ones have ``sniOnly``.
        """
        wire = read.mapping(value)
        settings = read.mapping(wire.get("dnsNameSettings") or wire.get("sni"))
        names = settings.get("dnsNames", wire.get("dnsNames"))
        sni_only = read.flag(wire.get("sniOnly"))
        if sni_only is None and "sni" in wire:
            sni_only = wire["sni"] is not None
        return cls(
            secure_network=read.text(wire.get("secureNetwork") or wire.get("networkType")),
            geography=read.text(wire.get("geography")),
            sni_only=sni_only,
            quic=read.flag(wire.get("quicEnabled")),
            must_have_ciphers=read.text(wire.get("mustHaveCiphers")),
            preferred_ciphers=read.text(wire.get("preferredCiphers")),
            disallowed_tls_versions=read.texts(wire.get("disallowedTlsVersions")),
            ocsp_stapling=read.text(wire.get("ocspStapling")),
            clone_dns_names=read.flag(settings.get("cloneDnsNames")),
            dns_names=None if names is None else read.texts(names),
        )


def pending_changes(value: Any) -> tuple[PendingChange, ...]:
    """Read ``pendingChanges``: objects, or bare locations in versions up to 9; the newest is last."""
    found = []
    for entry in read.items(value):
        wire = entry if isinstance(entry, Mapping) else {"location": entry}
        change_id = read.last_id(wire.get("location"))
        if change_id is not None:
            found.append(PendingChange(change_id, read.text(wire.get("changeType"))))
    return tuple(found)


def enrollment_id(wire: Mapping[str, Any], what: str) -> int:
    """Read the id of an enrollment: a number, a text, or the end of its location.

    :raises RemoteError: there is none.
    """
    known = read.number(wire.get("id"))
    if known is None:
        known = next(iter(read.ids_of(wire.get("location"))), None)
    if known is None:
        raise read.unusable(what, "an enrollment has no id")
    return known


@dataclass(frozen=True)
class EnrollmentRecord:
    """One enrollment.

    :ivar contract_id: the contract whose list held it, without ``ctr_``; None when it was read alone, as the object
        itself does not say.
    :ivar sans: as CPS sent them; the common name may be among them, case and order are CPS's.
    :ivar sni_only: None when the answer does not say.
    :ivar pending_changes: the newest last.
    :ivar max_sans: how many names it may have, the common name among them; None when not told.
    :ivar auto_renewal_start: when CPS opens a renewal by itself, UTC, or None.
    :ivar signature_algorithm: None for third-party ones; never compare then.
    :ivar raw: the JSON as it came, the only good start for an update.
    """

    id: int
    contract_id: str | None
    cn: str
    sans: tuple[str, ...]
    validation_type: str
    certificate_type: str
    ra: str
    secure_network: str
    sni_only: bool | None
    change_management: bool
    multi_stacked: bool
    pending_changes: tuple[PendingChange, ...] = ()
    assigned_slots: tuple[int, ...] = ()
    staging_slots: tuple[int, ...] = ()
    production_slots: tuple[int, ...] = ()
    max_sans: int | None = None
    max_wildcard_sans: int | None = None
    auto_renewal_start: datetime | None = None
    signature_algorithm: str | None = None
    org_id: str | None = None
    exclude_sans: bool = False
    network: NetworkSettings = field(default_factory=NetworkSettings)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def newest_change(self) -> PendingChange | None:
        """Give the change opened last, or None."""
        return self.pending_changes[-1] if self.pending_changes else None

    @property
    def is_first(self) -> bool:
        """Say whether nothing of it was ever deployed; False also where CPS tells of no slots, before version 11."""
        return not self.production_slots and ("productionSlots" in self.raw or "assignedSlots" in self.raw)

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any], contract_id: str | None = None) -> EnrollmentRecord:
        """Read one enrollment of any version.

        :raises RemoteError: it has no id or no common name.
        """
        number = enrollment_id(wire, "the enrollment")
        csr = read.mapping(wire.get("csr"))
        common_name = read.text(csr.get("cn"))
        if common_name is None:
            raise read.unusable(f"enrollment {number}", "it has no common name")
        network = NetworkSettings.from_wire(wire.get("networkConfiguration"))
        return cls(
            id=number,
            contract_id=contract_id,
            cn=common_name,
            sans=read.texts(csr.get("sans")),
            validation_type=read.text(wire.get("validationType")) or "",
            certificate_type=read.text(wire.get("certificateType")) or "",
            ra=read.text(wire.get("ra")) or "",
            secure_network=network.secure_network or "",
            sni_only=network.sni_only,
            change_management=bool(read.flag(wire.get("changeManagement"))),
            multi_stacked=bool(read.flag(wire.get("enableMultiStackedCertificates"))),
            pending_changes=pending_changes(wire.get("pendingChanges")),
            assigned_slots=read.numbers(wire.get("assignedSlots")) or read.numbers(wire.get("slots")),
            staging_slots=read.numbers(wire.get("stagingSlots")),
            production_slots=read.numbers(wire.get("productionSlots")),
            max_sans=read.number(wire.get("maxAllowedSanNames")),
            max_wildcard_sans=read.number(wire.get("maxAllowedWildcardSanNames")),
            auto_renewal_start=read.moment(wire.get("autoRenewalStartTime")),
            signature_algorithm=read.text(wire.get("signatureAlgorithm")),
            org_id=read.text(wire.get("orgId")),
            exclude_sans=bool(read.flag(read.mapping(wire.get("thirdParty")).get("excludeSans"))),
            network=network,
            raw=wire,
        )


@dataclass(frozen=True)
class CertificateFacts:
    """What ``active-certificates`` tells about one certificate; any member may be missing.

    :ivar fingerprint: SHA-256, lower-case hex without colons.
    :ivar serial: as CPS writes it, lower-case without colons.
    :ivar expiry: UTC.
    :ivar key_algorithm: ``RSA``, ``ECDSA`` or None.
    """

    fingerprint: str | None
    serial: str | None
    issuer: str | None
    expiry: datetime | None
    key_algorithm: str | None
    signature_algorithm: str | None

    @classmethod
    def from_wire(cls, value: Any) -> CertificateFacts | None:
        """Read one certificate; None for null and for an object without any content."""
        wire = read.mapping(value)
        facts = cls(
            fingerprint=read.hex_text(wire.get("sha256Fingerprint")),
            serial=read.hex_text(wire.get("serial")),
            issuer=read.text(wire.get("issuer")),
            expiry=read.moment(wire.get("expiry")),
            key_algorithm=read.text(wire.get("keyAlgorithm")),
            signature_algorithm=read.text(wire.get("signatureAlgorithm")),
        )
        return facts if facts.fingerprint or facts.serial or facts.expiry else None


@dataclass(frozen=True)
class ActiveNetwork:
    """What one network serves for an enrollment.

    :ivar primary: the certificate CPS calls primary; its key algorithm is not fixed.
    :ivar multi_stacked: further ones, of the other key algorithm.
    """

    primary: CertificateFacts | None
    multi_stacked: tuple[CertificateFacts, ...]
    raw_network: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def network(self) -> NetworkSettings:
        """Read the network configuration; a discovery of thousands never asks, and reading it takes a fifth of it."""
        return NetworkSettings.from_wire(self.raw_network)

    @property
    def certificates(self) -> tuple[CertificateFacts, ...]:
        """Give all of them, the primary one first."""
        return (*((self.primary,) if self.primary else ()), *self.multi_stacked)

    @classmethod
    def from_wire(cls, value: Any) -> ActiveNetwork | None:
        """Read ``production`` or ``staging``; None when no certificate is there."""
        wire = read.mapping(value)
        others = (CertificateFacts.from_wire(entry) for entry in read.items(wire.get("multiStackedCertificates")))
        found = cls(
            primary=CertificateFacts.from_wire(wire.get("primaryCertificate")),
            multi_stacked=tuple(entry for entry in others if entry is not None),
            raw_network=read.mapping(wire.get("networkConfiguration")),
        )
        return found if found.certificates else None


@dataclass(frozen=True)
class ActiveRecord:
    """One enrollment as ``active-certificates`` lists it: no PEM, but what is live on both networks.

    :ivar production: None when nothing is there; ``staging`` likewise.
    """

    id: int
    cn: str
    sans: tuple[str, ...]
    certificate_type: str
    multi_stacked: bool
    pending_changes: tuple[PendingChange, ...]
    assigned_slots: tuple[int, ...]
    production: ActiveNetwork | None
    staging: ActiveNetwork | None

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> ActiveRecord:
        """Read one entry.

        :raises RemoteError: it has no id.
        """
        csr = read.mapping(wire.get("csr"))
        return cls(
            id=enrollment_id(wire, "the active certificates"),
            cn=read.text(csr.get("cn")) or "",
            sans=read.texts(csr.get("sans")),
            certificate_type=read.text(wire.get("certificateType")) or "",
            multi_stacked=bool(read.flag(wire.get("enableMultiStackedCertificates"))),
            pending_changes=pending_changes(wire.get("pendingChanges")),
            assigned_slots=read.numbers(wire.get("assignedSlots")),
            production=ActiveNetwork.from_wire(wire.get("production")),
            staging=ActiveNetwork.from_wire(wire.get("staging")),
        )


def listed(value: Any, what: str) -> Iterator[Mapping[str, Any]]:
    """Give the objects of ``{"enrollments": [...]}`` one by one.

    :raises RemoteError: the answer is no such object.
    """
    entries = read.mapping(value).get("enrollments")
    if not isinstance(entries, list):
        raise read.unusable(what, "there is no list named enrollments in it")
    yield from read.objects(entries)


@dataclass(frozen=True)
class EnrollmentStatus:
    """The answer to create, update and delete.

    :ivar change_ids: opened by the call; empty when none was needed.
    :ivar http_status: 200 when all is done already, 202 when a change goes on.
    """

    enrollment_id: int
    change_ids: tuple[int, ...]
    http_status: int

    @classmethod
    def from_wire(cls, value: Any, http_status: int, known_id: int | None = None) -> EnrollmentStatus:
        """Read the body; ids come from it and never from a Location header.

        :param known_id: the id when the caller knows it, for an answer with an empty body.
        :raises RemoteError: no enrollment id in it and none known.
        """
        wire = read.mapping(value)
        number = next(iter(read.ids_of(wire.get("enrollment"))), known_id)
        if number is None:
            raise read.unusable("the new enrollment's status", "it names no enrollment")
        changes = (read.last_id(entry) for entry in read.items(wire.get("changes")))
        return cls(number, tuple(entry for entry in changes if entry is not None), http_status)


@dataclass(frozen=True)
class PapiContract:
    """A contract as Property Manager lists it; the id is without ``ctr_``."""

    contract_id: str
    type_name: str | None


@dataclass(frozen=True)
class PapiContracts:
    """The account and its contracts."""

    account_id: str | None
    contracts: tuple[PapiContract, ...]


def bare(identifier: Any) -> str:
    """Give a PAPI id without its prefix, as CPS wants it."""
    word = read.text(identifier) or ""
    for prefix in ("ctr_", "grp_", "act_"):
        word = word.removeprefix(prefix)
    return word


def papi_contracts(value: Any) -> PapiContracts:
    """Read the answer of ``/papi/v1/contracts``.

    :raises RemoteError: the answer is no such object.
    """
    wire = read.mapping(value)
    if "contracts" not in wire:
        raise read.unusable("the contracts of Property Manager", "there is no member contracts in it")
    entries = read.objects(read.mapping(wire.get("contracts")).get("items"))
    return PapiContracts(
        bare(wire.get("accountId")) or None,
        tuple(PapiContract(bare(one.get("contractId")), read.text(one.get("contractTypeName"))) for one in entries),
    )
