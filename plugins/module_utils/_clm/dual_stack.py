# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An RSA and an ECDSA certificate of one enrollment: which are wanted, which are missing (E10).

Reads records alone; knows neither CPS nor a CA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core import vocabulary
from .._core.clock import to_text
from .._core.errors import InputError, StateError

if TYPE_CHECKING:
    from .._core.types import CertRequest
    from .._store.base import Unit
    from .moves import Mover

_ALGORITHMS = {"rsa": vocabulary.RSA, "ec": vocabulary.ECDSA, "ed25519": vocabulary.ED25519}
GOES_WITHOUT = "goes_on_without"
"""Step of a request that goes on with one certificate of two, as it was allowed to."""


def algorithms(wish: Mapping[str, Any]) -> list[str]:
    """Name the key algorithms a wish asks for (E10)."""
    if wish.get("dual_stack"):
        return [vocabulary.RSA, vocabulary.ECDSA]
    return [_ALGORITHMS.get(str(wish.get("key_type")), vocabulary.RSA)]


def wanted(request: CertRequest) -> list[str]:
    """Name the key algorithms a request asks certificates for."""
    return list(request.renews.get("adds") or ()) or algorithms(request.wish)


def adding(request: CertRequest, parent: CertRequest) -> CertRequest:
    """Give the request that adds what is missing of a dual stack to what its parent brought, and renews nothing."""
    renews = {**request.renews, "adds": missing(parent)}
    return replace(request, renews=renews, fingerprints=dict(parent.fingerprints))


def is_addition(request: CertRequest) -> bool:
    """Say whether the request adds a certificate beside another, which stays."""
    return bool(request.renews.get("adds"))


def csrs_of(request: CertRequest) -> dict[str, Any]:
    """Give the CSRs behind all certificates of a request, those it added to among them."""
    earlier = request.renews.get("csrs") if is_addition(request) else None
    return {**(earlier or {}), **request.csrs}


def missing(request: CertRequest) -> list[str]:
    """Name the key algorithms that a request wants and has no certificate of."""
    return [name for name in wanted(request) if name not in request.fingerprints]


def lacks_csr(request: CertRequest) -> bool:
    """Say whether a CSR is still waited for."""
    return not request.csrs or bool(set(wanted(request)) - {*request.csrs, *request.refusals})


def unordered(request: CertRequest) -> list[str]:
    """Name the CSRs that are to be handed to the CA; never one that it has, and none that it refused."""
    return [name for name in request.csrs if name not in {*request.ca_handles, *request.refusals}]


def kept_orders(request: CertRequest) -> dict[str, Any]:
    """Give the orders of a failed request that stand: all but those the CA refused.

    Requests that failed before refusals were kept name none; of them only what is issued stands.
    """
    if request.refusals:
        return {name: handle for name, handle in request.ca_handles.items() if name not in request.refusals}
    return {name: handle for name, handle in request.ca_handles.items() if name in request.fingerprints}


def may_go_on(request: CertRequest, refusals: Mapping[str, str]) -> bool:
    """Say whether a request goes on with what is left, as its form allows with ``allow_missing``."""
    return bool(request.wish.get("allow_missing")) and any(name not in refusals for name in wanted(request))


def go_without(mover: Mover, unit: Unit, refusals: Mapping[str, str], message: str, **changes: Any) -> None:
    """Keep on record that the request goes on without a certificate, and why."""
    now, actor = mover.ports.clock.now(), mover.ports.actor
    step = {"type": GOES_WITHOUT, "at": to_text(now), "actor": actor, "comment": message}
    mover.save(unit, GOES_WITHOUT, refusals=refusals, steps=[step], **changes)


def advice(request: CertRequest, refusals: Mapping[str, str]) -> str:
    """Say what can be done where one of two certificates is refused; empty where there is one only."""
    others = [name for name in wanted(request) if name not in refusals]
    if len(wanted(request)) < 2 or not others:
        return ""
    told = [f"{name} {_stands(request, name)}" for name in others]
    return (
        f" ({', '.join(told)}); mend it at the CA and retry with edgecert.clm.cert_workflow, which orders the "
        f"{' and the '.join(refusals)} certificate alone, or run edgecert.clm.cert_enroll again with "
        f"allow_missing: true to go on with {' and '.join(others)}"
    )


def with_what_is_missing(request: CertRequest, message: str) -> str:
    """Say of two certificates which is waited for, and which is there already."""
    if len(wanted(request)) < 2:
        return message
    waited = [name for name in missing(request) if name not in request.refusals]
    kept = f"; {' and '.join(request.fingerprints)} is issued and kept" if request.fingerprints else ""
    return f"no {' and no '.join(waited)} certificate yet: {message}{kept}"


def _stands(request: CertRequest, algorithm: str) -> str:
    if algorithm in request.fingerprints:
        return "is issued and kept"
    return "is ordered and stays so" if algorithm in request.ca_handles else "was not ordered"


def refuse_late(request: CertRequest, is_refused: bool) -> None:
    """Refuse to let one certificate alone do where that would have to be approved, and the CA is at work already.

    :raises StateError: it is.
    """
    if is_refused and request.state in ("in_doubt", "retrieval_in_progress"):
        raise StateError(
            f"Cannot change allow_missing of request {request.request_id}: it is {request.state} as it was approved; "
            "wait until the CA has signed or refused (where it is in doubt, settle that first with "
            "edgecert.clm.cert_workflow), or cancel it and ask anew",
            code="request_in_progress",
            details={"state": request.state},
        )


def refuse_other_ca(request: CertRequest, parent: CertRequest) -> None:
    """Refuse to add a certificate of another CA: both are renewed and revoked as one, by one account.

    :raises InputError: it is another CA.
    """
    if request.ca != parent.ca:
        raise InputError(
            f"Cannot {request.action} {request.certificate_id} with only_missing at CA account {request.ca}: what it "
            f"is added to is of {parent.ca}; leave ca out, or order both anew with another ca and force: true",
            code="other_ca",
            details={"ca": parent.ca},
        )


def refuse_only_missing(params: Mapping[str, Any]) -> None:
    """Refuse what makes no sense with ``only_missing``.

    :raises InputError: the action is another one, or the dual stack is to end.
    """
    action = params.get("action") or "enroll"
    if params.get("only_missing") and (action != "regenerate" or params.get("dual_stack") is False):
        raise InputError(
            f"Cannot {action} {params.get('certificate') or params.get('common_name')} with only_missing: it "
            "adds what is missing of a dual stack; give it with action: regenerate, and leave dual_stack out"
        )
