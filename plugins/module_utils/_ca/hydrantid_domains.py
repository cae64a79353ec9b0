# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains that HydrantID has to see proved before it takes an order: where a policy names a validator.

An order for a name that is not validated is refused there. So the proof comes first, and the order is placed by the
run that finds it done: nothing is paid for, and nothing can be lost, before. :source: ca-connectors §4.12.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .._core.clock import from_text
from .._core.errors import RemoteError
from .answer_base import Action
from .rest import Rest, quoted
from .shapes import part, rows

VALIDATED, PENDING = "VALIDATED", "PENDING"
CODE = "domains_not_validated"


def wanted(names: Iterable[str]) -> list[str]:
    """Give the domains that names stand for, each once."""
    return list(dict.fromkeys(name.lower().removeprefix("*.") for name in names))


def _is_covered(domain: str, proved: Iterable[str]) -> bool:
    return any(domain == one or domain.endswith(f".{one}") for one in proved)


def _is_good(record: Mapping[str, Any], field: str, now: datetime) -> bool:
    """Say whether a date of a record is still to come; one that is missing or cannot be read ends nothing."""
    try:
        return not record.get(field) or from_text(str(record[field])) > now
    except ValueError:
        return True


def _open(records: Sequence[Mapping[str, Any]], domain: str, now: datetime) -> Mapping[str, Any] | None:
    for one in records:
        is_it = str(one.get("domain") or "").lower() == domain and one.get("status") == PENDING
        if is_it and _is_good(one, "codeValidUntil", now):
            return one
    return None


def ensure(rest: Rest, policy: Mapping[str, Any], names: Iterable[str], now: datetime) -> None:
    """Have every domain validated, beginning what was not begun; nothing for a policy without a validator.

    :raises RemoteError: not all are yet; its details say what to publish. The order was not placed.
    """
    validator = str(part(policy, "details").get("validator") or "")
    if not validator:
        return
    found = {"domains": rest.ask("list the domains", "GET", "/domains/")}
    records = [one for one in rows(found, "domains") if one.get("validator") == validator and not one.get("deletedAt")]
    proved = [
        str(one.get("domain") or "").lower()
        for one in records
        if one.get("status") == VALIDATED and _is_good(one, "domainValidUntil", now)
    ]
    waiting = []
    for domain in wanted(names):
        if not _is_covered(domain, proved):
            record = _proved_or_begun(rest, policy, domain, _open(records, domain, now))
            if record.get("status") != VALIDATED:
                waiting.append({**record, "domain": domain})
    if waiting:
        raise _not_yet(waiting)


def _proved_or_begun(
    rest: Rest, policy: Mapping[str, Any], domain: str, record: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """Have HydrantID look at a domain that waits, or begin its validation."""
    if record is not None:
        path = f"/domains/{quoted(str(record['id']))}/validate"
        return {**record, **rest.mapping(f"have {domain} validated", "GET", path)}
    asked = {"domain": domain, "validator": str(policy["details"]["validator"]), "method": "DNS"}
    if policy.get("organizationId"):
        asked["organizationIds"] = str(policy["organizationId"])
    return rest.mapping(f"begin to validate {domain}", "POST", "/domains/", body=asked)


def _told(one: Mapping[str, Any]) -> str:
    how = f" ({one['codeInstructions']})" if one.get("codeInstructions") else ""
    return f"{one['domain']}: publish {one.get('code') or 'the code'}{how}"


def _not_yet(waiting: Sequence[Mapping[str, Any]]) -> RemoteError:
    actions = [Action("txt", str(one["domain"]), str(one["domain"]), str(one.get("code") or "")) for one in waiting]
    told = "; ".join(map(_told, waiting))
    # A conflict with what HydrantID has on record: it takes the order once the names are validated there.
    return RemoteError(
        f"Cannot order the certificate: HydrantID has not validated every domain yet; in the DNS of {told}. Then run "
        "this again; nothing was ordered",
        status=409,
        code=CODE,
        retryable=True,
        details={"actions": [action.shown() for action in actions]},
    )
