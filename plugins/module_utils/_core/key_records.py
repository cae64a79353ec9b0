# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records about keys: the devices that make them elsewhere, and what is held sealed here. Frozen, as in ``types``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .redact import Secret
from .types import JsonMap

KEY_DEVICE = "key_device"
REFUSED = "refused"
"""Noun and name of the secret that a key device refused last; kept so that it is not tried again and again."""


@dataclass(frozen=True)
class KeyDevice:
    """A device that makes keys and CSRs: a token behind PKCS#11, or an application delivery controller (E8).

    :ivar type: registry name of the kind of device, as ``pkcs11``, ``f5_bigip`` or ``netscaler``.
    :ivar options: not secret, as the module's options name them.
    :ivar secrets: JSON text of the secret options, as the PIN; sealed at rest.
    """

    name: str
    type: str
    options: JsonMap = field(default_factory=dict)
    secrets: Secret | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True)
class HeldSecret:
    """One secret that belongs to another record, as the private key of a request made here (E6, E16).

    :ivar noun: kind of the record it belongs to, as ``request``; ``owner`` is that record's key.
    :ivar name: which of its secrets: ``private_key/RSA``, ``private_key/ECDSA``, ``challenge_password``.
    :ivar value: sealed at rest; a private key as unencrypted PKCS#8 PEM.
    :ivar facts: what may be told of it, as the algorithm and the SHA-256 of the public key (hex).
    """

    noun: str
    owner: str
    name: str
    value: Secret | None = None
    facts: JsonMap = field(default_factory=dict)
    created_at: datetime | None = None
    version: int = 0
