# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was enrolled elsewhere is taken over, and lives on from here as if it had been enrolled here (U3, D5, E3)."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, PolicyError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate
from ansible_collections.edgecert.clm.tests.support.flow import Account, Bench


class Elsewhere:
    """A certificate on production that another installation enrolled, and a store that has only discovered it."""

    def __init__(self, theirs: Bench, ours: Bench, **changes: Any) -> None:
        theirs.issued(**changes)
        theirs.push(network="production")
        self.name = theirs.name()
        ours.contract = theirs.contract
        ours.prepare()
        ours.again(discover="full").execute()
        ours.calls()
        self.ours, self.theirs = ours, theirs

    @property
    def certificate(self) -> Certificate:
        """Read the one there is."""
        with self.ours.store.read() as unit:
            [found] = unit.certificates.find()
        return found

    def certificate_now(self, before: Certificate) -> Certificate:
        """Read the one of that id, with a superseded one beside it."""
        with self.ours.store.read() as unit:
            found = unit.certificates.get(before.certificate_id)
        assert found is not None
        return found

    def adopt(self, **changes: Any) -> Any:
        """Take it over."""
        given = {"ca": "house", **changes}
        return self.ours.enroll_action("adopt", self.certificate.certificate_id, **given).record

    def renewed(self, **changes: Any) -> Any:
        """Have it renewed, whatever its age."""
        given = {"force": True, "wait": True, "wait_timeout": 900, **changes}
        return self.ours.enroll_action("renew", self.certificate.certificate_id, **given).record


@pytest.fixture
def theirs(account: Account, tmp_path: pathlib.Path) -> Iterator[Bench]:
    folder = tmp_path / "theirs"
    folder.mkdir()
    made = Bench(account, folder)
    yield made
    made.close()


@pytest.fixture
def elsewhere(theirs: Bench, bench: Bench) -> Elsewhere:
    return Elsewhere(theirs, bench, key_type="rsa")


def test_it_is_taken_over_with_one_question_and_nothing_sent(elsewhere: Elsewhere) -> None:
    before = elsewhere.certificate
    assert (before.origin, before.request_id) == ("discovered", "")
    made = elsewhere.adopt(auto_renew={"enabled": True, "days_before": 30}, comment="ours from now on")
    assert (made["action"], made["state"], made["enrollment_id"]) == ("adopt", "issued", before.enrollment_id)
    assert made["wish"]["organization"] == "Example GmbH" and made["wish"]["key_type"] == "rsa"
    [(method, path)] = elsewhere.ours.calls()
    assert method == "GET" and path.endswith(f"/enrollments/{before.enrollment_id}")
    after = elsewhere.certificate
    assert (after.origin, after.ca, after.fingerprint) == ("enrolled", "house", before.fingerprint)
    assert after.auto_renew["enabled"] and "certificate_adopted" in elsewhere.ours.audit()
    assert elsewhere.adopt()["request_id"] == made["request_id"] and elsewhere.ours.calls() == []


@pytest.mark.parametrize(("state", "renewal"), [("revoked", "regenerate"), ("suspended", "renew")])
def test_what_its_ca_revoked_or_has_on_hold_is_taken_over_to_be_replaced(
    elsewhere: Elsewhere, state: str, renewal: str
) -> None:
    """E4: it stays what it is until there is another one."""
    found = elsewhere.certificate
    with elsewhere.ours.store.write() as unit:
        unit.certificates.put(replace(found, state=state, revocation={found.fingerprint: {"state": state}}))
    elsewhere.adopt()
    assert (elsewhere.certificate.origin, elsewhere.certificate.state) == ("enrolled", state)
    given = {"force": True, "wait": True, "wait_timeout": 900}
    made = elsewhere.ours.enroll_action(renewal, found.certificate_id, **given).record
    assert made is not None and made["state"] == "issued" and elsewhere.certificate_now(found).state == "issued"


def test_a_second_call_that_says_otherwise_is_refused_and_not_taken_for_done(elsewhere: Elsewhere) -> None:
    wanted = {"auto_renew": {"enabled": True, "days_before": 30}, "attributes": {"team": "edge"}}
    first = elsewhere.adopt(**wanted)
    assert elsewhere.adopt(**wanted)["request_id"] == first["request_id"]
    with pytest.raises(InputError, match="with another auto_renew: .*action: enroll"):
        elsewhere.adopt(auto_renew={"enabled": False})
    elsewhere.ours.group("shop")
    with pytest.raises(InputError, match="with another group"):
        elsewhere.adopt(group="shop")


