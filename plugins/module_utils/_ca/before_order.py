# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions that ``submit`` asks before it places an order: an answer that is lost there leaves nothing in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._core.errors import AuthError, RateLimited, RemoteError, TransportError


@contextmanager
def before_order() -> Iterator[None]:
    """Have errors of the block say that the order itself was never sent.

    A refusal (4xx), a refused login and a wait asked for say so already. Anything else would have the caller ask
    ``find``, and a CA that cannot tell would leave a request in doubt about an order that nobody sent.

    :raises TransportError: what went wrong, as not sent.
    """
    try:
        yield
    except RemoteError as exc:
        is_refusal = exc.status is not None and 400 <= exc.status < 500 and exc.status != 408
        is_told = is_refusal or isinstance(exc, (AuthError, RateLimited))
        if is_told or (isinstance(exc, TransportError) and not exc.sent):
            raise
        raise TransportError(
            f"{exc.message}; the order was not sent",
            kind=exc.kind if isinstance(exc, TransportError) else "truncated",
            sent=False,
            status=exc.status,
            code=exc.code,
            details=exc.details,
        ) from exc
