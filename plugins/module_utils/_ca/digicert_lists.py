# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account at CertCentral has to choose from: products, divisions, organizations, servers, custom fields.

Each list is asked for once a run. :source: ca-connectors §4.7; DigiCert's pages on the CertCentral Services API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.errors import AuthError, InputError, RemoteError
from .base import Choice, Order
from .digicert_words import FIXED_CHOICES, LISTS, Ids, wanted
from .rest import Rest, quoted
from .shapes import rows
from .wording import attribute_name, attributes_by_name

_ALL = (("limit", "1000"),)


@dataclass(frozen=True)
class CustomField:
    """One custom field of the account."""

    field_id: int
    label: str
    is_required: bool


class Lists:
    """The lists of one account.

    :param rest: gives the calls; ``account`` its options.
    """

    def __init__(self, name: str, rest: Callable[[], Rest], account: Mapping[str, Any]) -> None:
        self._name, self._rest, self._account = name, rest, account
        self._known: dict[str, Sequence[Mapping[str, Any]]] = {}

    def _ask(self, what: str, path: str, member: str) -> Sequence[Mapping[str, Any]]:
        if path not in self._known:
            query = () if path.startswith("/product") else _ALL
            needed = "name_id" if member == "products" else "id"
            self._known[path] = rows(self._rest().mapping(what, "GET", path, query=query), member, needed)
        return self._known[path]

    def products(self) -> Sequence[Mapping[str, Any]]:
        """Give the products that may be ordered, each with ``name_id``, ``name`` and ``type``."""
        return self._ask("list the products", "/product", "products")

    def choices(self, kind: str, product: str = "") -> Sequence[Choice]:
        """Give a list.

        :param product: name id of the product whose server platforms are asked for; empty for the account's own.
        :raises InputError: there is no such list.
        :raises AuthError: the key may not read it.
        """
        if kind not in LISTS:
            raise InputError(f"CA account {self._name} has no list {kind!r}; there are: {', '.join(LISTS)}")
        if kind in FIXED_CHOICES:
            return FIXED_CHOICES[kind]
        if kind == "certificate_type":
            return [Choice(str(one["name_id"]), str(one.get("name") or "")) for one in self.products()]
        if kind == "division":
            found = self._ask("list the divisions", "/container", "containers")
        elif kind == "organization_id":
            found = self._ask("list the organizations", "/organization", "organizations")
        else:
            found = self._platforms(product)
        active = [one for one in found if one.get("is_active") is not False]
        return [Choice(str(one["id"]), str(one.get("name") or "")) for one in active]

    def _platforms(self, product: str) -> Sequence[Mapping[str, Any]]:
        known = [str(one["name_id"]) for one in self.products()]
        asked = product or str(self._account.get("certificate_type") or "")
        chosen = asked if asked in known else next(iter(known), "")
        if not chosen:
            return ()
        return self._ask("look at a product", f"/product/{quoted(chosen)}", "server_platforms")

    def values(self, kind: str, product: str = "") -> list[str]:
        """Give what names an entry of a list, ids and names; none where the key may not read it."""
        try:
            found = self.choices(kind, product)
        except AuthError:
            return []
        both = kind in ("division", "organization_id", "server_type")
        return [
            value
            for choice in found
            for value in dict.fromkeys((choice.value, choice.label) if both else (choice.value,))
            if value
        ]

    def fields(self) -> list[CustomField]:
        """Give the custom fields that are in use; none where the key may not read them."""
        try:
            found = self._ask("list the custom fields", "/account/metadata", "metadata")
        except AuthError:
            return []
        return [
            CustomField(int(one["id"]), str(one.get("label") or ""), bool(one.get("is_required")))
            for one in found
            if one.get("is_active") is not False
        ]

    def missing_fields(self, attributes: Mapping[str, Any]) -> list[str]:
        """Say which custom fields an order has to have, and has not."""
        given = attributes_by_name(attributes)
        return [
            f"the attribute {attribute_name(one.label)} is missing; CertCentral requires its custom field {one.label!r}"
            for one in self.fields()
            if one.is_required and attribute_name(one.label) not in given
        ]

    def is_domain_validated(self, product: str) -> bool | None:
        """Say whether a product goes without an organization; None where that is not known."""
        try:
            kinds = [str(one.get("type") or "") for one in self.products() if one.get("name_id") == product]
        except AuthError:
            return None
        return kinds[0].startswith("dv_") if kinds else None

    def ids(self, order: Order) -> Ids:
        """Give what the names in an order stand for.

        :raises RemoteError: a name is not in its list.
        """
        asked = wanted(self._account, order)
        product = str(asked["certificate_type"] or "")
        return Ids(
            self._id("division", asked["division"], product),
            self._id("organization_id", asked["organization_id"], product),
            self._id("server_type", asked["server_type"], product),
            tuple(
                (one.field_id, value)
                for one in (self.fields() if order.attributes else ())
                for name, value in attributes_by_name(order.attributes).items()
                if name == attribute_name(one.label)
            ),
        )

    def _id(self, kind: str, given: object, product: str) -> int | None:
        text = "" if given is None else str(given).strip()
        if not text:
            return None
        if text.isascii() and text.removeprefix("-").isdigit():
            return int(text)
        found = self.choices(kind, product)
        for choice in found:
            if choice.label == text:
                return int(choice.value)
        there = ", ".join(f"{choice.label} ({choice.value})" for choice in found) or "none"
        # With a status, as it is the CA's own word, and surely no order was sent.
        raise RemoteError(
            f"{kind} {text!r} is not there in CA account {self._name}; there are {there}",
            status=404,
            code="unknown_choice",
        )
