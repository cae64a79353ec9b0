# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second opinion on Trust Lifecycle Manager: DigiCert's OpenAPI document, written down as tables of names and types.

What is sent, and what our fake answers, is held against them; neither of the two reads them. ``status``,
``request_id``, ``tags`` and the pickup are of DigiCert's own Terraform provider, for the document is older.

:source: Enterprise PKI Manager REST API 1.0.0 (OpenAPI), as kept by a public client made of it; digicert's Terraform
    provider.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import digicert_one_words as words
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, Pending
from ansible_collections.edgecert.clm.tests.support.ca_sites.digicert import csr, issued
from ansible_collections.edgecert.clm.tests.support.ca_sites.digicert_one import Bench, running
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call
from ansible_collections.edgecert.clm.tests.support.fake_ca.digicert_one import BY_HAND

UUID = re.compile(r"[a-fA-F0-9]{8}(-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}")
FORMATS = ("x509", "PKCS7")
UNITS = ("years", "months", "days", "hours", "minutes")
REASONS = (
    *("unspecified", "key_compromise", "ca_compromise", "affiliation_changed", "superseded", "cessation_of_operation"),
    *("certificate_hold", "remove_from_crl", "privilege_withdrawn", "aa_compromise"),
)
VALIDITY = {"unit": UNITS, "duration": int}
SUBJECT = {
    **{"common_name": str, "organization_name": str, "organization_units": [str], "locality": str, "state": str},
    **{"country": str, "email": str, "street_address": [str], "postal_code": str, "serial_number": str},
}
SAN = {"dns_names": [str], "ip_addresses": [str], "emails": [str], "uris": [str], "user_principal_names": [str]}
FORM = {"csr": str, "validity": VALIDITY, "delivery_format": FORMATS, "include_ca_chain": bool}
ISSUE = {
    **{"profile": {"id": UUID}, "seat": {"seat_id": str}, "tags": [str]},
    **{"attributes": {"subject": SUBJECT, "extensions": {"san": SAN}}, **FORM},
}
ISSUED = {
    **{"serial_number": str, "delivery_format": FORMATS, "certificate": str, "pkcs12Password": str},
    **{"status": str, "request_id": str},
}
SOURCE = {"mandatory": bool, "source": str, "value": str}
FIELD = {"type": str, "mandatory": bool, "multiple": bool, "sources": [SOURCE]}
ABOVE = {"serial_number": str, "subject_dn": str, "certificate": str, "root": bool}
ISSUER = {**ABOVE, "chain": [ABOVE]}
ENROLS = ("digicert_desktop_client", "android", "browser_pkcs12", "csr", "est", "ios", "os_browser", "pki_client")
PROVES = ("third_party_app", "active_directory", "certificate_authentication", "enrollment_code", "global_passphrase")
PROFILE = {
    **{"id": UUID, "name": str, "status": ("Active", "Deleted"), "signature_algorithm": str},
    **{"renewal_period_days": int, "duplicate_cert_policy": bool, "override_cert_validity_via_api": bool},
    **{"certificate_delivery_format": ("PKCS7", "X509"), "enrollment_method": (*ENROLS, "rest_api", "scep")},
    "authentication_method": (*PROVES, "manual_approval", "saml_idp"),
    "certificate": {
        **{"subject": {"attributes": [FIELD]}, "validity": VALIDITY, "issuer": ISSUER},
        "extensions": {"san": {"critical": bool, "attributes": [FIELD]}},
    },
}
DETAILS = {
    **{"profile": {"id": UUID, "name": str}, "seat": {"seat_id": str}, "certificate": str, "common_name": str},
    **{"status": ("issued", "revoked", "expired", "suspended"), "serial_number": str, "valid_from": str},
    **{"valid_to": str, "revocation": {"reason": str, "revocation_date": str, "comments": str}, "thumbprint": str},
}
SEARCHED = {
    *("account_id", "business_unit_id", "business_unit_name", "profile_id", "seat_id", "seat_type_id", "valid_from"),
    *("valid_to", "serial_number", "common_name", "aki", "issuing_ca_id", "issuing_ca_name", "status", "thumbprint"),
    *("offset", "limit"),
}
HEX = "[0-9A-F]+"
# What is asked, what is answered, the status of success, and what may stand in the query.
CALLS: Mapping[str, tuple[Any, Any, int, set[str]]] = {
    "GET /hello": (None, bytes, 200, set()),
    "GET /profile": (None, [PROFILE], 200, {"api_token_id"}),
    "GET /profile/[0-9a-f-]+": (None, PROFILE, 200, set()),
    "POST /certificate": (ISSUE, ISSUED, 201, set()),
    "POST /certificate-pickup/[0-9a-f]+": ({"profile": {"id": UUID}}, ISSUED, 200, set()),
    f"POST /certificate/{HEX}/renew": (FORM, ISSUED, 200, {"thumbprint_sha256"}),
    "GET /certificate-search": (
        None,
        {"total": int, "offset": int, "limit": int, "items": [DETAILS]},
        200,
        SEARCHED,
    ),
    f"GET /certificate/{HEX}": (None, DETAILS, 200, set()),
    f"PUT /certificate/{HEX}/revoke": ({"revocation_reason": REASONS}, None, 204, {"thumbprint_sha256"}),
}
ERROR = {"code": str, "message": str, "field": str}


