# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host names that are active in properties, as Property Manager lists them; set by a test, changed by nobody.

Source of the shape: Akamai's Go client and its documentation of get-hostnames. Knows no HTTP.
"""

from __future__ import annotations

import fnmatch
from typing import Any
from urllib.parse import urlencode

from .model import NETWORKS, Wire, WorldConfig
from .problems import invalid

MOST = 999
SORTS = ("hostname:a", "hostname:d")
GROUP = "15225"


def hostnames(config: WorldConfig, query: dict[str, str]) -> Wire:
    """Give one page of the active host names.

    :raises Problem: 400 for a page that cannot be.
    """
    offset, limit = (_number(query, name, value) for name, value in (("offset", 0), ("limit", MOST)))
    if not 1 <= limit <= MOST:
        raise invalid("Bad Request", f"limit must be 1 to {MOST}, not {limit}.")
    sort = query.get("sort", SORTS[0])
    found = [item for number, text in enumerate(config.property_hostnames) if _fits(item := _item(text, number), query)]
    found.sort(key=lambda item: str(item["cnameFrom"]), reverse=sort == SORTS[1])
    end = offset + limit
    page = found[offset:end]
    listed: Wire = {"currentItemCount": len(page), "items": page, "totalItems": len(found)}
    for name, start in (("nextLink", end), ("previousLink", offset - limit)):
        if (name == "nextLink" and start < len(found)) or (name == "previousLink" and offset > 0):
            listed[name] = f"/papi/v1/hostnames?{urlencode({**query, 'offset': max(start, 0), 'limit': limit})}"
    return {
        "accountId": config.account_id,
        "availableSort": list(SORTS),
        "currentSort": sort,
        "defaultSort": SORTS[0],
        "hostnames": listed,
    }


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit():
        raise invalid("Bad Request", f"{name} must be a number, not {text!r}.")
    return int(text)


def _item(text: str, number: int) -> Wire:
    """Read ``HOSTNAME [PROPERTY [NETWORK|both [TYPE]]]``; a network it is not active on has no members."""
    words = text.split()
    given = len(words)
    hostname, name, networks, kind = (words + [words[0], words[0], "both", "CPS_MANAGED"][given:])[:4]
    item: dict[str, Any] = {
        "cnameFrom": hostname.lower(),
        "contractId": "C-0N7RAC7",
        "groupId": GROUP,
        "latestVersion": 1,
        "propertyId": str(170000 + number),
        "propertyName": name,
        "propertyType": "TRADITIONAL",
    }
    for network in NETWORKS if networks == "both" else (networks,):
        item[f"{network}CertType"] = kind
        item[f"{network}CnameTo"] = f"{hostname.lower().replace('*', 'wildcard')}.edgekey.net"
        item[f"{network}CnameType"] = "EDGE_HOSTNAME"
        item[f"{network}EdgeHostnameId"] = str(895000 + number)
    return item


def _fits(item: Wire, query: dict[str, str]) -> bool:
    """Say whether an item passes the filters; ``*`` stands for any text, and nothing else is special."""
    edges = [str(item[f"{network}CnameTo"]) for network in NETWORKS if f"{network}CnameTo" in item]
    network = query.get("network", "").lower()
    tests = (
        _matches([str(item["cnameFrom"])], query.get("hostname")),
        _matches(edges, query.get("cnameTo")),
        not network or f"{network}CnameTo" in item,
        query.get("contractId", str(item["contractId"])).removeprefix("ctr_") == item["contractId"],
        query.get("groupId", str(item["groupId"])).removeprefix("grp_") == item["groupId"],
    )
    return all(tests)


def _matches(texts: list[str], pattern: str | None) -> bool:
    if not pattern:
        return True
    literal = "".join(f"[{char}]" if char in "?[" else char for char in pattern.lower())
    return any(fnmatch.fnmatchcase(text, literal) for text in texts)
