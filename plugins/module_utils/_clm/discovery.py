# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device holds against what the store knows of it: worked out from reads, written in one unit.

Knows nothing of CPS beyond the target's contract.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from .._core.clock import from_text
from .._core.types import AuditEntry, Bundle, Certificate
from .._store.base import Store, Unit
from .._target.base import Found, NetworkFacts, Sweep
from . import drift, revocation_states

_FINGERPRINT = re.compile("[0-9a-f]{64}")
# What an audit line lists by name before it only counts: a first discovery of 10,000 must not be one huge row.
_NAMED_IN_AUDIT = 200


@dataclass
class Difference:
    """What a discovery would write.

    :ivar added: certificates never seen before; ``changed`` in their new shape; ``vanished`` no longer there.
    :ivar seen: how many enrollments were found.
    :ivar unfetched: fingerprints whose PEM the store lacks, with the enrollment that serves them.
    :ivar bundles: what came along and the store lacks, by fingerprint, with the enrollment.
    :ivar histories: enrollments whose history was not read since what is live changed.
    :ivar unreadable: enrollments that are there and cannot be read.
    :ivar unread: how many enrollments were left for the next time, to begin behind ``resume``.
    """

    added: list[Certificate] = field(default_factory=list)
    changed: list[Certificate] = field(default_factory=list)
    vanished: list[Certificate] = field(default_factory=list)
    seen: int = 0
    unfetched: dict[str, int] = field(default_factory=dict)
    bundles: dict[str, tuple[int, Bundle]] = field(default_factory=dict)
    histories: list[int] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    unreadable: frozenset[int] = frozenset()
    unread: int = 0
    resume: str = ""

    @property
    def is_empty(self) -> bool:
        """Say whether the store already says what was found."""
        return not (self.added or self.changed or self.vanished)

    def counts(self) -> dict[str, Any]:
        """Give the numbers for a result."""
        return {
            "enrollments": self.seen,
            "added": len(self.added),
            "changed": len(self.changed),
            "unchanged": self.seen - len(self.added) - len(self.changed),
            "vanished": len(self.vanished),
            "unreadable": len(self.unreadable),
            "unread": self.unread,
            "notes": list(self.notes),
        }


class KnownIds:
    """The enrollments of a device that the store knows; read when first asked for, which most discoveries never do."""

    def __init__(self, store: Store, device: str) -> None:
        self._store, self._device = store, device

    @cached_property
    def _ids(self) -> set[int | None]:
        with self._store.read() as unit:
            return {certificate.enrollment_id for certificate in unit.certificates.find(device=self._device)}

    def __contains__(self, enrollment_id: object) -> bool:
        return enrollment_id in self._ids


def _network(facts: NetworkFacts) -> dict[str, Any]:
    """Flatten what a network serves: the primary's members, and the others beside it."""
    if not facts.certificates:
        return {}
    primary, *others = [dict(certificate) for certificate in facts.certificates]
    return {**primary, "others": others} if others else primary


def _primary(production: Mapping[str, Any], staging: Mapping[str, Any]) -> Mapping[str, Any]:
    return production or staging


def _served(found: Found, base: Certificate) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what production and staging serve; what was known where the device did not tell it."""
    if not found.is_live_known:
        return dict(base.production), dict(base.staging)
    production = {**_network(found.production), **drift.told(found.production, base.production)}
    return production, {**_network(found.staging), **drift.told(found.staging, base.staging)}


def _names(found: Found, base: Certificate) -> tuple[str, ...]:
    """Give the names; while a change is open the enrollment has that one's, and what was issued here keeps its own."""
    if base.origin != "discovered" and base.fingerprint and found.pending_changes:
        return base.sans
    return tuple(sorted({found.common_name.lower(), *(san.lower() for san in found.sans)} - {""}))


def _from_found(
    found: Found, device: str, known: Certificate | None, certificate_id: str, now: datetime
) -> Certificate:
    """Give the certificate as the device shows it, keeping what only the store knows."""
    base = known or Certificate(certificate_id, "discovered", found.common_name, device=device, created_at=now)
    production, staging = _served(found, base)
    primary = _primary(production, staging)
    facts: dict[str, Any] = {}
    # A certificate issued here is what its request says; what the networks serve stands beside it.
    if base.origin == "discovered" and (found.is_live_known or primary):
        expiry = primary.get("not_after")
        facts = {
            "fingerprint": primary.get("fingerprint", ""),
            "serial": primary.get("serial", ""),
            "issuer": primary.get("issuer", ""),
            "key_algorithm": primary.get("key_algorithm", ""),
            "not_after": from_text(expiry) if expiry else None,
        }
        facts["state"] = _state(replace(base, production=production, staging=staging, **facts), base)
    elif base.state == "vanished":
        facts = {"state": _state(base, base)}
    sans = _names(found, base)
    return replace(
        base,
        enrollment_id=found.enrollment_id,
        contract_id=found.contract_id or base.contract_id,
        common_name=found.common_name,
        sans=sans,
        san_count=len(sans),
        validation_type=found.validation_type or base.validation_type,
        certificate_type=found.certificate_type,
        secure_network=found.secure_network or base.secure_network,
        change_management=found.change_management,
        production=production,
        staging=staging,
        pending_changes=tuple(dict(change) for change in found.pending_changes),
        **facts,
    )


