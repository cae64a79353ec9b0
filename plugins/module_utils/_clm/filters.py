# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates are asked for: the filters of ``cert_info`` and of the inventory, and the list they give."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .._core.clock import from_text
from .._core.errors import InputError
from .._core.governance import DEFAULT_GROUP, Group
from .._core.types import Certificate, Device
from .._core.vocabulary import NETWORKS, SYNC_IGNORED, SYNC_MODES
from .._store.base import Unit
from .form_extras import plain_text
from .rules import PATTERN_PREFIX
from .views import View, certificate_view, group_name

STATES = ("pending", "issued", "suspended", "superseded", "revoked", "vanished")
# Left out of lists unless asked for by state, or by the certificate's own id.
HIDDEN_STATES = ("superseded", "vanished")

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "certificate": {"type": "str"},
    "device": {"type": "list", "elements": "str"},
    "sync": {"type": "list", "elements": "str", "choices": list(SYNC_MODES)},
    "group": {"type": "list", "elements": "str"},
    "ca": {"type": "list", "elements": "str"},
    "state": {"type": "list", "elements": "str", "choices": list(STATES)},
    "enrollment_id": {"type": "int"},
    "attributes": {"type": "dict"},
    "tracking_id": {"type": "str"},
    "attachment": {"type": "str"},
    "expiring": {"type": "bool"},
    "expires_within_days": {"type": "int"},
    "network": {"type": "str", "choices": list(NETWORKS)},
}
"""The filters as options of a module, one for each member of ``Filters``; the fragment ``_filters`` has the words."""

_LISTS = ("device", "sync", "group", "ca", "state")
_TEXTS = ("certificate", "tracking_id", "attachment", "network")


