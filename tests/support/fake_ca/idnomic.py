# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake of IDnomic's RA and EE connectors: workflows with fields, which are all looked at, and officers."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from typing import Any

from cryptography import x509

from ansible_collections.edgecert.clm.tests.support.fake_ca import idnomic_wire as wire
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Order, Orders, Reply
from ansible_collections.edgecert.clm.tests.support.fake_ca.soap_wire import NotSoap, enveloped, fault, opened

RA_PATH, EE_PATH = "/RA/connector.cgi", "/EE/connector.cgi"
ZONES = ("Europe", "Lab")
REASONS = ("unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation")
DAYS = 90
_SAN = [("subjectAltNameDNS1", "1"), ("subjectAltNameDNS2", "1")]
WORKFLOWS: Mapping[str, list[tuple[str, str]]] = {
    "TLS Server": [("commonName1", "0"), ("organizationName1", "0"), *_SAN],
    "TLS with holder": [
        ("commonName1", "0"),
        *_SAN,
        *((f"{name}1", "1") for name in ("holderEmail", "firstName", "lastName", "trackingId", "comment", "uuid")),
    ],
}
_STATUS = {"done": "V", "refused": "REJECTED", "withdrawn": "CANCELLED"}
_FILTERS = {"DN", "hexserial", "+revocation", "validAt"}


class Refused(Exception):
    """The connector's fault."""


