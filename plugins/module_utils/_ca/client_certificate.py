# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate an account authenticates with: from PEM or PKCS#12, once, to what is kept; and how long it lives.

What is kept is the certificate as PEM, no secret, and its key as PEM in clear, which is sealed with the account:
no passphrase is kept, and no file is.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from .._core.deps import needed
from .._core.errors import InputError
from .._core.redact import Secret
from .._http.base import ClientIdentity
from .base import Check

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

FEATURE = "client certificates of CA accounts"
WARN_DAYS = 30
_GIVEN = ("client_pfx", "client_passphrase")


def taken(
    options: Mapping[str, Any], secrets: Mapping[str, str], given: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Give options and secrets of an account with certificate and key as they are kept, and every problem.

    :param secrets: all of the account; ``given`` those of this call.
    """
    kept_options, kept = dict(options), {name: text for name, text in secrets.items() if name not in _GIVEN}
    passphrase = given.get("client_passphrase") or ""
    try:
        if given.get("client_pfx"):
            kept_options["client_certificate"], kept["client_key"] = _from_pfx(given["client_pfx"], passphrase)
        elif given.get("client_key"):
            kept["client_key"] = _key_text(_load_key(given["client_key"], passphrase))
        return kept_options, kept, _mismatch(kept_options.get("client_certificate") or "", kept.get("client_key") or "")
    except InputError as exc:
        return kept_options, kept, [exc.message]


def _from_pfx(text: str, passphrase: str) -> tuple[str, str]:
    with needed("cryptography", FEATURE):
        from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
        key, cert, more = pkcs12.load_key_and_certificates(content, passphrase.encode() if passphrase else None)
    except (ValueError, binascii.Error) as exc:
        raise InputError(
            "client_pfx cannot be read: it is no base64 of a PKCS#12 file, or client_passphrase is wrong"
        ) from exc
    if key is None or cert is None:
        raise InputError("client_pfx holds no key with its certificate")
    chain = [one.public_bytes(Encoding.PEM).decode("ascii") for one in (cert, *more)]
    return "".join(chain), _key_text(key)


def _load_key(text: str, passphrase: str) -> PrivateKeyTypes:
    with needed("cryptography", FEATURE):
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    try:
        return load_pem_private_key(text.encode(), passphrase.encode() if passphrase else None)
    except TypeError as exc:
        fault = "is not encrypted; leave client_passphrase out" if passphrase else "needs its client_passphrase"
        raise InputError(f"client_key {fault}") from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        # The library's text may quote what it read; it is left out on purpose.
        raise InputError("client_key cannot be read: it is no PEM private key, or client_passphrase is wrong") from exc


def _key_text(key: PrivateKeyTypes) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _mismatch(certificate: str, key_text: str) -> list[str]:
    if not certificate and not key_text:
        return []
    if not certificate or not key_text:
        missing = "client_key among the secrets" if certificate else "client_certificate among the options"
        return [f"{missing} is missing; give both, or client_pfx"]
    from .._pki import x509

    leaf = x509.load_certificate(certificates(certificate)[0], "client_certificate")
    if _load_key(key_text, "").public_key() != leaf.public_key():
        return ["client_key is not the key of client_certificate"]
    return []


def certificates(text: str, option: str = "client_certificate") -> tuple[str, ...]:
    """Give the certificates of an option, PEM, the holder's first; at least one.

    :raises InputError: there is none in it, as where a path was given.
    """
    from .._pki import pem

    found = pem.split_certificates(text, option)
    if not found:
        raise InputError(f"{option} is no PEM; give its content, not a path")
    return found


def identity(options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> ClientIdentity | None:
    """Give what a transport authenticates with; None when the account has none."""
    key = secrets.get("client_key")
    certificate = str(options.get("client_certificate") or "")
    return ClientIdentity(certificate, key) if certificate and key else None


def expires_at(options: Mapping[str, Any], option: str = "client_certificate") -> datetime | None:
    """Give when an account's client certificate ends, UTC; None when it has none.

    :param option: that holds it.
    """
    text = str(options.get(option) or "")
    if not text:
        return None
    from .._pki import x509

    return x509.certificate_facts(certificates(text, option)[0]).not_after


def checks(options: Mapping[str, Any], now: datetime, option: str = "client_certificate") -> list[Check]:
    """Say how long the client certificate lives; nothing for an account without one.

    :param option: that holds it.
    """
    ends, name = expires_at(options, option), option.replace("_", " ")
    if ends is None:
        return []
    days = (ends - now).days
    if ends <= now:
        return [Check(name, False, f"it ended {to_text(ends)}; give the account another one")]
    soon = "; replace it soon" if days < WARN_DAYS else ""
    return [Check(name, True, f"it is valid until {to_text(ends)}, {days} days{soon}")]
