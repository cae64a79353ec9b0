# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One value among the records of a name, over the sandbox's Edge DNS. E22: the record that a CA wants to see."""

from __future__ import annotations

import re
from typing import Any

import pytest
from edgecert_sandbox.faults import SHAPES

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    ClmError,
    ConflictError,
    InputError,
    NotFoundError,
    PolicyError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._edns.base import RecordSet
from ansible_collections.edgecert.clm.plugins.module_utils._edns.client import EdgeDnsClient
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_dns import name_server_maker
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.tests.support.sandbox_client import ApiClient

from .conftest import NAME, ZONES, Records


def test_a_value_is_put_once_and_taken_away_with_its_record_set(records: Records) -> None:
    """Looked at before and after; the second call only reads."""
    planned = records.plan()
    assert planned.changed and planned.before is None
    assert records.there() == [], "planning writes nothing"
    done = planned.execute()
    wanted = {"name": NAME, "type": "TXT", "ttl": 60}
    assert done.record == planned.after == {**wanted, "device": "edge", "zone": "example.com", "contents": ["first"]}
    assert records.there() == [{**wanted, "rdata": ['"first"']}]
    assert not records.plan().changed
    records.calls()
    assert not records.plan(zone="Example.com.").changed
    assert records.calls() == ["GET TXT"], "a zone that is named is not looked for"
    assert records.put(state="absent").record is None
    assert records.there() == [] and not records.plan(state="absent").changed


def test_values_of_others_stay(records: Records) -> None:
    """Two orders prove one name at once; each takes away its own."""
    records.put(value="first", ttl=120)
    done = records.put(value="second")
    assert done.record is not None and (done.record["contents"], done.record["ttl"]) == (["first", "second"], 120)
    assert done.steps == (f"Add the value to the TXT records of {NAME} in zone example.com",)
    left = records.put(value="first", state="absent")
    assert left.record is not None and left.record["contents"] == ["second"]
    assert not records.plan(value="first", state="absent").changed


def test_what_others_wrote_is_written_back_as_it_was(records: Records) -> None:
    """Split, escaped and in letters of any language: nothing of it is ours to change."""
    theirs = ['"v=spf1 " "include:x.example -all"', r'"\195\169t\233"', '"žluť"', r'"say \"yes\""', '""']
    path = "/config-dns/v2/zones/example.com/names/example.com/types/TXT"
    body = {"name": "example.com", "type": "TXT", "ttl": 3600, "rdata": theirs}
    made = ApiClient(records.bench.sandbox).call("POST", path, body=body)
    assert made.status_code == 201, made.text
    records.put(name="example.com", value="proof")
    assert records.there()[0]["rdata"] == [*theirs, '"proof"'] and records.there()[0]["ttl"] == 3600
    records.put(name="example.com", value="proof", state="absent")
    assert records.there()[0]["rdata"] == theirs


def test_the_time_to_live_is_changed_where_it_is_asked_for_alone(records: Records) -> None:
    records.put(ttl=300)
    assert not records.plan().changed and not records.plan(ttl=300).changed
    done = records.put(ttl=30)
    assert done.record is not None and done.record["ttl"] == 30
    assert done.steps == (f"Set the TTL of the TXT records of {NAME} in zone example.com to 30 seconds",)


@pytest.mark.parametrize("value", ['say "yes" \\ no', "x" * 255, "y" * 700, "a b;c", "-"])
def test_any_text_comes_back_as_it_was_given(records: Records, value: str) -> None:
    done = records.put(value=value)
    assert done.record is not None and done.record["contents"] == [value]
    assert not records.plan(value=value).changed


def test_a_cname_has_one_target(records: Records) -> None:
    name = "_proof.www.example.com"
    done = records.put(name=name, type="CNAME", value="Target.Example.NET.")
    assert done.record is not None and done.record["contents"] == ["target.example.net"]
    assert not records.plan(name=name, type="CNAME", value="target.example.net").changed
    with pytest.raises(StateError, match=r"it is a CNAME of target\.example\.net, and a name has one alone") as caught:
        records.plan(name=name, type="CNAME", value="other.example.net")
    assert caught.value.code == "dns_name_taken"
    with pytest.raises(ClmError, match="conflicts with record sets of other types"):
        records.put(name=name, value="text beside it")
    assert records.plan(name=name, type="CNAME", value="other.example.net", state="absent").changed is False
    assert records.put(name=name, type="CNAME", value="target.example.net", state="absent").record is None


