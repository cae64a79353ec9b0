# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of certificates and CSRs as plain values, so that no other layer touches the cryptography library for them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._core.deps import needed
from .._core.errors import InputError
from . import pem

if TYPE_CHECKING:
    from cryptography import x509

_FEATURE = "reading certificates and CSRs"


@dataclass(frozen=True)
class Sans:
    """Subject alternative names by type, as they stand in the extension.

    :ivar others: written as ``<kind>:<value>``: ``directory:CN=edge,O=Example``, ``other:1.2.3:text``, where the value
        is no text ``other:1.2.3#`` and its DER in hex.
    """

    dns: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Count them all."""
        return sum(len(names) for names in (self.dns, self.ips, self.emails, self.uris, self.others))


@dataclass(frozen=True)
class KeyFacts:
    """What can be told of a public key.

    :ivar algorithm: ``RSA``, ``ECDSA``, ``Ed25519``, ``Ed448``, ``DSA`` or ``unknown``.
    :ivar size: bits; None where the algorithm has only one.
    :ivar curve: as ``secp256r1``; empty where there is none.
    :ivar spki_sha256: SHA-256 of SubjectPublicKeyInfo, lower-case hex: equal keys have equal ones.
    :ivar exponent: public exponent of an RSA key; None for any other.
    """

    algorithm: str
    size: int | None
    curve: str
    spki_sha256: str
    exponent: int | None = None


@dataclass(frozen=True)
class CertificateFacts:
    """One certificate.

    :ivar fingerprint: SHA-256 of the DER, lower-case hex; ``serial`` likewise hex, whole bytes.
    :ivar subject: RFC 4514, as ``issuer``.
    :ivar common_name: the last one of the subject, or empty.
    :ivar not_before: aware, UTC; ``not_after`` is the last second.
    :ivar signature_hash: as ``sha256``; empty for Ed25519 and the unknown.
    :ivar is_self_signed: issuer and subject are one name and its own key verifies it.
    :ivar usages: object ids of the extended key usage, None where the extension is absent.
    """

    fingerprint: str
    serial: str
    subject: str
    issuer: str
    common_name: str
    issuer_common_name: str
    sans: Sans
    not_before: datetime
    not_after: datetime
    key: KeyFacts
    signature_hash: str
    is_ca: bool
    is_self_signed: bool
    usages: tuple[str, ...] | None


@dataclass(frozen=True)
class CsrFacts:
    """One PKCS#10 request.

    :ivar fingerprint: SHA-256 of the DER, lower-case hex.
    :ivar is_signature_valid: the request was signed by the key it names.
    :ivar subject_fields: by the words of our options, as ``organization``; only those present.
    """

    fingerprint: str
    subject: str
    common_name: str
    subject_fields: dict[str, str]
    sans: Sans
    key: KeyFacts
    signature_hash: str
    is_signature_valid: bool


def load_certificate(text: str, what: str = "certificate") -> x509.Certificate:
    """Parse one PEM certificate.

    :raises InputError: it is none.
    """
    with needed("cryptography", _FEATURE):
        from cryptography import x509
    der = pem.der_of(pem.one_certificate(text, what))
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion) as exc:
        raise InputError(f"Cannot read the {what}: it is not an X.509 certificate ({exc})") from exc


def load_csr(text: str, what: str = "CSR") -> x509.CertificateSigningRequest:
    """Parse one PEM request.

    :raises InputError: it is none.
    """
    with needed("cryptography", _FEATURE):
        from cryptography import x509
    der = pem.der_of(pem.one_csr(text, what))
    try:
        return x509.load_der_x509_csr(der)
    except (ValueError, x509.InvalidVersion) as exc:
        raise InputError(f"Cannot read the {what}: it is not a PKCS#10 request ({exc})") from exc


def certificate_facts(text: str, what: str = "certificate") -> CertificateFacts:
    """Read one PEM certificate.

    :raises InputError: it is none, or its extensions cannot be parsed.
    """
    return facts_of(load_certificate(text, what), what)


def facts_of(cert: x509.Certificate, what: str = "certificate") -> CertificateFacts:
    """Tell the facts of a parsed certificate."""
    with needed("cryptography", _FEATURE):
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding
    try:
        basic = extension_of(cert, x509.BasicConstraints)
        usage = extension_of(cert, x509.ExtendedKeyUsage)
        return CertificateFacts(
            fingerprint=hashlib.sha256(cert.public_bytes(Encoding.DER)).hexdigest(),
            serial=serial_hex(cert.serial_number),
            subject=cert.subject.rfc4514_string(),
            issuer=cert.issuer.rfc4514_string(),
            common_name=_common_name(cert.subject),
            issuer_common_name=_common_name(cert.issuer),
            sans=_sans(cert),
            not_before=cert.not_valid_before_utc,
            not_after=cert.not_valid_after_utc,
            key=key_facts(cert),
            signature_hash=_hash_name(cert),
            is_ca=bool(basic and basic.ca),
            is_self_signed=cert.subject == cert.issuer and is_issued_by(cert, cert),
            usages=None if usage is None else tuple(oid.dotted_string for oid in usage),
        )
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as exc:
        raise InputError(f"Cannot read the {what}: a part of it is malformed ({exc})") from exc


def csr_facts(text: str, what: str = "CSR") -> CsrFacts:
    """Read one PEM request and try its signature.

    :raises InputError: it is none, or its extensions cannot be parsed.
    """
    return request_facts(load_csr(text, what), what)


def request_facts(csr: x509.CertificateSigningRequest, what: str = "CSR") -> CsrFacts:
    """Tell the facts of a parsed request, and try its signature."""
    with needed("cryptography", _FEATURE):
        from cryptography import x509
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import Encoding
    try:
        is_valid = csr.is_signature_valid
    except (UnsupportedAlgorithm, ValueError, TypeError):
        is_valid = False
    try:
        return CsrFacts(
            fingerprint=hashlib.sha256(csr.public_bytes(Encoding.DER)).hexdigest(),
            subject=csr.subject.rfc4514_string(),
            common_name=_common_name(csr.subject),
            subject_fields=subject_fields(csr.subject),
            sans=_sans(csr),
            key=key_facts(csr),
            signature_hash=_hash_name(csr),
            is_signature_valid=is_valid,
        )
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as exc:
        raise InputError(f"Cannot read the {what}: a part of it is malformed ({exc})") from exc


def serial_hex(number: int) -> str:
    """Write a serial number as lower-case hex in whole bytes."""
    text = f"{number:x}"
    return text if len(text) % 2 == 0 else f"0{text}"


def is_issued_by(cert: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Say whether the issuer's name stands in the certificate and the issuer's key made its signature."""
    with needed("cryptography", _FEATURE):
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    try:
        cert.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def key_facts(holder: x509.Certificate | x509.CertificateSigningRequest) -> KeyFacts:
    """Tell the facts of the public key in a certificate or request."""
    with needed("cryptography", _FEATURE):
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    try:
        key = holder.public_key()
    except UnsupportedAlgorithm:
        return KeyFacts("unknown", None, "", "")
    spki = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    if isinstance(key, rsa.RSAPublicKey):
        return KeyFacts("RSA", key.key_size, "", spki, key.public_numbers().e)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return KeyFacts("ECDSA", key.key_size, key.curve.name, spki)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return KeyFacts("Ed25519", None, "", spki)
    if isinstance(key, ed448.Ed448PublicKey):
        return KeyFacts("Ed448", None, "", spki)
    if isinstance(key, dsa.DSAPublicKey):
        return KeyFacts("DSA", key.key_size, "", spki)
    return KeyFacts("unknown", None, "", spki)


