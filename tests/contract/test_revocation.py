# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of who fetches what CAs publish, over the real one and the fake; and the modules, over a CA that revokes
behind our back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._pki.revocation import ocsp_request, subject_of
from ansible_collections.edgecert.clm.plugins.module_utils._revocation.base import Documents
from ansible_collections.edgecert.clm.plugins.module_utils._revocation.documents import HttpDocuments
from ansible_collections.edgecert.clm.plugins.modules import (
    ca_account,
    cert_enroll,
    cert_group,
    cert_info,
    cert_lifecycle,
)
from ansible_collections.edgecert.clm.tests.support.document_host import DocumentHost, Reply, document_host
from ansible_collections.edgecert.clm.tests.support.lab_pki import Pair
from ansible_collections.edgecert.clm.tests.support.ports import free_port
from ansible_collections.edgecert.clm.tests.support.revoking_ca import Publisher, RevokingCa
from ansible_collections.edgecert.clm.tests.support.run_module import run


def utc() -> datetime:
    """Give the time."""
    return datetime.now(timezone.utc)


@dataclass
class Published:
    """A CA with a leaf, what fetches of it, and where: a responder, a list, one that is broken, one that is away."""

    ca: RevokingCa
    leaf: Pair
    documents: Documents
    responder: str
    crl: str
    broken: str
    away: str


def real(host: DocumentHost) -> Published:
    """Publish on loopback."""
    ca = RevokingCa()
    leaf = ca.leaf(ocsp_urls=[host.url("/ocsp")])

    def answer(body: bytes) -> Reply:
        assert ocsp.load_der_ocsp_request(body).serial_number == leaf.cert.serial_number
        return 200, {}, ca.answer(leaf, utc())

    host.pages.update({"/ocsp": answer, "/ca.crl": ca.crl(utc()), "/broken.crl": lambda _body: (503, {}, b"")})
    away = f"http://127.0.0.1:{free_port()}/ca.crl"
    fetching = HttpDocuments(RequestsTransport)
    return Published(ca, leaf, fetching, host.url("/ocsp"), host.url("/ca.crl"), host.url("/broken.crl"), away)


def fake() -> Published:
    """Publish in memory."""
    ca = RevokingCa()
    leaf = ca.leaf(ocsp_urls=["http://ca.example.net/ocsp"])
    publisher = Publisher(ca, SystemClock(), [leaf], {"away.example.net"}, {"http://ca.example.net/broken.crl"})
    responder, crl, broken = (f"http://ca.example.net/{name}" for name in ("ocsp", "ca.crl", "broken.crl"))
    return Published(ca, leaf, publisher, responder, crl, broken, "http://away.example.net/ca.crl")


@pytest.fixture(params=["real", "fake"])
def published(request: pytest.FixtureRequest) -> Iterator[Published]:
    with document_host() as host:
        yield real(host) if request.param == "real" else fake()


def test_a_question_is_answered_and_a_list_given(published: Published) -> None:
    asked = ocsp_request(subject_of(published.leaf.pem, [published.ca.root.pem]))
    content = published.documents.fetch(published.responder, asked, "application/ocsp-request")
    assert ocsp.load_der_ocsp_response(content).serial_number == published.leaf.cert.serial_number
    crl = x509.load_der_x509_crl(published.documents.fetch(published.crl))
    assert crl.issuer == published.ca.root.cert.subject


def test_who_refuses_and_who_is_away_are_told_apart(published: Published) -> None:
    with pytest.raises(RemoteError, match="it answered 503") as caught:
        published.documents.fetch(published.broken)
    assert not isinstance(caught.value, TransportError)
    with pytest.raises(TransportError):
        published.documents.fetch(published.away)


def test_the_modules_see_what_a_ca_revokes_behind_our_back(tmp_path: Path) -> None:
    """E4: a CRL served by HTTP; what the run finds stands in the inventory and needs attention."""
    store = {"store": f"sqlite:///{tmp_path}/clm.db", "actor": "ada"}
    ca = RevokingCa()
    with document_host() as host:
        own = {"certificate": ca.root.pem, "crl_url": host.url("/ca.crl")}
        secrets = {"private_key": ca.root.key_pem()}
        run(ca_account.main, {**store, "name": "house", "type": "own_ca", "options": own, "secrets": secrets})
        name = {"certificate": "www.example.com"}
        wanted = {"common_name": "www.example.com", "csr_source": "local", "key_type": "ec", "ca": "house"}
        enrolled = run(cert_enroll.main, {**store, **name, **wanted, "organization": "Example AG", "country": "DE"})
        assert enrolled["request"]["state"] == "issued"
        run(cert_group.main, {**store, "name": "default", "revocation_checks": {"every_hours": 1}})
        host.pages["/ca.crl"] = ca.crl(utc())
        first = run(cert_lifecycle.main, store)
        assert (first["revocation_checks"], first["changed"], first["failures"]) == (1, False, [])
        serial = int(enrolled["certificate"]["serial"], 16)
        ca.revoked[serial] = (x509.ReasonFlags.key_compromise, ca.now)
        host.pages["/ca.crl"] = ca.crl(utc())
        run(cert_group.main, {**store, "name": "default", "revocation_checks": {"every_hours": 0}})
        assert run(cert_lifecycle.main, store)["revocation_checks"] == 0
        seen = looked_again(tmp_path, store)
        assert seen["changed"] and len(host.asked) == 2
    [shown] = run(cert_info.main, {**store, **name})["certificates"]
    assert (shown["state"], shown["revocation"]["reason"]) == ("revoked", "key_compromise")
    assert shown["revocation"]["source"] == host.url("/ca.crl")
    [event] = run(cert_info.main, {**store, "view": "attention", "kinds": ["revoked"]})["attention"]
    assert event["certificate"] == "www.example.com"
    actions = [row["action"] for row in run(cert_info.main, {**store, "view": "audit"})["audit"]]
    assert actions.count("certificate_found_revoked") == 1


def looked_again(folder: Path, store: dict[str, Any]) -> Any:
    """Run what is due as if a day had passed: what is kept of the check is a day old."""
    from ansible_collections.edgecert.clm.tests.support.stores import StorePlace

    place = StorePlace(store["store"])
    [(kept,)] = place.execute("SELECT revocation FROM certificates")
    place.execute("UPDATE certificates SET revocation = ?", kept.replace(str(utc().year), str(utc().year - 1)))
    run(cert_group.main, {**store, "name": "default", "revocation_checks": {}})
    return run(cert_lifecycle.main, store)
