# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CertCentral's words: options, states, reasons, and what an order is written as. Pure; nothing is asked here.

:source: ca-connectors §4.7; DigiCert's pages on the CertCentral Services API, version 2.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .._core.clock import from_text, to_text
from .._core.vocabulary import SUBSCRIBER_REASONS
from . import option_table
from .answer_base import CANCELLED, ISSUED, PENDING_APPROVAL, PROCESSING, REJECTED, REVOKED, Action, read_state
from .base import Choice, Order
from .connection import url_reason
from .option_table import Option
from .shapes import part
from .wording import listed

STATES: Mapping[str, str] = {
    "issued": ISSUED,
    # It was issued, and its time is over.
    "expired": ISSUED,
    "needs_approval": PENDING_APPROVAL,
    **dict.fromkeys(("approved", "pending", "processing", "waiting_pickup", "reissue_pending"), PROCESSING),
    **dict.fromkeys(("rejected", "denied"), REJECTED),
    **dict.fromkeys(("canceled", "cancelled"), CANCELLED),
    "revoked": REVOKED,
}
# Those a subscriber may give, CA/B baseline requirements §4.9.1.1; that CertCentral takes no other is our reading.
REASONS = SUBSCRIBER_REASONS
FIXED_CHOICES: Mapping[str, tuple[Choice, ...]] = {
    "payment_method": (
        Choice("balance", "Bill to account balance"),
        Choice("profile", "Bill to default credit card"),
        Choice("wire_transfer", "Wire transfer"),
    ),
    "dcv_type": (
        Choice("email", "E-mail"),
        Choice("dns-txt-token", "DNS TXT record"),
        Choice("dns-cname-token", "DNS CNAME record"),
        Choice("http-token", "File on the web server"),
    ),
}
_KINDS = {"dns-txt-token": "txt", "dns-cname-token": "cname", "http-token": "http-01", "email": "email"}
_HTTP_PATH = "/.well-known/pki-validation/fileauth.txt"
MAX_ORDER_YEARS = 3
_RENEWED_BEFORE = timedelta(days=90)
_RENEWED_AFTER = timedelta(days=30)
"""How long after its end an order is named as renewed; our reading: nothing of it is left to be had."""


def _values(kind: str) -> tuple[str, ...]:
    return tuple(choice.value for choice in FIXED_CHOICES[kind])


TABLE: option_table.Table = {
    **option_table.NETWORK,
    "url": Option(
        "str",
        "Address of the API; that of Europe is https://certcentral.digicert.eu/services/v2.",
        default="https://www.digicert.com/services/v2",
        check=url_reason,
    ),
    "api_key": Option("str", "Key of the API.", secret=True, required=True),
    "trust": Option(
        "str",
        "Who trusts the account's products: browsers, or those given the root.",
        default="public",
        choices=("public", "private"),
    ),
    "certificate_type": Option("str", "Product that is ordered, where a request names none.", default=""),
    "division": Option("str", "Division, by name or id, where a request names none.", default=""),
    "organization_id": Option("str", "Organization, by name or id, where a request names none.", default=""),
    "server_type": Option("str", "Server platform, by name or id, where a request names none.", default=""),
    "payment_method": Option(
        "str",
        "What orders are charged to, where a request says nothing; usually as the account at the CA says.",
        default="",
        choices=_values("payment_method"),
    ),
    "dcv_type": Option(
        "str",
        "How control of domains is proved, where a request says nothing.",
        default="",
        choices=_values("dcv_type"),
    ),
    "additional_emails": Option("list", "Addresses that are told of renewals, where a request names none."),
    "renewal_message": Option("str", "Message with renewal notices, where a request has none.", default=""),
    "order_years": Option(
        "int",
        "Years that an order lasts, with several certificates in it; 0 for as long as its certificate.",
        default=0,
        least=0,
        most=MAX_ORDER_YEARS,
    ),
    "ca_cert_id": Option("str", "Id of the issuing CA, for products that let choose.", default=""),
    "skip_approval": Option(
        "bool", "Whether orders pass by the approvers at the CA; the key's user has to be one of them.", default=False
    ),
    "skip_revocation_approval": Option("bool", "Whether revocations pass by the approvers at the CA.", default=False),
}
LISTS = ("certificate_type", "division", "organization_id", "server_type", *FIXED_CHOICES)
_FREE = {
    "additional_emails": "Addresses that are told of renewals, reissues and duplicates.",
    "renewal_message": "Message sent with renewal notices.",
    "notes": "Note sent with the order, for its approver.",
    "order_years": "Years that the order lasts, with several certificates in it.",
}


