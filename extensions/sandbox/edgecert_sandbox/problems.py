# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox's engine answers: results and problems as values. Knows nothing of HTTP framing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A good answer of one operation.

    :param status: HTTP status (200 or 202).
    :param entity: media entity name without version, such as ``enrollment-status``; ``json`` for the plain-JSON routes.
    :param body: JSON value, or None for an empty body.
    """

    status: int
    entity: str
    body: dict[str, Any] | list[Any] | None


class Problem(Exception):
    """A refusal, as CPS words it.

    :param status: HTTP status.
    :param slug: last part of the problem's ``type`` address.
    :param detail: may be empty.
    :param plain: True asks the front to send the plain-text ``ApiError(...)`` form.
    """

    def __init__(self, status: int, slug: str, title: str, detail: str, plain: bool = False) -> None:
        super().__init__(f"{status} {slug}: {detail or title}")
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.plain = plain


def not_found(what: str) -> Problem:
    """Say that something does not exist, no longer exists, or is not ready yet."""
    return Problem(404, "not-found", "Not Found", f"{what} was not found.")


def invalid(title: str, detail: str) -> Problem:
    """Say that a request cannot be taken as it stands."""
    return Problem(400, "invalid-request", title, detail)


def wrong_state(detail: str) -> Problem:
    """Say that the enrollment or change is not in a state that allows the request."""
    return Problem(409, "invalid-enrollment-state", "Invalid Enrollment State", detail)


def cannot_cancel(detail: str) -> Problem:
    """Say that a pending change cannot be cancelled any more."""
    return Problem(409, "cannot-cancel-pending-change", "Cannot Cancel Pending Change", detail)
