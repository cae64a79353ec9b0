# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an account's options to the calls of its CA: address, proxy, TLS, client certificate, in one place for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from .._core.errors import ClmError, InputError, RemoteError
from .._core.hosts import parse_host
from .._core.redact import Secret
from .._http.base import Response, TransportOptions
from .._http.retry import date_header
from . import client_certificate
from .base import Check, Tools
from .option_table import MAX_TIMEOUT_S
from .rest import MAX_SKEW_S, Query, Rest

SHAPE_ERRORS = (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError)
"""What Python raises where an answer has numbers for lists, or lists for objects."""


@dataclass(frozen=True)
class Address:
    """Where an API is.

    :ivar host: with a port where it has one; ``prefix`` is the path, without a slash at its end.
    """

    host: str
    prefix: str


def address_of(url: str) -> Address:
    """Read an account's URL.

    :raises InputError: it is none, or not https.
    """
    reason = url_reason(url)
    if reason:
        raise InputError(f"url {reason}")
    parts = urlsplit(url.strip())
    return Address(parts.netloc, parts.path.rstrip("/"))


def url_reason(url: str) -> str:
    """Say why a URL cannot be an account's; empty when it can."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return f"is {url!r}; a URL that begins with https:// is wanted"
    if parts.scheme != "https" or not parts.netloc:
        return f"is {url!r}; a URL that begins with https:// is wanted"
    if "@" in parts.netloc or parts.query or parts.fragment:
        return "holds more than host, port and path; credentials belong among the secrets"
    try:
        parse_host(parts.netloc)
    except InputError as exc:
        return exc.message
    return ""


def directory_reason(url: str) -> str:
    """Say why a URL cannot be an ACME directory's, which may have a query; empty when it can."""
    try:
        return url_reason(urlsplit(url.strip())._replace(query="").geturl())
    except ValueError:
        return url_reason(url)


def path_reason(path: str) -> str:
    """Say why a text cannot be the path of a service below an account's URL; empty when it can."""
    is_path = path.startswith("/") and not set(path) & set(" ?#")
    return "" if is_path else f"is {path!r}; a path that begins with / is wanted"


def transport_options(host: str, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> TransportOptions:
    """Give how an account's host is reached, from the options all network CAs have."""
    return TransportOptions(
        host=host,
        proxy=_proxy(str(options.get("proxy") or ""), secrets.get("proxy_login")),
        ca_path=str(options.get("ca_path") or "") or None,
        validate_certs=bool(options.get("validate_certs", True)),
        # Accounts of before there was a limit may have more.
        timeout_s=min(float(options.get("timeout_s") or 30), float(MAX_TIMEOUT_S)),
        client=client_certificate.identity(options, secrets),
    )


def _proxy(url: str, login: Secret | None) -> str | None:
    if not url:
        return None
    if not login:
        return url
    user, _colon, password = login.reveal().partition(":")
    scheme, _slashes, rest = url.partition("://")
    return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{rest}"


def connected(tools: Tools, url: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], **rest: Any) -> Rest:
    """Build the calls to an account's CA.

    :param rest: further parts of ``Rest``, as ``sign`` and ``explain``; a ``prefix`` is put behind the URL's path.
    """
    address = address_of(url)
    transport = tools.transports(transport_options(address.host, options, secrets))
    prefix = address.prefix + rest.pop("prefix", "")
    return Rest(transport, tools.clock, host=address.host, prefix=prefix, secrets=list(secrets.values()), **rest)


def tried(found: Sequence[Check], checks: Sequence[tuple[str, Callable[[str], Check]]]) -> list[Check]:
    """Go on with checks in order, where the CA is reached; one that ends in an error is the last.

    :param found: what ``reachable`` and the like told.
    :param checks: name, and what makes the check of that name.
    """
    told = list(found)
    if not all(check.passed for check in told if check.name == "reachable"):
        return told
    for name, check in checks:
        try:
            told.append(check(name))
        except ClmError as exc:
            told.append(Check(name, False, exc.message))
            break
        except SHAPE_ERRORS as exc:
            told.append(Check(name, False, f"its answer is not of the shape that is due ({type(exc).__name__}: {exc})"))
            break
    return told


def reachable(
    rest: Rest, tools: Tools, path: str, query: Query = (), *, method: str = "GET", **more: Any
) -> tuple[Check, ...]:
    """Check that something answers there, and that its clock is ours; any status will do.

    :param path: of something that needs no credential, and is cheap.
    :param more: of ``Rest.call``, for an API whose questions are no GETs.
    """
    try:
        answer = rest.call(method, path, query=query, **more)
    except RemoteError as exc:
        return (Check("reachable", False, rest.masked(exc.message)),)
    there = date_header(Response(answer.status, answer.headers, b""))
    found = [Check("reachable", not answer.is_html, "it answers" if not answer.is_html else "a web page answers there")]
    if there is not None:
        skew = abs((tools.clock.now() - there).total_seconds())
        told = f"this machine's clock and the CA's differ by {skew:.0f} seconds"
        found.append(Check("clock", skew <= MAX_SKEW_S, told))
    return tuple(found)
