# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox account driven in-process by a standing clock, and a small CA to sign for it. For tests of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from edgecert_sandbox.world import Answer, SandboxClock, World, WorldConfig

START = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
CONTRACT = "C-0N7RAC7"
CERTIFICATE = "third-party-cert-and-trust-chain"
ACKNOWLEDGE = {"acknowledgement": "acknowledge"}
ALLOW_CANCEL = {"allow-cancel-pending-changes": "true"}
FORCE = {"force-renewal": "true"}

_CONTACT = {"firstName": "Ada", "lastName": "Example", "email": "ada@example.com", "phone": "+1-617-555-0111"}


def document(cn: str = "www.example.com", **changes: Any) -> dict[str, Any]:
    """Give a whole third-party enrollment document; ``changes`` replace members, dictionaries are merged."""
    doc: dict[str, Any] = {
        "ra": "third-party",
        "validationType": "third-party",
        "certificateType": "third-party",
        "changeManagement": True,
        "enableMultiStackedCertificates": False,
        "csr": {"cn": cn, "sans": ["API.example.com"], "c": "US", "st": "MA", "l": "Cambridge", "o": "Example"},
        "networkConfiguration": {
            "geography": "core",
            "secureNetwork": "standard-tls",
            "sniOnly": True,
            "quicEnabled": False,
            "dnsNameSettings": {"cloneDnsNames": True, "dnsNames": None},
        },
        "org": {"name": "Example", "addressLineOne": "1 Main St", "city": "Cambridge", "country": "US", "phone": "1"},
        "adminContact": dict(_CONTACT),
        "techContact": {**_CONTACT, "email": "tech@akamai.com"},
        "thirdParty": {"excludeSans": False},
    }
    for member, value in changes.items():
        doc[member] = {**doc[member], **value} if isinstance(value, dict) and doc.get(member) else value
    return doc


class LabAuthority:
    """A root and an issuing CA, and certificates for CSRs as a test wants them."""

    def __init__(self, at: datetime = START) -> None:
        self.root_key, self.issuing_key = (ec.generate_private_key(ec.SECP256R1()) for _count in range(2))
        start, end = at - timedelta(days=100), at + timedelta(days=4000)
        self.root = _ca("Lab Root", self.root_key, "Lab Root", self.root_key, start, end)
        self.issuing = _ca("Lab Issuing", self.issuing_key, "Lab Root", self.root_key, start, end)

    def sign(
        self,
        csr_pem: str,
        *,
        days: int = 90,
        start: datetime = START,
        names: Sequence[str] | None = None,
        cn: str | None = None,
        subject: Sequence[tuple[x509.ObjectIdentifier, str]] | None = None,
        key: Any = None,
    ) -> str:
        """Sign a CSR (PEM in, PEM out); names, common name, subject and key as in the CSR unless given."""
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        attributes = [(one.oid, str(one.value)) for one in csr.subject] if subject is None else list(subject)
        if cn is not None:
            attributes = [(oid, cn if oid == NameOID.COMMON_NAME else value) for oid, value in attributes]
        if names is None:
            names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
                x509.DNSName
            )
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes]))
            .issuer_name(self.issuing.subject)
            .public_key(key or csr.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=days))
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        return pem(builder.sign(self.issuing_key, hashes.SHA256()))


def _ca(cn: str, key: Any, issuer: str, issuer_key: Any, start: datetime, end: datetime) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def pem(certificate: x509.Certificate) -> str:
    """Write a certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM).decode()


def body_of(answer: Answer) -> dict[str, Any]:
    """Give an answer's body, which must be an object."""
    assert isinstance(answer.body, dict)
    return answer.body


def id_of(location: str) -> int:
    """Give the number a location ends with."""
    return int(location.rsplit("/", 1)[1])


