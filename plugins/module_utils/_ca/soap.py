# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP 1.1 and 1.2 over ``Rest``, with the standard library alone: envelopes written and read, faults as errors.

Knows no vendor. What comes in is looked at before it is parsed: a document type, with which entities come, is refused
(SOAP 1.1 §3 and 1.2 §5 forbid it), and so is what is nested beyond reason. Names are compared without their
namespaces, as servers differ in which elements they qualify.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from typing import Any, Union
from xml.parsers import expat

from .._core.errors import InputError, RemoteError
from .rest import Answer, Rest, words_of

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE_1_2 = "http://www.w3.org/2003/05/soap-envelope"
ENVELOPES = {"1.1": ENVELOPE, "1.2": ENVELOPE_1_2}
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
MAX_DEPTH = 64
_FAULT_STATUS = (400, 500)
# XML 1.0 §2.2: what no document can hold, not even as a reference.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Content = Union[str, "Sequence[tuple[str, Content]]"]
"""What an element holds: a text, or pairs of a name and such a content."""


class SoapFault(RemoteError):
    """The server answered with a fault.

    :ivar fault_code: without its prefix, as ``Client`` or ``Server.Busy``.
    """

    code = "soap_fault"

    def __init__(self, message: str, *, fault_code: str, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.fault_code = fault_code
        self.details.setdefault("fault_code", fault_code)

    @property
    def is_refusal(self) -> bool:
        """Say whether the server blames the message, so that it did nothing.

        :source: SOAP 1.1 §4.4.1: ``Client`` is about the message, ``Server`` about its processing; in 1.2 they are
            ``Sender`` and ``Receiver``.
        """
        return self.fault_code.split(".")[0] in ("Client", "Sender")


def element(tag: str, content: Content = ()) -> ET.Element:
    """Build an element from a text or from pairs of names and contents, in their order.

    :param tag: ``{namespace}name``, or a name alone for one that is unqualified.
    :raises InputError: a text holds what no XML can.
    """
    made = ET.Element(tag)
    if isinstance(content, str):
        made.text = _checked(tag, content)
        return made
    members: Sequence[tuple[str, Content]] = content
    # A list, as Python 3.10 hides what goes wrong in a generator here.
    made.extend([element(name, inner) for name, inner in members])
    return made


def _checked(tag: str, text: str) -> str:
    if _NOT_IN_XML.search(text):
        raise InputError(f"the value for {local(tag)} holds a control character, which cannot be sent")
    return text


def envelope(body: ET.Element, version: str = "1.1") -> bytes:
    """Wrap an operation's element."""
    space = ENVELOPES[version]
    outer = ET.Element(f"{{{space}}}Envelope")
    ET.SubElement(outer, f"{{{space}}}Body").append(body)
    content: bytes = ET.tostring(outer, encoding="utf-8", xml_declaration=True)
    return content


def parsed(content: bytes) -> ET.Element:
    """Read XML that nobody vouches for.

    :raises ValueError: it is none, has a document type, or is nested too deeply; the text says which.
    """
    parser, depth = expat.ParserCreate(), [0]

    def begin(_name: str, _attributes: object) -> None:
        depth[0] += 1
        if depth[0] > MAX_DEPTH:
            raise ValueError(f"elements are nested more than {MAX_DEPTH} deep")

    def end(_name: str) -> None:
        depth[0] -= 1

    def refuse(*_arguments: object) -> None:
        raise ValueError("it has a document type, which SOAP forbids")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
        return ET.fromstring(content)
    except (expat.ExpatError, ET.ParseError, LookupError) as exc:
        raise ValueError(f"it is no XML ({exc})") from exc


def body_of(content: bytes) -> ET.Element:
    """Give the first element of an envelope's body.

    :raises ValueError: it is no envelope.
    """
    outer = parsed(content)
    inner = find(outer, "Body")
    if outer.tag not in [f"{{{space}}}Envelope" for space in ENVELOPES.values()] or inner is None or not len(inner):
        raise ValueError("it is no SOAP envelope")
    return inner[0]


def local(tag: str) -> str:
    """Give a name without its namespace."""
    return tag.rpartition("}")[2]


def every(node: ET.Element | None, name: str) -> Iterator[ET.Element]:
    """Give the children of a name, whatever their namespace."""
    return (child for child in (() if node is None else node) if local(child.tag) == name)


def find(node: ET.Element | None, *path: str) -> ET.Element | None:
    """Go down by names; None where one is missing."""
    for name in path:
        node = next(every(node, name), None)
    return node


def text(node: ET.Element | None, *path: str) -> str:
    """Give the text at the end of a path, stripped; empty where it, or the path, is missing."""
    found = find(node, *path)
    return "" if found is None else (found.text or "").strip()


def anywhere(node: ET.Element, name: str) -> Iterator[ET.Element]:
    """Give the elements of a name at any depth."""
    return (one for one in node.iter() if local(one.tag) == name)


def explained(answer: Answer) -> str:
    """Give an error's reason: a fault's text, or what other APIs would say."""
    try:
        return _fault_words(body_of(answer.body))[1]
    except ValueError:
        return words_of(answer)


def _fault_words(body: ET.Element) -> tuple[str, str]:
    """Give code and text of a fault; both empty for anything else."""
    if local(body.tag) != "Fault":
        return "", ""
    code = (text(body, "faultcode") or text(body, "Code", "Value")).rpartition(":")[2]
    more = find(body, "detail") if find(body, "detail") is not None else find(body, "Detail")
    said = " ".join(" ".join(more.itertext()).split()) if more is not None else ""
    words = text(body, "faultstring") or text(body, "Reason", "Text")
    return code or "Server", f"{words} ({said})" if said and said != words else words


class Soap:
    """Operations of the services behind one ``Rest``.

    :param version: of ``ENVELOPES``.
    """

    def __init__(self, rest: Rest, version: str = "1.1") -> None:
        self.rest, self._version = rest, version

    def enveloped(self, body: ET.Element) -> bytes:
        """Give a call's content."""
        return envelope(body, self._version)

    def headers(self, action: str) -> dict[str, str]:
        """Give a call's headers. :source: SOAP 1.1 §6.1; RFC 3902 for 1.2."""
        if self._version == "1.2":
            kind = "application/soap+xml"
            return {"Accept": kind, "Content-Type": f'{kind}; charset=utf-8; action="{action}"'}
        return {"Accept": "text/xml", "Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}

    def ask(self, what: str, path: str, body: ET.Element, action: str = "") -> ET.Element:
        """Call an operation, and give the element of its answer.

        It is a POST, so it is never repeated where it may have been taken, questions included.

        :param what: for messages, as "list the profiles".
        :param action: of the operation, without quotes.
        :raises SoapFault: the server answered with one.
        :raises RemoteError: any other error, and an answer that is no envelope.
        """
        answer = self.rest.call("POST", path, raw=self.enveloped(body), headers=self.headers(action))
        if answer.status in _FAULT_STATUS:
            self._raise_fault(what, answer)
        self.rest.checked(what, answer)
        try:
            found = body_of(answer.body)
        except ValueError as exc:
            reason = f"its answer cannot be read: {exc}; check the account's URL, and what stands between"
            raise RemoteError(self.rest.told(what, answer, reason), status=answer.status, code="not_xml") from exc
        self._raise_fault(what, answer)
        return found

    def _raise_fault(self, what: str, answer: Answer) -> None:
        try:
            code, words = _fault_words(body_of(answer.body))
        except ValueError:
            return
        if code:
            message = self.rest.told(what, answer, f"{code}: {words}")
            raise SoapFault(message, fault_code=code, status=answer.status)
