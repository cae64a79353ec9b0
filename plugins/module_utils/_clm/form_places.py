# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the form that says where the key is made (E6-E9): each source fills its own members of the wish.

Members that belong to another source are there all the same, and empty, so that every wish can be read alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core import csr_sources, vocabulary
from .._core.csr_sources import ALLOW_DUPLICATE
from .._core.errors import NotFoundError
from .._core.types import Device, VendorSettings
from .._store.base import Unit
from .managed import managed_device
from .ports import Params
from .settings import combination, required

EXTENSIONS = "csr_extensions"
"""Member of a wish: the extensions an uploaded CSR asks for beside its names, in the words of ``extensions``."""

_OF_CPS: Mapping[str, Any] = {
    "exclude_sans": False,
    "device": "",
    "contract_id": "",
    "validation_type": "",
    "secure_network": "",
    "vendor_certificate_type": "",
    "settings": {},
}


@dataclass(frozen=True)
class Place:
    """Where the key is made.

    :ivar wish: the members of the wish that say so.
    :ivar organization: what the place knows of the subject, by option.
    """

    wish: Mapping[str, Any]
    organization: Mapping[str, str] = field(default_factory=dict)


UNKNOWN = Place(_OF_CPS)
"""Stands for a place that could not be read, so that the rest of the form is."""


def source_of(params: Params) -> str:
    """Give the source of a form, the default one where it names none."""
    return params.get("csr_source") or csr_sources.DEFAULT


def place_of(params: Params, unit: Unit, problems: list[str]) -> Place:
    """Read where the key is to be made.

    :raises NotFoundError: no device, or no settings of the combination (S5).
    """
    source = source_of(params)
    problems.extend(csr_sources.misplaced(params, source))
    if source == vocabulary.ENDPOINT:
        return _endpoint(params, unit, problems)
    if source == vocabulary.UPLOAD:
        if not params.get("csr"):
            problems.append("csr is missing; with csr_source upload give csr or csr_path (E7)")
        more = {EXTENSIONS: params[EXTENSIONS]} if params.get(EXTENSIONS) else {}
        return Place({**_OF_CPS, "csr": params.get("csr") or "", **more})
    if source in csr_sources.DEVICE_OPTIONS:
        return Place({**_OF_CPS, **_on_device(source, params, unit, problems)})
    return Place(_OF_CPS)


def made_here(wish: Mapping[str, Any]) -> dict[str, Any]:
    """Give a wish as it is where key and CSR are made here: without what belongs to any other source."""
    kept = {name: value for name, value in wish.items() if csr_sources.applies(name, vocabulary.LOCAL)}
    return {**kept, **_OF_CPS}


def _endpoint(params: Params, unit: Unit, problems: list[str]) -> Place:
    device = managed_device(unit, params.get("device"))
    key = combination(params)
    settings = required(unit, key)
    organization = settings.organization
    wish = {
        # Not there in what was asked for without it, which is the same.
        **({ALLOW_DUPLICATE: True} if params.get(ALLOW_DUPLICATE) else {}),
        "exclude_sans": bool(params.get("exclude_sans")),
        "device": device.name,
        "contract_id": _contract(params, settings, device, problems),
        "validation_type": key[0],
        "secure_network": key[1],
        "vendor_certificate_type": key[2],
        "settings": _snapshot(settings),
    }
    defaults = {
        "organization": organization.get("name", ""),
        "locality": organization.get("city", ""),
        "state_or_province": organization.get("state", ""),
        "country": organization.get("country", ""),
    }
    return Place(wish, defaults)


def _contract(params: Params, settings: VendorSettings, device: Device, problems: list[str]) -> str:
    """Give the contract id: as named, as saved with the settings, or the only one there is (E9)."""
    visible = tuple(device.contracts or device.instance.get("contracts", ()))
    named = (params.get("contract_id") or settings.contract_id or "").removeprefix("ctr_")
    if not named and len(visible) == 1:
        return str(visible[0])
    listed = ", ".join(visible) or "none known; look at the device with edgecert.clm.akamai_cps_device"
    if not named:
        problems.append(f"contract_id is missing; device {device.name} sees {listed}")
    elif visible and named not in visible:
        problems.append(f"contract_id {named} is not one that device {device.name} sees ({listed})")
    return named


def _snapshot(settings: VendorSettings) -> dict[str, Any]:
    """Keep the settings as they were asked for: changing them later changes no open request."""
    return {
        "organization": dict(settings.organization),
        "admin_contact": dict(settings.admin_contact),
        "tech_contact": dict(settings.tech_contact),
        "change_management": settings.change_management,
        "network": dict(settings.network),
    }


def _on_device(source: str, params: Params, unit: Unit, problems: list[str]) -> dict[str, Any]:
    """Read device and key of a hardware security module or an application delivery controller (E8, table 5).

    :raises NotFoundError: there is no key device of that name.
    """
    option, member = csr_sources.DEVICE_OPTIONS[source]
    given = params.get(option) or {}
    wanted = {name: str(given.get(name) or "").strip() for name in ("device", member)}
    missing = [name for name, text in wanted.items() if not text]
    problems.extend(f"{option}.{name} is missing; csr_source {source} needs it (E8)" for name in missing)
    if wanted["device"] and unit.key_devices.get(wanted["device"]) is None:
        known = ", ".join(device.name for device in unit.key_devices.find()) or "none yet"
        raise NotFoundError(
            f"No key device {wanted['device']!r} is in the store (there is: {known}); add it with "
            "edgecert.clm.key_device",
            code="key_device_missing",
            details={"device": wanted["device"]},
        )
    return {option: {**wanted, "reuse": bool(given.get("reuse"))}}
