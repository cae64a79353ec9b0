# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frozen records that travel between layers and into the store.

Times are aware and UTC, PEM is text, fingerprints are SHA-256 in lower-case hex without colons. ``version`` counts
the writes of a stored record; 0 means it was never stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .redact import Secret

JsonMap = Mapping[str, Any]


@dataclass(frozen=True)
class Device:
    """One onboarded CPS account access: where it is, how it is reached, what may be done with it.

    :ivar sync: ``managed``, ``monitored`` or ``ignored``.
    :ivar host: EdgeGrid host with an optional port; empty when it comes from the credential source.
    :ivar credential_source: ``inline``, ``edgerc`` or ``environment``; only inline ones are kept here.
    :ivar contracts: the contract ids the user selected; empty means every visible one.
    :ivar status: ``managed``, ``monitored``, ``ignored``, ``failed``, ``unresolved``; empty before the first look.
    :ivar status_log: the four entries of D9, each ``name, result, at, since, duration_ms, detail``.
    :ivar instance: what the last look learned: contracts, account, enrollment count.
    :ivar discovery: counts of the last discovery.
    """

    name: str
    sync: str = "managed"
    host: str = ""
    data_center: str = ""
    proxy_required: bool = False
    proxy: Secret | None = None
    api_version: str = "cps/v2"
    credential_source: str = "inline"
    edgerc: str = ""
    section: str = ""
    client_token: Secret | None = None
    client_secret: Secret | None = None
    access_token: Secret | None = None
    account_switch_key: str = ""
    contracts: tuple[str, ...] = ()
    ca_path: str = ""
    validate_certs: bool = True
    timeout_s: int = 60
    status: str = ""
    status_log: tuple[JsonMap, ...] = ()
    instance: JsonMap = field(default_factory=dict)
    discovery: JsonMap = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    checked_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True)
class VendorSettings:
    """What CPS wants for every enrollment of one combination (S1).

    :ivar organization: S2; ``admin_contact``: S3; ``tech_contact``: S4; keys as the module's options.
    :ivar network: defaults of the enrollment's network configuration, keys as the module's options.
    """

    validation_type: str
    secure_network: str
    vendor_certificate_type: str
    organization: JsonMap
    admin_contact: JsonMap
    tech_contact: JsonMap
    contract_id: str = ""
    change_management: bool = True
    network: JsonMap = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True)
class CaAccount:
    """One account at a certificate authority.

    :ivar type: registry name of the CA connector, as ``own_ca``.
    :ivar options: not secret, searched by nobody.
    :ivar secrets: JSON text of the secret options; sealed at rest.
    """

    name: str
    type: str
    options: JsonMap = field(default_factory=dict)
    secrets: Secret | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True)
class Certificate:
    """One line of the inventory: a name's certificate as enrolled here or found at a device.

    :ivar certificate_id: E21; unique in the store.
    :ivar origin: ``enrolled`` or ``discovered``.
    :ivar state: ``pending`` (no certificate yet), ``issued``, ``suspended`` (its CA has it on hold), ``superseded``,
        ``revoked``, ``vanished``.
    :ivar sans: DNS names, lower-case, sorted, the common name among them.
    :ivar fingerprint: of the primary certificate: the issued one, else what production, else what staging serves.
    :ivar production: what production serves, as ``fingerprint, serial, issuer, not_after, key_algorithm, others[]``;
        empty when nothing.
    :ivar staging: the same for staging.
    :ivar pending_changes: ``change_id, change_type``, the newest last.
    :ivar group: empty means the default group.
    :ivar attributes: free keys and values (E19).
    :ivar auto_renew: ``enabled, days_before`` (E3); ``auto_regenerate`` has ``force_local_csr`` too (E4).
    :ivar parent: id of the superseded certificate this one follows; ``successor`` the other way round.
    :ivar revocation: what CAs say, by fingerprint: ``state, reason, revoked_at, source, checked_at, message``, as
        ``revocation_states`` writes it.
    :ivar history_read: fingerprint that was live when the history at the device was read; empty before that.
    """

    certificate_id: str
    origin: str
    common_name: str
    state: str = "pending"
    sans: tuple[str, ...] = ()
    san_count: int = 0
    device: str = ""
    enrollment_id: int | None = None
    contract_id: str = ""
    validation_type: str = ""
    certificate_type: str = ""
    secure_network: str = ""
    change_management: bool | None = None
    ca: str = ""
    request_id: str = ""
    key_algorithm: str = ""
    issuer: str = ""
    serial: str = ""
    fingerprint: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    production: JsonMap = field(default_factory=dict)
    staging: JsonMap = field(default_factory=dict)
    pending_changes: tuple[JsonMap, ...] = ()
    attributes: JsonMap = field(default_factory=dict)
    group: str = ""
    auto_renew: JsonMap = field(default_factory=dict)
    auto_regenerate: JsonMap = field(default_factory=dict)
    parent: str = ""
    successor: str = ""
    revocation: JsonMap = field(default_factory=dict)
    history_read: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True)
