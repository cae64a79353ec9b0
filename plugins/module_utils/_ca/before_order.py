# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves an order in doubt, and what does not.

An answer that is lost to a question which ``submit`` asks before it places the order does not; a second try of the
order settles nothing about the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .._core.errors import AuthError, ClmError, InputError, MissingLibrary, RateLimited, RemoteError, TransportError
from .._http.retry import TRANSIENT_STATUS


@contextmanager
def before_order(is_first: bool = True) -> Iterator[None]:
    """Have errors of the block say that the order itself was never sent.

    A refusal (4xx), a refused login and a wait asked for say so already. Anything else would have the caller ask
    ``find``, and a CA that cannot tell would leave a request in doubt about an order that nobody sent. A library that
    is missing and an input that cannot be used keep their codes, and are not worth repeating.

    :param is_first: False where an earlier call may have sent this order: its doubt stays, and errors are left alone.
    :raises TransportError: what went wrong, as not sent.
    """
    try:
        yield
    except (RemoteError, MissingLibrary, InputError) as exc:
        if not is_first or _says_so(exc):
            raise
        told = TransportError(
            f"{exc.message}; the order was not sent",
            kind=exc.kind if isinstance(exc, TransportError) else "truncated",
            sent=False,
            status=exc.status if isinstance(exc, RemoteError) else None,
            code=exc.code,
            details=exc.details,
        )
        if not isinstance(exc, RemoteError):
            told.retryable = exc.retryable
        raise told from exc


def _says_so(exc: ClmError) -> bool:
    """Say whether an error is by itself one of a call that came to nothing."""
    if isinstance(exc, TransportError):
        return not exc.sent
    if not isinstance(exc, RemoteError):
        return False
    is_refusal = exc.status is not None and 400 <= exc.status < 500 and exc.status != 408
    return is_refusal or isinstance(exc, (AuthError, RateLimited))


def is_lost(exc: RemoteError) -> bool:
    """Say whether a write may have been done although no answer says so."""
    return exc.sent if isinstance(exc, TransportError) else exc.status in TRANSIENT_STATUS


def once_more(
    place: Callable[[], Mapping[str, Any]], lost: RemoteError, is_refusal: Callable[[RemoteError], bool]
) -> Mapping[str, Any]:
    """Place an order again whose answer was lost, where the CA takes both for the same one.

    :param is_refusal: says whether an error is the CA's word on the order itself.
    :raises RemoteError: that word; or ``lost``, for what kept the second try from the CA says nothing of the first.
    """
    try:
        return place()
    except RemoteError as exc:
        if is_lost(exc) or is_refusal(exc):
            raise
        raise lost from exc
