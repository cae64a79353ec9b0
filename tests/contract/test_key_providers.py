# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every key provider owes, wherever the key is made; each one is a line of ``support/key_providers.MAKERS``."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._keys.base import CsrReady, KeyOrder
from ansible_collections.edgecert.clm.plugins.module_utils._pki.csr import csr_problems, wanted_problems
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import csr_facts
from ansible_collections.edgecert.clm.tests.support.key_providers import EVERY_NAME, MAKERS, Workshop

SPEC = CsrSpec(
    common_name="www.example.com",
    dns_names=("www.example.com", "*.shop.example.com", "api.example.com"),
    organization="Example GmbH",
    locality="Berlin",
    state_or_province="Berlin",
    country="DE",
)
PASSWORD = Secret("Chall3nge!Passw0rd")


@pytest.fixture(params=list(MAKERS))
def shop(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Workshop]:
    with MAKERS[request.param](tmp_path) as made:
        yield made


def begun(shop: Workshop, order: KeyOrder) -> Mapping[str, Any]:
    """Begin as a caller does, and give the reference as the store gives it back."""
    provider = shop.provider()
    assert list(provider.validate(order)) == []
    reference = provider.begin(order)
    shop.keep(tuple(provider.made()))
    kept: Mapping[str, Any] = json.loads(json.dumps(reference))
    return kept


def verified(pem: str) -> str:
    """Have openssl verify the CSR's signature, and give it as text."""
    done = subprocess.run(
        ["openssl", "req", "-verify", "-noout", "-text"], input=pem, capture_output=True, text=True, check=True
    )
    assert "verify OK" in done.stdout + done.stderr
    return done.stdout


def test_csr_says_exactly_what_was_asked_for(shop: Workshop) -> None:
    """E6-E10, E12, E17: for every kind of key that it makes, signed by the key it names."""
    for number, key in enumerate(shop.traits.keys):
        name = f"k{number}.example.com"
        spec = replace(SPEC, **{**key, "common_name": name, "dns_names": (name, *SPEC.dns_names)})
        csrs = shop.csrs(begun(shop, shop.order(spec)))
        assert csrs
        for algorithm, pem in csrs.items():
            verified(pem)
            facts = csr_facts(pem)
            assert csr_problems(facts, common_name=name, dns_names=spec.dns_names, key_algorithm=algorithm) == ()
            if shop.traits.says_subject:
                assert wanted_problems(facts, spec, algorithm) == []


def test_every_category_of_names_it_takes_is_in_the_csr(shop: Workshop) -> None:
    """E13: several of each, those it takes alone."""
    taken = {name: EVERY_NAME[name] for name in shop.traits.names}
    if not taken:
        refused = shop.provider().validate(shop.order(replace(SPEC, **EVERY_NAME)))
        assert len(list(refused)) == len(EVERY_NAME)
        return
    spec = replace(SPEC, **taken)
    [pem] = shop.csrs(begun(shop, shop.order(spec))).values()
    assert csr_facts(pem).sans.count == len(SPEC.dns_names) + sum(len(names) for names in taken.values())
    assert wanted_problems(csr_facts(pem), spec) == []


def test_collecting_twice_gives_the_same_and_changes_nothing(shop: Workshop) -> None:
    """E24: also by another run, from the reference as the store keeps it."""
    reference = begun(shop, shop.order(SPEC))
    first = shop.csrs(reference)
    again = shop.provider().collect(reference)
    assert isinstance(again, CsrReady) and dict(again.csrs) == dict(first)


def test_looking_and_predicting_make_nothing(shop: Workshop) -> None:
    """E24: check mode may ask all of it; a prediction is a sentence."""
    order, provider = shop.order(SPEC), shop.provider()
    assert list(provider.validate(order)) == [] and list(provider.conflicts(order)) == []
    assert list(provider.find(order)) == []
    assert "www.example.com" in provider.predict(order) and "\n" not in provider.predict(order)
    least, most = provider.calls_ahead(order, "begin", 0.0)
    assert 0 <= least <= most
    assert list(shop.provider().find(order)) == [] and list(provider.made()) == []


