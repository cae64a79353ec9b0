# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The device where the key of a request is made, if there is one: looked up anew before each thing that is done there.

Reads in the caller's unit; speaks to no device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._core import csr_sources, vocabulary
from .._core.errors import NotFoundError
from .managed import managed_device

if TYPE_CHECKING:
    from .._core.key_records import KeyDevice
    from .._core.types import CertRequest, Device
    from .._store.base import Unit


def required(unit: Unit, request: CertRequest) -> Device | KeyDevice | None:
    """Give the device of a request; None where its key needs none.

    :raises PolicyError: it is not managed (D5).
    :raises NotFoundError: it is not in the store any more.
    """
    return of_wish(unit, request.csr_source, request.wish)


def of_wish(unit: Unit, csr_source: str, wish: Mapping[str, Any]) -> Device | KeyDevice | None:
    """Give the device that a wish names; see ``required``."""
    if csr_source == vocabulary.ENDPOINT:
        return managed_device(unit, wish["device"])
    if csr_source not in csr_sources.DEVICE_OPTIONS:
        return None
    option, _member = csr_sources.DEVICE_OPTIONS[csr_source]
    name = wish[option]["device"]
    device = unit.key_devices.get(name)
    if device is None:
        raise NotFoundError(
            f"Key device {name!r} is not in the store any more; add it again with edgecert.clm.key_device, or cancel "
            "the request with edgecert.clm.cert_workflow",
            code="key_device_missing",
            details={"device": name},
        )
    return device