def request_options(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Describe the options of a request to this account."""
    named = {
        name: {"required": False, "choices_from": name, "description": TABLE[name].description.partition(",")[0] + "."}
        for name in LISTS
    }
    named["certificate_type"]["required"] = not options.get("certificate_type")
    free = {name: {"required": False, "choices_from": "", "description": text} for name, text in _FREE.items()}
    return {**named, **free}


def wanted(options: Mapping[str, Any], order: Order) -> dict[str, Any]:
    """Give what holds for an order: its own options, and the account's where it has none."""
    own = {name: value for name, value in order.options.items() if value not in (None, "", [])}
    names = (*LISTS, *_FREE)
    return {name: own.get(name, options.get(name)) for name in names}


def order_years(value: Any) -> int | None:
    """Read the years of an order; None for what is no such number."""
    text = str(value or 0).strip()
    return int(text) if text.isascii() and text.isdigit() and int(text) <= MAX_ORDER_YEARS else None


@dataclass(frozen=True)
class Ids:
    """What names in an order stand for at CertCentral; None where there is none.

    :ivar fields: attributes that are custom fields there: id and value.
    """

    division: int | None = None
    organization: int | None = None
    platform: int | None = None
    fields: tuple[tuple[int, str], ...] = ()


def certificate_body(order: Order, csr_pem: str, ids: Ids, account: Mapping[str, Any], *, days: bool) -> dict[str, Any]:
    """Write what is asked for of the certificate itself; nothing is read out of the CSR there.

    :param days: the lifetime of the certificate is said apart from that of the order.
    """
    spec = order.spec
    names = [name for name in (*spec.dns_names, *spec.ip_addresses) if name != spec.common_name]
    body: dict[str, Any] = {
        "common_name": spec.common_name,
        "dns_names": names,
        "csr": csr_pem,
        "signature_hash": spec.hash_name,
    }
    if ids.platform is not None:
        body["server_platform"] = {"id": ids.platform}
    if account.get("ca_cert_id"):
        body["ca_cert_id"] = account["ca_cert_id"]
    # Public trust has no room for it, and refuses orders that name one.
    if account.get("trust") == "private" and spec.organizational_unit:
        body["organization_units"] = [spec.organizational_unit]
    if days:
        body["cert_validity"] = {"days": order.validity_days}
    return body


def order_body(
    order: Order, csr_pem: str, ids: Ids, account: Mapping[str, Any], renewal_of: str = ""
) -> dict[str, Any]:
    """Write an order.

    :param renewal_of: id of the order that it renews; empty for none.
    """
    asked = wanted(account, order)
    years = order_years(asked["order_years"]) or 0
    body: dict[str, Any] = {
        "certificate": certificate_body(order, csr_pem, ids, account, days=bool(years)),
        "order_validity": {"years": years} if years else {"days": order.validity_days},
        "skip_approval": bool(account.get("skip_approval")),
        "alternative_order_id": order.intent_id,
    }
    told = {
        "organization": {"id": ids.organization} if ids.organization is not None else None,
        "container": {"id": ids.division} if ids.division is not None else None,
        "payment_method": asked["payment_method"],
        "dcv_method": asked["dcv_type"],
        "additional_emails": listed(asked["additional_emails"]),
        "custom_renewal_message": asked["renewal_message"],
        "comments": asked["notes"],
        "custom_fields": [{"metadata_id": number, "value": value} for number, value in ids.fields],
        "renewal_of_order_id": int(renewal_of) if renewal_of else None,
    }
    return {**body, **{name: value for name, value in told.items() if value}}


def reissue_body(order: Order, csr_pem: str, ids: Ids, account: Mapping[str, Any]) -> dict[str, Any]:
    """Write a reissue; the order's own division, payment and organization stay."""
    asked = wanted(account, order)
    told = {"dcv_method": asked["dcv_type"], "comments": asked["notes"]}
    return {
        "certificate": certificate_body(order, csr_pem, ids, account, days=True),
        "skip_approval": bool(account.get("skip_approval")),
        **{name: value for name, value in told.items() if value},
    }


def handle_of(order: Order, csr_pem: str) -> dict[str, Any]:
    """Begin the handle of an order: what tells its certificate from others in the same order at CertCentral."""
    return {"csr_sha256": csr_digest(csr_pem), "since": to_text(order.at)}


def actions_of(info: Mapping[str, Any], value: str) -> tuple[Action, ...]:
    """Give what proves control of the domains of an order, as far as it is known.

    :param info: the order, with a way to prove control in it.
    """
    told = part(info, "certificate")
    names = [str(name) for name in (told.get("common_name"), *(told.get("dns_names") or ())) if name]
    return actions(str(info["dcv_method"]), value, names)


def wants_token(method: object) -> bool:
    """Say whether control is proved by a random value that CertCentral gives when asked; not of a way unknown here."""
    return _KINDS.get(str(method), "email") != "email"


def actions(method: str, value: str, names: Sequence[str]) -> tuple[Action, ...]:
    """Give what proves control of the names of an order, each once.

    :param value: the order's random value; empty where none is known, and then a token cannot be told.
    """
    kind = _KINDS.get(method, "")
    if not kind or (kind != "email" and not value):
        return ()
    domains = dict.fromkeys(name.removeprefix("*.") for name in names)
    return tuple(_action(kind, domain, value) for domain in domains)


def _action(kind: str, domain: str, value: str) -> Action:
    if kind == "email":
        return Action("email", domain, who="the addresses of the domain that CertCentral wrote to")
    if kind == "http-01":
        return Action(kind, domain, _HTTP_PATH, value, url=f"http://{domain}{_HTTP_PATH}")
    if kind == "cname":
        return Action(kind, domain, f"_dnsauth.{domain}", f"{value}.dcv.digicert.com")
    return Action(kind, domain, domain, value)


def csr_digest(csr_pem: object) -> str:
    """Give the SHA-256 of a CSR, whatever its line breaks; empty where there is none."""
    text = "".join(line for line in str(csr_pem or "").split() if line)
    inner = text.replace("-----BEGINCERTIFICATEREQUEST-----", "").replace("-----ENDCERTIFICATEREQUEST-----", "")
    inner = inner.replace("-----BEGINNEWCERTIFICATEREQUEST-----", "").replace("-----ENDNEWCERTIFICATEREQUEST-----", "")
    try:
        der = base64.b64decode(inner, validate=True)
    except ValueError:
        return ""
    return hashlib.sha256(der).hexdigest() if der else ""


def moment(text: object) -> datetime | None:
    """Read a time of CertCentral, UTC; None for what is none."""
    try:
        return from_text(str(text or ""))
    except ValueError:
        return None


def end_of(info: Mapping[str, Any]) -> datetime | None:
    """Give when an order ends; None where that is not told."""
    return moment(info.get("order_valid_till") or part(info, "certificate").get("valid_till"))


def lasts(info: Mapping[str, Any], at: datetime, days: int) -> bool:
    """Say whether an order can be reissued, and lasts some days from a time on."""
    state, ends = read_state(STATES, info.get("status")), end_of(info)
    if state.raw == "expired" or state.state != ISSUED or ends is None:
        return False
    # Days count whole, as the end is told as a date.
    return ends.date() >= (at + timedelta(days=days)).date()


def is_renewable(info: Mapping[str, Any], at: datetime) -> bool:
    """Say whether an order may be named as renewed: issued, and near its end, or just after it."""
    ends = end_of(info)
    if read_state(STATES, info.get("status")).state != ISSUED or ends is None:
        return False
    return ends.date() - _RENEWED_BEFORE <= at.date() <= ends.date() + _RENEWED_AFTER


def ends_later(info: Mapping[str, Any], handle: Mapping[str, Any]) -> bool:
    """Say whether an order ends later than a certificate in it; a day is nothing, and what is not known is so."""
    ends, before = end_of(info), moment(handle.get("ends"))
    return ends is None or before is None or ends.date() > before.date() + timedelta(days=1)
