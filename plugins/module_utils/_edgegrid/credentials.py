# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EdgeGrid credentials: from options, an edgerc file, or environment variables, in this order.

Reads no environment and no file by itself: both are handed in. Knows nothing of signing.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .._core.errors import InputError
from .._core.hosts import host_reasons
from .._core.redact import MASK, Secret

DEFAULT_SECTION = "default"
DEFAULT_FILE = "~/.edgerc"
MAX_BODY = 131072

TOKENS = ("client_token", "client_secret", "access_token")
_FILE_NAMES = {
    "host": ("host",),
    "client_token": ("client_token",),
    "client_secret": ("client_secret",),
    "access_token": ("access_token",),
    "account_switch_key": ("account_key", "account_switch_key", "account-switch-key"),
    "max_body": ("max_body", "max-body"),
}
_VARIABLE_NAMES = {
    "host": ("HOST",),
    "client_token": ("CLIENT_TOKEN",),
    "client_secret": ("CLIENT_SECRET",),
    "access_token": ("ACCESS_TOKEN",),
    "account_switch_key": ("ACCOUNT_KEY", "ACCOUNT_SWITCH_KEY"),
    "max_body": ("MAX_BODY",),
}

Values = Mapping[str, str]


@dataclass(frozen=True, repr=False)
class Credentials:
    """One API client's credentials.

    :ivar host: with an optional port; no scheme, no slash.
    :ivar account_switch_key: empty for the client's own account.
    :ivar max_body: bytes of a POST body that enter the signature.
    :ivar source: ``options``, ``environment``, or the file and section, for messages.
    """

    host: str
    client_token: str
    client_secret: Secret
    access_token: str
    account_switch_key: str = ""
    max_body: int = MAX_BODY
    source: str = "options"

    def __repr__(self) -> str:
        return f"Credentials(host={self.host!r}, tokens={MASK}, source={self.source!r})"


@dataclass(frozen=True, repr=False)
class CredentialOptions:
    """What a user gave; empty texts are not given.

    :ivar edgerc: path of the file; ``~`` is the user's home.
    :ivar section: section of the file, or the middle part of ``AKAMAI_<SECTION>_HOST``.
    """

    host: str = ""
    client_token: str = ""
    client_secret: Secret | None = None
    access_token: str = ""
    account_switch_key: str = ""
    edgerc: str = ""
    section: str = ""

    def __repr__(self) -> str:
        return f"CredentialOptions(host={self.host!r}, tokens={MASK}, edgerc={self.edgerc!r}, section={self.section!r})"

    def values(self) -> dict[str, str]:
        """Give what is set, by name; the secret is among them."""
        found = {
            "host": self.host,
            "client_token": self.client_token,
            "client_secret": self.client_secret.reveal() if self.client_secret else "",
            "access_token": self.access_token,
            "account_switch_key": self.account_switch_key,
        }
        return {name: value for name, value in found.items() if value}


def read_file(path: str) -> str:
    """Read a text file, a byte order mark taken off."""
    with open(path, encoding="utf-8-sig") as stream:
        return stream.read()


def resolve(
    options: CredentialOptions, environment: Mapping[str, str], read_text: Callable[[str], str] = read_file
) -> Credentials:
    """Find the credentials: options, else the edgerc file given, else the environment, else ``~/.edgerc``.

    The three tokens always come from one source. Host and account switch key given as options hold over any source.

    :param environment: as ``os.environ``.
    :param read_text: gives a file's content; raises OSError when it cannot.
    :raises InputError: none found, some missing, or one that cannot be used.
    """
    given = options.values()
    tokens = [name for name in TOKENS if name in given]
    if tokens and len(tokens) < len(TOKENS):
        missing = [name for name in TOKENS if name not in given]
        raise InputError(
            f"Cannot use the credentials given: {' and '.join(tokens)} came without {' and '.join(missing)}; "
            "give all three, or none of them and an edgerc file or AKAMAI_ variables instead"
        )
    if tokens:
        return _made(given, "options")
    values, source = _found(options, given, environment, read_text)
    return _made({**values, **given}, source)


def _found(
    options: CredentialOptions, given: Values, environment: Mapping[str, str], read_text: Callable[[str], str]
) -> tuple[Values, str]:
    section = options.section or environment.get("AKAMAI_EDGERC_SECTION", "") or DEFAULT_SECTION
    if options.edgerc:
        return _from_file(options.edgerc, options.section or DEFAULT_SECTION, environment, read_text)
    variables = _from_environment(options.section, environment)
    if all(name in variables for name in TOKENS) and ("host" in variables or "host" in given):
        return variables, "environment"
    path = environment.get("AKAMAI_EDGERC", "") or DEFAULT_FILE
    try:
        return _from_file(path, section, environment, read_text)
    except FileNotFoundError:
        pass
    raise _none_found(options.section, variables, path)


