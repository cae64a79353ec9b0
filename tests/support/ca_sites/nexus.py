# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nexus for the contract suite: its fake, with a gateway that signs itself, and with one that wants signatures."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from ansible_collections.edgecert.clm.tests.support.ca_site import Site, registered
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.nexus import NexusVendor


@contextlib.contextmanager
def lab(folder: Path, *, signs: bool) -> Iterator[tuple[Site, NexusVendor]]:
    """Run the fake, and give it beside an account that works.

    :param signs: the gateway signs writes itself.
    """
    orders = core.Orders(core.FakeClock())
    vendor = NexusVendor(orders, folder, signs=signs)
    with core.running(vendor, orders, folder, mutual=True) as fake:
        vendor.officer, vendor.ca_path = fake.client.pem, fake.ca_path
        site = Site(
            registered("nexus"),
            {"url": f"{fake.url}/pgwy/api", "ca_path": fake.ca_path, "client_certificate": fake.client.pem},
            {"client_key": fake.client.key_pem()},
            orders.clock,
            request_options={"procedure": "Server TLS"},
            bought=lambda: len(orders.found),
            orders=orders,
            write_path="/pkcs10$",
            write_body="" if signs else "signature=",
        )
        yield site, vendor


def nexus(*, signs: bool) -> Callable[[Path], AbstractContextManager[Site]]:
    """Give a maker."""

    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Site]:
        with lab(folder, signs=signs) as (site, _vendor):
            yield site

    return run
