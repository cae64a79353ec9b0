# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a key provider owes: who makes the key and the CSR. No vendor here.

A provider holds no state between calls. ``begin`` is its one remote side effect and answers with a *reference*,
JSON-ready, kept by the caller; everything after goes by the reference. The caller keeps an intent around ``begin`` and
asks ``find`` before it begins again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .._core.csr_spec import CsrSpec
from .._core.errors import NotFoundError
from .._core.redact import Secret
from .._core.types import Notice

Reference = Mapping[str, Any]
TAKEN_UP = "taken_up"
"""Member of a reference: true where what it names was open before, and was taken up instead of opened."""


@dataclass(frozen=True)
class KeyOrder:
    """What is wanted, and the place's own wishes.

    :ivar place: choices that only this provider understands, as the module's options name them.
    :ivar renews: empty for a new place. Else the place is there, and is to make a new key and CSR:
        ``enrollment_id``, ``change_id`` of the request before (None when unknown), ``not_after`` of its certificate
        as ISO 8601 text. ``adds`` names the key algorithms of the certificates that are missing of a dual stack, when
        only those are wanted. ``restores`` holds ``snapshot_id`` and ``enrollment``, what the place is to be again, as
        ``settings`` told it; that goes before ``was``.
    :ivar was: the order that the place stands for now, where this one asks for other names, subject or keys in the
        same place; None where it does not.
    :ivar request_id: of the request it is made for; what is made bears it, so that it is found again.
    :ivar challenge_password: goes into the CSR (E16); None for none. Never in a reference.
    """

    spec: CsrSpec
    place: Mapping[str, Any] = field(default_factory=dict)
    renews: Mapping[str, Any] = field(default_factory=dict)
    was: KeyOrder | None = None
    request_id: str = ""
    challenge_password: Secret | None = None


@dataclass(frozen=True)
class MadeSecret:
    """A secret that ``begin`` made, for the caller to seal beside the reference.

    :ivar name: as ``private_key/RSA``; ``facts`` are what may be told of it.
    """

    name: str
    value: Secret
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CsrReady:
    """PEM by key algorithm (``RSA``, ``ECDSA``)."""

    csrs: Mapping[str, str]


@dataclass(frozen=True)
class CsrPending:
    """Not there yet; no error.

    :ivar look_again_s: seconds after which asking again makes sense.
    """

    message: str
    look_again_s: float


@dataclass(frozen=True)
class CsrQuestion:
    """The place wants warnings acknowledged before it goes on."""

    notices: Sequence[Notice]


@dataclass(frozen=True)
class CsrRefused:
    """The place gave up; the reason in its words."""

    reason: str


CsrAnswer: TypeAlias = "CsrReady | CsrPending | CsrQuestion | CsrRefused"


@dataclass(frozen=True)
class Obstacle:
    """What stands in the way of beginning: a stable code, and a sentence with what to do.

    :ivar change_id: of what is open there, where that is it.
    :ivar enrollment_id: of a place of the same name, beside which an order may allow another one.
    """

    code: str
    sentence: str
    change_id: int | None = None
    enrollment_id: int | None = None


@dataclass(frozen=True)
class Left:
    """What there is now of what ``begin`` opened, for who takes it back.

    :ivar status: in the words of the place.
    :ivar is_there: the place is there at all; ``is_open``: so is what was opened in it.
    :ivar moved_on: it was gone on with elsewhere, past its CSR, so that it is not the order's alone any more.
    :ivar kept: what the place keeps of the edits of the order, by name; ``foreign`` what is neither as it was before
        them nor as they are, so that somebody else set it.
    :ivar beside: ids of other changes that are open there.
    :ivar settings: the place as it was read for this.
    """

    status: str
    is_there: bool = False
    is_open: bool = False
    moved_on: bool = False
    kept: Sequence[str] = ()
    foreign: Sequence[str] = ()
    beside: Sequence[int] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


