# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of keys in a token (E8): ids that tell whose a key is, labels that tell people which one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.field_rules import KEY_NAME
from ansible_collections.edgecert.clm.plugins.module_utils._keys.token_names import TokenNames, is_marked

handlers = st.from_regex(KEY_NAME, fullmatch=True)
ids = st.text(min_size=1, max_size=40)
algorithms = st.sampled_from(["RSA", "ECDSA", "Ed25519"])


@given(handlers, algorithms, st.integers(1, 999_999), st.booleans())
def test_a_generation_is_read_off_the_label_it_was_written_in(
    handler: str, algorithm: str, generation: int, is_dual: bool
) -> None:
    names = TokenNames(handler, "c", "r")
    label = names.label(algorithm, generation, is_dual=is_dual)
    assert names.generation(algorithm, label) == generation
    assert label.startswith(handler)


@given(handlers, ids, ids, algorithms)
def test_an_id_is_the_same_for_the_same_request_and_is_known_as_ours(
    handler: str, certificate: str, request: str, algorithm: str
) -> None:
    """W5: what a killed run made is found by its id."""
    names = TokenNames(handler, certificate, request)
    assert names.id_of(algorithm) == TokenNames(handler, certificate, request).id_of(algorithm)
    assert len(names.id_of(algorithm)) == 20
    assert is_marked(names.id_of(algorithm)) and names.is_ours(names.id_of(algorithm))
    assert names.id_of("RSA") != names.id_of("ECDSA")


@given(handlers, st.lists(ids, min_size=2, max_size=2, unique=True), ids)
def test_another_certificate_or_handler_has_other_keys(handler: str, certificates: list[str], request: str) -> None:
    one, other = (TokenNames(handler, certificate, request) for certificate in certificates)
    assert not one.is_ours(other.id_of("RSA"))
    assert not one.is_ours(TokenNames(f"{handler}x", certificates[0], request).id_of("RSA"))
    assert one.is_ours(TokenNames(handler, certificates[0], f"{request}x").id_of("RSA"))
    assert one.id_of("RSA") != TokenNames(handler, certificates[0], f"{request}x").id_of("RSA")


@given(st.binary(max_size=30))
def test_a_foreign_id_is_not_taken_for_ours(key_id: bytes) -> None:
    assert is_marked(key_id) is (key_id.startswith(b"CLM\x01") and len(key_id) == 20)


def test_a_label_that_says_no_generation_is_the_first() -> None:
    """A person may have renamed a key."""
    names = TokenNames("www", "c", "r")
    for label in ("www", "www.rsa", "www.old", "www.02", "www.0", "renamed", "", "www.2x"):
        assert names.generation("RSA", label) == 1
