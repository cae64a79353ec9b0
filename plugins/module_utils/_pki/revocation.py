# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a certificate says that its revocation is told, and what an OCSP answer tells of it.

Pure: sends nothing. CRLs are read in ``revocation_lists``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from .._core.deps import needed
from .._core.errors import InputError
from .._core.vocabulary import REASON_NAMES
from . import pem
from .x509 import extension_of, is_issued_by, load_certificate

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509 import ocsp

GOOD, REVOKED, SUSPENDED = "good", "revoked", "suspended"

SKEW = timedelta(minutes=10)
"""So far the clocks of a responder and of ours may be apart."""
WITHOUT_END = timedelta(days=1)
"""So old an OCSP answer may be that does not say until when it holds; our reading of RFC 6960 §2.4."""
_FEATURE = "asking whether certificates are revoked"

_HOLD, _END_OF_HOLD = "certificateHold", "removeFromCRL"
_WORDS = {name: word for word, name in REASON_NAMES.items()}


@dataclass(frozen=True)
class Finding:
    """What a CA says of one certificate.

    :ivar state: ``good``, ``revoked`` or ``suspended``, which is on hold.
    :ivar reason: of ``REVOCATION_REASONS``; empty where none is told, and for what is good or on hold.
    :ivar revoked_at: UTC; None for what is good.
    :ivar source: URL that told it.
    :ivar next_update: until when the answer holds, UTC; None where it does not say.
    """

    state: str
    reason: str = ""
    revoked_at: datetime | None = None
    source: str = ""
    next_update: datetime | None = None


@dataclass(frozen=True)
class Point:
    """One place where a CRL is published.

    :ivar url: http or https.
    :ivar names: every URL of the same distribution point; the CRL may call itself by any of them.
    """

    url: str
    names: frozenset[str]


@dataclass(frozen=True)
class Subject:
    """A certificate that may be asked about.

    :ivar issuer: the certificate that signed it; None where it is not at hand, and nothing can be believed then.
    :ivar ocsp: URLs of OCSP responders, http and https alone, in its order; ``points`` of CRLs likewise.
    """

    leaf: x509.Certificate
    issuer: x509.Certificate | None
    ocsp: tuple[str, ...]
    points: tuple[Point, ...]

    @property
    def has_sources(self) -> bool:
        """Say whether it names anybody who could be asked."""
        return bool(self.ocsp or self.points)


def subject_of(leaf: str, chain: Sequence[str]) -> Subject:
    """Read a certificate and find who issued it, by signature.

    :param leaf: PEM.
    :param chain: PEM texts that its issuer may stand in, each of any number of certificates.
    :raises InputError: one of them cannot be read.
    """
    cert = load_certificate(leaf)
    with readable("certificate"):
        urls, points = _ocsp_urls(cert), _points(cert)
    issuer = _issuer(cert, chain) if urls or points else None
    return Subject(cert, issuer, urls, points)


def _issuer(cert: x509.Certificate, chain: Sequence[str]) -> x509.Certificate | None:
    for text in chain:
        for single in pem.split_certificates(text):
            candidate = load_certificate(single, "certificate of the issuer")
            if is_issued_by(cert, candidate):
                return candidate
    return None


def is_web_url(url: str) -> bool:
    """Say whether a URL is one that is asked at; LDAP and the like are not."""
    return url.lower().startswith(("http://", "https://"))


