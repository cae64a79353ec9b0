# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents over HTTP, against a host on loopback: what is sent, what is followed, and where it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, RemoteError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_revocation import documents_maker
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._revocation import documents
from ansible_collections.edgecert.clm.plugins.module_utils._revocation.base import Documents
from ansible_collections.edgecert.clm.plugins.module_utils._revocation.documents import HttpDocuments
from ansible_collections.edgecert.clm.tests.support.document_host import DocumentHost, Reply, document_host
from ansible_collections.edgecert.clm.tests.support.ports import free_port
from ansible_collections.edgecert.clm.tests.support.stores import StorePlace


@pytest.fixture
def host() -> Iterator[DocumentHost]:
    with document_host() as running:
        yield running


@pytest.fixture
def fetcher(tmp_path: Path) -> Documents:
    """Give it as the modules have it."""
    with StorePlace(f"sqlite:///{tmp_path}/clm.db").open(create=True) as store:
        return documents_maker(store, SystemClock(), {"http_proxy": "http://127.0.0.1:9"})("")


def test_a_list_is_got_and_a_question_posted(
    host: DocumentHost, fetcher: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By http, past every proxy of the environment; paths and queries as the certificate has them."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    host.pages["/My%20CA.crl?cmd=crl&issuer=CN%3DLab"] = b"list"
    host.pages["/ocsp"] = lambda body: (200, {}, body[::-1])
    assert fetcher.fetch(host.url("/My CA.crl?cmd=crl&issuer=CN=Lab")) == b"list"
    assert fetcher.fetch(host.url("/ocsp"), b"abc", "application/ocsp-request") == b"cba"
    assert host.asked == [
        ("GET", "/My%20CA.crl?cmd=crl&issuer=CN%3DLab", ""),
        ("POST", "/ocsp", "application/ocsp-request"),
    ]


def test_a_proxy_is_asked_where_the_group_names_one(host: DocumentHost) -> None:
    proxied = HttpDocuments(RequestsTransport, host.url("").rstrip("/"))
    host.pages["http://crl.example.net/ca.crl"] = b"through the proxy"
    assert proxied.fetch("http://crl.example.net/ca.crl") == b"through the proxy"


def test_a_redirect_is_followed_at_the_same_host_alone(host: DocumentHost, fetcher: Documents) -> None:
    def to(location: str) -> Reply:
        return 302, {"Location": location}, b""

    host.pages.update({"/old.crl": lambda _body: to("/new.crl"), "/new.crl": b"list"})
    assert fetcher.fetch(host.url("/old.crl")) == b"list"
    for path, location in (("/away.crl", "http://localhost:1/x.crl"), ("/nowhere.crl", "")):
        host.pages[path] = partial(lambda location, _body: to(location), location)
        with pytest.raises(RemoteError, match="redirects to another host"):
            fetcher.fetch(host.url(path))
    host.pages["/round.crl"] = lambda _body: to("/round.crl")
    with pytest.raises(RemoteError, match="it answered 302"):
        fetcher.fetch(host.url("/round.crl"))
    assert len([one for one in host.asked if one[1] == "/round.crl"]) == documents.MAX_REDIRECTS + 1


@pytest.mark.parametrize("location", ["http://[::1", "//[bad/", "http://[x]/ca.crl"])
def test_a_redirect_to_what_is_no_url_is_said(host: DocumentHost, fetcher: Documents, location: str) -> None:
    """Whoever answers may write there what they like."""
    host.pages["/odd.crl"] = lambda _body: (302, {"Location": location}, b"")
    with pytest.raises(RemoteError, match="redirects to") as caught:
        fetcher.fetch(host.url("/odd.crl"))
    assert caught.value.code == RemoteError.code


def test_the_text_of_a_redirect_is_bounded_too(
    host: DocumentHost, fetcher: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library reads it whole by itself, unless it sees no redirect."""
    monkeypatch.setattr(documents, "MAX_BYTES", 2000)
    host.pages["/old.crl"] = lambda _body: (302, {"Location": "/new.crl"}, b"x" * 4000)
    with pytest.raises(TransportError, match="longer than the 2000 bytes"):
        fetcher.fetch(host.url("/old.crl"))


def test_what_is_no_document_is_said(host: DocumentHost, fetcher: Documents) -> None:
    with pytest.raises(RemoteError, match="it answered 404; look whether the CA publishes there") as caught:
        fetcher.fetch(host.url("/no.crl"))
    assert caught.value.status == 404
    with pytest.raises(TransportError, match="Connection refused"):
        fetcher.fetch(f"http://127.0.0.1:{free_port()}/x.crl")


@pytest.mark.parametrize("url", ["ldap://x/y", "http:///x", "http://ann:geheim@ca.example.net/x", "http://[x/y", "x"])
def test_a_url_of_another_kind_is_asked_at_nowhere(fetcher: Documents, url: str) -> None:
    with pytest.raises(InputError, match="it is no URL of http or https, or bears a user name"):
        fetcher.fetch(url)


def test_a_name_that_is_none_is_refused_before_any_traffic(fetcher: Documents) -> None:
    with pytest.raises(InputError, match="not fully qualified"):
        fetcher.fetch("http://intranet/ca.crl")


def test_what_is_too_long_is_not_read_to_its_end(host: DocumentHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by length nor unpacked: who publishes may be anybody."""
    import gzip

    monkeypatch.setattr(documents, "MAX_BYTES", 5000)
    packed = gzip.compress(bytes(200_000))
    host.pages.update({"/fits": bytes(5000), "/long": bytes(5001)})
    host.pages["/packed"] = lambda _body: (200, {"Content-Encoding": "gzip"}, packed)
    fetcher = HttpDocuments(RequestsTransport)
    assert len(packed) < 5000 and len(fetcher.fetch(host.url("/fits"))) == 5000
    for path in ("/long", "/packed"):
        with pytest.raises(TransportError, match="longer than the 5000 bytes that are taken") as caught:
            fetcher.fetch(host.url(path))
        assert caught.value.kind == "truncated"


def test_what_comes_too_slowly_ends(host: DocumentHost) -> None:
    """However steadily it comes."""

    def slow(_body: bytes) -> Reply:
        time.sleep(0.3)
        return 200, {}, bytes(3000)

    host.pages["/slow"] = slow
    options = TransportOptions(f"127.0.0.1:{host.port}", scheme="http", max_seconds=0.2)
    with pytest.raises(TransportError, match="not complete within 0.2 seconds") as caught:
        HttpDocuments(lambda _options: RequestsTransport(options)).fetch(host.url("/slow"))
    assert caught.value.kind == "timeout"
    patient = replace(options, max_seconds=30)
    assert len(HttpDocuments(lambda _options: RequestsTransport(patient)).fetch(host.url("/slow"))) == 3000
