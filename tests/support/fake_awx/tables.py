# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX 24 keeps: the fields of each kind, the lists that hang on it, its roles, what it may be found by.

Written from what AWX's serializers and models take and refuse. Where AWX passes over a field that it does not know, the
fake refuses it: nobody means such a field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Field:
    """One field.

    :ivar kind: ``text``, ``bool``, ``int``, ``json`` (an object), or ``fk``, the id of one of ``to``.
    :ivar read_only: given in requests, it is passed over.
    """

    kind: str = "text"
    required: bool = False
    default: Any = ""
    to: str = ""
    choices: tuple[Any, ...] = ()
    longest: int = 0
    read_only: bool = False


@dataclass(frozen=True)
class Kind:
    """One kind of thing, under ``/api/v2/NAME/``.

    :ivar unique: the fields that together exist once.
    :ivar lists: what other things may hang on it, by the name of the list.
    :ivar frozen: fields that stay as they were made.
    """

    type: str
    fields: Mapping[str, Field]
    unique: tuple[str, ...] = ("name",)
    lists: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    is_runnable: bool = False


NAME = Field(required=True, longest=512)
TEXT = Field()
FLAG = Field("bool", default=False)
NUMBER = Field("int", default=0)
OBJECT = Field("json", default=None)


def link(to: str, *, required: bool = False) -> Field:
    """Give a field that holds the id of something else."""
    return Field("fk", required=required, default=None, to=to)


NOTIFIED = {
    f"notification_templates_{when}": "notification_templates" for when in ("started", "success", "error", "approvals")
}
_ASKS = (
    "scm_branch",
    "diff_mode",
    "variables",
    "limit",
    "tags",
    "skip_tags",
    "job_type",
    "verbosity",
    "inventory",
    "credential",
    "execution_environment",
    "labels",
    "forks",
    "job_slice_count",
    "timeout",
    "instance_groups",
)
ASKS = {f"ask_{name}_on_launch": FLAG for name in _ASKS}
_PROMPTS = {
    "extra_data": OBJECT,
    "inventory": link("inventories"),
    "scm_branch": Field(default=None),
    "job_type": Field(default=None, choices=("run", "check", None)),
    "job_tags": Field(default=None),
    "skip_tags": Field(default=None),
    "limit": Field(default=None),
    "diff_mode": Field("bool", default=None),
    "verbosity": Field(default=None),
}
_BASE = {"name": NAME, "description": TEXT}
_IN_ORGANIZATION = {**_BASE, "organization": link("organizations")}

