# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two accounts at a fake EST server: one with a certificate that may renew by simplereenroll, one with a password."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.edgecert.clm.tests.support.ca_site import Site, registered
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.est import EstVendor


@dataclass
class EstSite(Site):
    """A site whose other side can be told more; ``vendor`` is always there."""

    vendor: EstVendor | None = None


@contextlib.contextmanager
def running(folder: Path, *, by_password: bool = False) -> Iterator[EstSite]:
    """Run the fake and give an account that works."""
    orders = core.Orders(core.FakeClock())
    vendor = EstVendor(orders, by_password=by_password)
    with core.running(vendor, orders, folder, mutual=not by_password) as fake:
        options: dict[str, Any] = {"url": fake.url, "ca_path": fake.ca_path}
        if by_password:
            options, secrets = {**options, "username": vendor.user}, {"password": vendor.password}
        else:
            options = {**options, "client_certificate": fake.client.pem, "reenroll": True}
            secrets = {"client_key": fake.client.key_pem()}
        yield EstSite(
            registered("est"),
            options,
            secrets,
            orders.clock,
            bought=lambda: len(orders.found),
            orders=orders,
            write_path="/simple(re)?enroll$",
            only_asks=lambda request: not request.body,
            vendor=vendor,
        )


def maker(*, by_password: bool = False) -> Callable[[Path], AbstractContextManager[Site]]:
    """Give the maker for the contract suite."""
    return lambda folder: running(folder, by_password=by_password)
