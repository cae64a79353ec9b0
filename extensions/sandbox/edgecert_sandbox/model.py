# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of the sandbox's engine: configuration, account, enrollments, changes, certificates.

No behaviour beyond small predicates; nothing of wire shapes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Wire = dict[str, Any]

NETWORKS = ("staging", "production")


@dataclass
class WorldConfig:
    """Everything about a sandbox account that a test or a user may set. Durations are seconds; 0 means at once.

    :param contracts: bare contract ids the account has.
    :param create_interval_s: a second create on one contract within this time is refused with 409; 0 allows it.
    :param pre_verification_warnings: True for one standard text, or the texts; empty for none. An id of
        ``warning_texts`` stands for its text, here and below.
    :param post_verification_warnings: texts added to whatever the upload check finds.
    :param deprovision_warnings: texts that halt a deletion until they are acknowledged.
    :param deprovision_stops: True lets the deletion of a live enrollment with change management stop for its
        acknowledgement once staging is without it. Assumed: no client tells of it, and CPS documents neither.
    :param location_style: ``mixed`` answers ``/cps/v2``, ``/cps-api`` and absolute locations; ``plain`` only the first.
    :param base_url: scheme and host put before absolute locations.
    :param inaccessible_contracts: known contracts outside the client's scope (403).
    :param contracts_without_cps: contracts that have no CPS (400).
    :param active_certificates_refused: words ``CONTRACT=STATUS``: contracts whose enrollments are listed, and what is
        live of them is not (400, 403).
    :param child_contracts: words ``CHILD=PARENT``: contracts that the contract-api lists with depth ``ALL`` alone.
    :param parents_list_children: True lists the enrollments of child contracts under their parents as well.
    :param unknown_versions: media versions that are refused, as ``enrollments.v11``, with 406 or 415.
    :param hidden_enrollments: ids of enrollments that the client does not see; they are there all the same.
    :param broken_enrollments: words ``ID=KIND``: enrollments that are answered wrongly, see ``broken``.
    :param traffic_names: lower-case names that still resolve to the network; they stop a deletion with 409.
    :param standard_roots: PEM certificates that count as standard (public) roots in upload checks.
    :param auto_renewal_days: days before expiry at which CPS opens a renewal; never more than a third of the lifetime.
    :param third_party_auto_renewal_shown: False answers ``autoRenewalStartTime: null`` for third-party enrollments.
    :param strange_words: True calls every status by a word that no client knows: the list of them is open.
    :param put_mid_deployment_500: True answers an update in mid-deployment with 500, as seen on the real service.
    :param second_csr_s: seconds by which the ECDSA CSR of a multi-stacked enrollment comes later than the RSA one.
    :param network_change_wants_certificate: True opens a change that asks for a new certificate where the network
        settings alone are changed.
    :param cancel_keeps_document: True leaves in the enrollment what a cancelled change had asked for.
    :param property_hostnames: active host names of properties, each ``HOSTNAME [PROPERTY [NETWORK|both [TYPE]]]``.
    :param san_removal_review: what an update that takes names out of a live enrollment asks for first: empty for
        nothing, ``csr`` for an acknowledgement before the CSR, ``deploy`` for one after which no CSR is made at all.
    :param dns_zones: zones of Edge DNS, each ``ZONE [PRIMARY|SECONDARY|ALIAS [CONTRACT]]``.
    :param dns_lag_s: seconds after which its name servers tell of a change.
    :param cancel_restores_staging: True puts the earlier certificate back on staging when a change is cancelled.
    """

    account_id: str = "A-CCT1234"
    account_name: str = "Sandbox Account"
    contracts: list[str] = field(default_factory=lambda: ["C-0N7RAC7"])
    pre_verification_s: float = 1.0
    csr_s: float = 3.0
    second_csr_s: float = 0.0
    verify_s: float = 2.0
    staging_s: float = 5.0
    production_s: float = 5.0
    lag_s: float = 1.0
    empty_input_s: float = 1.0
    deprovision_s: float = 3.0
    create_interval_s: float = 300.0
    pre_verification_warnings: bool | list[str] = False
    post_verification_warnings: list[str] = field(default_factory=list)
    deprovision_warnings: list[str] = field(default_factory=list)
    deprovision_stops: bool = False
    location_style: str = "mixed"
    base_url: str = "https://localhost"
    inaccessible_contracts: list[str] = field(default_factory=list)
    contracts_without_cps: list[str] = field(default_factory=list)
    child_contracts: list[str] = field(default_factory=list)
    parents_list_children: bool = False
    unknown_versions: list[str] = field(default_factory=list)
    hidden_enrollments: list[str] = field(default_factory=list)
    broken_enrollments: list[str] = field(default_factory=list)
    active_certificates_available: bool = True
    active_certificates_refused: list[str] = field(default_factory=list)
    traffic_names: list[str] = field(default_factory=list)
    standard_roots: list[str] = field(default_factory=list)
    max_san_names: int = 100
    max_wildcard_names: int = 100
    auto_renewal_days: int = 90
    third_party_auto_renewal_shown: bool = True
    cancel_keeps_document: bool = False
    property_hostnames: list[str] = field(default_factory=list)
    san_removal_review: str = ""
    cancel_restores_staging: bool = False
    dns_zones: list[str] = field(default_factory=lambda: ["example.com"])
    dns_lag_s: float = 1.0
    tech_contact_must_be_akamai: bool = True
    put_mid_deployment_500: bool = False
    strange_words: bool = False
    network_change_wants_certificate: bool = False
    user: str = "sandbox"

    @property
    def children(self) -> dict[str, str]:
        """Give child contracts with the parent of each."""
        return {word.split("=", 1)[0]: word.rpartition("=")[2] for word in self.child_contracts}


