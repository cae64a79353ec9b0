# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Organization and contacts of a live enrollment: changed at once, or along with a new certificate."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ConflictError, PolicyError, RemoteError
from ansible_collections.edgecert.clm.tests.support.editing import Edited
from ansible_collections.edgecert.clm.tests.support.flow import CONTACT, ORGANIZATION, Bench

PUT = "/cps/v2/enrollments/"


@pytest.fixture
def edited(bench: Bench) -> Edited:
    bench.sandbox.configure({"property_hostnames": [], "san_removal_review": ""})
    return Edited(bench)


def save(one: Edited, **contact: str) -> None:
    """Save another admin contact with the vendor settings."""
    one.bench.settings(admin_contact={**CONTACT, "first_name": "Grace", **contact})


def test_a_contact_is_changed_at_once_and_nothing_else(edited: Edited) -> None:
    """S3, cps-protocol §2.3: three calls as foretold, no change at CPS, no request, no CSR, no order, no push."""
    save(edited)
    assert not edited.plan().changed, "saved settings are for new enrollments unless they are asked for"
    before, records = dict(edited.live()), edited.bench.records()
    foretold = edited.plan(take_settings=True)
    told = foretold.extra["prediction"]
    assert edited.puts() == [] and told["outcome"] == "metadata"
    assert told["calls"] == {"at_least": 3, "at_most": 3, "is_exact": True}
    assert (told["csrs"], told["ca_orders"], told["networks"], told["approvals"]) == ([], 0, [], [])
    assert set(told["edits"]["changed"]) == {"settings.admin_contact"}
    plan = edited.plan(take_settings=True)
    done = plan.execute()
    assert plan.extra["prediction"] == told and len(edited.bench.sandbox.calls()) == 3
    assert edited.puts() == [""] and edited.pending() == []
    contact = {**before["adminContact"], "firstName": "Grace"}
    assert edited.live() == {**before, "adminContact": contact}
    assert done.steps[0].startswith("Change admin_contact of enrollment")
    assert done.record is not None and done.record["state"] == "issued"
    assert done.record["wish"]["settings"]["admin_contact"]["first_name"] == "Grace"
    assert edited.bench.records()["requests"] == records["requests"]
    assert edited.bench.audit()[-1] == "enrollment_amended"
    again = edited.plan(take_settings=True)
    assert not again.changed and edited.bench.calls() == []


def test_a_part_that_goes_is_cleared_and_parts_of_others_stay(edited: Edited) -> None:
    """S2: the title that somebody set at Control Center is not ours to clear."""
    raw = edited.live()
    edited.client.update_enrollment(int(raw["id"]), {**raw, "adminContact": {**raw["adminContact"], "title": "Dr"}})
    edited.bench.settings(
        organization={**ORGANIZATION, "city": "Bonn"}, admin_contact={**CONTACT, "phone": "+49 228 1"}
    )
    edited.bench.settings(
        organization={**ORGANIZATION, "city": "Bonn"}, admin_contact={**CONTACT, "phone": "+49 228 12345"}
    )
    edited.edit(take_settings=True)
    contact, org = edited.live()["adminContact"], edited.live()["org"]
    assert (contact["title"], contact["phone"], org["city"], org["name"]) == (
        "Dr",
        "+49 228 12345",
        "Bonn",
        "Example GmbH",
    )


@pytest.mark.parametrize("options", [{"force": True}, {"organization": "Other GmbH"}], ids=["forced", "with an edit"])
def test_contacts_go_along_with_a_new_certificate_in_one_update(edited: Edited, options: dict[str, Any]) -> None:
    """S3, E9: one write, one change."""
    save(edited)
    done = edited.edit(take_settings=True, **options)
    assert done.record is not None and done.record["state"] == "issued"
    assert len(edited.puts()) == 1 and len(edited.pending()) == 1
    assert edited.live()["adminContact"]["firstName"] == "Grace"


@pytest.mark.parametrize("kind", ["lost_after", "lost_before", "server_error"])
def test_a_lost_reply_is_looked_for_before_anything_is_sent_again(edited: Edited, kind: str) -> None:
    """W5: what is at CPS already is put on record and not sent once more; the calls are foretold for that too."""
    save(edited)
    edited.bench.sandbox.fault(kind, method="PUT", path=PUT)
    with pytest.raises(RemoteError):
        edited.edit(take_settings=True)
    sent = len(edited.puts())
    is_there = edited.live()["adminContact"]["firstName"] == "Grace"
    plan = edited.plan(take_settings=True)
    plan.execute()
    assert len(edited.bench.sandbox.calls()) == plan.extra["prediction"]["calls"]["at_most"]
    assert (sent, len(edited.puts())) == (1, 0 if is_there else 1)
    assert edited.live()["adminContact"]["firstName"] == "Grace"
    assert not edited.plan(take_settings=True).changed
    with edited.bench.store.read() as unit:
        assert unit.intents.find(finished_at=None) == []


def test_a_change_that_is_open_keeps_contacts_as_they_are(edited: Edited) -> None:
    """cps-protocol §3.7, §5.5: CPS takes no update beside it, and it is not cancelled."""
    edited.edit(force=True)
    save(edited)
    with pytest.raises(ConflictError) as caught:
        edited.edit(take_settings=True)
    assert caught.value.code == "change_pending" and edited.puts() == [] and edited.pending() == ["renewal"]


def test_a_group_that_wants_approvals_has_no_contacts_changed_without(edited: Edited) -> None:
    """W2: there is no request that could be approved; with a certificate there is."""
    edited.bench.group(approvals={"enroll": 1, "push": 0})
    save(edited)
    with pytest.raises(PolicyError) as caught:
        edited.edit(take_settings=True)
    assert caught.value.code == "approval_needed" and edited.bench.calls() == []
    done = edited.edit(take_settings=True, force=True)
    assert done.record is not None and done.record["state"] == "submitted"


def test_contacts_that_come_back_with_a_snapshot_are_those_kept_here(edited: Edited) -> None:
    """U5, S3: what is stored with the certificate is what CPS has, and the next renewal leaves it so."""
    before = dict(edited.live())
    edited.bench.settings(
        organization={**ORGANIZATION, "address_line_two": "Hof"}, admin_contact={**CONTACT, "first_name": "Grace"}
    )
    edited.edit(take_settings=True, force=True)
    assert dict(edited.bench.push(network="production").record or {})["state"] == "completed"
    assert edited.live()["adminContact"]["firstName"] == "Grace"
    done = edited.edit(from_snapshot="previous")
    assert done.record is not None and done.record["state"] == "issued"
    kept = done.record["wish"]["settings"]
    assert kept["admin_contact"]["first_name"] == "Ada" and not kept["organization"].get("address_line_two")
    assert {name: edited.live()[name] for name in ("adminContact", "org")} == {
        name: before[name] for name in ("adminContact", "org")
    }
    assert dict(edited.bench.push(network="production").record or {})["state"] == "completed"
    taken = edited.plan(take_settings=True, force=True)
    assert "settings.admin_contact" in taken.extra["prediction"]["edits"]["changed"], "seen as the difference it is"
    edited.edit(force=True)
    assert edited.live()["adminContact"] == before["adminContact"]
