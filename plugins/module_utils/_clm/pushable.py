# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a certificate can go to Akamai CPS at all: where CPS made its key alone (E6-E9). Reads in a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core import csr_sources
from .._core.errors import PolicyError

if TYPE_CHECKING:
    from .._core.types import Certificate
    from .._store.base import Unit


def refuse(unit: Unit, certificate: Certificate, what: str) -> None:
    """Refuse what is for Akamai alone; what was found at a device is there already.

    :param what: the sentence's beginning, as "Cannot push www.example.com".
    :raises PolicyError: the key was made elsewhere, code ``key_elsewhere``.
    """
    request = unit.requests.get(certificate.request_id) if certificate.request_id else None
    why = csr_sources.unpushable(request.csr_source) if request is not None else ""
    if request is not None and why:
        details = {"csr_source": request.csr_source}
        raise PolicyError(f"{what}: {why}", code="key_elsewhere", details=details)
