# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every word a user may type as a choice, once, with the labels the manual shows beside them."""

from __future__ import annotations

from collections.abc import Mapping

SYNC_MANAGED = "managed"
SYNC_MONITORED = "monitored"
SYNC_IGNORED = "ignored"
SYNC_MODES = (SYNC_MANAGED, SYNC_MONITORED, SYNC_IGNORED)

STATUS_FAILED = "failed"
STATUS_UNRESOLVED = "unresolved"

DISCOVER_MODES = ("none", "changes", "full")

VALIDATION_TYPES = ("third-party", "dv", "ov", "ev")
SECURE_NETWORKS = ("standard-tls", "enhanced-tls")
VENDOR_CERTIFICATE_TYPES = ("third-party", "san", "single", "wildcard", "wildcard-san")

# CPS's own rule, cps-protocol §2.5: which certificate types a validation type can have.
CERTIFICATE_TYPES_OF: Mapping[str, tuple[str, ...]] = {
    "third-party": ("third-party",),
    "dv": ("san",),
    "ov": ("single", "san", "wildcard", "wildcard-san"),
    "ev": ("single", "san"),
}

NETWORKS = ("staging", "production")
WARNING_LISTS = ("allow", "ask", "block")
GEOGRAPHIES = ("core", "china+core", "russia+core")
OCSP_STAPLING = ("on", "off", "not-set")
TLS_VERSIONS = ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")

CA_TYPES = (
    "acme",
    "aws_pca",
    "csc_global",
    "digicert",
    "digicert_one",
    "ejbca",
    "est",
    "globalsign_mssl",
    "google_cas",
    "hydrantid",
    "idnomic",
    "nexus",
    "own_ca",
    "vault_pki",
)
# RFC 5280 §5.3.1; a hold, and its end, make no sense for a server's certificate, and public trust forbids them: one is
# seen, and never asked for.
REASON_CODES: Mapping[str, int] = {
    "unspecified": 0,
    "key_compromise": 1,
    "ca_compromise": 2,
    "affiliation_changed": 3,
    "superseded": 4,
    "cessation_of_operation": 5,
    "privilege_withdrawn": 9,
    "aa_compromise": 10,
}
REVOCATION_REASONS = tuple(REASON_CODES)
# RFC 5280's names of the reasons, by ours.
REASON_NAMES: Mapping[str, str] = {
    "unspecified": "unspecified",
    "key_compromise": "keyCompromise",
    "ca_compromise": "cACompromise",
    "affiliation_changed": "affiliationChanged",
    "superseded": "superseded",
    "cessation_of_operation": "cessationOfOperation",
    "privilege_withdrawn": "privilegeWithdrawn",
    "aa_compromise": "aACompromise",
}
# Those that a subscriber may give where browsers trust; the others are the CA's to say.
SUBSCRIBER_REASONS = ("unspecified", "key_compromise", "affiliation_changed", "superseded", "cessation_of_operation")
ENDPOINT, LOCAL, UPLOAD, HSM, ADC, CA_MADE = "endpoint", "local", "upload", "hsm", "adc", "ca"
# Where key and CSR are made; with the last one there is no CSR at all.
CSR_SOURCES = (ENDPOINT, LOCAL, UPLOAD, HSM, ADC, CA_MADE)
KEY_TYPES = ("rsa", "ec", "ed25519")
HASHES = ("sha256", "sha384", "sha512")
CURVES = ("secp256r1", "secp384r1", "secp521r1")
# Other names of the same curves, as NIST and OpenSSL write them.
CURVE_ALIASES: Mapping[str, str] = {
    "p-256": "secp256r1",
    "prime256v1": "secp256r1",
    "p-384": "secp384r1",
    "p-521": "secp521r1",
}
# Table 10 of the manual, in its order.
GENERIC_FIELDS = (
    *("device_name", "application_ip", "tracking_id", "holder_email", "first_name", "last_name", "organization"),
    *("comment", "uuid"),
)
VALIDITY_UNITS = ("days", "months", "years")

RSA = "RSA"
ECDSA = "ECDSA"
ED25519 = "Ed25519"

# The four entries of the device status log, D9.
LOG_COMMUNICATION = "Device communication"
LOG_VERSION = "Device Version"
LOG_INSTANCE = "Instance Information"
LOG_DISCOVERY = "Certificate Discovery From Device"

REQUEST_LABELS: Mapping[str, str] = {
    "draft": "Draft",
    "submitted": "Submitted",
    "approved": "Approved",
    "scheduled": "Scheduled",
    "implementing": "CSR submission to CA in progress",
    "in_doubt": "In doubt",
    "retrieval_in_progress": "Submit certificate - retrieval in progress",
    "issued": "Completed",
    "revoked": "Revoked",
    "rejected": "Rejected",
    "cancelled": "Cancelled",
    "failed": "Failed",
}

WORK_ORDER_LABELS: Mapping[str, str] = {
    "submitted": "Submitted",
    "review_in_progress": "Push-Review In Progress",
    "approved": "Approved",
    "scheduled": "Scheduled",
    "implementing": "Push in progress",
    "needs_decision": "Waiting for a decision",
    "in_doubt": "In doubt",
    "deploying_staging": "Deploying to staging",
    "on_staging": "On staging",
    "deploying_production": "Deploying to production",
    "completed": "Completed",
    "rejected": "Rejected",
    "cancelled": "Cancelled",
    "failed": "Failed",
}


def curve_name(word: str) -> str:
    """Give a curve's name by which it is compared, as ``secp256r1`` for ``P-256``; the word itself where it is none."""
    plain = word.strip().lower()
    return CURVE_ALIASES.get(plain, plain)


def canonical(word: str, choices: tuple[str, ...]) -> str | None:
    """Give the choice a friendly spelling means, as ``Third-party`` or ``standard_tls``; None for none.

    :param word: any case; blanks and underscores count as hyphens.
    """
    plain = word.strip().lower().replace(" ", "-").replace("_", "-")
    for choice in choices:
        if choice.lower() == plain:
            return choice
    return None
