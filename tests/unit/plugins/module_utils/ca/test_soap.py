# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP by the standard library: what is written, what is refused to be read, and how faults are told."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import datetime, timezone

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import soap
from ansible_collections.edgecert.clm.plugins.module_utils._ca.rest import Rest
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import AuthError, InputError, RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import FakeClock

BODY = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{}</e:Body></e:Envelope>'
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY c "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    + BODY.format("<x>&c;</x>")
)
OUTSIDE = '<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + BODY.format("<x>&a;</x>")
FAULT = "<e:Fault><faultcode>e:{}</faultcode><faultstring>{}</faultstring>{}</e:Fault>"


class Canned:
    """Gives one answer, and keeps what was asked."""

    def __init__(self, content: str, status: int = 200) -> None:
        self.content, self.status = content.encode(), status
        self.sent: list[Request] = []

    def send(self, request: Request) -> Response:
        """Answer."""
        self.sent.append(request)
        return Response(self.status, {"content-type": "text/xml"}, self.content)

    def close(self) -> None:
        """Nothing is open."""


def ask(far: Canned, tag: str = "{urn:x}Do", action: str = "", version: str = "1.1") -> ET.Element:
    clock = FakeClock(datetime(2026, 11, 23, 12, tzinfo=timezone.utc))
    rest = Rest(*(far, clock), host="ca.example.com", secrets=[Secret("p&<1>")], explain=soap.explained, speaks="XML")
    body = soap.element(tag, (("A", "p&<1>"), ("B", (("C", "é\n"),))))
    return soap.Soap(rest, version).ask("do it", "/service", body, action)


def test_an_envelope_is_as_soap_1_1_wants_it() -> None:
    """C rows: text/xml, SOAPAction in quotes, one element in the body, texts escaped."""
    far = Canned(BODY.format('<n:DoResponse xmlns:n="urn:x"><A> 1 </A></n:DoResponse>'))
    assert soap.text(ask(far, action="urn:x/Do"), "A") == "1"
    (sent,) = far.sent
    assert (sent.method, sent.headers["SOAPAction"]) == ("POST", '"urn:x/Do"')
    assert sent.headers["Content-Type"] == "text/xml; charset=utf-8" and sent.body is not None
    outer = ET.fromstring(sent.body)
    (body,) = outer
    assert (outer.tag, body.tag) == (f"{{{soap.ENVELOPE}}}Envelope", f"{{{soap.ENVELOPE}}}Body")
    assert [one.tag for one in body.iter()][1:] == ["{urn:x}Do", "A", "B", "C"]
    assert (body[0].findtext("A"), body[0].findtext("B/C")) == ("p&<1>", "é\n")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (BOMB, "document type"),
        (OUTSIDE, "document type"),
        ("<!DOCTYPE x>" + BODY.format("<x/>"), "document type"),
        (BODY.format("<a>" * 100 + "</a>" * 100), "nested more than 64"),
        (BODY.format("<x>")[:-10], "no XML"),
        ('{"a": 1}', "no XML"),
        ("", "no XML"),
        ("<x/>", "no SOAP envelope"),
        (BODY.format(""), "no SOAP envelope"),
        ('<?xml version="1.0" encoding="no-such"?><x/>', "no XML"),
    ],
    ids=["bomb", "outside", "doctype", "deep", "cut", "json", "empty", "other", "bare", "encoding"],
)
def test_what_nobody_should_parse_is_refused_with_a_reason(content: str, why: str) -> None:
    """Security: entities are never expanded, and nothing outside is ever read; the order may be there all the same."""
    with pytest.raises(RemoteError, match=why) as caught:
        ask(Canned(content))
    assert caught.value.code == "not_xml" and caught.value.status == 200


@pytest.mark.parametrize(("code", "is_refusal"), [("Client", True), ("Client.Auth", True), ("Server", False)])
def test_a_fault_is_an_error_that_says_what_came_back(code: str, is_refusal: bool) -> None:
    """Under 500, which is not repeated, as the fault is about this message, or nobody knows."""
    far = Canned(BODY.format(FAULT.format(code, "no such thing", "<detail><x>more p&amp;&lt;1&gt;</x></detail>")), 500)
    with pytest.raises(soap.SoapFault, match=r"no such thing \(more \*") as caught:
        ask(far)
    assert (caught.value.fault_code, caught.value.is_refusal, caught.value.status) == (code, is_refusal, 500)
    assert "p&<1>" not in str(caught.value) and len(far.sent) == 1


def test_version_1_2_has_another_envelope_and_another_fault() -> None:
    """ca-connectors §4.11: IDCA; RFC 3902 puts the action into the content type."""
    body = BODY.replace(soap.ENVELOPE, soap.ENVELOPE_1_2)
    far = Canned(body.format("<x><A>1</A></x>"))
    assert soap.text(ask(far, action="urn:x/Do", version="1.2"), "A") == "1"
    (sent,) = far.sent
    assert sent.headers["Content-Type"] == 'application/soap+xml; charset=utf-8; action="urn:x/Do"'
    assert "SOAPAction" not in sent.headers and soap.ENVELOPE_1_2.encode() in (sent.body or b"")
    said = "<e:Code><e:Value>e:Sender</e:Value></e:Code><e:Reason><e:Text>no such profile</e:Text></e:Reason>"
    with pytest.raises(soap.SoapFault, match=r"Sender: no such profile \(more\)") as caught:
        ask(Canned(body.format(f"<e:Fault>{said}<e:Detail>more</e:Detail></e:Fault>"), 400), version="1.2")
    assert caught.value.is_refusal


def test_a_fault_under_200_is_one_too() -> None:
    with pytest.raises(soap.SoapFault, match="oops"):
        ask(Canned(BODY.format(FAULT.format("Server", "oops", ""))))


def test_a_refused_login_is_told_in_the_words_of_its_fault() -> None:
    with pytest.raises(AuthError, match="who are you"):
        ask(Canned(BODY.format(FAULT.format("Client", "who are you", "")), 401))


def test_what_no_xml_can_hold_is_never_sent() -> None:
    """A comment with a control character would make every envelope after it unreadable."""
    far = Canned(BODY.format("<x/>"))
    with pytest.raises(InputError, match="value for A holds a control character"):
        soap.element("X", (("A", "a\x00b"),))
    assert far.sent == []


def test_names_are_found_whatever_their_namespace() -> None:
    node = ET.fromstring('<a xmlns:n="urn:n"><n:b><c>1</c></n:b><b><c>2</c></b></a>')
    assert soap.text(node, "b", "c") == "1" and soap.text(node, "b", "d") == "" and soap.text(None, "b") == ""
    assert [soap.text(one, "c") for one in soap.every(node, "b")] == ["1", "2"]
    assert [one.text for one in soap.anywhere(node, "c")] == ["1", "2"]
