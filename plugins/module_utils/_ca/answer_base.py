# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a CA can answer, in one vocabulary for all CAs. Data alone; no vendor here.

A connector has one table from its vendor's words to ``STATES`` and reads it with ``read_state``: a word that is not in
it means that the CA is at work, never that the order failed, and stays to be seen as ``vendor_state``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeAlias

from .._core.types import Bundle

Handle = Mapping[str, Any]
"""What a connector needs to go on with an order: JSON-ready, kept in the store in clear, so never with a secret."""

SUBMITTED = "submitted"
PENDING_VALIDATION = "pending_validation"
PENDING_APPROVAL = "pending_approval"
PROCESSING = "processing"
ISSUED = "issued"
REJECTED = "rejected"
CANCELLED = "cancelled"
FAILED = "failed"
REVOKED = "revoked"
REVOCATION_PENDING = "revocation_pending"
PENDING_STATES = (SUBMITTED, PENDING_VALIDATION, PENDING_APPROVAL, PROCESSING)
REFUSED_STATES = (REJECTED, CANCELLED, FAILED, REVOKED)
STATES = (*PENDING_STATES, ISSUED, *REFUSED_STATES, REVOCATION_PENDING)

PUBLISHED_KINDS = ("dns-01", "http-01", "cname", "txt")
ACTION_KINDS = (*PUBLISHED_KINDS, "email", "approval")


@dataclass(frozen=True)
class Action:
    """What somebody has to do before the CA goes on; a playbook acts on it.

    :ivar kind: of ``ACTION_KINDS``.
    :ivar domain: the name it proves, without ``*.``; empty where it is about the whole order.
    :ivar name: what to make: the DNS record's full name without a dot at its end, the path for ``http-01``.
    :ivar value: what it has to hold; empty for e-mail and approval.
    :ivar url: where a person does it, or where the CA looks; may be empty.
    :ivar who: who has to, as an e-mail address or a sentence's subject; may be empty.
    :ivar stays: what is made is not to be taken away afterwards: the CA looks at it again.
    """

    kind: str
    domain: str = ""
    name: str = ""
    value: str = ""
    url: str = ""
    who: str = ""
    stays: bool = False

    def shown(self) -> dict[str, Any]:
        """Give it JSON-ready, for users and records; ``stays`` only where it does."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return told if self.stays else {name: value for name, value in told.items() if name != "stays"}


@dataclass(frozen=True)
class VendorState:
    """A vendor's word and what it means here.

    :ivar state: of ``STATES``.
    :ivar raw: the vendor's own word, as it came; empty when it said none.
    """

    state: str
    raw: str = ""


def read_state(table: Mapping[str, str], raw: object) -> VendorState:
    """Read a vendor's word for a state; one that is not in the table means that the CA is at work.

    :param table: vendor's words, lower-case, to ``STATES``.
    :param raw: as it came; numbers and None are taken, case and blanks around it play no part.
    """
    word = "" if raw is None else str(raw).strip()
    return VendorState(table.get(word.lower(), PROCESSING), word)


@dataclass(frozen=True)
class Issued:
    """The CA signed; the leaf is checked against the CSR by the caller.

    :ivar handle: replaces the one before; holds what ``revoke`` and ``renew`` need.
    :ivar notes: what the CA told beside the certificate, as warnings; shown to the user.
    """

    bundle: Bundle
    handle: Handle
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pending:
    """The CA took the order and has not signed yet; no error.

    :ivar handle: replaces the one before.
    :ivar message: a sentence about what it waits for, and who has to do what.
    :ivar look_again_s: seconds after which asking again makes sense.
    :ivar state: of ``PENDING_STATES``.
    :ivar actions: what somebody has to do, each once; empty when nobody has to do anything.
    :ivar vendor_state: the vendor's own word; empty when it said none.
    """

    handle: Handle
    message: str
    look_again_s: float
    state: str = PROCESSING
    actions: tuple[Action, ...] = ()
    vendor_state: str = ""


@dataclass(frozen=True)
class Rejected:
    """There will be no certificate of this order; the reason in the CA's words.

    :ivar state: of ``REFUSED_STATES``: who ended it.
    """

    reason: str
    handle: Handle = field(default_factory=dict)
    state: str = REJECTED
    vendor_state: str = ""


@dataclass(frozen=True)
class NotThere:
    """Surely there is nothing at the CA that a second ``submit`` would double: it may be sent.

    :ivar why: how that is known, a sentence.
    """

    why: str


@dataclass(frozen=True)
class CannotTell:
    """The CA cannot be asked whether it took the order, or not yet. It is never sent again by itself.

    :ivar message: why it cannot be told, a sentence.
    :ivar look_at: where a person looks, and for what: the page or list at the CA, names, times.
    :ivar look_again_s: when asking again may help; a day where only a person can tell.
    """

    message: str
    look_at: str
    look_again_s: float = 86400.0


@dataclass(frozen=True)
class Revocation:
    """What became of a revocation.

    :ivar state: ``revoked`` or ``revocation_pending``.
    :ivar at: when it was revoked, UTC; None when the CA does not say. Of one revoked before, the first time.
    :ivar message: what is waited for; empty when it is done.
    """

    state: str = REVOKED
    at: datetime | None = None
    message: str = ""
    look_again_s: float = 900.0


Answer: TypeAlias = "Issued | Pending | Rejected"
Found: TypeAlias = "Issued | Pending | Rejected | NotThere | CannotTell"
