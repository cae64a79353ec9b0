# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which key of a token an order is about: one that is there, or a new one; and what stands in the way of either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .._core.field_rules import key_name_reason
from .._token.keypairs import KeyPairs, PairEntry
from .._token.kinds import RSA, Kind
from .base import KeyOrder, Obstacle
from .token_names import TokenNames, is_marked

TAKEN, GONE, DIFFERS, UNPROTECTED, NO_MECHANISM = (
    "key_taken",
    "key_gone",
    "key_differs",
    "key_not_protected",
    "mechanism_missing",
)


@dataclass(frozen=True)
class Line:
    """One key of an order.

    :ivar entry: the key that is there; None for one to be made, with ``id`` and ``label``.
    """

    kind: Kind
    id: bytes
    label: str
    entry: PairEntry | None = None


def lines(order: KeyOrder, wanted: TokenNames, kinds: Sequence[Kind], pairs: KeyPairs) -> list[Line]:
    """Give a line for each key of an order: what this request made before, what it reuses, or what is to be made."""
    there = present(wanted, pairs)
    return [_line(order, wanted, kind, there, is_dual=order.spec.dual_stack) for kind in kinds]


def present(wanted: TokenNames, pairs: KeyPairs) -> list[PairEntry]:
    """Give the keys of the token, without halves of pairs that were to be ours and whose making was broken off."""
    return [one for one in pairs.entries() if not wanted.is_ours(one.id) or pairs.is_whole(one)]


def _line(order: KeyOrder, wanted: TokenNames, kind: Kind, there: Sequence[PairEntry], *, is_dual: bool) -> Line:
    own_id = wanted.id_of(kind.algorithm)
    ours = [one for one in there if wanted.is_ours(one.id) and one.algorithm == kind.algorithm]
    ours.sort(key=lambda one: wanted.generation(kind.algorithm, one.label))
    used = next((one for one in ours if one.id == own_id), None)
    if used is None and order.place.get("reuse"):
        used = ours[-1] if ours else _given(wanted, kind, there, is_dual=is_dual)
    if used is not None:
        return Line(kind, used.id, used.label, used)
    generation = 1 + max((wanted.generation(kind.algorithm, one.label) for one in ours), default=0)
    # A key of the other algorithm may have had the label: people tell keys apart by it. From the second generation on
    # it may be another certificate's handler name too, which must not stop a renewal; a first one is refused instead.
    had, every = {one.label for one in there if wanted.is_ours(one.id)}, {one.label for one in there}
    while wanted.label(kind.algorithm, generation, is_dual=is_dual) in (had if generation == 1 else every):
        generation += 1
    return Line(kind, own_id, wanted.label(kind.algorithm, generation, is_dual=is_dual))


def _given(wanted: TokenNames, kind: Kind, there: Sequence[PairEntry], *, is_dual: bool) -> PairEntry | None:
    """Give the key of that name that was made elsewhere, as in a key ceremony, and is no certificate's here."""
    labels = {wanted.handler, wanted.base(kind.algorithm, is_dual=is_dual)}
    found = [one for one in there if one.label in labels and one.algorithm == kind.algorithm and not is_marked(one.id)]
    return found[0] if len(found) == 1 else None


def obstacles(
    order: KeyOrder, wanted: TokenNames, kinds: Sequence[Kind], pairs: KeyPairs, place: str
) -> list[Obstacle]:
    """Give everything that stands in the way of beginning."""
    there = present(wanted, pairs)
    is_dual = order.spec.dual_stack
    found: list[Obstacle] = []
    for kind in kinds:
        line = _line(order, wanted, kind, there, is_dual=is_dual)
        if line.entry is not None:
            found += _unfit(line, line.entry, pairs, place)
            continue
        if order.place.get("reuse") and order.renews:
            sentence = (
                f"there is no {kind.algorithm} key {wanted.handler} of this certificate in {place} to be reused; leave "
                "reuse out to make a new one"
            )
            found.append(Obstacle(GONE, sentence))
            continue
        if reason := key_name_reason(wanted.handler):
            sentence = f"there is no {kind.algorithm} key {wanted.handler} in {place} to be reused, and {reason}"
            found.append(Obstacle(GONE, sentence))
            continue
        missing = pairs.missing(kind, order.spec.hash_name)
        found += [Obstacle(NO_MECHANISM, f"{missing}; choose another key type, size or hash")] if missing else []
        labels = {wanted.handler, line.label}
        found += _takers(wanted, [one for one in there if one.label in labels], place)
    return list(dict.fromkeys(found))


def _takers(wanted: TokenNames, named: Sequence[PairEntry], place: str) -> Iterator[Obstacle]:
    for one in named:
        if wanted.is_ours(one.id):
            continue
        whose = "of another certificate" if is_marked(one.id) else "that was not made here"
        hint = "" if is_marked(one.id) else ", or set reuse to use that key"
        yield Obstacle(
            TAKEN,
            f"key handler name {wanted.handler}: {place} has a key {one.label} {whose} (id {one.id.hex() or 'none'}); "
            f"choose another name{hint}",
        )


def _unfit(line: Line, entry: PairEntry, pairs: KeyPairs, place: str) -> Iterator[Obstacle]:
    """Hold a key that is there against what is asked for."""
    public = pairs.public_key(entry)
    size, curve = getattr(public, "key_size", 0), getattr(getattr(public, "curve", None), "name", "")
    is_rsa = line.kind.algorithm == RSA
    have = Kind(line.kind.algorithm, size=size if is_rsa else 0, curve=curve)
    if have != line.kind:
        yield Obstacle(
            DIFFERS,
            f"key {entry.label} in {place} is {have}, {line.kind} is asked for; leave reuse out to make a new one",
        )
    if not entry.stays:
        yield Obstacle(
            UNPROTECTED,
            f"key {entry.label} in {place} can be read out of the token; leave reuse out to make one that cannot",
        )
