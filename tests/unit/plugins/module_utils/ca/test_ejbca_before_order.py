# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What EJBCA, and who gives its tokens, are asked before an order: when that fails, nothing was ordered, surely."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError, TransportError
from ansible_collections.edgecert.clm.tests.support.ca_sites import ejbca
from ansible_collections.edgecert.clm.tests.support.ca_sites.ejbca import EjbcaSite
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script

CSR = make_csr(KEYS["p256"]())


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Iterator[EjbcaSite]:
    with ejbca.running(tmp_path, by_token=True) as made:
        yield made


def order_of(site: EjbcaSite, intent_id: str = "intent", **options: str) -> Order:
    return Order(SPEC, 90, intent_id, site.clock.now(), {**site.request_options, **options})


def not_sent(site: EjbcaSite, connector: CaConnector, intent_id: str = "intent") -> None:
    """Have an order fail, and say that it was never sent."""
    assert site.orders is not None
    before = len(site.orders.found)
    with pytest.raises(TransportError, match="the order was not sent") as caught:
        connector.submit(order_of(site, intent_id), CSR)
    assert is_surely_not_taken(caught.value) and len(site.orders.found) == before


@pytest.mark.parametrize("kind", ["lost_after", "server_error_before", "html", "garbage_after"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/ca$"), ("POST", "/token$")])
def test_a_list_or_token_that_cannot_be_had_leaves_no_order_in_doubt(
    site: EjbcaSite, kind: str, method: str, path: str
) -> None:
    """An outage is told as one, so that a standby CA may take over."""
    script = Script()
    script.add(kind, method, path, times=9)
    not_sent(site, site.connect(script))
    assert isinstance(site.connect().submit(order_of(site), CSR), Issued)


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_token_that_ended_and_is_not_given_anew_leaves_no_order_in_doubt(site: EjbcaSite, is_refused: bool) -> None:
    """The lists are known by then, and the token is asked for with the order itself."""
    script = Script()
    connector = site.connect(script)
    assert isinstance(connector.submit(order_of(site), CSR), Issued) and site.vendor is not None
    if is_refused:
        site.vendor.tokens.clear()
    else:
        site.clock.sleep(280)
    script.add("server_error_before", "POST", "/token$", times=9)
    not_sent(site, connector, "intent-2")


def test_an_answer_without_a_token_is_told_and_nothing_is_sent(site: EjbcaSite) -> None:
    script = Script()
    script.add("empty", "POST", "/token$", times=9)
    with pytest.raises(RemoteError, match="Cannot get a token: the answer holds none") as caught:
        site.connect(script).choices("certificate_profile")
    assert caught.value.code == "no_token" and all(one.path.endswith("/token") for one in script.sent)


def test_an_order_whose_own_answer_is_lost_is_in_doubt_still(site: EjbcaSite) -> None:
    script = Script()
    script.add("lost_after", "POST", "/pkcs10enroll$")
    with pytest.raises(RemoteError) as caught:
        site.connect(script).submit(order_of(site), CSR)
    assert not is_surely_not_taken(caught.value) and "not sent" not in caught.value.message


def test_a_ca_that_was_renamed_is_a_refusal_with_those_there_are(site: EjbcaSite) -> None:
    """E22: nothing was ordered, and nothing is in doubt."""
    answer = site.connect().submit(order_of(site, issuer_common_name="Former issuing"), CSR)
    assert isinstance(answer, Rejected) and site.orders is not None and not site.orders.found
    assert "issuer_common_name 'Former issuing' is not there" in answer.reason and "Fake issuing" in answer.reason