def extension_of(holder: Any, kind: Any) -> Any:
    """Give the value of an extension of a certificate, request, CRL or entry of one; None where it has none.

    :param kind: its class in the library.
    :raises ValueError: the extensions cannot be parsed.
    """
    with needed("cryptography", _FEATURE):
        from cryptography import x509

    try:
        return holder.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _hash_name(holder: x509.Certificate | x509.CertificateSigningRequest) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        algorithm = holder.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return ""
    return algorithm.name if algorithm is not None else ""


def _common_name(name: x509.Name) -> str:
    from cryptography.x509.oid import NameOID

    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[-1].value) if found else ""


def subject_fields(name: x509.Name) -> dict[str, str]:
    """Give the fields of a name by the words of our options, the first of each; only those present."""
    found = {word: name.get_attributes_for_oid(oid) for word, oid in subject_oids().items()}
    return {word: str(attributes[0].value) for word, attributes in found.items() if attributes}


def subject_oids() -> dict[str, x509.ObjectIdentifier]:
    """Give the object ids of the fields of a subject by the words of our options; the common name is none of them."""
    from cryptography.x509.oid import NameOID

    return {
        "country": NameOID.COUNTRY_NAME,
        "state_or_province": NameOID.STATE_OR_PROVINCE_NAME,
        "locality": NameOID.LOCALITY_NAME,
        "organization": NameOID.ORGANIZATION_NAME,
        "organizational_unit": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "email": NameOID.EMAIL_ADDRESS,
    }


def _sans(holder: x509.Certificate | x509.CertificateSigningRequest) -> Sans:
    from cryptography import x509

    extension = extension_of(holder, x509.SubjectAlternativeName)
    lists: dict[str, list[str]] = {"dns": [], "ips": [], "emails": [], "uris": [], "others": []}
    for entry in extension or ():
        kind, value = _san(entry)
        lists[kind].append(value)
    return Sans(**{kind: tuple(values) for kind, values in lists.items()})


def _other_value(der: bytes) -> str:
    """Write the value of an otherName: ``:`` and its text, or ``#`` and hex where it is no UTF8String."""
    try:
        text = asn1_utf8(der)
    except ValueError:
        return f"#{der.hex()}"
    return f":{text}"


def asn1_utf8(der: bytes) -> str:
    """Read a DER UTF8String.

    :raises ValueError: it is none.
    :source: ITU-T X.690 §8.1.3.
    """
    if len(der) < 2 or der[0] != 0x0C:
        raise ValueError("not a UTF8String")
    size, start = der[1], 2
    if size & 0x80:
        start = 2 + (size & 0x7F)
        size = int.from_bytes(der[2:start], "big")
    if len(der) != start + size:
        raise ValueError("not of the length it says")
    return der[start:].decode("utf-8")


def _san(entry: x509.GeneralName) -> tuple[str, str]:
    from cryptography import x509

    plain = {x509.DNSName: "dns", x509.IPAddress: "ips", x509.RFC822Name: "emails"}
    for kind, word in {**plain, x509.UniformResourceIdentifier: "uris"}.items():
        if isinstance(entry, kind):
            return word, str(entry.value)
    if isinstance(entry, x509.DirectoryName):
        return "others", f"directory:{entry.value.rfc4514_string()}"
    if isinstance(entry, x509.OtherName):
        return "others", f"other:{entry.type_id.dotted_string}{_other_value(entry.value)}"
    if isinstance(entry, x509.RegisteredID):
        return "others", f"registered:{entry.value.dotted_string}"
    return "others", f"unknown:{entry!r}"
