# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of enrollments read one by one: what cannot be read is told of, and the rest is kept. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .._core.errors import RemoteError
from . import models
from . import reading as read

R = TypeVar("R", models.EnrollmentRecord, models.ActiveRecord)

_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Unreadable:
    """An entry of a list that cannot be used.

    :ivar enrollment_id: None when not even that can be read: then it may be any enrollment of the list.
    :ivar reason: ends a sentence that begins with the enrollment, as "it has no common name".
    :ivar names: lower-case: the common name, or the SANs where that cannot be read, which hold it too; empty where
        neither can.
    """

    enrollment_id: int | None
    reason: str
    names: frozenset[str] = frozenset()


def scanned(
    value: Any, what: str, read_one: Callable[[Mapping[str, Any]], R], unreadable: list[Unreadable]
) -> Iterator[R]:
    """Give the records of ``{"enrollments": [...]}``; entries that cannot be read are added to ``unreadable``.

    :param what: as "the enrollments of contract C-1".
    :raises RemoteError: the answer is no such object.
    """
    entries = read.mapping(value).get("enrollments")
    if not isinstance(entries, list):
        raise read.unusable(what, "there is no list named enrollments in it")
    for entry in entries:
        try:
            yield _checked(read_one(read.mapping(entry)))
        except (RemoteError, ValueError) as exc:
            unreadable.append(_told(read.mapping(entry), exc))


def _checked(record: R) -> R:
    """Give a record back that a store can hold and a person can read.

    :raises ValueError: says what is wrong with it.
    """
    if not 0 < record.id <= _LARGEST_ID:
        raise ValueError(f"{str(record.id)[:24]} is no enrollment's id")
    if not all(name.isprintable() for name in (record.cn, *record.sans)):
        raise ValueError("a name of it holds characters that are in no name")
    return record


def _told(wire: Mapping[str, Any], exc: Exception) -> Unreadable:
    try:
        known: int | None = models.enrollment_id(wire, "the enrollment")
    except (RemoteError, ValueError):
        known = None
    names = _names(wire)
    if known is None or not 0 < known <= _LARGEST_ID:
        return Unreadable(None, "an entry of the list has no id", names)
    if isinstance(exc, RemoteError):
        return Unreadable(known, "it has no common name", names)
    return Unreadable(known, str(exc), names)


def _names(wire: Mapping[str, Any]) -> frozenset[str]:
    """Give by which names an entry is known; one that is not fit to be read makes all of them doubtful."""
    csr = read.mapping(wire.get("csr"))
    common_name = read.text(csr.get("cn"))
    names = [common_name] if common_name else read.texts(csr.get("sans"))
    return frozenset(name.lower() for name in names) if all(map(str.isprintable, names)) else frozenset()
