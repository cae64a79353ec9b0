# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust Lifecycle Manager with an account that works, before its fake."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ansible_collections.edgecert.clm.tests.support.ca_site import Site, VendorBench, registered
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.digicert_one import AT_ONCE, TrustLifecycle

Bench = VendorBench[TrustLifecycle]


@contextlib.contextmanager
def running(folder: Path, *, mutual: bool = False, **options: Any) -> Iterator[Bench]:
    """Run a fake with an account.

    :param mutual: it authenticates with a client certificate, and has no token.
    """
    orders = core.Orders(core.FakeClock())
    vendor = TrustLifecycle(orders, key="" if mutual else None)
    with core.running(vendor, orders, folder, mutual=mutual) as fake:
        own: dict[str, Any] = {"url": fake.url, "ca_path": fake.ca_path, **options}
        secrets = {"api_key": vendor.key}
        if mutual:
            own["client_certificate"] = fake.client.pem
            secrets = {"client_key": fake.client.key_pem()}
        yield Bench(
            vendor,
            Site(
                registered("digicert_one"),
                own,
                secrets,
                orders.clock,
                request_options={"certificate_profile": AT_ONCE},
                bought=lambda: len(orders.found),
                orders=orders,
                write_path="/certificate$",
            ),
        )


def digicert_one(*, mutual: bool = False, **options: Any) -> Callable[[Path], AbstractContextManager[Site]]:
    """Give a maker of an account."""

    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Site]:
        with running(folder, mutual=mutual, **options) as bench:
            yield bench.site

    return run
