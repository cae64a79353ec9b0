# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of the collection: one tree, each with a stable code that users branch on.

Knows nothing of Ansible; the glue turns an error into a failed result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ClmError(Exception):
    """Something a user can act on: what was tried, on what, what came back, what to do.

    :ivar code: snake_case word, stable over releases.
    :ivar details: JSON-ready values; never a secret.
    """

    code = "clm_error"
    retryable = False

    def __init__(self, message: str, *, code: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.details: dict[str, Any] = dict(details or {})

    def failure(self) -> dict[str, Any]:
        """Give the ``failure`` entry of a module's result."""
        return {"code": self.code, "details": self.details, "request_id": None, "retryable": self.retryable}


class InputError(ClmError):
    """The user's input cannot be used; nothing was sent or stored."""

    code = "invalid_input"

    @classmethod
    def of_problems(cls, what: str, problems: Sequence[str]) -> InputError:
        """Join all problems of one input into a single error.

        :param what: the sentence's beginning, as "Cannot enrol www.example.com".
        :param problems: one sentence each, at least one.
        """
        text = problems[0] if len(problems) == 1 else "; ".join(f"({n}) {p}" for n, p in enumerate(problems, 1))
        return cls(f"{what}: {text}", details={"problems": list(problems)})


class NotFoundError(ClmError):
    """A named thing is not in the store, or not at the remote side."""

    code = "not_found"


class StateError(ClmError):
    """The thing is in a state that does not allow the action."""

    code = "wrong_state"


# What passes by itself: another run was quicker (the plain code), is still at it, or CPS raised new warnings.
_PASSING_CONFLICTS = frozenset(["conflict", "lease_held", "warnings_changed"])


class ConflictError(ClmError):
    """Somebody else changed, or holds, what this call wanted to change.

    A code of its own says that something stands in the way for good, and that repeating the call alone does not help;
    the plain one, and the few of ``_PASSING_CONFLICTS``, are retryable.
    """

    code = "conflict"

    def __init__(self, message: str, *, code: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, code=code, details=details)
        self.retryable = self.code in _PASSING_CONFLICTS


class PolicyError(ClmError):
    """A rule of the store's owner forbids the action."""

    code = "policy_refused"


class MissingLibrary(ClmError):
    """An optional Python library is absent or too old."""

    code = "missing_library"


class StoreError(ClmError):
    """The store cannot be opened, read or written."""

    code = "store_error"


class ScriptError(ClmError):
    """A pre- or post-push script failed; its code says which."""


class RemoteError(ClmError):
    """The remote side answered with an error, or did not answer.

    :ivar status: HTTP status, or None when there was no answer.
    :ivar request_id: what the vendor's support asks for, or None.
    """

    code = "remote_error"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        problem: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        retryable: bool = False,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, code=code, details=details)
        self.status = status
        self.problem = dict(problem or {})
        self.request_id = request_id
        self.retryable = retryable

    def failure(self) -> dict[str, Any]:
        """Add the HTTP status and the request id to the entry."""
        result = super().failure()
        result["request_id"] = self.request_id
        result["details"] = {"status": self.status, **self.details}
        return result


class AuthError(RemoteError):
    """The credential was refused, or lacks a grant."""

    code = "not_authorized"


class RateLimited(RemoteError):
    """The remote side asked to wait; nothing was done.

    :ivar retry_after_s: seconds to wait.
    """

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_s: float, **kwargs: Any) -> None:
        super().__init__(message, retryable=True, **kwargs)
        self.retry_after_s = retry_after_s


class TransportError(RemoteError):
    """No usable answer: the name, the connection, TLS, a proxy, or time failed.

    :ivar kind: ``resolve``, ``connect``, ``tls``, ``proxy`` (it cannot be reached), ``tunnel`` (it refuses),
        ``timeout``, ``truncated`` (an answer that is not whole, or none of what was asked) or ``reset``.
    :ivar sent: True when the request may have reached the remote side and been processed.
    """

    code = "no_answer"

    def __init__(self, message: str, *, kind: str, sent: bool, **kwargs: Any) -> None:
        super().__init__(message, retryable=True, **kwargs)
        self.kind = kind
        self.sent = sent
        self.details.setdefault("kind", kind)


def unexpected(exc: Exception) -> str:
    """Say of what is no ``ClmError`` that it is a fault of ours; for work that other work must not end with."""
    return f"unexpected {type(exc).__name__}: {exc}; this is a fault of the collection, please report it"
