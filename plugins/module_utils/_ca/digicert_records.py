# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders as CertCentral tells of them: looked up, searched for, read, and their certificates fetched.

An order holds its first certificate and the reissues of it; which of them is meant is said by the CSR, and the time.
:source: ca-connectors §4.7; DigiCert's pages on the CertCentral Services API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .._core.clock import from_text
from .._core.errors import RemoteError
from .base import Order
from .digicert_words import csr_digest, moment
from .rest import Rest, quoted
from .shapes import part, rows

_SLACK = timedelta(minutes=10)
"""How far two clocks may be apart before an order counts as older than it is."""
_MOST_LOOKED_AT = 20
_PAGE = 100


@dataclass(frozen=True)
class Seen:
    """One certificate of an order, asked for or issued.

    :ivar info: the order; ``status`` the vendor's word, ``certificate_id`` empty before there is one.
    """

    info: Mapping[str, Any]
    status: str
    certificate_id: str
    is_reissue: bool = False


def is_since(text: object, since: datetime) -> bool:
    """Say whether something was made at a time or later; what bears no time counts as such."""
    at = moment(text)
    return at is None or at >= since - _SLACK


def is_of_intent(info: Mapping[str, Any], order: Order, digest: str, is_referenced: bool) -> bool | None:
    """Say whether an order is the one of an intent: by our reference, or by its CSR and time; None for nobody can tell.

    :param digest: of the CSR; ``is_referenced`` says that the order was found by our reference.
    """
    told = csr_digest(part(info, "certificate").get("csr"))
    reference = str(info.get("alternative_order_id") or "")
    if is_referenced or reference == order.intent_id:
        return True if told in ("", digest) else None
    if reference or not is_since(info.get("date_created"), order.at):
        return False
    return told == digest if told else None


class Records:
    """Questions about orders; nothing here changes any.

    :param rest: gives the calls.
    """

    def __init__(self, rest: Callable[[], Rest]) -> None:
        self._rest = rest

    def info(self, order_id: str) -> Mapping[str, Any]:
        """Give an order."""
        return self._rest().mapping("ask for an order", "GET", f"/order/certificate/{quoted(order_id)}")

    def reissues(self, order_id: str) -> list[Mapping[str, Any]]:
        """Give the reissues of an order, the newest first."""
        path = f"/order/certificate/{quoted(order_id)}/reissue"
        try:
            found = self._rest().mapping("list the reissues of an order", "GET", path)
        except RemoteError as exc:
            # An order that was never reissued.
            if exc.status != 404:
                raise
            return []
        return sorted(rows(found, "certificates"), key=lambda one: str(one.get("date_created") or ""), reverse=True)

    def request(self, request_id: object) -> Mapping[str, Any]:
        """Give a request that waits, or waited, for an approver."""
        return self._rest().mapping("ask for a request", "GET", f"/request/{quoted(str(request_id))}")

    def download(self, certificate_id: str) -> str:
        """Give a certificate with its chain and root, as PEM; the default there is a ZIP archive."""
        path = f"/certificate/{quoted(certificate_id)}/download/format/pem_all"
        rest = self._rest()
        return rest.checked("fetch a certificate", rest.call("GET", path, headers={"Accept": "*/*"})).text()

    def with_reference(self, reference: str) -> list[str]:
        """Give the ids of the orders that bear our own reference."""
        path = f"/order/alternate/{quoted(reference)}"
        try:
            found = self._rest().mapping("look for an order by its reference", "GET", path)
        except RemoteError as exc:
            if exc.status != 404:
                raise
            return []
        return [str(one["order_id"]) for one in rows(found, "orders", "order_id")]

    def named(self, common_name: str, since: datetime) -> list[str] | None:
        """Give the ids of the orders for a name that were placed since a time; None when they are too many to look at.

        For orders whose reference was not kept.
        """
        query = (("filters[common_name]", common_name), ("sort", "-date_created"), ("limit", str(_PAGE)))
        found = self._rest().mapping("list the orders for a name", "GET", "/order/certificate", query=query)
        told = [one for one in rows(found, "orders", "id") if is_since(one.get("date_created"), since)]
        return None if len(told) > _MOST_LOOKED_AT else [str(one["id"]) for one in told]

    def of_csr(self, handle: Mapping[str, Any], info: Mapping[str, Any] | None = None) -> Seen | None:
        """Give the certificate that a handle stands for, by its CSR; None where the order has none of it.

        :param info: the order, where it is known.
        """
        order_id = str(handle["order_id"])
        told = self.info(order_id) if info is None else info
        digest, since = str(handle.get("csr_sha256") or ""), str(handle.get("since") or "")
        first = part(told, "certificate")
        own = csr_digest(first.get("csr"))
        if not handle.get("is_reissue") and (not digest or own in ("", digest)):
            return Seen(told, str(told.get("status") or ""), str(first.get("id") or ""))
        # A reissue may have become the order's first certificate; with slack, the one before would be taken for it.
        at = moment(first.get("date_created"))
        if own == digest and since and at is not None and at >= from_text(since):
            return Seen(told, str(told.get("status") or ""), str(first.get("id") or ""), is_reissue=True)
        for one in self.reissues(order_id):
            is_new = not since or is_since(one.get("date_created"), from_text(since))
            if csr_digest(one.get("csr")) == digest and is_new:
                return Seen(told, str(one.get("status") or ""), str(one.get("id") or ""), is_reissue=True)
        asked = self.requested(told, digest, since)
        if asked is None:
            return None
        status = str(asked.get("status") or "")
        word = {"pending": "needs_approval", "submitted": "needs_approval", "approved": "pending"}
        return Seen(told, word.get(status, status), "", is_reissue=True)

    def requested(self, info: Mapping[str, Any], digest: str, since: str) -> Mapping[str, Any] | None:
        """Give the newest request of an order for a reissue of a CSR: one that waits for an approver, or was decided.

        :param since: the time from which on it was asked for; empty for any.
        """
        asked = [one for one in rows(info, "requests", "id") if "reissue" in str(one.get("type") or "")]
        for one in sorted(asked, key=lambda entry: int(entry["id"]), reverse=True):
            if since and not is_since(one.get("date"), from_text(since)):
                continue
            detail = self.request(one["id"])
            if csr_digest(part(part(detail, "order"), "certificate").get("csr")) == digest:
                return one
        return None
