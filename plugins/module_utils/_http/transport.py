# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP over requests: TLS, proxy, time-outs, one kept-alive session for one host.

Follows no redirect and repeats nothing; knows no vendor. The one place that imports requests.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .._core.deps import needed
from .._core.errors import InputError, TransportError
from .._core.hosts import parse_host, proxy_reasons, proxy_shown
from .._core.version import VERSION
from .base import Request, Response, TransportOptions

if TYPE_CHECKING:
    import requests

USER_AGENT = f"edgecert.clm/{VERSION}"
PACKAGE = "requests"
FEATURE = "speaking to remote services"

_SAFE_IN_QUERY = "-._~"
# Small, since the time is looked at with each.
_PART = 1024


def url_of(netloc: str, request: Request, scheme: str = "https") -> str:
    """Build the URL once, in a form that no library on the way writes differently.

    :param netloc: host with an optional port, as in a URL.
    :param scheme: ``https`` or ``http``.
    """
    pairs = (f"{quote(name, safe=_SAFE_IN_QUERY)}={quote(value, safe=_SAFE_IN_QUERY)}" for name, value in request.query)
    query = "&".join(pairs)
    return f"{scheme}://{netloc}{request.path}" + (f"?{query}" if query else "")


def _check_ca(path: str) -> None:
    """Refuse a CA file that cannot be used before the first call fails on it in the library's words.

    :raises InputError: no such file, or no PEM certificate in it.
    """
    if os.path.isdir(path):
        return
    try:
        ssl.create_default_context(cafile=path)
    except FileNotFoundError:
        raise InputError(
            f"Cannot use ca_path {path}: there is no such file; give a file of PEM CA certificates"
        ) from None
    except (ssl.SSLError, OSError) as exc:
        raise InputError(
            f"Cannot use ca_path {path}: {exc.strerror or exc}; give a readable file of PEM CA certificates"
        ) from exc


def _check_proxy(url: str) -> None:
    reasons = proxy_reasons(url)
    if reasons:
        raise InputError.of_problems("Cannot use the proxy URL", reasons)


class RequestsTransport:
    """A transport to one host.

    :param options: how the host is reached; environment variables, ``.netrc`` among them, play no part.
    :param auth: called by requests with each prepared request to sign it, or None.
    :raises InputError: host, proxy or CA file cannot be used.
    :raises MissingLibrary: requests is not installed.
    """

    def __init__(self, options: TransportOptions, auth: Any = None) -> None:
        self._options = options
        self._netloc = parse_host(options.host).netloc
        if options.proxy:
            _check_proxy(options.proxy)
        if options.ca_path and options.validate_certs:
            _check_ca(options.ca_path)
        self._session = _session(options, auth)

    def send(self, request: Request) -> Response:
        """Send and read the whole answer, whatever its status.

        :raises TransportError: no complete answer.
        """
        with needed(PACKAGE, FEATURE):
            import requests
        url = url_of(self._netloc, request, self._options.scheme)
        headers: dict[str, str | bytes | None] = dict(request.headers)
        started = time.monotonic()
        try:
            prepared = self._session.prepare_request(
                requests.Request(request.method, url, headers=headers, data=request.body)
            )
            # timeout covers connecting and each read; a redirect would need a signature of its own.
            with self._session.send(
                prepared, allow_redirects=False, stream=True, timeout=self._options.timeout_s
            ) as answer:
                body = self._read(request, answer, started)
                found = {name.lower(): value for name, value in answer.headers.items()}
                return Response(answer.status_code, found, body, time.monotonic() - started)
        except (requests.RequestException, OSError) as exc:
            raise self._error(request, exc) from exc

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _read(self, request: Request, answer: requests.Response, started: float) -> bytes:
        body = self._content(request, answer, started)
        told = answer.headers.get("Content-Length", "")
        taken = answer.raw.tell()
        # urllib3 before 2 does not compare the two when requests drives it.
        if request.method != "HEAD" and told.isdigit() and answer.status_code not in (204, 304) and taken < int(told):
            raise self._failed(
                request,
                "truncated",
                f"the answer broke off after {taken} of {told} bytes",
                "repeat the call",
                sent=True,
            )
        return body

    def _content(self, request: Request, answer: requests.Response, started: float) -> bytes:
        """Read an answer up to its limits; what is beyond them is not read at all."""
        most, seconds = self._options.max_bytes, self._options.max_seconds
        if not most and not seconds:
            return answer.content
        body = bytearray()
        for part in answer.iter_content(_PART):
            body += part
            if most and len(body) > most:
                too_long = f"the answer is longer than the {most} bytes that are taken"
                raise self._failed(request, "truncated", too_long, "look what is published there", sent=True)
            if seconds and time.monotonic() - started > seconds:
                too_slow = f"the answer was not complete within {seconds:g} seconds"
                raise self._failed(request, "timeout", too_slow, "look why it comes that slowly", sent=True)
        return bytes(body)

    def _failed(self, request: Request, kind: str, came_back: str, advice: str, *, sent: bool) -> TransportError:
        return TransportError(
            f"Cannot {request.method} {request.path} at {self._options.host}: {came_back}; {advice}",
            kind=kind,
            sent=sent,
            details={"host": self._options.host},
        )

    def _error(self, request: Request, exc: Exception) -> TransportError:
        kind, came_back, advice, sent = _explain(exc, self._options)
        return self._failed(request, kind, came_back, advice, sent=sent)


