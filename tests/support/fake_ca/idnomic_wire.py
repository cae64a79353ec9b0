# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of IDnomic's connectors as the fakes read and write them, and the WSDLs they give.

:source: ca-connectors §4.11; the published schema of messages 1.2 and WSDL of the RA connector 2.3. That of IDCA is not
public: ours says what the one client known to work sends and reads.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

MESSAGE_NS = "http://www.opentrust.com/OpenTrust/XML/Message/1.2"
RA_NS = "http://www.opentrust.com/OpenTrust/PKI/Connector/RA/SOAP/2.3"
EE_NS = "http://www.opentrust.com/OpenTrust/PKI/Connector/EE/SOAP/2.2"
WS_NS = "http://www.idnomic.com/ngca/connector/ws/1_2"
TYPES_NS = "http://www.idnomic.com/ngca/connector/1_2"
RA_OPERATIONS = (
    "version",
    "list_profiles",
    "profile_properties",
    "enroll",
    "search_for_certificates",
    "revoke",
    "retrieve_cert_authorities",
)
EE_OPERATIONS = ("enrollment_request", "revocation_request")
_KINDS = ("Value", "Array", "HashTable")


class BadMessage(Exception):
    """A message is not as its schema says."""


def value_of(node: ET.Element) -> Any:
    """Read a message or an item: a text, a list or a dictionary; None for an empty message."""
    if not len(node):
        return None
    if len(node) != 1 or node[0].tag not in [f"{{{MESSAGE_NS}}}{kind}" for kind in _KINDS]:
        raise BadMessage(f"{node.tag} holds exactly one of {_KINDS}")
    inner = node[0]
    if inner.tag.endswith("}Value"):
        return inner.text or ""
    if any(item.tag != f"{{{MESSAGE_NS}}}Item" or "key" not in item.attrib or not len(item) for item in inner):
        raise BadMessage("only Items with a key and a value are in there")
    if inner.tag.endswith("}Array"):
        return [value_of(item) for item in inner]
    keys = [item.attrib["key"] for item in inner]
    if len(set(keys)) != len(keys):
        raise BadMessage("a key comes twice")
    return {item.attrib["key"]: value_of(item) for item in inner}


def message(value: Any) -> str:
    """Write a message."""
    return f'<m:Message xmlns:m="{MESSAGE_NS}">{_inner(value)}</m:Message>'


def _inner(value: Any) -> str:
    if isinstance(value, str):
        return f"<m:Value>{escape(value)}</m:Value>"
    is_table = isinstance(value, Mapping)
    pairs = value.items() if is_table else ((str(at), one) for at, one in enumerate(value))
    items = "".join(f"<m:Item key={quoteattr(key)}>{_inner(one)}</m:Item>" for key, one in pairs)
    kind = "HashTable" if is_table else "Array"
    return f"<m:{kind}>{items}</m:{kind}>"


