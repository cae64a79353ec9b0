# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What signs in a fake CA: a root, an issuing CA below it, and leaves for the CSRs that were really posted."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from ansible_collections.edgecert.clm.tests.support.fake_ca.csr_names import general_names
from ansible_collections.edgecert.clm.tests.support.lab_pki import make

# How serial numbers look that are written as hex: of 40 digits, of an odd number of them, a byte shorter, and with a
# first bit that DER puts a byte before. A random one of 159 bits is odd once in eight times.
SERIALS: Mapping[str, Callable[[], int]] = {
    "whole": lambda: 0x7E << 152 | secrets.randbits(152),
    "odd": lambda: 0xB << 152 | secrets.randbits(152),
    "short": lambda: 0x7E << 144 | secrets.randbits(144),
    "high": lambda: 0xFE << 120 | secrets.randbits(120),
}


class SigningCore:
    """A root and an issuing CA.

    :ivar serial: gives the next serial number.
    """

    def __init__(self, now: datetime) -> None:
        self.root = make("Fake root", ca=True, now=now, days=7000)
        self.issuing = make("Fake issuing", self.root, ca=True, now=now, days=3000)
        self.serial: Callable[[], int] = x509.random_serial_number

    def sign(self, csr_pem: str, names: list[str], now: datetime, days: int, *, key: str = "") -> tuple[str, str]:
        """Sign a leaf; gives its PEM and its serial number in lower-case hex, without a zero before it.

        :param names: DNS names and addresses; those of the CSR are not looked at.
        :param key: not empty: of another key than the CSR's.
        :raises ValueError: no CSR, or its signature does not verify.
        """
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        if not csr.is_signature_valid:
            raise ValueError("the CSR's signature does not verify")
        public: Any = ec.generate_private_key(ec.SECP256R1()).public_key() if key else csr.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(csr.subject)
            .issuer_name(self.issuing.cert.subject)
            .public_key(public)
            .serial_number(self.serial())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(general_names(names)), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.issuing.key.public_key()), critical=False
            )
        )
        cert = builder.sign(self.issuing.key, hashes.SHA256())
        return cert.public_bytes(Encoding.PEM).decode(), format(cert.serial_number, "x")
