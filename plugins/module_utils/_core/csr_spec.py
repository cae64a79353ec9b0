# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a CSR is to say, as one frozen record. Knows neither who makes the key nor how a CSR is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

UPN_OID = "1.3.6.1.4.1.311.20.2.3"
"""The otherName of a user principal name, as ``user@example.com``."""


@dataclass(frozen=True)
class CsrSpec:
    """What a CSR is to say, and the key it is to be made with.

    :ivar dns_names: lower-case, the common name first.
    :ivar other_names: object id and UTF-8 value of each ``otherName``, as a user principal name.
    :ivar directory_names: RFC 4514 text, as ``CN=edge,O=Example,C=DE``.
    :ivar extensions: what the CA's profile asks for; empty for the names alone. ``key_usage`` and
        ``extended_key_usage`` are lists of words or object ids, ``must_staple`` is True or False, ``custom`` is a list
        of ``oid, value, critical``, the value base64 of DER. Keys that are not there ask for nothing.
    :ivar key_type: ``rsa``, ``ec`` or ``ed25519``.
    :ivar dual_stack: an RSA and an ECDSA key and CSR (E10).
    """

    common_name: str
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    other_names: tuple[tuple[str, str], ...] = ()
    directory_names: tuple[str, ...] = ()
    organization: str = ""
    organizational_unit: str = ""
    locality: str = ""
    state_or_province: str = ""
    country: str = ""
    email: str = ""
    key_type: str = "rsa"
    key_size: int | None = None
    curve: str = ""
    hash_name: str = "sha256"
    dual_stack: bool = False
    extensions: Mapping[str, Any] = field(default_factory=dict)
