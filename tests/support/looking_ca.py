# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA that playbooks can order from and that looks at DNS before it signs: the toy, in a tree of its own.

The tree is that of ``moved_clock``, where the registry of CAs has one line more; the checkout knows nothing of it.
"""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._dns.lookup import DirectNameServers
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.toy import ToyVendor

HERE = pathlib.Path(__file__).resolve().parent
_MAKER = """
def _toy(tools: Tools) -> CaConnectorType:
    from .toy import ToyType

    return ToyType(tools)


_TYPES = {**_TYPES, "toy": _toy}
"""
_WORD = '\nCA_TYPES = (*CA_TYPES, "toy")\n'


def add_toy(tree: str) -> None:
    """Let the collection in a tree of links know the toy."""
    utils = pathlib.Path(tree, "ansible_collections", "edgecert", "clm", "plugins", "module_utils")
    # The tree has a folder of its own only where the clock is; the rest is links, which must not be written through.
    for folder, name, text in (("_ca", "registry.py", _MAKER), ("_core", "vocabulary.py", _WORD)):
        place = utils / folder
        if place.is_symlink():
            real = place.resolve()
            place.unlink()
            place.mkdir()
            for path in real.iterdir():
                (place / path.name).symlink_to(path)
        file = place / name
        source = file.read_text(encoding="utf-8")
        file.unlink()
        file.write_text(source + text, encoding="utf-8")
    (utils / "_ca" / "toy.py").symlink_to(HERE / "toy_ca.py")


class LookingVendor(ToyVendor):
    """Signs an order once its name server shows the proof.

    :ivar name_server: asked each time it is asked for an order.
    :ivar looks: False for a CA that has no time yet.
    :ivar seen: the proofs it has seen, as ``name value``.
    """

    def __init__(self, orders: core.Orders, name_server: str) -> None:
        super().__init__(orders)
        self.name_server, self.looks, self.seen = name_server, True, list[str]()
        # Never done by being asked for alone.
        orders.polls = 1_000_000

    def handle(self, call: core.Call) -> core.Reply:
        """Look at DNS before an order is told."""
        if self.looks and call.method == "GET" and len(call.parts) == 3:
            order = self.orders.found.get(call.parts[2])
            if order is not None and order.status == "new":
                self._look(order)
        return super().handle(call)

    def _look(self, order: core.Order) -> None:
        proof = self._told(order)["challenge"]
        with contextlib.suppress(TransportError):
            if proof["text"] in DirectNameServers().shown(self.name_server, self._behind(proof["record"]), "TXT"):
                self.seen.append(f"{proof['record']} {proof['text']}")
                self.orders.finish(order)

    def _behind(self, name: str) -> str:
        """Give the name that a CNAME leads to, as CAs follow it."""
        return next(iter(DirectNameServers().shown(self.name_server, name, "CNAME")), name)


@dataclass
class LookingCa:
    """The running CA, and what an account of it needs."""

    vendor: LookingVendor
    fake: core.FakeCa

    @property
    def account(self) -> dict[str, object]:
        """Give the options of ``ca_account``."""
        options = {"url": self.fake.url, "ca_path": self.fake.ca_path}
        return {"name": "toy", "type": "toy", "options": options, "secrets": {"api_key": self.vendor.key}}


@contextlib.contextmanager
def looking_ca(folder: pathlib.Path, name_server: str) -> Iterator[LookingCa]:
    """Run it."""
    orders = core.Orders(core.FakeClock(datetime.now(timezone.utc)))
    vendor = LookingVendor(orders, name_server)
    with core.running(vendor, orders, folder) as fake:
        yield LookingCa(vendor, fake)
