# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking whether a proof of control can be seen, before the CA is told to look: one that fails ends an order.

A question to name servers, or one page over HTTP. Knows no CA.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from .._core.errors import TransportError
from .._dns.base import CNAME, TXT
from .._dns.lookup import DirectNameServers

_TIMEOUT_S = 5.0
_MOST_ALIASES = 8
_MOST_BYTES = 65536
_SERVERS = DirectNameServers()
_SYSTEM = Path("/etc/resolv.conf")
_SERVER = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?|([0-9.]+)(?::(\d{1,5}))?|([0-9A-Fa-f:.]+)")


def server_reason(server: str) -> str:
    """Say why a name server cannot be asked; empty when it can."""
    try:
        _address(server)
    except ValueError:
        return f"{server!r} is no address, or address:port with IPv6 in brackets"
    return ""


def _address(server: str) -> tuple[str, int]:
    match = _SERVER.fullmatch(server.strip())
    if match is None:
        raise ValueError(server)
    host = next(one for one in (match.group(1), match.group(3), match.group(5)) if one)
    ipaddress.ip_address(host)
    port = int(match.group(2) or match.group(4) or 53)
    if not 0 < port < 65536:
        raise ValueError(server)
    return host, port


def system_servers(path: Path = _SYSTEM) -> list[str]:
    """Give the name servers that this machine asks; none where they cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    found = [one[1] for one in words if len(one) > 1 and one[0] == "nameserver"]
    return [one for one in found if not server_reason(one)]


def txt_reason(name: str, value: str, servers: Sequence[str]) -> str:
    """Say why a TXT record cannot be seen yet; empty when it can.

    :param servers: every one of them has to have it; none asks this machine's, the first that answers.
    """
    asked = list(servers) or system_servers()
    if not asked:
        return "this machine has no name server to ask; give dns_servers, or dcv_check: wait"
    silent = []
    for server in asked:
        try:
            found = _texts(name, server)
        except TransportError as exc:
            silent.append(exc.message)
            continue
        if value not in found:
            there = f"has {len(found)} other TXT records there" if found else "has no TXT record there"
            return f"name server {server} {there}"
        if not servers:
            return ""
    return "; ".join(silent)


def _texts(name: str, server: str) -> tuple[str, ...]:
    """Give the TXT records of a name, behind its aliases, too."""
    for _alias in range(_MOST_ALIASES):
        found = _SERVERS.shown(server, name, TXT)
        aliases = () if found else _SERVERS.shown(server, name, CNAME)
        if not aliases:
            return found
        name = aliases[0]
    raise TransportError(f"Name server {server} shows aliases of {name} without end", kind="truncated", sent=True)


def page_reason(host: str, port: int, path: str, value: str) -> str:
    """Say why a page cannot be seen yet; empty when it can. Redirects are followed, to any certificate, as CAs do.

    :source: RFC 8555 §8.3.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    named = f"[{host}]" if ":" in host else host
    url = f"http://{named}{'' if port == 80 else f':{port}'}{path}"
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=_TIMEOUT_S) as answer:
            found = answer.read(_MOST_BYTES).decode("latin-1").strip()
    except (OSError, ValueError, http.client.HTTPException) as exc:
        return f"{url} cannot be read ({str(exc).strip() or type(exc).__name__})"
    return "" if found == value else f"{url} holds something else"
