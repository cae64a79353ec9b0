# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small PKI made at run time for the tests beside this file; keys are made once for each run."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
Key = Any


@dataclass(frozen=True)
class Made:
    """A certificate with its key."""

    cert: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        text: str = self.cert.public_bytes(serialization.Encoding.PEM).decode()
        return text

    @property
    def key_pem(self) -> str:
        text: str = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        return text


def subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Pki:
    """Makes certificates; what is not said is as a good CA would do it."""

    now = NOW

    def key(self) -> Key:
        return ec.generate_private_key(ec.SECP256R1())

    def ca(self, name: str, issuer: Made | None = None, **changes: Any) -> Made:
        changes.setdefault("is_ca", True)
        changes.setdefault("days", 3650)
        return self.make(name, issuer, **changes)

    def leaf(self, issuer: Made, name: str = "www.example.com", **changes: Any) -> Made:
        changes.setdefault("dns", (name,))
        return self.make(name, issuer, **changes)

    def make(
        self,
        name: str,
        issuer: Made | None,
        *,
        is_ca: bool = False,
        dns: tuple[str, ...] = (),
        ips: tuple[str, ...] = (),
        begin: datetime = NOW - timedelta(days=1),
        days: int = 90,
        key: Key = None,
        path_length: int | None = None,
        usages: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.SERVER_AUTH,),
        digest: Any = None,
    ) -> Made:
        key = key or self.key()
        signer = issuer.key if issuer else key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject(name))
            .issuer_name(issuer.cert.subject if issuer else subject(name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=days) - timedelta(seconds=1))
            .add_extension(x509.BasicConstraints(is_ca, path_length if is_ca else None), critical=True)
        )
        names: list[x509.GeneralName] = [x509.DNSName(one) for one in dns]
        names += [x509.IPAddress(ipaddress.ip_address(one)) for one in ips]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if usages and not is_ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return Made(builder.sign(signer, digest or hashes.SHA256()), key)

    def csr(self, key: Key, name: str = "www.example.com", dns: tuple[str, ...] = (), digest: Any = None) -> str:
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject(name))
        if dns:
            names = x509.SubjectAlternativeName([x509.DNSName(one) for one in dns])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(key, digest or hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="session")
def pki() -> Pki:
    return Pki()


@dataclass(frozen=True)
class Tree:
    """Root, two intermediates one below the other, and a leaf."""

    root: Made
    upper: Made
    lower: Made
    leaf: Made


@pytest.fixture(scope="session")
def tree(pki: Pki) -> Tree:
    root = pki.ca("Test Root")
    upper = pki.ca("Test Upper CA", root)
    lower = pki.ca("Test Lower CA", upper)
    return Tree(root, upper, lower, pki.leaf(lower, dns=("www.example.com", "*.example.com")))


@pytest.fixture
def make_tree(pki: Pki) -> Callable[..., Tree]:
    """Build a tree whose parts are changed, as ``make_tree(lower={"is_ca": False})``."""

    def build(**changes: dict[str, Any]) -> Tree:
        root = pki.ca("Test Root", **changes.get("root", {}))
        upper = pki.ca("Test Upper CA", root, **changes.get("upper", {}))
        lower = pki.ca("Test Lower CA", upper, **changes.get("lower", {}))
        return Tree(root, upper, lower, pki.leaf(lower, **changes.get("leaf", {})))

    return build