class KeyProvider(ABC):
    """One place where keys and CSRs are made."""

    @abstractmethod
    def validate(self, order: KeyOrder) -> Sequence[str]:
        """Give every problem of the order as a sentence; no traffic."""

    @abstractmethod
    def predict(self, order: KeyOrder) -> str:
        """Say in one imperative sentence what ``begin`` would do."""

    @abstractmethod
    def find(self, order: KeyOrder) -> Sequence[Reference]:
        """Look for what fits the order at the place already; several when it cannot tell them apart.

        Each reference bears a ``label`` a person can recognise it by.
        """

    @abstractmethod
    def conflicts(self, order: KeyOrder) -> Sequence[Obstacle]:
        """Look for what stands in the way of beginning; asked twice without a ``begin`` between, it looks once."""

    def doubts(self, order: KeyOrder) -> Sequence[str]:
        """Give what may be the order's place and cannot be read, a sentence each, as ``find`` or ``conflicts`` saw it.

        Where an earlier ``begin`` may have been done, nothing may be begun beside it. Makes no call.
        """
        return ()

    @property
    def notes(self) -> Sequence[str]:
        """Give what was passed over in looking so far, a sentence each."""
        return ()

    def settings(self, order: KeyOrder) -> Mapping[str, Any]:
        """Give what the place of a renewal is now, as the remote side tells it; empty where there is nothing to keep.

        Asked directly after ``conflicts``, it makes no call.
        """
        return {}

    @abstractmethod
    def begin(self, order: KeyOrder) -> Reference:
        """Start making key and CSR.

        :raises RemoteError: a place that takes several calls tells as ``made`` among the details what is, or may be,
            there of the order in spite of a refusal; the order is then to be begun again under the same ``request_id``.
        """

    def made(self) -> Sequence[MadeSecret]:
        """Give the secrets that the last ``begin`` of this provider made, to be sealed in the unit of its reference.

        Empty where the place keeps the key. A CSR that bears a challenge password is one of them, as ``csr/RSA``: that
        is what the CA gets, while the reference and ``collect`` have one for the same key without it.
        """
        return ()

    @abstractmethod
    def calls_ahead(self, order: KeyOrder, move: str, wait_s: float) -> tuple[int, int]:
        """Give the least and the most calls of the place's API from a move to the CSRs; no traffic.

        Calls repeated after a fault are not in it, nor those of a question that a person has to decide on.

        :param move: ``begin``, ``csr`` or ``amend``; every other one takes none.
        :param wait_s: seconds the caller waits for the place.
        """

    @abstractmethod
    def amend(self, order: KeyOrder) -> None:
        """Change at a place that is there what is in no certificate; sends nothing where it is so already.

        :raises ConflictError: a change is open, or somebody edited it to something else; nothing was sent.
        """

    def left(self, order: KeyOrder, reference: Reference, before: Mapping[str, Any]) -> Left:
        """Look at what ``begin`` opened; here for a place where nothing is left open.

        :param before: the place as ``settings`` told it before; empty for a new place, or where that is not known.
        """
        return Left("nothing is open")

    def take_back(self, reference: Reference) -> None:
        """Cancel exactly what ``begin`` opened, and nothing else; here for a place where nothing is left open.

        :raises NotFoundError: it is over.
        :raises ConflictError: the place does not cancel it, now or any more.
        """
        raise NotFoundError("nothing is open")

    def put_back(self, order: KeyOrder, before: Mapping[str, Any]) -> Reference | None:
        """Set what a place that is there keeps of the order's edits to what it was before, and nothing else.

        :returns: what this opened in turn, which is to be taken back as well; None where it opened nothing.
        :raises ConflictError: something is open there; nothing was sent.
        """
        return None

    @abstractmethod
    def collect(self, reference: Reference) -> CsrAnswer:
        """Ask for the CSRs."""

    def fetch(self, reference: Reference) -> CsrAnswer:
        """Ask for the CSRs where they are expected to be there, in the fewest calls if they are."""
        return self.collect(reference)

    @abstractmethod
    def acknowledge(self, reference: Reference, notices: Sequence[Notice]) -> bool:
        """Acknowledge exactly these warnings; a no-op when the place has gone on by itself.

        :returns: False when it was not taken, or not waited for any more; the next look tells where it stands.
        :raises ConflictError: the warnings there are others by now.
        """


class PromptKeyProvider(KeyProvider):
    """A place that has its CSRs when ``begin`` ends: they are in the reference, and nobody is asked for them.

    It calls no API of Akamai, which alone are counted, keeps nothing beside key and CSR, and asks nothing.
    """

    def calls_ahead(self, order: KeyOrder, move: str, wait_s: float) -> tuple[int, int]:
        """Count none."""
        return 0, 0

    def amend(self, order: KeyOrder) -> None:
        """Change nothing: what is in no certificate is not kept here either."""

    def collect(self, reference: Reference) -> CsrAnswer:
        """Give the CSRs that the reference bears."""
        return CsrReady(dict(reference["csrs"]))

    def acknowledge(self, reference: Reference, notices: Sequence[Notice]) -> bool:
        """Acknowledge nothing: nothing is ever asked."""
        return True
