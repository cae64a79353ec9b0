# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EST's wire in our words: certs-only PKCS#7 in base64, PKCS#10 in base64, and what a server wants in a CSR.

:source: RFC 7030 §4, with RFC 8951 on base64; RFC 2986 for the attributes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

from .._core.errors import InputError, RemoteError
from .base import Check

CSR_TYPE = "application/pkcs10"
CERTIFICATES_TYPE = "application/pkcs7-mime"
_NAMES: Mapping[str, str] = {
    "1.2.840.113549.1.9.7": "challengePassword",
    "1.2.840.113549.1.9.14": "extensionRequest",
    "1.2.840.113549.1.1.1": "RSA keys",
    "1.2.840.113549.1.1.11": "SHA-256 with RSA",
    "1.2.840.113549.1.1.12": "SHA-384 with RSA",
    "1.2.840.113549.1.1.13": "SHA-512 with RSA",
    "1.2.840.10045.2.1": "EC keys",
    "1.2.840.10045.3.1.7": "secp256r1",
    "1.3.132.0.34": "secp384r1",
    "1.3.132.0.35": "secp521r1",
    "1.2.840.10045.4.3.2": "ECDSA with SHA-256",
    "1.2.840.10045.4.3.3": "ECDSA with SHA-384",
    "1.2.840.10045.4.3.4": "ECDSA with SHA-512",
    "1.3.101.112": "Ed25519 keys",
}
_OID, _INTEGER, _SEQUENCE, _SET = 0x06, 0x02, 0x30, 0x31
_TEXTS = (0x0C, 0x13, 0x16)


def csr_body(csr_pem: str) -> bytes:
    """Give a CSR as it is sent: base64 of its DER, in one line.

    :source: RFC 8951, which has base64 as of RFC 4648 where RFC 7030 had that of MIME.
    """
    from .._pki import pem

    return base64.b64encode(pem.der_of(pem.one_csr(csr_pem)))


def certificates(content: bytes, what: str) -> list[str]:
    """Read a certs-only PKCS#7 message as PEM, in the order in which it holds them.

    :raises RemoteError: it is none, or an empty one; nothing is known of the order then.
    """
    from .._pki.received import certificates_of_pkcs7

    try:
        return certificates_of_pkcs7(content, what)
    except InputError as exc:
        raise RemoteError(exc.message, code="not_pkcs7") from exc


def leaf_of(found: list[str], spki_sha256: str) -> str:
    """Choose the certificate of a CSR's key; failing that the first that is no CA's, which its keeper refuses.

    :param spki_sha256: of the CSR's key.
    """
    from .._pki.received import leaf_among
    from .._pki.x509 import certificate_facts

    mine = [one for one in found if certificate_facts(one).key.spki_sha256 == spki_sha256]
    return mine[0] if mine else leaf_among(found) or found[0]


# -- what a server wants in a CSR ----------------------------------------------------------------------------------


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Give tag and value of each element.

    :raises ValueError: it ends too early.
    """
    at = 0
    while at < len(der):
        if at + 2 > len(der):
            raise ValueError("cut off")
        tag, length = der[at], der[at + 1]
        at += 2
        if length & 0x80:
            count = length & 0x7F
            end = at + count
            length = int.from_bytes(der[at:end], "big")
            at += count
        end = at + length
        if end > len(der):
            raise ValueError("cut off")
        yield tag, der[at:end]
        at = end


def _oid(value: bytes) -> str:
    numbers, number = [], 0
    for byte in value:
        number = (number << 7) | (byte & 0x7F)
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    if not numbers:
        raise ValueError("empty object identifier")
    first = min(numbers[0] // 40, 2)
    text = ".".join(str(one) for one in (first, numbers[0] - 40 * first, *numbers[1:]))
    return _NAMES.get(text, text)


def _spoken(tag: int, value: bytes) -> str:
    if tag == _OID:
        return _oid(value)
    if tag == _INTEGER:
        return str(int.from_bytes(value, "big", signed=True))
    if tag in _TEXTS:
        return value.decode("utf-8", "replace")
    return value.hex()


def wishes(content: bytes) -> list[str]:
    """Read what a server wants in CSRs, a line each.

    :raises ValueError: it is no ``CsrAttrs``.
    :source: RFC 7030 §4.5.2.
    """
    from .._pki.received import der_in

    try:
        whole = list(_parts(der_in(content, "CSR attributes")))
    except InputError as exc:
        raise ValueError("no base64") from exc
    if len(whole) != 1 or whole[0][0] != _SEQUENCE:
        raise ValueError("no sequence")
    found = []
    for tag, value in _parts(whole[0][1]):
        if tag == _OID:
            found.append(_oid(value))
            continue
        parts = list(_parts(value))
        if tag != _SEQUENCE or len(parts) != 2 or parts[0][0] != _OID or parts[1][0] != _SET:
            raise ValueError("no attribute")
        values = ", ".join(_spoken(*part) for part in _parts(parts[1][1]))
        found.append(f"{_oid(parts[0][1])} ({values})" if values else _oid(parts[0][1]))
    return found


def wishes_told(status: int, content: bytes) -> Check:
    """Say what a server wants in CSRs, for the test of an account; that it does not say is no fault."""
    name = "CSR attributes"
    if not 200 <= status < 300 or not content.strip():
        return Check(name, True, "the server does not say what it wants in a CSR")
    try:
        found = wishes(content)
    except ValueError as exc:
        return Check(name, True, f"what the server says it wants in a CSR cannot be read ({exc})")
    return Check(name, True, f"the server wants in a CSR: {'; '.join(found)}" if found else "the server wants nothing")


def said(headers: Mapping[str, str], text: str) -> str:
    """Give what an answer says to people: its first line, where it is plain text; empty for none.

    :source: RFC 7030 §4.2.3.
    """
    kind = headers.get("content-type", "text/plain").lower()
    return text.strip().split("\n")[0][:200].strip() if "text/plain" in kind else ""
