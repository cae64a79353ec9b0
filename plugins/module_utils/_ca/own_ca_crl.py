# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CRL of the own CA: the file is the record. It is read, held against the CA's key, and replaced as a whole."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from .._core.errors import InputError, StateError
from .._core.vocabulary import REASON_NAMES
from .._pki.signing_parts import signing_hash
from . import own_ca_signing as signing

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes


def revoke(
    path: str, authority: signing.Authority, serial: int, reason: str, now: datetime, *, days: int, hash_name: str
) -> datetime:
    """Put a serial number on the CRL, and sign it anew; one that is on it stays as it is on the new one.

    :param path: of the file, DER or PEM by its ending; made where there is none.
    :param reason: of ``REASON_NAMES``.
    :returns: when it was revoked, UTC.
    :raises InputError: the file cannot be read or written, or is another CA's.
    """
    with _locked(path):
        present = _read(path, authority.cert)
        entry = present.get_revoked_certificate_by_serial_number(serial) if present is not None else None
        added = (serial, reason, now) if entry is None else None
        _replace(path, _signed(authority, present, added, now, days, hash_name))
    return now.replace(microsecond=0) if entry is None else entry.revocation_date_utc


def renew(path: str, authority: signing.Authority, now: datetime, *, days: int, hash_name: str) -> None:
    """Sign the CRL anew, as it is: who checks strictly believes none that has ended.

    :raises InputError: the file cannot be read or written.
    :raises StateError: it is no CRL, or another CA's.
    """
    with _locked(path):
        _replace(path, _signed(authority, _read(path, authority.cert), None, now, days, hash_name))


def ends(path: str, issuer: x509.Certificate) -> datetime | None:
    """Give when the CRL of a CA ends, UTC; None where there is none yet.

    :raises InputError: the file cannot be read.
    :raises StateError: it is no CRL, or another CA's.
    """
    present = _read(path, issuer)
    return None if present is None else present.next_update_utc or present.last_update_utc


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    """Keep others from the file while it is changed."""
    try:
        handle = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as exc:
        raise InputError(f"Cannot write the CRL {path}: {exc.strerror}; crl_path wants a folder that is there") from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(path: str, issuer: x509.Certificate) -> x509.CertificateRevocationList | None:
    from cryptography import x509

    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise InputError(f"Cannot read the CRL {path}: {exc.strerror}") from exc
    try:
        is_pem = content.startswith(b"-----")
        found = x509.load_pem_x509_crl(content) if is_pem else x509.load_der_x509_crl(content)
    except ValueError as exc:
        raise StateError(f"Cannot change {path}: it is no CRL; give crl_path of another file, or mend it") from exc
    # A CA's key is one that signs, whatever keys certificates may have.
    public = cast("CertificateIssuerPublicKeyTypes", issuer.public_key())
    if found.issuer != issuer.subject or not found.is_signature_valid(public):
        raise StateError(f"Cannot change {path}: it is the CRL of another CA, or was changed; give another crl_path")
    return found


def _signed(
    authority: signing.Authority,
    present: x509.CertificateRevocationList | None,
    added: tuple[int, str, datetime] | None,
    now: datetime,
    days: int,
    hash_name: str,
) -> x509.CertificateRevocationList:
    from cryptography import x509

    number = _number(present) + 1
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.cert.subject)
        .last_update(now)
        .next_update(now + timedelta(days=days))
        .add_extension(signing.authority_key_id(authority), critical=False)
    )
    if present is not None:
        for entry in present:
            builder = builder.add_revoked_certificate(entry)
    if added is not None:
        serial, reason, at = added
        fresh = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
        if reason != "unspecified":
            # RFC 5280 §5.3.1: unspecified is said by saying none.
            fresh = fresh.add_extension(x509.CRLReason(x509.ReasonFlags(REASON_NAMES[reason])), critical=False)
        builder = builder.add_revoked_certificate(fresh.build())
    builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    return builder.sign(authority.key, signing_hash(authority.key, hash_name))


def _number(present: x509.CertificateRevocationList | None) -> int:
    """Give the number of a CRL; 0 for none, and for one without: some tools write none unless told to."""
    from cryptography import x509

    if present is None:
        return 0
    try:
        return present.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return 0


def _replace(path: str, crl: x509.CertificateRevocationList) -> None:
    """Write the whole file beside the old one, and put it in its place: a reader sees one or the other."""
    from cryptography.hazmat.primitives.serialization import Encoding

    content = crl.public_bytes(Encoding.PEM if path.endswith(".pem") else Encoding.DER)
    number, name = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".crl")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A CRL is for everybody.
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as exc:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise InputError(f"Cannot write the CRL {path}: {exc.strerror}") from exc
