# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the surveys of the job templates ask, playbook by playbook: one line a question.

Words, choices and kinds come from the documentation of the option that the variable becomes. ``playbooks/enroll.yml``
has surveys of its own, made from the table of fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LIST, PAIRS, LINES, TEXT = "list", "pairs", "lines", "text"


@dataclass(frozen=True)
class Ask:
    """One question.

    :ivar variable: without ``clm_``.
    :ivar option: ``module.option``, of which it becomes; a member behind another dot. Empty: ``says`` says it all.
    :ivar label: what it is called.
    :ivar default: the answer that nobody changes; of a choice empty means that none is made.
    :ivar form: how it is written: ``list`` one entry a line, ``pairs`` one name=value a line, ``lines``; else one line.
    :ivar says: more words.
    """

    variable: str
    option: str
    label: str
    required: bool = False
    default: str = ""
    form: str = TEXT
    says: str = ""


@dataclass(frozen=True)
class Survey:
    """The survey of one playbook."""

    title: str
    asks: tuple[Ask, ...]


CERTIFICATE = Ask("certificate", "cert_push.certificate", "Certificate", required=True)
CONNECTOR = Ask("connector", "cert_push.connector", "Application connector")
COMMENT = Ask("comment", "cert_push.comment", "Comment", form=LINES)
EDGES = (
    Ask("staging_edges", "cert_push.edge.staging", "Staging edges", form=LIST),
    Ask("production_edges", "cert_push.edge.production", "Production edges", form=LIST),
)
NETWORK = Ask("network", "cert_push.network", "Network", required=True, default="staging")
WHEN = (
    Ask("manual_implementation", "cert_push.manual_implementation", "Manual implementation", default="false"),
    Ask("schedule_at", "cert_push.schedule_at", "Implement at"),
    Ask("freeze_override", "cert_push.freeze_override", "Reason to go through a freeze"),
)
WHAT = (
    Ask("request_id", "cert_workflow.request_id", "Request"),
    Ask("work_order_id", "cert_workflow.work_order_id", "Work order"),
)
_WHY = Ask("comment", "cert_workflow.comment", "Comment", form=LINES)
_REASON = Ask("comment", "cert_workflow.comment", "Reason", required=True, form=LINES)
RUN = (
    Ask("limit", "cert_lifecycle.limit", "Pieces of work at most"),
    Ask("budget", "cert_lifecycle.budget", "API calls at most"),
)

