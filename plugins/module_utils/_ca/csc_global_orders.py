# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An order at CSC Global: options, what it may be, and the body it becomes. Pure.

What a request does not say, the account does. :source: ca-connectors §4.9.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core import field_rules
from .base import Order
from .option_table import Option, Table
from .wording import attribute_name, attributes_by_name, listed


@dataclass(frozen=True)
class Product:
    """A certificate type.

    :ivar code: as CSC numbers it; ``label`` its name there.
    :ivar is_wildcard: the common name has to be one; of the others it may not be.
    :ivar has_names: further names may be given.
    """

    code: str
    label: str
    is_wildcard: bool = False
    has_names: bool = False
    is_ev: bool = False


PRODUCTS: Mapping[str, Product] = {
    "premium": Product("0", "Premium"),
    "premium_wildcard": Product("1", "Premium Wildcard", is_wildcard=True),
    "uc": Product("2", "UC", has_names=True),
    "ev": Product("3", "EV", is_ev=True),
    "dv": Product("4", "Domain Validated"),
    "dv_wildcard": Product("5", "Domain Validated Wildcard", is_wildcard=True),
    "dv_uc": Product("6", "Domain Validated UC", has_names=True),
}
EMAIL, CNAME = "EMAIL", "CNAME"
_APPLICANT = {
    "applicant_first_name": "applicantFirstName",
    "applicant_last_name": "applicantLastName",
    "applicant_email": "applicantEmailAddress",
}


def _address(text: str) -> str:
    return field_rules.email_address(text)


OPTIONS: Table = {
    "applicant_first_name": Option("str", "First name of who applies.", required=True),
    "applicant_last_name": Option("str", "Last name of who applies.", required=True),
    "applicant_email": Option("str", "E-mail address of who applies.", required=True, check=_address),
    "certificate_type": Option(
        "str", "Certificate type, where a request names none.", default="", choices=tuple(PRODUCTS)
    ),
    "business_unit": Option("str", "Business unit, where a request names none.", default=""),
    "organization_contact": Option(
        "str", "E-mail address of the contact, where a request names none.", default="", check=_address
    ),
    "phone": Option(
        *("str", "Telephone number, as +49-301234567, where a request has none."),
        default="",
        check=field_rules.dialled_reason,
    ),
    "server_type": Option("str", "Code of the server's software, where a request has none; -1 is any.", default="-1"),
    "dcv_type": Option(
        "str", "How domains are proved, where a request does not say.", default=CNAME, choices=(CNAME, EMAIL)
    ),
    "dcv_emails": Option("list", "Addresses that may agree for their domains, where a request has none."),
    "notification_emails": Option("list", "Addresses that CSC notifies, beside the applicant's."),
    "term_months": Option("int", "Months that an order runs.", default=12, least=1, most=36),
    "renewal_window_days": Option(
        *("int", "Days before the end of an order from which on it is renewed, which is paid for."),
        default=30,
        least=1,
        most=180,
    ),
    "ev_business_category": Option("str", "Business category, for EV certificates.", default=""),
    "ev_date_of_incorporation": Option("str", "Date of incorporation, for EV certificates.", default=""),
    "ev_doing_business_as": Option("str", "Name under which business is done, for EV certificates.", default=""),
}
_REQUEST = {
    "certificate_type": "Certificate type.",
    "business_unit": "Business unit that asks for it.",
    "organization_contact": "E-mail address of the contact, known to CSC.",
    "phone": "Telephone number of the contact, as +49-301234567.",
    "server_type": "Code of the server's software; -1 is any.",
    "dcv_type": "How control of the domains is proved.",
    "dcv_emails": "Addresses that may agree for their domains, with dcv_type EMAIL.",
}
_MAY_LACK = ("server_type", "dcv_type", "dcv_emails")


