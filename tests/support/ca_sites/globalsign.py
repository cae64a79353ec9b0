# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GlobalSign MSSL with its fake, for the contract suite."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request
from ansible_collections.edgecert.clm.tests.support.ca_site import Site, registered
from ansible_collections.edgecert.clm.tests.support.fake_ca import core, globalsign

CONTACT = {
    "contact_first_name": "Ada",
    "contact_last_name": "Byron",
    "contact_phone": "+44 20 7946 0000",
    "contact_email": "ada@example.com",
}
_WRITES = (b"PVOrder>", b"ReIssue>", b"ModifyMSSLOrder>")


def only_asks(request: Request) -> bool:
    """Say whether a call changes nothing: every operation is a POST there."""
    return not any(word in (request.body or b"") for word in _WRITES)


def globalsign_mssl(**options: Any) -> Callable[[Path], AbstractContextManager[Site]]:
    """Give a maker of a site with a fake of both services."""

    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Site]:
        orders = core.Orders(core.FakeClock())
        vendor = globalsign.GlobalsignVendor(orders)
        with core.running(vendor, orders, folder) as fake:
            vendor.url = fake.url
            yield Site(
                registered("globalsign_mssl"),
                {"url": fake.url, "ca_path": fake.ca_path, "user_name": vendor.user, **CONTACT, **options},
                {"password": vendor.password},
                orders.clock,
                request_options={"profile_name": "5501_OV"},
                bought=lambda: len(orders.found),
                orders=orders,
                write_path="/ManagedSSLService$",
                write_body="PVOrder>",
                only_asks=only_asks,
                vendor=vendor,
            )

    return run
