# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of accounts as tables: one line an option, read and described by the same code for every CA.

``NETWORK`` are those of every CA that is asked over a network; ``EVERY`` those of every CA there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._core.errors import InputError
from .._core.hosts import proxy_reasons
from .capability_base import CSR_SOURCES, Capabilities
from .wording import listed


@dataclass(frozen=True)
class Option:
    """One option.

    :ivar type: ``str``, ``int``, ``bool`` or ``list`` (of words).
    :ivar secret: given under ``secrets``, sealed, never shown.
    :ivar choices: what it or, of a list, each entry may be.
    :ivar least, most: of a number; ``most`` of a text counts characters.
    :ivar check: gives the reason why a value cannot be used, empty when it can.
    """

    type: str
    description: str
    default: Any = None
    required: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    check: Callable[[str], str] | None = None


Table = Mapping[str, Option]


def _proxy_reason(url: str) -> str:
    reasons = proxy_reasons(url)
    if reasons:
        return "; ".join(reasons)
    return "holds a user; give user:password as proxy_login among the secrets" if "@" in url else ""


MAX_TIMEOUT_S = 90
"""Longest wait for one answer, seconds: with the waits of a write, and a connection that fails first, one order ends
well before the lease of its request (420 seconds) does; an answer that comes later is looked for."""
EVERY: Table = {
    "csr_sources": Option(
        "list", "Where CSRs for this account may come from, in place of what is usual for this CA.", choices=CSR_SOURCES
    ),
}
NETWORK: Table = {
    **EVERY,
    "ca_path": Option("str", "File of PEM CA certificates that the CA's own server is trusted by.", default=""),
    "validate_certs": Option("bool", "Whether the certificate of the CA's server is checked.", default=True),
    "proxy": Option("str", "URL of an HTTP proxy, without user.", default="", check=_proxy_reason),
    "proxy_login": Option("str", "User and password at the proxy, as user:password.", secret=True),
    "timeout_s": Option("int", "Seconds for connecting, and for each answer.", default=30, least=1, most=MAX_TIMEOUT_S),
}
CLIENT_CERTIFICATE: Table = {
    "client_certificate": Option("str", "Certificate, PEM with its chain, to authenticate with.", default=""),
    "client_key": Option("str", "Its private key, PEM.", secret=True),
    "client_pfx": Option("str", "Certificate and key together as PKCS#12, base64.", secret=True),
    "client_passphrase": Option("str", "Passphrase of the key or the PKCS#12 file.", secret=True),
}


def describe(table: Table) -> dict[str, dict[str, Any]]:
    """Describe options, ``{name: {type, required, secret, default, description}}`` and ``choices`` where there are."""
    return {
        name: {
            "type": one.type,
            "required": one.required,
            "secret": one.secret,
            "default": one.default,
            "description": one.description,
            **({"choices": list(one.choices)} if one.choices else {}),
        }
        for name, one in sorted(table.items())
    }


def read(
    kind: str, table: Table, options: Mapping[str, Any], secrets: Mapping[str, str], kept: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Complete options with their defaults, and lay new secrets over those that are kept.

    :param secrets: what the user gave; an empty one takes the kept one away.
    :returns: options, secrets, and every problem as a sentence.
    """
    plain = {name: one for name, one in table.items() if not one.secret}
    hidden = {name: one for name, one in table.items() if one.secret}
    problems = [f"{name} {_misplaced(name, kind, plain, hidden)}" for name in options if name not in plain]
    problems += [
        f"{name} is no secret of {kind}; there are {', '.join(sorted(hidden)) or 'none'}"
        for name in secrets
        if name not in hidden
    ]
    result: dict[str, Any] = {}
    for name, one in plain.items():
        value, problem = _read_one(one, options.get(name))
        result[name] = value
        if problem:
            problems.append(f"{name} {problem}")
    opened = {**kept, **{name: value for name, value in secrets.items() if name in hidden}}
    opened = {name: value for name, value in opened.items() if value}
    problems += [
        f"{name} is missing among the secrets" for name, one in hidden.items() if one.required and name not in opened
    ]
    return result, opened, problems


def _misplaced(name: str, kind: str, plain: Table, hidden: Table) -> str:
    if name in hidden:
        return f"is a secret of {kind}; give {name} under secrets"
    return f"is no option of {kind}; there are {', '.join(sorted(plain))}"


def _read_one(one: Option, value: Any) -> tuple[Any, str]:
    """Give an option's value and what is wrong with it."""
    if value is None or value == "":
        return one.default, "is missing" if one.required else ""
    if one.type == "int":
        return _number(one, value)
    if one.type == "bool":
        wanted = {"true": True, "yes": True, "false": False, "no": False}.get(str(value).lower())
        return (one.default, f"is {value!r}; true or false is wanted") if wanted is None else (wanted, "")
    if one.type == "list":
        words = listed(value)
        unknown = [word for word in words if one.choices and word not in one.choices]
        return words, _not_among(unknown, one) if unknown else ""
    text = str(value).strip()
    if one.choices and text not in one.choices:
        return text, _not_among([text], one)
    if one.most is not None and len(text) > one.most:
        return text, f"has {len(text)} characters, {one.most} are allowed"
    return text, one.check(text) if one.check else ""


def _not_among(words: list[str], one: Option) -> str:
    return f"is {', '.join(map(repr, words))}; there are {', '.join(one.choices)}"


def _number(one: Option, value: Any) -> tuple[Any, str]:
    """Read a whole number; templates hand numbers over as text."""
    text = str(value).strip()
    number = int(text) if text.isascii() and text.lstrip("-").isdigit() and not isinstance(value, bool) else None
    least, most = one.least, one.most
    is_in = number is not None and (least is None or number >= least) and (most is None or number <= most)
    if is_in:
        return number, ""
    span = " from " + str(least) if least is not None else ""
    span += " to " + str(most) if most is not None else ""
    return one.default, f"is {value!r}; a whole number{span} is wanted"


def overridden(capabilities: Capabilities, options: Mapping[str, Any]) -> Capabilities:
    """Give capabilities as the account's owner wants them to be."""
    sources = options.get("csr_sources")
    return replace(capabilities, csr_sources=tuple(sources)) if sources else capabilities


def request_problems(
    kind: str, given: Mapping[str, Any], described: Mapping[str, Mapping[str, Any]], lists: Callable[[str], list[str]]
) -> list[str]:
    """Hold a request's options against what a CA takes (E5).

    :param described: ``Capabilities.request_options``.
    :param lists: gives the values of a list by its kind; empty when it cannot be read, and then nothing is refused.
    """
    problems = [
        f"{name} is no option of a request to {kind}; there are {', '.join(sorted(described)) or 'none'}"
        for name in given
        if name not in described
    ]
    for name, one in described.items():
        value = given.get(name)
        if value in (None, ""):
            if one.get("required"):
                known = lists(str(one["choices_from"])) if one.get("choices_from") else []
                more = f"; there are {', '.join(known)}" if known else ""
                problems.append(f"{name} is missing{more}")
            continue
        known = lists(str(one["choices_from"])) if one.get("choices_from") else []
        if known and str(value) not in known:
            problems.append(f"{name} {value!r} is not there; there are {', '.join(known)}")
    return problems


def refuse(what: str, problems: list[str]) -> None:
    """Refuse an account with all its problems at once.

    :raises InputError: there are any.
    """
    if problems:
        raise InputError.of_problems(what, problems)
