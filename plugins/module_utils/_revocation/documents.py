# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents over HTTP: one kept connection a host, with time and size bounded. Knows no library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

from .._core.errors import InputError, RemoteError
from .._http.base import Request, Transport, TransportOptions
from .base import MAX_BYTES, Documents

TransportMaker = Callable[[TransportOptions], Transport]

TIMEOUT_S = 10.0
"""For connecting and each read, in seconds: a responder that is slower than that is none that can be relied on."""
MAX_SECONDS = 60.0
"""For a whole document."""
MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_SAFE_IN_PATH = "/%:@!$&'()*+,;=-._~"


class HttpDocuments(Documents):
    """Fetches through a proxy, or straight.

    :param open_transport: makes what reaches one host.
    :param proxy: URL; empty for none.
    """

    def __init__(self, open_transport: TransportMaker, proxy: str = "") -> None:
        self._open, self._proxy = open_transport, proxy
        self._transports: dict[tuple[str, str], Transport] = {}

    def fetch(self, url: str, body: bytes = b"", content_type: str = "") -> bytes:
        """Send, and follow redirects of the same host."""
        following = url
        for _turn in range(MAX_REDIRECTS + 1):
            transport, request = self._prepared(following, body, content_type)
            answer = transport.send(request)
            if answer.status not in _REDIRECTS:
                break
            following = _redirected(following, answer.headers.get("location", ""))
        if answer.status != 200:
            raise RemoteError(
                f"Cannot fetch {url}: it answered {answer.status}; look whether the CA publishes there",
                status=answer.status,
            )
        return answer.body

    def _prepared(self, url: str, body: bytes, content_type: str) -> tuple[Transport, Request]:
        """Give the way to a URL's host, and the request that goes there.

        :raises InputError: it is no URL of a document.
        """
        try:
            parts = urlsplit(url)
            scheme, place, user = parts.scheme.lower(), parts.netloc, parts.username
        except ValueError:
            scheme, place, user = "", "", None
        if scheme not in ("http", "https") or not place or user is not None:
            raise InputError(f"Cannot fetch {url!r}: it is no URL of http or https, or bears a user name")
        if (scheme, place) not in self._transports:
            options = TransportOptions(place, self._proxy or None, timeout_s=TIMEOUT_S, scheme=scheme)
            self._transports[scheme, place] = self._open(replace(options, max_bytes=MAX_BYTES, max_seconds=MAX_SECONDS))
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        path = quote(parts.path or "/", safe=_SAFE_IN_PATH)
        headers = {"Content-Type": content_type} if body else {}
        return self._transports[scheme, place], Request("POST" if body else "GET", path, query, headers, body or None)


def _redirected(url: str, location: str) -> str:
    """Give where a redirect leads.

    :raises RemoteError: to another host, to what is no URL, or nowhere; a certificate names who is asked, and nobody
        else does.
    """
    try:
        following = urljoin(url, location)
        is_there = bool(location) and urlsplit(following).hostname == urlsplit(url).hostname
    except ValueError as exc:
        raise RemoteError(f"Cannot fetch {url}: it redirects to {location!r}, which is no URL; tell the CA") from exc
    if not is_there:
        raise RemoteError(
            f"Cannot fetch {url}: it redirects to another host, which is not followed; have the CA name that one",
        )
    return following
