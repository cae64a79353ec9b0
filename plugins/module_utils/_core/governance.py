# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frozen records of what is asked and allowed around a certificate: groups with their policy, attachments.

Conventions as in ``types``: times are aware and UTC, ``version`` counts the writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .redact import Secret

JsonMap = Mapping[str, Any]

DEFAULT_GROUP = "default"


@dataclass(frozen=True)
class Group:
    """A group of certificates and the policy that holds for them.

    :ivar defaults: options of the enrolment form that are filled in where the form leaves them out.
    :ivar allowed: by option of the form, the values and patterns it may have; an option not named may have any.
    :ivar ca_accounts: CA accounts that may sign; empty means every one.
    :ivar standby_cas: accounts that are asked where the one before took no order, in order; ``ca, ca_options,
        after_minutes`` each.
    :ivar approvals: what differs from ``policy.APPROVALS``: ``enroll`` and ``push`` (levels, 0 to 5),
        ``distinct_approvers``, ``requester_may_approve``, ``valid_hours``.
    :ivar auto_approve: the policy itself approves what is submitted.
    :ivar push_automatically: a renewed certificate may be pushed without being asked for (A5).
    :ivar automatic_network: how far such a push goes: ``staging``, or ``production`` by way of it.
    :ivar renewal_window_days: days before expiry at which automatic renewal begins where the certificate names none;
        None means by the share of its life.
    :ivar expiry_warning_days: from so many days before expiry a certificate counts as expiring.
    :ivar freeze_windows: times in which nothing is implemented; members as ``freeze`` reads them.
    :ivar warnings: the lists ``allow``, ``ask``, ``block`` of the warning policy.
    :ivar revocation_checks: what differs from ``policy.REVOCATION_CHECKS``: ``every_hours``, ``proxy``.
    :ivar proof: by network, what proves a push: ``handshake`` or ``api``; a network left out has no rule.
    """

    name: str
    description: str = ""
    defaults: JsonMap = field(default_factory=dict)
    allowed: JsonMap = field(default_factory=dict)
    ca_accounts: tuple[str, ...] = ()
    standby_cas: tuple[JsonMap, ...] = ()
    approvals: JsonMap = field(default_factory=dict)
    auto_approve: bool = False
    push_automatically: bool = False
    automatic_network: str = "staging"
    renewal_window_days: int | None = None
    expiry_warning_days: int = 30
    freeze_windows: tuple[JsonMap, ...] = ()
    warnings: JsonMap = field(default_factory=dict)
    revocation_checks: JsonMap = field(default_factory=dict)
    proof: JsonMap = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True)
class Attachment:
    """A file kept with a certificate (E18).

    :ivar attachment_id: ``certificate_id`` and the SHA-256 of the content, so that the same file is kept once.
    :ivar digest: SHA-256 of the content in lower-case hex; ``size`` in bytes.
    :ivar content: the content as base64; sealed at rest, since contracts and mails are attached.
    """

    attachment_id: str
    certificate_id: str
    name: str
    request_id: str = ""
    comments: str = ""
    digest: str = ""
    size: int = 0
    content: Secret | None = None
    actor: str = ""
    created_at: datetime | None = None
    version: int = 0
