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
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnectorType, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import connector_type
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.tests.support import openbao
from ansible_collections.edgecert.clm.tests.support.ca_site import RealClock, Site, registered
from ansible_collections.edgecert.clm.tests.support.ca_sites import acme, aws_pca, ejbca, est, google_cas, idnomic
from ansible_collections.edgecert.clm.tests.support.ca_sites.csc_global import csc_global
from ansible_collections.edgecert.clm.tests.support.ca_sites.digicert import digicert
from ansible_collections.edgecert.clm.tests.support.ca_sites.digicert_one import digicert_one
from ansible_collections.edgecert.clm.tests.support.ca_sites.globalsign import globalsign_mssl
from ansible_collections.edgecert.clm.tests.support.ca_sites.hydrantid import hydrantid
from ansible_collections.edgecert.clm.tests.support.ca_sites.nexus import nexus
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.toy import ToyVendor
from ansible_collections.edgecert.clm.tests.support.softhsm import NoTokens
from ansible_collections.edgecert.clm.tests.support.token_ca import new_token_ca
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


def _own_ca_in_token(folder: Path) -> AbstractContextManager[Site]:
    @contextlib.contextmanager
    def run() -> Iterator[Site]:
        clock = core.FakeClock(datetime(2026, 11, 23, 12, tzinfo=timezone.utc))
        try:
            made = new_token_ca(folder, clock.now())
        except NoTokens as reason:
            pytest.skip(str(reason))

        def kind(tools: Tools) -> CaConnectorType:
            return connector_type("own_ca", replace(tools, device_key=made.device_key))

        tools = Tools(clock, RequestsTransport)
        wanted = {"crl_path": str(folder / "own.crl"), **made.options}
        options, secrets = kind(tools).prepare("lab", wanted, {}, StoredAccount())
        yield Site(kind, options, secrets, clock, is_networked=False)

    return run()


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
    "acme by OpenBao": acme.by_openbao,
    "acme by Pebble": acme.by_pebble(),
    "acme by Pebble, bound, with RSA": acme.by_pebble_bound,
    "acme by a fake": acme.by_fake,
    "acme by acme2certifier": acme.by_acme2certifier,
    "aws_pca as a role": aws_pca.site(role=True),
    "aws_pca by the CSR": aws_pca.site(template="EndEntityServerAuthCertificate/V1"),
    "aws_pca": aws_pca.site(),
    "csc_global": csc_global,
    "digicert with private trust": digicert(trust="private", division="Main", order_years=1),
    "digicert": digicert(),
    "digicert_one by certificate, on a common seat": digicert_one(mutual=True, seat_id="edge"),
    "digicert_one with PKCS#7": digicert_one(delivery_format="PKCS7"),
    "digicert_one": digicert_one(),
    "ejbca by certificate": ejbca.maker(),
    "ejbca by token": ejbca.maker(by_token=True),
    "est by certificate": est.maker(),
    "est by password": est.maker(by_password=True),
    "globalsign_mssl": globalsign_mssl(),
    "google_cas by a token": google_cas.site(auth_method="access_token"),
    "google_cas of devops": google_cas.site(tier="devops", issuer="quick/ca-1"),
    "google_cas": google_cas.site(),
    "hydrantid": hydrantid,
    "idnomic with RA by request": idnomic.with_ra(enrollment="request", revocation="request", zone="Lab"),
    "idnomic with RA": idnomic.with_ra(),
    "idnomic without RA": idnomic.alone(idca_revoke_operation="revokeCertificate"),
    "nexus that wants signatures": nexus(signs=False),
    "nexus": nexus(signs=True),
    "own_ca after a delay": _own_ca(delay_s=3600),
    "own_ca at once": _own_ca(),
    "own_ca with Ed25519": _own_ca(key_type="ed25519"),
    "own_ca with RSA": _own_ca(key_type="rsa", key_size=2048, hash="sha384"),
    "own_ca with a key in a token": _own_ca_in_token,
    "toy with mutual TLS": _toy(mutual=True),
    "toy": _toy(),
    "vault_pki by AppRole": _vault("approle"),
    "vault_pki by certificate": _vault("cert"),
}
