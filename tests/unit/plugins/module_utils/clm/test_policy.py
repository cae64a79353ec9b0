# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a group's policy means: what it fills in, what it refuses, what a request keeps of it. Pure."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import form, form_csr, policy, rules
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, PolicyError
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.warning_ids import DEFAULT_ALLOW, DEFAULT_BLOCK
from ansible_collections.edgecert.clm.plugins.modules import cert_enroll, cert_group

WISH: dict[str, Any] = {
    "common_name": "www.example.com",
    "subject_alternative_names": {"dns": ["www.example.com", "api.example.com"], "ip": [], "email": [], "uri": []},
    "organization": "Example Ltd.",
    "organizational_unit": "",
    "locality": "London",
    "state_or_province": "London",
    "country": "GB",
    "email": "",
    "validity": {"count": 90, "unit": "days"},
    "hash": "sha256",
    "key_type": "rsa",
    "key_size": None,
    "curve": None,
    "dual_stack": False,
    "exclude_sans": False,
    "device": "edge",
    "contract_id": "C-1",
    "validation_type": "third-party",
    "secure_network": "standard-tls",
    "vendor_certificate_type": "third-party",
    "ca_connector_name": "own-ca",
    "description": "",
}


def violations(allowed: dict[str, Any], *, ca: str = "own-ca", **wish: Any) -> list[str]:
    """Hold a wish against rules as they are stored."""
    problems: list[str] = []
    group = Group("web", allowed=rules.read_allowed(rules.flattened(allowed), problems))
    assert problems == []
    return policy.violations({**WISH, **wish}, group, ca=ca, csr_source="endpoint")


def names(*dns: str, **others: list[str]) -> dict[str, Any]:
    """Give subject alternative names as a wish holds them."""
    return {"dns": list(dns), "ip": [], "email": [], "uri": [], **others}


# Rule, what is asked for otherwise than in the wish above, and words of the refusal; none for no refusal.
JUDGED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"key_type": ["ec"]}, {}, "group web allows key_type ec (rule allowed.key_type); rsa was asked for"),
    ({"key_type": ["ec", "rsa"]}, {}, ""),
    ({"common_name": ["www.example.com"]}, {}, ""),
    ({"common_name": ["WWW.Example.com"]}, {}, ""),
    ({"common_name": [r"~www\.example"]}, {}, "www.example.com was asked for"),
    ({"common_name": [r"~www\.EXAMPLE\..*"]}, {}, ""),
    ({"common_name": ["*.example.com"]}, {}, "www.example.com was asked for"),
    ({"common_name": ["*.example.com"]}, {"common_name": "*.example.com"}, ""),
    ({"dns": [r"~.*\.example\.com"]}, {}, ""),
    (
        {"dns": [r"~.*\.example\.com"]},
        {"subject_alternative_names": names("www.example.com", "a.org", "b.org")},
        "a.org, b.org were asked for",
    ),
    ({"dns": ["~.*com"]}, {"subject_alternative_names": names("evil.org\nwww.example.com")}, "was asked for"),
    ({"dns": ["~.*com"]}, {"subject_alternative_names": names("www.example.com\n")}, "was asked for"),
    ({"ip": ["192.0.2.1"]}, {}, ""),
    ({"ip": ["192.0.2.1"]}, {"subject_alternative_names": names(ip=["192.0.2.2"])}, "(rule allowed.subject"),
    ({"uri": ["~https:.*"]}, {"subject_alternative_names": names(uri=["http://x"])}, "http://x was asked"),
    (
        {"subject_alternative_names": {"email": ["~.*@example[.]com"]}},
        {"subject_alternative_names": names(email=["a@example.org"])},
        "(rule allowed.subject_alternative_names.email)",
    ),
    ({"email": ["a@example.com"]}, {}, "none was asked for"),
    ({"email": ["a@example.com", ""]}, {}, ""),
    ({"organization": ["example ltd."]}, {}, "Example Ltd. was asked for"),
    ({"organization": ["~Example .*"]}, {}, ""),
    ({"country": ["gb", "de"]}, {}, ""),
    ({"country": ["DE"]}, {}, "GB was asked for"),
    ({"dual_stack": [True]}, {}, "allows dual_stack true (rule allowed.dual_stack); false was asked for"),
    ({"dual_stack": "no"}, {}, ""),
    ({"exclude_sans": [False]}, {"exclude_sans": True}, "true was asked for"),
    ({"key_size": [2048]}, {}, ""),
    ({"key_size": [3072]}, {}, "allows key_size 3072 (rule allowed.key_size); 2048 was asked for"),
    ({"key_size": [3072]}, {"key_type": "ec"}, ""),
    ({"key_size": [3072]}, {"key_type": "ec", "dual_stack": True}, "2048 was asked for"),
    ({"key_size": [3072]}, {"key_size": 3072}, ""),
    ({"curve": ["secp384r1"]}, {}, ""),
    ({"curve": ["secp384r1"]}, {"key_type": "ec"}, "secp256r1 was asked for"),
    ({"curve": ["secp384r1"]}, {"key_type": "ec", "curve": "SECP384R1"}, ""),
    ({"curve": ["secp384r1"]}, {"dual_stack": True}, "secp256r1 was asked for"),
    ({"curve": ["secp384r1"]}, {"key_type": "ec", "curve": "P-384"}, ""),
    ({"curve": ["P-384"]}, {"key_type": "ec", "curve": "secp384r1"}, ""),
    ({"curve": ["~secp.*"]}, {"key_type": "ec", "curve": "P-384"}, ""),
    ({"validity_days_max": 90}, {}, ""),
    ({"validity_days_max": "89"}, {}, "allows a validity of at most 89 days (rule allowed.validity_days_max); 90 days"),
    ({"validity_days_max": 365}, {"validity": {"count": 1, "unit": "years"}}, "1 year (up to 366 days)"),
    ({"validity_days_max": 366}, {"validity": {"count": 1, "unit": "years"}}, ""),
    ({"validity_days_max": 92}, {"validity": {"count": 3, "unit": "months"}}, ""),
    ({"validity_days_max": 58}, {"validity": {"count": 2, "unit": "months"}}, "2 months (up to 62 days)"),
    ({"validation_type": ["Third-Party"], "secure_network": ["Standard TLS"]}, {}, ""),
    ({"contract_id": ["ctr_C-1"]}, {}, ""),
    ({"csr_source": ["endpoint"]}, {}, ""),
    ({"device": ["other"]}, {}, "edge was asked for"),
]


