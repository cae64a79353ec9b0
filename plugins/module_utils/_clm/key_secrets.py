# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that belong to a request, sealed in the store: keys made here (E6) and challenge passwords (E16).

A challenge password stays with its request after the CSR is made: an automatic regeneration can ask nobody for it.
Secrets are compared in memory, in constant time, and never written anywhere else.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._core.errors import StateError
from .._core.key_records import HeldSecret
from .._core.redact import Secret
from . import dual_stack

if TYPE_CHECKING:
    from datetime import datetime

    from .._core.types import CertRequest
    from .._keys.base import MadeSecret
    from .._store.base import Store, Unit
    from .ports import Params

NOUN = "request"
CHALLENGE = "challenge_password"


def keep_made(unit: Unit, request: CertRequest, made: Sequence[MadeSecret], now: datetime) -> None:
    """Seal what a key provider made, in the unit that keeps the reference to it."""
    for one in made:
        unusable = unit.held_secrets.get(NOUN, request.request_id, one.name)
        if unusable is not None:
            # Of a CSR that could not be used, and went nowhere.
            unit.held_secrets.remove(unusable)
        held = HeldSecret(NOUN, request.request_id, one.name, one.value, dict(one.facts), created_at=now)
        unit.held_secrets.add(held)


def given(params: Params) -> Secret | None:
    """Give the challenge password of a call, None where it names none."""
    text = params.get(CHALLENGE)
    return Secret(text) if isinstance(text, str) and text else None


def challenge_of(store: Store, request: CertRequest) -> Secret | None:
    """Give the challenge password that goes into the CSR of a request; None where it has none.

    :raises StateError: it has one, and it is gone from the store.
    """
    if not request.wish.get(CHALLENGE):
        return None
    with store.read() as unit:
        found = _held(unit, request.request_id) or _held(unit, str(request.renews.get("request_id") or ""))
    if found is None or found.value is None:
        raise StateError(
            f"Cannot make the CSR of request {request.request_id}: its challenge password is gone from the store; "
            "cancel it and ask anew with challenge_password",
            code="challenge_password_missing",
        )
    return found.value


def keep_challenge(unit: Unit, request: CertRequest, password: Secret | None, now: datetime) -> None:
    """Seal the challenge password with a request: the one given, else that of the request it follows."""
    held = _held(unit, request.request_id)
    if not request.wish.get(CHALLENGE):
        if held is not None:
            unit.held_secrets.remove(held)
        return
    if password is None and held is None:
        earlier = _held(unit, str(request.renews.get("request_id") or ""))
        password = earlier.value if earlier is not None else None
    if password is None or (held is not None and is_same(held.value, password)):
        return
    if held is not None:
        unit.held_secrets.remove(held)
    plain = Secret(password.reveal())
    unit.held_secrets.add(HeldSecret(NOUN, request.request_id, CHALLENGE, plain, created_at=now))


def is_other_challenge(store: Store, request: CertRequest, params: Params) -> bool:
    """Say whether a call names another challenge password than a request has."""
    password = given(params)
    if password is None or not request.wish.get(CHALLENGE):
        return False
    with store.read() as unit:
        held = _held(unit, request.request_id)
    return held is None or not is_same(held.value, password)


def refuse_other_challenge(store: Store, request: CertRequest, params: Params) -> None:
    """Refuse another challenge password than a request has; neither is shown.

    :raises StateError: it is another one.
    """
    if is_other_challenge(store, request, params):
        raise StateError(
            f"Cannot {request.action} {request.certificate_id} with this challenge_password: request "
            f"{request.request_id} is {request.state} with another one; leave challenge_password out to go on, or give "
            "the new one with action: regenerate once it has ended",
            code="challenge_password_differs",
            details={"request_id": request.request_id, "state": request.state},
        )


def csr_to_send(store: Store, request: CertRequest, algorithm: str) -> str:
    """Give the CSR that the CA is to get: that with the challenge password where there is one, which stays sealed.

    :raises StateError: it has one, and that CSR is gone from the store.
    """
    if not request.wish.get(CHALLENGE):
        return str(request.csrs[algorithm])
    held = held_csr(store, request, algorithm)
    if not held:
        raise StateError(
            f"Cannot order for the {algorithm} CSR of request {request.request_id}: the CSR with its challenge "
            "password is gone from the store, and the CA is to get no other one; cancel the request and ask anew with "
            "challenge_password",
            code="challenge_password_missing",
        )
    return held


def held_csr(store: Store, request: CertRequest, algorithm: str) -> str:
    """Give the CSR with the challenge password, which stays sealed; empty where there is none, or none any more."""
    if not request.wish.get(CHALLENGE):
        return ""
    with store.read() as unit:
        held = unit.held_secrets.get(NOUN, holder_of(request, algorithm), f"csr/{algorithm}")
    return held.value.reveal() if held is not None and held.value is not None else ""


def without_sent(handle: Any, sent: str, shown: str) -> Any:
    """Give a CA's handle with the CSR that may be shown in place of the one that was sent: it is for the same key.

    A connector may keep the CSR to go on with, and handles are kept in plain columns.
    """
    if isinstance(handle, Mapping):
        return {name: without_sent(value, sent, shown) for name, value in handle.items()}
    if isinstance(handle, (list, tuple)):
        return [without_sent(value, sent, shown) for value in handle]
    return handle.replace(sent.strip(), shown.strip()) if isinstance(handle, str) else handle


def holder_of(request: CertRequest, algorithm: str) -> str:
    """Name the request that holds a key behind the certificates of a request.

    A new one goes on with what a failed one made; one that adds to a dual stack holds what it adds alone.
    """
    if dual_stack.is_addition(request) and algorithm not in dual_stack.wanted(request):
        return earlier_holder(request, algorithm)
    return str(request.key_reference.get("held_by") or request.request_id)


def holders_of(request: CertRequest, algorithms: Sequence[str]) -> dict[str, str]:
    """Name the requests that hold the keys of a request, by key algorithm; empty where nothing of it is held here."""
    if not request.key_reference.get("held_by"):
        return {}
    return {name: holder_of(request, name) for name in algorithms}


def earlier_holder(request: CertRequest, algorithm: str) -> str:
    """Name the request that holds a key of what a request follows; empty where nothing is held here."""
    held: Any = request.renews.get("held_by") or ""
    # Requests of before a dual stack could be added to name one for all.
    return str(held.get(algorithm) or "") if isinstance(held, Mapping) else str(held)


def is_same(one: Secret | None, other: Secret | None) -> bool:
    """Compare two secrets without telling where they differ."""
    texts = [(secret.reveal() if secret else "").encode() for secret in (one, other)]
    return hmac.compare_digest(*texts)


def _held(unit: Unit, request_id: str) -> HeldSecret | None:
    return unit.held_secrets.get(NOUN, request_id, CHALLENGE) if request_id else None
