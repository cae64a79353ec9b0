# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EJBCA's wire in our words: certificates that are base64 once or twice, names of end entities, reasons, refusals.

:source: ca-connectors §4.3; EJBCA's published OpenAPI document, and what it leaves out by our reading of its source.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._core.clock import from_text
from .._core.errors import InputError
from .._core.redact import Secret
from .answer_base import FAILED, PENDING_APPROVAL, PROCESSING, REJECTED, Handle

if TYPE_CHECKING:
    from .base import Order

REASONS: Mapping[str, str] = {
    "unspecified": "UNSPECIFIED",
    "key_compromise": "KEY_COMPROMISE",
    "ca_compromise": "CA_COMPROMISE",
    "affiliation_changed": "AFFILIATION_CHANGED",
    "superseded": "SUPERSEDED",
    "cessation_of_operation": "CESSATION_OF_OPERATION",
    "privilege_withdrawn": "PRIVILEGES_WITHDRAWN",
    "aa_compromise": "AA_COMPROMISE",
}
ENTITY_STATES: Mapping[str, str] = {
    "new": PROCESSING,
    "failed": PROCESSING,
    "initialized": PROCESSING,
    "inprocess": PROCESSING,
    "generated": PROCESSING,
    "waitingforaddapproval": PENDING_APPROVAL,
}
"""States of an end entity whose certificate is not there yet."""

READY = ("new", "failed", "inprocess")
"""Those in which its certificate can be had with its enrolment code."""

ENDED: Mapping[str, str] = {
    "has been rejected": REJECTED,
    "has expired": FAILED,
    "could not be executed": FAILED,
}
"""What a request to finalize is refused with, once and for all; the status, 400, does not tell."""

FINALIZED_BEFORE = "already been finalized"
# What EJBCA takes out of names of end entities without a word; a search for the name as it was given finds nothing.
_NO_NAME = re.compile(r"[\x00-\x1f\x7f;!%`?$~<>&\\\"]")
_NO_OWN_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_REQUEST = re.compile(r"/(\d+)/finalize\b")
_MOST = 200


def username_of(order: Order) -> str:
    """Name the end entity of an order: as it was asked for, or of its own, from certificate and intent.

    One of its own is never shared with another order, so that looking for it is exact, and overwrites nobody.
    """
    asked = str(order.options.get("end_entity_username") or "")
    if asked:
        return asked
    name = _NO_OWN_NAME.sub("-", (order.certificate_id or order.spec.common_name).replace("*", "wildcard"))
    return f"{name[:80]}-{_NO_OWN_NAME.sub('-', order.intent_id)}".strip("-")


def username_problems(name: str) -> list[str]:
    """Say why a name cannot be an end entity's."""
    found = []
    if len(name) > _MOST:
        found.append(f"end_entity_username has {len(name)} characters, {_MOST} are allowed")
    strange = sorted(set(_NO_NAME.findall(name)))
    if strange or name != name.strip():
        which = " ".join(map(repr, strange)) or "blanks at an end"
        found.append(f"end_entity_username holds {which}, which EJBCA takes out of names; leave that out")
    return found


def enrolment_code(seed: Secret, username: str) -> Secret:
    """Give the enrolment code of an end entity: the same each time, as finalizing asks for it again."""
    made = hmac.new(seed.reveal().encode(), username.encode(), hashlib.sha256).digest()
    return Secret(base64.urlsafe_b64encode(made).decode("ascii").rstrip("=")[:32])


def certificate_pem(value: Any, what: str = "certificate") -> str:
    """Read a certificate as EJBCA writes it: base64 of DER, of base64 of DER, or of PEM.

    :raises InputError: it is none of these.
    """
    from .._pki import pem

    data = str(value or "").encode()
    for _layer in range(3):
        if data.startswith(b"-----BEGIN"):
            return pem.one_certificate(data.decode("ascii", "replace"), what)
        if data.startswith(b"\x30"):
            return pem.Block(pem.CERTIFICATE_LABELS[0], data).pem
        try:
            data = base64.b64decode(b"".join(data.split()), validate=True)
        except (binascii.Error, ValueError) as exc:
            raise InputError(f"Cannot read the {what} that EJBCA gave: it is no base64") from exc
    raise InputError(f"Cannot read the {what} that EJBCA gave: there is no certificate in its base64")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _texts(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _texts(entry)


def request_id(found: Any) -> str:
    """Give the number of the request that waits for an approver, from the link to finalize it; empty for none.

    No document has that answer, and its member was called differently over time: the link is looked for in all of it.
    """
    for text in _texts(found):
        match = _REQUEST.search(text)
        if match:
            return match.group(1)
    return ""


def words(found: Any) -> str:
    """Give what an answer without a certificate says."""
    told = found if isinstance(found, Mapping) else {}
    return str(told.get("info_message") or told.get("message") or "")


def is_waiting_already(message: str) -> bool:
    """Say whether an order was refused because an approver has one for the same end entity before him."""
    low = message.lower()
    return "approval" in low and "already" in low


def ended(message: str) -> str:
    """Give the state of a request that cannot be finalized any more; empty where that is not what is said."""
    return next((state for text, state in ENDED.items() if text in message), "")


def common_name(subject_dn: str) -> str:
    """Read the common name out of a DN as EJBCA writes it; empty when there is none."""
    for part in re.split(r"(?<!\\)[,+]", subject_dn):
        name, _equals, value = part.strip().partition("=")
        if name.strip().upper() == "CN":
            return re.sub(r"\\(.)", r"\1", value.strip())
    return ""


def is_of(leaf: str, handle: Handle) -> bool:
    """Say whether a certificate is the one a handle is about: by its serial number, or by key and time."""
    from .._pki.x509 import certificate_facts

    facts = certificate_facts(leaf)
    if handle.get("serial"):
        return int(facts.serial, 16) == _number(str(handle["serial"]))
    since = from_text(str(handle["since"])) if handle.get("since") else None
    return facts.key.spki_sha256 == handle["spki_sha256"] and (since is None or facts.not_before >= since)


def _number(serial: str) -> int:
    """Read hex; what is none is no certificate's number."""
    try:
        return int(serial, 16)
    except ValueError:
        return -1


def begin(leaf: str) -> datetime:
    """Give when a certificate's life begins."""
    from .._pki.x509 import certificate_facts

    return certificate_facts(leaf).not_before