def test_what_a_killed_run_began_is_found_or_was_never_there(shop: Workshop) -> None:
    """W5, E6: after a begin whose answer was lost nothing is made twice."""
    order = shop.order(SPEC)
    lost = shop.provider().begin(order)
    found = list(shop.provider().find(order))
    if not shop.traits.leaves_traces:
        assert found == []
        return
    assert len(found) == 1 and found[0]["label"]
    keys = {csr_facts(pem).key.spki_sha256 for pem in shop.csrs(found[0]).values()}
    assert keys == {csr_facts(pem).key.spki_sha256 for pem in shop.csrs(lost).values()}


def test_two_orders_have_two_keys(shop: Workshop) -> None:
    """E6: nobody shares a key by accident."""
    if not shop.traits.makes_keys:
        assert shop.provider().begin(shop.order(SPEC)) != shop.provider().begin(shop.order(SPEC))
        return
    other = replace(SPEC, common_name="two.example.com", dns_names=("two.example.com",))
    keys = [shop.csrs(begun(shop, shop.order(spec))) for spec in (SPEC, other)]
    digests = [csr_facts(next(iter(csrs.values()))).key.spki_sha256 for csrs in keys]
    assert digests[0] != digests[1]


def test_bad_order_is_refused_with_all_problems_at_once(shop: Workshop) -> None:
    """E6-E9, E17: before anything is made, each with its reason."""
    for changes, said in shop.traits.bad:
        order = replace(shop.order(SPEC), spec=replace(SPEC, **changes))
        told = "; ".join(shop.provider().validate(order))
        assert said in told, (changes, told)
    one_each = {name: value for changes, _said in shop.traits.bad for name, value in changes.items()}
    spec = replace(SPEC, **one_each)
    assert len(list(shop.provider().validate(replace(shop.order(SPEC), spec=spec)))) >= min(3, len(one_each))


def test_challenge_password_is_in_nothing_but_a_sealed_csr(shop: Workshop) -> None:
    """E16: taken into the CSR where the place can, refused by name where it cannot; never in a reference."""
    order = replace(shop.order(SPEC), challenge_password=PASSWORD)
    provider = shop.provider()
    if not shop.traits.can_challenge:
        assert any("challenge" in problem for problem in provider.validate(order))
        return
    assert list(provider.validate(order)) == []
    reference = provider.begin(order)
    made = tuple(provider.made())
    shop.keep(made)
    assert PASSWORD.reveal() not in json.dumps(reference) + provider.predict(order) + repr(made)
    sealed = [one.value.reveal() for one in made if one.name.startswith("csr/")]
    assert any(PASSWORD.reveal() in verified(pem) for pem in sealed)
    open_ones = shop.csrs(json.loads(json.dumps(reference))).values()
    assert not any("challenge" in verified(pem).lower() for pem in open_ones)


def test_no_secret_is_in_a_reference(shop: Workshop) -> None:
    """E6: what the store keeps in plain columns holds no key."""
    provider, order = shop.provider(), shop.order(SPEC)
    reference = provider.begin(order)
    made = tuple(provider.made())
    shop.keep(made)
    text = json.dumps(reference) + json.dumps([dict(one.facts) for one in made]) + repr(made) + provider.predict(order)
    assert "PRIVATE" not in text
    for one in made:
        for line in re.findall(r"^[A-Za-z0-9+/=]{40,}$", one.value.reveal(), re.MULTILINE):
            assert line not in text


def test_acknowledging_and_amending_nothing_is_no_error(shop: Workshop) -> None:
    """E24: a caller need not know who asks."""
    if shop.traits.leaves_traces:
        pytest.skip("a place that asks questions has its own tests of them")
    reference = begun(shop, shop.order(SPEC))
    shop.provider().amend(shop.order(SPEC))
    assert shop.provider().acknowledge(reference, ()) is True
    assert dict(shop.provider().settings(shop.order(SPEC))) == {}
