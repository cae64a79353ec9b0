# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing with a key in memory: CA certificates and server certificates. Knows no account, no option and no order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from .._core.deps import needed
from .._core.errors import InputError
from .._pki.signing_parts import key_usage, signing_hash, subject_name

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes,
        CertificatePublicKeyTypes,
    )

FEATURE = "the own CA"


@dataclass(frozen=True)
class Authority:
    """A CA certificate with its key, ready to sign; the key stays out of ``repr``."""

    cert: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes

    def __repr__(self) -> str:
        return f"Authority({self.cert.subject.rfc4514_string()!r})"


@dataclass(frozen=True)
class Span:
    """A lifetime, both ends aware and UTC."""

    begin: datetime
    end: datetime


def key_to_pem(key: CertificateIssuerPrivateKeyTypes) -> str:
    """Write a key as PKCS#8 PEM in clear; only for a sealed place."""
    with needed("cryptography", FEATURE):
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def load_key(text: str, passphrase: str) -> CertificateIssuerPrivateKeyTypes:
    """Read a CA's key.

    :raises InputError: damaged, a wrong or missing passphrase, or a kind that cannot sign; never quotes the key.
    """
    with needed("cryptography", FEATURE):
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    try:
        key = load_pem_private_key(text.encode(), passphrase.encode() if passphrase else None)
    except TypeError as exc:
        fault = "is encrypted; give its passphrase" if not passphrase else "is not encrypted; leave the passphrase out"
        raise InputError(f"the CA's private key {fault}") from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        # The library's text may quote what it read; it is left out on purpose.
        fault = "or the passphrase is wrong" if passphrase else "or is damaged"
        raise InputError(f"the CA's private key cannot be read: it is not a PEM private key, {fault}") from exc
    if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        return key
    raise InputError("the CA's private key is of a kind that is not taken; RSA, EC and Ed25519 are")


def serial_for(intent_id: str, spki: bytes) -> int:
    """Derive a serial number, so that an order sent twice is one certificate and two keys never share a number.

    :source: RFC 5280 §4.1.2.2: positive, at most 20 octets, hence 159 bits; never zero.
    """
    digest = hashlib.sha256(intent_id.encode() + b"\0" + hashlib.sha256(spki).digest()).digest()
    return (int.from_bytes(digest[:20], "big") >> 1) | 1


def make_ca(
    subject: Mapping[str, str],
    key: CertificateIssuerPrivateKeyTypes,
    issuer: Authority | None,
    span: Span,
    hash_name: str,
) -> Authority:
    """Make a CA certificate: a root without an issuer, below it an issuing CA that may sign no further CA."""
    with needed("cryptography", FEATURE):
        from cryptography import x509
    public = key.public_key()
    name = subject_name(subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.cert.subject if issuer else name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(span.begin)
        .not_valid_after(span.end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else 1), critical=True)
        .add_extension(key_usage(("key_cert_sign", "crl_sign")), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            _authority_key_id(issuer.cert, issuer.key.public_key()) if issuer else _own_key_id(public), False
        )
    )
    signer = issuer.key if issuer else key
    return Authority(builder.sign(signer, signing_hash(signer, hash_name)), key)


def sign_server(
    authority: Authority,
    public: CertificatePublicKeyTypes,
    subject: Mapping[str, str],
    names: Sequence[x509.GeneralName],
    span: Span,
    *,
    serial: int,
    hash_name: str,
    with_client_auth: bool,
    crl_url: str = "",
) -> str:
    """Sign a TLS server's certificate and give it as PEM; with an empty ``crl_url`` it names no CRL.

    :source: RFC 5280 §4.2.1; ca-connectors §4.1 for the extensions that are always there.
    """
    with needed("cryptography", FEATURE):
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.hazmat.primitives.serialization import Encoding
    usages = ["digital_signature", *(["key_encipherment"] if isinstance(public, rsa.RSAPublicKey) else [])]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject_name(subject))
        .issuer_name(authority.cert.subject)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(span.begin)
        .not_valid_after(span.end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(usages), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_purposes(with_client_auth)), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(_authority_key_id(authority.cert, authority.key.public_key()), critical=False)
    )
    if crl_url:
        builder = builder.add_extension(_crl_points(crl_url), critical=False)
    cert = builder.sign(authority.key, signing_hash(authority.key, hash_name))
    return cert.public_bytes(Encoding.PEM).decode("ascii")


def _purposes(with_client_auth: bool) -> list[x509.ObjectIdentifier]:
    from cryptography.x509.oid import ExtendedKeyUsageOID

    return [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if with_client_auth else [])]


def certificate_pem(authority: Authority) -> str:
    """Write a CA's certificate as PEM."""
    with needed("cryptography", FEATURE):
        from cryptography.hazmat.primitives.serialization import Encoding
    return authority.cert.public_bytes(Encoding.PEM).decode("ascii")


def authority_key_id(authority: Authority) -> x509.AuthorityKeyIdentifier:
    """Name an issuer's key as its own certificate does."""
    return _authority_key_id(authority.cert, authority.key.public_key())


def _crl_points(url: str) -> x509.CRLDistributionPoints:
    from cryptography import x509

    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    return x509.CRLDistributionPoints([point])


def _own_key_id(public: CertificatePublicKeyTypes) -> x509.AuthorityKeyIdentifier:
    from cryptography import x509

    return x509.AuthorityKeyIdentifier(x509.SubjectKeyIdentifier.from_public_key(public).digest, None, None)


def _authority_key_id(cert: x509.Certificate, public: CertificatePublicKeyTypes) -> x509.AuthorityKeyIdentifier:
    """Name the issuer's key as its own certificate does; a CA may have counted its identifier another way."""
    from cryptography import x509

    try:
        own = cert.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return _own_key_id(public)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)
