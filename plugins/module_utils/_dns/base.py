# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What owes who asks name servers. Names are lower-case without a dot at the end, values are plain."""

from __future__ import annotations

from abc import ABC, abstractmethod

TXT, CNAME, NS = "TXT", "CNAME", "NS"


class NameServers(ABC):
    """Asks single name servers, whatever a resolver remembers."""

    @abstractmethod
    def shown(self, server: str, name: str, kind: str) -> tuple[str, ...]:
        """Give the values that a name server shows; empty where it shows none of that type, or no such name.

        :param server: host name or address, with a port where it is another one than 53; IPv6 in brackets then.
        :raises TransportError: it gave no usable answer.
        """