@dataclass(frozen=True)
class Served:
    """One certificate as an edge presents it now.

    :param names: lower-case DNS names it is chosen for by SNI.
    :param chain_pem: leaf first, then the chain.
    :param key_pem: PKCS#8 PEM, unencrypted; never to be logged.
    :param disallowed_tls_versions: refused in the handshake, as CPS names them.
    """

    names: list[str]
    chain_pem: str
    key_pem: str = field(repr=False)
    key_algorithm: str
    disallowed_tls_versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """One thing that happened, for tests and the admin interface."""

    at: datetime
    kind: str
    enrollment_id: int
    change_id: int | None
    text: str


@dataclass
class KeyPair:
    """A key made by CPS and the CSR for it (PEM); the private key never leaves the engine but for the edges."""

    key_algorithm: str
    key_pem: str = field(repr=False)
    csr_pem: str
    public_der: bytes = field(repr=False)


@dataclass
class CertificateEntry:
    """A certificate known to CPS, with what the lists tell of it.

    :param serial: colon-separated hexadecimal.
    :param fingerprint: SHA-256 over the DER, colon-separated hexadecimal.
    """

    key_algorithm: str
    certificate: str
    trust_chain: str
    csr: str
    key_pem: str = field(repr=False)
    issuer: str
    serial: str
    fingerprint: str
    signature_algorithm: str
    not_before: datetime
    not_after: datetime
    names: list[str]


@dataclass
class Deployment:
    """What one network serves for an enrollment."""

    certificates: list[CertificateEntry]
    network: Wire
    dns_names: list[str]
    at: datetime


@dataclass
class Change:
    """A running or ended change; ``phase`` is a key of the table in ``changes``.

    :param adds_missing: True keeps deployed certificates of other key algorithms beside the new one.
    :param due: moment at which the phase ends by itself; None waits for input.
    :param shown_phase: what readers still see until ``shown_until``.
    :param skips_staging: True goes from the checks to production, unapproved; for changes without a certificate.
    :param previous: the enrollment document before this change, put back when it is cancelled.
    """

    id: int
    enrollment_id: int
    change_type: str | None
    action: str
    phase: str
    entered_at: datetime
    created_on: datetime
    created_by: str
    needs_certificate: bool = True
    adds_missing: bool = False
    skips_staging: bool = False
    due: datetime | None = None
    shown_phase: str = ""
    shown_until: datetime | None = None
    not_before: str | None = None
    not_after: str | None = None
    csr_ready: bool = False
    csr_ready_at: datetime | None = None
    algorithms: list[str] = field(default_factory=list)
    keys: list[KeyPair] = field(default_factory=list)
    uploads: list[CertificateEntry] = field(default_factory=list)
    pre_warnings: list[str] = field(default_factory=list)
    found_errors: list[str] = field(default_factory=list)
    found_warnings: list[str] = field(default_factory=list)
    validation_warnings: list[str] = field(default_factory=list)
    validation_errors: list[str] = field(default_factory=list)
    error: Wire | None = None
    outcome: str = "incomplete"
    last_updated: datetime | None = None
    previous: Wire | None = None
    previous_staging: Deployment | None = None
    challenges: list[Wire] = field(default_factory=list)


@dataclass
class Enrollment:
    """One enrollment; ``doc`` is the newest wire document without what the server computes."""

    id: int
    contract_id: str
    doc: Wire
    created_on: datetime
    slots: list[int] = field(default_factory=list)
    staging: Deployment | None = None
    production: Deployment | None = None
    changes: list[Change] = field(default_factory=list)
    past: list[Deployment] = field(default_factory=list)
    auto_renewal_at: datetime | None = None
    auto_renewal_opened: bool = False

    @property
    def pending(self) -> list[Change]:
        """Give the changes not yet ended, oldest first."""
        return [change for change in self.changes if change.outcome == "incomplete"]

    @property
    def is_third_party(self) -> bool:
        """Say whether the customer brings the certificate."""
        return bool(self.doc["validationType"] == "third-party")

    def deployed(self, network: str) -> Deployment | None:
        """Give what a network serves, or None."""
        return self.production if network == "production" else self.staging


@dataclass
class Account:
    """All of a sandbox's state.

    :param timeline: heap of ``(due, sequence, enrollment id, change id)``; change id 0 is CPS's own renewal.
    """

    enrollments: dict[int, Enrollment] = field(default_factory=dict)
    last_create: dict[str, datetime] = field(default_factory=dict)
    timeline: list[tuple[datetime, int, int, int]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    generations: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NETWORKS, 0))
    counters: dict[str, int] = field(default_factory=lambda: {"id": 10000, "slot": 12000, "timeline": 0})

    def next(self, counter: str) -> int:
        """Count a counter up and give its new value."""
        self.counters[counter] += 1
        return self.counters[counter]

    def note(self, at: datetime, kind: str, enrollment_id: int, change_id: int | None, text: str) -> None:
        """Append an event."""
        self.events.append(Event(at, kind, enrollment_id, change_id, text))
