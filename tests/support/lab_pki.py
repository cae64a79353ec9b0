# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of a test's own world, made at run time: a server on loopback, a client, and the CA that both trust."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class Pair:
    """A certificate with its key."""

    cert: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        """Give the certificate as PEM."""
        return self.cert.public_bytes(Encoding.PEM).decode()

    def key_pem(self, passphrase: str = "") -> str:
        """Give the key as PEM."""
        how: KeySerializationEncryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode()

    def pfx(self, passphrase: str) -> bytes:
        """Give both as PKCS#12."""
        how = BestAvailableEncryption(passphrase.encode())
        return pkcs12.serialize_key_and_certificates(b"client", self.key, self.cert, None, how)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make(
    common_name: str,
    issuer: Pair | None = None,
    *,
    ca: bool = False,
    now: datetime | None = None,
    days: int = 30,
    more: Sequence[x509.ExtensionType] = (),
    uses: Sequence[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
    names: Sequence[x509.GeneralName] = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))),
) -> Pair:
    """Make a certificate, strict enough for every Python: with key identifiers, usages and names.

    :param issuer: None for a root.
    :param more: extensions beside those that every one has; ``uses`` and ``names`` of a key that is no CA's.
    :param now: begin of its life, UTC; a day before that, for clocks that lag.
    """
    key, begin = ec.generate_private_key(ec.SECP256R1()), now or datetime.now(timezone.utc)
    above = issuer.cert if issuer else None
    signer = issuer.key if issuer else key
    usage = dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment"),
            *("key_agreement", "encipher_only", "decipher_only"),
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(above.subject if above else _name(common_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - timedelta(days=1))
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=ca, crl_sign=ca, **usage), critical=True)
    )
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    for extension in more:
        builder = builder.add_extension(extension, critical=False)
    return Pair(builder.sign(signer, hashes.SHA256()), key)
