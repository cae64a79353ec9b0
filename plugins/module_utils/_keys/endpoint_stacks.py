# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a renewal edits in the enrollment it renews: one key or both, and what is missing (E10). No traffic.

From one stack to both and back is an edit of the enrollment, which CPS answers with a change that has the CSRs.
"""

from __future__ import annotations

from typing import Any

from .._cps.enrollment_wire import enrollment_update
from .._cps.models import EnrollmentRecord
from .base import KeyOrder
from .endpoint_orders import is_multi_stacked

_EDIT = "modify-certificate"


def is_edited(order: KeyOrder) -> bool:
    """Say whether the order edits the enrollment, so that the change it opens is called an edit, not a renewal."""
    return bool(order.renews.get("switches_stack") or order.renews.get("adds"))


def body(enrollment: EnrollmentRecord, order: KeyOrder) -> dict[str, Any]:
    """Write the body of the update that the order means.

    :source: put-enrollment; cps-protocol §3.5: a change of ``enableMultiStackedCertificates`` holds from the next
        renewal on, so it is sent together with the order to renew.
    """
    if not order.renews.get("switches_stack"):
        return enrollment_update(enrollment.raw)
    return enrollment_update(enrollment.raw, {"enableMultiStackedCertificates": is_multi_stacked(order)})


def may_be_of(enrollment: EnrollmentRecord, change_type: str | None, order: KeyOrder) -> bool:
    """Say whether a change that is open may have been opened by the order, as its answer may have been lost.

    A renewal is no place for a certificate that is missing: what is there already would have to be renewed with it.
    """
    if order.renews.get("adds"):
        return change_type == _EDIT
    return not order.renews.get("switches_stack") or enrollment.multi_stacked == is_multi_stacked(order)
