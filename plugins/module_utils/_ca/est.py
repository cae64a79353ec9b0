# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any CA behind Enrollment over Secure Transport (EST): enrols, renews where it may, and can be asked for nothing else.

EST has no order ids, no list and no revocation. A pending order is asked for by *the same request again*, and the
server has to know it again (RFC 7030 §4.2.3). So that is done for an order that is known to wait, not before the time
that the server named, and for no other. After a lost answer the order is in doubt, to the first request as to a
repetition, unless the account says that this may be repeated: a server that has signed and forgotten would sign once
more. What was issued is kept in the handle, and never asked for again.
:source: RFC 7030; RFC 8951; ca-connectors §4.16.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .._core.clock import from_text, to_text
from .._core.errors import ClmError, InputError, RemoteError
from .._core.redact import Secret
from .._core.types import Bundle
from .._http.base import Request, Response
from .._http.retry import wait_told
from . import client_certificate, option_table
from . import est_account as account
from . import est_wire as wire
from .answer_base import PROCESSING, Answer, CannotTell, Found, Handle, Issued, Pending, Rejected
from .base import CaConnector, Check, Choice, Order, Tools
from .capability_base import NATIVE, NONE, REENROLL, Capabilities
from .connection import connected, reachable
from .rest import POLICY, Rest, quoted, words_of
from .rest import Answer as HttpAnswer
from .table_type import TableType

_HOME = "/.well-known/est"
_REFUSED = (400, 422)
_OF_A_WAIT = ("retry_at", "said")