def _none_found(section: str, variables: Values, path: str) -> InputError:
    prefix = _prefix(section)
    if variables:
        wanted = ("host", *TOKENS)
        missing = [prefix + _VARIABLE_NAMES[name][0] for name in wanted if name not in variables]
        if missing:
            return InputError(
                f"Cannot use the credentials of the environment: {', '.join(missing)} not set; set them all"
            )
    return InputError(
        f"No credentials: none were given as options, the variables {prefix}HOST, {prefix}CLIENT_TOKEN, "
        f"{prefix}CLIENT_SECRET and {prefix}ACCESS_TOKEN are not set, and there is no file {path}; give client_token, "
        "client_secret, access_token and host, or edgerc and section"
    )


def _prefix(section: str) -> str:
    if not section or section == DEFAULT_SECTION:
        return "AKAMAI_"
    return f"AKAMAI_{re.sub(r'[^A-Za-z0-9]', '_', section).upper()}_"


def _from_environment(section: str, environment: Mapping[str, str]) -> dict[str, str]:
    prefix = _prefix(section)
    return _pick(
        _VARIABLE_NAMES,
        {name: environment.get(prefix + name, "") for part in _VARIABLE_NAMES.values() for name in part},
    )


def _pick(names: Mapping[str, tuple[str, ...]], available: Values) -> dict[str, str]:
    found = {}
    for name, spellings in names.items():
        value = next((_unquoted(available[word]) for word in spellings if available.get(word)), "")
        if value:
            found[name] = value
    return found


def _unquoted(value: str) -> str:
    stripped = value.strip()
    is_quoted = len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "\"'"
    return stripped[1:-1].strip() if is_quoted else stripped


def _expanded(path: str, environment: Mapping[str, str]) -> str:
    if path.startswith("~/") and environment.get("HOME"):
        return os.path.join(environment["HOME"], path[2:])
    return os.path.expanduser(path)


def _from_file(
    path: str, section: str, environment: Mapping[str, str], read_text: Callable[[str], str]
) -> tuple[Values, str]:
    where = _expanded(path, environment)
    is_chosen = path != DEFAULT_FILE
    try:
        parser = _parsed(read_text(where), path)
    except FileNotFoundError:
        if not is_chosen:
            raise
        raise InputError(f"Cannot read the edgerc file {path}: there is no such file; check edgerc") from None
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8 text"
        raise InputError(f"Cannot read the edgerc file {path}: {reason}; check its path and its rights") from None
    if not parser.has_section(section):
        known = ", ".join(parser.sections()) or "none"
        raise InputError(
            f"The edgerc file {path} has no section [{section}]; its sections are: {known}; check section",
            details={"sections": parser.sections()},
        )
    values = _pick(_FILE_NAMES, dict(parser.items(section)))
    missing = [name for name in TOKENS if name not in values]
    if missing:
        raise InputError(
            f"Section [{section}] of the edgerc file {path} has no {', no '.join(missing)}; add what is missing"
        )
    return values, f"{path} [{section}]"


def _parsed(text: str, path: str) -> configparser.RawConfigParser:
    # Secrets hold '=' and '%': no interpolation, the first delimiter counts. No section is every other's default.
    parser = configparser.RawConfigParser(default_section="\n", interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as exc:
        # The parser's own text quotes the line, which may be the one with the secret.
        lines = [number for number, _line in getattr(exc, "errors", [])] or [getattr(exc, "lineno", None)]
        where = ", ".join(str(line) for line in lines if line)
        hint = f"line {where} is" if where else "it is"
        raise InputError(
            f"Cannot read the edgerc file {path}: {hint} not as expected; write a [section] line and below it lines "
            "such as host = akab-xxxx.luna.akamaiapis.net, each section and each key once"
        ) from None
    return parser


def _made(values: Values, source: str) -> Credentials:
    host = values.get("host", "")
    if not host:
        raise InputError(f"Cannot use the credentials from {source}: host is missing; give it as host")
    reasons = host_reasons(host)
    if reasons:
        raise InputError.of_problems(f"Cannot use {host!r} as host (from {source})", reasons)
    size = values.get("max_body", str(MAX_BODY))
    if not (size.isascii() and size.isdigit() and int(size) > 0):
        raise InputError(f"Cannot use the credentials from {source}: max_body is {size!r} and no number of bytes")
    for name in TOKENS:
        if not values[name].isprintable() or any(char.isspace() for char in values[name]):
            raise InputError(
                f"Cannot use the credentials from {source}: {name} has a blank or a control character in it; "
                "copy it again"
            )
    return Credentials(
        host=host,
        client_token=values["client_token"],
        client_secret=Secret(values["client_secret"]),
        access_token=values["access_token"],
        account_switch_key=values.get("account_switch_key", ""),
        max_body=int(size),
        source=source,
    )