def ra_wsdl(namespace: str, operations: Sequence[str], address: str) -> str:
    """Give the WSDL of a connector of the RA."""
    one_of = "".join(f'<xs:element ref="m:{kind}"/>' for kind in _KINDS)
    many = '<xs:complexType><xs:sequence><xs:element ref="m:Item" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>'
    body = f'<s:body use="literal" namespace="{namespace}"/>'
    port = "".join(
        f'<w:operation name="{name}"><w:input message="t:In"/><w:output message="t:Out"/></w:operation>'
        for name in operations
    )
    bound = "".join(
        f'<w:operation name="{name}"><s:operation soapAction="{namespace}/{name}" style="rpc"/>'
        f"<w:input>{body}</w:input><w:output>{body}</w:output></w:operation>"
        for name in operations
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
 xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:m="{MESSAGE_NS}" xmlns:t="{namespace}"
 targetNamespace="{namespace}">
<w:types><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:m="{MESSAGE_NS}"
 elementFormDefault="qualified" targetNamespace="{MESSAGE_NS}">
<xs:element name="Value" nillable="true" type="xs:string"/>
<xs:element name="Array">{many}</xs:complexType></xs:element>
<xs:element name="HashTable">{many}</xs:complexType></xs:element>
<xs:element name="Item" nillable="true"><xs:complexType><xs:choice>{one_of}</xs:choice>
<xs:attribute name="key" type="xs:string" use="required"/></xs:complexType></xs:element>
<xs:element name="Message"><xs:complexType><xs:choice>{one_of}</xs:choice></xs:complexType></xs:element>
<xs:complexType name="OTMessageType"><xs:sequence minOccurs="0"><xs:element ref="m:Message"/></xs:sequence>
</xs:complexType></xs:schema></w:types>
<w:message name="In"><w:part name="InputParameter" type="m:OTMessageType"/></w:message>
<w:message name="Out"><w:part name="OutputParameter" type="m:OTMessageType"/></w:message>
<w:portType name="Port">{port}</w:portType>
<w:binding name="Binding" type="t:Port">
<s:binding transport="http://schemas.xmlsoap.org/soap/http" style="rpc"/>{bound}</w:binding>
<w:service name="Service"><w:port name="Port" binding="t:Binding"><s:address location="{address}"/></w:port></w:service>
</w:definitions>"""


def idca_wsdl(address: str, revokes_by: str) -> str:
    """Give a WSDL of IDCA's connector, by our reading."""
    texts = {
        "X509EnrollmentRequestType": "",
        "X509DownloadRequestType": _texts("issuerDn", "withCaChain", "serialNumber"),
        "X509RevocationRequestType": _texts("issuerDn", "serialNumber", "reason"),
    }
    texts["X509EnrollmentRequestType"] = (
        _texts("certificateProfile") + '<xs:element name="certificateData" type="y:Data"/>'
    )
    bases = {name: name.removeprefix("X509") for name in texts}
    types = "".join(f'<xs:complexType name="{base}" abstract="true"/>' for base in bases.values())
    types += "".join(
        f'<xs:complexType name="{name}"><xs:complexContent><xs:extension base="y:{bases[name]}">'
        f"<xs:sequence>{inner}</xs:sequence></xs:extension></xs:complexContent></xs:complexType>"
        for name, inner in texts.items()
    )
    types += "".join(f'<xs:element name="{base.removesuffix("Type")}" type="y:{base}"/>' for base in bases.values())
    requests = {"enroll": "EnrollmentRequest", "download": "DownloadRequest", revokes_by: "RevocationRequest"}
    asked = {name: f'<xs:element ref="y:{request}"/>' for name, request in requests.items()}
    asked["listCertificateProfiles"] = _texts("caName")
    asked["getCertificateProfileProperties"] = _texts("certificateProfile")
    told = {
        "enroll": '<xs:element name="certificate" type="xs:base64Binary"/>',
        "download": '<xs:element name="authorities" type="y:Authorities"/>',
        revokes_by: "",
        "listCertificateProfiles": '<xs:element name="profile" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>',
        "getCertificateProfileProperties": _texts("qName", "caName"),
    }
    wrappers = "".join(_wrapper(name, asked[name]) + _wrapper(f"{name}Response", told[name]) for name in asked)
    return _idca(types, wrappers, list(asked), address)


def _texts(*names: str) -> str:
    return "".join(f'<xs:element name="{name}" type="xs:string"/>' for name in names)


def _wrapper(name: str, inner: str) -> str:
    return f'<xs:element name="{name}"><xs:complexType><xs:sequence>{inner}</xs:sequence></xs:complexType></xs:element>'


def _idca(types: str, wrappers: str, names: Sequence[str], address: str) -> str:
    messages = "".join(
        f'<w:message name="{name}{end}"><w:part name="parameters" element="t:{name}{end}"/></w:message>'
        for name in names
        for end in ("", "Response")
    )
    port = "".join(
        f'<w:operation name="{name}"><w:input message="t:{name}"/><w:output message="t:{name}Response"/></w:operation>'
        for name in names
    )
    body = '<s:body use="literal"/>'
    bound = "".join(
        f'<w:operation name="{name}"><s:operation soapAction="" style="document"/>'
        f"<w:input>{body}</w:input><w:output>{body}</w:output></w:operation>"
        for name in names
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap12/"
 xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="{WS_NS}" targetNamespace="{WS_NS}">
<w:types><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:y="{TYPES_NS}"
 elementFormDefault="unqualified" targetNamespace="{TYPES_NS}">{types}
<xs:complexType name="Param"><xs:sequence>{_texts("name", "value")}</xs:sequence></xs:complexType>
<xs:complexType name="Data"><xs:sequence>
<xs:element name="param" type="y:Param" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
<xs:complexType name="Authorities"><xs:sequence>
<xs:element name="authority" type="xs:base64Binary" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:schema>
<xs:schema xmlns:y="{TYPES_NS}" elementFormDefault="unqualified" targetNamespace="{WS_NS}">
<xs:import namespace="{TYPES_NS}"/>{wrappers}</xs:schema></w:types>
{messages}
<w:portType name="Port">{port}</w:portType>
<w:binding name="Binding" type="t:Port">
<s:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/>{bound}</w:binding>
<w:service name="Service"><w:port name="Port" binding="t:Binding"><s:address location="{address}"/></w:port></w:service>
</w:definitions>"""
