# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More names, or wildcards, than CPS takes: refused before anything is sent, and as CPS itself would judge (E13)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError
from ansible_collections.edgecert.clm.tests.support.editing import ALLOW, Edited
from ansible_collections.edgecert.clm.tests.support.flow import Bench

USUAL = 100


@pytest.fixture(autouse=True)
def usual_limits(bench: Bench) -> Iterator[None]:
    """Leave the sandbox that the file shares as it was."""
    yield
    bench.sandbox.configure({"max_san_names": USUAL, "max_wildcard_names": USUAL})


def writes(bench: Bench) -> list[str]:
    """Give the methods of the calls that were no reads."""
    return [method for method, _path in bench.calls() if method != "GET"]


def refused(bench: Bench, **options: Any) -> ClmError:
    """Enrol, renew or regenerate what is refused; nothing may have been sent, nor recorded."""
    before = bench.records()
    bench.calls()
    with pytest.raises(ClmError) as caught:
        bench.plan_enroll(**options).execute()
    assert writes(bench) == [] and bench.records() == before
    assert caught.value.code == "too_many_names", caught.value.message
    return caught.value


@pytest.mark.parametrize("action", ["renew", "regenerate"])
def test_a_live_enrollment_takes_no_more_names_than_its_own_limit(bench: Bench, action: str) -> None:
    """E13, cps-protocol §2.3: with the common name; the last that fits is taken."""
    edited = Edited(bench)
    bench.sandbox.configure({"max_san_names": 5})
    many = [bench.name(f"x{number}") for number in range(5)]
    error = refused(bench, action=action, subject_alternative_names=edited.sans(*many))
    number = edited.live()["id"]
    assert f"6 names are asked for, enrollment {number} may have 5" in error.message and "split them" in error.message
    bench.enroll(action=action, subject_alternative_names=edited.sans(*many[:4]), warnings=ALLOW)
    assert edited.names() == set(many[:4])


def test_wildcards_have_a_limit_of_their_own(bench: Bench) -> None:
    """E13."""
    edited = Edited(bench)
    bench.sandbox.configure({"max_wildcard_names": 1})
    keep = (edited.www, edited.api, edited.old)
    stars = [f"*.{bench.name(first)}" for first in ("a", "b")]
    error = refused(bench, action="regenerate", subject_alternative_names=edited.sans(*keep, *stars))
    assert "2 wildcard names are asked for" in error.message and "may have 1" in error.message
    edited.edit(subject_alternative_names=edited.sans(*keep, stars[0]))
    assert stars[0] in edited.names()


def test_names_an_enrollment_has_already_are_left_to_cps(bench: Bench) -> None:
    """E13: a limit that was lowered since is no reason to let a certificate end."""
    edited = Edited(bench)
    bench.sandbox.configure({"max_san_names": 2})
    plan = edited.plan(force=True)
    assert plan.extra["prediction"]["outcome"] == "new_certificate"
    drops = {"subject_alternative_names": edited.sans(edited.www, edited.api)}
    assert edited.plan(**drops).extra["prediction"]["outcome"] == "new_certificate"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([f"n{number}.example.com" for number in range(USUAL)], "101 names are asked for"),
        ([f"*.n{number}.example.com" for number in range(USUAL + 1)], "101 wildcard names are asked for"),
    ],
    ids=["names", "wildcards"],
)
def test_an_empty_contract_has_the_usual_limit(bench: Bench, names: list[str], said: str) -> None:
    """E13, cps-protocol §2.3: no enrollment tells another one."""
    bench.prepare()
    error = refused(bench, subject_alternative_names={"dns": names})
    assert said in error.message and f"contract {bench.contract} may have {USUAL}" in error.message


def test_a_new_enrollment_goes_by_what_others_of_the_contract_may_have(bench: Bench) -> None:
    """E13: fewer, or more, than usual."""
    bench.prepare()
    bench.sandbox.seed(1, contracts=[bench.contract])
    bench.sandbox.configure({"max_san_names": 150, "max_wildcard_names": 0})
    names = [f"n{number}.{bench.name()}" for number in range(149)]
    assert "151 names" in refused(bench, subject_alternative_names={"dns": [*names, bench.name("one-more")]}).message
    star = f"*.{bench.name()}"
    assert "may have 0" in refused(bench, subject_alternative_names={"dns": [star]}).message
    assert bench.enroll(subject_alternative_names={"dns": names}).record
