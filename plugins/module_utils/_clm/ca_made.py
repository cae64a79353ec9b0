# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests without a CSR, because the CA makes the key: what stands in for it. Reads records alone.

Such a request has an empty text where others have a CSR, so that orders are counted alike. What a CSR says of an order
beside the options, its names and key, is told by the wish then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import vocabulary
from . import form_csr

if TYPE_CHECKING:
    from .._core.types import CertRequest
    from .._pki.x509 import CertificateFacts
    from .._store.base import Unit


def is_so(request: CertRequest) -> bool:
    """Say whether the CA makes the key of a request."""
    return request.csr_source == vocabulary.CA_MADE


def csr_of(request: CertRequest, algorithm: str) -> str | None:
    """Give the CSR that a certificate is held against, PEM; None where there is none."""
    return request.csrs[algorithm] or None


def ordered_for(request: CertRequest, algorithm: str) -> str:
    """Name what an order is for, in words for a sentence: the CSR, or the key that the CA is to make."""
    return f"{algorithm} key that it makes" if is_so(request) else f"{algorithm} CSR"


def problems(unit: Unit, request: CertRequest, facts: CertificateFacts) -> list[str]:
    """Hold a certificate against what was asked for beside its names: elsewhere its CSR's key says all of this.

    :source: requirements E4, E17, U6: a successor has a new key, and the key is as it was ordered.
    """
    if not is_so(request):
        return []
    from .._pki.x509 import certificate_facts

    found, key, wish = [], facts.key, request.wish
    if key.algorithm == vocabulary.RSA and wish.get("key_size") and key.size != wish["key_size"]:
        found.append(f"its key has {key.size} bits, {wish['key_size']} are wanted")
    curve = vocabulary.curve_name(str(wish.get("curve") or ""))
    if key.algorithm == vocabulary.ECDSA and curve and key.curve != curve:
        found.append(f"its key is on {key.curve}, {curve} is wanted")
    followed = [unit.pems.get(fingerprint) for fingerprint in (request.renews.get("fingerprints") or {}).values()]
    if key.spki_sha256 in {certificate_facts(one.leaf).key.spki_sha256 for one in followed if one is not None}:
        found.append("it has the key of the certificate it is to follow; it is that one, or the CA made no new key")
    return found


def told_apart_by(request: CertRequest) -> tuple[Any, ...]:
    """Give what tells two orders apart where no CSR does: names, key, and the certificate that is followed."""
    if not is_so(request):
        return ()
    return form_csr.spec_of(request.wish), request.renews.get("request_id")
