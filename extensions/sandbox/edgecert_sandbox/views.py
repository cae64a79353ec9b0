# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wire objects of enrollments, changes and deployments, by media version. Reads records, changes nothing."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from . import keys
from .changes import Machine
from .clock import iso
from .model import CertificateEntry, Change, Deployment, Enrollment, KeyPair, Wire, WorldConfig
from .phases import PHASES, Input
from .rules import copy_wire
from .warning_texts import TEXTS

V4_LIST_MEMBERS = ("certificateChainType", "enableMultiStackedCertificates")
V4_ABSENT = (*V4_LIST_MEMBERS, "maxAllowedSanNames", "maxAllowedWildcardSanNames")
V11_MEMBERS = ("id", "orgId", "assignedSlots", "productionSlots", "stagingSlots")
NETWORK_SHOWN = ("geography", "mustHaveCiphers", "preferredCiphers", "ocspStapling", "quicEnabled", "secureNetwork")


def enrollment_path(config: WorldConfig, eid: int) -> str:
    """Give an enrollment's location in one of the styles the real service uses."""
    style = eid % 3 if config.location_style == "mixed" else 0
    prefix = ("/cps/v2", "/cps-api", f"{config.base_url}/cps/v2")[style]
    return f"{prefix}/enrollments/{eid}"


def change_path(config: WorldConfig, change: Change) -> str:
    """Give a change's location."""
    return f"{enrollment_path(config, change.enrollment_id)}/changes/{change.id}"


def status_view(config: WorldConfig, eid: int, changes: list[Change]) -> Wire:
    """Build ``enrollment-status``."""
    return {"enrollment": enrollment_path(config, eid), "changes": [change_path(config, one) for one in changes]}


def enrollment_view(config: WorldConfig, enrollment: Enrollment, version: int) -> Wire:
    """Build one enrollment in a media version."""
    doc: Wire = copy_wire(enrollment.doc)
    doc["csr"]["sans"] = keys.names_of(enrollment.doc["csr"])
    doc["id"] = enrollment.id
    doc["location"] = enrollment_path(config, enrollment.id)
    doc["maxAllowedSanNames"] = config.max_san_names
    doc["maxAllowedWildcardSanNames"] = config.max_wildcard_names
    shown = enrollment.auto_renewal_at
    if enrollment.is_third_party and not config.third_party_auto_renewal_shown:
        shown = None
    doc["autoRenewalStartTime"] = iso(shown) if shown else None
    doc.update(slots_view(enrollment))
    doc["pendingChanges"] = [
        {"location": change_path(config, change), "changeType": change.change_type} for change in enrollment.pending
    ]
    _downgrade(doc, version)
    return doc


def enrollments_view(config: WorldConfig, enrollments: list[Enrollment], version: int) -> Wire:
    """Build ``enrollments``; version 4 of the list tells two members that version 4 of the single one does not."""
    found = [enrollment_view(config, one, version) for one in enrollments]
    if version == 4:
        for view, enrollment in zip(found, enrollments, strict=True):
            view.update({member: enrollment.doc[member] for member in V4_LIST_MEMBERS})
    return {"enrollments": found}


def _listed(settings: Wire | None) -> Wire | None:
    """Write DNS name settings where names must be a list, even an empty one."""
    return settings and {**settings, "dnsNames": list(settings.get("dnsNames") or [])}


def slots_view(enrollment: Enrollment) -> Wire:
    """Build the three slot members."""
    return {
        "assignedSlots": list(enrollment.slots),
        "productionSlots": list(enrollment.slots) if enrollment.production else [],
        "stagingSlots": list(enrollment.slots) if enrollment.staging else [],
    }


def _downgrade(doc: Wire, version: int) -> None:
    network = doc["networkConfiguration"]
    if version < 12:
        network.pop("fipsMode", None)
    if version < 11:
        for member in V11_MEMBERS:
            doc.pop(member, None)
        for member in ("c", "st", "l", "o", "preferredTrustChain"):
            if doc["csr"][member] is None:
                del doc["csr"][member]
        network["dnsNameSettings"] = _listed(network["dnsNameSettings"])
    if version < 10:
        doc["pendingChanges"] = [change["location"] for change in doc["pendingChanges"]]
        doc["csr"].pop("preferredTrustChain", None)
    if version < 9:
        doc.pop("autoRenewalStartTime", None)
        network.pop("clientMutualAuthentication", None)
    if version < 5:
        for member in V4_ABSENT:
            doc.pop(member, None)
        settings = network.pop("dnsNameSettings")
        sni_only = network.pop("sniOnly")
        network["sni"] = (settings or {"cloneDnsNames": True, "dnsNames": []}) if sni_only else None
        network.pop("quicEnabled")
        network.pop("ocspStapling")


