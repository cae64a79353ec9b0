# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens behind PKCS#11 as key devices: what their records hold. ``pkcs11_keys`` makes the keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from .._core.errors import InputError
from .._core.redact import Secret
from .device_base import HSM, DeviceKeys, KeyDeviceType

# name: type, description.
_OPTIONS: Mapping[str, tuple[str, str]] = {
    "library_environment": ("dict", "Environment variables that the vendor's module reads, as where its settings are."),
    "module_path": ("path", "The vendor's PKCS#11 module, absolute, on the machine that runs the task."),
    "pin_env": ("str", "Name of the environment variable that holds the user PIN, where the store is not to keep it."),
    "slot": ("int", "Number of the slot the token is in; many vendors give another one at each start."),
    "token_label": ("str", "Label of the token."),
    "token_serial": ("str", "Serial number of the token."),
}
PATH = "module_path"
_SECRETS: Mapping[str, str] = {"pin": "User PIN of the token."}
_PLACES = ("token_label", "token_serial", "slot")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A token's label has 32 bytes, its serial number 16; PKCS#11 2.40, CK_TOKEN_INFO.
_LIMITS = {"token_label": 32, "token_serial": 16}


class Pkcs11Type(KeyDeviceType):
    """Makes and reads the records of tokens behind PKCS#11."""

    name = "pkcs11"
    kind = HSM

    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """Describe the device's options."""

        def entry(kind: str, text: str, *, secret: bool = False, required: bool = False) -> dict[str, Any]:
            return {"type": kind, "required": required, "secret": secret, "default": None, "description": text}

        table = {name: entry(kind, text, required=name == PATH) for name, (kind, text) in _OPTIONS.items()}
        return {**table, **{name: entry("str", text, secret=True) for name, text in _SECRETS.items()}}

    def prepare(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Mapping[str, Any]:
        """Check the options; neither the module nor the token is looked at, for they may be on another machine."""
        wanted = {option: value for option, value in options.items() if value not in ("", None, {})}
        problems = _unknown(wanted, _OPTIONS, "option") + _unknown(secrets, _SECRETS, "secret")
        problems += _place_problems(wanted) + _environment_problems(wanted)
        if wanted.get("pin_env") and secrets.get("pin"):
            problems.append("pin_env and secrets.pin are both given; clear one of them with an empty text")
        if "slot" in wanted:
            number = str(wanted["slot"])
            if isinstance(wanted["slot"], bool) or not (number.isascii() and number.isdigit()):
                problems.append(f"slot is {wanted['slot']!r}; a whole number from 0 is wanted")
            else:
                wanted["slot"] = int(number)
        if problems:
            raise InputError.of_problems(f"Cannot use the options of key device {name}", problems)
        return wanted

    def connect(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> DeviceKeys:
        """Build the keys of a token; nothing is loaded before they are used."""
        from .pkcs11_keys import Pkcs11Keys

        return Pkcs11Keys(name, options, secrets.get("pin"), self.tools.memory(name))


def _unknown(given: Mapping[str, Any], known: Mapping[str, Any], what: str) -> list[str]:
    return [f"{one} is no {what} of pkcs11; there is {', '.join(known)}" for one in given if one not in known]


def _place_problems(options: Mapping[str, Any]) -> list[str]:
    problems = []
    path = options.get("module_path")
    if not path:
        problems.append("module_path is missing; it is the vendor's PKCS#11 module, as /usr/lib/softhsm/libsofthsm2.so")
    elif not PurePath(str(path)).is_absolute():
        problems.append(f"module_path {path!r} is not absolute; what is loaded would hang on the folder of the run")
    if not any(option in options for option in _PLACES):
        problems.append(f"nothing says which token; give one or more of {', '.join(_PLACES)}")
    for option, limit in _LIMITS.items():
        size = len(str(options.get(option, "")).encode())
        if size > limit:
            problems.append(f"{option} has {size} bytes, a token's has {limit} at most")
    return problems


def _environment_problems(options: Mapping[str, Any]) -> list[str]:
    variables = options.get("library_environment", {})
    if not isinstance(variables, Mapping):
        return [f"library_environment is {variables!r}; a dictionary of variables and their texts is wanted"]
    names = [*variables, *([options["pin_env"]] if "pin_env" in options else [])]
    problems = [f"{one!r} is no name of an environment variable" for one in names if not _VARIABLE.fullmatch(str(one))]
    problems += [
        f"library_environment.{one} is no text" for one, value in variables.items() if not isinstance(value, (str, int))
    ]
    return problems
