# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way a CA connector can be set up, for the contract suite: one line of MAKERS each.

A maker runs what is on the other side for the time of a block, and gives a ``Site``: an account that works, the clock,
and what the suite may do to the other side. A connector is added by one function and one line.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import StoredAccount
from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import connector_type
from ansible_collections.edgecert.clm.tests.support import openbao
from ansible_collections.edgecert.clm.tests.support.ca_site import RealClock, Site, registered
from ansible_collections.edgecert.clm.tests.support.ca_sites import acme
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.toy import ToyVendor
from ansible_collections.edgecert.clm.tests.support.toy_ca import ToyType


def _own_ca(**options: Any) -> Callable[[Path], AbstractContextManager[Site]]:
    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Site]:
        clock = core.FakeClock(datetime(2026, 11, 23, 12, tzinfo=timezone.utc))
        kind = connector_type("own_ca", clock)
        wanted = {"crl_path": str(folder / "own.crl"), **options}
        made, secrets = kind.prepare("lab", wanted, {}, StoredAccount())
        yield Site(registered("own_ca"), made, secrets, clock, is_networked=False)

    return run


def _vault(method: str, **options: Any) -> Callable[[Path], AbstractContextManager[Site]]:
    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Site]:
        with openbao.running(folder) as bao:
            own, secrets = bao.credentials[method]
            yield Site(
                registered("vault_pki"),
                bao.options(**own, **options),
                secrets,
                RealClock(),
                bought=bao.certificates,
                write_path="/sign/",
            )

    return run


def _toy(*, mutual: bool = False) -> Callable[[Path], AbstractContextManager[Site]]:
    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Site]:
        orders = core.Orders(core.FakeClock())
        vendor = ToyVendor(orders)
        with core.running(vendor, orders, folder, mutual=mutual) as fake:
            options: dict[str, Any] = {"url": fake.url, "ca_path": fake.ca_path}
            secrets = {"api_key": vendor.key}
            if mutual:
                options["client_certificate"] = fake.client.pem
                secrets["client_key"] = fake.client.key_pem()
            yield Site(
                ToyType,
                options,
                secrets,
                orders.clock,
                request_options={"profile": "p-1"},
                bought=lambda: len(orders.found),
                orders=orders,
                write_path="/orders$",
            )

    return run


MAKERS: Mapping[str, Callable[[Path], AbstractContextManager[Site]]] = {
    "acme by a fake": acme.by_fake,
    "acme by acme2certifier": acme.by_acme2certifier,
    "acme by OpenBao": acme.by_openbao,
    "acme by Pebble": acme.by_pebble(),
    "acme by Pebble, bound, with RSA": acme.by_pebble_bound,
    "own_ca at once": _own_ca(),
    "own_ca after a delay": _own_ca(delay_s=3600),
    "own_ca with RSA": _own_ca(key_type="rsa", key_size=2048, hash="sha384"),
    "own_ca with Ed25519": _own_ca(key_type="ed25519"),
    "toy": _toy(),
    "toy with mutual TLS": _toy(mutual=True),
    "vault_pki by AppRole": _vault("approle"),
    "vault_pki by certificate": _vault("cert"),
}