def change_view(machine: Machine, change: Change, now: datetime) -> Wire:
    """Build ``change``: what readers see, which lags behind what is."""
    phase, inputs = change.phase, machine.inputs(change, now)
    lagging = change.shown_until is not None and now < change.shown_until
    if lagging:
        phase, inputs = change.shown_phase, PHASES[change.shown_phase].inputs
    row = PHASES[phase]
    return {
        "statusInfo": {
            "status": f"step-{sum(row.status.encode()):x}" if machine.config.strange_words else row.status,
            "state": row.state,
            "description": row.description,
            "error": None if lagging else change.error,
            "deploymentSchedule": schedule_view(change),
        },
        "allowedInput": [_input_view(change, one) for one in inputs],
    }


def schedule_view(change: Change) -> Wire:
    """Build ``deployment-schedule``."""
    return {"notBefore": change.not_before, "notAfter": change.not_after}


def _input_view(change: Change, allowed: Input) -> Wire:
    base = f"/cps/v2/enrollments/{change.enrollment_id}/changes/{change.id}/input"
    return {
        "type": allowed.type,
        "requiredToProceed": allowed.required,
        "info": f"{base}/info/{allowed.info}",
        "update": f"{base}/update/{allowed.update}",
    }


def csr_view(pairs: list[KeyPair], version: int) -> Wire:
    """Build ``csr``; version 1 knows one CSR and no algorithm."""
    if version < 2:
        return {"csr": pairs[0].csr_pem}
    return {"csrs": [{"csr": pair.csr_pem, "keyAlgorithm": pair.key_algorithm} for pair in pairs]}


def certificate_view(entry: CertificateEntry, version: int) -> Wire:
    """Build one certificate of a deployment."""
    view = {
        "certificate": entry.certificate,
        "trustChain": entry.trust_chain,
        "expiry": iso(entry.not_after),
        "signatureAlgorithm": entry.signature_algorithm,
    }
    if version >= 7:
        view["keyAlgorithm"] = entry.key_algorithm
    return view


def network_view(deployment: Deployment) -> Wire:
    """Build the network configuration of a deployment."""
    network = deployment.network
    view = {name: network[name] for name in NETWORK_SHOWN}
    view["sniOnly"] = network["sniOnly"]
    view["disallowedTlsVersions"] = list(network["disallowedTlsVersions"])
    view["dnsNames"] = list(deployment.dns_names)
    return view


def deployment_view(deployment: Deployment, version: int) -> Wire:
    """Build ``deployment`` in a media version."""
    network = network_view(deployment)
    if version < 6:
        return _flat_deployment(deployment, network, version)
    certificates = [certificate_view(entry, version) for entry in deployment.certificates]
    return {
        "ocspStapled": deployment.network["ocspStapling"] == "on",
        "ocspUris": [],
        "networkConfiguration": network,
        "primaryCertificate": certificates[0] if certificates else None,
        "multiStackedCertificates": certificates[1:],
    }


def _flat_deployment(deployment: Deployment, network: Wire, version: int) -> Wire:
    dns_names, sni_only = network.pop("dnsNames"), network.pop("sniOnly")
    if version < 3:
        network["networkType"] = None
        for member in ("geography", "secureNetwork", *(("disallowedTlsVersions",) if version < 2 else ())):
            network.pop(member)
    for member in ("quicEnabled", "ocspStapling"):
        network.pop(member)
    network["sni"] = {"cloneDnsNames": False, "dnsNames": dns_names} if sni_only else None
    first = deployment.certificates[0] if deployment.certificates else None
    return {
        "certificate": first.certificate if first else None,
        "trustChain": first.trust_chain if first else None,
        "signatureAlgorithm": first.signature_algorithm if first else None,
        "networkConfiguration": network,
    }


