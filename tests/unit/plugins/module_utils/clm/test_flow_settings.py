# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Vendor settings and CA accounts: saved, kept, refused. No traffic but where a sandbox has to be asked."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import ca_accounts
from ansible_collections.edgecert.clm.plugins.module_utils._clm import settings as vendor
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, StateError
from ansible_collections.edgecert.clm.tests.support.flow import CONTACT, ORGANIZATION, Bench


def test_settings_are_saved_once_kept_and_changed(bench: Bench) -> None:
    """S1: upsert by combination, defaults third-party, standard TLS, third-party."""
    record = bench.settings().record
    assert record is not None
    key = ("validation_type", "secure_network", "vendor_certificate_type")
    assert tuple(record[name] for name in key) == ("third-party", "standard-tls", "third-party")
    assert not vendor.plan(bench.settings_params(), bench.ports).changed
    assert not vendor.plan({"state": "present"}, bench.ports).changed
    plan = vendor.plan({"state": "present", "organization": {"city": "Hamburg"}}, bench.ports)
    assert plan.before is not None and plan.before["organization"]["city"] == "Berlin"
    changed = plan.execute().record
    assert changed is not None and changed["organization"] == {**ORGANIZATION, "city": "Hamburg"}
    gone = {"state": "absent"}
    assert vendor.plan(gone, bench.ports).execute().record is None
    assert not vendor.plan(gone, bench.ports).changed
    assert bench.audit() == ["vendor_settings_saved", "vendor_settings_changed", "vendor_settings_removed"]


SPELLINGS = [
    ({"validation_type": "Third-party"}, ("third-party", "standard-tls", "third-party")),
    (
        {"validation_type": "third party", "secure_network": "Standard TLS"},
        ("third-party", "standard-tls", "third-party"),
    ),
    ({"secure_network": "Enhanced TLS"}, ("third-party", "enhanced-tls", "third-party")),
    ({"secure_network": "ENHANCED_TLS"}, ("third-party", "enhanced-tls", "third-party")),
]


@pytest.mark.parametrize(("words", "key"), SPELLINGS, ids=[str(s[0]) for s in SPELLINGS])
def test_friendly_spellings_mean_the_words_of_cps(words: dict[str, str], key: tuple[str, ...]) -> None:
    """S1."""
    assert vendor.combination(words) == key


BAD_KEYS = [
    {"validation_type": "weird"},
    {"secure_network": "tls"},
    {"vendor_certificate_type": "platinum"},
    {"validation_type": "third-party", "vendor_certificate_type": "wildcard"},
]


@pytest.mark.parametrize("words", BAD_KEYS, ids=str)
def test_a_combination_cps_does_not_have_is_refused_with_what_there_is(bench: Bench, words: dict[str, str]) -> None:
    """S1."""
    with pytest.raises(InputError, match="none of|it has"):
        vendor.plan(bench.settings_params(**words), bench.ports)


BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"organization": {**ORGANIZATION, "country": "Germany"}}, ["organization.country"]),
    ({"organization": {**ORGANIZATION, "country": "XX"}}, ["organization.country"]),
    ({"organization": {**ORGANIZATION, "phone": "call me"}}, ["organization.phone"]),
    ({"admin_contact": {**CONTACT, "email": "nobody"}}, ["admin_contact.email"]),
    ({"tech_contact": {**CONTACT, "phone": "x"}}, ["tech_contact.phone"]),
    ({"network": {"sni_only": False}}, ["sni_only"]),
    ({"network": {"clone_dns_names": False}}, ["clone_dns_names"]),
    ({"network": {"clone_dns_names": False, "dns_names": ["not ok"]}}, ["dns_names"]),
    ({"network": {"clone_dns_names": True, "dns_names": ["a.example.com"]}}, ["clone_dns_names", "dns_names"]),
    ({"network": {"disallowed_tls_versions": ["TLSv9"]}}, ["disallowed_tls_versions"]),
    ({"secure_network": "enhanced-tls", "network": {"sni_only": False, "clone_dns_names": True}}, ["clone_dns_names"]),
]


@pytest.mark.parametrize(("changes", "words"), BAD, ids=[str(b[0])[:60] for b in BAD])
def test_settings_that_cannot_be_are_refused(bench: Bench, changes: dict[str, Any], words: list[str]) -> None:
    """S2, S3, S4."""
    with pytest.raises(InputError) as caught:
        bench.settings(**changes)
    assert len(caught.value.details["problems"]) == 1
    assert all(word in caught.value.message for word in words)
    assert bench.records()["vendor_settings"] == 0


@pytest.mark.parametrize("noun", ["organization", "admin_contact", "tech_contact"])
def test_every_member_is_mandatory(bench: Bench, noun: str) -> None:
    """S2, S3, S4: each missing or empty one is named, all at once."""
    members = list(ORGANIZATION if noun == "organization" else CONTACT)
    for given_value in ({}, dict.fromkeys(members, ""), dict.fromkeys(members), dict.fromkeys(members, " \t ")):
        with pytest.raises(InputError) as caught:
            bench.settings(**{noun: given_value})
        assert [problem.split()[0] for problem in caught.value.details["problems"]] == [f"{noun}.{m}" for m in members]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.dictionaries(st.sampled_from(list(ORGANIZATION)), st.text(max_size=20)),
    network=st.fixed_dictionaries(
        {},
        optional={
            "sni_only": st.booleans(),
            "dns_names": st.lists(st.text(max_size=8), max_size=2),
            "disallowed_tls_versions": st.lists(st.text(max_size=8), max_size=2),
            "clone_dns_names": st.booleans(),
        },
    ),
)
def test_whatever_is_typed_is_saved_or_refused(bench: Bench, values: dict[str, str], network: dict[str, Any]) -> None:
    """S2: no input makes a traceback."""
    params = bench.settings_params(organization={**ORGANIZATION, **values}, network=network)
    try:
        assert vendor.plan(params, bench.ports).changed
    except InputError as exc:
        assert exc.details["problems"]


