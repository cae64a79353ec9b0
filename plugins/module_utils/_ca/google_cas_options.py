# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account at Google's CA Service is made of: options, reasons, names of resources, and what is told of them.

:source: ca-connectors §4.4; the published discovery document of privateca v1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from .._core.clock import from_text
from . import google_token, option_table
from .connection import url_reason
from .option_table import Option
from .rest import Answer, quoted, words_of
from .shapes import part

URL = "https://privateca.googleapis.com"
ENTERPRISE, DEVOPS = "enterprise", "devops"
# Google's own names of what is listed: below which resource, under which word.
KINDS = ("issuer_location", "issuer_name", "certificate_type")
REASONS = {
    "unspecified": "REVOCATION_REASON_UNSPECIFIED",
    "key_compromise": "KEY_COMPROMISE",
    "ca_compromise": "CERTIFICATE_AUTHORITY_COMPROMISE",
    "affiliation_changed": "AFFILIATION_CHANGED",
    "superseded": "SUPERSEDED",
    "cessation_of_operation": "CESSATION_OF_OPERATION",
    "privilege_withdrawn": "PRIVILEGE_WITHDRAWN",
    "aa_compromise": "ATTRIBUTE_AUTHORITY_COMPROMISE",
}
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]|\d+|[a-z0-9.-]+:[a-z0-9-]+")
_ISSUER = re.compile(r"[\w-]{1,63}(?:/[\w-]{1,63})?")
_ID = re.compile(r"[\w-]{1,63}")


def _project_reason(text: str) -> str:
    return "" if _PROJECT.fullmatch(text) else f"is {text!r}; the id or number of a project is wanted"


def _issuer_reason(text: str) -> str:
    return "" if _ISSUER.fullmatch(text) else f"is {text!r}; the id of a pool is wanted, or pool/ca"


def _id_reason(text: str) -> str:
    return "" if _ID.fullmatch(text) else f"is {text!r}; an id is wanted, without what stands before it"


TABLE: option_table.Table = {
    **option_table.NETWORK,
    **google_token.OPTIONS,
    "project": Option("str", "Id of the project.", required=True, check=_project_reason),
    "location": Option("str", "Location of the CAs, where a request names none.", default="", check=_id_reason),
    "issuer": Option("str", "Pool, or pool/ca, where a request names none.", default="", check=_issuer_reason),
    "template": Option("str", "Certificate template, where a request names none.", default="", check=_id_reason),
    "tier": Option(
        "str",
        "Tier of the pools; what one of devops signed cannot be read or revoked later.",
        default=ENTERPRISE,
        choices=(ENTERPRISE, DEVOPS),
    ),
    "url": Option("str", "Address of the API.", default=URL, check=url_reason),
}


@dataclass(frozen=True)
class Place:
    """Where a certificate is signed.

    :ivar ca: within the pool; empty lets the pool choose.
    """

    project: str
    location: str
    pool: str
    ca: str

    @property
    def parent(self) -> str:
        """Give the pool's resource name."""
        return f"projects/{self.project}/locations/{self.location}/caPools/{self.pool}"


def place_of(account: Mapping[str, Any], asked: Mapping[str, Any]) -> Place:
    """Give the place that a request and its account name together."""
    pool, _slash, ca = str(asked.get("issuer_name") or account.get("issuer") or "").partition("/")
    location = str(asked.get("issuer_location") or account.get("location") or "")
    return Place(str(account["project"]), location, pool, ca)


def path_of(name: str) -> str:
    """Give the path of a resource by its name."""
    return "/v1/" + "/".join(quoted(part) for part in name.split("/"))


def certificate_id(intent_id: str) -> str:
    """Give the id that the certificate of an order has at Google, always the same for the same order."""
    return f"clm-{hashlib.sha256(intent_id.encode()).hexdigest()[:40]}"


def request_id(*parts: str) -> str:
    """Give the UUID by which Google knows the same request again."""
    digest = bytearray(hashlib.sha256("\n".join(parts).encode()).digest()[:16])
    # Version 4 and the variant of RFC 9562, for Google takes valid UUIDs only.
    digest[6], digest[8] = digest[6] & 0x0F | 0x40, digest[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(digest)))


def explain(answer: Answer) -> str:
    """Give an error in Google's words."""
    found = answer.value()
    error = found.get("error") if isinstance(found, Mapping) else None
    if not isinstance(error, Mapping):
        return words_of(answer)
    return ": ".join(str(error[name]) for name in ("status", "message") if error.get(name))


def last_of(told: Mapping[str, Any]) -> str:
    """Give the last part of a resource's name."""
    return str(told.get("name") or "").rpartition("/")[2]


def revoked_at(told: Mapping[str, Any]) -> datetime | None:
    """Give when a certificate was revoked; None where that is not told."""
    text = str(part(told, "revocationDetails").get("revocationTime") or "")
    try:
        return from_text(text) if text else None
    except ValueError:
        return None
