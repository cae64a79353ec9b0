# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking whether a proof of control can be seen, before the CA is told to look: one that fails ends an order.

One question over DNS (RFC 1035), by UDP and then TCP where it does not fit, or one page over HTTP. Knows no CA.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import socket
import ssl
import struct
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

_TXT, _CNAME, _IN = 16, 5, 1
_TIMEOUT_S = 5.0
_MOST_ALIASES = 8
_MOST_BYTES = 65536
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
        except (OSError, ValueError) as exc:
            silent.append(f"name server {server} does not answer ({exc})")
            continue
        if value not in found:
            there = f"has {len(found)} other TXT records there" if found else "has no TXT record there"
            return f"name server {server} {there}"
        if not servers:
            return ""
    return "; ".join(silent)


def _texts(name: str, server: str) -> list[str]:
    """Give the TXT records of a name, behind its aliases, too."""
    for _alias in range(_MOST_ALIASES):
        found, alias = _answers(_asked(name, server), name)
        if found or not alias:
            return found
        name = alias
    raise ValueError("aliases without end")


def _asked(name: str, server: str) -> bytes:
    number = secrets.token_bytes(2)
    labels = b"".join(bytes([len(one)]) + one for one in name.encode("ascii").split(b"."))
    question = number + struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", _TXT, _IN)
    address = _address(server)
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.settimeout(_TIMEOUT_S)
        one.connect(address)
        one.send(question)
        answer = one.recv(_MOST_BYTES)
    if len(answer) >= 12 and answer[2] & 0x02:
        answer = _over_tcp(question, address)
    if len(answer) < 12 or answer[:2] != number:
        raise ValueError("its answer is of another question")
    code = answer[3] & 0x0F
    if code not in (0, 3):
        raise ValueError(f"it answers with code {code}")
    return answer


def _over_tcp(question: bytes, address: tuple[str, int]) -> bytes:
    with socket.create_connection(address, _TIMEOUT_S) as one:
        one.sendall(struct.pack(">H", len(question)) + question)
        with one.makefile("rb") as stream:
            (length,) = struct.unpack(">H", stream.read(2).rjust(2, b"\0"))
            return stream.read(length)


def _answers(message: bytes, name: str) -> tuple[list[str], str]:
    """Read the TXT records of an answer, and the name it leads to where it has none."""
    try:
        questions, answers = struct.unpack(">HH", message[4:8])
        at = 12
        for _question in range(questions):
            at = _name(message, at)[1] + 4
        found, aliases = [], {}
        for _answer in range(answers):
            owner, at = _name(message, at)
            kind, _class, _ttl, length = struct.unpack(">HHIH", message[at : at + 10])
            at += 10
            if kind == _TXT:
                found.append(_text(message[at : at + length]))
            elif kind == _CNAME:
                aliases[owner.lower()] = _name(message, at)[0]
            at += length
    except (IndexError, struct.error, UnicodeError) as exc:
        raise ValueError("its answer cannot be read") from exc
    for _alias in range(_MOST_ALIASES):
        if name.lower() not in aliases:
            break
        name = aliases[name.lower()]
    return found, name if aliases else ""


def _text(data: bytes) -> str:
    parts, at = [], 0
    while at < len(data):
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return b"".join(parts).decode("latin-1")


def _name(message: bytes, at: int) -> tuple[str, int]:
    """Read a name, compressed or not; gives it and where it ends."""
    labels: list[str] = []
    end = 0
    for _jump in range(len(message)):
        length = message[at]
        if length >= 0xC0:
            end = end or at + 2
            at = ((length & 0x3F) << 8) | message[at + 1]
        elif length:
            labels.append(message[at + 1 : at + 1 + length].decode("latin-1"))
            at += 1 + length
        else:
            return ".".join(labels), end or at + 1
    raise ValueError("its answer cannot be read")


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
    except (OSError, ValueError) as exc:
        return f"{url} cannot be read ({exc})"
    return "" if found == value else f"{url} holds something else"
