# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices that make keys: kept in the store, tested, removed when nothing needs their keys (E8). Knows no vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from .._core.key_records import KeyDevice
from .._core.plan import Plan
from .._core.redact import redacted
from .._store.base import Unit
from . import accounts, states
from .ports import Params, Ports
from .revocation_states import IN_USE
from .views import times

if TYPE_CHECKING:
    from .._core.types import CertRequest

_SOURCES = ("hsm", "adc")
"""The csr sources whose keys are on such a device; a wish has the options of its source under the same word."""


def required(unit: Unit, name: str) -> KeyDevice:
    """Give the key device of that name.

    :raises NotFoundError: there is none; names those there are.
    """
    return accounts.required(_FAMILY, unit, name)


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``key_device`` would do.

    :raises InputError: the options cannot be used.
    :raises StateError: it is to be removed while a request or a certificate needs it.
    """
    return accounts.plan(_FAMILY, params, ports)


def key_device_view(device: KeyDevice) -> dict[str, Any]:
    """Show a key device; of its secrets only whether there are any."""
    return {
        "name": device.name,
        "type": device.type,
        "options": redacted(device.options),
        "secrets_set": bool(device.secrets),
        **times(device),
    }


def _shown(device: KeyDevice, ports: Ports) -> Mapping[str, Any]:
    """Show a device with what it can make, as data."""
    abilities = asdict(ports.key_device(device).abilities())
    return {
        **key_device_view(device),
        "kind": ports.key_device_type(device.type).kind,
        "abilities": {name: list(value) if isinstance(value, tuple) else value for name, value in abilities.items()},
    }


def _merged(params: Params, before: KeyDevice | None, ports: Ports) -> KeyDevice:
    device = accounts.begun(_FAMILY, params, before)
    options, secrets = accounts.given(params)
    stored = accounts.secrets_of(device)
    kept = {name: text for name, text in {**stored, **secrets}.items() if text}
    prepared = ports.key_device_type(device.type).prepare(device.name, {**device.options, **options}, kept)
    changed = replace(device, options=dict(prepared))
    return changed if kept == stored else replace(changed, secrets=accounts.sealed(kept))


def _asked(params: Params, device: KeyDevice, ports: Ports) -> dict[str, Any]:
    if not params.get("test"):
        return {}
    return {"checks": [vars(check) for check in ports.key_device(device).test()]}


def _needed_by(unit: Unit, device: KeyDevice) -> dict[str, list[str]]:
    """Give the open requests that wait for the device, the certificates whose next key it is to make, and the CAs."""
    ours = [one for one in unit.requests.find(csr_source=_SOURCES) if _device_of(one) == device.name]
    waiting = [one.request_id for one in ours if not states.is_final(one.state)]
    made = {one.request_id for one in ours if one.state == "issued"}
    certificates = [
        one.certificate_id for one in unit.certificates.find(request_id=sorted(made)) if one.state in IN_USE
    ]
    signing = [one.name for one in unit.ca_accounts.find() if one.options.get("key_device") == device.name]
    found = {
        "requests wait for it": waiting,
        "certificates have their keys on it": certificates,
        "accounts of CAs sign with a key on it": signing,
    }
    return {what: keys for what, keys in found.items() if keys}


def _device_of(request: CertRequest) -> str:
    return str((request.wish.get(request.csr_source) or {}).get("device") or "")


_FAMILY = accounts.Family(
    noun="key_device",
    words="key device",
    example="pkcs11",
    hang="keys",
    records=lambda unit: unit.key_devices,
    new=KeyDevice,
    merged=_merged,
    asked=_asked,
    stored_view=key_device_view,
    view=_shown,
    needed_by=_needed_by,
)
