# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CRLs, read: who signed one, for when and for which certificates it is, and what it says of one.

Delta CRLs, indirect ones and those of some reasons alone are not taken: what they leave out would look good.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from .._core.errors import InputError
from .revocation import GOOD, Finding, Point, Subject, finding_of, held_in_time, readable, urls_in
from .x509 import extension_of

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

_WHAT = "Cannot use the CRL"
# Critical extensions that are held here, RFC 5280 §5.2; with any other one a CRL says what is not understood.
_ISSUING_POINT, _DELTA = "2.5.29.28", "2.5.29.27"
_UNDERSTOOD = frozenset([_ISSUING_POINT, "2.5.29.35", "2.5.29.20"])


class RevocationList:
    """A CRL that its issuer signed and that holds now.

    :param content: DER or PEM, as it came.
    :param issuer: certificate of the CA that it should be of.
    :param source: URL that it came from.
    :param now: UTC.
    :raises InputError: it is none, another CA's, changed, of another time, or of a kind that is not taken.
    :source: RFC 5280 §5, §6.3.3.
    """

    def __init__(self, content: bytes, issuer: x509.Certificate, source: str, now: datetime) -> None:
        self._source = source
        with readable("CRL"):
            from cryptography import x509

            is_pem = content.lstrip().startswith(b"-----")
            self._crl = x509.load_pem_x509_crl(content) if is_pem else x509.load_der_x509_crl(content)
            _refuse_stranger(self._crl, issuer)
            self._until = self._crl.next_update_utc
            if self._until is None:
                raise InputError(f"{_WHAT}: it does not say until when it holds")
            held_in_time(_WHAT, self._crl.last_update_utc, self._until, now)
            self._point = _issuing_point(self._crl)
            # The library goes through all entries for each question, and there may be a million.
            self._places = {entry.serial_number: place for place, entry in enumerate(self._crl)}

    def finding(self, subject: Subject, point: Point) -> Finding:
        """Tell what it says of a certificate of its issuer.

        :param point: the distribution point of the certificate that led to it.
        :raises InputError: it is for other certificates, or the entry is malformed.
        """
        with readable("CRL"):
            from cryptography import x509

            self._refuse_other(subject, point)
            place = self._places.get(subject.leaf.serial_number)
            if place is None:
                return Finding(GOOD, source=self._source, next_update=self._until)
            entry = self._crl[place]
            reason = extension_of(entry, x509.CRLReason)
            return finding_of(reason.reason if reason else None, entry.revocation_date_utc, self._source, self._until)

    def _refuse_other(self, subject: Subject, point: Point) -> None:
        """Hold which certificates it is for.

        :source: RFC 5280 §6.3.3 (b): a name of the certificate's distribution point stands in that of the CRL.
        """
        from cryptography import x509

        if self._point is None:
            return
        if self._point.full_name is not None and not point.names & set(urls_in(self._point.full_name)):
            raise InputError(f"{_WHAT}: it is for another distribution point than {point.url}")
        basic = extension_of(subject.leaf, x509.BasicConstraints)
        is_ca = bool(basic and basic.ca)
        if (self._point.only_contains_ca_certs and not is_ca) or (self._point.only_contains_user_certs and is_ca):
            raise InputError(f"{_WHAT}: it is for certificates of another kind")


def _refuse_stranger(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> None:
    """Hold issuer and signature; the key must be one for CRLs where the CA's certificate says what it is for.

    :raises InputError: it is another CA's, or was changed.
    """
    from cryptography import x509

    usage = extension_of(issuer, x509.KeyUsage)
    # A CA's key is one that signs, whatever keys certificates may have.
    public = cast("CertificateIssuerPublicKeyTypes", issuer.public_key())
    if crl.issuer != issuer.subject or not crl.is_signature_valid(public):
        raise InputError(f"{_WHAT}: it is not signed by the issuer of the certificate")
    if usage is not None and not usage.crl_sign:
        raise InputError(f"{_WHAT}: the issuer's certificate does not allow its key to sign CRLs")


def _issuing_point(crl: x509.CertificateRevocationList) -> x509.IssuingDistributionPoint | None:
    """Give what says for which certificates it is; None where it is for all.

    :raises InputError: it is of a kind that is not taken.
    """
    from cryptography import x509

    oids = {one.oid.dotted_string: one.critical for one in crl.extensions}
    if _DELTA in oids:
        raise InputError(f"{_WHAT}: it is a delta CRL, which says only what has changed")
    unknown = sorted(oid for oid, is_critical in oids.items() if is_critical and oid not in _UNDERSTOOD)
    if unknown:
        raise InputError(f"{_WHAT}: it has critical extensions that are not understood: {', '.join(unknown)}")
    point: x509.IssuingDistributionPoint | None = extension_of(crl, x509.IssuingDistributionPoint)
    if point is None:
        return None
    if point.indirect_crl or point.only_some_reasons or point.only_contains_attribute_certs or point.relative_name:
        raise InputError(f"{_WHAT}: it is an indirect one, or one of some reasons, or not of certificates")
    return point
