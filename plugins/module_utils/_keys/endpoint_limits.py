# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many names an enrollment takes, and how many of them may be wildcards (E13); pure, no traffic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._cps.models import EnrollmentRecord
from .base import KeyOrder, Obstacle
from .endpoint_orders import names_at, names_in

# What CPS allows where no enrollment of the contract tells; cps-protocol §2.3.
_USUAL = 100


def too_many_for_new(order: KeyOrder, listed: Sequence[EnrollmentRecord]) -> list[Obstacle]:
    """Say what a new enrollment has too much of, by what the contract's others may have.

    :param listed: enrollments of the contract; the most generous of them counts, for kinds may differ.
    """
    names = [one.max_sans for one in listed if one.max_sans]
    wildcards = [one.max_wildcard_sans for one in listed if one.max_wildcard_sans is not None]
    whose = f"an enrollment on contract {order.place['contract_id']}"
    return list(_beyond(order, whose, max(names, default=_USUAL), max(wildcards, default=_USUAL)))


def too_many_for(enrollment: EnrollmentRecord, order: KeyOrder) -> list[Obstacle]:
    """Say what a live enrollment would get too much of; what it has already is nobody's edit, and CPS's to judge."""
    if names_at(enrollment) == names_in(order):
        return []
    whose = f"enrollment {enrollment.id}"
    return list(_beyond(order, whose, enrollment.max_sans or None, enrollment.max_wildcard_sans))


def _beyond(order: KeyOrder, whose: str, most: int | None, most_wildcards: int | None) -> Iterator[Obstacle]:
    """Give an obstacle for each limit that is passed; one that is None is not told, and holds nobody up."""
    names = names_in(order)
    wildcards = sum(name.startswith("*.") for name in names)
    advice = "split them over several certificates"
    if most is not None and len(names) > most:
        sentence = f"{len(names)} names are asked for, {whose} may have {most}, the common name among them; {advice}"
        yield Obstacle("too_many_names", sentence)
    if most_wildcards is not None and wildcards > most_wildcards:
        sentence = f"{wildcards} wildcard names are asked for, {whose} may have {most_wildcards}; {advice}"
        yield Obstacle("too_many_names", sentence)
