# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrolment forms that cannot be: the reason is told before anything is sent or stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.tests.support.flow import Account, Bench

# What is wrong, and a word of the reason.
BAD = [
    ({"common_name": "a" * 60 + ".example.com"}, "E12|64"),
    ({"common_name": "bad name.example.com"}, "common name .* character ' '"),
    ({"common_name": "ex!mple.com"}, "common name .* character '!'"),
    ({"common_name": "www.*.example.com"}, "common name .* whole first label"),
    ({"common_name": ""}, "common_name"),
    ({"subject_alternative_names": {"dns": ["ok.example.com", "not ok"]}}, "not ok"),
    ({"subject_alternative_names": {"ip": ["192.0.2.1"]}}, "IP addresses"),
    ({"subject_alternative_names": {"email": ["a@example.com"]}}, "e-mail"),
    ({"subject_alternative_names": {"uri": ["https://example.com/x"]}}, "URI"),
    ({"subject_alternative_names": {"ip": ["not-an-ip"]}}, "not-an-ip"),
    ({"country": "Germany"}, "country"),
    ({"country": "XX"}, "country"),
    ({"organization": " "}, "organization"),
    ({"email": "a@example.com"}, "email"),
    ({"email": "no-address"}, "email"),
    ({"hash": "sha384"}, "sha256"),
    ({"key_size": 4096}, "2048"),
    ({"key_type": "ed25519"}, "ed25519"),
    ({"key_type": "ec", "curve": "secp384r1"}, "P-256"),
    ({"key_type": "ec", "key_size": 2048}, "curve"),
    ({"curve": "secp256r1"}, "curve"),
    ({"validity": {"count": 0, "unit": "days"}}, "validity|lifetime|count"),
    ({"validity": {"count": 90, "unit": "fortnights"}}, "fortnights"),
    ({"contract_id": "C-NOSUCH"}, "C-NOSUCH"),
    ({"validation_type": "weird"}, "weird"),
    ({"description": "x" * 2001}, "2000"),
    ({"ca_options": {"certificate_profile": "nope"}}, "nope"),
    ({"ca_options": {"division": "7"}}, "division"),
    ({"certificate": "x" * 256}, "255 are allowed"),
    ({"organization": "x" * 65}, "organization has 65 characters, 64 are allowed"),
    ({"organizational_unit": "x" * 65}, "64 are allowed"),
    ({"locality": "x" * 129}, "128 are allowed"),
    ({"state_or_province": "a\nb"}, "control character"),
    ({"ca_connector_name": "x" * 256}, "255 are allowed"),
    ({"comment": "bell \x07"}, "control character"),
    ({"generic": {"uuid": "123e4567-e89b-12d3-a456-426614174000"}}, "RA setting"),
    ({"generic": {"application_ip": "10.0.0.0/8"}}, "network"),
    ({"attributes": {"a b": 1}}, "no usable name"),
    ({"attachments": [{"name": "x" * 256, "content": "x"}]}, "255 are allowed"),
    ({"auto_renew": {"enabled": True, "days_before": 121}}, "1 to 120"),
    ({"auto_regenerate": {"enabled": True, "force_local_csr": True}}, "never be pushed"),
    ({"csr_source": "hsm", "device": None}, "hsm.device is missing"),
    ({"csr_source": "local"}, "device does not go with csr_source local"),
    ({"challenge_password": "Chall3nge!", "challenge_password_confirm": "Chall3nge!"}, "bears no challenge password"),
    ({"warnings": {"allow": ["NO_SUCH_WARNING"]}}, "NO_SUCH_WARNING"),
    ({"warnings": {"allow": ["re:.*"]}}, "every warning"),
]


@pytest.fixture(scope="module")
def forms(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Give a bench for tests that store nothing."""
    made = Bench(account, tmp_path_factory.mktemp("forms"))
    made.prepare()
    yield made
    made.close()


@pytest.mark.parametrize(("wish", "reason"), BAD, ids=[str(b[0])[:50] for b in BAD])
def test_a_form_that_cannot_be_is_refused_before_any_traffic(forms: Bench, wish: dict[str, Any], reason: str) -> None:
    """E5, E12, E13, E14, E15, E17: the reason is told; nothing is sent and nothing stored."""
    forms.calls()
    with pytest.raises(InputError, match=rf"(?i){reason}"):
        forms.plan_enroll(**wish)
    assert forms.calls() == [] and forms.records()["requests"] == 0


def test_all_problems_of_a_form_are_told_at_once(forms: Bench) -> None:
    """E12, E13, E14, E17, E18, E19, E20: of each part of the form, files and what the CA does not take among them."""
    with pytest.raises(InputError) as caught:
        forms.plan_enroll(
            common_name="bad name",
            country="XX",
            key_type="ec",
            key_size=2048,
            subject_alternative_names={"ip": ["192.0.2.1"]},
            description="x" * 2001,
            attributes={"a b": 1},
            generic={"uuid": "x"},
            attachments=[{"name": "a"}],
            validity={"count": 0},
        )
    told = caught.value.details["problems"]
    words = ["bad name", "'XX'", "key_size", "192.0.2.1", "2000", "usable name", "RA setting", "path or", "the count"]
    assert [word for word in words if sum(word in sentence for sentence in told) != 1] == []
    assert len(told) == len(words)


@settings(max_examples=30)
@given(
    common_name=st.text(max_size=20) | st.just("www.example.com"),
    dns=st.lists(st.text(max_size=12) | st.sampled_from(["a.example.com", "*.b.example.com"]), max_size=3),
    subject=st.dictionaries(st.sampled_from(["organization", "locality", "country", "email"]), st.text(max_size=5)),
    validity=st.fixed_dictionaries({"count": st.integers(), "unit": st.sampled_from(["days", "months", "years", "x"])}),
)
def test_whatever_stands_in_the_form_is_refused_or_planned(
    forms: Bench, common_name: str, dns: list[str], subject: dict[str, str], validity: dict[str, Any]
) -> None:
    """E12, E13, E14, E15: no form makes a traceback, and planning a new request costs one look at most."""
    forms.calls()
    try:
        plan = forms.plan_enroll(
            common_name=common_name, subject_alternative_names={"dns": dns}, validity=validity, **subject
        )
    except InputError as exc:
        assert exc.message
    else:
        assert plan.changed
    assert [method for method, _path in forms.calls()] in ([], ["GET"])
