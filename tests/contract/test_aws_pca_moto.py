# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Private CA against moto, a server of others that really signs: the same calls, and a role of its STS.

Not among the makers of the contract suite: it signs for 365 days whatever is asked, and doubles an order sent twice.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued
from ansible_collections.edgecert.clm.plugins.module_utils._ca.aws_api import Api, rest_of
from ansible_collections.edgecert.clm.plugins.module_utils._ca.aws_pca import AwsPcaType
from ansible_collections.edgecert.clm.plugins.module_utils._ca.aws_sigv4 import Keys
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._pki.preflight import WantedNames, check_bundle
from ansible_collections.edgecert.clm.tests.support import moto_server
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr

REGION = "eu-west-1"
PLAIN = "EndEntityCertificate/V1"
TOOLS = Tools(SystemClock(), moto_server.Transport)


@dataclass(frozen=True)
class Lab:
    """The server with an active root CA."""

    options: dict[str, Any]
    arn: str

    def connect(self, **changes: Any) -> CaConnector:
        """Give a connector; moto takes any keys."""
        kind = AwsPcaType(TOOLS)
        given = {"secret_access_key": "anything"}
        wanted = {**self.options, "ca_arn": self.arn, "access_key_id": "AKIA0", "template": PLAIN, **changes}
        options, sealed = kind.prepare("lab", wanted, given, StoredAccount())
        return kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with moto_server.running(tmp_path_factory.mktemp("moto")) as moto:
        options = {"url": moto.url, "sts_url": moto.url, "ca_path": moto.ca_path}
        yield Lab(options, _root(options))


def _root(options: dict[str, Any]) -> str:
    """Make a CA as AWS has it done: create, sign its own CSR, import."""
    keys = Keys("AKIA0", Secret("anything"))
    rest = rest_of(TOOLS, options["url"], (REGION, "acm-pca"), options, {}, lambda: keys)
    api = Api(rest, TOOLS, "ACMPrivateCA", lambda: False)
    subject = {"CommonName": "moto root", "Organization": "Example"}
    setting = {"KeyAlgorithm": "RSA_2048", "SigningAlgorithm": "SHA256WITHRSA", "Subject": subject}
    made = {"CertificateAuthorityConfiguration": setting, "CertificateAuthorityType": "ROOT"}
    arn = api.write("make a CA", "CreateCertificateAuthority", made)["CertificateAuthorityArn"]
    mine = {"CertificateAuthorityArn": arn}
    csr = api.read("read its CSR", "GetCertificateAuthorityCsr", mine)["Csr"]
    order = {
        **mine,
        "Csr": base64.b64encode(csr.encode()).decode(),
        "SigningAlgorithm": "SHA256WITHRSA",
        "TemplateArn": "arn:aws:acm-pca:::template/RootCACertificate/V1",
        "Validity": {"Value": 3650, "Type": "DAYS"},
    }
    certificate = api.write("sign it", "IssueCertificate", order)["CertificateArn"]
    pem = api.read("fetch it", "GetCertificate", {**mine, "CertificateArn": certificate})["Certificate"]
    body = {**mine, "Certificate": base64.b64encode(pem.encode()).decode()}
    api.write("import it", "ImportCertificateAuthorityCertificate", body)
    return str(arn)


def order(**changes: Any) -> Order:
    return replace(Order(SPEC, 365, "intent", SystemClock().now()), **changes)


def test_an_account_passes_its_test_and_lists_its_cas(lab: Lab) -> None:
    """C rows."""
    connector = lab.connect()
    assert [check.name for check in connector.test() if not check.passed] == []
    assert [(one.value, one.label) for one in connector.choices("issuer_name")] == [(lab.arn, "moto root")]


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384"])
def test_our_csr_is_really_signed(lab: Lab, kind: str) -> None:
    """E2, E17: key, names and chain."""
    csr, connector = make_csr(KEYS[kind]()), lab.connect()
    answer = connector.submit(order(), csr)
    assert isinstance(answer, Issued)
    names, at = WantedNames(SPEC.common_name, SPEC.dns_names), SystemClock().now() + timedelta(seconds=2)
    found = check_bundle(answer.bundle, csr_pem=csr, names=names, at=at, is_public=False)
    assert found.problems == () and answer.bundle.root
    again = connector.collect(answer.handle)
    assert isinstance(again, Issued) and again.bundle == answer.bundle


def test_it_is_revoked_by_its_serial_number(lab: Lab) -> None:
    """Issue 6: moto takes no serial number that it did not give."""
    connector = lab.connect()
    answer = connector.submit(order(), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Issued)
    for reason in connector.capabilities().revoke_reasons[:2]:
        assert connector.revoke(answer.handle, reason, "").state == "revoked"


def test_an_order_is_taken_over_by_its_arn_for_its_own_csr(lab: Lab) -> None:
    connector, csr = lab.connect(), make_csr(KEYS["p256"]())
    answer = connector.submit(order(), csr)
    assert isinstance(answer, Issued)
    arn = str(answer.handle["order_id"])
    assert isinstance(connector.adopt(arn, order(), csr), Issued)
    with pytest.raises(InputError, match="another key"):
        connector.adopt(arn, order(), make_csr(KEYS["p256"]()))


def test_a_role_is_taken_on_at_its_sts(lab: Lab) -> None:
    """C rows: AssumeRole in AWS's XML, as another implementation writes it."""
    connector = lab.connect(role_arn="arn:aws:iam::123456789012:role/edgecert", external_id="x")
    checks = connector.test()
    assert all(check.passed for check in checks), checks
    assert isinstance(connector.submit(order(), make_csr(KEYS["p256"]())), Issued)


def test_an_unknown_ca_is_told_in_the_servers_words(lab: Lab) -> None:
    failed = [check for check in lab.connect(ca_arn=lab.arn[:-12] + "000000000000").test() if not check.passed]
    assert len(failed) == 1 and failed[0].name == "CA" and "ResourceNotFoundException" in failed[0].detail