class IdnomicVendor:
    """Both connectors of a RA.

    :ivar workflows: fields of each, with ``0`` for those that must have a value.
    :ivar approves_revocations: an officer says yes to them at once.
    :ivar fails_with: code of the fault that the next enrolment is answered with, after it was done; empty for none.
    :ivar has_ids: rows of requests say which request they are.
    :ivar tells_subjects: rows say the subject that they are of.
    :ivar identity: files of a client certificate and its key.
    """

    def __init__(self, orders: Orders) -> None:
        self.orders, self.url = orders, ""
        self.identity: tuple[str, ...] = ()
        self.workflows: dict[str, list[tuple[str, str]]] = dict(WORKFLOWS)
        self.approves_revocations, self.fails_with, self.has_ids, self.tells_subjects = True, "", True, True
        self._listed: set[str] = set()
        self._operations: Mapping[str, Callable[[Any], Any]] = {
            "version": lambda asked: {"pki": "4.9.3", "connector": "2.3"},
            "list_profiles": lambda asked: list(self.workflows),
            "profile_properties": self._properties,
            "enroll": self._enroll,
            "enrollment_request": self._request,
            "search_for_certificates": self._search,
            "revoke": self._revoke,
            "revocation_request": self._ask_to_revoke,
            "retrieve_cert_authorities": self._authorities,
        }

    def handle(self, call: Call) -> Reply:
        """Answer a request."""
        known = {RA_PATH: (wire.RA_NS, wire.RA_OPERATIONS), EE_PATH: (wire.EE_NS, wire.EE_OPERATIONS)}
        if call.path not in known:
            return Reply(404, b"<html><title>404</title></html>", {"Content-Type": "text/html"})
        namespace, operations = known[call.path]
        if call.method == "GET":
            text = wire.ra_wsdl(namespace, operations, self.url + call.path)
            return Reply(200, text.encode(), {"Content-Type": "text/xml"}) if "wsdl" in call.query else Reply(405)
        try:
            node = opened(call)
            operation = node.tag.removeprefix(f"{{{namespace}}}")
            if operation not in operations or call.headers["soapaction"] != f'"{namespace}/{operation}"':
                raise NotSoap(f"no operation {node.tag} with the action {call.headers['soapaction']}")
            parameter = node.find("InputParameter")
            message = None if parameter is None else parameter.find(f"{{{wire.MESSAGE_NS}}}Message")
            if message is None:
                raise NotSoap("no message")
            told = self._operations[operation](wire.value_of(message))
        except (NotSoap, wire.BadMessage, Refused) as exc:
            return fault("Client", str(exc))
        if self.fails_with and "enroll" in operation:
            code, self.fails_with = self.fails_with, ""
            return fault(code, "internal error")
        inner = f"<OutputParameter>{wire.message(told)}</OutputParameter>"
        return enveloped(f'<k:{operation}Response xmlns:k="{namespace}">{inner}</k:{operation}Response>')

    def _fields(self, workflow: Any) -> list[tuple[str, str]]:
        if workflow not in self.workflows:
            raise Refused(f"profile {workflow} does not exist")
        return self.workflows[workflow]

    def _properties(self, asked: Any) -> Any:
        if not isinstance(asked, list) or len(asked) != 1:
            raise Refused("one profile is wanted")
        fields = [{"id": name, "optional": optional, "type": "text"} for name, optional in self._fields(asked[0])]
        return {"name": asked[0], "fields": fields}

    # -- enrolling -------------------------------------------------------------------------------------------------

    def _placed(self, asked: Any) -> Order:
        if not isinstance(asked, list) or len(asked) != 2 or not isinstance(asked[1], dict):
            raise Refused("a profile and its values are wanted")
        workflow, values = asked
        fields = dict(self._fields(workflow))
        unknown = set(values) - set(fields) - {"pkcs10", "zone"}
        missing = [name for name, optional in fields.items() if optional == "0" and not values.get(name)]
        if unknown or missing or not values.get("pkcs10"):
            raise Refused(f"unknown fields {sorted(unknown)}, missing fields {missing or 'pkcs10'}")
        if values.get("zone", ZONES[0]) not in ZONES:
            raise Refused(f"zone {values['zone']} does not exist")
        csr_pem = values["pkcs10"]
        names = [values["commonName1"], *(text for name, text in values.items() if name.startswith("subjectAltName"))]
        wanted = {"workflow": workflow, "values": values, "common_name": values["commonName1"]}
        try:
            return self.orders.place(csr_pem, wanted, names=list(dict.fromkeys(names)), days=DAYS)
        except ValueError as exc:
            raise Refused(f"PKCS#10: {exc}") from exc

    def _enroll(self, asked: Any) -> Any:
        order = self._placed(asked)
        return [self._given(order)] if order.leaf else [f"REQ-{order.order_id}"]

    def _request(self, asked: Any) -> Any:
        return f"REQ-{self._placed(asked).order_id}"

    def _given(self, order: Order) -> str:
        return self.orders.shown(order.leaf)

    # -- looking ---------------------------------------------------------------------------------------------------

    def _search(self, asked: Any) -> Any:
        if not isinstance(asked, dict) or set(asked) != {"filter", "distinct", "limit"}:
            raise Refused("filter, distinct and limit are wanted")
        wanted = asked["filter"]
        if set(wanted) - _FILTERS:
            raise Refused(f"unknown criteria {sorted(set(wanted) - _FILTERS)}")
        found = [one for one in self.orders.found.values() if self._fits(one, wanted)]
        for order in found:
            # An officer looks at requests between two questions, not while the first is asked.
            if order.order_id in self._listed:
                self.orders.poll(order)
            self._listed.add(order.order_id)
        return [self._row(one) for one in found]

    def _fits(self, order: Order, wanted: Mapping[str, str]) -> bool:
        if not fnmatch.fnmatchcase(_subject(order).lower(), wanted.get("DN", "*").lower()):
            return False
        if "hexserial" in wanted and order.serial.lstrip("0") != wanted["hexserial"]:
            return False
        return "+revocation" in wanted or order.serial not in self.orders.revoked

    def _row(self, order: Order) -> dict[str, str]:
        status = "R" if order.serial in self.orders.revoked else _STATUS.get(order.status)
        row = {"status": status or self.orders.strange_word or "PENDING", "profile": order.wanted["workflow"]}
        row.update({"id": f"REQ-{order.order_id}"} if self.has_ids else {})
        row.update({"dn": _subject(order)} if self.tells_subjects else {})
        if order.leaf:
            bare = self._given(order).replace("-----BEGIN CERTIFICATE-----\n", "")
            at = order.placed_at.strftime("%Y%m%d%H%M%SZ")
            return {**row, "serial": order.serial, "certificate": bare, "notbefore": at}
        return {**row, "serial": "", "certificate": ""}

    def _authorities(self, asked: Any) -> Any:
        return {f"CA {at}": {"certificate": one, "dn": "?"} for at, one in enumerate(self.orders.chain())}

    # -- revoking --------------------------------------------------------------------------------------------------

    def _revocable(self, asked: Any) -> tuple[str, str]:
        if not isinstance(asked, dict) or set(asked) != {"reason", "issuer", "serial"}:
            raise Refused("reason, issuer and serial are wanted")
        issuer = x509.load_pem_x509_certificate(self.orders.core.issuing.pem.encode()).subject.rfc4514_string()
        known = {one.serial.lstrip("0") for one in self.orders.found.values() if one.leaf}
        if asked["reason"] not in REASONS:
            raise Refused(f"reason {asked['reason']} does not exist")
        if asked["issuer"].replace(", ", ",") != issuer or asked["serial"] not in known:
            raise Refused(f"no certificate {asked['serial']} of {asked['issuer']}")
        serial = next(one.serial for one in self.orders.found.values() if one.serial.lstrip("0") == asked["serial"])
        if serial in self.orders.revoked:
            raise Refused("certificate is already revoked")
        return serial, asked["reason"]

    def _revoke(self, asked: Any) -> Any:
        self.orders.revoke(*self._revocable(asked))
        return "0"

    def _ask_to_revoke(self, asked: Any) -> Any:
        serial, reason = self._revocable(asked)
        if self.approves_revocations:
            self.orders.revoke(serial, reason)
        return f"REV-{serial[:6]}"


def _subject(order: Order) -> str:
    return f"CN={order.wanted['common_name']},O=Example Ltd"
