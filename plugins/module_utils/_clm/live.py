# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates read from devices at the moment, without any store: the discovery that fills a store, and the views that
show what is in one, over records that are held for one call. Nothing is written anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .._core import vocabulary
from .._core.clock import Clock
from .._core.errors import InputError, RemoteError
from .._core.ledger import MemoryLedger
from .._core.types import Certificate, Device
from .._target.base import Reading, Target
from . import discovery
from .filters import Filters, certificate_list
from .views import View

# What these look for stands in a store alone.
_OF_A_STORE = ("group", "ca", "attributes", "tracking_id", "attachment")


class _Shelf:
    """Records that are found as those of a store are: by equal members, a list standing for any of it."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def find(self, **equal: Any) -> list[Any]:
        """Give the records that have these members."""
        return [one for one in self.records if all(_is(getattr(one, name), value) for name, value in equal.items())]

    def outlines(self, **equal: Any) -> list[Any]:
        """Give the same, as attachments are listed."""
        return self.find(**equal)


def _is(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, list) else bool(value == wanted)


@dataclass
class Held:
    """Stands where a store stands when certificates are compared and shown; keeps nothing after the call."""

    devices: _Shelf = field(default_factory=_Shelf)
    certificates: _Shelf = field(default_factory=_Shelf)
    groups: _Shelf = field(default_factory=_Shelf)
    attachments: _Shelf = field(default_factory=_Shelf)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)

    @contextmanager
    def read(self) -> Iterator[Any]:
        """Give what is held."""
        yield self


@dataclass(frozen=True)
class Live:
    """What was read.

    :ivar rows: views of the certificates, ordered by id.
    :ivar notes: what was passed over, a sentence each.
    """

    rows: list[View]
    notes: tuple[str, ...]


def read(
    devices: Sequence[Device],
    filters: Filters,
    held: Held,
    target: Callable[[Device], Target],
    clock: Clock,
    budget: int,
) -> Live:
    """Read every certificate of the devices that are not ignored, in two calls for each contract and one.

    :param budget: calls to a device, where it does not list what is live; then each enrollment takes one.
    :raises InputError: filters that ask for what only a store knows.
    :raises RemoteError: a device cannot be read, or not within the budget: half an inventory would be taken for one.
    """
    asked = [name for name in _OF_A_STORE if getattr(filters, name)]
    if asked:
        raise InputError(
            f"Cannot filter live certificates by {', '.join(asked)}: that is kept in a store; leave live out, or the "
            "filter"
        )
    notes: list[str] = []
    for device in devices:
        held.devices.records.append(device)
        if device.sync != vocabulary.SYNC_IGNORED:
            notes += _added(device, held, target(device), clock, budget)
    held.certificates.records.sort(key=lambda one: one.certificate_id)
    unit: Any = held
    return Live(certificate_list(unit, filters, clock.now()), tuple(notes))


def _added(device: Device, held: Held, target: Target, clock: Clock, budget: int) -> list[str]:
    """Hold what a device has; gives what was passed over."""
    contracts = device.contracts or tuple(target.visible_contracts())
    reading = Reading(lambda: target.calls < budget)
    store: Any = held
    difference = discovery.compare(
        device.name, target.discover(contracts, reading), store, clock.now(), contracts=contracts, want_pem=False
    )
    if difference.unread:
        raise RemoteError(
            f"Cannot read the certificates of {device.name} within {budget} calls: this account is refused the list of "
            f"what is live, and another {difference.unread} enrollments take a call each; raise budget, or let "
            "edgecert.clm.akamai_cps_device read them into a store bit by bit",
            code="live_over_budget",
        )
    found: list[Certificate] = difference.added
    held.certificates.records += found
    return [f"{device.name}: {note}" for note in difference.notes]
