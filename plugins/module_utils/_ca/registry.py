# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of CA there is, alphabetical. Plain imports: Ansible bundles what it reads in import statements."""

from __future__ import annotations

from .._core.clock import Clock
from .._core.errors import InputError
from .base import CaConnectorType
from .own_ca import OwnCaType

_TYPES: tuple[type[OwnCaType], ...] = (OwnCaType,)


def type_names() -> tuple[str, ...]:
    """Give the names of all kinds, alphabetical."""
    return tuple(kind.name for kind in _TYPES)


def connector_type(name: str, clock: Clock | None = None) -> CaConnectorType:
    """Give a kind of CA by its name.

    :param clock: the computer's own when left out.
    :raises InputError: there is none of that name; names those there are.
    """
    for kind in _TYPES:
        if kind.name == name:
            return kind(clock)
    raise InputError(f"There is no CA type {name!r}; there is: {', '.join(type_names())}", code="unknown_ca_type")
