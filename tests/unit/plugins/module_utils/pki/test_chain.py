# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains: any heap in, order and faults out; openssl is the second opinion."""

from __future__ import annotations

import random
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._pki.chain import Chain, order_chain


def openssl_accepts(folder: Path, chain: Chain) -> bool:
    for name, text in (("leaf", chain.bundle.leaf), ("mid", "".join(chain.bundle.chain)), ("root", chain.bundle.root)):
        (folder / f"{name}.pem").write_text(text)
    command = ["openssl", "verify", "-attime", "1795435200", "-CAfile", "root.pem", "-untrusted", "mid.pem", "leaf.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), doubles=st.integers(0, 2))
def test_any_heap_of_the_right_certificates_comes_out_in_order(tree: Any, seed: int, doubles: int) -> None:
    """U6: shuffled, doubled, with the root and the leaf again."""
    heap = [tree.root.pem, tree.upper.pem, tree.lower.pem, tree.leaf.pem] * (1 + doubles)
    random.Random(seed).shuffle(heap)
    chain = order_chain(tree.leaf.pem, heap, at=tree_now())
    assert chain.problems == () and chain.notes == () and chain.missing_issuer == ""
    assert chain.bundle.chain == (tree.lower.pem, tree.upper.pem)
    assert chain.bundle.root == tree.root.pem
    assert [facts.common_name for facts in chain.facts] == [
        "www.example.com",
        "Test Lower CA",
        "Test Upper CA",
        "Test Root",
    ]


def tree_now() -> Any:
    from datetime import datetime, timezone

    return datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


def test_openssl_accepts_an_ordered_chain(tree: Any, tmp_path: Path) -> None:
    text = tree.upper.pem + tree.root.pem.replace("\n", "\r\n") + tree.lower.pem
    chain = order_chain(tree.leaf.pem, [text], at=tree_now())
    assert openssl_accepts(tmp_path, chain)


def test_missing_issuer_of_the_leaf_is_told_by_name(tree: Any) -> None:
    chain = order_chain(tree.leaf.pem, [tree.upper.pem, tree.root.pem], at=tree_now())
    assert chain.problems == ("the certificate of CN=Test Lower CA is missing; it issued CN=www.example.com",)
    assert chain.missing_issuer == "CN=Test Lower CA"


def test_gap_in_the_middle_is_told_by_name(tree: Any, tmp_path: Path) -> None:
    chain = order_chain(tree.leaf.pem, [tree.lower.pem, tree.root.pem], at=tree_now())
    assert chain.problems == ("the certificate of CN=Test Upper CA is missing; it issued CN=Test Lower CA",)
    assert chain.missing_issuer == "CN=Test Upper CA"


def test_root_that_is_not_sent_is_no_problem_unless_it_is_needed(tree: Any) -> None:
    heap = [tree.upper.pem, tree.lower.pem]
    assert order_chain(tree.leaf.pem, heap, at=tree_now()).problems == ()
    needed = order_chain(tree.leaf.pem, heap, at=tree_now(), needs_root=True)
    assert needed.problems == ("the certificate of CN=Test Root is missing; it issued CN=Test Upper CA",)
    assert needed.missing_issuer == "CN=Test Root"


def test_leaf_without_anything_lacks_its_issuer(tree: Any) -> None:
    assert order_chain(tree.leaf.pem, [], at=tree_now()).problems


def test_namesake_with_another_key_is_not_taken_for_the_issuer(tree: Any, pki: Any) -> None:
    namesake = pki.ca("Test Lower CA", tree.upper)
    chain = order_chain(tree.leaf.pem, [namesake.pem, tree.upper.pem, tree.root.pem], at=tree_now())
    assert len(chain.problems) == 1 and "key did not sign it" in chain.problems[0]
    assert chain.bundle.chain == ()


def test_stranger_in_the_heap_is_left_out_with_a_note(tree: Any, pki: Any) -> None:
    stranger = pki.ca("Other Root")
    chain = order_chain(tree.leaf.pem, [tree.lower.pem, stranger.pem, tree.upper.pem, tree.root.pem], at=tree_now())
    assert chain.problems == ()
    assert chain.notes == ("CN=Other Root is not part of the chain and is left out",)


@pytest.mark.parametrize("part", ["root", "upper", "lower", "leaf"])
def test_expired_member_is_told(make_tree: Any, part: str) -> None:
    begin = tree_now() - timedelta(days=100)
    made = make_tree(**{part: {"begin": begin, "days": 99}})
    chain = order_chain(made.leaf.pem, [made.root.pem, made.upper.pem, made.lower.pem], at=tree_now())
    assert len(chain.problems) == 1 and "expired on 2026-11-22T11:59:59Z" in chain.problems[0]


def test_member_that_is_not_valid_yet_is_told(make_tree: Any) -> None:
    made = make_tree(upper={"begin": tree_now() + timedelta(days=1)})
    chain = order_chain(made.leaf.pem, [made.root.pem, made.upper.pem, made.lower.pem], at=tree_now())
    assert chain.problems == ("CN=Test Upper CA is not valid before 2026-11-24T12:00:00Z",)


def test_member_that_is_no_ca_is_told(make_tree: Any, tmp_path: Path) -> None:
    made = make_tree(lower={"is_ca": False})
    chain = order_chain(made.leaf.pem, [made.root.pem, made.upper.pem, made.lower.pem], at=tree_now())
    assert chain.problems == ("CN=Test Lower CA is not a CA certificate, yet it issued CN=www.example.com",)
    assert not openssl_accepts(tmp_path, chain)


def test_path_length_that_is_exceeded_is_told(make_tree: Any, tmp_path: Path) -> None:
    made = make_tree(upper={"path_length": 0})
    chain = order_chain(made.leaf.pem, [made.root.pem, made.upper.pem, made.lower.pem], at=tree_now())
    assert chain.problems == ("CN=Test Upper CA allows 0 CA certificates below it, the chain has 1",)
    assert not openssl_accepts(tmp_path, chain)


def test_cross_signed_issuer_goes_the_way_that_is_valid(pki: Any) -> None:
    """Two certificates of one CA key: below an expired root, and self-signed."""
    begin = tree_now() - timedelta(days=200)
    old_root = pki.ca("Old Root", begin=begin, days=100)
    new_root = pki.ca("New Root")
    crossed = pki.ca("New Root", old_root, key=new_root.key, days=30)
    middle = pki.ca("Middle CA", new_root)
    leaf = pki.leaf(middle)
    for heap in (
        [crossed.pem, old_root.pem, new_root.pem, middle.pem],
        [middle.pem, new_root.pem, old_root.pem, crossed.pem],
    ):
        chain = order_chain(leaf.pem, heap, at=tree_now())
        assert chain.problems == ()
        assert chain.bundle.root == new_root.pem and chain.bundle.chain == (middle.pem,)


def test_two_cas_that_sign_each_other_do_not_loop(pki: Any) -> None:
    one_key, two_key = pki.key(), pki.key()
    one, two = pki.ca("One", key=one_key), pki.ca("Two", key=two_key)
    one_by_two, two_by_one = pki.ca("One", two, key=one_key), pki.ca("Two", one, key=two_key)
    chain = order_chain(pki.leaf(one).pem, [one_by_two.pem, two_by_one.pem], at=tree_now())
    assert len(chain.facts) == 3


def test_leaf_signed_by_the_root_itself_has_an_empty_chain(pki: Any) -> None:
    root = pki.ca("Lone Root")
    chain = order_chain(pki.leaf(root).pem, [root.pem], at=tree_now())
    assert chain.bundle.chain == () and chain.bundle.root == root.pem and chain.problems == ()


def test_private_key_in_the_heap_is_refused_and_never_shown(tree: Any) -> None:
    with pytest.raises(InputError) as caught:
        order_chain(tree.leaf.pem, [tree.lower.pem + tree.lower.key_pem], at=tree_now())
    assert "private key" in str(caught.value)
    assert tree.lower.key_pem.splitlines()[1] not in str(caught.value)
