# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes after an edit, an addition or a way back: renewals by themselves, rollbacks, drafts, discoveries."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    InputError,
    PolicyError,
    RemoteError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.models import EnrollmentStatus
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_live import identity, live_devices
from ansible_collections.edgecert.clm.tests.support.editing import Edited
from ansible_collections.edgecert.clm.tests.support.flow import CONTACT, Bench

DAY_S = 86_400
GRACE = {**CONTACT, "first_name": "Grace"}


def snapshots(bench: Bench) -> int:
    """Count them."""
    return bench.records()["snapshots"]


def test_an_edit_that_was_cancelled_stops_no_renewal(bench: Bench) -> None:
    """E3: nobody wanted to stop renewing."""
    bench.issued(auto_renew={"enabled": True, "days_before": 30}, validity={"count": 90, "unit": "days"})
    bench.push(network="production")
    shop = {"dns": [bench.name("shop")]}
    edit = bench.enroll(action="regenerate", ca=None, submit=False, subject_alternative_names=shop).record
    assert edit is not None
    bench.act("tester", "cancel", request_id=edit["request_id"])
    bench.clock.sleep(65 * DAY_S)
    report = bench.run_due(only=["renewals"])
    assert report["failures"] == [] and [entry["kind"] for entry in report["done"]] == ["renewals"]


def test_an_edit_that_was_rolled_back_is_not_what_the_certificate_stands_for(bench: Bench) -> None:
    """E9: the same enrolment as before changes nothing; that of the edit is something else."""
    edited = Edited(bench)
    names = (edited.www, edited.api, edited.old)
    old, new = edited.sans(*names), edited.sans(*names, bench.name("shop"))
    edited.edit(ca=None, subject_alternative_names=new)
    bench.push(network="staging")
    bench.push(action="rollback", network="staging")
    plan = bench.plan_enroll(subject_alternative_names=old)
    assert not plan.changed
    with pytest.raises(StateError) as caught:
        bench.plan_enroll(subject_alternative_names=new)
    assert caught.value.code == "already_enrolled"


def test_a_discovery_while_an_edit_is_open_leaves_the_certificate_its_names(bench: Bench) -> None:
    """D7: the enrollment has the names of the change, the certificate those it was issued for."""
    edited = Edited(bench)
    names = (edited.www, edited.api, edited.old)
    wanted = edited.sans(*names, bench.name("shop"))
    bench.enroll(action="regenerate", ca=None, wait=False, subject_alternative_names=wanted)
    bench.again().execute()
    [line] = bench.certificates()
    assert sorted(line["sans"]) == sorted(names)
    issued = bench.enroll(action="regenerate", ca=None).record
    assert issued is not None and issued["state"] == "issued"
    with bench.store.read() as unit:
        [parent] = unit.certificates.find(state="superseded")
    assert sorted(parent.sans) == sorted(names)


def test_going_back_to_a_snapshot_goes_back_to_its_kind_of_key(bench: Bench) -> None:
    """E10, U5: an RSA certificate was there before the ECDSA one."""
    bench.issued()
    bench.push(network="production")
    for key_type in ("ec", None):
        back = {} if key_type else {"from_snapshot": "previous"}
        made = bench.enroll(action="regenerate", ca=None, key_type=key_type, **back).record
        assert made is not None and made["state"] == "issued"
        assert list(made["csrs"]) == (["ECDSA"] if key_type else ["RSA"])
        bench.push(network="production")


def test_a_draft_that_is_submitted_keeps_what_it_says_and_its_calls_are_foretold(bench: Bench) -> None:
    """E22, W2."""
    edited = Edited(bench)
    draft = edited.edit(submit=False, force=True, ca=None, manual_implementation=True).record
    assert draft is not None and draft["state"] == "draft"
    waiting = edited.edit(ca=None).record
    assert waiting is not None and waiting["manual_implementation"] and waiting["state"] == "approved"
    bench.act("tester", "cancel", request_id=waiting["request_id"])
    edited.edit(submit=False, force=True, ca=None)
    plan = edited.plan(ca=None)
    told = plan.extra["prediction"]["calls"]
    plan.execute()
    assert told["at_least"] <= edited.meter.calls() <= told["at_most"]


def test_contacts_alone_are_sent_at_once_or_not_at_all(bench: Bench) -> None:
    """S2 to S4: what has no request cannot wait, be attached to, or change what a request says."""
    edited = Edited(bench)
    bench.settings(admin_contact=GRACE)
    later = to_text(bench.clock.now() + timedelta(days=2))
    wanted: list[dict[str, Any]] = [{"schedule_at": later}, {"manual_implementation": True}]
    for options in wanted:
        with pytest.raises(PolicyError) as caught:
            edited.plan(take_settings=True, ca=None, **options)
        assert caught.value.code == "sent_at_once"
    with pytest.raises(InputError, match="attachments go with a request"):
        attached = [{"name": "a.txt", "content": "x", "state": "present"}]
        edited.plan(take_settings=True, ca=None, attachments=attached)
    before = snapshots(bench)
    plan = edited.plan(take_settings=True, ca=None, description="hello", validity={"count": 30, "unit": "days"})
    assert plan.before is not None and plan.after is not None
    foretold = {name for name, value in plan.after["wish"].items() if plan.before["wish"].get(name) != value}
    assert foretold == {"settings"}
    plan.execute()
    assert edited.live()["adminContact"]["firstName"] == "Grace" and snapshots(bench) == before + 1


def test_a_change_that_cps_opens_for_contacts_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3, cps-protocol §5.4: it takes them without one; where it does not, nobody here follows that change."""
    edited = Edited(bench)
    bench.settings(admin_contact=GRACE)
    update = CpsClient.update_enrollment

    def opened(client: CpsClient, *given: Any, **flags: Any) -> EnrollmentStatus:
        return replace(update(client, *given, **flags), change_ids=(4711,), http_status=202)

    monkeypatch.setattr(CpsClient, "update_enrollment", opened)
    with pytest.raises(RemoteError, match="CPS opened change 4711 for it; look at it in Akamai") as caught:
        edited.edit(take_settings=True, ca=None)
    assert caught.value.code == "change_opened"


def test_contacts_are_not_passed_over_beside_a_renewal_that_is_open(bench: Bench) -> None:
    edited = Edited(bench)
    edited.edit(ca=None, force=True, manual_implementation=True)
    bench.settings(admin_contact=GRACE)
    with pytest.raises(StateError, match="take_settings"):
        edited.plan(ca=None, take_settings=True)


def test_two_credentials_are_two_lists_of_certificates() -> None:
    """V3: a cache of one account's certificates is not for another one."""
    host, other = "akab-aaa.luna.akamaiapis.net", "akab-bbb.luna.akamaiapis.net"
    environment = {"AKAMAI_HOST": host, "AKAMAI_CLIENT_TOKEN": "a", "AKAMAI_CLIENT_SECRET": "x"}
    environment["AKAMAI_ACCESS_TOKEN"] = "b"
    first = identity(live_devices([], environment)[0], environment)
    second = {**environment, "AKAMAI_HOST": other}
    assert identity(live_devices([], second)[0], second) != first
    inline = [
        live_devices(
            [{"name": "x", "host": host, "client_token": token, "client_secret": token, "access_token": token}], {}
        )[0]
        for token in ("token-of-a", "token-of-b")
    ]
    told = [identity(device, {}) for device in inline]
    assert told[0] != told[1] and "token-of-a" not in str(told[0])