@pytest.mark.parametrize(("allowed", "wish", "words"), JUDGED, ids=[f"{j[0]} {j[1]}"[:70] for j in JUDGED])
def test_a_wish_is_held_against_a_rule(allowed: dict[str, Any], wish: dict[str, Any], words: str) -> None:
    """E1, G: one sentence names the rule, what it allows and what was asked for."""
    found = violations(allowed, **wish)
    assert len(found) == bool(words)
    assert all(words in sentence for sentence in found), found


def test_every_option_of_the_form_that_may_have_a_rule_is_held_against_it() -> None:
    """G: no rule is kept and then not applied; that about exports is held against exports."""
    for name, kind in rules.ALLOWED.items():
        if name == rules.EXPORTABLE:
            continue
        sans = names("a", ip=["1"], email=["b"], uri=["c"], other=["d"], directory=["e"])
        wish: dict[str, Any] = {"key_type": "ec", "dual_stack": True, "subject_alternative_names": sans}
        if kind == rules.FLAG:
            for value in (True, False):
                assert violations({name: [not value]}, **{**wish, name: value}), name
            continue
        assert violations({name: 1 if kind == rules.NUMBER else ["~no such value"]}, **wish), name


def test_every_violation_is_named_at_once() -> None:
    """E1, G: rules of every kind, one answer."""
    group = Group("web", allowed={"key_type": ["ec"], "hash": ["sha384"]}, ca_accounts=("lab", "own-ca"))
    found = policy.violations(WISH, group, ca="elsewhere", csr_source="endpoint")
    assert found[0] == "group web allows CA accounts lab, own-ca (rule ca_accounts); elsewhere was asked for"
    assert [re.findall(r"rule ([^)]*)", sentence) for sentence in found] == [
        ["ca_accounts"],
        ["allowed.key_type"],
        ["allowed.hash"],
    ]
    with pytest.raises(PolicyError, match="Cannot enrol x: .1. group web allows CA") as caught:
        policy.refuse("Cannot enrol x", found)
    assert caught.value.code == "policy_refused" and caught.value.details == {"violations": found}
    policy.refuse("Cannot enrol x", [])
    assert policy.violations(WISH, group, ca="lab", csr_source="endpoint") == found[1:]
    assert policy.violations(WISH, Group("web"), ca="elsewhere", csr_source="endpoint") == []


@given(st.text(max_size=12))
def test_a_pattern_is_refused_when_read_or_works_when_used(text: str) -> None:
    """G: what is no regular expression never gets as far as an enrolment."""
    problems: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = rules.read_allowed({"organization": [f"~{text}"]}, problems)
        try:
            expected = re.compile(text).fullmatch("Example Ltd.") is not None
        except (re.error, OverflowError):
            assert problems and read == {"organization": []}
            return
        assert problems == []
        assert (violations(read) == []) is expected


