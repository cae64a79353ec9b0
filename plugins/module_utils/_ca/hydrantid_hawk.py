# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hawk: how each call to HydrantID is authenticated, by an HMAC over method, address and time. Pure.

The body is not part of the MAC: TLS covers it, and HydrantID asks for no more. :source: Hawk 1.1 (Eran Hammer), "MAC".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from .._core.hosts import parse_host

_TLS_PORT = 443
_PLAIN_IN_QUERY = "-._~"


def target(path: str, query: Sequence[tuple[str, str]]) -> str:
    """Give path and query as they stand in the request line."""
    pairs = (f"{quote(name, safe=_PLAIN_IN_QUERY)}={quote(value, safe=_PLAIN_IN_QUERY)}" for name, value in query)
    text = "&".join(pairs)
    return f"{path}?{text}" if text else path


def mac(key: str, *, method: str, resource: str, host: str, port: int, ts: int, nonce: str) -> str:
    """Give the MAC, base64.

    :param resource: path and query.
    :param host: lower-case name, without brackets.
    :param ts: seconds since 1970.
    """
    # The two empty lines are the hash of the body and the application's own data.
    lines = ("hawk.1.header", str(ts), nonce, method.upper(), resource, host, str(port), "", "", "")
    made = hmac.new(key.encode(), "\n".join(lines).encode(), hashlib.sha256)
    return base64.b64encode(made.digest()).decode("ascii")


def header(
    key_id: str, key: str, *, netloc: str, method: str, resource: str, now: datetime, nonce: str
) -> dict[str, str]:
    """Give the header that authenticates one request.

    :param netloc: host with an optional port, as in the URL.
    :param nonce: another one for each request.
    """
    place, ts = parse_host(netloc), int(now.timestamp())
    made = mac(key, method=method, resource=resource, host=place.name, port=place.port or _TLS_PORT, ts=ts, nonce=nonce)
    return {"Authorization": f'Hawk id="{key_id}", ts="{ts}", nonce="{nonce}", mac="{made}"'}
