# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of remote services as users write them: a host with an optional port, the URL of a proxy.

Pure text work before any traffic; knows no vendor and resolves nothing.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from .errors import InputError

MAX_NAME = 253
MAX_LABEL = 63

_LABEL = re.compile(r"[A-Za-z0-9-]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PROXY_SCHEMES = ("http", "https")


@dataclass(frozen=True)
class HostPort:
    """A host that passed the check.

    :ivar name: lower-case; IPv6 without brackets.
    :ivar port: None when none was given.
    """

    name: str
    port: int | None

    @property
    def netloc(self) -> str:
        """Give it as it stands in a URL, IPv6 in brackets."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"


def _without_brackets(host: str) -> tuple[str, str | None, bool]:
    """Split host and port by form alone; the third value says whether it stood in brackets."""
    if host.startswith("[") and "]" in host:
        name, _bracket, rest = host[1:].partition("]")
        return name, (rest[1:] if rest.startswith(":") else (rest or None)), True
    if host.count(":") > 1:
        return host, None, False
    name, colon, port = host.partition(":")
    return name, (port if colon else None), False


def _form_reasons(host: str) -> list[str]:
    if not host:
        return ["it is empty; give the host of the API client, as akab-xxxx.luna.akamaiapis.net"]
    if _SCHEME.match(host):
        return ["it has a scheme; leave out what ends with '://' and what stands after the host"]
    reasons = []
    if any(char.isspace() or not char.isprintable() for char in host):
        reasons.append("it has a blank or a control character in it")
    if "/" in host or "\\" in host:
        reasons.append("it has a slash; leave out the path and a slash at the end")
    if "@" in host:
        reasons.append("it has an '@'; a host bears no user name")
    if "?" in host or "#" in host:
        reasons.append("it has a query or a fragment; leave it out")
    return reasons


def _name_reasons(name: str) -> list[str]:
    if not name:
        return ["the host name before the port is missing"]
    if not name.isascii():
        return ["it is not written in ASCII; write its xn-- form"]
    if len(name) > MAX_NAME:
        return [f"it has {len(name)} characters, {MAX_NAME} are allowed"]
    labels = name.split(".")
    for label in labels:
        if not label:
            return ["it has an empty label: two dots in a row, or a dot at its beginning or end"]
        if len(label) > MAX_LABEL:
            return [f"the label {label} has {len(label)} characters, {MAX_LABEL} are allowed"]
        if not _LABEL.fullmatch(label):
            return [f"the label {label!r} has a character other than letters, digits and '-'"]
        if label[0] == "-" or label[-1] == "-":
            return [f"the label {label!r} begins or ends with '-'"]
    if labels[-1].isdigit():
        return ["it looks like an IPv4 address and is none"]
    if len(labels) < 2 and name.lower() != "localhost":
        return ["it is not fully qualified; write the name with its domain"]
    return []


def _address_reasons(name: str, *, in_brackets: bool) -> list[str]:
    try:
        ipaddress.IPv6Address(name) if in_brackets or ":" in name else ipaddress.IPv4Address(name)
    except ValueError:
        if in_brackets or ":" in name:
            return ["it is not an IPv6 address; with a port it is written [2001:db8::1]:443"]
        return _name_reasons(name)
    return ["it has a zone, which a URL cannot bear"] if "%" in name else []


def host_reasons(host: str) -> list[str]:
    """Give every reason why a text is no host with an optional port; empty when it is one.

    :param host: FQDN, IPv4 or IPv6, the latter in brackets when a port follows. Of the names without a dot only
        ``localhost`` is taken.
    :source: requirement D2.
    """
    reasons = _form_reasons(host)
    if reasons:
        return reasons
    name, port, in_brackets = _without_brackets(host)
    reasons = _address_reasons(name, in_brackets=in_brackets)
    if port is not None and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        reasons.append(f"its port {port!r} is no number from 1 to 65535")
    return reasons


def parse_host(host: str, option: str = "host") -> HostPort:
    """Read a host with an optional port.

    :param option: where it came from, for the message.
    :raises InputError: it is none, with all reasons.
    """
    reasons = host_reasons(host)
    if reasons:
        raise InputError.of_problems(f"Cannot use {host!r} as {option}", reasons)
    name, port, _in_brackets = _without_brackets(host)
    return HostPort(name.lower(), int(port) if port else None)


def proxy_reasons(url: str) -> list[str]:
    """Give every reason why a text is no proxy URL; no reason quotes the text, as it may hold a password."""
    try:
        parts = urlsplit(url)
        port, name = parts.port, parts.hostname
    except ValueError:
        return ["it is no URL; write it as http://proxy.example.com:3128"]
    if parts.scheme.lower() not in _PROXY_SCHEMES:
        return ["it does not begin with http:// or https://; write it as http://proxy.example.com:3128"]
    reasons = []
    if not name:
        reasons.append("it names no host")
    else:
        reasons += [f"its host: {reason}" for reason in host_reasons(name) if "fully qualified" not in reason]
    if port == 0:
        reasons.append("its port is 0")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        reasons.append("it has a path, a query or a fragment; a proxy URL ends after the port")
    return reasons


def proxy_shown(url: str) -> str:
    """Give host and port of a proxy URL for messages, without user and password."""
    parts = urlsplit(url)
    name = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else (parts.hostname or "")
    return f"{name}:{parts.port}" if parts.port else name
