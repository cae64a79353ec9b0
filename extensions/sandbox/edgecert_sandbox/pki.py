# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own CA, the API's server certificate, and the edges' default one. Knows nothing of enrollments."""

from __future__ import annotations

import dataclasses
import ipaddress
import ssl
import tempfile
import warnings
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER_NAMES = ("localhost", "127.0.0.1", "sandbox.akamaiapis.test")


@dataclasses.dataclass(frozen=True)
class Identity:
    """A certificate, PEM, leaf first, with its key, PEM."""

    chain_pem: str
    key_pem: str = dataclasses.field(repr=False)


class Authority:
    """A CA that lives as long as the sandbox; its key is never written down."""

    def __init__(self, common_name: str, days: int = 3650) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = _name(common_name)
        public = self._key.public_key()
        builder = _builder(name, name, public, days)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(is_ca=True), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        self._certificate = builder.sign(self._key, hashes.SHA256())

    @property
    def pem(self) -> str:
        """The CA's certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, common_name: str, names: Sequence[str], days: int = 397) -> Identity:
        """Issue a server certificate with a fresh P-256 key.

        :param names: DNS names and IP addresses.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(common_name), self._certificate.subject, key.public_key(), days)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        for extension, critical in (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(is_ca=False), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName([_general_name(text) for text in names]), False),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (issuer, False),
        ):
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(self._key, hashes.SHA256())
        chain = certificate.public_bytes(serialization.Encoding.PEM).decode()
        return Identity(chain, _key_pem(key))


def server_context(identities: Sequence[Identity], disallowed: Sequence[str] | None = None) -> ssl.SSLContext:
    """Give a server's TLS settings, with one certificate for each kind of key.

    :param disallowed: versions as CPS names them that are refused, and no other is; None takes TLS 1.2 and later.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if disallowed is None:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    else:
        _allow_all_but(context, disallowed)
    for identity in identities:
        # The ssl module reads keys from files only: one of mode 0600 that is gone at once.
        with tempfile.TemporaryDirectory(prefix="edgecert-sandbox-") as folder:
            path = Path(folder) / "identity.pem"
            path.touch(mode=0o600)
            path.write_text(identity.key_pem + identity.chain_pem, encoding="ascii")
            context.load_cert_chain(path)
    return context


def _allow_all_but(context: ssl.SSLContext, disallowed: Sequence[str]) -> None:
    """Let a server speak every version there is, beside those that are disallowed, as an edge does."""
    with warnings.catch_warnings():
        # Old versions are what this is about.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        for name in disallowed:
            context.options |= getattr(ssl, f"OP_NO_{name}")


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded.decode()


def _name(common_name: str) -> x509.Name:
    parts = ((NameOID.ORGANIZATION_NAME, "CPS sandbox"), (NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
    return builder.not_valid_after(now + timedelta(days=days))


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
