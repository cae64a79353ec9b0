# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a group's proxy to what fetches the documents in which CAs publish what they revoked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._core.clock import Clock
    from .._http.base import Transport, TransportOptions
    from .._revocation.base import Documents
    from .._store.base import Store


def documents_maker(_store: Store, _clock: Clock, _environment: Mapping[str, str]) -> Callable[[str], Documents]:
    """Give the maker of what fetches documents; what speaks HTTP is imported when the first one is."""

    def transport(options: TransportOptions) -> Transport:
        from .._http.transport import RequestsTransport

        return RequestsTransport(options)

    def make(proxy: str) -> Documents:
        from .._revocation.documents import HttpDocuments

        return HttpDocuments(transport, proxy)

    return make
