# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA that tells by OCSP and CRLs what it revoked, in memory, and fetches nothing: what is asked of it is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._revocation.base import Documents
from ansible_collections.edgecert.clm.tests.support import lab_pki
from ansible_collections.edgecert.clm.tests.support.lab_pki import Pair

RESPONDER, LIST = "http://ocsp.example.net/ocsp", "http://crl.example.net/ca.crl"


def sources(ocsp_urls: Sequence[str] = (), points: Sequence[Sequence[str]] = ()) -> list[x509.ExtensionType]:
    """Give the extensions that name responders and distribution points, each point with its URLs."""
    found: list[x509.ExtensionType] = []
    if ocsp_urls:
        method = AuthorityInformationAccessOID.OCSP
        told = [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for url in ocsp_urls]
        found.append(x509.AuthorityInformationAccess(told))
    if points:
        found.append(x509.CRLDistributionPoints([point_of(urls) for urls in points]))
    return found


def point_of(urls: Sequence[str], reasons: frozenset[x509.ReasonFlags] | None = None) -> x509.DistributionPoint:
    """Give a distribution point."""
    return x509.DistributionPoint([x509.UniformResourceIdentifier(url) for url in urls], None, reasons, None)


def issuing_point(urls: Sequence[str] | None, **flags: Any) -> x509.IssuingDistributionPoint:
    """Give the extension of a CRL that says what it is for."""
    names = None if urls is None else [x509.UniformResourceIdentifier(url) for url in urls]
    plain = dict.fromkeys(
        ("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl", "only_contains_attribute_certs"), False
    )
    told: dict[str, Any] = {"relative_name": None, "only_some_reasons": None, **plain, **flags}
    return x509.IssuingDistributionPoint(full_name=names, **told)


@dataclass
class RevokingCa:
    """The CA: a root that signs leaves, answers and lists.

    :ivar revoked: by serial number, the reason as the library has it (None for none told) and when.
    """

    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    revoked: dict[int, tuple[x509.ReasonFlags | None, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = lab_pki.make("Lab Root", ca=True, now=self.now, days=3650)

    def leaf(
        self,
        name: str = "www.example.com",
        ocsp_urls: Sequence[str] = (),
        points: Sequence[Sequence[str]] = (),
        days: int = 90,
    ) -> Pair:
        """Sign a certificate that names where its revocation is told."""
        return lab_pki.make(name, self.root, now=self.now, days=days, more=sources(ocsp_urls, points))

    def responder(self, *, may: bool = True, now: datetime | None = None) -> Pair:
        """Sign a certificate for answering in place of the CA, or one that may not."""
        uses = (ExtendedKeyUsageOID.OCSP_SIGNING if may else ExtendedKeyUsageOID.SERVER_AUTH,)
        return lab_pki.make("responder", self.root, now=now or self.now, uses=uses)

    def revoke(self, leaf: Pair, reason: str | None = None, at: datetime | None = None) -> None:
        """Revoke, or put on hold with the reason ``certificateHold``."""
        self.revoked[leaf.cert.serial_number] = (x509.ReasonFlags(reason) if reason else None, at or self.now)

    def release(self, leaf: Pair) -> None:
        """End a hold."""
        del self.revoked[leaf.cert.serial_number]

    def answer(self, leaf: Pair, now: datetime, signer: Pair | None = None, **changes: Any) -> bytes:
        """Answer by OCSP about a certificate; ``changes`` as ``add_response`` takes them."""
        entry = self.revoked.get(leaf.cert.serial_number)
        told: dict[str, Any] = {
            "cert": leaf.cert,
            "issuer": self.root.cert,
            "algorithm": hashes.SHA1(),
            "cert_status": ocsp.OCSPCertStatus.REVOKED if entry else ocsp.OCSPCertStatus.GOOD,
            "this_update": now - timedelta(minutes=1),
            "next_update": now + timedelta(days=4),
            "revocation_time": entry[1] if entry else None,
            "revocation_reason": entry[0] if entry else None,
            **changes,
        }
        by = signer or self.root
        builder = ocsp.OCSPResponseBuilder().add_response(**told).responder_id(ocsp.OCSPResponderEncoding.HASH, by.cert)
        builder = builder.certificates([signer.cert]) if signer else builder
        return builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def crl(
        self,
        now: datetime,
        *,
        days: float = 7,
        signer: Pair | None = None,
        point: x509.IssuingDistributionPoint | None = None,
        more: Sequence[x509.ExtensionType] = (),
        encoding: Encoding = Encoding.DER,
    ) -> bytes:
        """Sign the list of what is revoked."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.root.cert.subject)
            .last_update(now - timedelta(minutes=1))
            .next_update(now + timedelta(days=days))
        )
        for serial, (reason, at) in self.revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
            entry = entry.add_extension(x509.CRLReason(reason), critical=False) if reason else entry
            builder = builder.add_revoked_certificate(entry.build())
        for extension in (*([point] if point else ()), *more):
            builder = builder.add_extension(extension, critical=True)
        return builder.sign((signer or self.root).key, hashes.SHA256()).public_bytes(encoding)


@dataclass
class Publisher(Documents):
    """The hosts of the CA: takes no URL but its own, and no question but an OCSP request about a leaf that it knows.

    :ivar clock: tells of when answers are.
    :ivar away: hosts that do not answer; ``broken`` URLs that answer with an error.
    :ivar takes_s: seconds until a host answers, or is given up.
    :ivar faults: what is raised at a URL, which none should.
    :ivar asked: how often each URL was asked.
    :ivar proxies: with what it was reached.
    """

    ca: RevokingCa
    clock: Any
    leaves: list[Pair] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    takes_s: dict[str, float] = field(default_factory=dict)
    faults: dict[str, Exception] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    proxies: list[str] = field(default_factory=list)

    def through(self, proxy: str) -> Publisher:
        """Be the member of ``Ports``."""
        self.proxies.append(proxy)
        return self

    def fetch(self, url: str, body: bytes = b"", content_type: str = "") -> bytes:
        """Answer, or fail as told."""
        self.asked[url] += 1
        host = url.split("/")[2]
        if host in self.takes_s:
            self.clock.sleep(self.takes_s[host])
        failure = self.faults.get(url) or self._failure(url)
        if failure is not None:
            raise failure
        now = self.clock.now()
        if not body:
            assert url.endswith(".crl") and not content_type
            return self.ca.crl(now)
        assert url.endswith("/ocsp") and content_type == "application/ocsp-request"
        serial = ocsp.load_der_ocsp_request(body).serial_number
        return self.ca.answer(next(one for one in self.leaves if one.cert.serial_number == serial), now)

    def _failure(self, url: str) -> Exception | None:
        if url.split("/")[2] in self.away:
            return TransportError(f"Cannot fetch {url}: no connection", kind="connect", sent=False)
        return RemoteError(f"Cannot fetch {url}: it answered 503", status=503) if url in self.broken else None
