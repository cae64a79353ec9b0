# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fast filling of a sandbox with enrollments of every kind. Writes records; knows nothing of requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from . import rules
from .changes import Machine, deployed_names
from .model import Change, Deployment, Enrollment, Wire

RA = {"third-party": "third-party", "dv": "lets-encrypt", "ov": "symantec", "ev": "symantec"}
KINDS = (*RA, "third-party-pending", "dv-pending")
LIFETIME = {"third-party": 365, "dv": 90, "ov": 365, "ev": 365}
CONTACT = {"firstName": "Sam", "lastName": "Box", "email": "sam.box@example.com", "phone": "+1-617-555-0111"}

SUBJECT = {"c": "US", "st": "MA", "l": "Cambridge", "o": "Example"}


@dataclass(frozen=True)
class Wanted:
    """What is to be seeded; as the parameters of ``World.seed``."""

    count: int
    contracts: Sequence[str]
    kinds: Sequence[str]
    expiring: int = 0
    former: int = 0
    csr: Mapping[str, object] = field(default_factory=dict)


def seed_document(number: int, kind: str, csr: Mapping[str, object] | None = None) -> Wire:
    """Give the document of one seeded enrollment; ``number`` makes its names its own.

    :param csr: members that hold over the made-up ones.
    """
    host = f"www{number}.seed.example.com"
    body: Wire = {
        "ra": RA[kind],
        "validationType": kind,
        "certificateType": "third-party" if kind == "third-party" else "san",
        "changeManagement": True,
        "enableMultiStackedCertificates": False,
        "signatureAlgorithm": "SHA-256",
        "csr": {**SUBJECT, "cn": host, "sans": [f"app{number}.seed.example.com"], **(csr or {})},
        "networkConfiguration": {
            "geography": "core",
            "secureNetwork": "standard-tls" if number % 2 else "enhanced-tls",
            "sniOnly": True,
            "quicEnabled": False,
            "dnsNameSettings": {"cloneDnsNames": True, "dnsNames": None},
        },
        "org": {"name": "Example", "city": "Cambridge", "country": "US", "addressLineOne": "1 Main St", "phone": "1"},
        "adminContact": dict(CONTACT),
        "techContact": {**CONTACT, "email": "sam.box@akamai.com", "organizationName": "Akamai"},
    }
    return rules.normalise(body)


def seed(machine: Machine, wanted: Wanted, now: datetime) -> list[int]:
    """Add enrollments, round robin over contracts and kinds, and give their ids; the first ones are the expiring ones.

    :raises ValueError: a kind is unknown.
    """
    contracts, kinds = wanted.contracts, wanted.kinds
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise ValueError(f"unknown kinds of enrollment: {', '.join(unknown)}; known: {', '.join(KINDS)}")
    ids, left = [], wanted.expiring
    for index in range(wanted.count):
        kind, pending, _rest = kinds[index % len(kinds)].partition("-pending")
        eid = machine.account.next("id")
        enrollment = Enrollment(eid, contracts[index % len(contracts)], seed_document(eid, kind, wanted.csr), now)
        machine.account.enrollments[eid] = enrollment
        ids.append(eid)
        if pending:
            machine.open(enrollment, "new-certificate", "new-certificate", now)
            continue
        days_left = 1 + index % 29 if left > 0 else LIFETIME[kind] - 1 - index % (LIFETIME[kind] // 4)
        left -= 1
        _deploy(machine, enrollment, kind, timedelta(days=days_left), now, wanted.former)
    for network in ("staging", "production"):
        machine.account.generations[network] += 1
    return ids


def _deploy(machine: Machine, enrollment: Enrollment, kind: str, left: timedelta, now: datetime, former: int) -> None:
    end = (now + left).replace(microsecond=0)
    start = end - timedelta(days=LIFETIME[kind])
    key, key_pem = machine.authority.pooled_key("ECDSA" if enrollment.id % 4 == 0 else "RSA", enrollment.id)
    network = rules.copy_wire(enrollment.doc["networkConfiguration"])
    for age in range(former, -1, -1):
        # Each was renewed thirty days before its end.
        earlier = age * timedelta(days=LIFETIME[kind] - 30)
        entry = machine.authority.sign(enrollment.doc["csr"], key, key_pem, start - earlier, end - earlier)
        deployment = Deployment([entry], network, deployed_names(enrollment.doc), start - earlier)
        enrollment.past.append(deployment)
    enrollment.staging = enrollment.production = deployment
    enrollment.slots = [machine.account.next("slot")]
    change = Change(
        id=enrollment.id,
        enrollment_id=enrollment.id,
        change_type="new-certificate",
        action="new-certificate",
        phase="complete",
        entered_at=start,
        created_on=start,
        created_by=machine.config.user,
        outcome="completed",
        last_updated=start,
        uploads=[entry],
    )
    if kind == "dv":
        change.challenges = machine.authority.challenges([enrollment.doc["csr"]["cn"]], start)
    enrollment.changes.append(change)
    enrollment.created_on = start
    machine.watch_renewal(enrollment)
