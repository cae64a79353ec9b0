# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a CA connector owes: who signs. No vendor here, and no test on a connector's name anywhere.

A connector is built from an account (options, opened secrets) and holds no state between calls: what it needs to go on
is in the *handle* it answers with, JSON-ready, kept in the store by the caller.

Around ``submit`` the caller keeps an intent. After a crash between sending and storing it asks ``find`` first, which
has three answers: the order, surely none, or that nobody can tell. Orders cost money: the last never leads to another.
Answers are in ``answer_base``, what a CA can do in ``capability_base``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from .._core.csr_spec import CsrSpec
from .._core.errors import InputError
from .._core.redact import Secret

if TYPE_CHECKING:
    from .._core.clock import Clock
    from .._http.base import TransportMaker
    from .answer_base import Answer, Found, Handle, Revocation
    from .capability_base import Capabilities

DeviceKeyMaker: TypeAlias = Callable[[str, str], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Order:
    """What is asked of the CA for one CSR.

    :ivar validity_days: asked-for lifetime in days, at least 1.
    :ivar options: the request's options of this CA, checked by ``validate``.
    :ivar intent_id: id of the intent this order is sent under; the same order sent twice bears the same id.
    :ivar at: time of the intent, UTC; the same for the same order.
    :ivar last_sent_at: when it was sent last, UTC, where an earlier ``submit`` came to nothing; None for once at most.
    :ivar action: ``enroll``, ``renew`` or ``regenerate``; ``parent`` is the handle of what it follows at the same
        account, empty where there is none.
    :ivar validity: the lifetime as it was asked for, ``{count, unit}``; empty where only the days are known.
    :ivar certificate_id: id in the inventory, for names that a CA wants to be given.
    :ivar attributes: of the certificate (E19), for CAs with custom fields; ``generic`` the fields of Table 10 (E20).
    """

    spec: CsrSpec
    validity_days: int
    intent_id: str
    at: datetime
    options: Mapping[str, Any] = field(default_factory=dict)
    action: str = "enroll"
    parent: Handle = field(default_factory=dict)
    validity: Mapping[str, Any] = field(default_factory=dict)
    certificate_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    generic: Mapping[str, Any] = field(default_factory=dict)
    last_sent_at: datetime | None = None

    @property
    def sent_at(self) -> datetime:
        """Give when it was sent last, as far as is known: lists that lag may not have it for a while after that."""
        return self.last_sent_at or self.at


@dataclass(frozen=True)
class Check:
    """One line of an account's test: a sentence about what works or what to do."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Choice:
    """One entry of a list the CA offers."""

    value: str
    label: str


@dataclass(frozen=True)
class RenewalHint:
    """When the CA would like a certificate to be renewed.

    :ivar at: begin of the time it suggests, UTC; in the past when it asks for it at once.
    :ivar until: end of that time; None when it names a moment.
    :ivar source: who says so and why, for messages, as ``ARI`` or the address of an explanation.
    :ivar ask_again_s: seconds after which the CA wants to be asked again; None where it does not say.
    """

    at: datetime
    until: datetime | None
    source: str
    ask_again_s: float | None = None


class CaConnector(ABC):
    """One account at one CA."""

    @abstractmethod
    def capabilities(self) -> Capabilities:
        """Give what this CA can take and do; no traffic."""

    @abstractmethod
    def test(self) -> Sequence[Check]:
        """Try reachability, authentication, rights and the clock; never issues anything.

        What goes wrong is a check that did not pass, not an exception.
        """

    @abstractmethod
    def choices(self, kind: str) -> Sequence[Choice]:
        """Give one of the lists named in the capabilities.

        :raises InputError: there is no such list.
        :raises AuthError: the account may not read it, which says nothing against the account.
        """

    @abstractmethod
    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the order as a sentence that names what would do; no traffic beyond choices."""

    @abstractmethod
    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Ask the CA to sign.

        It places the order in one call, never repeated where the first may have been taken. Once the CA has taken it,
        nothing is raised any more: what cannot be fetched in the same breath is ``Pending`` with its handle. An error
        therefore speaks of the order itself: one that was never sent, or that the CA refused with a 4xx, left nothing;
        after any other, as for an answer whose certificate cannot be read, the caller asks ``find``.

        :param csr_pem: PKCS#10; its signature has been verified. Empty for a CA that makes the key itself, by its
            ``csr_sources``: ``order.spec`` says then what the key is to be, here as in ``find`` and ``adopt``.
        :raises RemoteError: it was not taken, or nobody knows.
        :raises ClmError: nobody knows, as with a PEM that cannot be read.
        """

    @abstractmethod
    def find(self, order: Order, csr_pem: str) -> Found:
        """Look for what an earlier ``submit`` of the same intent left at the CA.

        ``NotThere`` only where a second ``submit`` surely doubles nothing; a list that may lag behind, or cannot be
        searched, is ``CannotTell``. What is found is the order of this very CSR, not one of the same names.
        """

    @abstractmethod
    def collect(self, handle: Handle) -> Answer:
        """Ask again for a pending order, and move it on where that is the connector's part, as ACME's finalize is.

        Safe to repeat, also for one that was issued long ago. Where it is not, as with a CA that is asked by ordering,
        the capabilities say ``asking_orders``: it is then called where ``peek`` says that it is time, and not again
        once an answer was lost; errors are as those of ``submit``.
        """

    def peek(self, handle: Handle) -> Answer:
        """Ask as ``collect`` does, and change nothing: used while planning, in check mode too.

        A ``Pending`` to look at again in 0 seconds says that ``collect`` can move it on now.
        """
        return self.collect(handle)

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over an order that a person found at the CA.

        :param order_id: as the CA shows it.
        :raises InputError: the CA has no such order, it is of another CSR, or this cannot be done here.
        """
        raise InputError("orders of this CA cannot be taken over by an id", code="cannot_adopt")

    def renew(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        """Order the successor of what a handle stands for; as ``submit`` in all else.

        :param handle: of the certificate that is renewed, issued by this account.
        """
        return self.submit(order, csr_pem)

    def reissue(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        """Order another key or other names under the same order at the CA; as ``submit`` in all else."""
        return self.submit(order, csr_pem)

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke a certificate; one that is revoked already is success, with the first time.

        :param handle: as ``Issued`` gave it.
        :param reason: one of the capabilities' ``revoke_reasons``.
        :param comment: for CAs that keep one.
        :raises InputError: this CA cannot.
        """
        raise InputError("this CA cannot revoke", code="cannot_revoke")

    def revocation(self, handle: Handle) -> Revocation:
        """Ask what became of a revocation that was pending.

        :raises InputError: revocations are never pending here.
        """
        raise InputError("this CA revokes at once or not at all", code="cannot_revoke")

    def cancel(self, handle: Handle) -> Answer:
        """Take back an order that is not signed yet; one that was taken back before is success.

        ``Rejected`` with the state ``cancelled`` when it is done; ``Issued`` when the CA was quicker; ``Pending`` when
        the CA does not say yet.

        :raises InputError: this CA cannot.
        """
        raise InputError("orders of this CA cannot be taken back", code="cannot_cancel")

    def care_due(self) -> str:
        """Say what the CA's own records want done by now, as a sentence; empty for nothing. Reads only."""
        return ""

    def care(self) -> None:
        """Do what ``care_due`` asked for, and called for nothing else; once more does no harm.

        :raises InputError: its records cannot be written.
        """
        raise InputError("this CA keeps no records that want care")

    def renewal_hint(self, bundle_leaf_pem: str) -> RenewalHint | None:
        """Ask when the CA would like a certificate to be renewed; None when it has no say in that.

        A CA that is about to revoke asks for a time that has begun. An answer that cannot be read counts as none:
        the certificate's own window holds then.

        :param bundle_leaf_pem: the leaf, as this CA issued it.
        :source: RFC 9773 (ACME Renewal Information).
        """
        return None


def no_device_key(device: str, _label: str) -> AbstractContextManager[Any]:
    """Refuse the key of a device: none is reached where only accounts are read."""
    raise InputError(f"No key device is reached here, so not {device} either")


@dataclass(frozen=True)
class Tools:
    """What connectors are made with.

    :ivar clock: the only one they have; they sleep by it, too.
    :ivar transports: builds the transport to a host; connectors build them when they first call.
    :ivar device_key: gives a key by the names of its key device and its label, in the shape of cryptography's own, for
        the time of a block; the key stays in the device.
    """

    clock: Clock
    transports: TransportMaker
    device_key: DeviceKeyMaker = no_device_key


@dataclass(frozen=True)
class StoredAccount:
    """An account as it is in the store; empty for a new one."""

    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


class CaConnectorType(ABC):
    """A kind of CA: makes and reads accounts.

    :ivar calls_per_second: calls that one account begins in a second at most, all processes together; two where the CA
        publishes no limit, for nobody knows what it bears.
    """

    name: str
    calls_per_second: int = 2

    @abstractmethod
    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """Describe the account's options, ``{name: {type, required, secret, default, description}}``."""

    @abstractmethod
    def prepare(
        self, name: str, options: Mapping[str, Any], secrets: Mapping[str, str], before: StoredAccount
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Check an account's options and complete them before they are stored.

        :param options: what is stored with what the user gave laid over it; ``secrets`` only what the user gave.
        :param before: a stored secret stays unless it is replaced.
        :raises InputError: all problems at once, a change that an account cannot go through among them.
        """

    @abstractmethod
    def connect(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> CaConnector:
        """Build the connector of a stored account; no traffic."""

    def expires_at(self, options: Mapping[str, Any]) -> datetime | None:
        """Give when the account's client certificate ends, the first of several, UTC; None where it has none."""
        from . import client_certificate

        return client_certificate.expires_at(options)
