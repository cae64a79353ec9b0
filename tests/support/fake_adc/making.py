# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Really makes keys and CSRs, as the operating systems of the devices do; knows no vendor."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key: TypeAlias = "rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey"
CURVES: Mapping[str, ec.EllipticCurve] = {
    "prime256v1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
    "P_256": ec.SECP256R1(),
    "P_384": ec.SECP384R1(),
}
SUBJECT = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}


def make_rsa(bits: int) -> Key:
    """Make an RSA key."""
    return rsa.generate_private_key(65537, bits)


def make_ec(curve: str) -> Key:
    """Make an EC key on a curve by either vendor's name."""
    return ec.generate_private_key(CURVES[curve])


def pem_of(key: Key) -> str:
    """Write a private key as the devices keep it."""
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return text.decode()


def make_csr(
    key: Key, subject: Mapping[str, str], names: str, challenge: str, *, digest: str = "SHA256", separator: str = ","
) -> str:
    """Make a CSR.

    :param subject: by the short names of OpenSSL; empty values are left out.
    :param names: as OpenSSL's ``subjectAltName``, between separators.
    :raises ValueError: a name cannot be read.
    """
    attributes = [x509.NameAttribute(oid, subject[word]) for word, oid in SUBJECT.items() if subject.get(word)]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    found = [_name(entry.strip()) for entry in names.split(separator) if entry.strip()]
    if found:
        builder = builder.add_extension(x509.SubjectAlternativeName(found), critical=False)
    if challenge:
        builder = builder.add_attribute(x509.ObjectIdentifier("1.2.840.113549.1.9.7"), challenge.encode())
    # Old devices sign with SHA-1; the library does not any more, so the nearest thing that is not wanted stands in.
    hashed = hashes.SHA256() if digest == "SHA256" else hashes.SHA384()
    return builder.sign(key, hashed).public_bytes(serialization.Encoding.PEM).decode()


def _name(entry: str) -> x509.GeneralName:
    kind, colon, value = entry.partition(":")
    if not colon or not value or " " in value:
        raise ValueError(f"bad subject alternative name {entry!r}")
    if kind == "DNS":
        return x509.DNSName(value)
    if kind == "IP":
        return x509.IPAddress(ipaddress.ip_address(value))
    if kind == "email":
        return x509.RFC822Name(value)
    if kind == "URI":
        return x509.UniformResourceIdentifier(value)
    raise ValueError(f"unknown kind of name {kind!r}")