ALIAS = {"type": "CNAME", "name": NAME, "value": "www.proofs.example.org"}


def test_a_value_is_put_where_the_names_cname_leads_to_and_taken_away_there(records: Records) -> None:
    """C rows: challenges answered in another zone, as a CA sees them; the name servers of that zone are asked."""
    records.bench.sandbox.configure({"dns_zones": [*ZONES, "proofs.example.org"]})
    records.put(**ALIAS)
    records.put(name="www.proofs.example.org", type="CNAME", value="really.proofs.example.org")
    planned = records.plan(follow_cname=True)
    path = [NAME, "www.proofs.example.org"]
    assert (planned.extra["zone"], planned.extra["followed"]) == ("proofs.example.org", path)
    assert "TXT records of really.proofs.example.org in zone proofs.example.org" in planned.steps[0].sentence
    done = records.put(follow_cname=True, wait=True, name_servers=[records.bench.sandbox.name_server])
    assert done.failure is None and dict(done.record or {})["name"] == "really.proofs.example.org"
    asker = name_server_maker()
    assert asker.shown(records.bench.sandbox.name_server, NAME, "CNAME") == ("www.proofs.example.org",)
    assert not records.plan(follow_cname=True).changed
    again = records.put(follow_cname=True, value="second", zone="example.com")
    assert dict(again.record or {})["contents"] == ["first", "second"], "a zone that is named is that of the first name"
    for value in ("first", "second"):
        records.put(follow_cname=True, value=value, state="absent")
    assert [one["type"] for one in records.there()] == ["CNAME", "CNAME"], "and those stay"


def test_a_name_that_is_no_cname_takes_one_call_more(records: Records) -> None:
    records.calls()
    planned = records.plan(follow_cname=True, zone="example.com")
    assert planned.extra["followed"] == [] and records.calls() == ["GET TXT", "GET CNAME"]
    planned.execute()
    records.calls()
    records.put(follow_cname=True, zone="example.com", value="second")
    assert "GET CNAME" not in records.calls(), "where a text is, no CNAME can be"


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        ("elsewhere.example.net", "zone_not_found", f"{NAME} is a CNAME of elsewhere.example.net"),
        ("www.away.example.com", "zone_not_writable", "zone away.example.com is of type secondary"),
        (NAME, "dns_alias_loop", f"{NAME} is a CNAME of {NAME} comes to no end"),
    ],
)
def test_a_cname_that_leads_to_no_place_of_ours_is_told(records: Records, value: str, code: str, words: str) -> None:
    """Nothing is written, and the message says where it leads."""
    records.put(**{**ALIAS, "value": value})
    with pytest.raises((NotFoundError, StateError), match=re.escape(words)) as caught:
        records.plan(follow_cname=True)
    assert caught.value.code == code


def test_the_zone_is_the_longest_one(records: Records) -> None:
    done = records.put(name="_acme-challenge.shop.example.com")
    assert done.record is not None and done.record["zone"] == "shop.example.com"
    with pytest.raises(StateError, match=r"away\.example\.com is of type secondary") as wrong:
        records.plan(name="_acme-challenge.away.example.com")
    assert wrong.value.code == "zone_not_writable"
    with pytest.raises(NotFoundError, match=r"these credentials show away\.example\.com, example\.com") as missing:
        records.plan(name="_acme-challenge.notexample.com")
    assert missing.value.code == "zone_not_found"
    with pytest.raises(NotFoundError, match="check zone") as unknown:
        records.plan(name="www.example.org", zone="example.org")
    assert unknown.value.code == "zone_not_found"


def test_more_zones_than_a_page_are_all_seen(records: Records) -> None:
    zones = [f"z{number:02d}.example.com" for number in range(40)]
    records.bench.sandbox.configure({"dns_zones": zones})
    done = records.put(name="_acme-challenge.z39.example.com")
    assert done.record is not None and done.record["zone"] == "z39.example.com"
    records.calls()


def test_everything_wrong_is_told_at_once_and_nothing_is_sent(records: Records) -> None:
    with pytest.raises(InputError) as caught:
        records.plan(name="bad..name", zone="other.org", value="", ttl=0, wait_timeout=-1, name_servers=["a b"])
    assert len(caught.value.details["problems"]) == 6
    with pytest.raises(InputError, match="value 'no name' is no DNS name"):
        records.plan(type="CNAME", value="no name")
    with pytest.raises(InputError, match="printable ASCII"):
        records.plan(value="naïve")
    assert records.calls() == []