@dataclass
class Lab:
    """One account with a standing clock; its certificates raise no warnings unless a test makes them."""

    config: WorldConfig = field(default_factory=lambda: WorldConfig(create_interval_s=0))
    ca: LabAuthority = field(default_factory=LabAuthority)
    trusted: bool = True

    def __post_init__(self) -> None:
        if self.trusted:
            self.config.standard_roots.append(pem(self.ca.root))
        self.clock = SandboxClock(START, frozen=True)
        self.world = World(self.config, self.clock)

    def create(self, doc: dict[str, Any] | None = None, **query: str) -> tuple[int, int]:
        """Create an enrollment and give its id and its change's."""
        parameters = {name.replace("_", "-"): value for name, value in query.items()}
        answer = body_of(self.world.post_enrollment(CONTRACT, doc or document(), parameters, 11))
        return id_of(answer["enrollment"]), id_of(answer["changes"][0])

    def put(self, eid: int, query: dict[str, str] | None = None, **changes: Any) -> Answer:
        """Read an enrollment, change it, write it back."""
        doc = self.read(eid)
        for member, value in changes.items():
            doc[member] = {**doc[member], **value} if isinstance(value, dict) else value
        return self.world.put_enrollment(eid, doc, query or {}, 11)

    def opened(self, answer: Answer) -> int:
        """Give the id of the change an update opened."""
        assert answer.status == 202
        return id_of(body_of(answer)["changes"][0])

    def read(self, eid: int, version: int = 11) -> dict[str, Any]:
        """Read an enrollment."""
        return body_of(self.world.get_enrollment(eid, version))

    def change(self, eid: int, cid: int) -> dict[str, Any]:
        """Read a change."""
        return body_of(self.world.get_change(eid, cid, 2))

    def status(self, eid: int, cid: int) -> str:
        """Give a change's status."""
        return str(self.change(eid, cid)["statusInfo"]["status"])

    def offered(self, eid: int, cid: int) -> list[str]:
        """Give the last segments of the ``update`` addresses a change offers."""
        return [one["update"].rsplit("/", 1)[1] for one in self.change(eid, cid)["allowedInput"]]

    def wait(self, eid: int, cid: int, status: str, limit: int = 200) -> None:
        """Move the clock second by second until a change shows a status and, if it waits, what it waits for."""
        for _second in range(limit):
            view = self.change(eid, cid)
            ready = view["statusInfo"]["state"] != "awaiting-input" or view["allowedInput"]
            if view["statusInfo"]["status"] == status and ready:
                return
            self.clock.advance(1)
        raise AssertionError(f"{status} was not reached; the change is at {self.change(eid, cid)['statusInfo']}")

    def csrs(self, eid: int, cid: int) -> dict[str, str]:
        """Give the offered CSRs by key algorithm."""
        answer = body_of(self.world.get_input_info(eid, cid, "third-party-csr", "csr", 2))
        return {one["keyAlgorithm"]: one["csr"] for one in answer["csrs"]}

    def sign(self, csr: str, **wishes: Any) -> str:
        """Sign a CSR as of now."""
        return self.ca.sign(csr, **{"start": self.clock.now(), **wishes})

    def post(self, eid: int, cid: int, tail: str, body: dict[str, Any]) -> Answer:
        """Post an input."""
        return self.world.post_input_update(eid, cid, tail, "", 2, body)

    def upload(self, eid: int, cid: int, certificates: dict[str, str], chain: str | None = None) -> Answer:
        """Upload certificates by key algorithm, with the issuing CA as the chain unless another is given."""
        trust = pem(self.ca.issuing) if chain is None else chain
        entries = [
            {"certificate": text, "trustChain": trust, "keyAlgorithm": algorithm}
            for algorithm, text in certificates.items()
        ]
        return self.post(eid, cid, CERTIFICATE, {"certificatesAndTrustChains": entries})

    def upload_signed(self, eid: int, cid: int, **wishes: Any) -> dict[str, str]:
        """Wait for the CSRs, sign them all and upload; give the certificates."""
        self.wait(eid, cid, "wait-upload-third-party")
        signed = {algorithm: self.sign(csr, **wishes) for algorithm, csr in self.csrs(eid, cid).items()}
        self.upload(eid, cid, signed)
        return signed

    def to_staging(self, eid: int, cid: int, **wishes: Any) -> dict[str, str]:
        """Bring a new change to the stop after staging."""
        signed = self.upload_signed(eid, cid, **wishes)
        self.wait(eid, cid, "wait-ack-change-management")
        return signed

    def management(self, eid: int, cid: int, version: int = 5) -> dict[str, Any]:
        """Read change management information."""
        tail = "change-management-info"
        return body_of(self.world.get_input_info(eid, cid, tail, "change-management-info", version))

    def approve(self, eid: int, cid: int) -> None:
        """Acknowledge change management with the hash just read."""
        found = self.management(eid, cid)["validationResultHash"]
        self.post(eid, cid, "change-management-ack", {**ACKNOWLEDGE, "hash": found})

    def live(self, doc: dict[str, Any] | None = None, **wishes: Any) -> int:
        """Create an enrollment, bring it to production and give its id."""
        eid, cid = self.create(doc)
        self.to_staging(eid, cid, **wishes)
        self.approve(eid, cid)
        self.wait(eid, cid, "complete")
        return eid

    def fingerprints(self, eid: int, network: str) -> list[str]:
        """Give the fingerprints active-certificates tells for a network."""
        listed = body_of(self.world.get_active_certificates(None, 2))["enrollments"]
        found = next(one for one in listed if one["id"] == eid)[network]
        if found is None:
            return []
        return [one["sha256Fingerprint"] for one in [found["primaryCertificate"], *found["multiStackedCertificates"]]]
