# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of key device, alphabetical. Plain imports: Ansible bundles what it reads in import statements."""

from __future__ import annotations

from .._core.errors import InputError
from .device_base import DeviceTools, KeyDeviceType
from .f5_bigip import F5BigipType
from .netscaler import NetScalerType
from .pkcs11 import Pkcs11Type

_TYPES: tuple[type[KeyDeviceType], ...] = (F5BigipType, NetScalerType, Pkcs11Type)


def type_names() -> tuple[str, ...]:
    """Give the names of all kinds, alphabetical."""
    return tuple(kind.name for kind in _TYPES)


def device_type(name: str, tools: DeviceTools) -> KeyDeviceType:
    """Give a kind of key device by its name.

    :raises InputError: there is none of that name; names those there are.
    """
    for kind in _TYPES:
        if kind.name == name:
            return kind(tools)
    raise InputError(
        f"There is no kind of key device {name!r}; there is: {', '.join(type_names())}", code="unknown_key_device_type"
    )
