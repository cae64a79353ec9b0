# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates as IDnomic's connectors give and name them: with and without armour, issuers in two orders.

And what the rows of a search say of themselves; the names of their ids and subjects are our reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from .._core.types import Bundle
from .answer_base import Issued

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

_IDS, _SUBJECTS = ("request_id", "requestid", "id"), ("dn", "subject", "subjectdn", "subject_dn")
_COMMON_NAME = re.compile(r"(?:^|[,/+])\s*CN\s*=\s*((?:\\.|[^,/+\\])*)", re.IGNORECASE)


def number_of(row: Mapping[str, Any]) -> str:
    """Give the id of a row's request; empty where rows have none."""
    return next((str(row[name]) for name in _IDS if row.get(name)), "")


def told_name(row: Mapping[str, Any]) -> str | None:
    """Give the common name of a row's subject, empty where it has none; None where the row tells no subject."""
    told = next((str(text) for name, text in row.items() if name.lower() in _SUBJECTS and text), "")
    if not told:
        return None
    found = _COMMON_NAME.search(told)
    return re.sub(r"\\(.)", r"\1", found.group(1)).strip() if found else ""


def is_named(told: str | None, wanted: str) -> bool:
    """Say whether a common name is the wanted one, upper or lower case; one that is not told may be."""
    return told is None or told.lower() == wanted.lower()


def armoured(text: str) -> str:
    """Give PEM of PEM, of PEM that lost a line of its armour, and of base64."""
    inner = text.strip().removeprefix(_BEGIN).removesuffix(_END).strip()
    return f"{_BEGIN}\n{inner}\n{_END}\n" if inner else ""


def looks_like_one(text: str) -> bool:
    """Say whether a text is meant to be a certificate, PEM or base64 of DER."""
    return _BEGIN in text or text.strip().startswith("MII")


def issued(leaf: str, above: Iterable[str], at: datetime, more: Mapping[str, Any]) -> Issued:
    """Build the answer, with what names the certificate at the CA in its handle.

    :param leaf: PEM, as all of ``above``.
    :raises InputError: one of them cannot be read.
    """
    from .._pki.chain import order_chain
    from .._pki.x509 import certificate_facts

    chain = order_chain(leaf, [one for one in above if one], at=at).bundle
    facts = certificate_facts(leaf)
    handle = {**more, "serial": plain_serial(facts.serial), "key": facts.key.spki_sha256}
    return Issued(Bundle(chain.leaf, chain.chain, chain.root), handle)


def plain_serial(text: str) -> str:
    """Write a serial number as the connectors do: lower-case hex without leading zeros."""
    return text.replace(":", "").replace("-", "").strip().lower().lstrip("0") or "0"


def issuer_of(leaf: str, *, as_encoded: bool) -> str:
    """Give the issuer's name.

    :param as_encoded: in the order of the certificate, which IDCA wants; otherwise the common name first, as the RA.
    """
    from .._pki.x509 import load_certificate

    parts = [part.rfc4514_string() for part in load_certificate(leaf).issuer.rdns]
    return ",".join(parts) if as_encoded else ", ".join(reversed(parts))
