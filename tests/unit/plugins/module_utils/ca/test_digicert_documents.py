# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second opinion on CertCentral: names and types of its pages, and of two public clients, written down as tables.

There is no schema of DigiCert's to be had. What is sent, and what our fake answers, is held against these tables, which
neither of the two reads. They cannot tell what CertCentral makes of a value.

:source: dev.digicert.com, Services API: Order OV/EV SSL, Order private SSL, Reissue certificate, List reissues, Order
    info, List orders, Get orders by alternative order ID, Revoke certificate, Get order DCV random value, Request info;
    the models of Keyfactor's CertCentral plug-in; the recorded answers of Ribose's client.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, Pending
from ansible_collections.edgecert.clm.tests.support.ca_sites.digicert import Bench, csr, issued, running
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call

Shape = Mapping[str, Any]
ID: Shape = {"id": int}
VALIDITY: Shape = {"years": int, "days": int, "custom_expiration_date": str}
ASKED: Shape = {
    **{"common_name": str, "dns_names": [str], "csr": str, "signature_hash": str, "server_platform": ID},
    **{"organization_units": [str], "ca_cert_id": str, "profile_option": str, "cert_validity": VALIDITY},
}
ORDER: Shape = {
    **{"certificate": ASKED, "organization": ID, "container": ID, "order_validity": VALIDITY, "payment_method": str},
    **{"additional_emails": [str], "custom_renewal_message": str, "comments": str, "skip_approval": bool},
    **{"custom_fields": [{"metadata_id": int, "value": str}], "dcv_method": str, "renewal_of_order_id": int},
    "alternative_order_id": str,
}
REQUEST: Shape = {"id": int, "date": str, "type": str, "status": str, "comments": str}
CERTIFICATE: Shape = {
    **{"id": int, "common_name": str, "dns_names": [str], "date_created": str, "csr": str, "signature_hash": str},
    **{"serial_number": str, "thumbprint": str, "valid_from": str, "valid_till": str},
}
INFO: Shape = {
    **{"id": int, "certificate": CERTIFICATE, "status": str, "is_renewal": bool, "date_created": str},
    **{"order_valid_till": str, "product": {"name_id": str, "name": str, "type": str}, "requests": [REQUEST]},
    **{"alternative_order_id": str, "dcv_method": str},
}
PAGE: Shape = {"total": int, "limit": int, "offset": int}
PLACED: Shape = {
    **{"id": int, "requests": [{"id": int, "status": str}], "certificate_id": int, "dcv_random_value": str},
    "certificate_chain": [{"subject_common_name": str, "pem": str}],
}
FOUND: Shape = {"order_id": int, "certificate_id": int, "status": str}
DETAIL: Shape = {**REQUEST, "order": {"id": int, "certificate": {"id": int, "csr": str}}}
PLATFORM: Shape = {"id": int, "name": str}
FIELD: Shape = {"id": int, "label": str, "is_required": bool, "is_active": bool, "data_type": str}
NOTHING = None
NUMBER = r"\d+"
CALLS: Mapping[str, tuple[Any, Any]] = {
    r"GET /product": (NOTHING, {"products": [{"name_id": str, "name": str, "type": str}]}),
    r"GET /product/\w+": (NOTHING, {"name_id": str, "server_platforms": [PLATFORM], "csr_required": bool}),
    r"GET /container": (NOTHING, {"containers": [{"id": int, "name": str, "is_active": bool}], "page": PAGE}),
    r"GET /organization": (NOTHING, {"organizations": [{"id": int, "name": str, "is_active": bool}], "page": PAGE}),
    r"GET /account/metadata": (NOTHING, {"metadata": [FIELD]}),
    r"GET /order/certificate": (NOTHING, {"orders": [INFO], "page": PAGE}),
    r"GET /order/alternate/\w+": (NOTHING, {"orders": [FOUND], "page": PAGE}),
    rf"GET /order/certificate/{NUMBER}": (NOTHING, INFO),
    rf"GET /order/certificate/{NUMBER}/reissue": (NOTHING, {"certificates": [{**CERTIFICATE, "status": str}]}),
    r"POST /order/certificate/[a-z_]+": (ORDER, PLACED),
    rf"POST /order/certificate/{NUMBER}/reissue": (
        {"certificate": ASKED, "skip_approval": bool, "dcv_method": str, "comments": str},
        PLACED,
    ),
    rf"PUT /order/certificate/{NUMBER}/status": ({"status": str, "note": str}, NOTHING),
    rf"PUT /order/certificate/{NUMBER}/dcv-random-value": (NOTHING, {"dcv_random_value": str, "expiration_date": str}),
    rf"PUT /order/certificate/{NUMBER}/check-dcv": (NOTHING, {"order_status": str, "dns_name_validations": [dict]}),
    rf"GET /request/{NUMBER}": (NOTHING, DETAIL),
    rf"PUT /request/{NUMBER}/status": ({"status": str, "processor_comment": str}, NOTHING),
    rf"GET /certificate/{NUMBER}/download/format/pem_all": (NOTHING, bytes),
    rf"PUT /certificate/{NUMBER}/revoke": (
        {"revocation_reason": str, "skip_approval": bool, "comments": str},
        REQUEST,
    ),
}


