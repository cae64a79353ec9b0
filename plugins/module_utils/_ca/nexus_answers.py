# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Nexus answers, read: errors that come with HTTP 200, procedures, times, certificates. Pure.

:source: ca-connectors §4.13.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from .._core.clock import from_text
from .._core.errors import AuthError, RateLimited, RemoteError
from .._core.types import Bundle
from .._core.vocabulary import REASON_CODES, SUBSCRIBER_REASONS
from .base import Choice
from .rest import Answer as Reply

SIGNATURE_REQUIRED, TOO_MANY = -19, -40
CODES = {
    -1: "general error",
    -7: "a field is missing",
    -8: "encoding",
    -12: "not initialised",
    -14: "a field has a bad value",
    -15: "the officer lacks the privilege",
    -17: "bad signature",
    -18: "no connection to Certificate Manager",
    SIGNATURE_REQUIRED: "a signature is required",
    TOO_MANY: "too many requests",
}
# What it says of the order itself; anything else is the account's, or nobody's.
_REFUSALS = (-7, -8, -14)
_FORBIDDEN = (-15, -17, SIGNATURE_REQUIRED)
PASSING = (-12, -18)
REASONS = {name: str(REASON_CODES[name]) for name in (*SUBSCRIBER_REASONS, "privilege_withdrawn")}
PEM_CHAIN = "application/pem-certificate-chain"


def told_of(answer: Reply) -> Mapping[str, Any]:
    """Give an answer's JSON where it is an object; empty for a certificate, and for what cannot be read."""
    if "json" not in answer.headers.get("content-type", "").lower():
        return {}
    found = answer.value()
    return found if isinstance(found, Mapping) else {}


def code_of(told: Mapping[str, Any]) -> int:
    """Read an error's number; 0 for none."""
    try:
        return int(told.get("error") or 0)
    except (TypeError, ValueError):
        return -1


def words(told: Mapping[str, Any]) -> str:
    """Write an error as a sentence: its number, what that means, and what it says of each certificate."""
    code = code_of(told)
    parts = [str(told.get("msg") or "")]
    for one in told.get("errors") or ():
        if isinstance(one, Mapping):
            parts.append(str(one.get("errormessage") or one.get("servererrormessage") or one.get("errorcode") or ""))
    text = "; ".join(part for part in parts if part)
    meaning = f" ({CODES[code]})" if code in CODES else ""
    return f"error {code}{meaning}" + (f": {text}" if text else "")


def explained(answer: Reply) -> str:
    """Read the reason of an HTTP error."""
    told = told_of(answer)
    return words(told) if told else ""


def failure(what: str, told: Mapping[str, Any], masked: str) -> RemoteError:
    """Give the error that an answer stands for.

    :param masked: its words, without secrets.
    """
    code, message = code_of(told), f"Cannot {what} at Nexus: {masked}"
    if code == TOO_MANY:
        return RateLimited(message, retry_after_s=60.0, status=429)
    if code in _FORBIDDEN:
        return AuthError(message, status=403)
    # A number of theirs, in the terms of HTTP: 400 is the order's own fault, no status tells nothing.
    return RemoteError(message, status=400 if code in _REFUSALS else None, retryable=code in PASSING)


def hits_of(told: Mapping[str, Any]) -> int:
    """Read how many certificates a search finds in all; 0 where it does not say."""
    try:
        return int(told.get("searchHits") or 0)
    except (TypeError, ValueError):
        return 0


def procedures(told: Mapping[str, Any]) -> list[Choice]:
    """Read the list of procedures; versions differ in what they call a name."""
    found, entries = [], told.get("procedures") or []
    if not isinstance(entries, list):
        raise RemoteError("Cannot list the procedures at Nexus: its answer has no list of them", code="not_json")
    for one in entries:
        entry = one if isinstance(one, Mapping) else {"procname": one}
        name = next((str(entry[key]) for key in ("procname", "name", "procedureName") if entry.get(key)), "")
        number = next((str(entry[key]) for key in ("procid", "id", "procedureId") if entry.get(key)), "")
        if name or number:
            found.append(Choice(name or number, number or name))
    return found


def moment(value: Any) -> datetime | None:
    """Read a time: milliseconds since 1970, or ISO 8601; None for neither."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000, timezone.utc)
    try:
        return from_text(str(value)) if value else None
    except ValueError:
        return None


def bundle_of(body: bytes, now: datetime) -> Bundle:
    """Put an answer's certificates in order: PEM, PKCS#7 or one certificate in DER.

    The leaf is the one that issued no other of them, wherever it stands.

    :raises InputError: it is none of these.
    """
    from .._pki import received

    what = "certificate in Nexus's answer"
    return received.bundle_of(received.certificates_in(body, what), what, at=now)
