# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lineage out of a device's history: what an enrollment served before stands behind its certificate, as superseded.

Writes in the caller's unit; sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .._core.clock import from_text
from .._core.types import Certificate
from .._store.base import Unit
from .._target.base import Former
from .lineage import parent_id


@dataclass(frozen=True)
class _Member:
    """One earlier certificate of a line: known to the store already, or told of by the history."""

    since: datetime
    record: Certificate
    is_new: bool


def adopt(
    unit: Unit, certificate: Certificate, formers: Sequence[Former], now: datetime
) -> tuple[Certificate, list[str]]:
    """Put earlier certificates of an enrollment behind its line, the newest first; stores all but the line itself.

    What the store knows already stays as it is, but for its place in the line. What was staged and never went live,
    and is younger than what is live, belongs to no line. A certificate enrolled here that follows none keeps following
    none: what the enrollment served for somebody else before is not what it was renewed from.

    :param formers: in any order.
    :returns: the line, and the ids of those added.
    """
    parents = list(_parents(unit, certificate))
    if certificate.origin != "discovered" and not parents:
        return certificate, []
    dates = {former.facts["fingerprint"]: from_text(former.facts["not_before"]) for former in formers}
    known = {certificate.fingerprint, *_served(certificate.production), *_served(certificate.staging)}
    known |= {parent.fingerprint for parent in parents}
    before = _live_since(certificate, formers, now)
    members = [_Member(_since(parent, dates), parent, False) for parent in parents]
    for former in formers:
        if former.is_live or known & set(former.bundles) or dates[former.facts["fingerprint"]] >= before:
            continue
        known |= set(former.bundles)
        members.append(_Member(dates[former.facts["fingerprint"]], _record(certificate, former, now), True))
    members.sort(key=lambda member: member.since, reverse=True)
    return _chained(unit, certificate, members, now)


def _parents(unit: Unit, certificate: Certificate) -> Iterator[Certificate]:
    """Give the earlier certificates that the store knows, the newest first."""
    met, following = set(), certificate.parent
    while following and following not in met:
        met.add(following)
        parent = unit.certificates.get(following)
        if parent is None:
            return
        yield parent
        following = parent.parent


def _served(network: Mapping[str, Any]) -> list[str]:
    return [facts["fingerprint"] for facts in (network, *network.get("others", ())) if facts.get("fingerprint")]


def _live_since(certificate: Certificate, formers: Sequence[Former], now: datetime) -> datetime:
    """Give the moment from which what is live is valid; what came before it is what it followed."""
    live = set(_served(certificate.production) or _served(certificate.staging))
    since = [from_text(former.facts["not_before"]) for former in formers if live & set(former.bundles)]
    return min(since) if since else certificate.not_before or now


def _since(parent: Certificate, dates: Mapping[str, datetime]) -> datetime:
    since = parent.not_before or dates.get(parent.fingerprint) or parent.not_after or parent.created_at
    return since or from_text("1970-01-01T00:00:00Z")


def _record(certificate: Certificate, former: Former, now: datetime) -> Certificate:
    facts = former.facts
    sans = tuple(sorted({name.lower() for name in former.sans})) or certificate.sans
    plain = Certificate(
        certificate_id=certificate.certificate_id,
        origin="discovered",
        common_name=certificate.common_name,
        state="superseded",
        sans=sans,
        san_count=len(sans),
        device=certificate.device,
        contract_id=certificate.contract_id,
        validation_type=certificate.validation_type,
        certificate_type=certificate.certificate_type,
        secure_network=certificate.secure_network,
        key_algorithm=facts["key_algorithm"],
        issuer=facts["issuer"],
        serial=facts["serial"],
        fingerprint=facts["fingerprint"],
        not_before=from_text(facts["not_before"]),
        not_after=from_text(facts["not_after"]),
        group=certificate.group,
        created_at=now,
        updated_at=now,
    )
    return replace(plain, certificate_id=parent_id(plain))


def _chained(
    unit: Unit, certificate: Certificate, members: Sequence[_Member], now: datetime
) -> tuple[Certificate, list[str]]:
    """Tie the members together; one whose id is taken by something else is left out."""
    # The id holds part of the fingerprint, so that each is one certificate's, short of a miracle.
    first_of = {one.record.certificate_id: one for one in reversed(members)}
    taken = {key for key in first_of if unit.certificates.get(key) is not None}

    def is_free(one: _Member) -> bool:
        return one.record.certificate_id not in taken and first_of[one.record.certificate_id] is one

    members = [one for one in members if not one.is_new or is_free(one)]
    ids = [certificate.certificate_id, *(one.record.certificate_id for one in members), ""]
    added = []
    for number, member in enumerate(members):
        tied = replace(member.record, successor=ids[number], parent=ids[number + 2])
        if member.is_new:
            unit.certificates.add(tied)
            added.append(tied.certificate_id)
        elif tied != member.record:
            unit.certificates.put(replace(tied, updated_at=now))
    return replace(certificate, parent=ids[1]), added
