# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another key at GlobalSign MSSL: a reissue while the order lasts and has a place for the names, else a renewal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.ca_sites.globalsign import globalsign_mssl
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with globalsign_mssl()(tmp_path_factory.mktemp("mssl")) as made:
        yield made


def order(site: Site, **changes: Any) -> Order:
    return replace(Order(SPEC, 90, "intent", site.clock.now(), site.request_options), **changes)


def placed(site: Site, connector: CaConnector, wanted: Order | None = None) -> Issued:
    """Have something issued."""
    answer = connector.submit(wanted or order(site), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Issued), answer
    return answer


def ordered_anew(site: Site, connector: CaConnector, first: Issued, wanted: Order, csr: str) -> tuple[Issued, bool]:
    """Regenerate; gives what came, and whether it was a renewal."""
    assert site.orders is not None
    again = connector.reissue(first.handle, wanted, csr)
    assert isinstance(again, Issued), again
    renewed = site.orders.found[str(again.handle["order_id"])].wanted["renews"]
    assert renewed in ("", first.handle["order_id"])
    return again, bool(renewed)


@pytest.mark.parametrize(("passed", "is_renewal"), [(0, False), (45, False), (46, True), (85, True), (95, True)])
def test_another_key_near_the_end_of_the_order_is_a_renewal(site: Site, passed: int, is_renewal: bool) -> None:
    """E4, A rows: a reissue ends with its order, and would be due again at ever shorter intervals."""
    connector = site.connect()
    first = placed(site, connector)
    end = certificate_facts(first.bundle.leaf).not_after
    site.clock.sleep(86400.0 * passed)
    wanted = order(site, action="regenerate", parent=first.handle)
    csr = make_csr(KEYS["p384"]())
    again, was_renewed = ordered_anew(site, connector, first, wanted, csr)
    asked = site.clock.now() + timedelta(days=90) if is_renewal else end
    assert was_renewed is is_renewal
    assert abs(certificate_facts(again.bundle.leaf).not_after - asked) < timedelta(days=1)
    found = connector.find(wanted, csr)
    assert isinstance(found, Issued) and found.bundle.leaf == again.bundle.leaf


def test_a_reissue_of_a_reissue_still_ends_with_the_order(site: Site) -> None:
    connector = site.connect()
    answer = placed(site, connector)
    ends = []
    for passed in (30, 10, 10):
        site.clock.sleep(86400.0 * passed)
        wanted = order(site, action="regenerate", parent=answer.handle)
        answer, was_renewed = ordered_anew(site, connector, answer, wanted, make_csr(KEYS["p256"]()))
        ends.append((was_renewed, certificate_facts(answer.bundle.leaf).not_after))
    assert [one for one, _end in ends] == [False, False, True] and ends[0][1] == ends[1][1] < ends[2][1]


def test_another_key_for_addresses_is_a_renewal_as_a_reissue_would_drop_them(site: Site) -> None:
    """E4: DNSNames has no place for an address."""
    connector, spec = site.connect(), replace(SPEC, ip_addresses=("192.0.2.7",))
    first = placed(site, connector, order(site, spec=spec))
    wanted = order(site, spec=spec, action="regenerate", parent=first.handle)
    again, was_renewed = ordered_anew(site, connector, first, wanted, make_csr(KEYS["p256"]()))
    assert was_renewed and certificate_facts(again.bundle.leaf).sans.ips == ("192.0.2.7",)


def test_an_order_that_cannot_be_looked_at_leaves_no_reissue_in_doubt(site: Site) -> None:
    script = Script()
    connector = site.connect(script)
    first = placed(site, connector)
    script.add("server_error_before", "POST", body="GetOrderByOrderID>")
    with pytest.raises(TransportError, match="the order was not sent") as caught:
        connector.reissue(first.handle, order(site), make_csr(KEYS["p256"]()))
    assert is_surely_not_taken(caught.value) and site.bought is not None and site.bought() == 1


def test_an_order_that_the_ca_does_not_know_is_refused_as_a_renewal(site: Site) -> None:
    handle = {"order_id": "77", "ordered_at": "2026-01-01T00:00:00Z"}
    answer = site.connect().reissue(handle, order(site), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Rejected) and "-6102" in answer.reason


@pytest.mark.parametrize("action", ["renew", "regenerate"])
def test_what_follows_a_revoked_order_is_a_new_one(site: Site, action: str) -> None:
    """A rows: a key that became known is revoked first; GlobalSign renews and reissues what stands alone."""
    connector = site.connect()
    first = placed(site, connector)
    connector.revoke(first.handle, "unspecified", "")
    wanted = order(site, action=action, parent=first.handle)
    ask = connector.renew if action == "renew" else connector.reissue
    again = ask(first.handle, wanted, make_csr(KEYS["p256"]()))
    assert isinstance(again, Issued) and site.orders is not None
    assert site.orders.found[str(again.handle["order_id"])].wanted["renews"] == ""