def request_options(account: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the options of a request; those that the account has need not be given."""
    return {
        name: {
            "required": name not in _MAY_LACK and not account.get(name),
            "choices_from": name if name in ("certificate_type", "dcv_type") else "",
            "description": words,
        }
        for name, words in _REQUEST.items()
    }


class Asked:
    """What an order asks for, its own options before the account's."""

    def __init__(self, account: Mapping[str, Any], order: Order) -> None:
        self._account, self.order = account, order

    def value(self, name: str) -> Any:
        """Give an option."""
        own = self.order.options.get(name)
        return own if own not in (None, "") else self._account.get(name)

    @property
    def product(self) -> Product | None:
        """Give the certificate type, by our word or CSC's number; None for none, or one that is not there."""
        word = str(self.value("certificate_type") or "")
        return PRODUCTS.get(word) or next((one for one in PRODUCTS.values() if one.code == word), None)

    @property
    def names(self) -> list[str]:
        """Give the names beside the common name."""
        return [name for name in self.order.spec.dns_names if name != self.order.spec.common_name]

    @property
    def is_by_mail(self) -> bool:
        """Say whether domains are proved by e-mail."""
        return str(self.value("dcv_type") or CNAME).upper() == EMAIL

    def approver(self, domain: str) -> str:
        """Give the address that agrees for a domain; empty for none."""
        plain = domain.lower().removeprefix("*.")
        for address in listed(self.value("dcv_emails")):
            host = address.lower().rpartition("@")[2]
            if plain == host or plain.endswith(f".{host}"):
                return address
        return ""

    # -- problems --------------------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Give what cannot be ordered so, as sentences; what is missing is told elsewhere."""
        found = []
        for name, rule in (("organization_contact", _address), ("phone", field_rules.dialled_reason)):
            own = str(self.order.options.get(name) or "")
            reason = rule(own) if own else ""
            found += [f"{name} {reason}"] if reason else []
        product = self.product
        if product is None:
            return found
        found += self._name_problems(product)
        if self.is_by_mail:
            domains = [self.order.spec.common_name, *(self.names if product.has_names else ())]
            lacking = [domain for domain in domains if not self.approver(domain)]
            if lacking:
                found.append(f"dcv_emails has no address at {', '.join(lacking)}; dcv_type EMAIL wants one for each")
        if product.is_ev:
            found += [
                f"{name} is missing in the subject; EV certificates want it"
                for name in ("country", "state_or_province", "locality")
                if not getattr(self.order.spec, name)
            ]
        return found

    def _name_problems(self, product: Product) -> list[str]:
        name, is_wild = self.order.spec.common_name, self.order.spec.common_name.startswith("*.")
        word = next(key for key, one in PRODUCTS.items() if one is product)
        found = []
        if product.is_wildcard and not is_wild:
            found.append(f"certificate_type {word} wants a wildcard as its common name, and {name} is none")
        if not product.is_wildcard and is_wild:
            fitting = ", ".join(key for key, one in PRODUCTS.items() if one.is_wildcard)
            found.append(f"certificate_type {word} takes no wildcard as its common name; there are {fitting}")
        if self.names and not product.has_names:
            fitting = ", ".join(key for key, one in PRODUCTS.items() if one.has_names)
            found.append(f"certificate_type {word} takes one name, and not {', '.join(self.names)}; use {fitting}")
        return found

    # -- body ------------------------------------------------------------------------------------------------------

    def body(self, product: Product, csr_pem: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """Give the body that orders it.

        :param fields: custom fields by their labels.
        """
        account = self._account
        wanted: dict[str, Any] = {
            # Of the whole text, armour and line ends included.
            "csr": base64.b64encode(csr_pem.encode("ascii")).decode("ascii"),
            "certificateType": product.code,
            "businessUnit": str(self.value("business_unit") or ""),
            "term": str(account["term_months"]),
            "serverSoftware": str(self.value("server_type") or "-1"),
            "organizationContact": str(self.value("organization_contact") or ""),
            "domainControlValidation": self._proof(self.order.spec.common_name),
            "notifications": {
                "enabled": True,
                "additionalNotificationEmails": listed(account.get("notification_emails")),
            },
            "showPrice": True,
            "customFields": [{"name": name, "value": value} for name, value in fields.items()],
            **{wire: str(account[name]) for name, wire in _APPLICANT.items()},
            "applicantPhoneNumber": str(self.value("phone") or "").replace("-", ".", 1),
        }
        if product.has_names:
            wanted["subjectAlternativeNames"] = [
                {"domainName": name, "domainControlValidation": self._proof(name)} for name in self.names
            ]
        if product.is_ev:
            wanted["evCertificateDetails"] = self._business()
        return wanted

    def _proof(self, domain: str) -> dict[str, str]:
        if not self.is_by_mail:
            return {"methodType": CNAME}
        return {"methodType": EMAIL, "emailAddress": self.approver(domain)}

    def _business(self) -> dict[str, str]:
        spec, account = self.order.spec, self._account
        found = {
            "country": spec.country,
            "city": spec.locality,
            "state": spec.state_or_province,
            "dateOfIncorporation": str(account.get("ev_date_of_incorporation") or ""),
            "doingBusinessAs": str(account.get("ev_doing_business_as") or ""),
            "businessCategory": str(account.get("ev_business_category") or ""),
        }
        return {name: text for name, text in found.items() if text}


def custom_fields(
    known: Sequence[Mapping[str, Any]], attributes: Mapping[str, Any]
) -> tuple[dict[str, str], list[str]]:
    """Give the certificate's attributes that are CSC's custom fields, by its labels, and those it wants and has not."""
    ours = attributes_by_name(attributes)
    found: dict[str, str] = {}
    problems = []
    for one in known:
        label = str(one.get("label") or "")
        value = ours.get(attribute_name(label), "")
        if label and value:
            found[label] = value
        elif label and one.get("mandatory"):
            problems.append(f"CSC wants its field {label}; give it among the attributes, as {attribute_name(label)}")
    return found, problems
