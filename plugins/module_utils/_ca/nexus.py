# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nexus Certificate Manager, behind its Protocol Gateway: an officer's certificate, a form in, a certificate out.

A gateway that does not sign by itself answers a write with bytes to sign; the same form goes there once more, with
the officer's signature. Errors may come with HTTP 200. :source: ca-connectors §4.13.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .._core.clock import to_text
from .._core.errors import AuthError, ClmError, InputError, RemoteError
from .._core.redact import Secret
from . import client_certificate, nexus_answers, nexus_signing, option_table
from .answer_base import (
    REVOCATION_PENDING,
    REVOKED,
    Answer,
    Found,
    Handle,
    Issued,
    NotThere,
    Pending,
    Rejected,
    Revocation,
)
from .base import CaConnector, Check, Choice, Order, Tools
from .capability_base import FIND_EXACT, Capabilities
from .connection import connected, reachable, tried, url_reason
from .option_table import Option
from .rest import Answer as Reply
from .rest import Query, Rest, quoted
from .shapes import part, rows
from .table_type import TableType

_KIND = "nexus"
# Its own way to say 429 names no time.
_WAITS_S = (5.0, 15.0)
# Procedures may date a certificate back, usually by hours; one of the very key is believed for longer.
_BACKDATED, _BACKDATED_OF_KEY = timedelta(days=1), timedelta(days=2)
_PAGE, _PAGES = 50, 20
TABLE: option_table.Table = {
    **option_table.NETWORK,
    **option_table.CLIENT_CERTIFICATE,
    **nexus_signing.OPTIONS,
    "url": Option(
        "str",
        "Address of the API, with its path, as https://cm.example.com:8444/pgwy/api.",
        required=True,
        check=url_reason,
    ),
    "procedure": Option("str", "Procedure that issues, where a request names none; usually the default.", default=""),
    "lifetime": Option(
        "str",
        "Whether a lifetime is asked for, or the procedure alone has it.",
        default="request",
        choices=("request", "procedure"),
    ),
}


