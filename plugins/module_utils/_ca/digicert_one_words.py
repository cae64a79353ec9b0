# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of Trust Lifecycle Manager: options, states, reasons, and how its answers are read. Pure.

:source: ca-connectors §4.8; DigiCert's OpenAPI document of the API, version 1.0.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from .._core.clock import from_text
from .._core.errors import InputError
from .._core.vocabulary import REVOCATION_REASONS
from . import option_table
from .answer_base import FAILED, ISSUED, PENDING_APPROVAL, PROCESSING, REJECTED, Revocation
from .base import Order
from .connection import url_reason
from .digicert_one_answers import certificates_of, leaf_first
from .option_table import Option

_BACKDATED = timedelta(days=1)
"""How much earlier than its issue a certificate may begin, and still be the one that was asked for."""
STATES: Mapping[str, str] = {
    **dict.fromkeys(("issued", "revoked", "suspended", "redeemed"), ISSUED),
    **dict.fromkeys(("pending", "pending_second_approval"), PENDING_APPROVAL),
    **dict.fromkeys(("created", "in_progress", "approved"), PROCESSING),
    **{"rejected": REJECTED, "locked": FAILED, "expired": FAILED},
}
"""Of an order that is picked up; a certificate that it holds is there, whatever became of it since."""
REASONS = REVOCATION_REASONS
TABLE: option_table.Table = {
    **option_table.NETWORK,
    **option_table.CLIENT_CERTIFICATE,
    "url": Option(
        "str",
        "Address of DigiCert ONE; with a client certificate that of its own host, as https://clientauth.one.digicert.com.",
        default="https://one.digicert.com",
        check=url_reason,
    ),
    "api_key": Option("str", "Token of a service user, where no client certificate is used.", secret=True),
    "certificate_profile": Option("str", "Profile, by name or id, where a request names none.", default=""),
    "allow_seat_id": Option("bool", "Whether a request may name its seat.", default=True),
    "seat_id": Option(
        "str",
        "Seat of all certificates whose request names none; usually each has one of its own.",
        default="",
        most=255,
    ),
    "trust": Option(
        "str",
        "Who trusts the account's certificates: browsers, or those given the root.",
        default="private",
        choices=("public", "private"),
    ),
    "delivery_format": Option(
        "str", "Format that certificates are asked for in.", default="x509", choices=("x509", "PKCS7")
    ),
    "tags": Option("list", "Tags that certificates bear in DigiCert ONE."),
}


def bare(csr_pem: str) -> str:
    """Give a CSR as base64 of DER, as a renewal wants it."""
    return "".join(line for line in csr_pem.split("\n") if line and not line.startswith("-----"))


def is_of(told: Mapping[str, Any], csr_pem: str, order: Order | None) -> bool:
    """Say whether a certificate is of a CSR's key, and was not there long before an order."""
    from .._pki.x509 import certificate_facts, csr_facts

    try:
        facts = certificate_facts(leaf_first(certificates_of(str(told.get("certificate") or "")))[0])
    except InputError:
        return False
    is_new = order is None or facts.not_before >= order.at - _BACKDATED
    return is_new and facts.key.spki_sha256 == csr_facts(csr_pem).key.spki_sha256


def revoked(told: Mapping[str, Any]) -> Revocation:
    at = (told.get("revocation") or {}).get("revocation_date")
    try:
        return Revocation(at=from_text(str(at)) if at else None)
    except ValueError:
        return Revocation()
