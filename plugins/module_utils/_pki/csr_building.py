# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a CSR from what it is to say and a key, wherever the private part of that key is. Makes and keeps no key."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._core.deps import needed
from .._core.errors import InputError
from .signing_parts import KEY_USAGES, key_usage, signing_hash, subject_name

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

    from .._core.csr_spec import CsrSpec
    from .._core.redact import Secret

CHALLENGE_PASSWORD_OID = "1.2.840.113549.1.9.7"
# The words of RFC 5280 §4.2.1.12 and of what CA profiles ask for most; anything else by its object id.
EXTENDED_KEY_USAGES: Mapping[str, str] = {
    "server_auth": "1.3.6.1.5.5.7.3.1",
    "client_auth": "1.3.6.1.5.5.7.3.2",
    "code_signing": "1.3.6.1.5.5.7.3.3",
    "email_protection": "1.3.6.1.5.5.7.3.4",
    "time_stamping": "1.3.6.1.5.5.7.3.8",
    "ocsp_signing": "1.3.6.1.5.5.7.3.9",
    "smartcard_logon": "1.3.6.1.4.1.311.20.2.2",
    "ipsec_ike": "1.3.6.1.5.5.7.3.17",
}
# Extensions that options write, and which.
_OWNED: Mapping[str, str] = {
    "2.5.29.15": "extensions.key_usage",
    "2.5.29.17": "subject_alternative_names",
    "2.5.29.37": "extensions.extended_key_usage",
    "1.3.6.1.5.5.7.1.24": "extensions.must_staple",
}
_MOST_NESTED = 32
_FEATURE = "making CSRs"
# Names of RFC 4514 texts beyond those of its table, as tools write them.
_MORE_ATTRIBUTES = ("emailAddress", "E", "EMAILADDRESS")


def build_csr(spec: CsrSpec, key: CertificateIssuerPrivateKeyTypes, challenge_password: Secret | None = None) -> str:
    """Write the CSR of one key and give it as PEM.

    Of the key only ``public_key()``, ``key_size`` or ``curve``, and ``sign`` are used, so that its private part may
    stay in a token. The key's kind counts, not the spec's.

    :param key: RSA, EC or Ed25519; Ed25519 brings its own hash, and the spec's is left out.
    :param challenge_password: becomes the attribute of RFC 2985 §5.4.1.
    :raises InputError: a name or extension cannot be written; names it.
    :source: RFC 2986; RFC 5280 §4.2.1.6 for the names, appendix A.1 for the subject.
    """
    with needed("cryptography", _FEATURE):
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject_name(vars(spec)))
    names = general_names(spec)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension, is_critical in requested_extensions(spec.extensions):
        builder = builder.add_extension(extension, is_critical)
    if challenge_password:
        oid = x509.ObjectIdentifier(CHALLENGE_PASSWORD_OID)
        builder = builder.add_attribute(oid, challenge_password.reveal().encode())
    csr = builder.sign(key, signing_hash(key, spec.hash_name))
    return csr.public_bytes(Encoding.PEM).decode("ascii")


def general_names(spec: CsrSpec) -> list[x509.GeneralName]:
    """Give the subject alternative names of a spec, by category, each in the order given.

    :raises InputError: one cannot be written.
    """
    with needed("cryptography", _FEATURE):
        from cryptography import x509
    found: list[x509.GeneralName] = [x509.DNSName(name) for name in spec.dns_names]
    found += [x509.IPAddress(ipaddress.ip_address(name)) for name in spec.ip_addresses]
    found += [x509.RFC822Name(name) for name in spec.emails]
    found += [x509.UniformResourceIdentifier(name) for name in spec.uris]
    found += [x509.OtherName(_oid(oid), der_utf8(value)) for oid, value in spec.other_names]
    found += [x509.DirectoryName(directory_name(text)) for text in spec.directory_names]
    return found


def directory_name(text: str) -> x509.Name:
    """Read a name as RFC 4514 writes it.

    :raises InputError: it cannot be read.
    """
    with needed("cryptography", _FEATURE):
        from cryptography import x509
        from cryptography.x509.oid import NameOID
    more = dict.fromkeys(_MORE_ATTRIBUTES, NameOID.EMAIL_ADDRESS)
    try:
        name = x509.Name.from_rfc4514_string(text, more)
    except (ValueError, TypeError) as exc:
        raise InputError(
            f"directory name {text!r} cannot be read ({exc}); write it as CN=edge,O=Example,C=DE (RFC 4514)"
        ) from exc
    if not list(name):
        raise InputError("a directory name is empty; write it as CN=edge,O=Example,C=DE (RFC 4514)")
    return name


def requested_extensions(wanted: Mapping[str, Any]) -> list[tuple[x509.ExtensionType, bool]]:
    """Give the extensions asked for beside the names, each with whether it is critical.

    :param wanted: as ``CsrSpec.extensions``.
    :raises InputError: everything that cannot be written, at once.
    """
    problems = [
        f"extension {name!r} is not known; there are {', '.join(_WRITERS)}" for name in wanted if name not in _WRITERS
    ]
    found: list[tuple[x509.ExtensionType, bool]] = []
    for name, write in _WRITERS.items():
        if wanted.get(name):
            try:
                found += write(wanted[name])
            except InputError as exc:
                problems.append(exc.message)
    if problems:
        raise InputError.of_problems("Cannot write the extensions of the CSR", problems)
    return found


