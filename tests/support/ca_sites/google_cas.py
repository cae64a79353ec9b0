# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's CA Service as the contract suite sees it: over the fake, by a service account or a token, of either tier."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.edgecert.clm.tests.support.ca_site import Site, asks_at, registered
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.google_cas import LOCATION, PROJECT, GoogleVendor

SKIP = "google-auth, of requirements-google.txt, is not installed"
WRITE = "/certificates$"
QUESTIONS = r"/token$|:testIamPermissions$"


def options_of(fake: core.FakeCa, **more: Any) -> dict[str, Any]:
    """Give the options of an account that works."""
    return {
        "url": fake.url,
        "ca_path": fake.ca_path,
        "project": PROJECT,
        "location": LOCATION,
        "issuer": "web",
        **more,
    }


def secrets_of(fake: core.FakeCa, vendor: GoogleVendor, method: str) -> dict[str, str]:
    """Give its secrets, by its way to authenticate."""
    if method == "access_token":
        return {"access_token": vendor.new_token(days=1)}
    return {"credentials": vendor.service_account(fake.url)}


def site(**options: Any) -> Callable[[Path], AbstractContextManager[Site]]:
    """Give a maker."""

    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Site]:
        method = str(options.get("auth_method", "credentials"))
        if method == "credentials":
            pytest.importorskip("google.auth", reason=SKIP)
        orders = core.Orders(core.FakeClock())
        vendor = GoogleVendor(orders)
        with core.running(vendor, orders, folder) as fake:
            yield Site(
                registered("google_cas"),
                options_of(fake, **options),
                secrets_of(fake, vendor, method),
                orders.clock,
                bought=lambda: len(orders.found),
                orders=orders,
                write_path=WRITE,
                only_asks=asks_at(QUESTIONS),
            )

    return run
