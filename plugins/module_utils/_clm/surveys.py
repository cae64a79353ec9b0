# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a contract for all of its work orders that are due, instead of one for each (design §6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .._core.errors import ClmError
from .due import Item
from .managed import managed_device
from .ports import Ports

if TYPE_CHECKING:
    from .._core.types import Device
    from .._target.base import Target

# A survey is one call or two; alone, an order costs one or two.
_FEWEST = 3

Place = tuple[str, str]


class Surveys:
    """Surveys the contracts of one round of due work, and keeps one target for each device meanwhile.

    :ivar ports: those to do the work with.
    """

    def __init__(self, ports: Ports) -> None:
        self._make = ports.target
        self.ports = replace(ports, target=self._target)
        self._targets: dict[str, tuple[Device, Target]] = {}
        self._places: dict[str, Place] = {}
        self._of_staging: set[Place] = set()

    def begin(self, items: Sequence[Item]) -> None:
        """Take up what is due: a round looks anew at everything."""
        self._targets.clear()
        self._places.clear()
        self._of_staging.clear()
        ids = [item.key for item in items if item.noun == "work_order"]
        if len(ids) < _FEWEST:
            return
        with self.ports.store.read() as unit:
            orders = unit.work_orders.find(work_order_id=ids)
            found = unit.certificates.find(certificate_id=sorted({order.certificate_id for order in orders}))
        contracts = {certificate.certificate_id: certificate.contract_id for certificate in found}
        for order in orders:
            if contracts.get(order.certificate_id):
                place = self._places[order.work_order_id] = (order.device, contracts[order.certificate_id])
                if order.state == "deploying_staging":
                    self._of_staging.add(place)

    def before(self, items: Sequence[Item]) -> None:
        """Have the contract of the first of these surveyed, where enough of them are on it to be worth it."""
        place = self._places.get(items[0].key)
        if place is None:
            return
        device_name, contract_id = place
        is_worth_it = Counter(self._places.get(item.key) for item in items)[place] >= _FEWEST
        try:
            with self.ports.store.read() as unit:
                device = managed_device(unit, device_name)
            target = self._target(device)
        except ClmError:
            # Each piece of work comes by the same and tells it with its own name.
            self._places = {key: other for key, other in self._places.items() if other != place}
            return
        target.survey([contract_id] if is_worth_it else [], is_of_staging=place in self._of_staging)

    def _target(self, device: Device) -> Target:
        known = self._targets.get(device.name)
        if known is None or known[0] != device:
            known = self._targets[device.name] = (device, self._make(device))
        return known[1]