def test_a_client_without_the_grant_is_told_which(records: Records) -> None:
    records.bench.device(section="no-dns")
    with pytest.raises(AuthError, match="DNS—Zone Record Management with access level READ-WRITE") as caught:
        records.plan()
    assert caught.value.code == "missing_grant"


def test_a_client_that_may_only_read_is_told_at_the_write(records: Records) -> None:
    records.bench.again(section="readonly", validate=False, discover="none").execute()
    with pytest.raises(AuthError, match="DNS—Zone Record Management"):
        records.put()
    assert records.there() == []


def test_a_device_that_is_only_looked_at_writes_no_record(records: Records) -> None:
    """D5."""
    records.bench.device(cert_sync="monitored")
    with pytest.raises(PolicyError):
        records.plan(device="edge")


def test_each_change_is_on_record(records: Records) -> None:
    records.put()
    records.put()
    records.put(state="absent")
    with records.bench.store.read() as unit:
        rows = list(unit.audit_rows(noun="dns_record"))
    assert [(row.entry.action, row.entry.key) for row in rows] == [
        ("dns_value_added", NAME),
        ("dns_value_removed", NAME),
    ]
    assert rows[0].entry.after is not None and rows[0].entry.after["contents"] == ["first"]


WRITES = r"/names/.*/types/TXT"
# What CPS alone knows, and what spoils an answer to a read and not to a write.
_KINDS = [shape for shape in SHAPES if shape["kind"] not in ("stale",)]


@pytest.mark.parametrize("shape", _KINDS, ids=lambda shape: "-".join(str(word) for word in shape.values()))
@pytest.mark.parametrize("before", ["nothing", "others"])
def test_a_fault_at_the_write_leaves_no_doubt(records: Records, shape: dict[str, Any], before: str) -> None:
    """The value is there in the end, once, whatever befell the call; or the error is one to act on."""
    method = "POST" if before == "nothing" else "PUT"
    if before == "others":
        records.put(value="of another")
    order = {name: value for name, value in shape.items() if name != "kind"}
    records.bench.sandbox.fault(shape["kind"], method=method, path=WRITES, **order)
    try:
        records.put()
    except ClmError as exc:
        assert exc.code != "clm_error" and exc.message.startswith("Cannot ")
        records.bench.sandbox.clear_faults()
        records.put()
    [record] = records.there()
    assert record["rdata"] == (['"of another"', '"first"'] if before == "others" else ['"first"'])


