# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CertCentral with an account that works, before its fake."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order
from ansible_collections.edgecert.clm.tests.support.ca_site import Site, VendorBench, registered
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.digicert import CertCentral


def digicert(**options: Any) -> Callable[[Path], AbstractContextManager[Site]]:
    """Give a maker of an account.

    :param options: of the account, beside its address and its organization.
    """

    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Site]:
        orders = core.Orders(core.FakeClock())
        vendor = CertCentral(orders)
        with core.running(vendor, orders, folder) as fake:
            yield site_of(vendor, fake, **options)

    return run


def site_of(vendor: CertCentral, fake: core.FakeCa, **options: Any) -> Site:
    """Give an account at a fake that runs."""
    own = {
        "url": f"{fake.url}/services/v2",
        "ca_path": fake.ca_path,
        "organization_id": "501",
        "skip_approval": True,
        "skip_revocation_approval": True,
    }
    return Site(
        registered("digicert"),
        {**own, **options},
        {"api_key": vendor.key},
        vendor.orders.clock,
        request_options={"certificate_type": "ssl_basic", "server_type": "45", "payment_method": "balance"},
        bought=lambda: len(vendor.orders.found),
        orders=vendor.orders,
        write_path="/order/certificate/",
    )


Bench = VendorBench[CertCentral]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Bench]:
    """Run a fake with an account that passes approvers by."""
    vendor = CertCentral(core.Orders(core.FakeClock()))
    with core.running(vendor, vendor.orders, folder) as fake:
        yield Bench(vendor, site_of(vendor, fake))


def csr() -> str:
    """Make a CSR with a key of its own."""
    return make_csr(KEYS["p256"]())


def issued(connector: CaConnector, order: Order, csr_pem: str) -> Issued:
    """Order, and have it."""
    answer = connector.submit(order, csr_pem)
    assert isinstance(answer, Issued), answer
    return answer
