# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a form is told at once, also where a device, an account or settings are not there (E2, E7-E12)."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, NotFoundError
from ansible_collections.edgecert.clm.tests.support.flow import Bench

BAD: dict[str, Any] = {"common_name": "a b", "country": "XX"}
MISSING: list[tuple[dict[str, Any], str, str]] = [
    ({"csr_source": "hsm", "hsm": {"device": "nope", "key_handler": "x"}}, "key_device_missing", "'nope'"),
    ({"csr_source": "adc", "adc": {"device": "nope", "key_reference": "x"}}, "key_device_missing", "'nope'"),
    ({"csr_source": "local", "ca": "nope"}, "ca_account_missing", "'nope'"),
    ({"device": "nope", "organization": None}, "device_missing", "No device 'nope'"),
    ({"organization": None}, "invalid_input", "device is missing and cannot be told"),
]


@pytest.fixture
def house(bench: Bench) -> Bench:
    """Give a bench with a CA and no device."""
    bench.ca()
    bench.group(approvals={"push": 0}, defaults={"organization": "Example AG", "country": "DE"})
    return bench


@pytest.mark.parametrize(("changes", "code", "said"), MISSING, ids=[str(one[0])[:34] for one in MISSING])
def test_what_is_not_there_hides_nothing_else(house: Bench, changes: dict[str, Any], code: str, said: str) -> None:
    """E2, E8, E9, E12: with its own code where it is all that is wrong."""
    asked = {"device": None, "contract_id": None, **changes}
    with pytest.raises((InputError, NotFoundError)) as caught:
        house.enroll(**asked)
    assert caught.value.code == code and said in caught.value.message
    with pytest.raises(InputError) as several:
        house.enroll(**{**asked, **BAD})
    told = several.value.details["problems"]
    assert len(told) == 3 and all(any(part in one for one in told) for part in (said, "a b", "XX")), told


def test_settings_that_are_not_saved_hide_nothing_else(bench: Bench) -> None:
    """E9, E12, S5: what they would have filled in is not asked for."""
    bench.prepare()
    other = {"secure_network": "enhanced-tls", "organization": None, "country": None}
    with pytest.raises(NotFoundError) as caught:
        bench.enroll(**other)
    assert caught.value.code == "vendor_settings_missing"
    with pytest.raises(InputError) as several:
        bench.enroll(**{**other, "common_name": "a b"})
    assert len(several.value.details["problems"]) == 2


def test_extensions_and_the_ca_are_told_with_the_rest(house: Bench) -> None:
    """E2, E12, E17."""
    with pytest.raises(InputError) as caught:
        house.enroll(device=None, csr_source="local", ca=None, extensions={"key_usage": ["foo"]}, **BAD)
    told = caught.value.details["problems"]
    assert len(told) == 4 and all(any(part in one for one in told) for part in ("ca is missing", "key usage foo")), told


def test_what_contradicts_a_csr_is_told_with_the_rest(house: Bench) -> None:
    """E7, E18, E20."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, house.name())])
    sans = x509.SubjectAlternativeName([x509.DNSName(house.name())])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name).add_extension(sans, critical=False)
    text = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    asked = {"common_name": None, "device": None, "csr_source": "upload", "csr": text, "organization": "Other"}
    with pytest.raises(InputError) as caught:
        house.enroll(**asked, generic={"application_ip": "x"}, attachments=[{"name": "a"}])
    told = caught.value.details["problems"]
    assert any("organization is 'Other'" in one for one in told) and any("application_ip" in one for one in told)
    assert any("attachment" in one for one in told)


def test_several_things_that_are_not_there_are_told_together(house: Bench) -> None:
    """E2, E9: by the code of the first."""
    with pytest.raises(NotFoundError, match=r"No device 'nope'.*No CA account 'none'") as caught:
        house.enroll(device="nope", ca="none")
    assert caught.value.code == "device_missing" and len(caught.value.details["problems"]) == 2
