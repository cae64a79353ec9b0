# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Second opinion on our SOAP and on the fakes that speak it: a SOAP library of others works the fakes by their WSDL,
and a validator of others holds what our connectors sent against the same schemas (ca-connectors §5.2)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts, csr_facts
from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.ca_sites.globalsign import globalsign_mssl
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca import globalsign_types as gs
from ansible_collections.edgecert.clm.tests.support.fake_ca.soap_schema import wsdl
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script

_WHY = "the Python package zeep is not installed"
_XSD = "{http://www.w3.org/2001/XMLSchema}schema"
_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"


@pytest.fixture
def mssl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with globalsign_mssl()(tmp_path_factory.mktemp("mssl")) as made:
        yield made


def proxy(site: Site, path: str) -> Any:
    """Give the services' operations by the library, from the WSDL that the fake gives."""
    zeep = pytest.importorskip("zeep", reason=_WHY)
    transports: Any = pytest.importorskip("zeep.transports", reason=_WHY)
    import requests

    session = requests.Session()
    session.verify, session.trust_env = str(site.options["ca_path"]), False
    if site.vendor.identity:
        session.cert = site.vendor.identity
    return zeep.Client(f"{site.options['url']}{path}?wsdl", transport=transports.Transport(session=session)).service


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


def valid_by_schema(text: str, bodies: list[bytes]) -> set[str]:
    """Validate what envelopes hold; gives the names of the operations."""
    etree = pytest.importorskip("lxml.etree", reason="the Python package lxml, which zeep brings, is not installed")
    schema = etree.XMLSchema(next(etree.parse(io.BytesIO(text.encode())).iter(_XSD)))
    seen = set()
    for body in bodies:
        (inner,) = next(etree.fromstring(body).iter(_BODY))
        schema.assertValid(inner)
        seen.add(etree.QName(inner).localname)
    return seen
