# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that devices behind a REST API have in common, as a table: described, checked, made a transport of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._core.errors import InputError
from .._core.hosts import host_reasons, proxy_reasons
from .._core.redact import Secret
from .._http.base import Transport, TransportOptions
from .device_base import ADC, KeyDeviceType

TIMEOUT_S = (1, 600, 60)


@dataclass(frozen=True)
class Option:
    """One option of a device.

    :ivar problem: gives the rest of a sentence beginning with the option's name, or an empty text; sees text only.
    :ivar choices: empty for any value.
    """

    description: str
    kind: str = "str"
    default: Any = None
    choices: tuple[str, ...] = ()
    problem: Callable[[str], str] | None = None


def _path_problem(value: str) -> str:
    return (
        "" if value.startswith("/") else f"is {value!r}; an absolute path on the machine that runs the module is wanted"
    )


def _proxy_problem(value: str) -> str:
    if "@" in value:
        return "holds a user or a password; give the whole URL as proxy_url among the secrets instead"
    return "; ".join(proxy_reasons(value))


def _host_problem(value: str) -> str:
    # host_reasons tells of the host of Akamai's clients where it is empty; a missing one is told by itself.
    return "; ".join(host_reasons(value))


COMMON: Mapping[str, Option] = {
    "host": Option("Name or address of the device's management, with an optional port.", problem=_host_problem),
    "ca_path": Option(
        "File of PEM CA certificates that the device's certificate is checked with.", problem=_path_problem
    ),
    "validate_certs": Option(
        "Whether to check the device's certificate; false is for laboratories only.", "bool", True
    ),
    "timeout": Option("Seconds for connecting and for each read.", "int", TIMEOUT_S[2]),
    **{
        f"{name}_env": Option(f"Environment variable that holds the {name} in each run, instead of a stored one.")
        for name in ("user", "password", "token")
    },
    "proxy": Option(
        "URL of an HTTP proxy; with user and password in it, it goes among the secrets.", problem=_proxy_problem
    ),
}
SECRETS: Mapping[str, str] = {
    "user": "User of the device's API.",
    "password": "That user's password.",
    "token": "A token of an open session, in place of user and password; it is not renewed when it ends.",
    "proxy_url": "URL of an HTTP proxy with user and password in it; goes before the option proxy.",
}


class RestDeviceType(KeyDeviceType):
    """A kind of device behind a REST API.

    :cvar own: the vendor's own options.
    :cvar title: the vendor's name for messages.
    """

    kind = ADC
    title: str
    own: Mapping[str, Option]

    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """Describe the device's options."""
        table: dict[str, dict[str, Any]] = {}
        for name, option in {**COMMON, **self.own}.items():
            table[name] = {
                "type": option.kind,
                "required": name == "host",
                "secret": False,
                "default": option.default,
                "description": option.description,
            }
            if option.choices:
                table[name]["choices"] = list(option.choices)
        for name, text in SECRETS.items():
            table[name] = {"type": "str", "required": False, "secret": True, "default": None, "description": text}
        return dict(sorted(table.items()))

    def prepare(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Mapping[str, Any]:
        """Check and complete the options."""
        known = {**COMMON, **self.own}
        problems = [
            f"{option} is no option of {self.name}; there are {', '.join(sorted(known))}"
            for option in options
            if option not in known
        ]
        problems += [
            f"{secret} is no secret of {self.name}; there are {', '.join(SECRETS)}"
            for secret in secrets
            if secret not in SECRETS
        ]
        result: dict[str, Any] = {}
        for option_name, option in known.items():
            value, problem = _read(option, options.get(option_name))
            result[option_name] = value
            if problem:
                problems.append(f"{option_name} {problem}")
        if not result["host"]:
            problems.append("host is missing; it says where the device's management is")
        problems += _secret_problems(result, secrets)
        if problems:
            raise InputError.of_problems(f"Cannot use the options of key device {name}", problems)
        return {key: value for key, value in result.items() if value is not None}

    def opener(self, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> Callable[[], Transport]:
        """Give what opens the connection to a stored device."""
        hidden = secrets.get("proxy_url")

        def open_it() -> Transport:
            proxy = hidden.reveal() if hidden else options.get("proxy")
            return self.tools.transport(
                TransportOptions(
                    host=options["host"],
                    proxy=proxy or None,
                    ca_path=options.get("ca_path") or None,
                    validate_certs=options.get("validate_certs", True),
                    timeout_s=float(options.get("timeout", TIMEOUT_S[2])),
                )
            )

        return open_it

    def label(self, name: str, options: Mapping[str, Any]) -> str:
        """Name a device for messages."""
        return f"{self.title} {name} at {options['host']}"


def _secret_problems(options: Mapping[str, Any], secrets: Mapping[str, str]) -> list[str]:
    problems = []
    given = {name for name in SECRETS if secrets.get(name) or options.get(f"{name}_env")}
    if "token" not in given and not {"user", "password"} <= given:
        missing = [name for name in ("user", "password") if name not in given]
        problems.append(
            f"{' and '.join(missing)} missing among the secrets; give user and password, or a token, there or by the "
            "options user_env, password_env and token_env"
        )
    if any(char in value for value in secrets.values() for char in "\r\n"):
        problems.append("a secret has a line break in it, which no header can bear")
    if secrets.get("proxy_url"):
        problems += [f"proxy_url: {reason}" for reason in proxy_reasons(secrets["proxy_url"])]
    return problems


def _read(option: Option, value: Any) -> tuple[Any, str]:
    """Read one value as templates hand it over; the second value says what is wrong with it."""
    if value is None or value == "":
        return option.default, ""
    if option.kind == "bool":
        return _read_bool(value)
    if option.kind == "int":
        return _read_int(value)
    text = str(value).strip()
    if option.choices and text not in option.choices:
        return None, f"is {text!r}; there are {', '.join(option.choices)}"
    return text, option.problem(text) if option.problem else ""


def _read_bool(value: Any) -> tuple[Any, str]:
    word = str(value).strip().lower()
    if word in ("true", "yes", "on", "1"):
        return True, ""
    if word in ("false", "no", "off", "0"):
        return False, ""
    return None, f"is {value!r}; true or false is wanted"


def _read_int(value: Any) -> tuple[Any, str]:
    least, most, _default = TIMEOUT_S
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        return None, f"is {value!r}; whole seconds from {least} to {most} are wanted"
    return int(text), ""