def faults(value: Any, shape: Any, where: str) -> list[str]:
    """Give what a value has that the tables have not, or have as another type or word."""
    if isinstance(shape, Mapping):
        if not isinstance(value, dict):
            return [f"{where} is no object"]
        return [
            fault
            for name, inner in value.items()
            for fault in (faults(inner, shape[name], f"{where}.{name}") if name in shape else [f"{where}.{name}?"])
        ]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [fault for number, one in enumerate(value) for fault in faults(one, shape[0], f"{where}[{number}]")]
    if isinstance(shape, tuple):
        return [] if value in shape else [f"{where} is {value!r}"]
    if isinstance(shape, re.Pattern):
        return [] if isinstance(value, str) and shape.fullmatch(value) else [f"{where} is {value!r}"]
    is_one = isinstance(value, shape) and not (shape is int and isinstance(value, bool))
    return [] if is_one else [f"{where} is no {shape.__name__}"]


def route_of(call: Call) -> str:
    """Give method and path of a call, without what is before the API's own."""
    return f"{call.method} {call.path.removeprefix('/mpki/api/v1')}"


def told_faults(bench: Bench) -> list[str]:
    """Hold all that went between a connector and the fake against the tables."""
    found = []
    for call, reply in bench.vendor.seen:
        route = route_of(call)
        shapes = [told for pattern, told in CALLS.items() if re.fullmatch(pattern, route)]
        if len(shapes) != 1:
            found.append(f"{route} is in {len(shapes)} tables")
            continue
        asked, answered, status, query = shapes[0]
        body = json.loads(call.body) if call.body else None
        found += faults(body, asked or {}, f"{route} asks") if asked or body else []
        found += [f"{route} asks for {name}" for name in call.query if name not in query]
        if reply.status >= 400:
            found += faults(reply.body, {"errors": [ERROR], "error": ERROR}, f"{route} {reply.status}")
            continue
        found += [f"{route} is answered with {reply.status}"] if reply.status != status else []
        found += faults(reply.body, answered, f"{route} answers") if answered and reply.body else []
    return found


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> Iterator[Bench]:
    with running(tmp_path) as made:
        yield made


def whole_life(bench: Bench) -> None:
    """Do all that can be done with an account."""
    connector = bench.connect(tags=["edge"])
    connector.test()
    order = bench.order()
    connector.validate(order)
    first = issued(connector, order, csr())
    connector.collect(first.handle)
    connector.find(order, csr())
    bench.site.clock.sleep(70 * 86400)
    renewed = connector.renew(first.handle, bench.order(parent=first.handle), csr())
    assert isinstance(renewed, Issued)
    connector.revoke(first.handle, "superseded", "")
    bench.vendor.collides = True
    connector.revoke(renewed.handle, "key_compromise", "")
    bench.vendor.orders.polls = 1
    waiting = bench.connect(delivery_format="PKCS7").submit(
        bench.order(options={"certificate_profile": BY_HAND}), csr()
    )
    assert isinstance(waiting, Pending)
    assert isinstance(connector.collect(waiting.handle), Issued)


def test_what_is_sent_and_answered_is_in_the_document(bench: Bench) -> None:
    """ca-connectors §5.2: the fake and the connector cannot share a slip of a name, a type or a word."""
    whole_life(bench)
    assert told_faults(bench) == []
    used = {pattern for pattern in CALLS for call, _reply in bench.vendor.seen if re.fullmatch(pattern, route_of(call))}
    assert used == set(CALLS), "each table was used"
    assert set(words.REASONS) <= set(REASONS)


def test_the_tables_find_a_wrong_name_a_wrong_type_and_a_wrong_word() -> None:
    """The judge is awake."""
    good = {"profile": {"id": "36f011b7-5fa1-4c6d-83f3-ee59c4d54bb0"}, "seat": {"seat_id": "a"}, "csr": "b"}
    assert faults(good, ISSUE, "x") == []
    assert faults({**good, "sans": []}, ISSUE, "x") == ["x.sans?"]
    assert faults({**good, "profile": {"id": "web"}}, ISSUE, "x") == ["x.profile.id is 'web'"]
    assert faults({**good, "delivery_format": "pem"}, ISSUE, "x") == ["x.delivery_format is 'pem'"]
    assert faults({**good, "validity": {"unit": "days", "duration": "9"}}, ISSUE, "x") == [
        "x.validity.duration is no int"
    ]
