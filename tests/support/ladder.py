# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA of three steps, made for one test: root, intermediate, issuing CA. Knows cryptography and nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey


def new_key() -> Key:
    """Make a key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> str:
    """Write a private key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def certificate_pem(certificate: x509.Certificate) -> str:
    """Write a certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM).decode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Ladder:
    """Root, intermediate and issuing CA.

    :ivar ends: when the issuing CA's certificate ends, UTC.
    """

    ends: datetime = field(default_factory=lambda: datetime.now(timezone.utc) + timedelta(days=1000))

    def __post_init__(self) -> None:
        self.root_key, self.middle_key, self.key = new_key(), new_key(), new_key()
        root, middle, issuing = _name("Ladder Root"), _name("Ladder Intermediate"), _name("Ladder Issuing")
        later = datetime.now(timezone.utc) + timedelta(days=2000)
        self.root = self._authority(root, self.root_key, root, self.root_key, later)
        self.middle = self._authority(middle, self.middle_key, root, self.root_key, later)
        self.issuing = self._authority(issuing, self.key, middle, self.middle_key, self.ends)

    @staticmethod
    def _authority(name: x509.Name, key: Key, issuer: x509.Name, issuer_key: Key, ends: datetime) -> x509.Certificate:
        builder = _builder(name, key.public_key(), issuer, ends - timedelta(days=3000), ends)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return builder.sign(issuer_key, hashes.SHA256())

    def pems(self) -> dict[str, str]:
        """Give certificates and the issuing CA's key as PEM."""
        found = {"root": self.root, "middle": self.middle, "issuing": self.issuing}
        return {**{name: certificate_pem(one) for name, one in found.items()}, "key": key_pem(self.key)}


def _builder(
    subject: x509.Name, public_key: ec.EllipticCurvePublicKey, issuer: x509.Name, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def sign_like(
    leaf: x509.Certificate,
    issuer: x509.Certificate,
    issuer_key: Key,
    *,
    key: Key | None = None,
    begins: datetime | None = None,
    ends: datetime | None = None,
) -> str:
    """Issue a certificate like another one, PEM, with another key or other dates."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(leaf.subject)
        .issuer_name(issuer.subject)
        .public_key(key.public_key() if key else leaf.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins or leaf.not_valid_before_utc)
        .not_valid_after(ends or leaf.not_valid_after_utc)
        .add_extension(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value, False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    )
    return certificate_pem(builder.sign(issuer_key, hashes.SHA256()))


def server_pem(name: str) -> str:
    """Make a self-signed certificate of a TLS server with its key, PEM, for a server in a test."""
    key, now = new_key(), datetime.now(timezone.utc)
    builder = _builder(_name(name), key.public_key(), _name(name), now - timedelta(days=1), now + timedelta(days=30))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return certificate_pem(builder.sign(key, hashes.SHA256())) + key_pem(key)
