# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a RA workflow: which a workflow has, and what an order puts into each.

A site gives its workflows fields of its own; their ids end in a number, ``subjectAltNameDNS2``. What Table 10 calls
generic fields goes where the account's ``ra_field_map`` says. :source: ca-connectors §4.11; the map's defaults are our
reading, for no document names those fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .base import Order
from .idnomic_message import rows

FOR_RA = ("holder_email", "first_name", "last_name", "organization", "comment", "uuid")
OURS = ("tracking_id", "device_name", "application_ip")
DEFAULT_MAP: Mapping[str, str] = {
    "tracking_id": "trackingId",
    "holder_email": "holderEmail",
    "first_name": "firstName",
    "last_name": "lastName",
    "organization": "organization",
    "comment": "comment",
    "uuid": "uuid",
}
REVOCATION_CODE = "revocationCode"
_NOT_FIELDS = ("pkcs10",)


@dataclass(frozen=True)
class RaField:
    """One field of a workflow.

    :ivar stem: the id without its number, lower-case.
    """

    field_id: str
    stem: str
    number: int
    is_optional: bool


@dataclass(frozen=True)
class Filled:
    """Values by field id, and every problem as a sentence."""

    values: Mapping[str, str]
    problems: tuple[str, ...]


def fields_of(properties: Any) -> list[RaField]:
    """Read the fields out of a workflow's properties, by their numbers."""
    listed = rows(properties.get("fields")) if isinstance(properties, Mapping) else []
    found = []
    for one in listed:
        name = str(one.get("id") or "")
        stem = stem_of(name)
        found.append(RaField(name, stem.lower(), int(name.removeprefix(stem) or 0), str(one.get("optional")) != "0"))
    return sorted((one for one in found if one.field_id), key=lambda one: (one.stem, one.number))


def stem_of(field_id: str) -> str:
    """Give an id without its number."""
    return field_id.rstrip("0123456789")


def map_of(words: Sequence[str]) -> dict[str, str]:
    """Read ``ra_field_map``, laid over what it is without one."""
    return {**DEFAULT_MAP, **dict(word.partition("=")[::2] for word in words)}


def map_problems(words: Sequence[str]) -> list[str]:
    """Say what is wrong with ``ra_field_map``."""
    known = (*FOR_RA, *OURS)
    bad = [word for word in words if word.partition("=")[0] not in known or not word.partition("=")[2]]
    return [f"ra_field_map holds {word!r}; name=field is wanted, with a name of {', '.join(known)}" for word in bad]


def filled(
    workflow: str, listed: Sequence[RaField], order: Order, field_map: Mapping[str, str], more: Mapping[str, str]
) -> Filled:
    """Give each field what an order has for it.

    :param more: values by stem that are no part of an order, as the zone; empty ones count as none.
    """
    sources = _sources(order, more)
    mapped, problems = _mapped(workflow, listed, order, field_map)
    values: dict[str, str] = {}
    for stem in dict.fromkeys(one.stem for one in listed):
        own = [one for one in listed if one.stem == stem]
        given = sources.get(stem, ())
        values.update({one.field_id: text for one, text in zip(own, given, strict=False)})
        if len(given) > len(own):
            kind = stem_of(own[0].field_id)
            problems.append(f"RA workflow {workflow} has fields for {len(own)} of the {len(given)} values of {kind}")
    values.update(mapped)
    codes = [] if more.get(REVOCATION_CODE) else [one.field_id for one in listed if one.stem == REVOCATION_CODE.lower()]
    # A code that everybody can guess is none: the order is rather refused than given one.
    codes = [name for name in codes if not values.get(name)]
    needs = "and the account has no revocation_code; give it among its secrets"
    problems += [f"RA workflow {workflow} has the field {name}, {needs}" for name in codes]
    wanted = [one.field_id for one in listed if not one.is_optional and one.field_id not in (*_NOT_FIELDS, *codes)]
    missing = [name for name in wanted if not values.get(name)]
    problems += [f"RA workflow {workflow} wants {name}, and the order has no value for it" for name in missing]
    return Filled(values, tuple(problems))


def _sources(order: Order, more: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Give an order's values by the stems of fields, lower-case."""
    spec = order.spec
    holder = str(order.generic.get("holder_email") or spec.email)
    found = {
        "commonname": (spec.common_name,),
        "organizationname": (spec.organization,),
        "organizationalunitname": (spec.organizational_unit,),
        "localityname": (spec.locality,),
        "stateorprovincename": (spec.state_or_province,),
        "countryname": (spec.country,),
        "emailaddress": (spec.email,),
        "adminemail": (holder,),
        "subjectaltnamedns": spec.dns_names,
        "subjectaltnameip": spec.ip_addresses,
        "subjectaltnameipaddress": spec.ip_addresses,
        "subjectaltnameemail": spec.emails,
        "subjectaltnameuri": spec.uris,
        **{stem.lower(): (text,) for stem, text in more.items()},
    }
    return {stem: tuple(text for text in texts if text) for stem, texts in found.items()}


def _mapped(
    workflow: str, listed: Sequence[RaField], order: Order, field_map: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Give the generic fields that the workflow has; what is for the RA alone and has no field is a problem."""
    values: dict[str, str] = {}
    problems = []
    for name, target in field_map.items():
        text = str(order.generic.get(name) or "")
        own = [one for one in listed if target in (one.field_id, stem_of(one.field_id))]
        if text and own:
            values[own[0].field_id] = text
        elif text and name in FOR_RA and not _is_used(name, listed):
            there = ", ".join(one.field_id for one in listed)
            problems.append(
                f"generic.{name} goes into the field {target} of RA workflow {workflow}, which has none; set "
                f"ra_field_map of the account; there are {there}"
            )
    return values, problems


def _is_used(name: str, listed: Sequence[RaField]) -> bool:
    """Say whether a generic field has another place: the holder's address is the administrator's, too."""
    return name == "holder_email" and any(one.stem == "adminemail" for one in listed)
