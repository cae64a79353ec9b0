# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revoking at EJBCA: at once, or after an approver; asked for again, and done before, are the same.

:source: ca-connectors §4.3; EJBCA's published OpenAPI document.
"""

from __future__ import annotations

from .._core.clock import from_text
from .._core.errors import InputError, RemoteError
from .answer_base import REVOCATION_PENDING, Handle, Revocation
from .ejbca_calls import EjbcaCalls
from .ejbca_wire import REASONS
from .rest import quoted


def revoke(calls: EjbcaCalls, handle: Handle, reason: str) -> Revocation:
    """Revoke a certificate.

    :raises InputError: EJBCA has no such reason.
    """
    word, path = REASONS.get(reason), _path(handle)
    if word is None:
        raise InputError(f"EJBCA has no reason {reason!r}; there are {', '.join(REASONS)}")
    try:
        found = calls.ask("revoke a certificate", "PUT", f"{path}/revoke", query=(("reason", word),))
    except RemoteError as exc:
        # 409: it was revoked before.
        if exc.status != 409:
            raise
        return _revoked(calls, path) or Revocation()
    if not found.get("revoked"):
        return _waiting(handle)
    try:
        return _revoked(calls, path) or Revocation()
    except RemoteError:
        # It is revoked; only when is not known.
        return Revocation()


def revocation(calls: EjbcaCalls, handle: Handle) -> Revocation:
    """Ask whether a certificate is revoked by now."""
    return _revoked(calls, _path(handle)) or _waiting(handle)


def _revoked(calls: EjbcaCalls, path: str) -> Revocation | None:
    found = calls.ask("ask for a revocation", "GET", f"{path}/revocationstatus")
    if not found.get("revoked"):
        return None
    try:
        return Revocation(at=from_text(str(found.get("revocation_date") or "")))
    except ValueError:
        return Revocation()


def _waiting(handle: Handle) -> Revocation:
    message = f"the revocation of certificate {handle['serial']} waits for an approver at EJBCA"
    return Revocation(REVOCATION_PENDING, None, message)


def _path(handle: Handle) -> str:
    return f"/v1/certificate/{quoted(str(handle['issuer_dn']))}/{quoted(str(handle['serial']))}"
