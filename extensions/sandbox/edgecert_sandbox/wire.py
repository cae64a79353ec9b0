# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request and one reply as plain values. Knows no socket and no API."""

from __future__ import annotations

import dataclasses
import json
from urllib.parse import parse_qsl


@dataclasses.dataclass(frozen=True)
class Request:
    """A request as it came off the wire.

    :ivar target: path with query, byte for byte as sent (a signature covers it).
    :ivar headers: lower-case names.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    client_ip: str = "127.0.0.1"

    @property
    def path(self) -> str:
        """Path without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        """Query parameters in their order, decoded; blank values kept."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    @property
    def host(self) -> str:
        """The Host header as sent."""
        return self.headers.get("host", "")


@dataclasses.dataclass(frozen=True)
class Reply:
    """A reply before it is written.

    :ivar cut_after: bytes of the body that are really sent; None sends all of it.
    """

    status: int
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b""
    cut_after: int | None = None

    def with_headers(self, more: dict[str, str]) -> Reply:
        """Give the same reply with further headers."""
        return dataclasses.replace(self, headers={**self.headers, **more})


def json_reply(status: int, body: object, content_type: str = "application/json") -> Reply:
    """Give a reply with a JSON body in UTF-8."""
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status, {"Content-Type": content_type}, data)
