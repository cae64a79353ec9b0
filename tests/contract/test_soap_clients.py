# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Second opinion on our SOAP and on the fakes that speak it: a SOAP library of others works the fakes by their WSDL,
and a validator of others holds what our connectors sent against the same schemas (ca-connectors §5.2)."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import (
    certificate_facts,
    csr_facts,
    load_csr,
)
from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.ca_sites.globalsign import globalsign_mssl
from ansible_collections.edgecert.clm.tests.support.ca_sites.idnomic import alone, with_ra
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca import globalsign_types as gs
from ansible_collections.edgecert.clm.tests.support.fake_ca import idnomic, idnomic_idca
from ansible_collections.edgecert.clm.tests.support.fake_ca import idnomic_wire as otmsg
from ansible_collections.edgecert.clm.tests.support.fake_ca.soap_schema import wsdl
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script

_WHY = "the Python package zeep is not installed"
_XSD = "{http://www.w3.org/2001/XMLSchema}schema"
_BODIES = ("{http://schemas.xmlsoap.org/soap/envelope/}Body", "{http://www.w3.org/2003/05/soap-envelope}Body")


@pytest.fixture
def mssl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with globalsign_mssl()(tmp_path_factory.mktemp("mssl")) as made:
        yield made


@pytest.fixture
def ra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with with_ra()(tmp_path_factory.mktemp("ra")) as made:
        yield made


@pytest.fixture
def idca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with alone(idca_revoke_operation=idnomic_idca.REVOKES_BY)(tmp_path_factory.mktemp("idca")) as made:
        yield made


def proxy(site: Site, path: str) -> Any:
    """Give the services' operations by the library, from the WSDL that the fake gives."""
    return library(site, path).service


def library(site: Site, path: str) -> Any:
    """Give the library's client."""
    zeep = pytest.importorskip("zeep", reason=_WHY)
    transports: Any = pytest.importorskip("zeep.transports", reason=_WHY)
    import requests

    session = requests.Session()
    session.verify, session.trust_env = str(site.options["ca_path"]), False
    if site.vendor.identity:
        session.cert = site.vendor.identity
    return zeep.Client(f"{site.options['url']}{path}?wsdl", transport=transports.Transport(session=session))


def login(site: Site) -> dict[str, Any]:
    return {"AuthToken": {"UserName": site.options["user_name"], "Password": site.secrets["password"]}}


def placed_by_library(site: Site, csr: str, **parameter: Any) -> Any:
    """Place an order with the library."""
    given = {
        "ProductCode": "PV_SHA2",
        "OrderKind": "new",
        "Licenses": "1",
        "Options": {"Option": [{"OptionName": "SAN", "OptionValue": "true"}]},
        "ValidityPeriod": {"Months": "3"},
        "CSR": csr,
        **parameter,
    }
    asked = {
        "OrderRequestHeader": login(site),
        "OrderRequestParameter": given,
        "MSSLProfileID": "5501_OV",
        "MSSLDomainID": "DOM-1",
        "ContactInfo": {"FirstName": "A", "LastName": "B", "Phone": "1", "Email": "a@example.com"},
        "SANEntries": {"SANEntry": [{"SANOptionType": "13", "SubjectAltName": "*.shop.example.com"}]},
    }
    return proxy(site, gs.ORDER_PATH).PVOrder(asked)


def test_globalsign_by_a_library_gives_what_our_connector_gives(mssl: Site) -> None:
    """The fake takes its requests, and it reads the fake's answers: both are what the WSDL says."""
    csr = make_csr(KEYS["p256"]())
    told = placed_by_library(mssl, csr)
    assert told.OrderResponseHeader.SuccessCode == "0" and told.PVOrderDetail.CertificateInfo.CertificateStatus == "4"
    leaf = certificate_facts(told.PVOrderDetail.Fulfillment.ServerCertificate.X509Cert)
    assert leaf.key == csr_facts(csr).key and set(leaf.sans.dns) == set(SPEC.dns_names)
    ours = mssl.connect().find(Order(SPEC, 90, "i", mssl.clock.now()), csr)
    assert isinstance(ours, Issued) and ours.handle["order_id"] == told.OrderID
    assert certificate_facts(ours.bundle.leaf).serial == leaf.serial

    option = {"ReturnCertificateInfo": "true", "ReturnFulfillment": "true", "ReturnOriginalCSR": "true"}
    asked = {"QueryRequestHeader": login(mssl), "OrderID": told.OrderID, "OrderQueryOption": option}
    again = proxy(mssl, gs.QUERY_PATH).GetOrderByOrderID(asked)
    assert again.OrderDetail.Fulfillment.OriginalCSR.strip() == csr.strip()
    assert again.OrderDetail.OrderInfo.DomainName == "www.example.com"


