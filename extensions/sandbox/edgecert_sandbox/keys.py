# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, CSRs and certificates of the sandbox: made with real cryptography, read from PEM. Knows nothing of changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timezone
from typing import Any, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from .model import CertificateEntry, KeyPair

PrivateKey: TypeAlias = "rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey"

ALGORITHMS = ("RSA", "ECDSA")
SUBJECT_FIELDS = (
    ("c", "C", NameOID.COUNTRY_NAME),
    ("st", "ST", NameOID.STATE_OR_PROVINCE_NAME),
    ("l", "L", NameOID.LOCALITY_NAME),
    ("o", "O", NameOID.ORGANIZATION_NAME),
    ("ou", "OU", NameOID.ORGANIZATIONAL_UNIT_NAME),
)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def new_key(algorithm: str) -> PrivateKey:
    """Make an RSA-2048 or P-256 private key; ``algorithm`` is ``RSA`` or ``ECDSA``."""
    if algorithm == "RSA":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def key_to_pem(key: PrivateKey) -> str:
    """Write a private key as PKCS#8 PEM, unencrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_from_pem(pem: str) -> PrivateKey:
    """Read a private key this module wrote."""
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise TypeError("only RSA and EC keys are made here")
    return key


def public_der(key: Any) -> bytes:
    """Give a public key as SubjectPublicKeyInfo DER, the form in which keys are compared."""
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def subject_of(csr: dict[str, Any]) -> x509.Name:
    """Build a subject from an enrollment's ``csr`` member."""
    attributes = [x509.NameAttribute(oid, csr[member]) for member, _label, oid in SUBJECT_FIELDS if csr.get(member)]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, csr["cn"])])


def names_of(csr: dict[str, Any]) -> list[str]:
    """Give an enrollment's names as CPS reads them back: lower-case, with the common name, in an order of its own."""
    names = {name.lower() for name in csr.get("sans") or []} | {csr["cn"].lower()}
    return sorted(names, key=lambda name: name[::-1])


def make_csr(key: PrivateKey, csr: dict[str, Any], exclude_sans: bool) -> str:
    """Make a CSR (PEM) for an enrollment's ``csr`` member, with or without its names as SANs."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject_of(csr))
    if not exclude_sans:
        names = [x509.DNSName(name) for name in names_of(csr)]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def make_pair(algorithm: str, csr: dict[str, Any], exclude_sans: bool) -> KeyPair:
    """Make a fresh key and its CSR."""
    key = new_key(algorithm)
    return KeyPair(algorithm, key_to_pem(key), make_csr(key, csr, exclude_sans), public_der(key.public_key()))


def split_pem(text: str) -> list[str]:
    """Cut concatenated PEM certificates apart; anything between them is dropped."""
    return [block.replace("\r", "") for block in _PEM.findall(text)]


def colons(value: bytes) -> str:
    """Write bytes as colon-separated lower-case hexadecimal."""
    return value.hex(":")


def serial_text(number: int) -> str:
    """Write a serial number as colon-separated lower-case hexadecimal."""
    return colons(number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big"))


def algorithm_of(certificate: x509.Certificate) -> str:
    """Name a certificate's key algorithm as CPS does; ``OTHER`` for what CPS does not deploy."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA"
    return "ECDSA" if isinstance(key, ec.EllipticCurvePublicKey) else "OTHER"


def common_name(name: x509.Name) -> str:
    """Give a name's first common name, or an empty text."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def dns_names(certificate: x509.Certificate) -> list[str]:
    """Give a certificate's DNS SANs as written."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(extension.value.get_values_for_type(x509.DNSName))


def to_pem(certificate: x509.Certificate) -> str:
    """Write a certificate as PEM without a newline at the end."""
    return certificate.public_bytes(Encoding.PEM).decode().strip()


def fingerprint(certificate: x509.Certificate) -> str:
    """Give the SHA-256 fingerprint as colon-separated upper-case hexadecimal."""
    return colons(certificate.fingerprint(hashes.SHA256())).upper()


def make_entry(
    certificate: x509.Certificate, chain: Sequence[x509.Certificate], csr: str, key_pem: str
) -> CertificateEntry:
    """Record a certificate with its chain (issuer first), the CSR it answers and its key."""
    signature_hash = certificate.signature_hash_algorithm
    short = isinstance(signature_hash, hashes.SHA1)
    return CertificateEntry(
        key_algorithm=algorithm_of(certificate),
        certificate=to_pem(certificate),
        trust_chain="\n".join(to_pem(link) for link in chain),
        csr=csr,
        key_pem=key_pem,
        issuer=certificate.issuer.rfc4514_string(),
        serial=serial_text(certificate.serial_number),
        fingerprint=fingerprint(certificate),
        signature_algorithm="SHA-1" if short else "SHA-256",
        not_before=certificate.not_valid_before_utc.astimezone(timezone.utc),
        not_after=certificate.not_valid_after_utc.astimezone(timezone.utc),
        names=sorted({name.lower() for name in dns_names(certificate)} | {common_name(certificate.subject).lower()}),
    )
