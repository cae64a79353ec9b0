# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Standby CA accounts are held against the group when it is saved: what could not sign is found before an outage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import groups
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, MissingLibrary
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CaAccount
from ansible_collections.edgecert.clm.tests.support.doubtful_ca import DoubtfulCa
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

POLICY: dict[str, Any] = {
    "defaults": {"csr_source": "local", "key_type": "ec", "subject_alternative_names": {"ip": ["192.0.2.1"]}},
    "allowed": {"validity_days_max": 100, "hash": ["sha256", "sha512"]},
    "standby_cas": [{"ca": "spare"}],
}


@pytest.fixture
def ca(virtual: VirtualBench) -> DoubtfulCa:
    """Have an account whose capabilities are the test's."""
    virtual.prepare()
    with virtual.store.write() as unit:
        unit.ca_accounts.add(CaAccount("spare", "own_ca"))
    made = DoubtfulCa(lambda _csr: pytest.fail("nothing is to be signed"))
    made.changes = {"san_types": ("dns", "ip")}
    virtual.use_ca(made)
    return made


def saved(virtual: VirtualBench, **changes: Any) -> dict[str, Any]:
    """Save the group; give its record."""
    outcome = groups.plan({"name": "shop", "state": "present", **POLICY, **changes}, virtual.ports).execute()
    assert outcome.record is not None
    return dict(outcome.record)


def problems(virtual: VirtualBench, **changes: Any) -> list[str]:
    """Give what is wrong with the group, which is not saved."""
    with pytest.raises(InputError) as caught:
        saved(virtual, **changes)
    with virtual.store.read() as unit:
        assert unit.groups.get("shop") is None
    return list(caught.value.details["problems"])


def test_a_list_is_saved_once_kept_and_cleared(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """G, E2: nothing but capabilities is asked of the CA."""
    assert saved(virtual)["standby_cas"] == [{"ca": "spare", "ca_options": {}, "after_minutes": 15}]
    assert not groups.plan({"name": "shop", "state": "present", **POLICY}, virtual.ports).changed
    assert saved(virtual, standby_cas=None)["standby_cas"]
    assert saved(virtual, standby_cas=[])["standby_cas"] == [] and ca.calls == []


@pytest.mark.parametrize(
    ("able", "word"),
    [
        ({"csr_sources": ("endpoint",)}, "csr_source local is not to be had"),
        ({"key_types": ("rsa",)}, "takes no ec keys"),
        ({"san_types": ("dns",)}, "192.0.2.1"),
        ({"hashes": ("sha256",)}, "takes no hash sha512"),
        ({"max_validity_days": 90}, "signs for 90 days at most, and the group lets 100 be asked for"),
        ({"request_options": {"profile": {"required": True}}}, "needs ca_options profile"),
    ],
)
def test_what_the_account_cannot_sign_is_said(
    virtual: VirtualBench, ca: DoubtfulCa, able: dict[str, Any], word: str
) -> None:
    ca.changes.update(able)
    [problem] = problems(virtual)
    assert problem.startswith("standby_cas spare: ") and word in problem


def test_all_that_is_wrong_is_said_at_once(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    ca.changes.update(key_types=("rsa",), max_validity_days=30)
    wrong = [{"ca": "spare", "ca_options": {"x": 1}, "after_minutes": 99999}, {"ca": "none"}, {"ca": "none"}]
    found = "; ".join(problems(virtual, standby_cas=wrong, ca_accounts=["house"], description="x"))
    for word in (
        "names none twice",
        "after_minutes 99999",
        "'none' is not in the store; there is house, spare",
        "spare is not among ca_accounts, house",
        "takes no ec keys",
        "30 days at most",
        "takes no ca_options x",
    ):
        assert word in found


def test_a_policy_that_comes_later_is_held_against_the_list_too(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    saved(virtual)
    ca.changes["max_validity_days"] = 100
    with pytest.raises(InputError, match="signs for 100 days at most"):
        groups.plan({"name": "shop", "state": "present", "allowed": {"validity_days_max": 200}}, virtual.ports)


def test_a_standby_whose_library_is_missing_is_told(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    def missing(_account: CaAccount) -> Any:
        raise MissingLibrary("boto3 is not installed")

    virtual.ports = replace(virtual.ports, ca=missing)
    assert problems(virtual) == ["standby_cas spare: boto3 is not installed"]
