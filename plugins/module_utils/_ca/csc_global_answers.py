# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CSC Global answers, read: states, proofs it wants, dates in several shapes, certificates in several wrappings.

Pure. :source: ca-connectors §4.9; words that no source names are our reading, and unknown ones are at work.
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from .._core.clock import from_text
from .._core.errors import InputError
from .._core.types import Bundle
from . import answer_base as states
from .answer_base import Action, Handle
from .rest import Answer as Reply
from .rest import words_of
from .shapes import part

STATES = {
    "active": states.ISSUED,
    "initial": states.PROCESSING,
    "pending": states.PROCESSING,
    "rejected": states.REJECTED,
    "cancelled": states.CANCELLED,
    "canceled": states.CANCELLED,
    "revoked": states.REVOKED,
}
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%d-%b-%Y")
_NOTHING_TO_DO = ("n", "no", "none", "false")
# A bundle has a few certificates; what is far longer is none.
_WHAT = "certificate in CSC's answer"
_MOST = 1 << 20


def explained(answer: Reply) -> str:
    """Read the reason of an error: code, description and the value it is about."""
    found = answer.value()
    text = words_of(answer) or answer.text().strip()[:200]
    if isinstance(found, Mapping) and found.get("description"):
        parts = [str(found[name]) for name in ("code", "description") if found.get(name)]
        text = ": ".join(parts) + (f" ({found['value']})" if found.get("value") else "")
    if answer.status == 401:
        text += "; a bearer token that was not used for long has ended, so get another one at CSC"
    return text


def actions(told: Any) -> list[dict[str, str]]:
    """Read what has to be done to prove each domain, as a handle keeps it."""
    found: list[Action] = []
    for one in told if isinstance(told, (list, tuple)) else ():
        if not isinstance(one, Mapping) or str(one.get("actionNeeded") or "").lower() in _NOTHING_TO_DO:
            continue
        domain, cname = str(one.get("domainName") or "").removeprefix("*."), part(one, "cname")
        if cname.get("name"):
            found.append(Action("cname", domain, str(cname["name"]).rstrip("."), str(cname.get("value")).rstrip(".")))
        elif one.get("email"):
            found.append(Action("email", domain, who=str(one["email"])))
    return [action.shown() for action in dict.fromkeys(found)]


def message(todo: Sequence[Mapping[str, str]]) -> str:
    """Say what an order waits for."""
    records = [f"{one['name']} to {one['value']}" for one in todo if one["kind"] == "cname"]
    mails = [f"{one['who']} for {one['domain']}" for one in todo if one["kind"] == "email"]
    parts = [f"publish a CNAME record from {'; '.join(records)}"] if records else []
    parts += [f"the message to {', '.join(mails)} has to be answered"] if mails else []
    return " and ".join(parts) or "CSC is at work"


def moment(value: Any) -> datetime | None:
    """Read a date or time, UTC; None where it is none."""
    text = str(value or "").strip()
    for shape in _DATES:
        try:
            return datetime.strptime(text, shape).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    try:
        return from_text(text) if text else None
    except ValueError:
        return None


def not_its_own(handle: Handle, found: str) -> InputError:
    """Say why an order is not revoked: a reissue may keep its uuid, which then stands for the successor.

    :param found: serial of the certificate that the order has now; empty for none.
    """
    order_id, wanted = str(handle["order_id"]), str(handle.get("serial") or "")
    return InputError(
        f"Cannot revoke the certificate with the serial {wanted or 'that nobody kept'}: CSC revokes by order, and "
        f"order {order_id} has {f'another certificate, {found},' if found else 'no certificate'} now; have CSC do it",
        code="cannot_revoke",
        details={"order_id": order_id, "serial": wanted, "found": found},
    )


def bundle_of(text: str, now: datetime) -> Bundle:
    """Put an answer's certificates in order.

    :param text: base64 of PEM, or of a ZIP file with PEM in it; PEM itself is taken, too.
    :raises InputError: none of these.
    """
    from .._pki import pem, received

    return received.bundle_of(pem.split_certificates(_pem_of(text), _WHAT), _WHAT, at=now)


def _pem_of(text: str) -> str:
    if "-----BEGIN" in text:
        return text
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error) as exc:
        raise InputError(f"Cannot read the {_WHAT}: it is neither PEM nor base64") from exc
    return _unzipped(content) if content[:2] == b"PK" else content.decode("utf-8", "replace")


def _unzipped(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            small = [one for one in file.infolist() if one.file_size < _MOST][:20]
            texts = [file.read(one).decode("utf-8", "replace") for one in small]
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as exc:
        raise InputError(f"Cannot read the {_WHAT}: it is a broken ZIP file") from exc
    return "\n".join(text for text in texts if "-----BEGIN CERTIFICATE" in text)
