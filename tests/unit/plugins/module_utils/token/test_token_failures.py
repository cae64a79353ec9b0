# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PKCS#11's return values become: a stable code, a sentence with what to do, whether it passes by itself (E8)."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import AuthError, RemoteError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._token import failures, kinds

TOP = pathlib.Path(__file__).resolve().parents[5]
exceptions = pytest.importorskip("pkcs11", reason="python-pkcs11, of requirements-hsm.txt, is not installed").exceptions


@pytest.mark.parametrize("name", sorted(failures.MEANINGS))
def test_every_value_of_the_table_is_one_that_the_library_raises(name: str) -> None:
    """A misspelt name would never be met."""
    meaning = failures.MEANINGS[name]
    with pytest.raises(RemoteError) as caught, failures.told("Cannot do it in token clm"):
        raise getattr(exceptions, name)()
    error = caught.value
    assert error.code == meaning.code
    assert error.message == f"Cannot do it in token clm: {meaning.sentence} (PKCS#11: {name})"
    assert error.details["pkcs11"] == name
    assert isinstance(error, AuthError) is meaning.is_login
    assert isinstance(error, TransportError) is error.retryable is meaning.passes


def test_a_pin_that_has_expired_is_a_matter_of_the_login() -> None:
    """E8: SoftHSM has no such PINs."""
    with pytest.raises(AuthError, match="change it with the vendor's tool") as caught, failures.told("Cannot log in"):
        raise exceptions.PinExpired()
    assert caught.value.code == "pin_expired"


def test_a_value_that_is_in_no_table_may_pass_and_is_told_as_it_came() -> None:
    """Nobody knows what was done, so it is looked for; a vendor's own number stands in the message."""
    for raised, told in (
        (exceptions.PKCS11Error("Unmapped error code 0x80000001"), "Unmapped error code 0x80000001"),
        (exceptions.GeneralError(), "GeneralError"),
    ):
        with pytest.raises(TransportError) as caught, failures.told("Cannot do it"):
            raise raised
        assert caught.value.code == "token_error" and caught.value.sent
        assert told in caught.value.message


def test_a_curve_the_token_does_not_know_is_told_as_such() -> None:
    """CKR_CURVE_NOT_SUPPORTED has no class of its own in the library."""
    with pytest.raises(RemoteError) as caught, failures.told("Cannot make a key"):
        raise exceptions.PKCS11Error("Unmapped error code 0x140")
    assert caught.value.code == "key_not_taken"


def test_an_error_of_ours_or_of_python_goes_by_unchanged() -> None:
    with pytest.raises(KeyError), failures.told("Cannot do it"):
        raise KeyError("x")


@pytest.mark.parametrize("algorithm", [kinds.RSA, kinds.ECDSA, kinds.ED25519])
def test_every_mechanism_that_is_named_exists(algorithm: str) -> None:
    from pkcs11.mechanisms import Mechanism

    names = {kinds.GENERATION[algorithm]}
    for hash_name in kinds.HASHES:
        names |= set(kinds.signing_mechanisms(algorithm, hash_name))
    assert all(name in Mechanism.__members__ for name in names)


def test_every_code_is_in_the_guide() -> None:
    """Whoever branches on a code finds it, with what to do."""
    text = (TOP / "docs" / "docsite" / "rst" / "guide_hsm.rst").read_text(encoding="utf-8")
    sources = [*(TOP / "plugins/module_utils/_token").glob("*.py"), TOP / "plugins/module_utils/_keys/pkcs11_keys.py"]
    import re

    codes = {meaning.code for meaning in failures.MEANINGS.values()} | {"token_error"}
    for source in sources:
        codes |= set(re.findall(r'code="([a-z_]+)"', source.read_text(encoding="utf-8")))
    lines = (TOP / "plugins/module_utils/_keys/token_lines.py").read_text(encoding="utf-8")
    codes |= set(re.findall(r'^    "([a-z_]+)",$', lines, re.MULTILINE))
    assert len(codes) > 20
    assert sorted(code for code in codes if f"``{code}``" not in text) == []
