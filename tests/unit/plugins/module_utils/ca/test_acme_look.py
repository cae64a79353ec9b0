# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at proofs from here: a name server and a web server on loopback, and what they get wrong."""

from __future__ import annotations

import pathlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import acme_look
from ansible_collections.edgecert.clm.tests.support import proofs_dns
from ansible_collections.edgecert.clm.tests.support.ports import free_port

NAME = "_acme-challenge.www.example.com"


@pytest.fixture
def dns() -> Iterator[proofs_dns.Records]:
    with proofs_dns.running() as records:
        yield records


def test_a_record_is_seen_once_it_is_there(dns: proofs_dns.Records) -> None:
    """ca-connectors §4.5: the CA is told to look at what can be seen."""
    assert "has no TXT record there" in acme_look.txt_reason(NAME, "v", [dns.address])
    dns.texts[NAME] = ["other"]
    assert "has 1 other TXT records there" in acme_look.txt_reason(NAME, "v", [dns.address])
    dns.texts[NAME] = ["other", "v"]
    assert acme_look.txt_reason(NAME, "v", [dns.address]) == ""


def test_a_record_behind_an_alias_is_seen(dns: proofs_dns.Records) -> None:
    """Proofs are often kept in a zone of their own; whoever is asked may leave the alias to be followed."""
    dns.aliases[NAME] = "www.proofs.example.net"
    dns.texts["www.proofs.example.net"] = ["v"]
    assert acme_look.txt_reason(NAME, "v", [dns.address]) == ""
    dns.aliases["www.proofs.example.net"] = NAME
    dns.texts.clear()
    assert "without end" in acme_look.txt_reason(NAME, "v", [dns.address])


def test_an_answer_that_does_not_fit_is_asked_for_by_tcp(dns: proofs_dns.Records) -> None:
    """RFC 7766; a record of several strings is one text."""
    long = "x" * 450
    dns.texts[NAME] = [*(f"{number}-{long}" for number in range(10)), "v"]
    assert acme_look.txt_reason(NAME, "v", [dns.address]) == ""
    assert acme_look.txt_reason(NAME, f"7-{long}", [dns.address]) == ""


def test_every_server_that_is_named_has_to_have_it(dns: proofs_dns.Records) -> None:
    """A CA may ask any of them."""
    dns.texts[NAME] = ["v"]
    silent = f"127.0.0.1:{free_port()}"
    assert silent in acme_look.txt_reason(NAME, "v", [dns.address, silent])
    with proofs_dns.running() as other:
        assert other.address in acme_look.txt_reason(NAME, "v", [dns.address, other.address])


@pytest.mark.parametrize(("code", "words"), [(2, "it failed"), (5, "it refuses"), (3, "no TXT record")])
def test_a_server_that_cannot_tell_is_told(dns: proofs_dns.Records, code: int, words: str) -> None:
    """SERVFAIL and REFUSED are no answer; NXDOMAIN is one."""
    dns.code = code
    assert words in acme_look.txt_reason(NAME, "v", [dns.address])


def test_this_machines_servers_are_read_and_none_is_told(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("search example.com\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver 2001:db8::1\n")
    assert acme_look.system_servers(file) == ["192.0.2.1", "2001:db8::1"]
    assert acme_look.system_servers(tmp_path / "none") == []


@pytest.mark.parametrize("server", ["192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:53"])
def test_addresses_of_servers_are_taken(server: str) -> None:
    assert acme_look.server_reason(server) == ""


@pytest.mark.parametrize("server", ["", "ns.example.com", "192.0.2.1:99999", "192.0.2.1:", "1.2.3"])
def test_what_is_no_address_is_refused(server: str) -> None:
    assert "no address" in acme_look.server_reason(server)


class Pages(BaseHTTPRequestHandler):
    """A web server with one proof, one redirect to it, a page that breaks off, and noise that is no HTTP."""

    def do_GET(self) -> None:
        """Answer."""
        if self.path == "/short":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"ff\r\ntoken")
            return
        if self.path == "/noise":
            self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")
            return
        if self.path == "/there":
            self.send_response(302)
            self.send_header("Location", "/proof")
            self.end_headers()
            return
        self.send_response(200 if self.path == "/proof" else 404)
        self.end_headers()
        self.wfile.write(b"token.thumbprint\n")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def test_a_page_is_seen_also_behind_a_redirect(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 8555 §8.3; no proxy of the environment is asked."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = HTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    port = int(server.server_address[1])
    try:
        for path in ("/proof", "/there"):
            assert acme_look.page_reason("127.0.0.1", port, path, "token.thumbprint") == ""
        assert "holds something else" in acme_look.page_reason("127.0.0.1", port, "/proof", "other")
        for path in ("/short", "/noise"):
            why = acme_look.page_reason("127.0.0.1", port, path, "token.thumbprint")
            assert "cannot be read (" in why and "()" not in why and "\n" not in why
        assert "404" in acme_look.page_reason("127.0.0.1", port, "/none", "token.thumbprint")
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
    assert "cannot be read" in acme_look.page_reason("127.0.0.1", port, "/proof", "token.thumbprint")