def test_it_is_renewed_in_place_and_pushed_to_production(elsewhere: Elsewhere) -> None:
    """U3: no second enrollment, and what production serves is ours in the end."""
    old = elsewhere.certificate
    elsewhere.adopt()
    made = elsewhere.renewed()
    assert made["state"] == "issued" and made["enrollment_id"] == old.enrollment_id
    elsewhere.ours.connector(certificate=old.certificate_id)
    order = elsewhere.ours.push(certificate=old.certificate_id, network="production").record
    assert order is not None and order["state"] == "completed"
    new = elsewhere.certificate_now(old)
    assert new.production["fingerprint"] == new.fingerprint != old.fingerprint
    assert len(elsewhere.ours.enrollments()) == 1


def test_it_renews_by_itself_when_it_is_due(elsewhere: Elsewhere) -> None:
    """E3: its window counts from when it began, which only the certificate itself tells."""
    old = elsewhere.certificate
    elsewhere.adopt(auto_renew={"enabled": True, "days_before": 89})
    elsewhere.ours.advance(31 * 86400.0)
    done = elsewhere.ours.run_due(until=to_text(elsewhere.ours.clock.now() + timedelta(minutes=20)))
    assert [one["kind"] for one in done["done"]][:1] == ["renewals"], done
    assert elsewhere.certificate_now(old).ca == "house"


def test_a_dual_stack_is_taken_over_as_one(theirs: Bench, bench: Bench) -> None:
    """E10."""
    elsewhere = Elsewhere(theirs, bench, dual_stack=True)
    made = elsewhere.adopt()
    assert made["wish"]["dual_stack"] and set(made["fingerprints"]) == {"RSA", "ECDSA"}
    again = elsewhere.renewed()
    assert set(again["fingerprints"]) == {"RSA", "ECDSA"}


def test_until_it_is_renewed_there_is_nothing_to_push_or_to_revoke(elsewhere: Elsewhere) -> None:
    elsewhere.adopt()
    name = elsewhere.certificate.certificate_id
    elsewhere.ours.connector(certificate=name)
    with pytest.raises(StateError, match="taken over as production has it") as caught:
        elsewhere.ours.push(certificate=name)
    assert caught.value.code == "certificate_not_issued"
    with pytest.raises(StateError, match="its CA account is not known"):
        elsewhere.ours.enroll_action("revoke", name)


def test_what_cannot_be_taken_over_is_refused_with_the_reason(elsewhere: Elsewhere) -> None:
    """D5: nothing is asked of CPS before all of it is looked at."""
    name = elsewhere.certificate.certificate_id
    with pytest.raises(InputError, match="key_type goes not with action: adopt"):
        elsewhere.adopt(key_type="ec")
    with pytest.raises(InputError, match="ca is missing"):
        elsewhere.adopt(ca=None)
    elsewhere.ours.again(cert_sync="monitored", discover="none").execute()
    elsewhere.ours.calls()
    with pytest.raises(PolicyError) as caught:
        elsewhere.adopt()
    assert caught.value.code == "device_not_managed" and elsewhere.ours.calls() == []
    with elsewhere.ours.store.write() as unit:
        stored = unit.certificates.get(name)
        assert stored is not None
        unit.certificates.put(replace(stored, validation_type="ov"))
    with pytest.raises(StateError, match="CPS has signed and renews by itself") as told:
        elsewhere.adopt()
    assert told.value.code == "not_third_party"


def test_what_is_not_live_is_refused(theirs: Bench, bench: Bench) -> None:
    """U3: a renewal follows what production serves."""
    theirs.issued()
    bench.contract = theirs.contract
    bench.prepare()
    bench.again(discover="full").execute()
    with bench.store.read() as unit:
        [found] = unit.certificates.find()
    with pytest.raises(StateError, match="production serves no certificate of it") as caught:
        bench.enroll_action("adopt", found.certificate_id, ca="house")
    assert caught.value.code == "certificate_not_live"
