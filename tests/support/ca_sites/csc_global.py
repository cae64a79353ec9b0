# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSC Global for the contract suite: its fake."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.tests.support.ca_site import Site, registered
from ansible_collections.edgecert.clm.tests.support.csrs import SPEC
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.csc_global import CscVendor

REQUEST = {
    "certificate_type": "uc",
    "business_unit": "Web Shop",
    "organization_contact": "pki@example.com",
    "phone": "+49-301234567",
    "dcv_emails": ["admin@example.com"],
}


def spec_for(choice: str) -> CsrSpec:
    """Give names that suit a certificate type."""
    one = replace(SPEC, dns_names=(SPEC.common_name,), locality="Boston", state_or_province="MA")
    if "wildcard" in choice:
        return replace(one, common_name="*.example.com", dns_names=("*.example.com",))
    return SPEC if "uc" in choice or choice.isupper() else one


@contextlib.contextmanager
def lab(folder: Path) -> Iterator[tuple[Site, CscVendor]]:
    """Run the fake, and give it beside an account that works."""
    orders = core.Orders(core.FakeClock())
    vendor = CscVendor(orders)
    with core.running(vendor, orders, folder) as fake:
        site = Site(
            registered("csc_global"),
            {
                "url": f"{fake.url}/dbs/api/v2",
                "ca_path": fake.ca_path,
                "applicant_first_name": "Ada",
                "applicant_last_name": "Lovelace",
                "applicant_email": "ada@example.com",
            },
            {"api_key": vendor.key, "bearer_token": vendor.token},
            orders.clock,
            request_options=REQUEST,
            bought=lambda: len(orders.found),
            orders=orders,
            write_path="/tls/registration$",
            spec_for=spec_for,
        )
        yield site, vendor


@contextlib.contextmanager
def csc_global(folder: Path) -> Iterator[Site]:
    """Run the fake, with an account that works."""
    with lab(folder) as (site, _vendor):
        yield site
