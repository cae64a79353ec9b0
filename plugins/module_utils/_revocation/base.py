# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What owes who fetches the documents in which CAs publish what they revoked. Knows neither OCSP nor CRLs."""

from __future__ import annotations

from abc import ABC, abstractmethod

MAX_BYTES = 32 * 2**20
"""Of one document: the longest CRLs of public CAs have some ten million bytes."""


class Documents(ABC):
    """Fetches one document a call; the URLs stand in certificates, so that anybody may have chosen them.

    What is fetched is signed, so a URL may be http. A redirect is followed at the same host alone, and nothing is
    repeated: whoever asks decides what a failure is worth.
    """

    @abstractmethod
    def fetch(self, url: str, body: bytes = b"", content_type: str = "") -> bytes:
        """Give the document behind a URL.

        :param url: http or https.
        :param body: posted where it is not empty, as ``content_type``.
        :returns: at most ``MAX_BYTES``.
        :raises InputError: the URL cannot be asked at.
        :raises RemoteError: it answered, and not with a document.
        :raises TransportError: there was no answer, or none that is whole, within the limits.
        """