def change_management_view(machine: Machine, enrollment: Enrollment, change: Change, version: int) -> Wire:
    """Build ``change-management-info``; booleans are texts, as on the real service."""
    network, staged = enrollment.doc["networkConfiguration"], enrollment.staging
    certificates = [
        {
            "certificateType": enrollment.doc["certificateType"],
            "fullCertificate": entry.certificate,
            "keyAlgorithm": entry.key_algorithm,
            "signatureAlgorithm": entry.signature_algorithm,
            "ocspStapled": _text(network["ocspStapling"] == "on"),
            "ocspUris": None,
        }
        for entry in (staged.certificates if staged else [])
    ]
    pending: Wire = {
        "pendingNetworkConfiguration": {
            "mustHaveCiphers": network["mustHaveCiphers"],
            "preferredCiphers": network["preferredCiphers"],
            "quicEnabled": _text(network["quicEnabled"]),
            "sniOnly": _text(network["sniOnly"]),
            "disallowedTlsVersions": list(network["disallowedTlsVersions"]),
            "dnsNameSettings": _listed(network["dnsNameSettings"]),
            "ocspStapling": network["ocspStapling"],
            "networkType": None,
        },
    }
    if version >= 5:
        pending["pendingCertificates"] = certificates
    elif certificates:
        first = certificates[0]
        del first["keyAlgorithm"]
        pending["pendingCertificate"] = first
    deadline = machine.deadline(enrollment)
    result = validation_result(enrollment, change)
    return {
        "acknowledgementDeadline": iso(deadline) if deadline else None,
        "validationResultHash": validation_hash(enrollment, change),
        "pendingState": pending,
        "validationResult": result,
    }


def validation_result(enrollment: Enrollment, change: Change) -> Wire:
    """Build the findings change management shows, names that leave a live certificate among them."""
    texts = list(change.validation_warnings)
    live = enrollment.production
    if live is not None and change.needs_certificate:
        before = {name for entry in live.certificates for name in entry.names}
        gone = sorted(before - set(keys.names_of(enrollment.doc["csr"])))
        lines = [f"SAN name [{name}] removed from certificate is still live on the network." for name in gone]
        if lines:
            texts.append(f"[{', '.join(lines)}]")
    return {
        "errors": [_message(text) for text in change.validation_errors] or None,
        "warnings": [_message(text) for text in texts],
    }


def validation_hash(enrollment: Enrollment, change: Change) -> str:
    """Give the hash over all that an acknowledgement approves."""
    staged = enrollment.staging
    material = {
        "certificates": [entry.fingerprint for entry in staged.certificates] if staged else [],
        "network": enrollment.doc["networkConfiguration"],
        "result": validation_result(enrollment, change),
        "change": change.id,
    }
    return hashlib.sha1(json.dumps(material, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def _message(text: str) -> Wire:
    return {"message": TEXTS.get(text, text), "messageCode": text if text in TEXTS else "no-code"}


def _text(value: bool) -> str:
    return "true" if value else "false"


def active_view(config: WorldConfig, enrollment: Enrollment, version: int) -> Wire:
    """Build one enrollment of ``active-certificates``."""
    doc = enrollment.doc
    view: Wire = {
        "id": enrollment.id,
        "location": enrollment_path(config, enrollment.id),
        "certificateType": doc["certificateType"],
        "csr": {"cn": doc["csr"]["cn"], "sans": keys.names_of(doc["csr"])},
        "enableMultiStackedCertificates": doc["enableMultiStackedCertificates"],
        **slots_view(enrollment),
        "pendingChanges": [
            {"changeType": change.change_type, "location": change_path(config, change)} for change in enrollment.pending
        ],
    }
    for network in ("production", "staging"):
        deployment = enrollment.deployed(network)
        view[network] = _active_network(view["location"], network, deployment, version) if deployment else None
    return view


def _active_network(location: str, network: str, deployment: Deployment, version: int) -> Wire:
    certificates = [_active_certificate(entry, version) for entry in deployment.certificates]
    return {
        "location": f"{location}/deployments/{network}",
        "networkConfiguration": {**network_view(deployment), "fipsMode": deployment.network.get("fipsMode")},
        "primaryCertificate": certificates[0] if certificates else None,
        "multiStackedCertificates": certificates[1:],
    }


def _active_certificate(entry: CertificateEntry, version: int) -> Wire:
    view = {
        "expiry": iso(entry.not_after),
        "keyAlgorithm": entry.key_algorithm,
        "serial": entry.serial,
        "sha256Fingerprint": entry.fingerprint,
        "signatureAlgorithm": entry.signature_algorithm,
    }
    if version >= 2:
        view["issuer"] = entry.issuer
    return view