def test_a_lost_answer_is_looked_for_and_is_on_record(records: Records) -> None:
    """Nothing twice: the records tell what came of the write."""
    records.bench.sandbox.fault("lost_after", method="POST", path=WRITES)
    records.put()
    assert records.calls().count("POST TXT") == 1
    with records.bench.store.read() as unit:
        assert [row.entry.action for row in unit.audit_rows(noun="dns_record")] == ["dns_value_added"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_write_is_on_record_though_it_cannot_be_read_back(records: Records, state: str) -> None:
    """The next run finds nothing to do, and would note nothing."""
    records.put(value="of another")
    if state == "absent":
        records.put()
    planned = records.plan(state=state)
    # The one read before the write goes well.
    records.bench.sandbox.fault("forbidden", method="GET", path=WRITES, nth=2, times=0)
    with pytest.raises(AuthError):
        planned.execute()
    records.bench.sandbox.clear_faults()
    assert not records.plan(state=state).changed
    with records.bench.store.read() as unit:
        last = list(unit.audit_rows(noun="dns_record"))[-1].entry
    assert last.action == ("dns_value_added" if state == "present" else "dns_value_removed")
    contents = [sorted(side["contents"]) if side else [] for side in (last.before, last.after)]
    both, other = ["first", "of another"], ["of another"]
    assert contents == ([other, both] if state == "present" else [both, other])


def test_a_write_whose_answer_is_lost_and_that_cannot_be_read_back_is_not_on_record(records: Records) -> None:
    """Nobody knows whether it was made."""
    planned = records.plan()
    records.bench.sandbox.fault("server_error", method="POST", path=WRITES, status=500)
    records.bench.sandbox.fault("forbidden", method="GET", path=WRITES, nth=2, times=0)
    with pytest.raises(AuthError):
        planned.execute()
    records.bench.sandbox.clear_faults()
    with records.bench.store.read() as unit:
        assert not list(unit.audit_rows(noun="dns_record"))


def test_who_makes_the_record_set_in_between_keeps_his_value(records: Records) -> None:
    """Another store, or a person, was quicker: 409, or a replaced set."""
    planned = records.plan(value="mine")
    records.put(value="theirs")
    assert planned.execute().record is not None
    [record] = records.there()
    assert sorted(record["rdata"]) == ['"mine"', '"theirs"']


@pytest.mark.parametrize(("kind", "method", "before"), [("conflict", "POST", ""), ("not_found", "PUT", "of another")])
def test_a_record_set_that_came_or_went_meanwhile_is_looked_at_again(
    records: Records, kind: str, method: str, before: str
) -> None:
    """Between the read and the write somebody made it, or took it away."""
    if before:
        records.put(value=before)
    records.bench.sandbox.fault(kind, method=method, path=WRITES)
    assert records.put().record is not None
    assert records.calls().count(f"{method} TXT") >= 2


def test_what_another_run_did_since_planning_is_not_on_record_twice(records: Records) -> None:
    planned = [records.plan(), records.plan()]
    for plan in planned:
        plan.execute()
    with records.bench.store.read() as unit:
        assert len(list(unit.audit_rows(noun="dns_record"))) == 1
    assert records.calls().count("POST TXT") == 1


def test_who_takes_the_records_away_each_time_is_told(records: Records) -> None:
    records.bench.sandbox.fault("conflict", method="POST", path=WRITES, times=0)
    with pytest.raises(ConflictError) as caught:
        records.put()
    assert caught.value.retryable and records.there() == []
    records.bench.sandbox.clear_faults()


def test_runs_at_the_same_name_take_turns(records: Records) -> None:
    """A lease in the store: a run that is at it is waited for."""
    bench = records.bench
    other = open_store(bench.url, bench.key, bench.clock, "other")
    planned = records.plan(value="second")
    with other.lease(f"dns/example.com/{NAME}", 20.0):
        before = len(bench.clock.slept)
        planned.execute()
    assert 19 <= len(bench.clock.slept) - before <= 22, "it took over when the lease had run out"


def test_waiting_ends_when_every_server_shows_it(records: Records) -> None:
    sandbox, clock = records.bench.sandbox, records.bench.clock
    sandbox.configure({"dns_lag_s": 30})
    before = clock.ahead_s
    done = records.put(wait=True, name_servers=[sandbox.name_server])
    assert done.failure is None and 25 <= clock.ahead_s - before <= 40
    assert done.extra["name_servers"] == [{"name_server": sandbox.name_server, "shows": True, "message": ""}]
    again = records.put(wait=True, name_servers=[sandbox.name_server])
    assert again.failure is None and not again.steps


def test_a_server_that_never_shows_it_fails_the_call_and_the_record_stays(records: Records) -> None:
    sandbox = records.bench.sandbox
    sandbox.configure({"dns_lag_s": 3000})
    done = records.put(wait=True, wait_timeout=20, name_servers=[sandbox.name_server, "nowhere.invalid"])
    assert done.failure is not None and done.failure.code == "not_published" and done.failure.retryable
    assert "shows 0 values" in done.failure.message and "does not resolve" in done.failure.message
    assert [record["name"] for record in records.there()] == [NAME]


def test_the_zones_own_servers_are_asked_unless_others_are_named(records: Records) -> None:
    done = records.put(wait=True, wait_timeout=0)
    assert done.failure is not None
    assert [one["name_server"] for one in done.extra["name_servers"]] == ["a1-64.akam.example", "a2-65.akam.example"]


def test_a_zone_without_name_servers_is_told_with_what_to_give(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zone that is not delegated yet; the sandbox's always are."""
    find = EdgeDnsClient.find

    def found(client: EdgeDnsClient, zone: str, name: str, kind: str) -> RecordSet | None:
        return None if kind == "NS" else find(client, zone, name, kind)

    monkeypatch.setattr(EdgeDnsClient, "find", found)
    with pytest.raises(NotFoundError, match="give name_servers") as caught:
        records.put(wait=True)
    assert caught.value.code == "no_name_servers"
