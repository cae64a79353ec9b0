# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the devices of an inventory source to their certificates, without a store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._clm import live
from .._clm.devices import described
from .._clm.filters import Filters
from .._core.clock import Clock
from .._core.errors import InputError
from .._core.types import Device
from .._core.vocabulary import SYNC_MODES
from .._cps.reading import flag
from .wire_target import target_maker

DEFAULT_NAME = "akamai"

SECRETS = ("client_token", "client_secret", "access_token", "proxy")
"""Options of a device that enter no cache and no name of one."""


def _texts(value: Any) -> list[str]:
    return [str(one) for one in (value if isinstance(value, (list, tuple)) else [value])]


def _flag(value: Any) -> bool:
    found = flag(value)
    if found is None:
        raise ValueError("neither true nor false")
    return found


# How each option of a device is read; texts may come as text of another kind, as from a vault.
_READ: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        ("name", "host", "data_center", "cert_sync", "edgerc", "section", "account_switch_key", "ca_path"), str
    ),
    **dict.fromkeys(SECRETS, str),
    "contracts": _texts,
    "validate_certs": _flag,
    "proxy_required": _flag,
    "timeout": int,
}


def live_devices(options: Sequence[Any], environment: Mapping[str, str]) -> list[Device]:
    """Read the devices of a source; none given is one whose credential comes from the environment.

    :raises InputError: an option that cannot be used, or two devices of one name.
    """
    devices = [described(_params(entry), None, environment) for entry in options or [{}]]
    names = [device.name for device in devices]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"Cannot read devices: the name {', '.join(twice)} is given twice; give each its own")
    return devices


def _params(entry: Any) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        raise InputError("Cannot read devices: each is a mapping of options, as name and section")
    params: dict[str, Any] = {"name": DEFAULT_NAME}
    problems = [f"there is no option {name}; there are {', '.join(_READ)}" for name in entry if name not in _READ]
    for name, read in _READ.items():
        if entry.get(name) is not None:
            try:
                params[name] = read(entry[name])
            except (TypeError, ValueError):
                problems.append(f"{name} cannot be used")
    if params.get("cert_sync", SYNC_MODES[0]) not in SYNC_MODES:
        problems.append(f"cert_sync {params['cert_sync']!r} is none of {', '.join(SYNC_MODES)}")
    if problems:
        raise InputError.of_problems(f"Cannot use device {params['name']}", problems)
    return params


def identity(device: Device, environment: Mapping[str, str]) -> dict[str, Any]:
    """Tell what a device is without any secret: two that differ in it are not the same list of certificates.

    Whose credential it is counts, too; of that there is a digest.
    """
    who = [device.client_token.reveal() if device.client_token else ""]
    if device.credential_source == "environment":
        who += [environment.get(name, "") for name in ("AKAMAI_HOST", "AKAMAI_CLIENT_TOKEN")]
    digest = hashlib.sha256("\n".join(who).encode()).hexdigest()
    return {**{name: value for name, value in vars(device).items() if name not in SECRETS}, "credential": digest}


def live_list(
    devices: Sequence[Device], filters: Filters, clock: Clock, environment: Mapping[str, str], budget: int
) -> live.Live:
    """Read the certificates of the devices now.

    :raises ClmError: one cannot be read, or nothing can be filtered so.
    """
    held = live.Held()
    store: Any = held
    return live.read(devices, filters, held, target_maker(store, clock, environment), clock, budget)
