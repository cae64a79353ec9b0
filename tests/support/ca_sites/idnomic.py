# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IDnomic in both settings with their fakes, for the contract suite."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request
from ansible_collections.edgecert.clm.tests.support.ca_site import Site, registered
from ansible_collections.edgecert.clm.tests.support.fake_ca import core, idnomic, idnomic_idca

_WRITES = (b":enroll>", b":enroll ", b":enrollment_request", b":revoke", b":revocation_request")


def only_asks(request: Request) -> bool:
    """Say whether a call changes nothing: every operation is a POST there."""
    return not any(word in (request.body or b"") for word in _WRITES)


def _running(
    folder: Path, make: Callable[[core.Orders], Any], options: Mapping[str, Any], wanted: Mapping[str, Any]
) -> Iterator[Site]:
    orders = core.Orders(core.FakeClock())
    vendor = make(orders)
    with core.running(vendor, orders, folder, mutual=True) as fake:
        certificate, key = folder / "client.pem", folder / "client-key.pem"
        certificate.write_text(fake.client.pem)
        key.write_text(fake.client.key_pem())
        vendor.url, vendor.identity = fake.url, (str(certificate), str(key))
        yield Site(
            registered("idnomic"),
            {"url": fake.url, "ca_path": fake.ca_path, "client_certificate": fake.client.pem, **options},
            {"client_key": fake.client.key_pem()},
            orders.clock,
            request_options=wanted,
            bought=lambda: len(orders.found),
            orders=orders,
            write_path="",
            write_body=r":(enroll|enrollment_request)\b",
            only_asks=only_asks,
            vendor=vendor,
        )


def with_ra(**options: Any) -> Callable[[Path], AbstractContextManager[Site]]:
    """Give a maker of a site with a RA."""

    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Site]:
        yield from _running(folder, idnomic.IdnomicVendor, options, {"ra_workflow": "TLS Server"})

    return run


def alone(**options: Any) -> Callable[[Path], AbstractContextManager[Site]]:
    """Give a maker of a site with a CA alone."""
    own = {"mode": "ca", "idca_path": idnomic_idca.PATH, "ca_name": idnomic_idca.CA_NAME, **options}

    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Site]:
        yield from _running(folder, idnomic_idca.IdcaVendor, own, {"certificate_profile": "TLS"})

    return run
