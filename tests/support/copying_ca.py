# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA that copies subject and extensions of a CSR as they stand in it, as EST, EJBCA, Vault and AWS do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Issued
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Bundle
from ansible_collections.edgecert.clm.tests.support.flow import StubCa

_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Copying CA")])


class CopyingCa(StubCa):
    """Takes names from the CSR alone.

    :ivar is_truth: whether it says so.
    :ivar leaves_common_name: whether the common name is copied, too.
    """

    is_truth = True
    leaves_common_name = True

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(self._copy)
        self._now, self._key = now, ec.generate_private_key(ec.SECP256R1())
        begin = now().replace(microsecond=0) - timedelta(days=1)
        self._root = (
            self._builder(_NAME, self._key.public_key(), begin, days=3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def capabilities(self) -> Capabilities:
        """Say that the CSR is the truth."""
        every = ("dns", "ip", "email", "uri", "other", "directory")
        kinds = ("rsa", "ec", "ed25519")
        return Capabilities(
            is_public=False, is_immediate=True, csr_is_truth=self.is_truth, san_types=every, key_types=kinds
        )

    def _builder(
        self, subject: x509.Name, key: CertificatePublicKeyTypes, begin: datetime, *, days: int
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_NAME)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=days))
        )

    def _copy(self, csr_pem: str) -> Answer:
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        kept: Iterable[x509.RelativeDistinguishedName] = csr.subject.rdns
        if not self.leaves_common_name:
            kept = [rdn for rdn in kept if not rdn.get_attributes_for_oid(NameOID.COMMON_NAME)]
        key = csr.public_key()
        assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey)
        builder = self._builder(x509.Name(kept), key, self._now().replace(microsecond=0), days=90)
        for extension in csr.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        made = (builder.sign(self._key, hashes.SHA256()), self._root)
        leaf, root = (one.public_bytes(Encoding.PEM).decode() for one in made)
        return Issued(Bundle(leaf, (), root), {"order": len(self.submitted)})
