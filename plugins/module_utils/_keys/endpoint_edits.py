# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a renewal edits in the enrollment it renews: one key or both, what is missing, or all it once was. No traffic.

CPS answers an edit that needs a certificate with a change that has the CSRs, whatever it calls it (E10; cps-protocol
§3.7, §6.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._cps.enrollment_wire import enrollment_update
from .._cps.models import EnrollmentRecord
from .base import KeyOrder
from .endpoint_orders import is_multi_stacked

_EDIT = "modify-certificate"
# What CPS changes in no enrollment; cps-protocol §2.3, §2.4.
_FIXED = (
    ("csr", "cn"),
    ("validationType",),
    ("certificateType",),
    ("networkConfiguration", "secureNetwork"),
    ("networkConfiguration", "sniOnly"),
)

# What CPS works out by itself from what is live, and sends with the settings; cps-protocol §2.3.
_OF_THE_MOMENT = ("autoRenewalStartTime",)


def is_edited(order: KeyOrder) -> bool:
    """Say whether the order edits the enrollment, so that the change it opens is called an edit, not a renewal."""
    return any(order.renews.get(name) for name in ("switches_stack", "adds", "restores"))


def body(enrollment: EnrollmentRecord, order: KeyOrder) -> dict[str, Any]:
    """Write the body of the update that the order means.

    :source: put-enrollment; cps-protocol §3.5: a change of ``enableMultiStackedCertificates`` holds from the next
        renewal on, so it is sent together with the order to renew.
    """
    if order.renews.get("restores"):
        now = {name: enrollment.raw[name] for name in _OF_THE_MOMENT if name in enrollment.raw}
        return {**enrollment_update(order.renews["restores"]["enrollment"]), **now}
    if not order.renews.get("switches_stack"):
        return enrollment_update(enrollment.raw)
    return enrollment_update(enrollment.raw, {"enableMultiStackedCertificates": is_multi_stacked(order)})


def may_be_of(enrollment: EnrollmentRecord, change_type: str | None, order: KeyOrder) -> bool:
    """Say whether a change that is open may have been opened by the order, as its answer may have been lost.

    A renewal is no place for a certificate that is missing: what is there already would have to be renewed with it.
    """
    if order.renews.get("adds"):
        return change_type == _EDIT
    if order.renews.get("restores"):
        return bool(plain(enrollment_update(enrollment.raw)) == plain(body(enrollment, order)))
    return not order.renews.get("switches_stack") or enrollment.multi_stacked == is_multi_stacked(order)


def fixed_differences(enrollment: EnrollmentRecord, order: KeyOrder) -> list[str]:
    """Give a sentence for each member that a snapshot has otherwise and CPS changes in no enrollment."""
    wanted = order.renews["restores"]["enrollment"]
    found = []
    for path in _FIXED:
        is_, was = _at(enrollment.raw, path), _at(wanted, path)
        if is_ != was:
            found.append(
                f"{'.'.join(path)} of enrollment {enrollment.id} is {is_!r} and was {was!r} in the snapshot, and CPS "
                "changes that in no enrollment; enrol it anew as a new certificate"
            )
    return found


def _at(raw: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = raw
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value.lower() if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """Give settings as they can be compared: lists as sets without case, what is empty left out (cps-protocol §5.4)."""
    if isinstance(value, Mapping):
        found = {name: plain(member) for name, member in value.items()}
        return {name: member for name, member in found.items() if member not in (None, "", [], {})}
    if isinstance(value, list):
        return sorted(str(plain(member)).lower() for member in value)
    return value