def _ocsp_urls(cert: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    found = extension_of(cert, x509.AuthorityInformationAccess) or ()
    named = [one.access_location for one in found if one.access_method == AuthorityInformationAccessOID.OCSP]
    urls = [str(one.value) for one in named if isinstance(one, x509.UniformResourceIdentifier)]
    return tuple(dict.fromkeys(url for url in urls if is_web_url(url)))


def _points(cert: x509.Certificate) -> tuple[Point, ...]:
    """Give the places of CRLs; one of some reasons alone, or signed by another than the issuer, is left out.

    :source: RFC 5280 §4.2.1.13.
    """
    from cryptography import x509

    found = []
    for one in extension_of(cert, x509.CRLDistributionPoints) or ():
        if one.reasons is not None or one.crl_issuer is not None:
            continue
        names = urls_in(one.full_name)
        found += [Point(url, frozenset(names)) for url in names if is_web_url(url)]
    return tuple({point.url: point for point in found}.values())


def urls_in(names: Sequence[x509.GeneralName] | None) -> list[str]:
    """Give the URLs among general names."""
    from cryptography import x509

    return [str(name.value) for name in names or () if isinstance(name, x509.UniformResourceIdentifier)]


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Turn what the library says of malformed bytes into our error.

    :param what: names them, as ``OCSP answer``.
    :raises InputError: the block could not read them.
    """
    with needed("cryptography", _FEATURE):
        from cryptography import x509
        from cryptography.exceptions import UnsupportedAlgorithm
    malformed = (ValueError, TypeError, OverflowError, UnsupportedAlgorithm)
    others = (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion, x509.ExtensionNotFound)
    try:
        yield
    except (*malformed, *others) as exc:
        raise InputError(f"Cannot read the {what}: it is malformed ({exc})") from exc


def finding_of(reason: x509.ReasonFlags | None, at: datetime, source: str, until: datetime | None) -> Finding:
    """Give what an entry that says "revoked" means: a hold may end, and an ended one is none."""
    name = reason.value if reason is not None else ""
    if name == _END_OF_HOLD:
        return Finding(GOOD, source=source, next_update=until)
    if name == _HOLD:
        return Finding(SUSPENDED, "", at, source, until)
    return Finding(REVOKED, _WORDS.get(name, ""), at, source, until)


def held_in_time(what: str, begins: datetime, ends: datetime | None, now: datetime) -> None:
    """Refuse an answer that is of another time.

    :param what: begins the sentence, as ``Cannot use the CRL``.
    :raises InputError: it is from the future, or has ended.
    """
    if begins > now + SKEW:
        raise InputError(f"{what}: it is of {to_text(begins)}, which is to come; compare the clocks")
    if ends is not None and ends < now - SKEW:
        raise InputError(f"{what}: it ended {to_text(ends)}")


# -- OCSP --------------------------------------------------------------------------------------------------------------


def ocsp_request(subject: Subject) -> bytes:
    """Write the question about a certificate, DER.

    Without a nonce, since responders give answers that were signed beforehand; with SHA-1, which all of them know and
    which protects nothing here.

    :source: RFC 6960 §4.1; RFC 5019 §2.1.1.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    return _question(subject, hashes.SHA1()).public_bytes(Encoding.DER)


def _question(subject: Subject, algorithm: hashes.HashAlgorithm) -> ocsp.OCSPRequest:
    from cryptography.x509 import ocsp

    builder = ocsp.OCSPRequestBuilder()
    return builder.add_certificate(subject.leaf, _issuer_of(subject), algorithm).build()


def _issuer_of(subject: Subject) -> x509.Certificate:
    if subject.issuer is None:
        raise InputError("Cannot ask about a certificate whose issuer's certificate is not at hand")
    return subject.issuer


def read_ocsp(content: bytes, subject: Subject, source: str, now: datetime) -> Finding:
    """Read a responder's answer about a certificate.

    :param content: DER, as it came.
    :param source: URL that it came from.
    :param now: UTC.
    :raises InputError: it is none, of another certificate or time, not signed by who may, or says nothing of it.
    :source: RFC 6960 §3.2.
    """
    what = "Cannot use the OCSP answer"
    with readable("OCSP answer"):
        from cryptography.x509 import ocsp

        answer = ocsp.load_der_ocsp_response(content)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise InputError(f"{what}: the responder says {answer.response_status.name.lower().replace('_', ' ')}")
        _refuse_stranger(answer, subject, now, what)
        single = next((one for one in answer.responses if _is_about(one, subject)), None)
        if single is None:
            raise InputError(f"{what}: it is about another certificate")
        begins, until = _utc(single, "this_update"), _utc(single, "next_update")
        if begins is None:
            raise InputError(f"{what}: it does not say of when it is")
        held_in_time(what, begins, until or begins + WITHOUT_END, now)
        if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
            raise InputError(f"{what}: the responder does not know the certificate")
        if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
            return Finding(GOOD, source=source, next_update=until)
        return finding_of(single.revocation_reason, _utc(single, "revocation_time") or begins, source, until)


def _utc(holder: Any, name: str) -> datetime | None:
    """Read a time; cryptography before 43 has it without a zone."""
    found: datetime | None = getattr(holder, f"{name}_utc" if hasattr(holder, f"{name}_utc") else name)
    return found if found is None or found.tzinfo else found.replace(tzinfo=timezone.utc)


def _is_about(single: ocsp.OCSPSingleResponse, subject: Subject) -> bool:
    """Say whether one of the answers is about the certificate: its issuer's name and key, and its serial number."""
    asked = _question(subject, single.hash_algorithm)
    told = (single.serial_number, single.issuer_name_hash, single.issuer_key_hash)
    return told == (asked.serial_number, asked.issuer_name_hash, asked.issuer_key_hash)


def _refuse_stranger(answer: ocsp.OCSPResponse, subject: Subject, now: datetime, what: str) -> None:
    """Hold the signature: by the issuer, or by who has the issuer's word for signing such answers.

    That word is not asked about in turn; our reading of RFC 6960 §4.2.2.2.1, which leaves it to the client.

    :raises InputError: it is neither.
    """
    issuer = _issuer_of(subject)
    signers = [issuer, *(one for one in answer.certificates if _may_answer(one, issuer, now))]
    if not any(_has_signed(one, answer) for one in signers):
        raise InputError(
            f"{what}: it is signed neither by the issuer nor by a responder that the issuer has certified for it"
        )


def _may_answer(cert: x509.Certificate, issuer: x509.Certificate, now: datetime) -> bool:
    """Say whether a certificate is one for signing answers, by this issuer, and valid.

    :source: RFC 6960 §4.2.2.2.
    """
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    usages = extension_of(cert, x509.ExtendedKeyUsage) or ()
    is_valid = cert.not_valid_before_utc - SKEW <= now <= cert.not_valid_after_utc + SKEW
    return ExtendedKeyUsageOID.OCSP_SIGNING in usages and is_valid and is_issued_by(cert, issuer)


def _has_signed(cert: x509.Certificate, answer: ocsp.OCSPResponse) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

    signature, signed = answer.signature, answer.tbs_response_bytes
    try:
        key, algorithm = cert.public_key(), answer.signature_hash_algorithm
        if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, signed, ec.ECDSA(algorithm))
        elif isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
            key.verify(signature, signed)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True
