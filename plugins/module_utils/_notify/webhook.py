# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message as one POST to a URL: as JSON, or in the forms that Slack and Teams take.

A URL of a webhook is a password: it is named by its host alone.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from .._core.clock import to_text
from .._core.errors import InputError, RemoteError, TransportError
from .._core.hosts import host_reasons
from .._core.notices import Message, plain
from .._core.redact import Secret
from .._http.base import Request, TransportMaker, TransportOptions

_WHAT = "Cannot call the webhook"
# What a path may hold beside what quote never touches; escapes that are there already stay.
_SAFE_IN_PATH = "/%:@!$&'()*+,;="
_HEADER_NAME = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True)
class WebhookOptions:
    """How a webhook is called.

    :ivar url: whole, ``https://``.
    :ivar format: of ``FORMATS``.
    :ivar headers: more of them, as one with a token.
    """

    url: Secret
    format: str
    headers: Mapping[str, Secret] = field(default_factory=dict)
    ca_path: str | None = None
    validate_certs: bool = True
    timeout_s: float = 30.0
    proxy: str | None = None


def _as_json(message: Message) -> dict[str, Any]:
    return {
        "source": "edgecert.clm",
        "at": to_text(message.at),
        "subject": message.subject,
        "text": message.text,
        "notices": [notice.as_dict() for notice in message.notices],
    }


def _as_slack(message: Message) -> dict[str, Any]:
    """Give what Slack and its likes take; ``&<>`` are its escapes, an ``@`` would call people in some of the likes."""
    text = html.escape(f"{message.subject}\n{message.text}", quote=False).replace("@", "@\u200b")
    return {"text": text}


def _as_teams(message: Message) -> dict[str, Any]:
    """Give a card whose texts are shown as they are: a block of rich text knows no Markdown."""
    lines = [(message.subject, True), *((line, False) for line in message.text.splitlines() if line.strip())]
    runs = [{"type": "TextRun", "text": line, "weight": "Bolder" if bold else "Default"} for line, bold in lines]
    body = [{"type": "RichTextBlock", "inlines": [run]} for run in runs]
    card = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4"}
    content_type = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": content_type, "content": {**card, "body": body}}]}


FORMATS: Mapping[str, Callable[[Message], dict[str, Any]]] = {
    "json": _as_json,
    "slack": _as_slack,
    "teams": _as_teams,
}


class WebhookChannel:
    """Posts each message; follows no redirect, repeats nothing.

    :raises InputError: the options cannot be used; nothing was sent.
    """

    def __init__(self, options: WebhookOptions, transport: TransportMaker) -> None:
        url = options.url.reveal().strip()
        problems = [*_url_problems(url), *_header_problems(options.headers)]
        if options.timeout_s <= 0:
            problems.append("timeout must be 1 second or more")
        if problems:
            raise InputError.of_problems(_WHAT, problems)
        parts = urlsplit(url)
        self._host = parts.netloc
        self._options = options
        self._path = quote(parts.path or "/", safe=_SAFE_IN_PATH)
        self._query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        reach = TransportOptions(
            parts.netloc, options.proxy, options.ca_path, options.validate_certs, options.timeout_s
        )
        self._transport = transport(reach)
        self.key = "webhook:" + hashlib.sha256(url.encode()).hexdigest()[:16]
        self.shown = f"webhook at {self._host}"

    def deliver(self, message: Message) -> None:
        """Post it.

        :raises RemoteError: code ``webhook_refused``, with the status.
        :raises TransportError: code ``webhook_unreachable``; nobody answers, or breaks off.
        """
        body = json.dumps(FORMATS[self._options.format](message)).encode()
        headers = {name: value.reveal() for name, value in self._options.headers.items()}
        headers = {"Content-Type": "application/json", **headers}
        try:
            answer = self._transport.send(Request("POST", self._path, self._query, headers, body))
        except TransportError as exc:
            # Its message names the path, which is the secret.
            raise TransportError(
                f"{_WHAT} at {self._host}: no answer ({exc.kind}); check url, ca_path, proxy and firewalls",
                kind=exc.kind,
                sent=exc.sent,
                code="webhook_unreachable",
            ) from None
        if not 200 <= answer.status < 300:
            said = plain(answer.body[:200].decode("utf-8", "replace"))
            raise RemoteError(
                f"{_WHAT} at {self._host}: it answered {answer.status} {said}; check url, headers and format",
                status=answer.status,
                code="webhook_refused",
                retryable=answer.status in (408, 429, 502, 503, 504),
            )


def _url_problems(url: str) -> list[str]:
    """Say what is wrong with a URL, without quoting it."""
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return ["url is no URL; write it as https://hooks.example.com/path"]
    if parts.scheme.lower() != "https" or not parts.hostname or not has_port:
        return ["url does not begin with https:// and a host; in clear anybody on the way could use it"]
    if "@" in parts.netloc:
        return ["url has a user name in it; give a token in headers"]
    if not url.isascii() or not url.isprintable() or " " in url:
        return ["url has a blank, a control character or another letter in it"]
    return [f"the host of url: {reason}" for reason in host_reasons(parts.netloc)]


def _header_problems(headers: Mapping[str, Secret]) -> list[str]:
    found = []
    for name, value in headers.items():
        text = value.reveal()
        if not name or not set(name) <= _HEADER_NAME:
            found.append(f"headers: {plain(name)!r} is no name of a header")
        elif not text.isascii() or not text.isprintable():
            found.append(f"headers: the value of {name} has a line break or another character that no header may have")
    return found
