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
_XML = {"Content-Type": "text/xml;charset=UTF-8"}


class NotSoap(Exception):
    """A request is no SOAP 1.1."""


def opened(call: Call) -> ET.Element:
    """Give the operation's element of a request.

    :raises NotSoap: it is none, or its headers are not those of SOAP 1.1.
    """
    if not call.headers.get("content-type", "").startswith("text/xml") or "soapaction" not in call.headers:
        raise NotSoap("Cannot handle HTTP POST without text/xml and SOAPAction")
    try:
        outer = ET.fromstring(call.body)
    except ET.ParseError as exc:
        raise NotSoap(str(exc)) from exc
    body = outer.find(f"{{{_ENVELOPE}}}Body")
    if outer.tag != f"{{{_ENVELOPE}}}Envelope" or body is None or len(body) != 1:
        raise NotSoap("no envelope with one body")
    return body[0]


def xml(value: Any) -> str:
    """Write pairs and texts as unqualified elements; None is left out."""
    if isinstance(value, str):
        return escape(value)
    return "".join(f"<{name}>{xml(inner)}</{name}>" for name, inner in value if inner is not None)


def enveloped(inner: str, status: int = 200) -> Reply:
    """Wrap an answer."""
    text = (
        f'<soap:Envelope xmlns:soap="{_ENVELOPE}"><soap:Body>{inner}</soap:Body></soap:Envelope>'
    )
    return Reply(status, text.encode(), _XML)


def fault(code: str, words: str) -> Reply:
    """Answer with a fault."""
    inner = f"<faultcode>soap:{code}</faultcode><faultstring>{escape(words)}</faultstring>"
    return enveloped(f"<soap:Fault>{inner}</soap:Fault>", 500)