def _state(found: Certificate, known: Certificate) -> str:
    """Give the state of what is there: what its CA said of the very certificate holds on, of another it begins anew."""
    if not found.fingerprint:
        return "pending"
    if found.fingerprint == known.fingerprint and known.state in revocation_states.BAD:
        return known.state
    return revocation_states.state_of(found, revocation_states.own(found))


def _free_id(found: Found, taken: set[str]) -> str:
    """Name a certificate by its common name (E21); a second one of that name also bears its enrollment id."""
    name = found.common_name.lower() or f"enrollment-{found.enrollment_id}"
    numbered = f"{name}-{found.enrollment_id}"
    # Two devices may lead to one account, and so to the same enrollment.
    candidates = itertools.chain((name, numbered), (f"{numbered}-{n}" for n in itertools.count(2)))
    return next(candidate for candidate in candidates if candidate not in taken)


def _stored(store: Store, want_pem: bool) -> tuple[list[Certificate], set[str]]:
    with store.read() as unit:
        return unit.certificates.find(), {pem.fingerprint for pem in unit.pems.find()} if want_pem else set()


def compare(
    device: str,
    sweep: Sweep,
    store: Store,
    now: datetime,
    *,
    contracts: Sequence[str] = (),
    want_pem: bool,
    want_history: bool = False,
) -> Difference:
    """Go through a sweep and say what differs from the store; writes nothing.

    :param contracts: those the sweep goes through; empty when it does not name any.
    :param want_pem: also work out whose PEM the store lacks.
    :param want_history: also work out whose history is to be read.
    """
    certificates, have_pem = _stored(store, want_pem)
    known = {c.enrollment_id: c for c in certificates if c.device == device and c.enrollment_id is not None}
    taken = {c.certificate_id for c in certificates}
    result = Difference()
    met: set[int] = set()
    for found in sweep.found:
        if found.enrollment_id in met:
            continue
        met.add(found.enrollment_id)
        before = known.get(found.enrollment_id)
        certificate_id = before.certificate_id if before else _free_id(found, taken)
        taken.add(certificate_id)
        after = _from_found(found, device, before, certificate_id, now)
        if after != before:
            (result.changed if before else result.added).append(replace(after, updated_at=now))
        if want_pem:
            _note_unfetched(found, have_pem, result)
        if want_history and live_mark(after) not in ("", after.history_read):
            result.histories.append(found.enrollment_id)
    # A contract that was not asked for proves nothing about its certificates; nor does a list that names none about
    # those of a known one, which may only be out of reach now.
    swept = [c for c in known.values() if c.contract_id in (contracts or ("",))]
    return _ended(result, sweep, swept, met, now)


def _ended(result: Difference, sweep: Sweep, swept: Iterable[Certificate], met: set[int], now: datetime) -> Difference:
    """Add what a sweep tells once it is at its end.

    :param swept: the known ones that it may be missed of; ``met``: ids of those it found.
    """
    result.seen = len(met)
    result.vanished = _vanished(swept, met | sweep.unreadable, sweep, now)
    result.notes, result.unreadable = tuple(sweep.notes), frozenset(sweep.unreadable)
    result.unread, result.resume = sweep.unread, sweep.resume
    return result


def live_mark(certificate: Certificate) -> str:
    """Give the fingerprint that is live, on production rather than on staging; empty when nothing is."""
    mark: str = _primary(certificate.production, certificate.staging).get("fingerprint", "")
    return mark


def _note_unfetched(found: Found, have: set[str], result: Difference) -> None:
    for network in (found.production, found.staging):
        for facts in network.certificates:
            fingerprint = facts["fingerprint"]
            # What is no fingerprint is never found in what would be fetched for it.
            if fingerprint in have or not _FINGERPRINT.fullmatch(fingerprint):
                continue
            if fingerprint in found.bundles:
                result.bundles.setdefault(fingerprint, (found.enrollment_id, found.bundles[fingerprint]))
            else:
                result.unfetched.setdefault(fingerprint, found.enrollment_id)


def _vanished(known: Iterable[Certificate], met: set[int], sweep: Sweep, now: datetime) -> list[Certificate]:
    """Give what is gone; a contract that could not be read proves nothing about its certificates."""
    skipped = sweep.skipped_contracts
    return [
        replace(c, state="vanished", production={}, staging={}, pending_changes=(), updated_at=now)
        for c in known
        if c.enrollment_id not in met and c.state != "vanished" and c.contract_id not in skipped and "" not in skipped
    ]


def write(difference: Difference, device: str, actor: str, unit: Unit) -> None:
    """Store a difference and its audit line."""
    # An enrolment may have put its certificate into the inventory while the device was read.
    bound = {c.enrollment_id for c in unit.certificates.find(device=device, origin="enrolled")}
    difference.added = [c for c in difference.added if c.enrollment_id not in bound]
    unit.certificates.add_many(difference.added)
    unit.certificates.put_many([*difference.changed, *difference.vanished])
    after = {
        **difference.counts(),
        "added_ids": [c.certificate_id for c in difference.added[:_NAMED_IN_AUDIT]],
        "changed_ids": [c.certificate_id for c in difference.changed[:_NAMED_IN_AUDIT]],
        "vanished_ids": [c.certificate_id for c in difference.vanished[:_NAMED_IN_AUDIT]],
    }
    unit.audit(AuditEntry(actor, "certificates_discovered", "device", device, after=after))
