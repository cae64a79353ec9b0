# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Private CA as the contract suite sees it: over the fake, by lasting keys or as a role."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ansible_collections.edgecert.clm.tests.support.ca_site import Site, asks_at, registered
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_front import ROLE
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_pca import AwsVendor

WRITE = "(?:Issue|Request)Certificate$"
QUESTIONS = r"\.(?:Describe|Get|List)\w+$"


def options_of(fake: core.FakeCa, vendor: AwsVendor, *, role: bool = False, **more: Any) -> dict[str, Any]:
    """Give the options of an account that works."""
    made: dict[str, Any] = {
        "url": fake.url,
        "sts_url": fake.url,
        "ca_path": fake.ca_path,
        "ca_arn": vendor.ca_arn,
        "access_key_id": vendor.user.access_key_id,
        **({"acm_url": fake.url} if more.get("mode") == "acm" else {}),
        **({"role_arn": ROLE, "external_id": "our-agreement"} if role else {}),
    }
    return {**made, **more}


def site(*, role: bool = False, **options: Any) -> Callable[[Path], AbstractContextManager[Site]]:
    """Give a maker."""

    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Site]:
        orders = core.Orders(core.FakeClock())
        vendor = AwsVendor(orders)
        if options.get("mode") == "acm":
            # ACM makes keys of the CA's own family alone, and the usual key is RSA.
            vendor.key = "RSA_2048"
        with core.running(vendor, orders, folder) as fake:
            yield Site(
                registered("aws_pca"),
                options_of(fake, vendor, role=role, **options),
                {"secret_access_key": vendor.user.secret},
                orders.clock,
                bought=lambda: len(orders.found),
                orders=orders,
                write_path=WRITE,
                # Taking on a role changes nothing; it is the only call without an operation in its header.
                only_asks=asks_at(QUESTIONS + r"|^/$"),
            )

    return run
