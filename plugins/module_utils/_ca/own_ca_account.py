# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account of the own CA: its options as a table, checked, completed, and turned into something that can sign."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .._core.errors import ClmError, InputError
from .._core.names import country_reason
from .._core.vocabulary import CURVES, HASHES
from .._pki import pem, x509
from .._pki.chain import order_chain
from .._pki.private_keys import make_key
from . import option_table as common
from . import own_ca_signing as signing

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from .base import DeviceKeyMaker

_PREFIX_LIMIT = 50
KEY_DEVICE, KEY_LABEL = "key_device", "key_label"

# name: type, least, most, default, description; for texts the limits count characters.
_NUMBERS: Mapping[str, tuple[int, int, int, str]] = {
    "root_validity_days": (30, 14600, 7300, "Lifetime of a root made here."),
    "issuing_validity_days": (10, 7300, 3650, "Lifetime of an issuing CA made here; it never outlives its root."),
    "max_validity_days": (1, 7300, 397, "Longest lifetime of a certificate that this CA signs."),
    "backdate_minutes": (0, 1440, 5, "How long before the order a certificate's lifetime begins, for clocks that lag."),
    "delay_s": (0, 31536000, 0, "Seconds for which an order stays pending; for rehearsals of a slow CA."),
    "crl_days": (1, 366, 7, "Lifetime of the CRL; revocations sign it anew, and tests once half of that is over."),
}
_TEXTS: Mapping[str, tuple[int, str]] = {
    "common_name": (_PREFIX_LIMIT, "Beginning of the CA's names; the account's name when it is left out."),
    "organization": (64, "Organization in the CA's names."),
    "country": (2, "Two-letter country code in the CA's names."),
    "crl_path": (1024, "File of the CRL, PEM where it ends in .pem, else DER; without it nothing can be revoked."),
    KEY_DEVICE: (64, "Key device that has the key of an existing issuing CA, an HSM; the key never leaves it."),
    KEY_LABEL: (64, "Label of that key on the key device."),
    "crl_url": (1024, "Where the CRL is published, for the certificates signed from now on."),
}
_CHOICES: Mapping[str, tuple[tuple[Any, ...], Any, str]] = {
    "key_type": (("ec", "rsa", "ed25519"), "ec", "Kind of key of a CA made here."),
    "key_size": ((2048, 3072, 4096), 3072, "Bits of an RSA key of a CA made here."),
    "curve": (CURVES, "secp256r1", "Curve of an EC key of a CA made here."),
    "approval": (
        ("none", "waiting", "granted", "denied"),
        "none",
        "Whether orders wait for a person, who sets it to granted or denied; for rehearsals.",
    ),
    "hash": (HASHES, "sha256", "Hash the CA certificates made here are signed with."),
}
_PEMS: Mapping[str, str] = {
    "certificate": "Certificate of an existing issuing CA, PEM; left out, a root and an issuing CA are made.",
    "chain": "What stands above the issuing CA, PEM, in any order, the root among it.",
}
_SECRETS: Mapping[str, str] = {
    "private_key": "Private key of the existing issuing CA, PEM.",
    "passphrase": "Passphrase of that key, where it has one.",
}
# What a CA is made with, once.
_LATER = ("crl_path", "crl_url", "approval", KEY_DEVICE, KEY_LABEL)
_MADE_WITH = (
    *(option for option in (*_TEXTS, *_CHOICES) if option not in _LATER),
    "root_validity_days",
    "issuing_validity_days",
)
# Kept for making another issuing CA below the same root; nobody gives it.
ROOT_KEY = "root_private_key"


def describe() -> dict[str, dict[str, Any]]:
    """Describe the options, ``{name: {type, required, secret, default, description}}``."""

    def entry(kind: str, default: Any, text: str, *, secret: bool = False, **more: Any) -> dict[str, Any]:
        return {"type": kind, "required": False, "secret": secret, "default": default, "description": text, **more}

    table = {name: entry("int", default, text) for name, (_least, _most, default, text) in _NUMBERS.items()}
    table.update({name: entry("str", None, text) for name, (_most, text) in _TEXTS.items()})
    for name, (allowed, default, text) in _CHOICES.items():
        kind = "int" if isinstance(default, int) else "str"
        table[name] = entry(kind, default, text, choices=list(allowed))
    table.update({name: entry("str", None, text) for name, text in _PEMS.items()})
    table.update({name: entry("str", None, text, secret=True) for name, text in _SECRETS.items()})
    table.update(common.describe(common.EVERY))
    return dict(sorted(table.items()))