SURVEYS: Mapping[str, Survey] = {
    "adopt": Survey(
        "Take over a certificate",
        (
            CERTIFICATE,
            Ask("ca", "cert_enroll.ca", "CA account", required=True),
            Ask("group", "cert_enroll.group", "Group"),
            Ask("validity_days", "cert_enroll.validity.count", "Days of validity"),
            Ask("comment", "cert_enroll.comment", "Comment", form=LINES),
        ),
    ),
    "approve": Survey(
        "Approve what was asked for",
        (
            *WHAT,
            Ask(
                "approve_all",
                "",
                "All that I may approve",
                default="false",
                says="true approves everything that waits for who runs it; false what is named, else it only lists.",
            ),
            Ask("at", "cert_workflow.at", "Counts from"),
            _WHY,
        ),
    ),
    "auto_renewal": Survey(
        "Renew and push by itself",
        (
            CERTIFICATE,
            Ask("group", "cert_enroll.group", "Group", required=True),
            Ask("days_before", "cert_enroll.auto_renew.days_before", "Days before expiry"),
            CONNECTOR,
            Ask(
                "push_automatically", "cert_connector.push_automatically", "Push renewals by themselves", default="true"
            ),
            Ask("automatic_network", "cert_connector.automatic_network", "Network of automatic pushes"),
        ),
    ),
    "ca_account": Survey(
        "Keep an account at a CA",
        (
            Ask("ca", "ca_account.name", "CA account", required=True),
            Ask("ca_type", "ca_account.type", "Type"),
            Ask(
                "ca_options",
                "",
                "Options of the CA",
                form=PAIRS,
                says="Which there are is in the guide on CAs. Secrets come from the CA's credential, never from here.",
            ),
            Ask("ca_test", "ca_account.test", "Test it", default="true"),
        ),
    ),
    "cancel": Survey(
        "Cancel what was asked for",
        (
            *WHAT,
            Ask("cancel_change", "cert_workflow.cancel_change", "Take back what it opened at Akamai", default="false"),
            _WHY,
        ),
    ),
    "configure": Survey(
        "Change network settings",
        (
            CERTIFICATE,
            Ask(
                "network_settings",
                "cert_push.network_settings",
                "Network settings",
                form=LINES,
                says='As JSON, as {"disallowed_tls_versions": ["TLSv1"]}.',
            ),
            Ask("from_snapshot", "cert_push.from_snapshot", "From a snapshot"),
            NETWORK,
            CONNECTOR,
            *WHEN,
            COMMENT,
        ),
    ),
    "discover": Survey(
        "Look at devices again",
        (
            Ask("device", "cert_enroll.device", "Device", says="Left out, all that are onboarded."),
            # Not required: AWX makes no schedule of a template whose survey requires an answer.
            Ask("discover", "akamai_cps_device.discover", "How thoroughly", default="changes"),
            Ask("history", "akamai_cps_device.history", "Earlier certificates too", default="false"),
            Ask("budget", "akamai_cps_device.budget", "API calls at most"),
        ),
    ),
    "edit_names": Survey(
        "Edit the names of a certificate",
        (
            CERTIFICATE,
            Ask("names", "cert_enroll.subject_alternative_names.dns", "All DNS names", required=True, form=LIST),
            Ask("allow_names_in_use", "cert_enroll.allow_names_in_use", "Drop names in use", default="false"),
            Ask(
                "warnings_allow",
                "",
                "Warnings to acknowledge",
                form=LIST,
                says="Ids of CPS's warnings, or expressions as the message shows. Names that go want "
                "SANS_REMOVED_REQUIRE_ACKNOWLEDGEMENT.",
            ),
            COMMENT,
        ),
    ),
    "first_certificate": Survey(
        "A first certificate on staging",
        (
            Ask("common_name", "cert_enroll.common_name", "Common name", required=True),
            Ask("device", "akamai_cps_device.name", "Device", required=True, default="akamai"),
            Ask("ca", "ca_account.name", "CA account", required=True, default="own"),
            Ask("contract", "cert_enroll.contract_id", "Contract"),
            EDGES[0],
        ),
    ),
    "implement": Survey("Implement what is approved", (*WHAT, WHEN[-1], _WHY)),
    "push": Survey("Push a certificate", (CERTIFICATE, NETWORK, CONNECTOR, *EDGES, *WHEN, COMMENT)),
    "push_production": Survey("Push a certificate to production", (CERTIFICATE, CONNECTOR, *EDGES, *WHEN, COMMENT)),
    "reject": Survey("Reject what was asked for", (*WHAT, _REASON)),
    "remove": Survey(
        "Remove a certificate",
        (
            CERTIFICATE,
            Ask("remove_from", "cert_push.remove_from", "From where"),
            Ask("cancel_changes", "cert_push.cancel_changes", "Open changes to cancel", form=LIST),
            CONNECTOR,
            *WHEN,
            COMMENT,
        ),
    ),
    "renew": Survey(
        "Renew a certificate",
        (
            CERTIFICATE,
            Ask(
                "renewal",
                "",
                "How",
                default="renew",
                says="renew asks for the same again, regenerate for another key. One of: renew, regenerate.",
            ),
            Ask("ca", "cert_enroll.ca", "CA account"),
            Ask("validity_days", "cert_enroll.validity.count", "Days of validity"),
            Ask("renewal_comment", "cert_enroll.comment", "Comment on the renewal"),
            NETWORK,
            CONNECTOR,
            *EDGES,
            *WHEN,
            COMMENT,
        ),
    ),
    "replace_ca": Survey(
        "Replace the certificates of a CA account",
        (
            Ask("replacement", "cert_lifecycle.replacement.name", "Name of the replacement", required=True),
            Ask(
                "action",
                "",
                "What to do",
                required=True,
                default="replace",
                says="replace begins or goes on, stop begins no other certificate, abort ends it for good. One of: "
                "replace, stop, abort.",
            ),
            Ask("from_ca", "", "CA accounts to leave", form=LIST, says="Needed to begin."),
            Ask("to_ca", "cert_lifecycle.replacement.to_ca", "CA account to go to"),
            Ask("importance", "cert_lifecycle.replacement.importance", "Attribute that says what is important"),
            Ask("batch", "cert_lifecycle.replacement.batch", "Under way at once"),
            Ask("max_orders", "cert_lifecycle.replacement.max_orders", "Orders at most"),
            Ask("per_hour", "cert_lifecycle.replacement.per_hour", "Orders an hour"),
            Ask("retry_failed", "cert_lifecycle.replacement.retry_failed", "Retry what failed", default="false"),
            Ask("resume", "cert_lifecycle.replacement.resume", "Go on after a stop", default="false"),
            *RUN,
            COMMENT,
        ),
    ),
    "retry": Survey(
        "Take up what failed",
        (*WHAT, Ask("order_id", "cert_workflow.order_id", "Order at the CA"), WHEN[-1], _WHY),
    ),
    "revoke": Survey(
        "Revoke a certificate",
        (CERTIFICATE, Ask("reason", "cert_enroll.reason", "Reason", required=True), WHEN[-1], COMMENT),
    ),
    "rollback": Survey(
        "Roll a push back",
        (
            CERTIFICATE,
            Ask("roll_forward", "cert_push.roll_forward", "Roll forward", default="false"),
            Ask("rollback_of", "cert_push.rollback_of", "Rollback of"),
            CONNECTOR,
            *WHEN,
            COMMENT,
        ),
    ),
    "run_due": Survey("Do what is due", (Ask("only", "cert_lifecycle.only", "Only", form=LIST), *RUN)),
    "schedule": Survey(
        "Set when it is implemented",
        (*WHAT, Ask("at", "cert_workflow.at", "At", required=True), _WHY),
    ),
}
"""By playbook."""

NO_SURVEY: Mapping[str, str] = {
    "awx": "it is run by who sets AWX up, from outside",
    "awx_approve": "what it approves comes from the workflow, and nobody is asked",
    "enroll": "its surveys, one for each source of keys, are made from the table of fields",
    "notify": "whom to tell is for who sets AWX up to say, in awx_variables of the role",
    "onboard": "it takes whole lists, which no survey has: awx_variables of the role",
    "report": "where it is written is for who sets AWX up to say, in awx_variables of the role",
    "settings": "it takes addresses and people, which no survey has: awx_variables of the role",
}
"""Playbooks without a survey of this table, and why."""
