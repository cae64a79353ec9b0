# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Second opinions on Google's CA Service: its published discovery document, and Google's own client before our fake."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft7Validator

from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.google_cas import GoogleCas, GoogleCasType
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support.ca_sites.google_cas import options_of, secrets_of
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca import google_cas as fake_google
from ansible_collections.edgecert.clm.tests.support.fake_ca.google_cas import GoogleVendor
from ansible_collections.edgecert.clm.tests.support.noted_transport import Noted

CLIENT = "google-cloud-private-ca, of requirements-dev.txt, is not installed"


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[tuple[core.FakeCa, GoogleVendor]]:
    orders = core.Orders(core.FakeClock())
    vendor = GoogleVendor(orders)
    with core.running(vendor, orders, tmp_path) as fake:
        yield fake, vendor


def connect(fake: core.FakeCa, vendor: GoogleVendor, kept: list[tuple[Request, Response]]) -> GoogleCas:
    kind = GoogleCasType(Tools(fake.clock, lambda options: Noted(options, kept)))
    secrets = secrets_of(fake, vendor, "access_token")
    options, sealed = kind.prepare("lab", options_of(fake, auth_method="access_token"), secrets, StoredAccount())
    made = kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})
    assert isinstance(made, GoogleCas)
    return made


class Discovery:
    """Google's document of the API."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.methods = list(self._methods(document["resources"]))

    def _methods(self, resources: Any) -> Iterator[Any]:
        for one in resources.values():
            yield from one.get("methods", {}).values()
            yield from self._methods(one.get("resources", {}))

    def method_of(self, request: Request) -> Any:
        """Give the one method that a request is for."""
        found = []
        for one in self.methods:
            pattern = "/" + re.sub(r"\\\{(\w+)\\\}", "[^/:]+", re.escape(one["flatPath"]))
            if one["httpMethod"] == request.method and re.fullmatch(pattern, unquote(request.path)):
                found.append(one)
        assert len(found) == 1, (request.method, request.path, [one["id"] for one in found])
        return found[0]

    def strict(self, name: str) -> Any:
        """Give a schema of the document that takes no field it does not name."""
        shapes = {}
        for word, shape in self.document["schemas"].items():
            shapes[word] = {**_as_schema(shape), "additionalProperties": False}
        return Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": shapes})


def _as_schema(shape: Any) -> Any:
    """Write a shape of the document as JSON schema has it; "any" is Google's word for what may be of any type."""
    if isinstance(shape, list):
        return [_as_schema(one) for one in shape]
    if not isinstance(shape, dict):
        return shape
    made = {word: _as_schema(one) for word, one in shape.items() if (word, one) != ("type", "any")}
    made.pop("id", None)
    return {**made, "$ref": f"#/definitions/{made['$ref']}"} if isinstance(made.get("$ref"), str) else made


@pytest.mark.published
def test_what_is_said_is_as_the_discovery_document_has_it(
    world: tuple[core.FakeCa, GoogleVendor], shared_openapi: pathlib.Path
) -> None:
    """ca-connectors §5.2: paths, methods, queries and bodies of both sides."""
    fake, vendor = world
    path = shared_openapi / "ca" / "google-cas" / "privateca.v1.discovery.json"
    discovery = Discovery(json.loads(path.read_text(encoding="utf-8")))
    kept: list[tuple[Request, Response]] = []
    connector = connect(fake, vendor, kept)
    connector.test()
    for kind in connector.capabilities().choices:
        connector.choices(kind)
    asked = {"certificate_type": "server", "issuer_name": "web/ca-1"}
    order = Order(SPEC, 90, "intent", fake.clock.now(), asked)
    answer: Any = connector.submit(order, make_csr(KEYS["p256"]()))
    connector.collect(answer.handle)
    connector.revoke(answer.handle, "superseded", "")
    seen = set()
    for request, response in kept:
        method = discovery.method_of(request)
        known = {**discovery.document["parameters"], **method["parameters"]}
        assert all(known[name]["location"] == "query" for name, _value in request.query)
        if request.body:
            discovery.strict(method["request"]["$ref"]).validate(json.loads(request.body))
        if response.status == 200:
            discovery.strict(method["response"]["$ref"]).validate(json.loads(response.body))
            seen.add(method["id"].removeprefix("privateca.projects.locations."))
    assert seen == {
        *("list", "caPools.list", "caPools.get", "caPools.testIamPermissions", "caPools.certificateAuthorities.list"),
        *("certificateTemplates.list", "caPools.certificates.create", "caPools.certificates.get"),
        "caPools.certificates.revoke",
    }


