# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two accounts at a fake EJBCA: with a certificate, each request naming its profiles, and with a token and defaults."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.edgecert.clm.tests.support.ca_site import Site, asks_at, registered
from ansible_collections.edgecert.clm.tests.support.fake_ca import core, published
from ansible_collections.edgecert.clm.tests.support.fake_ca.ejbca import PREFIX, EjbcaVendor

DEFAULTS = {"end_entity_profile": "Web servers", "certificate_profile": "SERVER", "issuer_common_name": "Fake issuing"}


@dataclass
class EjbcaSite(Site):
    """A site whose other side can be told more; ``vendor`` and ``document`` are always there."""

    vendor: EjbcaVendor | None = None
    document: published.Published | None = None


@contextlib.contextmanager
def running(folder: Path, *, by_token: bool = False) -> Iterator[EjbcaSite]:
    """Run the fake and give an account that works."""
    orders, document = core.Orders(core.FakeClock()), published.ejbca()
    vendor = EjbcaVendor(orders, document.hold if document else None, by_token=by_token)
    with core.running(vendor, orders, folder, mutual=not by_token) as fake:
        options: dict[str, Any] = {"url": f"{fake.url}/{'/'.join(PREFIX)}", "ca_path": fake.ca_path}
        if by_token:
            login = {"auth_method": "oauth", "token_url": f"{fake.url}/realms/pki/token", "client_id": "clm robot"}
            options, secrets = {**options, **login, **DEFAULTS}, {"client_secret": vendor.client_secret}
        else:
            options["client_certificate"] = fake.client.pem
            secrets = {"client_key": fake.client.key_pem()}
        yield EjbcaSite(
            registered("ejbca"),
            options,
            secrets,
            orders.clock,
            request_options={} if by_token else DEFAULTS,
            bought=lambda: len(orders.found),
            orders=orders,
            write_path="/pkcs10enroll$",
            only_asks=asks_at("search|token"),
            vendor=vendor,
            document=document,
        )


def maker(*, by_token: bool = False) -> Callable[[Path], AbstractContextManager[Site]]:
    """Give the maker for the contract suite."""
    return lambda folder: running(folder, by_token=by_token)
