# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ACM against moto, a server of others: orders, states, tags, lists and taking back.

What it issues is signed by itself under another's name, whatever CA is named, so no chain is looked at here; keys are
RSA always, a token is compared with the tags, and it revokes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, NotThere, Pending, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.aws_pca import AwsPcaType
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support import moto_server
from ansible_collections.edgecert.clm.tests.support.csrs import SPEC

REGION = "eu-west-1"
CA = f"arn:aws:acm-pca:{REGION}:123456789012:certificate-authority/0a1b2c3d-0000-4000-8000-000000000000"
TOOLS = Tools(SystemClock(), moto_server.Transport)


@dataclass(frozen=True)
class Lab:
    """The server."""

    options: dict[str, Any]

    def connect(self, **changes: Any) -> CaConnector:
        """Give a connector; moto takes any keys."""
        kind = AwsPcaType(TOOLS)
        wanted = {**self.options, "region": REGION, "access_key_id": "AKIA0", "mode": "acm", **changes}
        options, sealed = kind.prepare("lab", wanted, {"secret_access_key": "anything"}, StoredAccount())
        return kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with moto_server.running(tmp_path_factory.mktemp("moto")) as moto:
        yield Lab({"url": moto.url, "acm_url": moto.url, "sts_url": moto.url, "ca_path": moto.ca_path})


def order(**changes: Any) -> Order:
    return replace(Order(SPEC, 90, uuid.uuid4().hex, SystemClock().now()), **changes)


def hours_later(one: Order) -> Order:
    """Give an order as it is two hours after it was written down and sent."""
    return replace(one, at=one.at - timedelta(hours=2))


def test_an_account_passes_its_test(lab: Lab) -> None:
    """C rows."""
    assert [check.name for check in lab.connect().test() if not check.passed] == []


def test_a_public_certificate_waits_for_its_records_and_is_taken_back(lab: Lab) -> None:
    connector = lab.connect()
    waiting = connector.submit(order(), "")
    assert isinstance(waiting, Pending) and waiting.state == "pending_validation"
    assert {(one.kind, one.domain) for one in waiting.actions} == {
        *(("cname", "www.example.com"), ("cname", "shop.example.com")),
    }
    assert all(one.value.endswith(".acm-validations.aws") and not one.name.endswith(".") for one in waiting.actions)
    assert connector.cancel(waiting.handle) == Rejected("the order is taken back", waiting.handle, "cancelled")
    again = connector.cancel({**waiting.handle, "ordered_at": ""})
    assert isinstance(again, Rejected) and again.state == "cancelled"


def test_a_private_certificate_comes_at_once_and_is_taken_over_by_its_arn(lab: Lab) -> None:
    connector, mine = lab.connect(ca_arn=CA), order()
    answer = connector.submit(mine, "")
    assert isinstance(answer, Issued) and answer.handle["ca"] == CA
    assert set(certificate_facts(answer.bundle.leaf).sans.dns) == set(SPEC.dns_names)
    taken = connector.adopt(str(answer.handle["order_id"]), mine, "")
    assert isinstance(taken, Issued) and taken.bundle.leaf == answer.bundle.leaf
    with pytest.raises(InputError, match="is of another order, by its tag"):
        connector.adopt(str(answer.handle["order_id"]), order(), "")
    with pytest.raises(InputError, match=r"has not b\.example\.com"):
        others = replace(SPEC, dns_names=("b.example.com",))
        connector.adopt(str(answer.handle["order_id"]), replace(mine, spec=others), "")
    with pytest.raises(InputError, match="the order is for Amazon"):
        lab.connect().adopt(str(answer.handle["order_id"]), mine, "")
    assert isinstance(connector.cancel(answer.handle), Issued), "what is issued is not deleted"


def test_the_same_order_is_one_order_and_is_found_by_its_tag(lab: Lab) -> None:
    """W5."""
    connector, mine = lab.connect(ca_arn=CA), order()
    first, second = connector.submit(mine, ""), connector.submit(mine, "")
    assert isinstance(first, Issued) and isinstance(second, Issued)
    assert first.handle["order_id"] == second.handle["order_id"]
    assert isinstance(connector.submit(order(), ""), Issued)
    found = connector.find(hours_later(replace(mine, last_sent_at=mine.at - timedelta(hours=1))), "")
    assert isinstance(found, Issued) and found.handle["order_id"] == first.handle["order_id"]
    unsent = order()
    later = hours_later(replace(unsent, last_sent_at=unsent.at - timedelta(hours=1)))
    assert isinstance(connector.find(later, ""), NotThere)


def test_an_unknown_certificate_is_told(lab: Lab) -> None:
    with pytest.raises(InputError, match="has no certificate"):
        lab.connect().adopt(f"arn:aws:acm:{REGION}:123456789012:certificate/{uuid.uuid4()}", order(), "")