class StoredPem:
    """A certificate's text, kept once for each fingerprint.

    :ivar chain: PEM of the intermediates, the leaf's issuer first; may be empty, as ``root``, when unknown.
    """

    fingerprint: str
    leaf: str
    chain: str = ""
    root: str = ""
    version: int = 0


@dataclass(frozen=True)
class CertRequest:
    """One certificate request: asked for once, its wish never changes, it ends issued, rejected, cancelled or failed.

    :ivar action: ``enroll``, ``renew``, ``regenerate``, ``revoke`` or ``adopt``; ``state``: design §5.
    :ivar reason: stable word for why it stands where it stands, may be empty; ``message`` the same as a sentence.
    :ivar wish: CSR parameters and endpoint choices as asked for, in the words of the module's options.
    :ivar key_reference: what the key provider needs to go on: for CPS the enrollment and change ids.
    :ivar csrs: PEM by key algorithm, ``RSA`` or ``ECDSA``; ``ca_handles`` the CA connector's handles.
    :ivar ca_progress: what the CA says of each order, by key algorithm, as ``ca_orders`` writes it.
    :ivar fingerprints: of the issued leaves by key algorithm; ``refusals`` say why there is none.
    :ivar conditions: ``type, at, actor, comment`` of each step taken, oldest first.
    :ivar policy: the part of the group's policy that holds for it, as it was when it was submitted.
    :ivar approvals: those that count, as ``approvals`` writes them; void and expired ones stand in the conditions.
    :ivar manual_implementation: it waits for somebody to implement it, not before ``scheduled_at``.
    :ivar renews: what it follows: ``fingerprints, not_after, automatic``; empty for a first enrolment.
    :ivar next_look_at: earliest time at which looking again makes sense.
    """

    request_id: str
    certificate_id: str
    action: str
    state: str
    ca: str
    csr_source: str
    reason: str = ""
    message: str = ""
    device: str = ""
    ca_options: JsonMap = field(default_factory=dict)
    wish: JsonMap = field(default_factory=dict)
    key_reference: JsonMap = field(default_factory=dict)
    csrs: JsonMap = field(default_factory=dict)
    ca_handles: JsonMap = field(default_factory=dict)
    ca_progress: JsonMap = field(default_factory=dict)
    fingerprints: JsonMap = field(default_factory=dict)
    conditions: tuple[JsonMap, ...] = ()
    actor: str = ""
    comment: str = ""
    tracking_id: str = ""
    group: str = ""
    policy: JsonMap = field(default_factory=dict)
    approvals: tuple[JsonMap, ...] = ()
    manual_implementation: bool = False
    scheduled_at: datetime | None = None
    renews: JsonMap = field(default_factory=dict)
    refusals: JsonMap = field(default_factory=dict)
    next_look_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True)
