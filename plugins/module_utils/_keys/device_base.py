# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device that makes keys owes (E8): a token behind PKCS#11, an application delivery controller. No vendor here.

A device is a key provider that is set up once, with options and secrets of its own, and named by requests. Its
``KeyOrder.place`` holds what the request says about the key:

- ``name``: key handler name of an HSM, key reference name of an ADC;
- ``reuse``: True for a new CSR of the key that is there (at a first request: where there is one), False for a new key;
- ``certificate_id``: whose key it is; the requests of one certificate bear the same, so that nobody takes another
  certificate's key, and a renewal finds its own. Where it is left out the common name stands for it.

``KeyOrder.request_id`` says who asks; an order that is begun again after a crash bears the same, so that ``find`` and
``begin`` know what the run before made, and make nothing twice. ``KeyOrder.challenge_password`` goes into the CSR.
``renews`` is empty for a certificate's first request, and says nothing else that a device needs.

The references it answers with hold ``key_device`` (its name), ``keys`` (for each a ``label`` and what else finds it
there) and ``csrs`` (PEM by key algorithm), so that ``collect`` needs no more than the reference. ``left`` is in one
where something that was to be removed may still be there: a sentence each, with what to do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .._core.errors import InputError
from .._core.redact import Secret
from .base import PromptKeyProvider

if TYPE_CHECKING:
    from .._core.clock import Clock
    from .._http.base import Transport, TransportOptions

HSM = "hsm"
ADC = "adc"


class RefusalMemory(Protocol):
    """Remembers, over runs, a PIN or password that a device refused, so that no run after run locks the account."""

    def is_refused(self, secret: Secret) -> bool:
        """Say whether that very secret was refused, and not taken since."""

    def refused(self, secret: Secret) -> None:
        """Remember it."""

    def taken(self) -> None:
        """Forget what is remembered."""


@dataclass(frozen=True)
class DeviceTools:
    """What a kind of device is given of the world.

    :ivar transport: builds an HTTP transport without any authentication of its own; no traffic.
    :ivar memory: gives what is remembered, over runs, of refused secrets of the device of that name; no traffic.
    """

    clock: Clock
    transport: Callable[[TransportOptions], Transport]
    memory: Callable[[str], RefusalMemory]


@dataclass(frozen=True)
class DeviceCheck:
    """One line of a device's test: a sentence about what works or what to do."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class DeviceAbilities:
    """What a device can make, as data.

    :ivar key_types: of ``rsa``, ``ec``, ``ed25519``.
    :ivar key_sizes: RSA sizes in bits; ``curves`` by the names of the option.
    :ivar hashes: of ``sha256``, ``sha384``, ``sha512``.
    :ivar san_types: of ``dns``, ``ip``, ``email``, ``uri``, ``other``, ``directory``.
    :ivar can_challenge: takes a challenge password into its CSRs.
    :ivar can_reuse: makes a new CSR for a key that is there.
    """

    key_types: tuple[str, ...]
    key_sizes: tuple[int, ...]
    curves: tuple[str, ...]
    hashes: tuple[str, ...]
    san_types: tuple[str, ...]
    can_challenge: bool
    can_reuse: bool


class DeviceKeys(PromptKeyProvider):
    """The keys of one device."""

    @abstractmethod
    def abilities(self) -> DeviceAbilities:
        """Give what the device can make; no traffic."""

    @abstractmethod
    def test(self) -> Sequence[DeviceCheck]:
        """Try reachability, login and what making keys needs; makes nothing."""

    def signer(self, label: str) -> AbstractContextManager[Any]:
        """Give a key, in the shape of cryptography's own, to sign with for the time of a block; it stays in the device.

        :raises ClmError: there is no such key, or the device signs CSRs alone.
        """
        raise InputError(f"Cannot sign with key {label}: this kind of key device signs CSRs alone; use a pkcs11 one")


class KeyDeviceType(ABC):
    """A kind of device: makes and reads its records.

    :cvar name: registry name, as ``pkcs11``.
    :cvar kind: ``hsm`` or ``adc``, the request's ``csr_source``.
    """

    name: str
    kind: str

    def __init__(self, tools: DeviceTools) -> None:
        self.tools = tools

    @abstractmethod
    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """Describe the device's options, ``{name: {type, required, secret, default, description}}``."""

    @abstractmethod
    def prepare(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Mapping[str, Any]:
        """Check a device's options and complete them before they are stored; no traffic.

        An empty text clears an option. One whose name ends in ``_env`` names the environment variable that a secret
        comes from in each run, as ``pin_env`` for ``pin``; the glue reads it and hands the secret to ``connect``.

        :param options: what is stored with what the user gave laid over it; ``secrets`` likewise.
        :returns: the options to store.
        :raises InputError: all problems at once.
        """

    @abstractmethod
    def connect(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> DeviceKeys:
        """Build the keys of a stored device; no traffic, and no error for a secret that is missing: using it tells."""
