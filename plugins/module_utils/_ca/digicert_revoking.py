# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How certificates of CertCentral are revoked, and orders taken back: requests, which an approver may have to pass.

:source: ca-connectors §4.7; DigiCert's pages on the CertCentral Services API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._core.errors import InputError, RemoteError
from .answer_base import PENDING_APPROVAL, REVOCATION_PENDING, REVOKED, Handle, Revocation
from .digicert_records import Records
from .rest import Rest, quoted
from .shapes import part, rows

_OPEN = ("pending", "submitted")
_NOT_THE_ORDER = ("revoke", "reissue", "duplicate")
_NOTE = "taken back by the one who ordered it"


class Revoking:
    """The requests of one account.

    :param rest: gives the calls; ``account`` its options.
    """

    def __init__(self, rest: Callable[[], Rest], records: Records, account: Mapping[str, Any]) -> None:
        self._rest, self._records, self._account = rest, records, account

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke a certificate; CertCentral tells no time of it.

        :raises InputError: the handle is of no certificate.
        """
        certificate_id = str(handle.get("certificate_id") or "")
        if not certificate_id:
            raise InputError(f"order {handle.get('order_id')} has no certificate to revoke", code="cannot_revoke")
        before = self._told(handle)
        if before is not None and before.state in (REVOKED, REVOCATION_PENDING):
            return before
        body: dict[str, Any] = {
            "revocation_reason": reason,
            "skip_approval": bool(self._account.get("skip_revocation_approval")),
        }
        if comment:
            body["comments"] = comment
        try:
            path = f"/certificate/{quoted(certificate_id)}/revoke"
            answer = self._rest().ask("revoke a certificate", "PUT", path, body=body)
        except RemoteError as exc:
            if exc.status not in (400, 404, 409, 422):
                raise
            # Revoked before, or by another's hand meanwhile: then that is what was wanted.
            after = self._told(handle)
            if after is not None and after.state in (REVOKED, REVOCATION_PENDING):
                return after
            if "already" in exc.message and "revoked" in exc.message:
                return Revocation()
            raise
        return _read(answer) if isinstance(answer, Mapping) else Revocation()

    def state(self, handle: Handle) -> Revocation:
        """Ask what became of a revocation.

        :raises RemoteError: it was refused; it may be asked for once more.
        :raises InputError: there is none.
        """
        found = self._told(handle)
        if found is None:
            raise InputError(
                f"order {handle.get('order_id')} has no request to revoke its certificate", code="cannot_revoke"
            )
        if found.state not in (REVOKED, REVOCATION_PENDING):
            raise RemoteError(
                f"Cannot revoke the certificate of order {handle.get('order_id')}: an approver at CertCentral refused "
                "it; ask for it once more",
                code="revocation_refused",
            )
        return found

    def _told(self, handle: Handle) -> Revocation | None:
        """Give what CertCentral says of a revocation; None for none, a state of its own for one that was refused."""
        info = self._records.info(str(handle["order_id"]))
        certificate_id = str(handle.get("certificate_id") or "")
        first = part(info, "certificate")
        if info.get("status") == "revoked" or _is_revoked(first, certificate_id):
            return Revocation()
        if handle.get("is_reissue") and any(
            _is_revoked(one, certificate_id) for one in self._records.reissues(str(handle["order_id"]))
        ):
            return Revocation()
        asked = [one for one in rows(info, "requests", "id") if str(one.get("type") or "").startswith("revoke")]
        for one in sorted(asked, key=lambda entry: int(entry["id"]), reverse=True):
            detail = self._records.request(one["id"])
            about = part(part(detail, "order"), "certificate").get("id")
            # A request that names no certificate is about the whole order.
            if about is None or str(about) == certificate_id:
                return _read(detail)
        return None

    def take_back(self, handle: Handle, state: str) -> None:
        """Take back what is not signed yet; what the order is then is asked for by the caller.

        :param state: of the order, in our words.
        :raises InputError: it is a reissue that is being validated, whose order would go with it.
        """
        order_id = str(handle["order_id"])
        if state == PENDING_APPROVAL or handle.get("is_reissue"):
            self._reject_open(handle, order_id)
            return
        path = f"/order/certificate/{quoted(order_id)}/status"
        answer = self._rest().call("PUT", path, body={"status": "CANCELED", "note": _NOTE})
        # A 4xx says that it has ended meanwhile, or cannot be; the order itself says which.
        if not answer.is_success and answer.status not in (400, 404, 409, 422):
            self._rest().checked("cancel an order", answer)

    def _reject_open(self, handle: Handle, order_id: str) -> None:
        found = self._open(handle, self._records.info(order_id))
        if found is None:
            raise InputError(
                f"order {order_id} has no request that an approver could reject; take the reissue back in CertCentral"
                if handle.get("is_reissue")
                else f"order {order_id} has no request that could be rejected",
                code="cannot_cancel",
            )
        body = {"status": "rejected", "processor_comment": _NOTE}
        self._rest().ask("reject a request", "PUT", f"/request/{found['id']}/status", body=body)

    def _open(self, handle: Handle, info: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Give the request that a handle stands for, where it waits; those of others in the order are left alone."""
        if handle.get("is_reissue"):
            digest, since = str(handle.get("csr_sha256") or ""), str(handle.get("since") or "")
            found = self._records.requested(info, digest, since) if digest else None
            return found if found is not None and found.get("status") in _OPEN else None
        told = [one for one in rows(info, "requests", "id") if one.get("status") in _OPEN]
        own = [one for one in told if not str(one.get("type") or "").startswith(_NOT_THE_ORDER)]
        return max(own, key=lambda one: int(one["id"]), default=None)


def _is_revoked(told: Mapping[str, Any], certificate_id: str) -> bool:
    return str(told.get("id") or "") == certificate_id and told.get("status") == "revoked"


def _read(request: Mapping[str, Any]) -> Revocation:
    """Read a request to revoke; one that was refused has the vendor's word for its state."""
    status = str(request.get("status") or "")
    if status in _OPEN:
        return Revocation(
            REVOCATION_PENDING, message=f"request {request.get('id')} waits for an approver at CertCentral"
        )
    return Revocation() if status == "approved" else Revocation(status or "unknown")