def is_der(data: bytes, depth: int = 0) -> bool:
    """Say whether bytes are one DER value, and all values in it are, too.

    :param depth: values around it; no extension needs as many as are taken.

    :source: ITU-T X.690 §8.1.2, §8.1.3 and §10.1: lengths are definite and as short as can be.
    """
    whole = _der_end(data)
    if whole is None or whole[1] != len(data) or depth > _MOST_NESTED:
        return False
    start = whole[0]
    if not data[0] & 0x20:
        return True
    inner = data[start:]
    while inner:
        first = _der_end(inner)
        if first is None or first[1] > len(inner):
            return False
        _start, end = first
        if not is_der(inner[:end], depth + 1):
            return False
        inner = inner[end:]
    return True


def _der_end(data: bytes) -> tuple[int, int] | None:
    """Give where the content of the first value begins and ends; None where there is none."""
    at = 1
    if data and data[0] & 0x1F == 0x1F:
        while at < len(data) and data[at] & 0x80:
            at += 1
        at += 1
    if at >= len(data):
        return None
    size, at = data[at], at + 1
    if size & 0x80:
        begin, at = at, at + (size & 0x7F)
        digits = data[begin:at]
        size = int.from_bytes(digits, "big")
        if not digits or size < 0x80 or digits[0] == 0:
            return None
    return at, at + size


def der_utf8(text: str) -> bytes:
    """Write a text as a DER UTF8String.

    :source: ITU-T X.690 §8.1.3 for the length.
    """
    value = text.encode()
    size = len(value)
    if size < 0x80:
        return bytes([0x0C, size]) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x0C, 0x80 | len(length)]) + length + value


def _key_usage(words: Any) -> list[tuple[x509.ExtensionType, bool]]:
    unknown = [str(word) for word in words if word not in KEY_USAGES]
    if unknown:
        raise InputError(f"key usage {', '.join(unknown)} is not known; there are {', '.join(KEY_USAGES)}")
    if ("encipher_only" in words or "decipher_only" in words) and "key_agreement" not in words:
        raise InputError("encipher_only and decipher_only go with key_agreement (RFC 5280 §4.2.1.3)")
    return [(key_usage(words), True)]


def _extended_key_usage(words: Any) -> list[tuple[x509.ExtensionType, bool]]:
    from cryptography import x509

    return [(x509.ExtendedKeyUsage([_oid(EXTENDED_KEY_USAGES.get(word, word)) for word in words]), False)]


def _must_staple(_is_wanted: Any) -> list[tuple[x509.ExtensionType, bool]]:
    from cryptography import x509

    return [(x509.TLSFeature([x509.TLSFeatureType.status_request]), False)]


def _custom(entries: Any) -> list[tuple[x509.ExtensionType, bool]]:
    from cryptography import x509

    found: list[tuple[x509.ExtensionType, bool]] = []
    named = [str(entry["oid"]) for entry in entries]
    twice = [oid for oid in dict.fromkeys(named) if named.count(oid) > 1]
    problems = [f"extension {oid} is given {named.count(oid)} times; give it once" for oid in twice]
    for entry in entries:
        oid = str(entry["oid"])
        if oid in _OWNED:
            problems.append(f"extension {oid} is written by {_OWNED[oid]}; give it there")
            continue
        try:
            one = x509.UnrecognizedExtension(_oid(oid), _bytes(entry["value"]))
        except InputError as exc:
            problems.append(exc.message)
            continue
        if reason := _value_problem(oid, one):
            problems.append(reason)
        found.append((one, bool(entry.get("critical"))))
    if problems:
        raise InputError("; ".join(problems))
    return found


def _bytes(text: Any) -> bytes:
    """Read base64; what is none is no DER either."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def _value_problem(oid: str, one: x509.UnrecognizedExtension) -> str:
    """Say why a value cannot stand in an extension; empty where it can.

    What the library knows of extensions it says when it reads one, so a request is made for that and thrown away.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    if not is_der(one.value):
        return f"the value of extension {oid} is not base64 of DER"
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(one, critical=False)
    try:
        [read] = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).extensions
    except (ValueError, x509.UnsupportedGeneralNameType) as exc:
        return f"the value of extension {oid} is not what that extension holds ({exc})"
    if isinstance(read.value, x509.BasicConstraints) and read.value.ca:
        return f"extension {oid} asks for basicConstraints CA:TRUE, which only a CA's own certificate has"
    return ""


_WRITERS = {
    "key_usage": _key_usage,
    "extended_key_usage": _extended_key_usage,
    "must_staple": _must_staple,
    "custom": _custom,
}


def _oid(text: str) -> x509.ObjectIdentifier:
    from cryptography import x509

    try:
        return x509.ObjectIdentifier(text)
    except ValueError as exc:
        raise InputError(f"{text!r} is neither a known word nor an object id as 1.3.6.1.5.5.7.3.1") from exc
