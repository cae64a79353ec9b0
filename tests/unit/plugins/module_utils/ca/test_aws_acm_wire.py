# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Second opinions on ACM: the published model, and botocore's own client against the fake that our connector is for."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import aws_acm_words
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, Pending, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.aws_pca import AwsPcaType
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import (
    CaConnector,
    Order,
    StoredAccount,
    Tools,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support.ca_sites.aws_pca import options_of
from ansible_collections.edgecert.clm.tests.support.csrs import SPEC
from ansible_collections.edgecert.clm.tests.support.fake_ca import aws_acm as fake_acm
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_front import REGION
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_model import SKIP, hold, model_of
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_pca import AwsVendor
from ansible_collections.edgecert.clm.tests.support.noted_transport import Noted


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Request, Response]]:
    """Everything that is said about one certificate that is issued, and one that is taken back."""
    orders = core.Orders(core.FakeClock())
    vendor = AwsVendor(orders)
    kept: list[tuple[Request, Response]] = []
    with core.running(vendor, orders, tmp_path_factory.mktemp("acm")) as fake:
        kind = AwsPcaType(Tools(fake.clock, lambda options: Noted(options, kept)))

        def connect(**more: Any) -> CaConnector:
            wanted = options_of(fake, vendor, mode="acm", **more)
            options, sealed = kind.prepare("lab", wanted, {"secret_access_key": vendor.user.secret}, StoredAccount())
            return kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})

        connector = connect(ca_arn="", region=REGION)
        connector.test()
        order, other = (Order(SPEC, 90, intent, fake.clock.now()) for intent in ("intent", "another"))
        private = Order(SPEC, 90, "private", fake.clock.now(), {"issuer_name": vendor.ca_arn})
        vendor.key = "RSA_2048"
        assert isinstance(connect().submit(private, ""), Issued)
        waiting = connector.submit(order, "")
        fake.clock.sleep(60)
        assert isinstance(waiting, Pending) and isinstance(connector.collect(waiting.handle), Pending)
        assert isinstance(connector.cancel(connector.submit(other, "").handle), Rejected)
        vendor.acm.prove()
        fake.clock.sleep(3600)
        answer = connector.find(order, "")
        assert isinstance(answer, Issued)
        for one in vendor.acm.kept.values():
            one.exported = True
        connector.revoke(answer.handle, "superseded", "")
    # The very first call is without a signature, to see that somebody answers.
    return [one for one in kept if "Authorization" in one[0].headers]


def test_what_is_said_is_what_botocores_model_knows(exchanges: list[tuple[Request, Response]]) -> None:
    """ca-connectors §5.2: AWS by botocore's model, every operation, and members at every depth."""
    assert hold(exchanges, model_of("acm")) == set(fake_acm.FIELDS)


def test_fake_and_connector_have_the_words_and_limits_of_the_model() -> None:
    """ca-connectors §5.2: fields, words, lengths and patterns."""
    model = model_of("acm")
    for operation, (needed, allowed) in fake_acm.FIELDS.items():
        shape = model.operation_model(operation).input_shape
        assert set(shape.required_members) == needed and set(shape.members) == needed | allowed, operation
    shapes = {name: model.shape_for(name) for name in model.shape_names}
    assert tuple(shapes["CertificateStatus"].enum) == fake_acm.STATUSES
    assert tuple(shapes["KeyAlgorithm"].enum) == fake_acm.KEY_ALGORITHMS == aws_acm_words.LISTED_KEYS
    assert tuple(shapes["RevocationReason"].enum) == fake_acm.REASONS
    assert set(aws_acm_words.ALGORITHMS.values()) == set(fake_acm.MADE) <= set(fake_acm.KEY_ALGORITHMS)
    raw = {name: shape._shape_model for name, shape in shapes.items()}
    name, token, tag = raw["DomainNameString"], raw["IdempotencyToken"], raw["TagValue"]
    assert name["pattern"] == fake_acm.NAME == aws_acm_words._NAME.pattern
    assert name["max"] == aws_acm_words.LONGEST_NAME and raw["DomainList"]["max"] == aws_acm_words.MOST_NAMES
    assert (token["pattern"], token["max"], tag["max"]) == (r"\w+", 32, 256)
    assert {"DNS", "EMAIL"} <= set(shapes["ValidationMethod"].enum)
    assert raw["MaxItems"]["max"] == 1000


def test_botocores_own_client_gets_along_with_the_fake(tmp_path: pathlib.Path) -> None:
    """The fake's shapes are AWS's: its client asks, reads, waits, goes through pages, and is refused as by AWS."""
    session = pytest.importorskip("botocore.session", reason=SKIP).get_session()
    config = pytest.importorskip("botocore.config", reason=SKIP).Config(proxies={}, retries={"max_attempts": 0})
    orders = core.Orders(core.FakeClock())
    vendor = AwsVendor(orders)
    with core.running(vendor, orders, tmp_path) as fake:
        client: Any = session.create_client(
            "acm",
            region_name=REGION,
            endpoint_url=fake.url,
            verify=fake.ca_path,
            aws_access_key_id=vendor.user.access_key_id,
            aws_secret_access_key=vendor.user.secret,
            config=config,
        )
        asked = {
            "DomainName": "www.example.com",
            "KeyAlgorithm": "EC_prime256v1",
            "IdempotencyToken": "once",
            "Tags": [{"Key": "edgecert:order", "Value": "intent"}],
        }
        arn = client.request_certificate(**asked, ValidationMethod="DNS")["CertificateArn"]
        assert client.request_certificate(**asked, ValidationMethod="DNS")["CertificateArn"] == arn
        private = client.request_certificate(
            **{**asked, "IdempotencyToken": "other"}, CertificateAuthorityArn=vendor.ca_arn
        )["CertificateArn"]
        with pytest.raises(client.exceptions.RequestInProgressException):
            client.get_certificate(CertificateArn=arn)
        vendor.acm.records_after_s = 0
        (option,) = client.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
        assert option["ResourceRecord"]["Type"] == "CNAME"
        vendor.acm.prove()
        client.get_waiter("certificate_validated").wait(CertificateArn=arn)
        found = client.get_certificate(CertificateArn=arn)
        facts = certificate_facts(found["Certificate"])
        assert facts.key.curve == "secp256r1" and facts.sans.dns == ("www.example.com",)
        assert set(found) == {"Certificate", "CertificateChain", "ResponseMetadata"}, "and no key"
        assert client.list_tags_for_certificate(CertificateArn=arn)["Tags"] == asked["Tags"]
        assert client.list_certificates()["CertificateSummaryList"] == [], "keys of EC only where they are asked for"
        pages = client.get_paginator("list_certificates").paginate(Includes={"keyTypes": ["EC_prime256v1"]})
        listed = [one["CertificateArn"] for page in pages for one in page["CertificateSummaryList"]]
        assert listed == [arn, private]
        client.describe_certificate(CertificateArn=private)
        with pytest.raises(client.exceptions.ValidationException):
            client.revoke_certificate(CertificateArn=private, RevocationReason="SUPERSEDED")
        vendor.acm.kept[arn].exported = True
        assert client.revoke_certificate(CertificateArn=arn, RevocationReason="SUPERSEDED")["CertificateArn"] == arn
        client.delete_certificate(CertificateArn=private)
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.describe_certificate(CertificateArn=private)
