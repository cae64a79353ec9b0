# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an order means at CPS: the enrollment it asks for, whether one fits it, how one is referred to. No traffic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.names import ascii_form
from .._cps.enrollment_wire import Contact, NewEnrollment, NewNetwork, Organization
from .._cps.models import EnrollmentRecord
from .base import KeyOrder

# CPS names the registration authority by the validation type; cps-protocol §2.5.
_RA = {"third-party": "third-party", "dv": "lets-encrypt", "ov": "symantec", "ev": "symantec"}


def is_multi_stacked(order: KeyOrder) -> bool:
    """An ECDSA CSR is to be had only beside an RSA one; cps-protocol §3.5."""
    return order.spec.dual_stack or order.spec.key_type == "ec"


def reference_to(enrollment_id: int, change_id: int | None) -> dict[str, Any]:
    """Give the reference to a change of an enrollment, and what a person recognises it by."""
    label = f"enrollment {enrollment_id} (change {change_id})"
    return {"enrollment_id": enrollment_id, "change_id": change_id, "label": label}


def names_in(order: KeyOrder) -> set[str]:
    """Give all names of an order, lower-case, the common name among them."""
    return {name.lower() for name in (order.spec.common_name, *order.spec.dns_names)}


def names_at(enrollment: EnrollmentRecord) -> set[str]:
    """Give all names of an enrollment, lower-case and in ASCII, the common name among them."""
    return {ascii_form(name) for name in (enrollment.cn, *enrollment.sans)}


def fits(enrollment: EnrollmentRecord, order: KeyOrder) -> bool:
    """Say whether an enrollment is what the order asks for; names are sets without case, with the common name."""
    place = order.place
    network = place["settings"]["network"]
    compared = (
        (enrollment.cn.lower(), order.spec.common_name.lower()),
        (names_at(enrollment), names_in(order)),
        (enrollment.validation_type, place["validation_type"]),
        (enrollment.certificate_type, place["vendor_certificate_type"]),
        (enrollment.secure_network, place["secure_network"]),
        (enrollment.multi_stacked, is_multi_stacked(order)),
    )
    is_sni_fine = enrollment.sni_only in (None, network.get("sni_only", True))
    return is_sni_fine and all(found == wanted for found, wanted in compared)


def wanted_enrollment(order: KeyOrder) -> NewEnrollment:
    """Give the enrollment an order asks for."""
    spec, place = order.spec, order.place
    settings = place["settings"]
    return NewEnrollment(
        cn=spec.common_name,
        sans=spec.dns_names,
        country=spec.country,
        state=spec.state_or_province,
        locality=spec.locality,
        organization=spec.organization,
        organizational_unit=spec.organizational_unit,
        validation_type=place["validation_type"],
        certificate_type=place["vendor_certificate_type"],
        ra=_RA[place["validation_type"]],
        change_management=settings["change_management"],
        multi_stacked=is_multi_stacked(order),
        exclude_sans=place["exclude_sans"],
        network=_network(place["secure_network"], settings["network"]),
        org=Organization(**settings["organization"]),
        admin_contact=Contact(**settings["admin_contact"]),
        tech_contact=Contact(**settings["tech_contact"]),
    )


def _network(secure_network: str, settings: Mapping[str, Any]) -> NewNetwork:
    given = {name: value for name, value in settings.items() if value is not None}
    for name in ("disallowed_tls_versions", "dns_names"):
        if name in given:
            given[name] = tuple(given[name])
    return NewNetwork(secure_network=secure_network, **given)
