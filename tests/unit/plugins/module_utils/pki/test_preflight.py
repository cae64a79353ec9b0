# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check before a push: each fault alone gives its sentence, a good bundle gives none."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Bundle
from ansible_collections.edgecert.clm.plugins.module_utils._pki.preflight import Preflight, WantedNames, check_bundle

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
NAMES = WantedNames("www.example.com", ("www.example.com",))


def check(made: Any, pki: Any, **changes: Any) -> Preflight:
    bundle = Bundle(made.leaf.pem, (made.upper.pem, made.root.pem, made.lower.pem))
    wishes: dict[str, Any] = {
        "csr_pem": pki.csr(made.leaf.key),
        "names": NAMES,
        "at": NOW,
        "is_public": False,
        "key_algorithm": "ECDSA",
    }
    wishes.update(changes)
    return check_bundle(bundle, **wishes)


def test_good_bundle_passes_and_comes_back_in_order(tree: Any, pki: Any) -> None:
    """U6: key, names, time, lifetime and chain all fit."""
    found = check(tree, pki, names=WantedNames("www.example.com", ("www.example.com", "*.EXAMPLE.com")))
    assert found.problems == () and found.notes == ()
    assert found.bundle == Bundle(tree.leaf.pem, (tree.lower.pem, tree.upper.pem), tree.root.pem)
    assert found.facts is not None and found.facts.common_name == "www.example.com"


def test_certificate_of_another_key_is_refused(tree: Any, pki: Any) -> None:
    """U6: never push a certificate whose key is not the CSR's."""
    found = check(tree, pki, csr_pem=pki.csr(pki.key()))
    assert len(found.problems) == 1 and "was not issued for this CSR" in found.problems[0]


def test_wildcard_does_not_stand_for_a_wanted_name(tree: Any, pki: Any) -> None:
    """U6: CPS wants each name in the SAN list itself."""
    found = check(tree, pki, names=WantedNames("www.example.com", ("www.example.com", "shop.example.com")))
    assert found.problems == ("the certificate's subject alternative names lack the DNS names shop.example.com",)


def test_common_name_that_differs_in_case_is_told(tree: Any, pki: Any) -> None:
    found = check(tree, pki, names=WantedNames("WWW.example.com"))
    assert len(found.problems) == 1 and found.problems[0].endswith("(they differ in case)")


def test_names_that_the_ca_added_are_only_noted(tree: Any, pki: Any) -> None:
    found = check(tree, pki)
    assert found.problems == () and found.notes == ("the CA added the names *.example.com",)


def test_wrong_kind_of_key_is_told(tree: Any, pki: Any) -> None:
    found = check(tree, pki, key_algorithm="RSA")
    assert found.problems == ("the certificate's key is of the kind ECDSA, RSA is wanted",)


@pytest.mark.parametrize(
    ("issued", "days", "is_fine"),
    [
        (datetime(2026, 3, 14, tzinfo=timezone.utc), 398, True),
        (datetime(2026, 3, 14, tzinfo=timezone.utc), 399, False),
        (datetime(2026, 3, 15, tzinfo=timezone.utc), 200, True),
        (datetime(2026, 3, 15, tzinfo=timezone.utc), 201, False),
        (datetime(2027, 3, 15, tzinfo=timezone.utc), 100, True),
        (datetime(2027, 3, 15, tzinfo=timezone.utc), 101, False),
        (datetime(2029, 3, 15, tzinfo=timezone.utc), 47, True),
        (datetime(2029, 3, 15, tzinfo=timezone.utc), 48, False),
    ],
)
def test_lifetime_limit_of_public_trust_goes_by_the_day_of_issue(
    make_tree: Any, pki: Any, issued: datetime, days: int, is_fine: bool
) -> None:
    """E15, U6: 398, 200, 100, 47 days; a private CA is not held to them."""
    made = make_tree(leaf={"begin": issued, "days": days}, **{p: {"begin": issued} for p in ("root", "upper", "lower")})
    public = check(made, pki, is_public=True, at=issued)
    assert (public.problems == ()) is is_fine
    assert is_fine or "publicly trusted" in public.problems[0]
    assert check(made, pki, is_public=False, at=issued).problems == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"begin": NOW - timedelta(days=91)}, "expired on"),
        ({"begin": NOW + timedelta(hours=1)}, "is not valid before"),
        ({"is_ca": True}, "is a CA's own"),
        ({"usages": (ExtendedKeyUsageOID.CLIENT_AUTH,)}, "extended key usage"),
        ({"key": rsa.generate_private_key(65537, 1024)}, "RSA key has 1024 bits"),
    ],
)
def test_fault_of_the_leaf_is_told(make_tree: Any, pki: Any, change: dict[str, Any], words: str) -> None:
    made = make_tree(leaf=change)
    found = check(made, pki, csr_pem=None, key_algorithm="")
    assert len(found.problems) == 1 and words in found.problems[0]


def test_all_faults_are_told_at_once(make_tree: Any, pki: Any) -> None:
    made = make_tree(leaf={"begin": NOW - timedelta(days=91), "dns": ("other.example.com",)})
    bundle = Bundle(made.leaf.pem, (made.root.pem,))
    found = check_bundle(bundle, csr_pem=pki.csr(pki.key()), names=NAMES, at=NOW, is_public=True, key_algorithm="RSA")
    assert len(found.problems) == 5


def test_text_that_is_no_certificate_is_a_problem_not_a_crash(tree: Any, pki: Any) -> None:
    found = check_bundle(Bundle("hello"), csr_pem=None, names=NAMES, at=NOW, is_public=False)
    assert found.facts is None and "Cannot read the certificate" in found.problems[0]
