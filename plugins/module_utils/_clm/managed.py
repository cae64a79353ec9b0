# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which device may be acted on (D5); apart from the form, which most modules have no use for."""

from __future__ import annotations

from .._core import vocabulary
from .._core.errors import InputError, NotFoundError, PolicyError
from .._core.types import Device
from .._store.base import Unit


def managed_device(unit: Unit, name: str | None) -> Device:
    """Give the device to act on: the one named, else the only managed one.

    :raises PolicyError: the device is monitored or ignored (D5).
    """
    if name:
        device = unit.devices.get(name)
        if device is None:
            known = ", ".join(d.name for d in unit.devices.find()) or "none yet"
            raise NotFoundError(
                f"No device {name!r} is onboarded (there is: {known}); onboard it with edgecert.clm.akamai_cps_device",
                code="device_missing",
            )
    else:
        managed = unit.devices.find(sync=vocabulary.SYNC_MANAGED)
        if len(managed) != 1:
            found = ", ".join(d.name for d in managed) or "none"
            raise InputError(f"device is missing and cannot be told: managed devices are {found}; name one")
        device = managed[0]
    return checked_managed(device)


def checked_managed(device: Device) -> Device:
    """Give the device back when actions are allowed on it.

    :raises PolicyError: it is monitored or ignored (D5).
    """
    if device.sync != vocabulary.SYNC_MANAGED:
        raise PolicyError(
            f"Device {device.name} is {device.sync}: its certificates are not to be changed from here; set cert_sync "
            "to managed with edgecert.clm.akamai_cps_device first",
            code="device_not_managed",
            details={"device": device.name, "cert_sync": device.sync},
        )
    return device
