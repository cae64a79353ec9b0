# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a request to the key provider's order: what each source has to know of it. Reads records alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core import csr_sources, vocabulary
from .._core.csr_sources import ALLOW_DUPLICATE
from .._keys.base import KeyOrder
from . import dual_stack, form_csr, key_secrets

if TYPE_CHECKING:
    from .._core.redact import Secret
    from .._core.types import CertRequest

_OF_CPS = ("contract_id", "validation_type", "secure_network", "vendor_certificate_type", "exclude_sans", "settings")
_RENEWS = ("enrollment_id", "change_id", "not_after")
_RETURNS = ("adds", "restores")


def order_of(request: CertRequest, challenge_password: Secret | None = None) -> KeyOrder:
    """Give the order of a request."""
    renews = request.renews
    wanted = {name: renews[name] for name in _RENEWS} if renews else {}
    wanted.update({name: renews[name] for name in _RETURNS if renews.get(name)})
    order = KeyOrder(
        form_csr.spec_of(request.wish),
        _place(request, request.wish),
        wanted,
        request_id=request.request_id,
        challenge_password=challenge_password,
    )
    if not renews.get("before") or request.csr_source != vocabulary.ENDPOINT:
        return order
    earlier = {**request.wish, **renews["before"]}
    return replace(order, was=replace(order, spec=form_csr.spec_of(earlier), place=_place(request, earlier)))


def _place(request: CertRequest, wish: Mapping[str, Any]) -> dict[str, Any]:
    source = request.csr_source
    if source == vocabulary.ENDPOINT:
        place = {name: wish[name] for name in _OF_CPS}
        return {**place, ALLOW_DUPLICATE: True} if wish.get(ALLOW_DUPLICATE) else place
    if source == vocabulary.UPLOAD:
        return {"csr": wish["csr"]}
    if source in csr_sources.DEVICE_OPTIONS:
        option, member = csr_sources.DEVICE_OPTIONS[source]
        named = wish[option]
        name, is_reused = named[member], bool(named.get("reuse"))
        return {"device": named["device"], "name": name, "reuse": is_reused, "certificate_id": request.certificate_id}
    if not may_reuse(request):
        return {}
    return {"reuse_of": {name: key_secrets.earlier_holder(request, name) for name in dual_stack.wanted(request)}}


def may_reuse(request: CertRequest) -> bool:
    """Say whether a request may have the key of the certificate it follows.

    With a key on a device its option says so for renewals and regenerations alike; one that was made here, or behind an
    uploaded CSR, stays at a renewal alone: regenerating means a new key.
    """
    if request.csr_source in csr_sources.DEVICE_OPTIONS:
        option, _member = csr_sources.DEVICE_OPTIONS[request.csr_source]
        return bool(request.wish[option].get("reuse"))
    return request.action == "renew" and bool(request.wish.get("reuse_key"))
