# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wire objects of the three histories: certificates, changes, domain validations. Reads records, changes nothing."""

from __future__ import annotations

from . import keys
from .changes import Machine
from .clock import iso
from .model import CertificateEntry, Change, Enrollment, Wire

DESCRIPTIONS = {
    "new-certificate": "Create New Certificate",
    "renew": "Renew Certificate",
    "modify-san": "Modify SANs",
    "import-certificate": "Import Certificate",
    "update-network-configuration": "Update Network Configuration",
}


def certificate_history(enrollment: Enrollment, version: int) -> Wire:
    """Build ``certificate-history``: every set of certificates ever deployed, newest first."""
    certificates = []
    for deployment in reversed(enrollment.past):
        entries = [_certificate(entry, version) for entry in deployment.certificates]
        marks = {entry.fingerprint for entry in deployment.certificates}
        on_production = _serves(enrollment, "production", marks)
        on_staging = _serves(enrollment, "staging", marks)
        certificates.append(
            {
                "type": enrollment.doc["certificateType"],
                "ra": enrollment.doc["ra"],
                "geography": deployment.network["geography"],
                "deploymentStatus": "active" if on_production else "inactive",
                "stagingStatus": "active" if on_staging else "inactive",
                "slots": list(enrollment.slots) if on_production or on_staging else [],
                "primaryCertificate": entries[0] if entries else None,
                "multiStackedCertificates": entries[1:],
            }
        )
    return {"certificates": certificates}


def change_history(machine: Machine, enrollment: Enrollment, version: int) -> Wire:
    """Build ``change-history``: newest first, CSRs readable long after the upload."""
    for change in enrollment.changes:
        machine.keys_of(enrollment, change)
    return {"changes": [_change(enrollment, change, version) for change in reversed(enrollment.changes)]}


def dv_history(enrollment: Enrollment) -> Wire:
    """Build ``dv-history`` of a DV enrollment."""
    results: list[Wire] = []
    for change in reversed(enrollment.changes):
        for domain in change.challenges:
            results.append({"domain": domain["domain"], "domainHistory": [{**domain, "validationRecords": []}]})
    return {"results": results}


def _serves(enrollment: Enrollment, network: str, fingerprints: set[str]) -> bool:
    deployment = enrollment.deployed(network)
    return deployment is not None and {entry.fingerprint for entry in deployment.certificates} == fingerprints


def _certificate(entry: CertificateEntry, version: int) -> Wire:
    view = {"certificate": entry.certificate, "trustChain": entry.trust_chain, "expiry": iso(entry.not_after)}
    if version >= 2:
        view["keyAlgorithm"] = entry.key_algorithm
    return view


def _change(enrollment: Enrollment, change: Change, version: int) -> Wire:
    stacked = _stacked(enrollment, change)
    if version < 5:
        for view in stacked:
            del view["keyAlgorithm"]
    return {
        "action": change.action,
        "actionDescription": DESCRIPTIONS[change.action],
        "businessCaseId": None,
        "createdBy": change.created_by,
        "createdOn": iso(change.created_on),
        "lastUpdated": iso(change.last_updated) if change.last_updated else None,
        "ra": enrollment.doc["ra"],
        "status": change.outcome,
        # A change of the network alone is listed with no certificate at all, though one is live.
        "primaryCertificate": stacked[0] if stacked else None,
        "primaryCertificateOrderDetails": None,
        "multiStackedCertificates": stacked[1:],
    }


def _stacked(enrollment: Enrollment, change: Change) -> list[Wire]:
    """Give the certificates of a change with their CSRs, ECDSA first; a CSR stands alone until its upload."""
    uploads = {entry.key_algorithm: entry for entry in change.uploads}
    requests = {pair.key_algorithm: pair.csr_pem for pair in change.keys}
    views = []
    for algorithm in sorted({*uploads, *requests}):
        entry = uploads.get(algorithm)
        request = requests.get(algorithm) or (_csr_of(enrollment, entry) if entry else "")
        views.append(
            {
                "certificate": entry.certificate if entry else None,
                "trustChain": entry.trust_chain if entry else None,
                "csr": request,
                "keyAlgorithm": algorithm,
            }
        )
    return views


def _csr_of(enrollment: Enrollment, entry: CertificateEntry) -> str:
    # Seeded certificates get their CSR when somebody first asks for it: ten thousand would cost seconds.
    if not entry.csr:
        entry.csr = keys.make_csr(keys.key_from_pem(entry.key_pem), enrollment.doc["csr"], exclude_sans=False)
    return entry.csr
