# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a stored key device to what makes keys on it; kinds are imported where a call builds one, as in ``wire_ca``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.errors import InputError
from .._core.key_records import KEY_DEVICE, REFUSED, HeldSecret
from .._core.redact import Secret

if TYPE_CHECKING:
    from .._core.clock import Clock
    from .._core.key_records import KeyDevice
    from .._http.base import Transport, TransportOptions
    from .._keys.device_base import DeviceKeys, KeyDeviceType
    from .._store.base import Store

Environment = Mapping[str, str]
_FROM_ENVIRONMENT = "_env"
"""End of an option's name that names the environment variable of a secret, as ``pin_env`` of ``pin``."""


class StoredRefusals:
    """What a store remembers of the secrets that a key device refused: the newest one, sealed."""

    def __init__(self, store: Store, clock: Clock, device: str) -> None:
        self._store, self._clock, self._key = store, clock, (KEY_DEVICE, device, REFUSED)

    def is_refused(self, secret: Secret) -> bool:
        """Say whether that very secret was refused, and not taken since."""
        with self._store.read() as unit:
            found = unit.held_secrets.get(*self._key)
        return found is not None and found.value == secret

    def refused(self, secret: Secret) -> None:
        """Remember it, in check mode too: the device counts it as well."""
        noun, owner, name = self._key
        with self._store.write() as unit:
            found = unit.held_secrets.get(*self._key)
            if found is None:
                unit.held_secrets.add(HeldSecret(noun, owner, name, secret, created_at=self._clock.now()))
            else:
                unit.held_secrets.put(replace(found, value=secret, created_at=self._clock.now()))

    def taken(self) -> None:
        """Forget what is remembered."""
        with self._store.read() as unit:
            if unit.held_secrets.get(*self._key) is None:
                return
        with self._store.write() as unit:
            found = unit.held_secrets.get(*self._key)
            if found is not None:
                unit.held_secrets.remove(found)


def key_device_type_maker(store: Store, clock: Clock, _environment: Environment) -> Callable[[str], KeyDeviceType]:
    """Give what gives a kind of key device by its name."""

    def by_name(name: str) -> KeyDeviceType:
        from .._keys.device_base import DeviceTools
        from .._keys.device_registry import device_type

        return device_type(name, DeviceTools(clock, _transport, lambda device: StoredRefusals(store, clock, device)))

    return by_name


def key_device_maker(store: Store, clock: Clock, environment: Environment) -> Callable[[KeyDevice], DeviceKeys]:
    """Give what builds the keys of a stored device; no traffic."""
    by_name = key_device_type_maker(store, clock, environment)

    def connect(device: KeyDevice) -> DeviceKeys:
        return by_name(device.type).connect(device.name, device.options, secrets_of(device, environment))

    return connect


def keys_on(csr_source: str, device: KeyDevice, store: Store, clock: Clock, environment: Environment) -> DeviceKeys:
    """Build the keys of the device that a request names; no traffic.

    :raises InputError: the device is of another kind than the request's source.
    """
    kind = key_device_type_maker(store, clock, environment)(device.type).kind
    if kind != csr_source:
        raise InputError(
            f"Key device {device.name} ({device.type}) goes with csr_source {kind}, not with {csr_source}",
            code="key_device_kind",
        )
    return key_device_maker(store, clock, environment)(device)


def key_of(name: str, label: str, store: Store, clock: Clock, environment: Environment) -> AbstractContextManager[Any]:
    """Give a key that is on a key device, to sign with for the time of a block.

    :raises InputError: there is no device of that name, or its keys do not sign here.
    """
    with store.read() as unit:
        device = unit.key_devices.get(name)
        known = ", ".join(one.name for one in unit.key_devices.find()) or "none yet"
    if device is None:
        raise InputError(
            f"No key device {name!r} is in the store (there is: {known}); add it with edgecert.clm.key_device",
            code="key_device_missing",
        )
    return key_device_maker(store, clock, environment)(device).signer(label)


def secrets_of(device: KeyDevice, environment: Environment) -> dict[str, Secret]:
    """Open the secrets of a device, those from the environment among them; one that is not set there is left out."""
    opened = json.loads(device.secrets.reveal()) if device.secrets else {}
    secrets = {name: Secret(text) for name, text in opened.items()}
    for option, variable in device.options.items():
        name = option.removesuffix(_FROM_ENVIRONMENT)
        if name != option and variable and environment.get(variable):
            secrets[name] = Secret(environment[variable])
    return secrets


def _transport(options: TransportOptions) -> Transport:
    from .._http.transport import RequestsTransport

    return RequestsTransport(options)