def test_globalsign_lists_by_a_library(mssl: Site) -> None:
    service = proxy(mssl, gs.ORDER_PATH)
    told = service.GetMSSLProfiles({"QueryRequestHeader": login(mssl)})
    ours = {(choice.value, choice.label) for choice in mssl.connect().choices("profile_name")}
    found = told.SearchMSSLProfileDetails.SearchMsslProfileDetail
    assert {(one.MSSLProfileId, one.MSSLOVProfileInfo.MSSLOVProfile.OrganizationName) for one in found} == ours
    domains = service.GetMSSLDomains({"QueryRequestHeader": login(mssl), "MSSLProfileID": "5501_OV"})
    assert len(domains.SearchMsslDomainDetails.SearchMsslDomainDetail) == 2


def test_globalsign_errors_by_a_library(mssl: Site) -> None:
    csr = make_csr(KEYS["p256"]())
    told = placed_by_library(mssl, csr, ProductCode="NONE")
    (error,) = told.OrderResponseHeader.Errors.Error
    assert (told.OrderResponseHeader.SuccessCode, error.ErrorCode, error.ErrorField) == ("-1", "-101", "ProductCode")


def test_all_that_we_send_to_globalsign_is_valid_by_its_schema(mssl: Site) -> None:
    """Order and presence of each element; by libxml2, which shares nothing with our fake."""
    script = Script()
    connector, wanted = mssl.connect(script), Order(SPEC, 90, "i", mssl.clock.now(), mssl.request_options)
    connector.test()
    first = connector.submit(wanted, make_csr(KEYS["p256"]()))
    assert isinstance(first, Issued)
    connector.renew(first.handle, wanted, make_csr(KEYS["p256"]()))
    connector.reissue(first.handle, wanted, make_csr(KEYS["p256"]()))
    connector.find(wanted, make_csr(KEYS["p256"]()))
    connector.revoke(first.handle, "unspecified", "")
    connector.cancel(first.handle)
    services = (
        (gs.ORDER_PATH, wsdl(gs.ORDER_NS, "O", gs.ORDER_TYPES, gs.ORDER_OPERATIONS, "https://x/")),
        (gs.QUERY_PATH, wsdl(gs.QUERY_NS, "Q", gs.QUERY_TYPES, gs.QUERY_OPERATIONS, "https://x/")),
    )
    seen = set()
    for path, text in services:
        seen |= valid_by_schema(text, [one.body or b"" for one in script.writes() if one.path == path])
    assert seen == {*gs.ORDER_OPERATIONS, *gs.QUERY_OPERATIONS}


def valid_by_schema(text: str, bodies: list[bytes], *, inner: str = "") -> set[str]:
    """Validate what envelopes hold; gives the names of the operations.

    :param inner: what is validated within an operation, where the schema is about no more; empty for all of it.
    """
    etree = pytest.importorskip("lxml.etree", reason="the Python package lxml, which zeep brings, is not installed")
    schema = etree.XMLSchema(next(etree.parse(io.BytesIO(text.encode())).iter(_XSD)))
    seen = set()
    for body in bodies:
        root = etree.fromstring(body)
        (operation,) = next(root.iter(*_BODIES))
        wanted = [operation] if not inner else [one for one in operation.iter() if one.tag.startswith(inner)][:1]
        for one in wanted:
            schema.assertValid(one)
            seen.add(etree.QName(operation).localname)
    return seen


def table(value: Any) -> Any:
    """Write a message as the library wants it."""
    if isinstance(value, str):
        return {"Value": value}
    pairs = value.items() if isinstance(value, dict) else ((str(at), one) for at, one in enumerate(value))
    items = [{"key": key, **table(one)} for key, one in pairs]
    return {"HashTable" if isinstance(value, dict) else "Array": {"Item": items}}


def test_idnomics_ra_by_a_library_gives_what_our_connector_gives(ra: Site) -> None:
    """ca-connectors §4.11: rpc/literal, ``InputParameter`` unqualified, the message qualified."""
    service, csr = proxy(ra, idnomic.RA_PATH), make_csr(KEYS["p256"]())
    told = service.list_profiles({"Message": table([])}).Array.Item
    assert {one.Value for one in told} == {choice.value for choice in ra.connect().choices("ra_workflow")}
    names = {"subjectAltNameDNS1": "www.example.com", "subjectAltNameDNS2": "*.shop.example.com"}
    values = {"commonName1": "www.example.com", "organizationName1": "x", **names}
    asked = table(["TLS Server", {**values, "pkcs10": csr}])
    (item,) = service.enroll({"Message": asked}).Array.Item
    leaf = certificate_facts(item.Value)
    assert leaf.key == csr_facts(csr).key and set(leaf.sans.dns) == set(SPEC.dns_names)
    ours = ra.connect().find(Order(SPEC, 90, "i", ra.clock.now()), csr)
    assert isinstance(ours, Issued) and certificate_facts(ours.bundle.leaf).serial == leaf.serial