def _session(options: TransportOptions, auth: Any) -> requests.Session:
    with needed(PACKAGE, FEATURE):
        import requests
        from requests.adapters import HTTPAdapter
    from http.cookiejar import DefaultCookiePolicy

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            """See none: the library would parse it, and read that answer without a limit, even unfollowed."""

    session = Session()
    session.trust_env = False
    session.auth = auth
    session.headers["User-Agent"] = USER_AGENT
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.verify = (options.ca_path or True) if options.validate_certs else False
    if options.proxy:
        session.proxies = {"https": options.proxy, "http": options.proxy}
    if not options.validate_certs:
        import urllib3

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0)
    if options.client is not None:
        from .mutual_tls import client_adapter

        adapter = client_adapter(options.client, validate_certs=options.validate_certs, ca_path=options.ca_path)
    session.mount(f"{options.scheme}://", adapter)
    return session


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """Walk through everything a library wrapped, the outermost first."""
    waiting: list[BaseException] = [exc]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        waiting += [part for part in inner if isinstance(part, BaseException)]


def _explain(exc: Exception, options: TransportOptions) -> tuple[str, str, str, bool]:
    """Tell kind, what came back, what to do, and whether the request may have been processed."""
    links = list(_chain(exc))
    names = {type(link).__name__ for link in links}
    if "ProxyError" in names:
        return _explain_proxy(links, names, options)
    for link in links:
        if isinstance(link, ssl.SSLCertVerificationError):
            return "tls", f"its certificate is not trusted ({link.verify_message})", _ADVICE_CA, False
    if "NameResolutionError" in names or "gaierror" in names:
        return "resolve", "the name does not resolve", "check host for a typing error, and this machine's DNS", False
    if "ConnectTimeout" in names or "ConnectTimeoutError" in names:
        came_back = f"no connection within {options.timeout_s:g} seconds"
        return "timeout", came_back, "check host and port, firewalls, and whether a proxy is needed", False
    if names & {"ReadTimeout", "ReadTimeoutError"}:
        came_back = f"no answer within {options.timeout_s:g} seconds after the request was sent"
        return "timeout", came_back, "look what came of it before repeating a change, or raise timeout", True
    if "NewConnectionError" in names or "ConnectionRefusedError" in names:
        came_back = f"no connection ({_system_words(links)})"
        return "connect", came_back, "check host and port, firewalls, and whether a proxy is needed", False
    if "BadStatusLine" in names:
        return "truncated", "what answered there is no HTTP", "check host and port", True
    if "IncompleteRead" in names or "ContentDecodingError" in names or "ChunkedEncodingError" in names:
        return "truncated", "the answer broke off in its middle", "look what came of it before repeating a change", True
    tls = _tls_words(links)
    if tls:
        return "tls", *_explain_handshake(tls, options), False
    return "reset", f"the connection was closed before an answer came ({_system_words(links)})", _ADVICE_RESET, True


def _explain_handshake(tls: str, options: TransportOptions) -> tuple[str, str]:
    """Tell what came back of a handshake that failed, and what to do: alerts about certificates are about ours."""
    if "alert" not in tls or not ("certificate" in tls or "unknown ca" in tls):
        return f"the TLS handshake failed ({tls})", "check that host and port speak HTTPS, and ca_path"
    if options.client is None:
        return f"it wants a client certificate ({tls})", "give one that it knows"
    return f"it does not take the client certificate ({tls})", "give one that it knows and that has not ended"


_ADVICE_CA = (
    "give the CA that signed it as ca_path, and check that host is the name in the certificate and that no proxy "
    "stands between"
)
_ADVICE_RESET = (
    "look what came of it before repeating a change; the remote side or something between ended the connection"
)


def _explain_proxy(
    links: list[BaseException], names: set[str], options: TransportOptions
) -> tuple[str, str, str, bool]:
    where = f"the proxy {proxy_shown(options.proxy or '')}"
    said = next((str(link) for link in links if "unnel connection failed" in str(link)), "")
    if " 407" in said:
        return "tunnel", f"{where} wants other credentials (407)", "give user and password in the proxy URL", False
    if said:
        status = "".join(char for char in said.rsplit("failed:", 1)[-1] if char.isprintable()).strip(" ')")
        return "tunnel", f"{where} refused the tunnel ({status})", "allow the host at the proxy, or give another", False
    if "NameResolutionError" in names or "gaierror" in names:
        return "proxy", f"the name of {where} does not resolve", "check proxy for a typing error, and DNS", False
    return "proxy", f"{where} cannot be reached ({_system_words(links)})", "check proxy and its port", False


def _tls_words(links: list[BaseException]) -> str:
    """Give OpenSSL's reason, unless it is a mere end of the connection, which may also come after the request."""
    for link in links:
        if isinstance(link, ssl.SSLError) and not isinstance(link, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return (getattr(link, "reason", None) or "unknown reason").replace("_", " ").lower()
    return ""


def _system_words(links: list[BaseException]) -> str:
    """Give the operating system's reason; libraries' own texts are not used, as they quote URLs."""
    for link in reversed(links):
        if isinstance(link, OSError) and link.strerror and not isinstance(link, ssl.SSLError):
            return link.strerror
    return "connection closed"
