# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message of IDnomic's RA connectors: one untyped tree of texts, arrays and tables, and the calls that carry it.

:source: ca-connectors §4.11; the published schema of OpenTrust messages, version 1.2, and WSDL of the RA connector 2.3.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any

from .._core.errors import RemoteError
from . import soap
from .soap import Soap

MESSAGE_NS = "http://www.opentrust.com/OpenTrust/XML/Message/1.2"
RA_NS = "http://www.opentrust.com/OpenTrust/PKI/Connector/RA/SOAP/2.3"
EE_NS = "http://www.opentrust.com/OpenTrust/PKI/Connector/EE/SOAP/2.2"


def written(tag: str, value: Any) -> ET.Element:
    """Write a text, a sequence or a mapping into an element of the message.

    :raises InputError: a text holds what no XML can.
    """
    made = ET.Element(f"{{{MESSAGE_NS}}}{tag}")
    if isinstance(value, str):
        made.append(soap.element(f"{{{MESSAGE_NS}}}Value", value))
        return made
    is_table = isinstance(value, Mapping)
    pairs = value.items() if is_table else ((str(at), one) for at, one in enumerate(value))
    inner = ET.SubElement(made, f"{{{MESSAGE_NS}}}{'HashTable' if is_table else 'Array'}")
    for key, one in pairs:
        item = written("Item", one)
        item.set("key", key)
        inner.append(item)
    return made


def read(node: ET.Element | None) -> Any:
    """Read what an element of the message holds: a text, a list or a dictionary; an empty text for nothing."""
    found = node[0] if node is not None and len(node) else None
    if found is None:
        return ""
    kind, items = soap.local(found.tag), list(soap.every(found, "Item"))
    if kind == "HashTable":
        return {item.get("key", ""): read(item) for item in items}
    return [read(item) for item in items] if kind == "Array" else found.text or ""


class Connector:
    """Operations of one of the RA's connectors.

    :param namespace: ``RA_NS`` or ``EE_NS``.
    """

    def __init__(self, calls: Soap, path: str, namespace: str) -> None:
        self._calls, self.path, self._namespace = calls, path, namespace

    def body(self, operation: str, value: Any) -> ET.Element:
        """Give an operation's element."""
        made = ET.Element(f"{{{self._namespace}}}{operation}")
        ET.SubElement(made, "InputParameter").append(written("Message", value))
        return made

    def action(self, operation: str) -> str:
        """Give an operation's SOAPAction."""
        return f"{self._namespace}/{operation}"

    def ask(self, what: str, operation: str, value: Any = ()) -> Any:
        """Call an operation, and give what its message holds.

        :raises SoapFault: the connector refused, or failed.
        :raises RemoteError: any other error, and an answer without a message.
        """
        found = self._calls.ask(what, self.path, self.body(operation, value), self.action(operation))
        message = soap.find(found, "OutputParameter", "Message")
        if message is None:
            raise RemoteError(f"Cannot {what}: the answer to {operation} has no message", status=200, code="not_xml")
        return read(message)


def rows(value: Any) -> list[Mapping[str, Any]]:
    """Give the tables of an array; anything else in it is left out."""
    listed: Sequence[Any] = value if isinstance(value, list) else []
    return [one for one in listed if isinstance(one, Mapping)]
