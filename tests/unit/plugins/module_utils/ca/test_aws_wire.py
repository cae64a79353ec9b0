# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Second opinions on the calls to AWS: botocore's signature, its validator and parser, and the published model."""

from __future__ import annotations

import json
import pathlib
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._ca import aws_pca_options
from ansible_collections.edgecert.clm.plugins.module_utils._ca.aws_pca import AwsPcaType
from ansible_collections.edgecert.clm.plugins.module_utils._ca.aws_sigv4 import Keys, Scope, signed
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response
from ansible_collections.edgecert.clm.tests.support.ca_sites.aws_pca import options_of
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca import aws_pca as fake_aws
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_model import SKIP, hold, model_of
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_pca import AwsVendor
from ansible_collections.edgecert.clm.tests.support.noted_transport import Noted

AT = datetime(2026, 11, 30, 12, 34, 56, tzinfo=timezone.utc)
PLAIN = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12)


def _by_botocore(request: Request, keys: Keys, scope: Scope) -> str:
    """Give the Authorization header that botocore computes."""
    auth = pytest.importorskip("botocore.auth", reason=SKIP)
    awsrequest = pytest.importorskip("botocore.awsrequest", reason=SKIP)
    credentials = pytest.importorskip("botocore.credentials", reason=SKIP)
    signer = auth.SigV4Auth(
        credentials.Credentials(keys.access_key_id, keys.secret.reveal(), keys.token.reveal() if keys.token else None),
        scope.service,
        scope.region,
    )
    headers = {name: text for name, text in request.headers.items() if name.lower() != "accept"}
    made = awsrequest.AWSRequest(
        request.method, f"https://{scope.host}{request.path}", headers, request.body, dict(request.query)
    )
    stamp = AT.strftime("%Y%m%dT%H%M%SZ")
    made.context["timestamp"] = stamp
    made.headers["X-Amz-Date"] = stamp
    if keys.token:
        made.headers["X-Amz-Security-Token"] = keys.token.reveal()
    text = signer.string_to_sign(made, signer.canonical_request(made))
    signer._inject_signature_to_request(made, signer.signature(text, made))
    return str(made.headers["Authorization"])


@given(
    body=st.binary(max_size=40),
    secret=PLAIN,
    token=PLAIN,
    query=st.dictionaries(PLAIN, PLAIN, max_size=3),
    path=st.sampled_from(["/", "/a/b", "/a%20b/c~d"]),
)
def test_the_signature_is_the_one_that_botocore_makes(
    body: bytes, secret: str, token: str, query: dict[str, str], path: str
) -> None:
    """ca-connectors §4.6: SigV4, against AWS's own implementation."""
    keys = Keys("AKIDEXAMPLE", Secret(secret), Secret(token) if token else None)
    scope = Scope("acm-pca.eu-west-1.amazonaws.com", "eu-west-1", "acm-pca")
    headers = {"Accept": "application/json", "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "A.B  c"}
    request = Request("POST", path, tuple(query.items()), headers, body)
    assert signed(request, keys, scope, AT).headers["Authorization"] == _by_botocore(request, keys, scope)


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Request, Response]]:
    """Everything that is said in the life of one certificate."""
    orders = core.Orders(core.FakeClock())
    vendor = AwsVendor(orders)
    kept: list[tuple[Request, Response]] = []
    with core.running(vendor, orders, tmp_path_factory.mktemp("aws")) as fake:
        kind = AwsPcaType(Tools(fake.clock, lambda options: Noted(options, kept)))
        secrets = {"secret_access_key": vendor.user.secret}
        options, sealed = kind.prepare("lab", options_of(fake, vendor), secrets, StoredAccount())
        connector = kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})
        connector.test()
        connector.choices("issuer_name")
        answer: Any = connector.submit(Order(SPEC, 90, "intent", fake.clock.now()), make_csr(KEYS["rsa"]()))
        connector.revoke(answer.handle, "superseded", "")
    # The very first call is without a signature, to see that somebody answers.
    return [one for one in kept if "Authorization" in one[0].headers]


def test_what_is_said_is_what_botocores_model_knows(exchanges: list[tuple[Request, Response]]) -> None:
    """ca-connectors §5.2: AWS by botocore's model."""
    assert hold(exchanges, model_of("acm-pca")) == set(fake_aws.FIELDS)


@pytest.mark.published
def test_fake_and_connector_have_the_words_of_the_published_model(
    exchanges: list[tuple[Request, Response]], shared_openapi: pathlib.Path
) -> None:
    """ca-connectors §5.2: fields, reasons and algorithms are those of the saved document."""
    path = shared_openapi / "ca" / "aws-pca" / "acm-pca-2017-08-22.service-2.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    shapes = document["shapes"]
    for operation, (needed, allowed) in fake_aws.FIELDS.items():
        shape = shapes[document["operations"][operation]["input"]["shape"]]
        assert set(shape.get("required", ())) == needed and set(shape["members"]) == needed | allowed
    assert tuple(shapes["RevocationReason"]["enum"]) == fake_aws.REASONS
    assert set(shapes["GeneralName"]["members"]) == fake_aws.GENERAL_NAMES
    assert set(aws_pca_options.ALGORITHMS) <= set(shapes["SigningAlgorithm"]["enum"])
    assert set(shapes["CertificateAuthorityUsageMode"]["enum"]) >= {aws_pca_options.SHORT_LIVED}
    assert shapes["IdempotencyToken"]["max"] == 36
    assert hold(exchanges, model_of("acm-pca", document)) == set(fake_aws.FIELDS)
