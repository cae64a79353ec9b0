# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real transport beside which every exchange is kept, to be held against a vendor's published document."""

from __future__ import annotations

from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response, TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport


class Noted:
    """A transport that keeps what passes through it."""

    def __init__(self, options: TransportOptions, kept: list[tuple[Request, Response]]) -> None:
        self._inner, self._kept = RequestsTransport(options), kept

    def send(self, request: Request) -> Response:
        """Send, and keep both."""
        answer = self._inner.send(request)
        self._kept.append((request, answer))
        return answer

    def close(self) -> None:
        """Close the real one."""
        self._inner.close()
