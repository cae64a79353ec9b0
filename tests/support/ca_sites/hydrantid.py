# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HydrantID for the contract suite: its fake, which needs mohawk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ansible_collections.edgecert.clm.tests.support.ca_site import Site, asks_at, registered
from ansible_collections.edgecert.clm.tests.support.fake_ca import core

if TYPE_CHECKING:
    from ansible_collections.edgecert.clm.tests.support.fake_ca.hydrantid import HydrantVendor


@contextlib.contextmanager
def lab(folder: Path) -> Iterator[tuple[Site, HydrantVendor]]:
    """Run the fake, and give it beside an account that works."""
    pytest.importorskip("mohawk", reason="mohawk checks the signatures in the fake of HydrantID")
    from ansible_collections.edgecert.clm.tests.support.fake_ca.hydrantid import HydrantVendor

    orders = core.Orders(core.FakeClock())
    vendor = HydrantVendor(orders)
    with core.running(vendor, orders, folder) as fake:
        site = Site(
            registered("hydrantid"),
            {"url": f"{fake.url}/api/v2", "ca_path": fake.ca_path, "hawk_id": vendor.key_id},
            {"hawk_key": vendor.key},
            orders.clock,
            request_options={"certificate_type": "TLS Server"},
            bought=lambda: len(orders.found),
            orders=orders,
            write_path="/csr$",
            only_asks=asks_at("/certificates$"),
        )
        yield site, vendor


@contextlib.contextmanager
def hydrantid(folder: Path) -> Iterator[Site]:
    """Run the fake, with an account that works."""
    with lab(folder) as (site, _vendor):
        yield site
