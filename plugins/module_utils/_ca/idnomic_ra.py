# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IDnomic with a RA: workflows with fields of the site's own, signed at once or after an officer's yes.

Nothing in an enrolment is a reference of ours, so a lost one is found by subject and key. :source: ca-connectors §4.11.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from .._core.clock import from_text, to_text
from .._core.errors import AuthError, ClmError, InputError, RemoteError
from .._core.redact import Secret
from . import idnomic_message, option_table, soap
from .answer_base import (
    CANCELLED,
    ISSUED,
    PENDING_APPROVAL,
    REFUSED_STATES,
    REJECTED,
    REVOCATION_PENDING,
    REVOKED,
    SUBMITTED,
    Action,
    Answer,
    CannotTell,
    Found,
    Handle,
    Issued,
    NotThere,
    Pending,
    Rejected,
    Revocation,
    VendorState,
    read_state,
)
from .base import CaConnector, Check, Choice, Order, Tools
from .before_order import before_order
from .capability_base import FIND_EXACT, Capabilities
from .idnomic_account import REASONS, REQUEST
from .idnomic_calls import Question, calls, tested, values
from .idnomic_certificates import (
    armoured,
    is_named,
    issued,
    issuer_of,
    looks_like_one,
    number_of,
    plain_serial,
    told_name,
)
from .idnomic_fields import REVOCATION_CODE, Filled, RaField, fields_of, filled, map_of
from .idnomic_message import Connector, rows

_LIST = "ra_workflow"
_LOOK_AGAIN_S = 300.0
STATES: Mapping[str, str] = {
    "v": ISSUED,
    "e": ISSUED,
    "r": REVOKED,
    "initial": SUBMITTED,
    "pending": PENDING_APPROVAL,
    "rejected": REJECTED,
    "refused": REJECTED,
    "cancelled": CANCELLED,
}
# Certificates are dated back, and clocks differ.
_BEFORE = timedelta(hours=1)
_SETTLED = timedelta(minutes=5)


