# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a form asks for is what its CSR says, and what a CSR says is what it fills the form with (E7, E12, E13, E14)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import csr_upload, form_csr
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._pki.csr import wanted_problems
from ansible_collections.edgecert.clm.plugins.module_utils._pki.csr_building import build_csr
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import csr_facts

KEY = ec.generate_private_key(ec.SECP256R1())
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,10}[a-z0-9])?", fullmatch=True)
NAME = st.builds(lambda labels: ".".join([*labels, "example", "com"]), st.lists(LABEL, min_size=1, max_size=3))
WORD = st.text(alphabet="abcXYZ äöü-.&'", min_size=1, max_size=30).map(str.strip).filter(bool)
FORM = st.fixed_dictionaries(
    {
        "common_name": NAME.filter(lambda name: len(name) <= 64),
        "subject_alternative_names": st.fixed_dictionaries(
            {
                "dns": st.lists(st.one_of(NAME, NAME.map(lambda name: f"*.{name}")), max_size=5),
                "ip": st.lists(st.ip_addresses().map(str), max_size=3),
                "email": st.lists(NAME.map(lambda name: f"ops@{name}"), max_size=2),
                "uri": st.lists(NAME.map(lambda name: f"https://{name}/a"), max_size=2),
                "other": st.lists(
                    st.one_of(NAME.map(lambda n: f"upn:x@{n}"), WORD.map(lambda w: f"1.2.3:{w}")), max_size=2
                ),
                "directory": st.lists(LABEL.map(lambda word: f"CN={word},O=Example\\, Ltd.,C=DE"), max_size=2),
            }
        ),
        "organization": WORD,
        "organizational_unit": st.one_of(st.none(), WORD),
        "locality": st.one_of(st.none(), WORD),
        "country": st.sampled_from([None, "DE", "US"]),
        "email": st.sampled_from([None, "pki@example.com"]),
        "key_type": st.just("ec"),
    }
)


def wish_of(form: dict[str, Any]) -> dict[str, Any]:
    problems: list[str] = []
    parts = [form_csr.names_of(form, problems), form_csr.subject_of(form, {}, problems, is_made=True)]
    parts += [form_csr.key_of(form, problems), {"common_name": form["common_name"].lower()}]
    assert problems == []
    return {name: value for part in parts for name, value in part.items()}


@settings(max_examples=60, deadline=None)
@given(FORM)
def test_a_form_its_csr_and_the_form_it_fills_say_the_same(form: dict[str, Any]) -> None:
    """E7, E13, E14: every category of names, in any number and order."""
    wish = wish_of(form)
    spec = form_csr.spec_of(wish)
    pem = build_csr(spec, KEY)
    assert wanted_problems(csr_facts(pem), spec) == []
    filled = dict(csr_upload.filled({"csr": pem, "csr_source": "upload"}, []))
    again = wish_of({**form, **filled})
    measured = {"curve": "secp256r1"}
    assert {**again, **measured} == {**wish, **measured}


@settings(max_examples=30, deadline=None)
@given(FORM, st.sampled_from(["dns_names", "ip_addresses", "emails", "uris", "other_names", "directory_names"]))
def test_a_name_more_or_less_is_never_overlooked(form: dict[str, Any], kind: str) -> None:
    """E7, E13: in every category."""
    spec = form_csr.spec_of(wish_of(form))
    more: dict[str, Any] = {
        "dns_names": "more.example.org",
        "ip_addresses": "198.51.100.77",
        "emails": "more@example.org",
        "uris": "https://more.example.org/",
        "other_names": ("1.2.3.4", "more"),
        "directory_names": "CN=more",
    }
    wanted: dict[str, Any] = {kind: (*getattr(spec, kind), more[kind])}
    wider: CsrSpec = replace(spec, **wanted)
    assert len(wanted_problems(csr_facts(build_csr(wider, KEY)), spec)) == 1
    assert len(wanted_problems(csr_facts(build_csr(spec, KEY)), wider)) == 1
