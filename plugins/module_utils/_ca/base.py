# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a CA connector owes: who signs. No vendor here, and no test on a connector's name anywhere.

A connector is built from an account (options, opened secrets) and holds no state between calls: what it needs to go on
is in the *handle* it answers with, JSON-ready, kept in the store by the caller.

Around ``submit`` the caller keeps an intent. After a crash between sending and storing it asks ``find`` first; a
connector whose CA cannot tell answers None there only if a second ``submit`` of the same intent is harmless.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from .._core.redact import Secret
from .._core.types import Bundle, CsrSpec

Handle = Mapping[str, Any]


@dataclass(frozen=True)
class Capabilities:
    """What a CA can take and do, as data; each false one is said to the user before anything is sent.

    :ivar is_public: its roots are trusted by browsers, so the validity limits of public trust hold.
    :ivar is_immediate: ``submit`` answers with the certificate itself.
    :ivar san_types: of ``dns``, ``ip``, ``email``, ``uri``.
    :ivar csr_sources: of ``endpoint``, ``local``, ``upload``, ``hsm``, ``adc``.
    :ivar request_options: options of a request it takes, as ``{name: {required, choices_from, description}}``.
    :ivar choices: the kinds of lists it can be asked for.
    :ivar max_validity_days: None when the CA itself decides.
    :ivar hashes: signature hashes of CSRs that make sense with it, of ``sha256``, ``sha384``, ``sha512``.
    :ivar registration_authority: it keeps data about the holder beside the certificate.
    :ivar gives_renewal_hints: ``renewal_hint`` is worth asking; it costs a call.
    """

    is_public: bool
    is_immediate: bool
    can_revoke: bool
    can_renew: bool
    san_types: tuple[str, ...] = ("dns",)
    key_types: tuple[str, ...] = ("rsa", "ec")
    csr_sources: tuple[str, ...] = ("endpoint", "local", "upload", "hsm", "adc")
    request_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    max_validity_days: int | None = None
    gives_renewal_hints: bool = False
    hashes: tuple[str, ...] = ("sha256", "sha384", "sha512")
    registration_authority: bool = False


@dataclass(frozen=True)
class Order:
    """What is asked of the CA for one CSR.

    :ivar validity_days: asked-for lifetime in days, at least 1.
    :ivar options: the request's options of this CA, checked by ``validate``.
    :ivar intent_id: id of the intent this order is sent under; the same order sent twice bears the same id.
    :ivar at: time of the intent, UTC.
    """

    spec: CsrSpec
    validity_days: int
    intent_id: str
    at: datetime
    options: Mapping[str, Any] = field(default_factory=dict)


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
class Issued:
    """The CA signed; the leaf is checked against the CSR by the caller."""

    bundle: Bundle
    handle: Handle


@dataclass(frozen=True)
class Pending:
    """The CA took the order and has not signed yet; no error.

    :ivar message: a sentence about what it waits for, and who has to do what.
    :ivar look_again_s: seconds after which asking again makes sense.
    """

    handle: Handle
    message: str
    look_again_s: float


@dataclass(frozen=True)
class Rejected:
    """The CA refused for good; the reason in its words."""

    reason: str
    handle: Handle = field(default_factory=dict)


Answer: TypeAlias = "Issued | Pending | Rejected"


@dataclass(frozen=True)
class RenewalHint:
    """When the CA would like a certificate to be renewed.

    :ivar at: begin of the time it suggests, UTC; in the past when it asks for it at once.
    :ivar until: end of that time; None when it names a moment.
    :ivar source: who says so and why, for messages, as ``ARI`` or the address of an explanation.
    """

    at: datetime
    until: datetime | None
    source: str


class CaConnector(ABC):
    """One account at one CA."""

    @abstractmethod
    def capabilities(self) -> Capabilities:
        """Give what this CA can take and do; no traffic."""

    @abstractmethod
    def test(self) -> Sequence[Check]:
        """Try reachability, authentication and rights; never issues anything."""

    @abstractmethod
    def choices(self, kind: str) -> Sequence[Choice]:
        """Give one of the lists named in the capabilities."""

    @abstractmethod
    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the order as a sentence that names what would do; no traffic beyond choices."""

    @abstractmethod
    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Ask the CA to sign.

        :param csr_pem: PKCS#10; its signature has been verified.
        """

    @abstractmethod
    def find(self, order: Order, csr_pem: str) -> Answer | None:
        """Look for what an earlier ``submit`` of the same intent left at the CA."""

    @abstractmethod
    def collect(self, handle: Handle) -> Answer:
        """Ask again for a pending order."""

    def renewal_hint(self, bundle_leaf_pem: str) -> RenewalHint | None:
        """Ask when the CA would like a certificate to be renewed; None when it has no say in that.

        A CA that is about to revoke asks for a time that has begun. An answer that cannot be read counts as none:
        the certificate's own window holds then.

        :param bundle_leaf_pem: the leaf, as this CA issued it.
        :source: RFC 9773 (ACME Renewal Information).
        """
        return None


@dataclass(frozen=True)
class StoredAccount:
    """An account as it is in the store; empty for a new one."""

    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


class CaConnectorType(ABC):
    """A kind of CA: makes and reads accounts."""

    name: str

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
