# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA whose answers get lost, that sells each order and cannot always be asked; cancels and revokes as told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    Action,
    Answer,
    CannotTell,
    Found,
    Issued,
    NotThere,
    Pending,
    Rejected,
    Revocation,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import FIND_EXACT, Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, InputError
from ansible_collections.edgecert.clm.tests.support.flow import StubCa

PROOF = Action("dns-01", "example.com", "_acme-challenge.example.com", "token-1", who="DNS")


class DoubtfulCa(StubCa):
    """Takes each order; what it says then is up to the test.

    :ivar loses: raised after an order was taken; None to answer.
    :ivar tells: what ``find`` answers: None for the truth.
    :ivar orders: CSR by order id, each paid for.
    :ivar cancelled: ids of those that were taken back; a cancelled one is never signed.
    :ivar signs: False leaves orders pending.
    :ivar fails: raised by ``cancel`` and ``revoke``, by name, after the CA has done it.
    :ivar calls: the words of the contract it was asked for, in order.
    """

    def __init__(self, make: Callable[[str], Answer], loses: Exception | None = None) -> None:
        super().__init__(make)
        self.loses, self.tells = loses, None
        self.orders: dict[str, str] = {}
        self.cancelled: set[str] = set()
        self.signs, self.calls = True, []
        self.changes: dict[str, Any] = {}
        self.progress: dict[str, Any] = {"state": "pending_validation", "actions": (PROOF,)}
        self.revocations: list[Revocation] = [Revocation()]
        self.told: list[tuple[str, str]] = []
        self.fails: dict[str, ClmError] = {}

    loses: Exception | None
    tells: Found | None
    calls: list[str]

    def capabilities(self) -> Capabilities:
        """Promise all there is, but for what a test changes."""
        reasons = ("unspecified", "key_compromise", "superseded")
        able = Capabilities(is_public=False, is_immediate=True, find=FIND_EXACT, can_adopt=True, can_cancel=True)
        return replace(able, **{"revoke_reasons": reasons, **self.changes})

    def _answer(self, order_id: str) -> Answer:
        handle = {"order_id": order_id}
        if order_id in self.cancelled:
            return Rejected("it was cancelled", handle, state="cancelled")
        if not self.signs:
            return Pending(handle, "the domain has to be proved", 300.0, vendor_state="WAITING", **self.progress)
        made = self._make(self.orders[order_id])
        return replace(made, handle=handle) if isinstance(made, Issued) else made

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Take the order, and lose the answer where the test says so."""
        self.calls.append("submit")
        self.submitted.append(order.intent_id)
        order_id = str(4711 + len(self.orders))
        self.orders[order_id] = csr_pem
        if self.loses is not None:
            raise self.loses
        return self._answer(order_id)

    def renew(self, handle: Mapping[str, Any], order: Order, csr_pem: str) -> Answer:
        """Take a renewal of an order."""
        self.calls.append(f"renew {handle['order_id']}")
        return self.submit(order, csr_pem)

    def reissue(self, handle: Mapping[str, Any], order: Order, csr_pem: str) -> Answer:
        """Take another key for an order."""
        self.calls.append(f"reissue {handle['order_id']}")
        return self.submit(order, csr_pem)

    def find(self, order: Order, csr_pem: str) -> Found:
        """Say what the test wants, or the truth."""
        self.calls.append("find")
        if self.tells is not None:
            return self.tells
        mine = [one for one, csr in self.orders.items() if csr == csr_pem and one not in self.cancelled]
        return self._answer(mine[-1]) if mine else NotThere("the list of orders has none of this CSR")

    def collect(self, handle: Mapping[str, Any]) -> Answer:
        """Answer as things are."""
        self.calls.append("collect")
        return self._answer(str(handle["order_id"]))

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Give an order by its id, if it is of that CSR."""
        self.calls.append(f"adopt {order_id}")
        if self.orders.get(order_id) != csr_pem:
            raise InputError(f"order {order_id} is not of this CSR")
        return self._answer(order_id)

    def cancel(self, handle: Mapping[str, Any]) -> Answer:
        """Take an order back."""
        self.calls.append(f"cancel {handle['order_id']}")
        self.cancelled.add(str(handle["order_id"]))
        if "cancel" in self.fails:
            raise self.fails["cancel"]
        return Rejected("cancelled", handle, state="cancelled")

    def revoke(self, handle: Mapping[str, Any], reason: str, comment: str) -> Revocation:
        """Note it, and answer with the first of the list."""
        self.calls.append(f"revoke {handle['order_id']}")
        self.told.append((reason, comment))
        if "revoke" in self.fails:
            raise self.fails["revoke"]
        return self.revocations[0]

    def revocation(self, handle: Mapping[str, Any]) -> Revocation:
        """Answer with the next of the list, the last one for ever."""
        self.calls.append(f"revocation {handle['order_id']}")
        if len(self.revocations) > 1:
            self.revocations.pop(0)
        return self.revocations[0]


CANNOT = CannotTell("its list of orders cannot be searched by CSR", "under Orders at the CA, for this name")