class Connector:
    """An application connector: where one certificate goes (A1–A5).

    :ivar script_location: ``controller`` or ``device``; scripts are paths, empty for none (A4).
    :ivar push_automatically: after a renewal, to ``automatic_network``, as far as the group allows it too (A5).
    :ivar warnings: the lists ``allow``, ``ask``, ``block`` for its pushes; they go before the group's.
    """

    certificate_id: str
    name: str
    description: str = ""
    devices: tuple[str, ...] = ()
    script_location: str = "controller"
    pre_push_script: str = ""
    post_push_script: str = ""
    script_timeout_s: int = 60
    push_automatically: bool = False
    automatic_network: str = "staging"
    warnings: JsonMap = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True)
class WorkOrder:
    """One push of one certificate through one application connector to one network of one device.

    :ivar fingerprints: of the leaves it pushes or takes back, by key algorithm; ``state`` is of design §5.
    :ivar change: the enrollment and change ids it works on.
    :ivar notices: warnings met: ``code, text, decision, is_new``.
    :ivar evidence: what proved the deployment, as ``_clm/proof`` writes it; ``edges``: where, as ``_clm/edges`` says.
    :ivar policy, approvals, manual_implementation, scheduled_at: as of a request; ``warnings``: the lists that hold.
    :ivar is_automatic: opened by the runner of due work, not by a person.
    :ivar scripts: what its pre- and post-push scripts did, as ``scripts`` writes it.
    :ivar last_safe_at: from then on CPS deploys by itself what is on staging; None when it does not, or it is unknown.
    """

    work_order_id: str
    certificate_id: str
    connector: str
    device: str
    action: str
    network: str
    state: str
    reason: str = ""
    message: str = ""
    fingerprints: JsonMap = field(default_factory=dict)
    change: JsonMap = field(default_factory=dict)
    notices: tuple[JsonMap, ...] = ()
    evidence: tuple[JsonMap, ...] = ()
    conditions: tuple[JsonMap, ...] = ()
    actor: str = ""
    comment: str = ""
    tracking_id: str = ""
    group: str = ""
    policy: JsonMap = field(default_factory=dict)
    approvals: tuple[JsonMap, ...] = ()
    manual_implementation: bool = False
    scheduled_at: datetime | None = None
    warnings: JsonMap = field(default_factory=dict)
    edges: JsonMap = field(default_factory=dict)
    is_automatic: bool = False
    scripts: tuple[JsonMap, ...] = ()
    last_safe_at: datetime | None = None
    next_look_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True)
class Intent:
    """A remote side effect about to happen, written before it does and closed after.

    :ivar kind: what was going to be done, as ``open_enrollment``, ``order_certificate``, ``upload_certificate``.
    :ivar noun: the record it is done for, ``request`` or ``work_order``; ``key`` is that record's id.
    :ivar wanted: enough to find the effect again at the remote side.
    :ivar result: what came of it; empty while ``finished_at`` is None.
    """

    intent_id: str
    kind: str
    noun: str
    key: str
    wanted: JsonMap = field(default_factory=dict)
    result: JsonMap = field(default_factory=dict)
    created_at: datetime | None = None
    finished_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True)
class AuditEntry:
    """One line of the audit, before it is chained.

    :ivar action: verb in the past, as ``device_onboarded``.
    :ivar before: redacted record before, None when there was none; ``after`` likewise.
    """

    actor: str
    action: str
    noun: str
    key: str
    before: JsonMap | None = None
    after: JsonMap | None = None
    comment: str = ""
    tracking_id: str = ""


@dataclass(frozen=True)
class AuditRow:
    """A chained line: ``hash`` covers every other member and the hash of the line before.

    :ivar sequence: from 1, without gaps.
    """

    sequence: int
    at: datetime
    entry: AuditEntry
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class Bundle:
    """An issued certificate as it comes from a CA.

    :ivar leaf: PEM.
    :ivar chain: PEM of each intermediate, the leaf's issuer first; empty when the root signed.
    :ivar root: PEM of the root, or empty.
    """

    leaf: str
    chain: tuple[str, ...] = ()
    root: str = ""


@dataclass(frozen=True)
class Notice:
    """A warning text of the remote side, recognised as far as it is known.

    :ivar code: stable id of a known text, or empty.
    """

    code: str
    text: str
