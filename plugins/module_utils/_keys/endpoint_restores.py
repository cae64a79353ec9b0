# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back in a live enrollment: all that it was in a snapshot, or what is missing of a dual stack. No traffic.

CPS answers an update that needs a certificate with a change that has the CSRs, whatever it calls it (E10; cps-protocol
§3.7, §6.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._cps.enrollment_wire import enrollment_update
from .._cps.models import EnrollmentRecord
from . import endpoint_edits as edits
from .base import KeyOrder

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


def is_meant(order: KeyOrder) -> bool:
    """Say whether the order restores or adds, so that the change it opens may be called an edit, not a renewal."""
    return bool(order.renews.get("restores") or order.renews.get("adds"))


def predict(order: KeyOrder, edited: str) -> str:
    """Say what an order does that restores or adds.

    :param edited: what of names, subject and keys is edited by it, as the middle of a sentence; empty when nothing.
    """
    number = order.renews["enrollment_id"]
    if order.renews.get("adds"):
        return f"Add the {' and the '.join(order.renews['adds'])} certificate that is missing to enrollment {number}"
    snapshot_id, told = order.renews["restores"]["snapshot_id"], f" ({edited})" if edited else ""
    return f"Restore enrollment {number} from {snapshot_id}{told} and force its renewal with a new key"


def members(enrollment: EnrollmentRecord, order: KeyOrder) -> dict[str, Any]:
    """Give the members of an update by which an enrollment becomes what the snapshot has; empty when it is that."""
    wanted = _restored(enrollment, order)
    return {} if plain(enrollment_update(enrollment.raw)) == plain(wanted) else wanted


def update(enrollment: EnrollmentRecord, order: KeyOrder) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write the body of the update that any order for a live enrollment means, and the flags that go with it.

    :source: put-enrollment; cps-protocol §3.5: a change of ``enableMultiStackedCertificates`` holds from the next
        renewal on, so it is sent together with the order to renew.
    """
    if order.renews.get("restores"):
        return _restored(enrollment, order), {"force_renewal": True}
    over = edits.members(enrollment, order)
    body = enrollment_update(enrollment.raw, over)
    if order.renews.get("adds"):
        return body, {"allow_missing_certificate_addition": True}
    return body, {"force_renewal": edits.needs_force(over)}


def may_be_of(change_type: str | None, order: KeyOrder) -> bool:
    """Say whether a change that is open may have been opened by the order, as its answer may have been lost.

    A renewal is no place for a certificate that is missing: what is there already would have to be renewed with it.
    """
    return not order.renews.get("adds") or change_type == _EDIT


def fixed_differences(enrollment: EnrollmentRecord, order: KeyOrder) -> list[str]:
    """Give a sentence for each member that a snapshot has otherwise and CPS changes in no enrollment."""
    wanted = order.renews["restores"]["enrollment"]
    found = []
    for path in _FIXED:
        is_, was = _at(enrollment.raw, path), _at(wanted, path)
        if is_ != was:
            found.append(
                f"{'.'.join(path)} of enrollment {enrollment.id} is {is_!r} and was {was!r} in the snapshot, and CPS "
                "changes that in no enrollment; enrol it anew under another certificate id, with allow_duplicate: true"
            )
    return found


def without(
    now: Mapping[str, Any], before: Mapping[str, Any], sent: Mapping[str, Any], under: str = ""
) -> tuple[dict[str, Any], list[str], list[str]]:
    """Take back out of an enrollment what an update edited in it; what somebody else set since stays.

    :param now: its members; ``before`` those of before the update, and ``sent`` those of the update.
    :param under: path of the members, for their names.
    :returns: the members as they are to be; names of those that are put back by it, and of those somebody else set.
    """
    wanted, kept, foreign = dict(now), [], []
    for name in sorted({*before, *sent}):
        was, edited, found = before.get(name), sent.get(name), now.get(name)
        if plain(was) == plain(edited) or plain(found) == plain(was):
            continue
        path = f"{under}{name}"
        if isinstance(was, Mapping) and isinstance(edited, Mapping) and isinstance(found, Mapping):
            wanted[name], inner, others = without(found, was, edited, f"{path}.")
            kept += inner
            foreign += others
        elif plain(found) == plain(edited):
            wanted[name] = was
            kept.append(path)
        else:
            foreign.append(path)
    return wanted, kept, foreign


def _restored(enrollment: EnrollmentRecord, order: KeyOrder) -> dict[str, Any]:
    now = {name: enrollment.raw[name] for name in _OF_THE_MOMENT if name in enrollment.raw}
    return {**enrollment_update(order.renews["restores"]["enrollment"]), **now}


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
