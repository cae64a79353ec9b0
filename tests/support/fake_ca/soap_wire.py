# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SOAP of fakes, apart from that of the connectors, so that the two share no mistake."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any
from xml.sax.saxutils import escape

from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Reply

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_ENVELOPE_1_2 = "http://www.w3.org/2003/05/soap-envelope"
_XML_1_2 = {"Content-Type": "application/soap+xml;charset=UTF-8"}
_XML = {"Content-Type": "text/xml;charset=UTF-8"}


class NotSoap(Exception):
    """A request is no SOAP, or none of its version."""


def opened(call: Call, version: str = "1.1") -> ET.Element:
    """Give the operation's element of a request.

    :raises NotSoap: it is none, or its headers are not those of this version of SOAP.
    """
    kind, space = call.headers.get("content-type", ""), _ENVELOPE if version == "1.1" else _ENVELOPE_1_2
    if version == "1.1" and (not kind.startswith("text/xml") or "soapaction" not in call.headers):
        raise NotSoap("Cannot handle HTTP POST without text/xml and SOAPAction")
    if version == "1.2" and not kind.startswith("application/soap+xml"):
        raise NotSoap("Cannot handle HTTP POST without application/soap+xml")
    try:
        outer = ET.fromstring(call.body)
    except ET.ParseError as exc:
        raise NotSoap(str(exc)) from exc
    body = outer.find(f"{{{space}}}Body")
    if outer.tag != f"{{{space}}}Envelope" or body is None or len(body) != 1:
        raise NotSoap("no envelope with one body")
    return body[0]


def xml(value: Any) -> str:
    """Write pairs and texts as unqualified elements; None is left out."""
    if isinstance(value, str):
        return escape(value)
    return "".join(f"<{name}>{xml(inner)}</{name}>" for name, inner in value if inner is not None)


def enveloped(inner: str, status: int = 200, version: str = "1.1") -> Reply:
    """Wrap an answer."""
    space, headers = (_ENVELOPE, _XML) if version == "1.1" else (_ENVELOPE_1_2, _XML_1_2)
    text = f'<soap:Envelope xmlns:soap="{space}"><soap:Body>{inner}</soap:Body></soap:Envelope>'
    return Reply(status, text.encode(), headers)


def fault(code: str, words: str) -> Reply:
    """Answer with a fault."""
    inner = f"<faultcode>soap:{code}</faultcode><faultstring>{escape(words)}</faultstring>"
    return enveloped(f"<soap:Fault>{inner}</soap:Fault>", 500)


def fault_1_2(code: str, words: str) -> Reply:
    """Answer with a fault of SOAP 1.2."""
    reason = f'<soap:Text xml:lang="en">{escape(words)}</soap:Text>'
    inner = f"<soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code><soap:Reason>{reason}</soap:Reason>"
    return enveloped(f"<soap:Fault>{inner}</soap:Fault>", 400 if code == "Sender" else 500, "1.2")
