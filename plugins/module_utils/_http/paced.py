# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A transport that asks a pacer before each request, tries of the same one among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Pacer, Request, Response, Transport


class PacedTransport:
    """A transport to one host.

    :param pacer: of all that one account calls, whatever the host.
    """

    def __init__(self, inner: Transport, pacer: Pacer) -> None:
        self._inner, self._pacer = inner, pacer

    def send(self, request: Request) -> Response:
        """Send, after a wait where the pacer wants one.

        :raises RateLimited: that would be longer than the pacer lets a call wait; nothing was sent.
        """
        self._pacer.before(request.family)
        return self._inner.send(request)

    def close(self) -> None:
        """Close the real one."""
        self._inner.close()
