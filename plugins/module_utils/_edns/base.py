# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What owes who keeps DNS records for an account. No vendor here.

Names are lower-case without a dot at the end. Values are plain: the text of a TXT record without quotes, the target of
a CNAME like a name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from .._dns.base import CNAME, TXT

TYPES = (TXT, CNAME)


@dataclass(frozen=True)
class Zone:
    """A zone of the account.

    :ivar is_writable: False for one whose records come from elsewhere.
    :ivar kind: the vendor's word for what it is.
    """

    name: str
    is_writable: bool
    kind: str


@dataclass(frozen=True)
class RecordSet:
    """All records of one name and type; ``ttl`` in seconds, at least one value, each once."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]


class DnsRecords(ABC):
    """The zones and records of one account.

    Each method makes one call, repeated where that is safe; a write whose answer was lost raises ``TransportError``
    with ``sent`` set, and its caller looks what came of it.
    """

    @property
    @abstractmethod
    def calls(self) -> int:
        """Count the API calls made so far."""

    @abstractmethod
    def zones(self) -> Sequence[Zone]:
        """List every zone the credentials show."""

    @abstractmethod
    def find(self, zone: str, name: str, kind: str) -> RecordSet | None:
        """Read a record set; None where there is none.

        :raises NotFoundError: there is no such zone, code ``zone_not_found``.
        """

    @abstractmethod
    def create(self, zone: str, record: RecordSet) -> None:
        """Make a record set.

        :raises ConflictError: there is one of this name and type.
        """

    @abstractmethod
    def replace(self, zone: str, record: RecordSet) -> None:
        """Replace a record set whole.

        :raises NotFoundError: it is gone.
        """

    @abstractmethod
    def remove(self, zone: str, name: str, kind: str) -> None:
        """Take a record set away.

        :raises NotFoundError: it is gone.
        """
