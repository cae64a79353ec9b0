# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own certificate authority: signs seeded, DV, OV and EV certificates. Knows nothing of changes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from . import keys
from .clock import iso
from .model import CertificateEntry, Wire

POOL_SIZE = 2


class Authority:
    """Sign certificates with a key made at first use; keys of seeded certificates come from a small pool.

    :param since: moment (UTC) from which the authority's own certificate is valid.
    """

    def __init__(self, since: datetime) -> None:
        self._since = since - timedelta(days=3650)
        self._key: ec.EllipticCurvePrivateKey | None = None
        self._root: x509.Certificate | None = None
        self._root_pem = ""
        self._issuer = ""
        self._pool: dict[str, list[tuple[keys.PrivateKey, str]]] = {}
        self._serial = 1 << 120

    def root(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        """Give the authority's key and self-signed certificate."""
        if self._key is None or self._root is None:
            self._key = ec.generate_private_key(ec.SECP256R1())
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sandbox Seed CA")])
            self._root = (
                x509.CertificateBuilder()
                .subject_name(name)
                .issuer_name(name)
                .public_key(self._key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(self._since)
                .not_valid_after(self._since + timedelta(days=7300))
                .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                .sign(self._key, hashes.SHA256())
            )
            self._root_pem = keys.to_pem(self._root)
            self._issuer = name.rfc4514_string()
        return self._key, self._root

    def pooled_key(self, algorithm: str, number: int) -> tuple[keys.PrivateKey, str]:
        """Give one of a few shared keys with its PEM; for seeded certificates alone."""
        pool = self._pool.setdefault(algorithm, [])
        if len(pool) < POOL_SIZE:
            key = keys.new_key(algorithm)
            pool.append((key, keys.key_to_pem(key)))
        return pool[number % len(pool)]

    def sign(
        self, csr: Wire, key: keys.PrivateKey, key_pem: str, start: datetime, end: datetime, csr_pem: str = ""
    ) -> CertificateEntry:
        """Sign one certificate for an enrollment's ``csr`` member."""
        signer, root = self.root()
        self._serial += 1
        names = keys.names_of(csr)
        start, end = start.replace(microsecond=0), end.replace(microsecond=0)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(keys.subject_of(csr))
            .issuer_name(root.subject)
            .public_key(key.public_key())
            .serial_number(self._serial)
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .sign(signer, hashes.SHA256())
        )
        # Filled in from what is known here: reading it back out of the certificate doubles the time of seeding.
        return CertificateEntry(
            key_algorithm=keys.algorithm_of(certificate),
            certificate=keys.to_pem(certificate),
            trust_chain=self._root_pem,
            csr=csr_pem,
            key_pem=key_pem,
            issuer=self._issuer,
            serial=keys.serial_text(self._serial),
            fingerprint=keys.fingerprint(certificate),
            signature_algorithm="SHA-256",
            not_before=start,
            not_after=end,
            names=sorted(names),
        )

    def issue(self, doc: Wire, algorithms: Sequence[str], at: datetime) -> list[CertificateEntry]:
        """Issue what a CA-managed enrollment asked for, valid for ninety days."""
        issued = []
        for algorithm in algorithms:
            pair = keys.make_pair(algorithm, doc["csr"], exclude_sans=False)
            key = keys.key_from_pem(pair.key_pem)
            issued.append(self.sign(doc["csr"], key, pair.key_pem, at, at + timedelta(days=90), pair.csr_pem))
        return issued

    @staticmethod
    def challenges(names: Sequence[str], at: datetime) -> list[Wire]:
        """Make the DV challenges of some names: one for HTTP and one for DNS each."""
        return [_domain(name, at) for name in names]


def _domain(name: str, at: datetime) -> Wire:
    token = hashlib.sha256(f"{name}{iso(at)}".encode()).hexdigest()[:43]
    proof = hashlib.sha256(token.encode()).hexdigest()[:43]
    bare = name.removeprefix("*.")
    http: Wire = {
        "error": None,
        "fullPath": f"http://{bare}/.well-known/acme-challenge/{token}",
        "redirectFullPath": f"http://dcv.akamai.com/.well-known/acme-challenge/{token}",
        "responseBody": f"{token}.{proof}",
        "status": "pending",
        "token": token,
        "type": "http-01",
        "validationRecords": [],
    }
    dns = {
        **http,
        "fullPath": f"_acme-challenge.{bare}.",
        "redirectFullPath": "",
        "responseBody": proof,
        "type": "dns-01",
    }
    return {
        "domain": name,
        "error": "The domain is not ready for validation.",
        "expires": iso(at + timedelta(days=7)),
        "requestTimestamp": iso(at),
        "status": "Awaiting user",
        "validatedTimestamp": iso(at),
        "validationStatus": "RESPONSE_ERROR",
        "challenges": [http, dns],
    }
