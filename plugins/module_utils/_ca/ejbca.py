# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EJBCA by its REST API: signs at once, or after an approver; found again by the end entity that each order has.

An order that waits for an approver has a number, and is signed when it is *finalized* after that: only doing it shows
whether it can be done. No certificate comes of an approval alone, so an order sent again doubles nothing.
:source: ca-connectors §4.3; EJBCA's published OpenAPI document.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .._core.clock import from_text, to_text
from .._core.errors import AuthError, InputError, RemoteError
from .._core.redact import Secret
from .._core.types import Bundle
from . import ejbca_account as account
from . import ejbca_auth, ejbca_revoking, option_table
from . import ejbca_wire as wire
from .answer_base import (
    PENDING_APPROVAL,
    PROCESSING,
    REJECTED,
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
    read_state,
)
from .base import CaConnector, Check, Choice, Order, StoredAccount, Tools
from .before_order import before_order
from .capability_base import FIND_EXACT, Capabilities
from .ejbca_calls import LISTS, ORDER_PATH, EjbcaCalls
from .rest import quoted
from .table_type import TableType

# Profiles may date certificates back, and clocks differ: what was signed for this order is not much older than it.
_OLDER = timedelta(hours=2)
_REFUSED = (400, 413, 422)


class Ejbca(CaConnector):
    """One account at one EJBCA."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._calls = EjbcaCalls(name, options, secrets, tools)

    def capabilities(self) -> Capabilities:
        """Give what it can take."""
        described: dict[str, dict[str, Any]] = {
            name: {"required": not self._options.get(name), "choices_from": name, "description": text}
            for name, text in account.DESCRIBED.items()
        }
        described["end_entity_username"] = {
            "required": False,
            "description": "Name of the end entity; one of its own for each order where it is left out.",
        }
        found = Capabilities(
            is_public=False,
            is_immediate=True,
            revoke_reasons=tuple(wire.REASONS),
            find=FIND_EXACT,
            can_adopt=True,
            csr_is_truth=True,
            san_types=("dns", "ip", "email", "uri", "other", "directory"),
            key_types=("rsa", "ec", "ed25519"),
            validity="profile",
            request_options=described,
            choices=LISTS,
            may_need_approval=True,
            chain_with_root=True,
        )
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, login, rights, and that orders can be looked for; issues nothing."""
        return account.Trial(self._options, self._calls, self._tools).run()

    def choices(self, kind: str) -> Sequence[Choice]:
        """List profiles or CAs."""
        return self._calls.choices(kind)

    def _asked(self, order: Order, name: str) -> str:
        return str(order.options.get(name) or self._options.get(name) or "")

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the options; what a profile wants of a subject, EJBCA says when it signs."""
        described = self.capabilities().request_options
        problems = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        problems += option_table.request_problems(
            f"CA account {self._name}", order.options, described, lambda kind: account.values(self._calls, kind)
        )
        problems += wire.username_problems(str(order.options.get("end_entity_username") or ""))
        return problems or self._misfits(order)

    def _misfits(self, order: Order) -> list[str]:
        """Hold certificate profile and CA against what the end entity profile allows."""
        name = self._asked(order, "end_entity_profile")
        try:
            allowed, issuer = self._calls.profile(name), self._calls.issuer(self._asked(order, "issuer_common_name"))
        except AuthError:
            return []
        except InputError as exc:
            return [exc.message]
        found = []
        profiles, cas = allowed.get("available_certificate_profiles") or (), allowed.get("available_cas") or ()
        profile = self._asked(order, "certificate_profile")
        if profiles and profile not in profiles:
            found.append(f"end_entity_profile {name} allows certificate_profile {', '.join(profiles)}, not {profile}")
        if cas and issuer.name not in cas and not any("any" in str(ca).lower() for ca in cas):
            found.append(f"end_entity_profile {name} allows the CAs {', '.join(cas)}, not {issuer.name}")
        return found

    # -- orders ----------------------------------------------------------------------------------------------------

    def _handle(self, order: Order, csr_pem: str) -> dict[str, Any]:
        from .._pki.x509 import csr_facts

        issuer = self._calls.issuer(self._asked(order, "issuer_common_name"))
        handle = {
            "username": wire.username_of(order),
            "ca": issuer.name,
            "issuer_dn": issuer.subject_dn,
            "spki_sha256": csr_facts(csr_pem).key.spki_sha256,
            "ordered_at": to_text(order.at),
        }
        # An end entity of a user's naming may have certificates of the same key from earlier orders.
        return {**handle, "since": to_text(order.at - _OLDER)} if order.options.get("end_entity_username") else handle

    def _code(self, username: str) -> str:
        code = wire.enrolment_code(self._secrets["enrolment_seed"], username)
        self._calls.hide(code)
        return code.reveal()

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Have it signed, or have it wait for an approver."""
        with before_order():
            try:
                handle = self._handle(order, csr_pem)
            except InputError as exc:
                return Rejected(exc.message)
        body = {
            "certificate_request": csr_pem,
            "certificate_profile_name": self._asked(order, "certificate_profile"),
            "end_entity_profile_name": self._asked(order, "end_entity_profile"),
            "certificate_authority_name": handle["ca"],
            "username": handle["username"],
            "password": self._code(handle["username"]),
            "include_chain": True,
        }
        try:
            found = self._calls.ask("have a CSR signed", "POST", ORDER_PATH, body=body)
        except RemoteError as exc:
            if exc.status not in _REFUSED or exc.code == "not_json":
                raise
            if wire.is_waiting_already(exc.message):
                return self._waiting({**handle, "csr": csr_pem}, PENDING_APPROVAL, "")
            return Rejected(exc.message)
        return self._taken(found, handle, csr_pem)

    def _taken(self, told: Mapping[str, Any], handle: Mapping[str, Any], csr_pem: str) -> Answer:
        """Read what EJBCA gave for an order that it took."""
        if told.get("certificate"):
            leaf = wire.certificate_pem(told["certificate"])
            given = told.get("certificate_chain") or ()
            above = [wire.certificate_pem(one, "chain") for one in given if one] if isinstance(given, list) else []
            return self._issued(leaf, above, handle)
        number, words = wire.request_id(told) or str(handle.get("request_id") or ""), wire.words(told)
        if number:
            return self._waiting({**handle, "request_id": number}, PENDING_APPROVAL, "")
        if words:
            return self._waiting({**handle, "csr": csr_pem}, PROCESSING, words)
        raise RemoteError("Cannot read what EJBCA gave for the order: no certificate, and no request that waits")

    def _waiting(self, handle: Handle, state: str, raw: str) -> Pending:
        """Say that an order waits; asked for again after as long as it has waited, 15 minutes at most."""
        number = handle.get("request_id")
        which = f"request {number}" if number else f"the request for end entity {handle['username']}"
        now = self._tools.clock.now()
        look_again_s = min(max((now - from_text(str(handle["ordered_at"]))).total_seconds(), 60.0), 900.0)
        handle = {**handle, "due_at": to_text(now + timedelta(seconds=look_again_s))}
        if state != PENDING_APPROVAL:
            message = f"EJBCA took the order for end entity {handle['username']} and has not signed it yet"
            return Pending(handle, f"{message}{f', and says: {raw}' if raw else ''}", look_again_s, state, (), raw)
        action = Action("approval", url=str(self._options["url"]), who=f"an approver of {which} at EJBCA")
        return Pending(handle, f"{which} waits for an approver at EJBCA", look_again_s, state, (action,), raw)

    def _issued(self, leaf: str, above: list[str], handle: Handle) -> Issued | Pending:
        from .._pki.chain import order_chain
        from .._pki.x509 import certificate_facts

        serial = certificate_facts(leaf).serial
        kept = {name: handle[name] for name in ("username", "ca", "issuer_dn", "ordered_at")}
        try:
            chain = above or self._calls.chain(str(handle["issuer_dn"]))
            ordered = order_chain(leaf, chain, at=self._tools.clock.now()).bundle
        except RemoteError as exc:
            message = f"It is signed, and the chain of its CA is not here yet: {exc.message}"
            return Pending({**kept, "serial": serial}, message, 60.0)
        return Issued(Bundle(ordered.leaf, ordered.chain, ordered.root), {**kept, "serial": serial})

    def _signed(self, handle: Handle) -> tuple[Issued | Pending | None, bool]:
        """Look for the certificate of an order by its end entity, and say whether all of that were seen."""
        found, is_all = self._calls.certificates(str(handle.get("serial") or handle["username"]))
        leaves = [wire.certificate_pem(one.get("certificate")) for one in found]
        mine = [leaf for leaf in leaves if wire.is_of(leaf, handle)]
        return (self._issued(max(mine, key=wire.begin), [], handle), is_all) if mine else (None, is_all)

    def find(self, order: Order, csr_pem: str) -> Found:
        """Look for the end entity that only this order made, and for its certificate."""
        handle = self._handle(order, csr_pem)
        username = str(handle["username"])
        answer, is_all = self._signed(handle)
        if answer is not None:
            return answer
        if not is_all:
            return CannotTell(
                f"end entity {username} has more certificates than EJBCA lists at once",
                f"in EJBCA's RA web for the certificates of end entity {username}, newest first",
            )
        if order.options.get("end_entity_username"):
            return NotThere(
                f"EJBCA has no certificate of this key for end entity {username} since it was ordered, and an approval "
                "alone makes none"
            )
        word = self._calls.entity_status(username)
        if word:
            state = read_state(wire.ENTITY_STATES, word)
            return self._waiting({**handle, "csr": csr_pem}, state.state, state.raw)
        return NotThere(
            f"EJBCA has no end entity {username}, which only this order makes; it takes no second request for the name "
            "while one waits for an approver"
        )

    def collect(self, handle: Handle) -> Answer:
        """Ask for the certificate, and finalize the order where an approver let it pass."""
        answer = self._there(handle)
        if answer is not None:
            return answer
        if handle.get("request_id"):
            return self._finalized(handle)
        word = self._calls.entity_status(str(handle["username"]))
        if word.lower() in wire.READY:
            return self._enrolled(handle)
        return self._unsigned(handle, word)

    def peek(self, handle: Handle) -> Answer:
        """Ask for the certificate; whether an order was approved is seen by finalizing it alone, which has its time."""
        answer = self._there(handle)
        if answer is not None:
            return answer
        if handle.get("request_id"):
            left_s = (from_text(str(handle["due_at"])) - self._tools.clock.now()).total_seconds()
            return replace(self._waiting(handle, PENDING_APPROVAL, ""), handle=handle, look_again_s=max(0.0, left_s))
        word = self._calls.entity_status(str(handle["username"]))
        waiting = self._unsigned(handle, word)
        return replace(waiting, look_again_s=0.0) if word.lower() in wire.READY else waiting

    def _there(self, handle: Handle) -> Issued | Pending | None:
        answer, _is_all = self._signed(handle)
        if answer is None and handle.get("serial"):
            raise RemoteError(f"Cannot read the certificate {handle['serial']} at EJBCA: it shows none of that serial")
        return answer

    def _unsigned(self, handle: Handle, word: str) -> Pending:
        """Say what an order waits for whose number was lost: without an end entity, for an approver."""
        state = read_state(wire.ENTITY_STATES, word)
        return self._waiting(handle, state.state if word else PENDING_APPROVAL, word)

    def _finalized(self, handle: Handle) -> Answer:
        number = str(handle["request_id"])
        body = {"password": self._code(str(handle["username"])), "response_format": "DER"}
        path = f"/v1/certificate/{quoted(number)}/finalize"
        try:
            found = self._calls.ask(f"finalize request {number}", "POST", path, body=body)
        except RemoteError as exc:
            if exc.status != 400 or exc.code == "not_json":
                raise
            state = wire.ended(exc.message)
            if state:
                how = "was refused" if state == REJECTED else "came to nothing"
                return Rejected(f"Request {number} {how}: {exc.message}", dict(handle), state)
            answer = self._there(handle) if wire.FINALIZED_BEFORE in exc.message else None
            if answer is None:
                raise
            return answer
        return self._taken(found, handle, "")

    def _enrolled(self, handle: Handle) -> Answer:
        """Have an end entity's CSR signed that an approver let pass, where the number of the request was lost."""
        body = {
            "certificate_request": handle["csr"],
            "username": handle["username"],
            "password": self._code(str(handle["username"])),
            "include_chain": True,
            "certificate_authority_name": handle["ca"],
        }
        what = f"have the CSR of end entity {handle['username']} signed"
        found = self._calls.ask(what, "POST", "/v1/certificate/certificaterequest", body=body)
        return self._taken(found, handle, str(handle["csr"]))

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over a certificate by its serial number, in hex with or without colons."""
        from .._pki.x509 import certificate_facts, csr_facts

        serial = order_id.replace(":", "").replace("-", "").replace(" ", "").lower()
        answer, _is_all = self._signed({**self._handle(order, csr_pem), "serial": serial})
        if answer is None:
            raise InputError(f"CA account {self._name} has no certificate with the serial {order_id}")
        if isinstance(answer, Issued):
            key = certificate_facts(answer.bundle.leaf).key
            if key.spki_sha256 != csr_facts(csr_pem).key.spki_sha256:
                raise InputError(
                    f"the certificate {order_id} of CA account {self._name} is of another key than this CSR"
                )
        return answer

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke, at once or after an approver; EJBCA keeps no comment."""
        return ejbca_revoking.revoke(self._calls, handle, reason)

    def revocation(self, handle: Handle) -> Revocation:
        """Ask whether it is revoked by now; an approver's refusal is not seen from here."""
        return ejbca_revoking.revocation(self._calls, handle)


class EjbcaType(TableType):
    """Makes and reads accounts."""

    name = account.KIND
    table = account.TABLE
    connector = Ejbca

    def prepare(
        self, name: str, options: Mapping[str, Any], secrets: Mapping[str, str], before: StoredAccount
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Check an account's options and complete them, with what the codes of its orders are made of."""
        wanted, opened = super().prepare(name, options, secrets, before)
        # Finalizing needs the code that the order was sent with, maybe weeks later: it outlives every other secret.
        return wanted, {"enrolment_seed": randomness.token_urlsafe(32), **opened}

    def problems(self, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Sequence[str]:
        """Say what the way to log in lacks."""
        return ejbca_auth.problems(options, secrets)
