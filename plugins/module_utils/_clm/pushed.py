# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a work order brings to its network. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._core.types import Bundle, CaAccount, Certificate, CertRequest, WorkOrder

if TYPE_CHECKING:
    from .._store.base import Unit


SETTINGS = "settings"
"""Member of an order's ``change``: what it changes, ``before`` and ``after`` of the same words in normal form."""
RESTORES = "restores"
"""Member of an order's ``change``: where its settings come back from, a ``snapshot_id`` or the ``work_order_id`` that
set others; absent where somebody named them."""


@dataclass(frozen=True)
class Pushed:
    """What a work order deploys.

    :ivar bundles: by key algorithm, as ``fingerprints`` and ``csrs``.
    :ivar reference: the enrollment and the change that takes them.
    """

    bundles: Mapping[str, Bundle]
    fingerprints: Mapping[str, str]
    csrs: Mapping[str, str]
    reference: Mapping[str, Any]
    request: CertRequest
    account: CaAccount | None


def is_of_settings(order: WorkOrder) -> bool:
    """Say whether an order is about network settings, and brings no certificate."""
    return SETTINGS in order.change


def configured(unit: Unit, certificate: Certificate, change: Mapping[str, Any]) -> Pushed:
    """Give what an order about settings brings: no certificate, whichever the enrollment has, enrolled here or found.

    :param change: of the order, the enrollment and, once it is open, the change.
    """
    request = unit.requests.get(certificate.request_id) if certificate.request_id else None
    account = unit.ca_accounts.get(request.ca) if request is not None else None
    if request is None:
        request = CertRequest("", certificate.certificate_id, "enroll", "issued", ca="", csr_source="")
    reference = {"enrollment_id": certificate.enrollment_id, "change_id": change.get("change_id")}
    return Pushed({}, {}, {}, reference, request, account)