KINDS: dict[str, Kind] = {
    "organizations": Kind(
        "organization",
        {**_BASE, "max_hosts": NUMBER, "default_environment": link("execution_environments")},
        lists={**NOTIFIED, "galaxy_credentials": "credentials"},
        roles=("admin", "execute", "auditor", "member", "read", "approval", "workflow_admin", "job_template_admin"),
    ),
    "teams": Kind(
        "team",
        {**_BASE, "organization": link("organizations", required=True)},
        ("organization", "name"),
        roles=("admin", "member", "read"),
    ),
    "users": Kind(
        "user",
        {"username": Field(required=True, longest=150), "is_superuser": FLAG, "password": TEXT},
        ("username",),
    ),
    "credential_types": Kind(
        "credential_type",
        {
            **_BASE,
            "kind": Field(required=True, choices=("net", "cloud")),
            "inputs": OBJECT,
            "injectors": OBJECT,
            "managed": Field("bool", default=False, read_only=True),
            "namespace": Field(default=None, read_only=True),
        },
        ("name", "kind"),
    ),
    "credentials": Kind(
        "credential",
        {
            **_IN_ORGANIZATION,
            "credential_type": link("credential_types", required=True),
            "inputs": OBJECT,
            "user": link("users"),
            "team": link("teams"),
        },
        ("organization", "name", "credential_type"),
        roles=("admin", "use", "read"),
    ),
    "execution_environments": Kind(
        "execution_environment",
        {
            **_IN_ORGANIZATION,
            "image": Field(required=True, longest=1024),
            "credential": link("credentials"),
            "pull": Field(choices=("", "always", "missing", "never")),
        },
    ),
    "projects": Kind(
        "project",
        {
            **_IN_ORGANIZATION,
            "scm_type": Field(choices=("", "git", "svn", "insights", "archive")),
            **dict.fromkeys(("scm_url", "scm_branch", "scm_refspec", "local_path"), TEXT),
            **dict.fromkeys(
                (
                    "scm_clean",
                    "scm_delete_on_update",
                    "scm_track_submodules",
                    "scm_update_on_launch",
                    "allow_override",
                ),
                FLAG,
            ),
            "scm_update_cache_timeout": NUMBER,
            "timeout": NUMBER,
            "credential": link("credentials"),
            "default_environment": link("execution_environments"),
        },
        ("organization", "name"),
        lists=NOTIFIED,
        roles=("admin", "use", "update", "read"),
        is_runnable=True,
    ),
    "inventories": Kind(
        "inventory",
        {
            **_BASE,
            "organization": link("organizations", required=True),
            "kind": Field(choices=("", "smart", "constructed")),
            "host_filter": Field(default=None),
            "variables": TEXT,
        },
        ("organization", "name"),
        roles=("admin", "adhoc", "use", "update", "read"),
    ),
    "inventory_sources": Kind(
        "inventory_source",
        {
            **_BASE,
            "inventory": link("inventories", required=True),
            "source": Field(required=True, choices=("scm", "ec2", "gce", "controller", "constructed")),
            **dict.fromkeys(("source_path", "source_vars", "limit", "host_filter", "enabled_var"), TEXT),
            "source_project": link("projects"),
            "credential": link("credentials"),
            "execution_environment": link("execution_environments"),
            "overwrite": FLAG,
            "overwrite_vars": FLAG,
            "update_on_launch": FLAG,
            "update_cache_timeout": NUMBER,
            "timeout": NUMBER,
            "verbosity": Field("int", default=1, choices=(0, 1, 2)),
        },
        ("inventory", "name"),
        lists=NOTIFIED,
        frozen=("inventory",),
        is_runnable=True,
    ),
    "labels": Kind(
        "label", {"name": NAME, "organization": link("organizations", required=True)}, ("organization", "name")
    ),
    "notification_templates": Kind(
        "notification_template",
        {
            **_BASE,
            "organization": link("organizations", required=True),
            "notification_type": Field(required=True, choices=("email", "slack", "webhook", "pagerduty", "grafana")),
            "notification_configuration": OBJECT,
            "messages": OBJECT,
        },
        ("organization", "name"),
    ),
    "job_templates": Kind(
        "job_template",
        {
            **_BASE,
            # It is the project's.
            "organization": Field("fk", default=None, to="organizations", read_only=True),
            "job_type": Field(default="run", choices=("run", "check")),
            "inventory": link("inventories"),
            "project": link("projects"),
            "playbook": Field(longest=1024),
            "execution_environment": link("execution_environments"),
            **dict.fromkeys(("extra_vars", "limit", "job_tags", "skip_tags", "scm_branch", "start_at_task"), TEXT),
            **dict.fromkeys(("forks", "timeout"), NUMBER),
            "verbosity": Field("int", default=0, choices=(0, 1, 2, 3, 4, 5)),
            "job_slice_count": Field("int", default=1),
            **dict.fromkeys(
                (
                    "survey_enabled",
                    "allow_simultaneous",
                    "become_enabled",
                    "diff_mode",
                    "use_fact_cache",
                    "force_handlers",
                ),
                FLAG,
            ),
            **ASKS,
        },
        ("organization", "name"),
        lists={**NOTIFIED, "credentials": "credentials", "labels": "labels"},
        roles=("admin", "execute", "read"),
        is_runnable=True,
    ),
    "workflow_job_templates": Kind(
        "workflow_job_template",
        {
            **_IN_ORGANIZATION,
            "inventory": link("inventories"),
            **dict.fromkeys(("extra_vars", "limit", "scm_branch", "job_tags", "skip_tags"), TEXT),
            **dict.fromkeys(("survey_enabled", "allow_simultaneous"), FLAG),
            **ASKS,
        },
        ("organization", "name"),
        lists={**NOTIFIED, "labels": "labels"},
        roles=("admin", "execute", "read", "approval"),
        is_runnable=True,
    ),
    "workflow_approval_templates": Kind(
        "workflow_approval_template", {**_BASE, "timeout": NUMBER}, (), is_runnable=True
    ),
    "workflow_job_template_nodes": Kind(
        "workflow_job_template_node",
        {
            "identifier": Field(required=True, longest=512),
            "workflow_job_template": link("workflow_job_templates", required=True),
            "unified_job_template": link("unified_job_templates"),
            "all_parents_must_converge": FLAG,
            "execution_environment": link("execution_environments"),
            **_PROMPTS,
        },
        ("identifier", "workflow_job_template"),
        lists={f"{when}_nodes": "workflow_job_template_nodes" for when in ("success", "failure", "always")},
        frozen=("workflow_job_template",),
    ),
    "schedules": Kind(
        "schedule",
        {
            **_BASE,
            "rrule": Field(required=True),
            "unified_job_template": link("unified_job_templates", required=True),
            "enabled": Field("bool", default=True),
            "execution_environment": link("execution_environments"),
            **_PROMPTS,
        },
        ("unified_job_template", "name"),
        frozen=("unified_job_template",),
    ),
}
"""Every kind of thing that may be kept."""

RUNNABLE = tuple(name for name, kind in KINDS.items() if kind.is_runnable)
"""What ``/api/v2/unified_job_templates/`` lists."""
