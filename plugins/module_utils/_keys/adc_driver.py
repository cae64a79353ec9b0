# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a vendor's controller does for the keys that are made on it (E8)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._core.redact import Secret
from .adc_orders import Part
from .base import KeyOrder
from .device_base import DeviceCheck

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from .device_base import DeviceAbilities

NAME_TAKEN = "key_name_taken"
KEY_MISSING = "key_missing"
STANDBY = "device_standby"
NOT_FOUND = "not_found"


@dataclass(frozen=True)
class KeySeen:
    """A key on the device, as far as the device tells.

    :ivar algorithm: ``RSA``, ``ECDSA``, another word for what is made nowhere here, or empty when not told.
    :ivar bits: 0 when not told, as ``curve``, by the option's name, is empty.
    :ivar made_at: None when not told.
    """

    name: str
    algorithm: str = ""
    bits: int = 0
    curve: str = ""
    made_at: datetime | None = None


class Driver(ABC):
    """What a vendor has to do.

    :cvar title: the vendor's product, for sentences; ``longest_name`` of a key or CSR, in characters.
    :ivar label: this device, for messages; ``place`` is where on it the keys are.
    """

    title: str
    longest_name: int
    label: str
    place: str

    @abstractmethod
    def abilities(self) -> DeviceAbilities:
        """Give what it can make."""

    @abstractmethod
    def problems(self, order: KeyOrder) -> list[str]:
        """Give what else of an order it cannot do."""

    @abstractmethod
    def standby(self) -> str:
        """Say, as the end of a sentence, why keys are not to be made on this unit; empty when they may be."""

    @abstractmethod
    def keys(self) -> Sequence[KeySeen]:
        """List the keys in the place, without anything of what they hold."""

    @abstractmethod
    def key(self, name: str) -> KeySeen | None:
        """Look for one key."""

    @abstractmethod
    def has_csr(self, name: str) -> bool:
        """Look for one CSR."""

    @abstractmethod
    def make_key(self, part: Part) -> None:
        """Make a key that is not there."""

    @abstractmethod
    def make_csr(self, name: str, part: Part, order: KeyOrder, challenge: Secret | None) -> None:
        """Make a CSR of that name, which is not there, with the key of a part, which is."""

    @abstractmethod
    def read_csr(self, name: str) -> str:
        """Read a CSR that is there, as PEM.

        :raises RemoteError: it cannot be read.
        """

    @abstractmethod
    def remove_csr(self, name: str) -> None:
        """Remove a CSR of that name; one that is not there is no error."""

    @abstractmethod
    def keep(self) -> None:
        """Have the device keep what was made over a restart; done twice, it does no harm."""

    @abstractmethod
    def dare(self) -> None:
        """Try the password also where an earlier run was refused with it."""

    @abstractmethod
    def checks(self) -> Iterator[DeviceCheck]:
        """Try reachability, login, version, role and rights, one after the other; makes nothing."""

    @abstractmethod
    def leave(self) -> None:
        """End the session; called after each piece of work."""