class IdnomicRa(CaConnector):
    """One client certificate at a RA."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._calls: soap.Soap | None = None
        self._workflows: list[Choice] | None = None
        self._fields_: dict[str, list[RaField]] = {}

    @property
    def _soap(self) -> soap.Soap:
        if self._calls is None:
            self._calls = calls(self._tools, self._options, self._secrets)
        return self._calls

    @property
    def _ra(self) -> Connector:
        return Connector(self._soap, str(self._options["ra_path"]), idnomic_message.RA_NS)

    @property
    def _ee(self) -> Connector:
        return Connector(self._soap, str(self._options["ee_path"]), idnomic_message.EE_NS)

    def capabilities(self) -> Capabilities:
        """Give what it can take."""
        workflow = {"required": not self._options.get(_LIST), "choices_from": _LIST, "description": "RA workflow."}
        found = Capabilities(
            is_public=False,
            is_immediate=self._options["enrollment"] != REQUEST,
            revoke_reasons=tuple(REASONS),
            find=FIND_EXACT,
            can_adopt=True,
            san_types=("dns", "ip", "email", "uri"),
            validity="profile",
            request_options={_LIST: workflow, "zone": {"required": False, "description": "Zone that is enrolled in."}},
            choices=(_LIST,),
            may_need_approval=True,
            chain_with_root=True,
            registration_authority=True,
        )
        return option_table.overridden(found, self._options)

    # -- workflows -------------------------------------------------------------------------------------------------

    def test(self) -> Sequence[Check]:
        """Try address, clock, client certificate and the right to list workflows; enrols nothing."""
        ra, name = self._ra, str(self._options.get(_LIST) or "")
        question = Question(ra.path, ra.body("version", ()), ra.action("version"))
        wanted = ("RA workflow", name)
        return tested(self._soap, self._tools, self._options, question, lambda: self.choices(_LIST), wanted)

    def choices(self, kind: str) -> Sequence[Choice]:
        """List the RA's workflows."""
        if kind != _LIST:
            raise InputError(f"CA account {self._name} has no list {kind!r}; there is: {_LIST}")
        if self._workflows is None:
            found = self._ra.ask("list the RA workflows", "list_profiles")
            names = [str(one) for one in (found if isinstance(found, list) else []) if one]
            self._workflows = [Choice(name, name) for name in names]
        return self._workflows

    def _fields(self, workflow: str) -> list[RaField]:
        if workflow not in self._fields_:
            told = self._ra.ask(f"read the fields of RA workflow {workflow}", "profile_properties", [workflow])
            self._fields_[workflow] = fields_of(told)
        return self._fields_[workflow]

    def _filled(self, order: Order) -> Filled:
        workflow, code = self._workflow(order), self._secrets.get("revocation_code")
        more = {"zone": self._zone(order), REVOCATION_CODE: code.reveal() if code else ""}
        field_map = map_of(self._options.get("ra_field_map") or ())
        return filled(workflow, self._fields(workflow), order, field_map, more)

    def _workflow(self, order: Order) -> str:
        return str(order.options.get(_LIST) or self._options.get(_LIST) or "")

    def _zone(self, order: Order) -> str:
        return str(order.options.get("zone") or self._options.get("zone") or "")

    # -- orders ----------------------------------------------------------------------------------------------------

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the options, and every field of the workflow that stays empty or is too few."""
        problems = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        described = self.capabilities().request_options
        found = option_table.request_problems(
            *(f"CA account {self._name}", order.options, described), lambda kind: values(lambda: self.choices(kind))
        )
        if found:
            return problems + found
        try:
            return [*problems, *self._filled(order).problems]
        except AuthError:
            return problems

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Enrol, or ask for an enrolment, in one call."""
        with before_order():
            try:
                made = self._filled(order)
            except soap.SoapFault as exc:
                return _refusal(exc)
        if made.problems:
            return Rejected("; ".join(made.problems))
        zone = self._zone(order)
        content = {**made.values, **({"zone": zone} if zone else {}), "pkcs10": csr_pem}
        is_request = self._options["enrollment"] == REQUEST
        asked = (self._ee, "enrollment_request") if is_request else (self._ra, "enroll")
        try:
            told = asked[0].ask("enrol the certificate", asked[1], [self._workflow(order), content])
        except soap.SoapFault as exc:
            return _refusal(exc)
        return self._taken(self._asked(order, csr_pem), told)

    def _asked(self, order: Order, csr_pem: str) -> dict[str, Any]:
        """Give the handle of an order that has no certificate: what it is found by."""
        from .._pki.x509 import csr_facts

        key = csr_facts(csr_pem).key.spki_sha256
        names = {"common_name": order.spec.common_name, "workflow": self._workflow(order)}
        return {**names, "key": key, "asked_at": to_text(order.at), "not": str(order.parent.get("serial") or "")}

    def _taken(self, handle: dict[str, Any], told: Any) -> Answer:
        """Read the answer to an enrolment that was taken; nothing is raised any more."""
        first = told[0] if isinstance(told, list) and told else told
        text = str(first or "") if isinstance(first, str) else ""
        if not looks_like_one(text):
            handle["request_id"] = text.strip()
        try:
            return self._issued(armoured(text), handle) if looks_like_one(text) else self.collect(handle)
        except ClmError as exc:
            return Pending(handle, f"the RA took the request, and it cannot be read yet: {exc.message}", 60.0)

    def _issued(self, leaf: str, handle: Handle) -> Issued:
        """Build the answer, with the chain out of the RA's list of CAs."""
        told = self._ra.ask("read the CAs", "retrieve_cert_authorities")
        tables = [one for one in told.values() if isinstance(one, Mapping)] if isinstance(told, Mapping) else []
        above = [armoured(str(one.get("certificate") or "")) for one in tables]
        kept = {name: handle[name] for name in ("common_name", "workflow") if name in handle}
        more = {**kept, "issuer": issuer_of(leaf, as_encoded=False)}
        return issued(leaf, above, self._tools.clock.now(), more)

    def _search(self, **filters: str) -> list[Mapping[str, Any]]:
        """Search certificates and requests, revoked and ended ones too."""
        wanted = {"filter": {**filters, "+revocation": "*", "validAt": ""}, "distinct": "1", "limit": "-1"}
        return rows(self._ra.ask("search certificates", "search_for_certificates", wanted))

    def _by_subject(self, common_name: str) -> list[Mapping[str, Any]]:
        return self._search(DN=str(self._options["search_dn"]).replace("{common_name}", common_name))

    def collect(self, handle: Handle) -> Answer:
        """Look for the certificate: by its serial number or, while there is none, by subject and key.

        Only the row of this very request ends it: one without an id may be that of any other request for the name.
        """
        if handle.get("serial"):
            found = self._search(hexserial=str(handle["serial"]))
            if not found:
                raise RemoteError(f"Cannot collect: the RA lists no certificate {handle['serial']}", status=404)
            return self._told(found[0], handle)
        listed = self._by_subject(str(handle["common_name"]))
        own = [one for one in listed if handle.get("request_id") and number_of(one) == handle["request_id"]]
        if own:
            return self._told(own[-1], handle)
        mine = [one for one in self._of_key(listed, handle) if not _is_refused(one)]
        if mine:
            return self._told(mine[-1], handle)
        waiting = [one for one in listed if self._may_wait(one, handle)]
        if waiting:
            return self._told(waiting[-1], handle)
        message = "the RA has the request, and does not list it yet"
        if any(not one.get("certificate") and self._may_be(one, handle) for one in listed):
            message = (
                "the RA lists a request for this name that was refused or taken back, and does not tell whose it is; "
                "look there, and cancel this request if it is this one"
            )
        return Pending(handle, message, _LOOK_AGAIN_S)

    def _may_wait(self, row: Mapping[str, Any], handle: Handle) -> bool:
        """Say whether a row can be a request that waits, and this one."""
        return not row.get("certificate") and not _is_refused(row) and self._may_be(row, handle)

    @staticmethod
    def _may_be(row: Mapping[str, Any], handle: Handle) -> bool:
        """Say whether a row can be this request, as far as its id, subject and workflow tell."""
        if number_of(row) and handle.get("request_id"):
            return number_of(row) == str(handle["request_id"])
        is_ours = str(row.get("profile") or handle["workflow"]) == handle["workflow"]
        return is_ours and is_named(told_name(row), str(handle["common_name"]))

    @staticmethod
    def _of_key(listed: Sequence[Mapping[str, Any]], handle: Handle) -> list[Mapping[str, Any]]:
        """Give the rows whose certificate has key and name of an order and is not older than it, the newest last."""
        from .._pki.x509 import certificate_facts

        found = []
        earliest, parent = from_text(str(handle["asked_at"])) - _BEFORE, str(handle.get("not", ""))
        for row in listed:
            text = armoured(str(row.get("certificate") or ""))
            if not text:
                continue
            try:
                facts = certificate_facts(text)
            except InputError:
                # Another certificate of the same subject that cannot be read is not this one's affair.
                continue
            is_new = facts.not_before >= earliest and plain_serial(facts.serial) != parent
            is_ours = is_named(facts.common_name or None, str(handle["common_name"]))
            if facts.key.spki_sha256 == handle["key"] and is_ours and is_new:
                found.append((facts.not_before, row))
        return [row for _at, row in sorted(found, key=lambda one: one[0])]

    def _told(self, row: Mapping[str, Any], handle: Handle) -> Answer:
        """Read a row of a search."""
        state = read_state(STATES, row.get("status"))
        if state.state == ISSUED and row.get("certificate"):
            return self._issued(armoured(str(row["certificate"])), handle)
        if state.state in REFUSED_STATES:
            words = {REVOKED: "the certificate is revoked", CANCELLED: "the request was cancelled"}
            why = words.get(state.state, "the RA refused the request")
            return Rejected(f"{why} (status {state.raw})", handle, state.state, state.raw)
        return self._waiting(handle, state)

    def _waiting(self, handle: Handle, state: VendorState) -> Pending:
        is_officers = state.state == PENDING_APPROVAL
        who = "an officer of the RA"
        message = f"{who} has to approve the request" if is_officers else f"the RA says {state.raw or 'nothing'}"
        actions = (Action("approval", url=str(self._options["url"]), who=who),) if is_officers else ()
        known = state.state if state.state != ISSUED else SUBMITTED
        return Pending(handle, message, _LOOK_AGAIN_S, known, actions, state.raw)

    def find(self, order: Order, csr_pem: str) -> Found:
        """Search by the subject, and take the newest certificate of this key."""
        handle = self._asked(order, csr_pem)
        listed = self._by_subject(order.spec.common_name)
        mine = self._of_key(listed, handle)
        good = [one for one in mine if not _is_refused(one)]
        if good:
            return self._told(good[-1], handle)
        name = order.spec.common_name
        look_at = f"requests and certificates for {name} at the RA, since {to_text(order.at)}"
        if mine:
            return CannotTell(f"a certificate for {name} of this key was revoked, and may be this order's", look_at)
        if any(self._may_wait(one, handle) for one in listed):
            return CannotTell(f"requests for {name} wait, and do not tell their key", look_at, 3600.0)
        left = (order.sent_at + _SETTLED - self._tools.clock.now()).total_seconds()
        why = f"none of the RA's {len(listed)} entries for {name} since then is of this key"
        return NotThere(why) if left <= 0 else CannotTell(f"{why}, and it may come later", look_at, left)

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over a certificate by its serial number, in hex with or without colons."""
        handle = self._asked(order, csr_pem)
        found = self._search(hexserial=plain_serial(order_id))
        if not found:
            raise InputError(f"CA account {self._name} has no certificate with the serial {order_id}")
        answer = self._told(found[0], handle)
        if not isinstance(answer, Issued) or answer.handle["key"] != handle["key"]:
            raise InputError(f"the certificate {order_id} of CA account {self._name} is of another key, or not valid")
        return answer

    # -- afterwards ------------------------------------------------------------------------------------------------

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke, or ask for it; the RA does not say when it was."""
        is_request = self._options["revocation"] == REQUEST
        connector, operation = (self._ee, "revocation_request") if is_request else (self._ra, "revoke")
        content = {"reason": REASONS[reason], "issuer": handle["issuer"], "serial": handle["serial"]}
        try:
            told = connector.ask("revoke the certificate", operation, content)
        except soap.SoapFault:
            if self._is_revoked(handle):
                return Revocation()
            raise
        if is_request:
            return self.revocation(handle)
        if told != "0":
            answer = repr(str(told)[:80])
            raise RemoteError(f"Cannot revoke the certificate: the RA answers {answer}, 0 is done", status=200)
        return Revocation()

    def _is_revoked(self, handle: Handle) -> bool:
        found = self._search(hexserial=str(handle["serial"]))
        return bool(found) and read_state(STATES, found[0].get("status")).state == REVOKED

    def revocation(self, handle: Handle) -> Revocation:
        """Ask what became of it."""
        if self._is_revoked(handle):
            return Revocation()
        return Revocation(REVOCATION_PENDING, None, "an officer of the RA has to approve the revocation")


def _refusal(fault: soap.SoapFault) -> Rejected:
    """Give the refusal of a fault; what is none is raised. Codes of the site's own refuse as ``Client`` does."""
    if fault.fault_code.split(".")[0] in ("Server", "Receiver"):
        raise fault
    return Rejected(str(fault))


def _is_refused(row: Mapping[str, Any]) -> bool:
    return read_state(STATES, row.get("status")).state in REFUSED_STATES
