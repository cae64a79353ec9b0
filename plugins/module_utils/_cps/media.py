# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versioned media types of CPS, in one place; every name matches exactly or the call maps to no resource.

Knows no paths and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

JSON = "application/json"

VERSIONS: Mapping[str, int] = MappingProxyType(
    {
        "enrollment": 11,
        "enrollments": 11,
        "enrollment-status": 1,
        "change": 2,
        "change-id": 1,
        "csr": 2,
        "certificate-and-trust-chain": 2,
        "acknowledgement": 1,
        "acknowledgement-with-hash": 1,
        "warnings": 1,
        "change-management-info": 5,
        "deployments": 7,
        "deployment-schedule": 1,
        "certificate-history": 2,
        "dv-challenges": 2,
        "dv-history": 1,
        "active-certificates": 2,
    }
)
"""Version of each entity the collection speaks."""


OLDER: Mapping[str, int] = MappingProxyType(
    {
        "enrollment": 10,
        "enrollments": 10,
        "change": 1,
        "change-management-info": 4,
        "deployments": 6,
        "certificate-history": 1,
        "dv-challenges": 1,
        "active-certificates": 1,
    }
)
"""The version before, where what is read here can be read of it, too; a ``csr`` of version 1 is one without its kind.

:source: cps-protocol §2.1.
"""


def media_type(entity: str, version: int | None = None) -> str:
    """Give the Accept or Content-Type of one entity.

    :param entity: a key of ``VERSIONS``.
    :param version: another one than the collection's own.
    """
    return f"application/vnd.akamai.cps.{entity}.v{version or VERSIONS[entity]}+json"


def spoken(entity: str) -> str:
    """Name an entity with the versions of it that are spoken here; empty for plain JSON."""
    if entity not in VERSIONS:
        return ""
    older = f" and v{OLDER[entity]}" if entity in OLDER else ""
    return f"{entity} v{VERSIONS[entity]}{older}"
