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


def is_so(request: CertRequest) -> bool:
    """Say whether the CA makes the key of a request."""
    return request.csr_source == vocabulary.CA_MADE


def csr_of(request: CertRequest, algorithm: str) -> str | None:
    """Give the CSR that a certificate is held against, PEM; None where there is none."""
    return request.csrs[algorithm] or None


def ordered_for(request: CertRequest, algorithm: str) -> str:
    """Name what an order is for, in words for a sentence: the CSR, or the key that the CA is to make."""
    return f"{algorithm} key that it makes" if is_so(request) else f"{algorithm} CSR"


def told_apart_by(request: CertRequest) -> tuple[Any, ...]:
    """Give what tells two orders apart where no CSR does: names, key, and the certificate that is followed."""
    if not is_so(request):
        return ()
    return form_csr.spec_of(request.wish), request.renews.get("request_id")