@pytest.mark.published
def test_the_fakes_lists_are_those_of_the_discovery_document(shared_openapi: pathlib.Path) -> None:
    path = shared_openapi / "ca" / "google-cas" / "privateca.v1.discovery.json"
    discovery = Discovery(json.loads(path.read_text(encoding="utf-8")))
    shapes = discovery.document["schemas"]
    writable = {name for name, one in shapes["Certificate"]["properties"].items() if not one.get("readOnly")}
    assert writable == fake_google.FIELDS
    create = next(one for one in discovery.methods if one["id"].endswith("caPools.certificates.create"))
    assert {name for name, one in create["parameters"].items() if one["location"] == "query"} == fake_google.QUERY
    assert tuple(shapes["RevokeCertificateRequest"]["properties"]["reason"]["enum"]) == fake_google.REASONS


@pytest.fixture
def client(world: tuple[core.FakeCa, GoogleVendor]) -> Any:
    """Give Google's own client, over REST, before the fake."""
    transports = pytest.importorskip(
        "google.cloud.security.privateca_v1.services.certificate_authority_service.transports", reason=CLIENT
    )
    privateca = pytest.importorskip("google.cloud.security.privateca_v1", reason=CLIENT)
    credentials = pytest.importorskip("google.oauth2.credentials", reason=CLIENT)
    fake, vendor = world
    made = transports.CertificateAuthorityServiceRestTransport(
        host=fake.url.removeprefix("https://"), credentials=credentials.Credentials(vendor.new_token())
    )
    made._session.trust_env, made._session.verify = False, fake.ca_path
    return privateca.CertificateAuthorityServiceClient(transport=made)


def test_googles_own_client_reads_what_our_connector_had_signed(
    world: tuple[core.FakeCa, GoogleVendor], client: Any
) -> None:
    """ca-connectors §5.2: the fake says it as Google's client wants it."""
    fake, vendor = world
    connector = connect(fake, vendor, [])
    answer: Any = connector.submit(Order(SPEC, 90, "intent", fake.clock.now()), make_csr(KEYS["p256"]()))
    connector.revoke(answer.handle, "key_compromise", "")
    name = answer.handle["order_id"]
    told = client.get_certificate(name=name)
    assert told.name == name and told.lifetime.days == 90
    assert certificate_facts(told.pem_certificate).serial == answer.handle["serial"]
    assert told.revocation_details.revocation_state.name == "KEY_COMPROMISE"
    pools = {one.name.rpartition("/")[2]: one.tier.name for one in client.list_ca_pools(parent=_location())}
    assert pools == fake_google.POOLS


def test_what_googles_own_client_sends_is_what_our_connector_sends(
    world: tuple[core.FakeCa, GoogleVendor], client: Any
) -> None:
    """ca-connectors §5.2: path, body and query, but for the ids and what marks the client."""
    from google.cloud.security import privateca_v1

    fake, vendor = world
    csr = make_csr(KEYS["p256"]())
    connect(fake, vendor, []).submit(Order(SPEC, 90, "intent", fake.clock.now()), csr)
    ours = vendor.asked[-1]
    certificate = privateca_v1.Certificate(pem_csr=csr, lifetime={"seconds": 90 * 86400})
    request = privateca_v1.CreateCertificateRequest(
        parent=f"{_location()}/caPools/web", certificate=certificate, certificate_id="theirs", request_id=str(_uuid())
    )
    told = client.create_certificate(request=request)
    theirs = vendor.asked[-1]
    assert told.pem_certificate and theirs.path == ours.path
    assert theirs.json() == ours.json()
    assert set(theirs.query) - fake_google._ANY_QUERY == set(ours.query)
    client.revoke_certificate(request={"name": told.name, "reason": "SUPERSEDED"})
    assert client.get_certificate(name=told.name).revocation_details.revocation_state.name == "SUPERSEDED"


def _location() -> str:
    return f"projects/{fake_google.PROJECT}/locations/{fake_google.LOCATION}"


def _uuid() -> Any:
    import uuid

    return uuid.UUID("0a1b2c3d-0000-4000-8000-000000000001")