def faults(value: Any, shape: Any, where: str) -> list[str]:
    """Give what a value has that a shape has not, or has as another type."""
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
    is_one = isinstance(value, shape) and not (shape is int and isinstance(value, bool))
    return [] if is_one else [f"{where} is no {shape.__name__}"]


def told_faults(bench: Bench) -> list[str]:
    """Hold all that went between a connector and the fake against the tables."""
    found = []
    for call, reply in bench.vendor.seen:
        route = route_of(call)
        if reply.status >= 400:
            found += faults(reply.body, {"errors": [{"code": str, "message": str}]}, f"{route} {reply.status}")
            continue
        shapes = [pair for pattern, pair in CALLS.items() if re.fullmatch(pattern, route)]
        if len(shapes) != 1:
            found.append(f"{route} is in {len(shapes)} tables")
            continue
        asked, answered = shapes[0]
        body = json.loads(call.body) if call.body else None
        found += faults(body, asked or {}, f"{route} asks") if asked or body else []
        found += faults(reply.body, answered, f"{route} answers") if answered and reply.body else []
    return found


def route_of(call: Call) -> str:
    """Give method and path of a call, without what is before the API's own."""
    return f"{call.method} {call.path.removeprefix('/services/v2')}"


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> Iterator[Bench]:
    with running(tmp_path) as made:
        yield made


def whole_life(bench: Bench) -> None:
    """Do all that can be done with an account."""
    options = {**bench.site.request_options, "division": "Main", "additional_emails": "a@example.com", "notes": "x"}
    order = bench.order(options={**options, "renewal_message": "y"}, attributes={"cost_center": "1"})
    connector = bench.connect(skip_revocation_approval=False)
    connector.test()
    connector.validate(order)
    first = issued(connector, order, csr())
    bench.site.clock.sleep(600)
    again = connector.reissue(first.handle, bench.order(parent=first.handle), csr())
    assert isinstance(again, Issued)
    connector.find(bench.order(parent=first.handle), csr())
    bench.site.clock.sleep(60 * 86400)
    assert isinstance(connector.renew(again.handle, bench.order(parent=first.handle), csr()), Issued)
    connector.collect(again.handle)
    connector.revoke(first.handle, "superseded", "z")
    connector.revocation(first.handle)
    waiting = bench.connect(skip_approval=False).submit(bench.order(), csr())
    assert isinstance(waiting, Pending)
    connector.cancel(waiting.handle)
    bench.vendor.proves = True
    proving = bench.connect(dcv_type="dns-txt-token").submit(bench.order(), csr())
    assert isinstance(proving, Pending)
    bare = {name: value for name, value in proving.handle.items() if name != "dcv_value"}
    connector.collect(bare)
    connector.collect(proving.handle)
    connector.cancel(proving.handle)


def test_what_is_sent_and_answered_is_in_the_documents(bench: Bench) -> None:
    """ca-connectors §5.2: the fake and the connector cannot share a slip of a name or a type."""
    whole_life(bench)
    assert told_faults(bench) == []
    used = {pattern for pattern in CALLS for call, _reply in bench.vendor.seen if re.fullmatch(pattern, route_of(call))}
    assert used == set(CALLS), "each table was used"


def test_the_tables_find_a_wrong_name_and_a_wrong_type() -> None:
    """The judge is awake."""
    good = {"certificate": {"common_name": "a", "csr": "b"}, "order_validity": {"days": 90}}
    assert faults(good, ORDER, "x") == []
    assert faults({**good, "validity": 1}, ORDER, "x") == ["x.validity?"]
    assert faults({**good, "order_validity": {"days": "90"}}, ORDER, "x") == ["x.order_validity.days is no int"]
    assert faults({**good, "skip_approval": 1}, ORDER, "x") == ["x.skip_approval is no bool"]
    assert faults({"orders": {}}, {"orders": [ID]}, "x") == ["x.orders is no list"]