@dataclass(frozen=True)
class Filters:
    """Which certificates are asked for; empty members filter nothing.

    Certificates of ignored devices are left out unless asked for by ``sync``; vanished ones, and those that another
    one followed, superseded or revoked, unless asked for by ``state`` or by ``certificate``.

    :ivar group: names; those in no other group are in the default one.
    :ivar attributes: by name, the text that the value is, or behind ``~`` a regular expression that it matches whole.
    :ivar tracking_id: of a request or work order of the certificate.
    :ivar attachment: part of an attachment's name, in any case.
    :ivar expires_within_days: those that expire in so many days, they or what production serves in their place, the
        expired ones among them.
    :ivar expiring: the same for the days that their group warns before.
    :ivar network: ``staging`` or ``production``: those that it serves.
    """

    certificate: str = ""
    device: tuple[str, ...] = ()
    sync: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    ca: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    enrollment_id: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tracking_id: str = ""
    attachment: str = ""
    expires_within_days: int | None = None
    expiring: bool = False
    network: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Filters:
        """Read the filters out of a module's or plugin's options; a single word stands for a list of it.

        :raises InputError: an unknown filter, word or number; all problems at once.
        """
        unknown = [str(name) for name in options if name not in cls.__dataclass_fields__]
        problems = [f"there is no filter {name}; there are {', '.join(cls.__dataclass_fields__)}" for name in unknown]
        values = {name: value for name, value in options.items() if value is not None and name not in unknown}
        for name in _LISTS:
            if name in values:
                several = isinstance(values[name], (list, tuple))
                values[name] = tuple(str(word) for word in (values[name] if several else (values[name],)))
        values.update({name: str(values[name]) for name in _TEXTS if name in values})
        problems += _word_problems(values) + _number_problems(values) + _attribute_problems(values.get("attributes"))
        if problems:
            raise InputError.of_problems("Cannot filter certificates", problems)
        return cls(**values)

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is filtered."""
        return self == Filters()


def _word_problems(values: Mapping[str, Any]) -> list[str]:
    problems = []
    for name, known in (("sync", SYNC_MODES), ("state", STATES)):
        unknown = [word for word in values.get(name, ()) if word not in known]
        problems += [f"{name} {word!r} is none of {', '.join(known)}" for word in unknown]
    if values.get("network") and values["network"] not in NETWORKS:
        problems.append(f"network {values['network']!r} is none of {', '.join(NETWORKS)}")
    return problems


def _number_problems(values: Mapping[str, Any]) -> list[str]:
    problems = []
    for name, most in (("expires_within_days", 36500), ("enrollment_id", 2**63 - 1)):
        number = values.get(name, 0)
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= most:
            problems.append(f"{name} {number!r} is no number from 0 to {most}")
    if not isinstance(values.get("expiring", False), bool):
        problems.append(f"expiring {values['expiring']!r} is neither true nor false")
    return problems


def _attribute_problems(wanted: Any) -> list[str]:
    if wanted is not None and not isinstance(wanted, Mapping):
        return ["attributes is no mapping of names to values"]
    problems = []
    for key, value in (wanted or {}).items():
        if not isinstance(value, (str, int, float)):
            problems.append(f"attributes: {key} is to be {value!r}, which is no text, number, true or false")
        elif isinstance(value, str) and value.startswith(PATTERN_PREFIX):
            try:
                re.compile(value.removeprefix(PATTERN_PREFIX))
            except re.error as exc:
                wanted = value.removeprefix(PATTERN_PREFIX)
                problems.append(f"attributes: {key} is to match {wanted!r}, no pattern: {exc}")
    return problems


def warning_days(groups: Mapping[str, Group], name: str) -> int:
    """Give from how many days before expiry a certificate of that group counts as expiring.

    :param groups: the stored ones by name; the default one, and one that is gone, need not be there.
    """
    return (groups.get(name) or Group(name)).expiry_warning_days


def groups_by_name(unit: Unit) -> dict[str, Group]:
    """Give the stored groups by name."""
    return {group.name: group for group in unit.groups.find()}


def select(unit: Unit, filters: Filters, now: datetime) -> tuple[list[Certificate], dict[str, Device]]:
    """Give the certificates that fit, ordered by id, and the devices by name.

    :param now: UTC.
    """
    devices = {device.name: device for device in unit.devices.find()}
    fits = _fitting(filters, devices, groups_by_name(unit) if filters.expiring else {}, now)
    return [one for one in unit.certificates.find(**_equal(unit, filters)) if fits(one)], devices


def in_groups(names: Sequence[str]) -> list[str]:
    """Give the groups as records name them: what was put into no group is in the default one."""
    return [*names, *([""] if DEFAULT_GROUP in names else [])]


def is_hidden(certificate: Certificate, asked: Sequence[str] = ()) -> bool:
    """Say whether a certificate is left out of lists: nothing is to be done about it any more.

    :param asked: states that are asked for.
    """
    if certificate.state in asked:
        return False
    # A revoked line has no successor as long as nothing has followed it.
    is_followed = certificate.state == "revoked" and bool(certificate.successor)
    return is_followed or certificate.state in HIDDEN_STATES


def _equal(unit: Unit, filters: Filters) -> dict[str, Any]:
    """Give what the store itself can search by."""
    equal: dict[str, Any] = {
        name: list(getattr(filters, name)) for name in ("device", "ca", "state") if getattr(filters, name)
    }
    if filters.group:
        equal["group"] = in_groups(filters.group)
    if filters.enrollment_id is not None:
        equal["enrollment_id"] = filters.enrollment_id
    ids = [{filters.certificate}] if filters.certificate else []
    if filters.tracking_id:
        requests = unit.requests.find(tracking_id=filters.tracking_id)
        orders = unit.work_orders.find(tracking_id=filters.tracking_id)
        ids.append({one.certificate_id for one in requests} | {one.certificate_id for one in orders})
    if filters.attachment:
        part = filters.attachment.lower()
        ids.append({one.certificate_id for one in unit.attachments.outlines() if part in one.name.lower()})
    if ids:
        equal["certificate_id"] = sorted(set.intersection(*ids))
    return equal


def _fitting(
    filters: Filters, devices: Mapping[str, Device], groups: Mapping[str, Group], now: datetime
) -> Callable[[Certificate], bool]:
    asked = STATES if filters.certificate else filters.state
    within = filters.expires_within_days
    horizon = None if within is None else now + timedelta(days=within)

    def expires_by(certificate: Certificate, end: datetime) -> bool:
        # Clients see what production serves, and that may be the one before a renewal yet.
        served = certificate.production.get("not_after")
        ends = (certificate.not_after, from_text(served) if served else None)
        return any(moment is not None and moment <= end for moment in ends)

    def fits(certificate: Certificate) -> bool:
        device = devices.get(certificate.device)
        sync = device.sync if device else ""
        if (filters.sync and sync not in filters.sync) or (sync == SYNC_IGNORED and SYNC_IGNORED not in filters.sync):
            return False
        if is_hidden(certificate, asked) or (filters.network and not getattr(certificate, filters.network)):
            return False
        if not has_attributes(certificate.attributes, filters.attributes):
            return False
        if filters.expiring:
            days = warning_days(groups, group_name(certificate))
            if not expires_by(certificate, now + timedelta(days=days)):
                return False
        return horizon is None or expires_by(certificate, horizon)

    return fits


def has_attributes(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Say whether attributes, of a certificate or of what is to be one, are all that are wanted (E19)."""
    return all(key in given and _is(given[key], wanted[key]) for key in wanted)


def _is(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, str) and wanted.startswith(PATTERN_PREFIX):
        return re.fullmatch(wanted.removeprefix(PATTERN_PREFIX), plain_text(value)) is not None
    return plain_text(value) == plain_text(wanted)


def certificate_list(unit: Unit, filters: Filters, now: datetime) -> list[View]:
    """Give the views of the certificates that fit."""
    selected, devices = select(unit, filters, now)
    return listed(unit, selected, devices, now)


def listed(unit: Unit, certificates: list[Certificate], devices: Mapping[str, Device], now: datetime) -> list[View]:
    """Give the views of certificates, with what stands beside their records: attachments, and what their group says."""
    of = {"certificate_id": certificates[0].certificate_id} if len(certificates) == 1 else {}
    attached = Counter(one.certificate_id for one in unit.attachments.outlines(**of)) if certificates else Counter()
    groups = groups_by_name(unit)
    return [
        {
            **certificate_view(certificate, now, devices.get(certificate.device)),
            "expiry_warning_days": warning_days(groups, group_name(certificate)),
            "attachments": attached[certificate.certificate_id],
        }
        for certificate in certificates
    ]