@given(st.from_regex(r"[a-z]{1,3}\.example\.(com|org)", fullmatch=True), st.sampled_from(["com", "org"]))
def test_a_pattern_has_to_match_the_whole_name(name: str, end: str) -> None:
    """G."""
    found = violations({"common_name": [rf"~[a-z]+\.example\.{end}"]}, common_name=name)
    assert (found == []) is name.endswith(end)
    assert violations({"common_name": [rf"~\.example\.{end}"]}, common_name=name)


# -- defaults ------------------------------------------------------------------------------------------------------

DEFAULTS = {
    "organization": "Group Ltd.",
    "key_type": "rsa",
    "key_size": 3072,
    "curve": "secp384r1",
    "dual_stack": False,
    "validity": {"count": 47, "unit": "days"},
    "subject_alternative_names": {"dns": ["a.example.com"]},
}

FILLED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {**DEFAULTS, "curve": None}),
    ({"organization": None, "key_size": None}, {**DEFAULTS, "curve": None}),
    ({"organization": ""}, {**DEFAULTS, "organization": "", "curve": None}),
    ({"organization": "Mine"}, {**DEFAULTS, "organization": "Mine", "curve": None}),
    ({"key_type": "ec"}, {**DEFAULTS, "key_type": "ec", "key_size": None}),
    ({"key_type": "ec", "key_size": 1}, {**DEFAULTS, "key_type": "ec", "key_size": 1}),
    ({"dual_stack": True}, {**DEFAULTS, "dual_stack": True}),
    ({"curve": "x"}, {**DEFAULTS, "curve": "x"}),
    ({"validity": {"count": 1}}, {**DEFAULTS, "validity": {"count": 1}, "curve": None}),
    (
        {"subject_alternative_names": {"dns": None, "ip": []}},
        {**DEFAULTS, "subject_alternative_names": {"dns": None, "ip": []}, "curve": None},
    ),
]


@pytest.mark.parametrize(("form", "expected"), FILLED, ids=[str(f[0])[:50] for f in FILLED])
def test_a_default_is_filled_in_where_the_form_leaves_it_out(form: dict[str, Any], expected: dict[str, Any]) -> None:
    """E1, E14: an empty option is not one left out; nested ones only when left out whole."""
    before = dict(form)
    assert policy.filled(form, Group("web", defaults=DEFAULTS)) == expected
    assert form == before


def test_a_dual_stack_gets_the_defaults_of_both_its_keys() -> None:
    """E10, E17: whatever key_type says beside it."""
    defaults = {"key_type": "ec", "dual_stack": True, "key_size": 4096, "curve": "secp384r1"}
    filled = policy.filled({"common_name": "x"}, Group("web", defaults=defaults))
    assert (filled["key_size"], filled["curve"]) == (4096, "secp384r1")
    problems: list[str] = []
    assert form_csr.key_of(filled, problems)["key_size"] == 4096 and problems == []
    single = policy.filled({"common_name": "x", "dual_stack": False}, Group("web", defaults=defaults))
    assert (single["key_size"], single["curve"]) == (None, "secp384r1")
    edwards = policy.filled({"key_type": "ed25519", "dual_stack": False}, Group("web", defaults=defaults))
    assert (edwards["key_size"], edwards["curve"]) == (None, None)


def test_a_curve_is_kept_by_one_name() -> None:
    """E17: in defaults and rules of a group, and in the wish."""
    problems: list[str] = []
    assert rules.read_defaults({"curve": "P-256"}, problems) == {"curve": "secp256r1"}
    assert rules.read_allowed({"curve": ["prime256v1", "P-384"]}, problems) == {"curve": ["secp256r1", "secp384r1"]}
    assert form_csr.key_of({"key_type": "ec", "curve": "P-521"}, problems)["curve"] == "secp521r1"
    assert problems == []
    assert form.differences({"curve": "secp256r1"}, {"curve": "P-256"}) == []
    assert form.differences({"curve": "secp256r1"}, {"curve": "P-384"}) == ["curve"]


def test_a_group_without_defaults_fills_in_nothing() -> None:
    """E1."""
    form = {"common_name": "x", "key_type": None, "curve": None}
    assert {k: v for k, v in policy.filled(form, Group("web")).items() if v is not None} == {"common_name": "x"}