class Est(CaConnector):
    """One account at one EST server."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._made: Rest | None = None

    # -- calls -----------------------------------------------------------------------------------------------------

    def _sign(self, request: Request) -> Request:
        if not self._options.get("username"):
            return request
        return replace(request, headers={**request.headers, "Authorization": f"Basic {self._basic().reveal()}"})

    def _basic(self) -> Secret:
        pair = f"{self._options['username']}:{self._secrets['password'].reveal()}"
        return Secret(base64.b64encode(pair.encode()).decode("ascii"))

    @property
    def _rest(self) -> Rest:
        if self._made is None:
            url = str(self._options["url"]).rstrip("/").removesuffix(_HOME)
            self._made = connected(
                self._tools, url, self._options, self._secrets, prefix=_HOME, sign=self._sign, explain=_explained
            )
            if self._options.get("username"):
                self._made.hide(self._basic())
        return self._made

    def _path(self, label: str, operation: str) -> str:
        return f"/{quoted(label)}/{operation}" if label else f"/{operation}"

    def _label(self, order: Order) -> str:
        return str(order.options.get("certificate_profile") or self._options.get("label") or "")

    def _ca_certificates(self, label: str) -> list[str]:
        what = "read the CA's certificates"
        answer = self._rest.call("GET", self._path(label, "cacerts"), headers={"Accept": wire.CERTIFICATES_TYPE})
        return wire.certificates(self._rest.checked(what, answer).body, "CA's certificates")

    def _post(self, label: str, operation: str, body: bytes) -> HttpAnswer:
        headers = {
            "Accept": wire.CERTIFICATES_TYPE,
            "Content-Type": wire.CSR_TYPE,
            # RFC 8951 has nobody look at it any more; servers of before do.
            "Content-Transfer-Encoding": "base64",
        }
        return self._rest.call("POST", self._path(label, operation), raw=body, headers=headers)

    # -- contract --------------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """Give what it can take."""
        way_on = NATIVE if self._options.get("reenroll") else REENROLL
        label = {"required": False, "description": "Label of the CA or profile at the server, in the account's place."}
        found = Capabilities(
            is_public=False,
            is_immediate=True,
            renew=way_on,
            reissue=way_on,
            find=NONE,
            asking_orders=not self._options.get("repeat_lost"),
            csr_is_truth=True,
            san_types=("dns", "ip", "email", "uri", "other", "directory"),
            key_types=("rsa", "ec", "ed25519"),
            validity="profile",
            request_options={"certificate_profile": label},
            may_need_approval=True,
            chain_with_root=True,
        )
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, CA certificates and login, this by a request without a CSR, of which nothing can be issued."""
        label = str(self._options.get("label") or "")
        found = [
            *client_certificate.checks(self._options, self._tools.clock.now()),
            *reachable(self._rest, self._tools, self._path(label, "cacerts")),
        ]
        if not all(check.passed for check in found if check.name == "reachable"):
            return found
        for name, check in (("CA certificates", self._cas_told), ("logged in", self._login_told)):
            try:
                found.append(Check(name, True, check(label)))
            except ClmError as exc:
                found.append(Check(name, False, exc.message))
        try:
            answer = self._rest.call("GET", self._path(label, "csrattrs"), headers={"Accept": "application/csrattrs"})
            found.append(wire.wishes_told(answer.status, answer.body))
        except ClmError as exc:
            found.append(Check("CSR attributes", False, exc.message))
        return found

    def _cas_told(self, label: str) -> str:
        from .._pki.x509 import certificate_facts

        names = [certificate_facts(one).subject for one in self._ca_certificates(label)]
        return f"the server gives {'; '.join(names)}"

    def _login_told(self, label: str) -> str:
        answer = self._post(label, account.ENROLL, b"")
        # Other errors are what a request without a CSR earns, in whatever form.
        if answer.status in (401, 403, 404) or answer.is_success:
            self._rest.checked("try the login", answer)
        return f"the server did not refuse this account; it answered HTTP {answer.status} to a request without a CSR"

    def choices(self, kind: str) -> Sequence[Choice]:
        """Give none: EST has no lists.

        :raises InputError: always.
        """
        raise InputError(f"CA account {self._name} has no list {kind!r}; EST has none")

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the options; what the CA wants in a CSR, it says when it signs."""
        problems = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        problems += option_table.request_problems(
            f"CA account {self._name}", order.options, self.capabilities().request_options, lambda _kind: []
        )
        reason = account.label_reason(str(order.options.get("certificate_profile") or ""))
        return [*problems, *([f"certificate_profile {reason}"] if reason else [])]

    # -- orders ----------------------------------------------------------------------------------------------------

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Enrol."""
        return self._enrolled(self._handle(order, csr_pem, account.ENROLL))

    def renew(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        """Enrol again, by simplereenroll where the account may and the names are the same.

        :source: RFC 7030 §4.2.2: subject and subject alternative names have to be those of the certificate.
        """
        again = self._options.get("reenroll") and _has_same_names(str(handle.get("certificate") or ""), csr_pem)
        return self._enrolled(self._handle(order, csr_pem, account.REENROLL if again else account.ENROLL))

    def reissue(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        """Enrol again with another key; for EST the same as renewing."""
        return self.renew(handle, order, csr_pem)

    def _handle(self, order: Order, csr_pem: str, operation: str) -> dict[str, Any]:
        from .._pki.x509 import csr_facts

        return {
            "label": self._label(order),
            "operation": operation,
            "csr": csr_pem,
            "csr_sha256": _digest(csr_pem),
            "spki_sha256": csr_facts(csr_pem).key.spki_sha256,
        }

    def _enrolled(self, handle: Handle) -> Answer:
        """Send the request of a handle, for the first time or again."""
        label, what = str(handle["label"]), "have a CSR signed"
        answer = self._post(label, str(handle["operation"]), wire.csr_body(str(handle["csr"])))
        try:
            self._rest.checked(what, answer)
        except RemoteError as exc:
            if exc.status not in _REFUSED or exc.code == "not_json":
                raise
            return Rejected(exc.message, dict(handle))
        if answer.status == 202:
            told = Response(answer.status, answer.headers, b"")
            now = self._tools.clock.now()
            # Not before that time: what is kept is whole seconds, so the next one.
            due = now + timedelta(seconds=wait_told(told, now, POLICY), microseconds=999999)
            word = self._rest.masked(wire.said(answer.headers, answer.text()))
            return self._waiting({**handle, "retry_at": to_text(due), "said": word})
        found = wire.certificates(answer.body, "answer to the CSR")
        leaf = wire.leaf_of(found, str(handle["spki_sha256"]))
        return self._issued(leaf, [one for one in found if one != leaf], handle)

    def _waiting(self, handle: Handle) -> Pending:
        word, due = str(handle.get("said") or ""), str(handle["retry_at"])
        message = f"The CA has not signed yet{f', and says: {word}' if word else ''}; it may be asked again at {due}"
        return Pending(handle, message, self._seconds_left(handle), PROCESSING, (), word)

    def _issued(self, leaf: str, above: list[str], handle: Handle) -> Issued | Pending:
        from .._pki.chain import order_chain

        label = str(handle["label"])
        try:
            chain = [*above, *self._ca_certificates(label)]
            made = order_chain(leaf, chain, at=self._tools.clock.now()).bundle
        except RemoteError as exc:
            kept = {**handle, "leaf": leaf, "above": above}
            return Pending(kept, f"It is signed, and the certificates of its CA are not here yet: {exc.message}", 60.0)
        kept = {"label": label, "certificate": made.leaf, "chain": list(made.chain), "root": made.root}
        return Issued(Bundle(made.leaf, made.chain, made.root), kept)

    def find(self, order: Order, csr_pem: str) -> Found:
        """Answer that nobody can tell: EST has no list, and a server that forgot the order would sign once more."""
        from .._pki.x509 import csr_facts

        key = csr_facts(csr_pem).key.spki_sha256
        again = ""
        if not self._options.get("repeat_lost"):
            again = (
                "; one that it said is pending is asked for again once repeat_lost of the account says that the server "
                "knows its requests again"
            )
        return CannotTell(
            f"EST has no list of orders, and asking for one is ordering it{again}",
            f"at the CA behind {self._options['url']} for a certificate, or a request, of the key whose SHA-256 "
            f"(SubjectPublicKeyInfo) is {key}, since {to_text(order.at)}",
        )

    def collect(self, handle: Handle) -> Answer:
        """Send the request of a pending order again, once its time has come; what was issued is in the handle.

        :raises InputError: the CSR is not at hand as it was sent, and another one would be another order.
        """
        answer = self.peek(handle)
        if not isinstance(answer, Pending) or answer.look_again_s > 0:
            return answer
        return self._enrolled({name: value for name, value in handle.items() if name not in _OF_A_WAIT})

    def _check_csr(self, handle: Handle) -> None:
        """Refuse to ask by another CSR than the one that was sent: that would be another order."""
        if handle["csr_sha256"] != _digest(str(handle["csr"])):
            raise InputError(
                f"Cannot ask CA account {self._name} for the order again: EST asks by the very CSR that was sent; that "
                "one, with its challenge password, is gone from the store; cancel the request, and order anew",
                code="csr_not_kept",
            )

    def peek(self, handle: Handle) -> Answer:
        """Say when the request may be sent again; that orders, if a server forgot it, so it is not done here."""
        answer = self._kept(handle)
        if answer is not None:
            return answer
        if handle.get("leaf"):
            return self._issued(str(handle["leaf"]), list(handle.get("above") or ()), handle)
        if self._seconds_left(handle) <= 0:
            self._check_csr(handle)
        return self._waiting(handle)

    def _seconds_left(self, handle: Handle) -> float:
        return max(0.0, (from_text(str(handle["retry_at"])) - self._tools.clock.now()).total_seconds())

    @staticmethod
    def _kept(handle: Handle) -> Issued | None:
        if not handle.get("certificate"):
            return None
        bundle = Bundle(str(handle["certificate"]), tuple(handle.get("chain") or ()), str(handle.get("root") or ""))
        return Issued(bundle, dict(handle))


def _explained(answer: HttpAnswer) -> str:
    return words_of(answer) or wire.said(answer.headers, answer.text())


def _digest(csr_pem: str) -> str:
    return hashlib.sha256(wire.csr_body(csr_pem)).hexdigest()


def _has_same_names(certificate_pem: str, csr_pem: str) -> bool:
    """Say whether a CSR has subject and alternative names of a certificate."""
    from .._pki.x509 import certificate_facts, csr_facts

    if not certificate_pem:
        return False
    old, new = certificate_facts(certificate_pem), csr_facts(csr_pem)
    return (old.subject, old.sans) == (new.subject, new.sans)


class EstType(TableType):
    """Makes and reads accounts."""

    name = account.KIND
    table = account.TABLE
    connector = Est

    def problems(self, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Sequence[str]:
        """Say what the account needs to log in and has not."""
        return account.problems(options, secrets)