def test_idnomics_officers_by_a_library(ra: Site) -> None:
    values = {"commonName1": "www.example.com", "organizationName1": "x"}
    asked = table(["TLS Server", {**values, "pkcs10": make_csr(KEYS["p256"]())}])
    told = proxy(ra, idnomic.EE_PATH).enrollment_request({"Message": asked})
    assert told.Value == "REQ-1000"
    fault = pytest.importorskip("zeep.exceptions", reason=_WHY).Fault
    with pytest.raises(fault, match="does not exist"):
        proxy(ra, idnomic.EE_PATH).enrollment_request({"Message": table(["none", {}])})


def test_all_that_we_send_to_idnomics_ra_is_valid_by_the_schema_of_messages(ra: Site) -> None:
    script = Script()
    for changes in ({}, {"enrollment": "request", "revocation": "request"}):
        connector, wanted = ra.connect(script, **changes), Order(SPEC, 90, "i", ra.clock.now(), ra.request_options)
        connector.test()
        answer = connector.submit(wanted, make_csr(KEYS["p256"]()))
        assert isinstance(answer, Issued)
        connector.revoke(answer.handle, "superseded", "")
    text = otmsg.ra_wsdl(otmsg.RA_NS, otmsg.RA_OPERATIONS, "https://x/")
    bodies = [one.body or b"" for one in script.writes()]
    seen = valid_by_schema(text, bodies, inner=f"{{{otmsg.MESSAGE_NS}}}Message")
    assert seen == {*otmsg.RA_OPERATIONS, *otmsg.EE_OPERATIONS}


def test_idca_by_a_library_gives_what_our_connector_gives(idca: Site) -> None:
    """SOAP 1.2, and a request that says of which kind it is; by the WSDL of our reading."""
    client, csr = library(idca, idnomic_idca.PATH), make_csr(KEYS["p256"]())
    assert set(client.service.listCertificateProfiles(idnomic_idca.CA_NAME)) == set(idnomic_idca.PROFILES)
    told = client.service.getCertificateProfileProperties("TLS")
    der = base64.b64encode(load_csr(csr).public_bytes(Encoding.DER)).decode()
    params = [{"name": "dnsName", "value": name} for name in SPEC.dns_names] + [{"name": "csr", "value": der}]
    kind = client.get_type(f"{{{otmsg.TYPES_NS}}}X509EnrollmentRequestType")
    request = kind(certificateProfile=told.qName, certificateData={"param": params})
    leaf = x509.load_der_x509_certificate(client.service.enroll(request))
    assert leaf.public_key() == load_csr(csr).public_key()
    kind = client.get_type(f"{{{otmsg.TYPES_NS}}}X509DownloadRequestType")
    issuer = ",".join(part.rfc4514_string() for part in leaf.issuer.rdns)
    wanted = kind(issuerDn=issuer, withCaChain="true", serialNumber=format(leaf.serial_number, "x"))
    above = [x509.load_der_x509_certificate(one) for one in client.service.download(wanted)]
    ours = idca.connect().submit(Order(SPEC, 90, "i", idca.clock.now(), idca.request_options), csr)
    assert isinstance(ours, Issued)
    mine = {certificate_facts(one).fingerprint for one in (*ours.bundle.chain, ours.bundle.root)}
    assert {one.fingerprint(hashes.SHA256()).hex() for one in above} == mine


def test_all_that_we_send_to_idca_is_valid_by_our_reading_of_it(idca: Site) -> None:
    """Kinds of requests are named by a prefix, which has to be declared."""
    script = Script()
    connector = idca.connect(script)
    answer = connector.submit(Order(SPEC, 90, "i", idca.clock.now(), idca.request_options), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Issued)
    connector.revoke(answer.handle, "superseded", "")
    text = otmsg.idca_wsdl("https://x/", idnomic_idca.REVOKES_BY)
    seen = valid_by_schema(text, [one.body or b"" for one in script.writes()], inner=f"{{{otmsg.TYPES_NS}}}")
    assert seen == {"enroll", "download", idnomic_idca.REVOKES_BY}