def test_the_documentation_names_every_option_that_may_have_a_default_or_a_rule() -> None:
    """G: and each is an option of the form."""
    text = cert_group.DOCUMENTATION
    short = [name for name in (*rules.DEFAULTS, *rules.ALLOWED, *rules.SHORT_NAMES) if f"C({name})" not in text]
    assert short == []
    assert set(rules.DEFAULTS) <= set(cert_enroll.SPEC)
    of_form = {name.partition(".")[0] for name in rules.ALLOWED} - {rules.VALIDITY_RULE, rules.EXPORTABLE}
    assert of_form <= set(cert_enroll.SPEC)


# -- approvals -------------------------------------------------------------------------------------------------------


def test_a_push_needs_two_approvals_of_two_others_unless_the_group_says_otherwise() -> None:
    """W2: the built-in policy, and a group's own members laid over it."""
    assert policy.snapshot(Group("default"), "push") == {
        "group": "default",
        "kind": "push",
        "levels": 2,
        "distinct_approvers": True,
        "requester_may_approve": False,
        "valid_hours": 168,
        "auto_approve": False,
    }
    assert policy.snapshot(Group("default"), "enroll")["levels"] == 0
    differs = {"enroll": 3, "requester_may_approve": True, "valid_hours": 1}
    own = Group("web", approvals=differs, auto_approve=True)
    kept = policy.snapshot(own, "enroll")
    assert (kept["levels"], kept["requester_may_approve"], kept["valid_hours"]) == (3, True, 1)
    assert kept["auto_approve"] and policy.snapshot(own, "push")["levels"] == 2
    assert policy.approvals_of(own) == {**policy.APPROVALS, **differs}


# -- warnings --------------------------------------------------------------------------------------------------------

ONE, TWO, THREE = sorted(DEFAULT_ALLOW | DEFAULT_BLOCK)[:3]
PLAIN, DETAILED = "TRUST_CHAIN_INVALID", "TRUST_CHAIN_INVALID_DETAILED"
LAID: list[tuple[dict[str, Any], dict[str, Any] | None, dict[str, list[str]]]] = [
    ({}, None, {"allow": [], "ask": [], "block": []}),
    ({"allow": [ONE]}, None, {"allow": [ONE], "ask": [], "block": []}),
    ({"allow": [ONE]}, {"allow": None, "ask": [], "block": None}, {"allow": [ONE], "ask": [], "block": []}),
    ({"allow": [ONE]}, {"allow": [TWO]}, {"allow": [TWO, ONE], "ask": [], "block": []}),
    ({"ask": [ONE, TWO]}, {"allow": [ONE]}, {"allow": [ONE], "ask": [TWO], "block": []}),
    ({"allow": [ONE, TWO]}, {"ask": [ONE]}, {"allow": [TWO], "ask": [ONE], "block": []}),
    ({"allow": [ONE]}, {"block": [ONE]}, {"allow": [], "ask": [], "block": [ONE]}),
    ({"ask": [PLAIN, TWO]}, {"allow": [DETAILED]}, {"allow": [DETAILED], "ask": [TWO], "block": []}),
    ({"block": [ONE]}, {"ask": [ONE], "block": [TWO]}, {"allow": [], "ask": [ONE], "block": [TWO, ONE]}),
]


@pytest.mark.parametrize(("ruled", "own", "expected"), LAID, ids=range(len(LAID)))
def test_a_call_decides_about_warnings_before_the_group_does(
    ruled: dict[str, Any], own: dict[str, Any] | None, expected: dict[str, list[str]]
) -> None:
    """G: entry by entry; what the group blocks stays blocked."""
    assert policy.warning_lists(Group("web", warnings=ruled), own) == expected


def test_a_call_cannot_allow_what_the_group_blocks() -> None:
    """G: said, not passed over."""
    group = Group("web", warnings={"block": [ONE, "re:bad .*"]})
    with pytest.raises(PolicyError, match=f"Cannot allow warnings {ONE}, re:bad") as caught:
        policy.warning_lists(group, {"allow": [TWO, ONE, "re:bad .*"]})
    assert caught.value.code == "policy_refused" and len(caught.value.details["violations"]) == 2
    assert policy.warning_lists(group, {"allow": [TWO]})["block"] == [ONE, "re:bad .*"]
    with pytest.raises(PolicyError, match=f"Cannot allow warnings {DETAILED}: "):
        policy.warning_lists(Group("web", warnings={"block": [PLAIN]}), {"allow": [DETAILED]})
    with pytest.raises(InputError, match="no known warning id"):
        policy.warning_lists(group, {"allow": ["nothing-like-it"]})