class Nexus(CaConnector):
    """One officer at one gateway."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._made: Rest | None = None
        self._known: list[Choice] | None = None

    # -- calls -----------------------------------------------------------------------------------------------------

    @property
    def _rest(self) -> Rest:
        if self._made is None:
            url = str(self._options["url"])
            self._made = connected(self._tools, url, self._options, self._secrets, explain=nexus_answers.explained)
        return self._made

    def _call(self, what: str, method: str, path: str, **more: Any) -> Reply:
        """Call, waiting where it says in its own words that it has too much to do; nothing was done then."""
        for seconds in (*_WAITS_S, None):
            answer = self._rest.call(method, path, **more)
            told = nexus_answers.told_of(answer)
            if nexus_answers.code_of(told) != nexus_answers.TOO_MANY or seconds is None:
                break
            self._tools.clock.sleep(seconds)
        is_theirs = nexus_answers.code_of(told) and (answer.is_success or 400 <= answer.status < 500)
        if not is_theirs or answer.status in (401, 403, 429):
            self._rest.checked(what, answer)
        return answer

    def _raised(self, what: str, answer: Reply) -> Reply:
        """Give an answer that is no error.

        :raises RemoteError: it is one, whatever its HTTP status.
        """
        told = nexus_answers.told_of(answer)
        if nexus_answers.code_of(told):
            raise nexus_answers.failure(what, told, self._rest.masked(nexus_answers.words(told)))
        return answer

    def _ask(self, what: str, path: str, query: Query = ()) -> Mapping[str, Any]:
        answer = self._raised(what, self._call(what, "GET", path, query=query))
        found = answer.value()
        if not isinstance(found, Mapping):
            raise RemoteError(
                f"Cannot {what} at Nexus: its answer is no JSON; check the account's URL", code="not_json"
            )
        return found

    def _write(self, what: str, path: str, form: list[tuple[str, str]], accept: str) -> Reply:
        """Post a form; once more with the officer's signature, where it is asked for."""
        headers = {"Accept": f"{accept}, application/json"}
        answer = self._call(what, "POST", path, form=form, headers=headers)
        data = nexus_answers.told_of(answer).get("dataToSign")
        if data:
            signature = nexus_signing.signed(str(data), self._options, self._secrets)
            answer = self._call(what, "POST", path, form=[*form, ("signature", signature)], headers=headers)
        return self._raised(what, answer)

    # -- what it offers --------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """Give what it can take."""
        found = Capabilities(
            is_public=False,
            is_immediate=True,
            revoke_reasons=tuple(nexus_answers.REASONS),
            find=FIND_EXACT,
            can_adopt=True,
            csr_is_truth=True,
            san_types=("dns", "ip", "email", "uri", "other", "directory"),
            validity="seconds" if self._options["lifetime"] == "request" else "profile",
            request_options={
                "procedure": {
                    "required": False,
                    "choices_from": "procedure",
                    "description": "Procedure that issues; the default one where none is named.",
                }
            },
            choices=("procedure",),
            chain_with_root=True,
        )
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, clock, certificate and rights."""
        found = [
            *client_certificate.checks(self._options, self._tools.clock.now()),
            *client_certificate.checks(self._options, self._tools.clock.now(), nexus_signing.CERTIFICATE),
            *reachable(self._rest, self._tools, "/procedures", (("mediaType", "pkcs10"),)),
        ]
        return tried(found, (("officer", self._officer_told), ("procedure", self._procedure_told)))

    def _officer_told(self, name: str) -> Check:
        return Check(name, True, f"the officer may list procedures, {len(self.choices('procedure'))} of them")

    def _procedure_told(self, name: str) -> Check:
        wanted = str(self._options.get("procedure") or "")
        if not wanted:
            return Check(name, True, "not tried: the account has none, each request names one")
        known = [choice.value for choice in self.choices("procedure")]
        if wanted in known:
            return Check(name, True, f"{wanted!r} is there")
        return Check(name, False, f"{wanted!r} is not there; there are {', '.join(known)}")

    def choices(self, kind: str) -> Sequence[Choice]:
        """List the procedures that take a CSR."""
        if kind != "procedure":
            raise InputError(f"CA account {self._name} has no list {kind!r}; there is: procedure")
        if self._known is None:
            told = self._ask("list the procedures", "/procedures", (("mediaType", "pkcs10"),))
            self._known = nexus_answers.procedures(told)
        return self._known

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem; names are held by the procedure, which says so when it signs."""
        problems = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        described = self.capabilities().request_options
        what = f"CA account {self._name}"
        return problems + option_table.request_problems(what, order.options, described, self._values)

    def _values(self, kind: str) -> list[str]:
        try:
            return [choice.value for choice in self.choices(kind)]
        except AuthError:
            return []

    # -- orders ----------------------------------------------------------------------------------------------------

    def _procedure(self, order: Order) -> str:
        return str(order.options.get("procedure") or self._options.get("procedure") or "")

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Have it signed at once."""
        from .._pki import pem

        form = [("pkcs10", base64.b64encode(pem.der_of(csr_pem)).decode("ascii"))]
        if self._procedure(order):
            form.append(("procname", self._procedure(order)))
        if self._options["lifetime"] == "request":
            form.append(("validto", to_text(order.at + timedelta(days=order.validity_days))))
        try:
            answer = self._write("have a CSR signed", "/certificates/pkcs10", form, nexus_answers.PEM_CHAIN)
        except RemoteError as exc:
            # A 400 is the procedure's own no; anything else is the account's, or nobody's.
            if exc.status != 400:
                raise
            return Rejected(exc.message)
        number = answer.headers.get("certid", "")
        handle = {"order_id": number, "procedure": self._procedure(order)}
        try:
            return self._issued(handle, answer)
        except ClmError as exc:
            if not number:
                raise
            return Pending(handle, f"Nexus signed it as {number}; the certificate cannot be read: {exc.message}", 60.0)

    def _issued(self, handle: Handle, answer: Reply) -> Issued:
        from .._pki.x509 import certificate_facts

        if "json" in answer.headers.get("content-type", "").lower():
            raise RemoteError(
                "Cannot read the certificate: Nexus answered with JSON where one was due", code="not_json"
            )
        bundle = nexus_answers.bundle_of(answer.body, self._tools.clock.now())
        return Issued(bundle, {**handle, "serial": certificate_facts(bundle.leaf).serial})

    def collect(self, handle: Handle) -> Answer:
        """Give a certificate that was signed."""
        return self._download(handle, self._number(handle))

    def _download(self, handle: Handle, number: str) -> Issued:
        what, path = "read a certificate", f"/certificates/{quoted(number)}/download"
        headers = {"Accept": f"{nexus_answers.PEM_CHAIN}, application/json"}
        return self._issued(
            {**handle, "order_id": number}, self._raised(what, self._call(what, "GET", path, headers=headers))
        )

    def _number(self, handle: Handle) -> str:
        """Give the id of a certificate; one whose answer bore none is looked for by its serial number."""
        if handle.get("order_id"):
            return str(handle["order_id"])
        told = self._search(("certificateSerialNumber", str(handle.get("serial") or "")))
        if not told:
            raise InputError(f"CA account {self._name} has no certificate with the serial {handle.get('serial')}")
        return str(told[0]["certid"])

    def _search(self, *query: tuple[str, str]) -> list[Mapping[str, Any]]:
        """Give the certificates that a search finds, all of them.

        :raises RemoteError: they are more than anybody should go through, or than it gives.
        """
        found: list[Mapping[str, Any]] = []
        seen = 0
        for _page in range(_PAGES):
            asked = (("searchLimit", str(_PAGE)), ("searchOffset", str(seen)), *query)
            told = self._ask("look for a certificate", "/certificates", asked)
            items = rows(told, "certificates", "certid")
            found += items
            seen += len(items)
            # A gateway may give fewer than were asked for: its own count says whether there are more.
            if len(items) < _PAGE and seen >= nexus_answers.hits_of(told):
                return found
            if not items:
                break
        raise RemoteError(
            f"Cannot look for a certificate at Nexus: more than the {seen} that it gave are found",
            code="too_many_found",
        )

    def find(self, order: Order, csr_pem: str) -> Found:
        """Look for a certificate of this key, made since: what is signed is in its list at once."""
        from .._pki.x509 import csr_facts

        wanted = csr_facts(csr_pem)
        by_key = self._search(("subjectKeyIdentifier", _key_identifier(csr_pem)))
        # A procedure may make key identifiers another way; then the name finds it.
        by_name = () if by_key else self._search(("subjectCommonName", wanted.common_name), ("isExpired", "false"))
        since = order.at - (_BACKDATED_OF_KEY if by_key else _BACKDATED)
        for one in (*by_key, *by_name):
            if not _is_since(one, order, since):
                continue
            found = self._download({"procedure": self._procedure(order)}, str(one["certid"]))
            if _is_of(found, wanted.key.spki_sha256):
                return found
        return NotThere("its list of certificates, searched by key and by name, has none that was made since")

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over a certificate by its id at Nexus."""
        from .._pki.x509 import csr_facts

        try:
            found = self._download({"procedure": self._procedure(order)}, order_id)
        except RemoteError as exc:
            if exc.status not in (400, 404):
                raise
            raise InputError(f"CA account {self._name} has no certificate {order_id}") from exc
        if not _is_of(found, csr_facts(csr_pem).key.spki_sha256):
            raise InputError(f"certificate {order_id} of CA account {self._name} is of another key than this CSR")
        return found

    # -- after issuing ---------------------------------------------------------------------------------------------

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke; what is revoked already is left as it is."""
        number = self._number(handle)
        before = self._told_of_revocation(number)
        if before.state == REVOKED:
            return before
        form = [("certid", number), ("reason", nexus_answers.REASONS[reason])]
        self._write("revoke a certificate", "/certificates/revoke", form, "application/json")
        return self._told_of_revocation(number)

    def revocation(self, handle: Handle) -> Revocation:
        """Ask whether it is revoked."""
        return self._told_of_revocation(self._number(handle))

    def _told_of_revocation(self, number: str) -> Revocation:
        told = self._details(number)
        if told.get("status") == "revoked":
            return Revocation(at=nexus_answers.moment(told.get("revocationtime")))
        return Revocation(REVOCATION_PENDING, None, f"Nexus says {told.get('status') or 'nothing'}")

    def _details(self, number: str) -> Mapping[str, Any]:
        told = self._ask("read a certificate's details", f"/certificates/{quoted(number)}/details")
        return part(told, "certificate")


def _is_since(told: Mapping[str, Any], order: Order, since: datetime) -> bool:
    """Say whether a certificate may be of an order, and is not the one before."""
    if str(told["certid"]) == str(order.parent.get("order_id") or ""):
        return False
    begin = nexus_answers.moment(told.get("validfrom"))
    return begin is None or begin >= since


def _is_of(found: Issued, spki_sha256: str) -> bool:
    from .._pki.x509 import certificate_facts

    return certificate_facts(found.bundle.leaf).key.spki_sha256 == spki_sha256


def _key_identifier(csr_pem: str) -> str:
    """Give the key identifier that a CSR's certificate will have, usually: hex.

    :source: RFC 5280 §4.2.1.2, method (1).
    """
    from cryptography import x509

    from .._pki.x509 import load_csr

    return x509.SubjectKeyIdentifier.from_public_key(load_csr(csr_pem).public_key()).digest.hex()


class NexusType(TableType):
    """Makes and reads accounts."""

    name = _KIND
    table = TABLE
    connector = Nexus

    def expires_at(self, options: Mapping[str, Any]) -> datetime | None:
        """Give when the first of the two ends, the officer's certificate and that of the one who signs."""
        signing = client_certificate.expires_at(options, nexus_signing.CERTIFICATE)
        ends = [one for one in (super().expires_at(options), signing) if one is not None]
        return min(ends, default=None)

    def taken(
        self, options: dict[str, Any], secrets: dict[str, str], given: Mapping[str, str]
    ) -> tuple[dict[str, Any], dict[str, str], list[str]]:
        """Read the officer's certificate, and that of the one who signs."""
        options, secrets, faults = super().taken(options, secrets, given)
        if not options.get("client_certificate") and not faults:
            faults = ["client_certificate is missing; Nexus knows an officer by it"]
        secrets, more = nexus_signing.taken(options, secrets, given)
        return options, secrets, [*faults, *more]