def checked(name: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Complete the options with their defaults; give every problem as a sentence."""
    known = {*_NUMBERS, *_TEXTS, *_CHOICES, *_PEMS, *common.EVERY}
    problems = [
        f"{option} is no option of own_ca; there are {', '.join(sorted(known))}"
        for option in options
        if option not in known
    ]
    every = {option: options[option] for option in common.EVERY if option in options}
    result, _none, faults = common.read("own_ca", common.EVERY, every, {}, {})
    problems += faults
    readers: tuple[tuple[Mapping[str, Any], Callable[[str, Any], Any]], ...] = (
        (_NUMBERS, _number),
        (_CHOICES, _choice),
        (_TEXTS, _text),
        (_PEMS, lambda _option, value: str(value or "")),
    )
    for table, read in readers:
        for option in table:
            try:
                result[option] = read(option, options.get(option))
            except ValueError as exc:
                problems.append(f"{option} {exc}")
    result["common_name"] = result.get("common_name") or name[:_PREFIX_LIMIT]
    country = result.get("country")
    if country and (reason := country_reason(country)):
        problems.append(f"country {country!r} {reason}")
    return result, problems


def _number(option: str, value: Any) -> int:
    least, most, default, _text_of_it = _NUMBERS[option]
    number = default if value is None else _whole(value)
    if number is None or not least <= number <= most:
        raise ValueError(f"is {value!r}; a whole number from {least} to {most} is wanted")
    return number


def _whole(value: Any) -> int | None:
    """Read a whole number; templates hand numbers over as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def _choice(option: str, value: Any) -> Any:
    allowed, default, _text_of_it = _CHOICES[option]
    if value is None:
        return default
    wanted = _whole(value) if isinstance(default, int) else value
    if wanted not in allowed:
        raise ValueError(f"is {value!r}; there are {', '.join(map(str, allowed))}")
    return wanted


def _text(option: str, value: Any) -> str:
    text = str(value or "").strip()
    limit = _TEXTS[option][0]
    if len(text) > limit:
        raise ValueError(f"has {len(text)} characters, {limit} are allowed")
    return text


def overlaid(wanted: Mapping[str, Any], stored: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Lay secrets that are given over those that are stored; an empty one takes the stored one away."""
    kept = {name: text for name, text in {**stored, **given}.items() if text}
    is_new_key = bool(given.get("private_key")) and "passphrase" not in given
    if is_new_key or wanted.get(KEY_DEVICE):
        # Another key does not inherit the old key's passphrase, nor the root that was made here.
        kept = {name: text for name, text in kept.items() if name not in ("passphrase", ROOT_KEY)}
    return kept


def key_problems(options: Mapping[str, Any], kept: Mapping[str, str]) -> list[str]:
    """Say where certificate and key do not go together: the key of one that is given is here or on a device."""
    device, label = options.get(KEY_DEVICE), options.get(KEY_LABEL)
    here, given = bool(kept.get("private_key")), bool(options.get("certificate"))
    problems = []
    if bool(device) != bool(label):
        problems.append(f"{KEY_DEVICE} and {KEY_LABEL} go together; give both or neither")
    if device and here:
        problems.append(f"{KEY_DEVICE} and private_key are both given; clear one of them with an empty text")
    if given and not here and not device:
        problems.append("certificate is given without private_key among the secrets; give both or neither")
    if here and not given:
        problems.append("private_key is given without certificate among the options; give both or neither")
    if device and not given:
        problems.append(f"{KEY_DEVICE} is given without certificate; a CA made here has its key here")
    return problems


def make(options: Mapping[str, Any], now: datetime) -> tuple[dict[str, str], dict[str, str]]:
    """Make a root and an issuing CA below it.

    :return: the certificate options, and the secrets.
    """

    def subject(kind: str) -> dict[str, str]:
        fields = {word: options[word] for word in ("country", "organization")}
        return {**fields, "common_name": f"{options['common_name']} {kind}"}

    def key() -> Any:
        return make_key(options["key_type"], options["key_size"], options["curve"])

    begin = now - timedelta(minutes=options["backdate_minutes"])
    root_end = now + timedelta(days=options["root_validity_days"])
    issuing_end = min(now + timedelta(days=options["issuing_validity_days"]), root_end)
    root = signing.make_ca(subject("Root CA"), key(), None, signing.Span(begin, root_end), options["hash"])
    issuing = signing.make_ca(subject("Issuing CA"), key(), root, signing.Span(begin, issuing_end), options["hash"])
    certificates = {"certificate": signing.certificate_pem(issuing), "chain": signing.certificate_pem(root)}
    return certificates, {"private_key": signing.key_to_pem(issuing.key), ROOT_KEY: signing.key_to_pem(root.key)}


def taken(
    options: Mapping[str, Any], secrets: Mapping[str, str], now: datetime, device_key: DeviceKeyMaker
) -> dict[str, str]:
    """Check an existing issuing CA and give its certificate options, normalised and in order.

    :raises InputError: all problems at once.
    """
    problems = authority_problems(options, secrets, now, device_key)
    if problems:
        raise InputError.of_problems("Cannot use the given issuing CA", problems)
    ordered = order_chain(options["certificate"], [options["chain"]], at=now).bundle
    return {"certificate": ordered.leaf, "chain": pem.join([*ordered.chain, ordered.root])}


def unmakeable(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    """Name the options that say how the CA was made and that a CA once made cannot follow any more.

    :param stored: options of the account as it is; empty for a new one.
    """
    if not stored or wanted.get("certificate") != stored.get("certificate"):
        return []
    return [
        f"{option} was {stored.get(option)!r} when the CA was made and cannot become {wanted.get(option)!r}; add "
        "another account for another CA"
        for option in _MADE_WITH
        if wanted.get(option) != stored.get(option)
    ]


def authority_problems(
    options: Mapping[str, Any], secrets: Mapping[str, str], now: datetime, device_key: DeviceKeyMaker
) -> list[str]:
    """Give every reason why certificate, chain and key cannot sign now."""
    problems: list[str] = []
    try:
        ordered = order_chain(options["certificate"], [options["chain"]], at=now)
        problems += ordered.problems
        if not ordered.facts[0].is_ca:
            problems.append(f"{ordered.facts[0].subject} is not a CA certificate")
        problems += _usage_problems(options["certificate"])
    except InputError as exc:
        problems.append(exc.message)
    try:
        with authority(options, secrets, device_key) as ready:
            if ready.key.public_key() != ready.cert.public_key():
                problems.append("the private key is not the key of the certificate")
    except ClmError as exc:
        if exc.message not in problems:
            problems.append(exc.message)
    return problems


def _usage_problems(certificate: str) -> list[str]:
    from cryptography import x509 as library

    cert = x509.load_certificate(certificate, "CA certificate")
    try:
        usage = cert.extensions.get_extension_for_class(library.KeyUsage).value
    except library.ExtensionNotFound:
        return []
    return [] if usage.key_cert_sign else ["the CA certificate's key usage does not allow it to sign certificates"]


def issuer_of(options: Mapping[str, Any]) -> Certificate:
    """Read the certificate of the issuing CA.

    :raises InputError: it cannot be read.
    """
    return x509.load_certificate(options["certificate"], "certificate")


@contextlib.contextmanager
def authority(
    options: Mapping[str, Any], secrets: Mapping[str, str], device_key: DeviceKeyMaker
) -> Iterator[signing.Authority]:
    """Give certificate and key of the issuing CA, to sign with in the block: a key in a device is there no longer.

    :raises ClmError: one of them cannot be read, or the device does not give the key.
    """
    cert = issuer_of(options)
    if options.get(KEY_DEVICE):
        with device_key(str(options[KEY_DEVICE]), str(options[KEY_LABEL])) as key:
            yield signing.Authority(cert, key)
    else:
        yield signing.Authority(cert, signing.load_key(secrets.get("private_key", ""), secrets.get("passphrase", "")))