def test_dns_names_that_are_named_are_the_ones_served(bench: Bench) -> None:
    """S1: CPS ignores the names while it clones; naming some means not to clone, an empty list to clone again."""
    record = bench.settings(network={"dns_names": ["b.example.com", "A.example.com"]}).record
    assert record is not None
    assert record["network"] == {"clone_dns_names": False, "dns_names": ["a.example.com", "b.example.com"]}
    with pytest.raises(InputError, match="leave out one of the two"):
        vendor.plan({"state": "present", "network": {"clone_dns_names": True}}, bench.ports)
    cleared = vendor.plan({"state": "present", "network": {"dns_names": []}}, bench.ports).execute().record
    assert cleared is not None and cleared["network"] == {"dns_names": []}


def test_the_order_of_what_is_a_set_is_no_change(bench: Bench) -> None:
    """S1, style §6: lists that are sets are compared as sets."""
    network = {"disallowed_tls_versions": ["TLSv1_1", "TLSv1"], "dns_names": ["b.example.com", "a.example.com"]}
    bench.settings(network=network)
    turned = {name: value[::-1] for name, value in network.items()}
    assert not vendor.plan(bench.settings_params(network=turned), bench.ports).changed


def test_blank_edges_of_what_is_typed_are_no_change(bench: Bench) -> None:
    """S2."""
    bench.settings()
    padded = {name: f" {value} " for name, value in ORGANIZATION.items()}
    assert not vendor.plan(bench.settings_params(organization=padded), bench.ports).changed


def test_a_tech_contact_outside_akamai_is_a_warning(bench: Bench) -> None:
    """S4."""
    assert bench.settings(tech_contact=CONTACT).extra["warnings_found"]
    assert bench.settings().extra["warnings_found"] == []


# -- CA accounts ---------------------------------------------------------------------------------------------------


def test_an_own_ca_is_made_once_and_kept(bench: Bench) -> None:
    """C: the CA is the same after any number of calls, and its keys are nowhere to be seen."""
    first = bench.ca()
    assert first.record is not None and first.record["secrets_set"]
    certificate = first.record["options"]["certificate"]
    plan = bench.plan_ca()
    assert not plan.changed and plan.after is not None and plan.after["options"]["certificate"] == certificate
    changed = bench.ca(options={"delay_s": 60}).record
    assert changed is not None and changed["options"]["certificate"] == certificate
    assert changed["capabilities"]["is_immediate"] is False
    with bench.store.read() as unit:
        account = unit.ca_accounts.get("house")
        shown = str([row.entry for row in unit.audit_rows()]) + str(first) + str(changed) + repr(account)
    assert account is not None and account.secrets is not None
    for secret in json.loads(account.secrets.reveal()).values():
        assert secret not in shown and secret.splitlines()[1] not in shown
    raw = b"".join(path.read_bytes() for path in pathlib.Path(bench.url.removeprefix("sqlite:///")).parent.glob("clm*"))
    assert b"PRIVATE KEY" not in raw
    assert bench.audit() == ["ca_account_added", "ca_account_changed"]


def test_check_mode_makes_no_ca(bench: Bench) -> None:
    """C."""
    assert bench.plan_ca().changed and bench.records()["ca_accounts"] == 0


def test_a_ca_is_tested_and_asked_for_its_choices(bench: Bench) -> None:
    """C, E5."""
    bench.ca()
    outcome = bench.ca(test=True, choices=["profiles"])
    assert outcome.extra["checks"] and all(check["passed"] for check in outcome.extra["checks"])
    assert {choice["value"] for choice in outcome.extra["choices"]["profiles"]} == {"server", "server_client"}
    with pytest.raises(InputError, match="profiles"):
        bench.ca(choices=["divisions"])


BAD_ACCOUNTS: list[tuple[dict[str, Any], str]] = [
    ({"type": None}, "type is missing"),
    ({"type": "no_such_ca"}, "own_ca"),
    ({"options": {"colour": "red"}}, "colour"),
    ({"options": {"key_type": "dsa"}}, "key_type"),
    ({"secrets": {"password": "x"}}, "password"),
    ({"secrets": {"private_key": "x"}}, "certificate"),
]


@pytest.mark.parametrize(("changes", "word"), BAD_ACCOUNTS, ids=[b[1] for b in BAD_ACCOUNTS])
def test_a_ca_account_that_cannot_be_is_refused(bench: Bench, changes: dict[str, Any], word: str) -> None:
    """C, E5."""
    with pytest.raises(InputError, match=word):
        bench.ca(**changes)
    assert bench.records()["ca_accounts"] == 0


def test_the_type_of_an_account_stays(bench: Bench) -> None:
    """C."""
    bench.ca()
    with pytest.raises(InputError, match="from own_ca to other_ca"):
        bench.plan_ca(type="other_ca")
    assert not bench.plan_ca(type=None, options=None).changed


def test_a_ca_that_requests_wait_for_is_not_removed(bench: Bench) -> None:
    """C: removed once nothing hangs on it, with its secrets."""
    bench.prepare()
    bench.ca(options={"delay_s": 3600})
    bench.enroll(wait_timeout=60)
    gone = {"name": "house", "state": "absent"}
    with pytest.raises(StateError, match="req-"):
        ca_accounts.plan(gone, bench.ports)
    bench.advance(3600)
    bench.enroll()
    assert ca_accounts.plan(gone, bench.ports).execute().record is None
    assert not ca_accounts.plan(gone, bench.ports).changed
    assert bench.audit()[-1] == "ca_account_removed"
