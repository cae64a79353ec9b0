# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service's types in a short notation: a fake is strict by them, and a WSDL of them lets a SOAP library judge both.

A type is a line of members in their order: ``name``, ``name?`` where it may be missing, ``name*`` for any number,
each with ``:Type`` behind it where it is no text.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Types = Mapping[str, str]


@dataclass(frozen=True)
class Member:
    """One member of a type; ``type`` is empty for a text."""

    name: str
    type: str
    least: int
    is_many: bool


@dataclass(frozen=True)
class Fault:
    """What is wrong with a request.

    :ivar is_missing: it lacks ``name``; otherwise ``name`` is not to be where it stands.
    """

    name: str
    is_missing: bool


def members(types: Types, name: str) -> Iterator[Member]:
    """Read a line of the notation."""
    for word in types[name].split():
        label, _colon, kind = word.partition(":")
        is_many, may_miss = label.endswith("*"), label.endswith(("?", "*"))
        yield Member(label.rstrip("?*"), kind, 0 if may_miss else 1, is_many)


def fault_of(types: Types, name: str, node: ET.Element) -> Fault | None:
    """Hold an element against a type; None when it fits."""
    left = list(node)
    for member in members(types, name):
        taken = 0
        while left and left[0].tag == member.name and (member.is_many or not taken):
            child, taken = left.pop(0), taken + 1
            wrong = fault_of(types, member.type, child) if member.type else None
            if wrong or (not member.type and len(child)):
                return wrong or Fault(child.tag, False)
        if taken < member.least:
            return Fault(left[0].tag, False) if left else Fault(member.name, True)
    return Fault(left[0].tag, False) if left else None


def wsdl(namespace: str, service: str, types: Types, operations: Mapping[str, tuple[str, str]], address: str) -> str:
    """Give a WSDL of a document/literal wrapped service with unqualified members and an empty SOAPAction.

    :param operations: names to the types of ``Request`` and ``Response``.
    """
    wrappers = {}
    for name, (asked, told) in operations.items():
        wrappers[name], wrappers[f"{name}Response"] = f"Request?:{asked}", f"Response?:{told}"
    schema = [_complex(name, list(members(types, name))) for name in types]
    schema += [
        f'<xs:element name="{name}">{_complex("", list(members(wrappers, name)))}</xs:element>' for name in wrappers
    ]
    parts = [
        f'<w:message name="{name}"><w:part name="parameters" element="t:{name}"/></w:message>' for name in wrappers
    ]
    port = [
        f'<w:operation name="{name}"><w:input message="t:{name}"/><w:output message="t:{name}Response"/></w:operation>'
        for name in operations
    ]
    body = '<s:body use="literal"/>'
    bound = [
        f'<w:operation name="{name}"><s:operation soapAction="" style="document"/>'
        f"<w:input>{body}</w:input><w:output>{body}</w:output></w:operation>"
        for name in operations
    ]
    return f"""<?xml version="1.0" encoding="utf-8"?>
<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
 xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{namespace}" name="{service}" targetNamespace="{namespace}">
<w:types><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{namespace}"
 elementFormDefault="unqualified" targetNamespace="{namespace}">
{"".join(schema)}</xs:schema></w:types>
{"".join(parts)}
<w:portType name="{service}Port">{"".join(port)}</w:portType>
<w:binding name="{service}Binding" type="t:{service}Port">
<s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>{"".join(bound)}</w:binding>
<w:service name="{service}"><w:port name="{service}Port" binding="t:{service}Binding">
<s:address location="{address}"/></w:port></w:service>
</w:definitions>"""


def _complex(name: str, found: Sequence[Member]) -> str:
    named = f' name="{name}"' if name else ""
    inner = "".join(
        f'<xs:element name="{one.name}" type="{"t:" + one.type if one.type else "xs:string"}" '
        f'minOccurs="{one.least}" maxOccurs="{"unbounded" if one.is_many else 1}"/>'
        for one in found
    )
    return f"<xs:complexType{named}><xs:sequence>{inner}</xs:sequence></xs:complexType>"
