# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSRs made elsewhere at CAs that copy them: taken as they are, or refused before anything is ordered (E7)."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ansible_collections.edgecert.clm.plugins.module_utils._clm import comparison
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, StateError
from ansible_collections.edgecert.clm.tests.support.copying_ca import CopyingCa
from ansible_collections.edgecert.clm.tests.support.flow import Bench


@pytest.fixture
def ca(bench: Bench) -> CopyingCa:
    """Have every CA account be one that copies CSRs."""
    bench.ca()
    bench.group(approvals={"push": 0}, defaults={"organization": "Example AG", "country": "DE"})
    made = CopyingCa(bench.clock.now)
    bench.use_ca(made)
    return made


def csr(common_name: str, *names: str, organization: str = "") -> str:
    """Make a CSR; an empty common name is left out, and so are SANs where there are none."""
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    subject += [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    if names:
        sans = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(sans, critical=False)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def upload(bench: Bench, text: str, **changes: Any) -> Any:
    """Enrol with an uploaded CSR."""
    return bench.enroll(**{"common_name": None, "device": None, "csr_source": "upload", "csr": text, **changes})


@pytest.mark.parametrize("is_upper", [True, False], ids=["upper-case", "no-common-name"])
def test_a_common_name_is_taken_as_the_csr_has_it(bench: Bench, ca: CopyingCa, is_upper: bool) -> None:
    """E7, E12: only CPS wants a common name, and its case; clients look at the SANs, in any case."""
    name = bench.name().replace("example", "Example")
    assert name != bench.name()
    text = csr(name, name) if is_upper else csr("", bench.name())
    outcome = upload(bench, text)
    assert outcome.record["state"] == "issued" and outcome.record["certificate"] == bench.name()
    told = outcome.record["ca_progress"]["ECDSA"]["differences"] if not is_upper else ["no common name"]
    assert any("no common name" in one for one in told) and len(ca.submitted) == 1
    with bench.store.read() as unit:
        [request] = unit.requests.find()
        assert [d for d in comparison.of_request(unit, request)["differences"] if d["matters"]] == []
    assert bench.plan_enroll(common_name=None, device=None, csr_source="upload", csr=text).steps == ()


@pytest.mark.parametrize("names", [(), ("other.example.com",)], ids=["none", "another"])
def test_a_csr_without_the_names_wanted_is_refused_before_it_is_ordered(
    bench: Bench, ca: CopyingCa, names: tuple[str, ...]
) -> None:
    """E7, E13: a CA that copies the CSR would issue a certificate that serves nobody, and be paid for it."""
    with pytest.raises(InputError, match=f"it lacks the DNS names {bench.name()} there; make a new CSR"):
        upload(bench, csr(bench.name(), *names))
    assert ca.submitted == [] and bench.records()["requests"] == 0
    # One that takes names with the order adds it.
    ca.is_truth = False
    with pytest.raises(StateError, match="lack the DNS names"):
        upload(bench, csr(bench.name(), *names))
    assert len(ca.submitted) == 1


def test_a_certificate_without_a_common_name_is_taken_for_a_csr_made_here(bench: Bench, ca: CopyingCa) -> None:
    """E6, E24: profiles of public CAs leave it out."""
    ca.leaves_common_name = False
    record = bench.enroll(device=None, csr_source="local").record
    assert record is not None and record["state"] == "issued"
    [told] = record["ca_progress"]["RSA"]["differences"]
    assert told == f"the certificate has no common name; {bench.name()} is among its subject alternative names"


def test_what_cannot_be_used_is_bought_once(bench: Bench, ca: CopyingCa) -> None:
    """E7, E24: the same task says what became of the order, and how another one is placed."""
    ca.is_truth = False
    text = csr(bench.name())
    with pytest.raises(StateError) as first:
        upload(bench, text)
    for _time in range(2):
        with pytest.raises(StateError) as caught:
            upload(bench, text)
        assert caught.value.code == first.value.code == "certificate_unusable"
    with bench.store.read() as unit:
        [failed] = unit.requests.find()
    assert failed.request_id in caught.value.message and "action: retry" in caught.value.message
    assert len(ca.submitted) == 1
    # Another order of the same CSR is somebody's decision.
    with pytest.raises(StateError):
        bench.act("tester", "retry", request_id=failed.request_id)
    assert len(ca.submitted) == 2
    assert upload(bench, csr(bench.name(), bench.name())).record["state"] == "issued"


def test_what_cannot_be_used_is_bought_once_for_a_csr_made_here(bench: Bench, ca: CopyingCa) -> None:
    """E6, E24: the next request would use the same key and CSR."""
    ca.is_truth = False
    real = ca._make
    ca._make = lambda text: real(csr(bench.name(), bench.name()))
    for _time in range(2):
        with pytest.raises(StateError) as caught:
            bench.enroll(device=None, csr_source="local")
        assert caught.value.code == "certificate_unusable"
    assert len(ca.submitted) == 1
    ca._make = real
    record = bench.enroll(device=None, csr_source="local", validity={"count": 60, "unit": "days"}).record
    assert record is not None and record["state"] == "issued"
