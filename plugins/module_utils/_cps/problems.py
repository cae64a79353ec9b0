# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bodies of refusals, in all the forms CPS and the gateway before it write them, read into one.

Knows no status and decides nothing; host names in addresses are masked, as they identify the API client.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core.redact import MASK
from .._http.base import Response

_ADDRESS = re.compile(r"(https?://)[^/\s\"'<>]+", re.IGNORECASE)
_CLIENT_HOST = re.compile(r"\bakab-[A-Za-z0-9-]+\.[A-Za-z0-9.-]*akamaiapis\.net", re.IGNORECASE)
_API_ERROR = re.compile(r"ApiError\((?P<inner>.*)\)", re.DOTALL)
_API_ERROR_PART = re.compile(r"(?:^|,\s*)(type|title|detail|source|status|instance|requestId)=")
_TITLE = re.compile(r"<(?:title|h1)[^>]*>(.*?)</(?:title|h1)>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]+>", re.IGNORECASE | re.DOTALL)
_INSTANCE_ID = re.compile(r"[?&]id=([0-9A-Za-z.-]+)")
_REFERENCE = re.compile(r"Reference\s*(?:&#32;|&#35;|#|\s)*\s*([0-9a-f]+(?:\.[0-9a-f]+)+)", re.IGNORECASE)
_ID_HEADERS = ("x-request-id", "x-akamai-request-id", "x-trace-id", "x-reference-error")
_LONGEST = 400


@dataclass(frozen=True)
class Problem:
    """What a refusal says.

    :ivar kind: its ``type`` with the host masked; empty when there is none.
    :ivar slug: the last segment of the type, as ``invalid-enrollment-state``.
    :ivar request_id: what Akamai's support asks for, or None.
    :ivar members: all members of a JSON body, masked; empty for other bodies.
    """

    kind: str = ""
    slug: str = ""
    title: str = ""
    detail: str = ""
    request_id: str | None = None
    members: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Give title and detail in one line; empty when the body said nothing."""
        parts = [part for part in (self.title, self.detail) if part]
        if len(parts) == 2 and parts[0].rstrip(".").lower() in parts[1].lower():
            parts = parts[1:]
        return ": ".join(parts)

    def says(self, *words: str) -> bool:
        """Say whether title, detail or slug hold one of the words, upper and lower case alike."""
        whole = f"{self.slug} {self.title} {self.detail}".lower()
        return any(word in whole for word in words)


def masked(value: Any) -> Any:
    """Copy a JSON value with the host names of addresses and API client hosts masked."""
    if isinstance(value, str):
        return _CLIENT_HOST.sub(MASK, _ADDRESS.sub(rf"\1{MASK}", value))
    if isinstance(value, Mapping):
        return {key: masked(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [masked(entry) for entry in value]
    return value


def read_problem(response: Response) -> Problem:
    """Read a refusal: problem+json, other JSON, ``ApiError(...)``, HTML, other text, or nothing at all."""
    text = response.body.decode("utf-8", "replace").strip()
    from_header = next((response.headers[name] for name in _ID_HEADERS if response.headers.get(name)), None)
    members = _members(text)
    if members is None:
        return Problem(request_id=_reference(text) or from_header, detail=masked(_plain(text)))
    kind = _word(members.get("type"))
    return Problem(
        kind=masked(kind),
        slug=kind.split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1],
        title=masked(_word(members.get("title"))),
        detail=masked(_word(members.get("detail")) or _of_list(members.get("errors"))),
        request_id=_request_id(members) or from_header,
        members=masked(members),
    )


def _members(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return _api_error(text)
    if isinstance(value, list):
        value = value[0] if value else {}
    if isinstance(value, dict):
        # Contracts and some internal services use words of their own.
        other = {"detail": value.get("message") or value.get("errorMessage"), "type": value.get("code")}
        return {**{name: word for name, word in other.items() if word}, **value}
    return {"detail": str(value)} if value else {}


def _api_error(text: str) -> dict[str, Any] | None:
    """Read ``ApiError(type=..., title=..., detail=..., source=...)``, whose values may hold commas."""
    match = _API_ERROR.search(text)
    if match is None:
        return None
    inner = match.group("inner")
    parts = _API_ERROR_PART.split(inner)[1:]
    pairs = dict(zip(parts[::2], parts[1::2], strict=False))
    return {name: value.strip().strip("'\"") for name, value in pairs.items() if value.strip() not in ("null", "None")}


def _plain(text: str) -> str:
    if "<" in text and ">" in text:
        title = _TITLE.search(text)
        text = title.group(1) if title else _TAG.sub(" ", text)
        text = html.unescape(_TAG.sub(" ", text))
    printable = "".join(char if char.isprintable() else " " for char in text)
    short = " ".join(printable.split())
    return short if len(short) <= _LONGEST else short[:_LONGEST] + " …"


def _word(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        return ""
    return _plain(str(value))


def _of_list(value: Any) -> str:
    """Join the details of ``errors``, which stand in place of a detail in some answers."""
    if not isinstance(value, list):
        return ""
    words = [
        _word(one.get("detail") or one.get("message") or one.get("title")) if isinstance(one, dict) else _word(one)
        for one in value
    ]
    return "; ".join(word for word in words if word)


def _request_id(members: Mapping[str, Any]) -> str | None:
    for name in ("requestId", "incidentId"):
        if _word(members.get(name)):
            return _word(members[name])
    instance = _word(members.get("instance"))
    match = _INSTANCE_ID.search(instance)
    if match:
        return match.group(1)
    # PAPI writes it behind a '#'; a gateway's own reference is a last segment with digits in it.
    tail = instance.rpartition("#")[2] if "#" in instance else instance.rstrip("/").rsplit("/", 1)[-1]
    is_id = not tail.isdigit() and any(char.isdigit() for char in tail) and "/cps/" not in instance
    return tail if is_id else None


def _reference(text: str) -> str | None:
    match = _REFERENCE.search(text)
    return match.group(1) if match else None
