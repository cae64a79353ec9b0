# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX refuses beyond the fields' own kinds: credential types, credentials, templates, nodes, schedules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import jinja2
import jinja2.sandbox

Thing = dict[str, Any]
Faults = dict[str, list[str]]


class Shelf(Protocol):
    """What rules may look at."""

    playbooks: list[str]

    def thing(self, key: int) -> Thing:
        """Give anything by its id."""

    def listed(self, key: int, name: str) -> list[int]:
        """Give the ids of what hangs on a thing."""

    def survey(self, key: int) -> dict[str, Any]:
        """Give the survey of a template, empty where it has none."""


# awx/main/constants.py, ENV_BLOCKLIST.
BLOCKED = {
    "VIRTUAL_ENV",
    "PATH",
    "PYTHONPATH",
    "JOB_ID",
    "INVENTORY_ID",
    "INVENTORY_SOURCE_ID",
    "INVENTORY_UPDATE_ID",
    "AD_HOC_COMMAND_ID",
    "REST_API_URL",
    "REST_API_TOKEN",
    "MAX_EVENT_RES",
    "CALLBACK_QUEUE",
    "CALLBACK_CONNECTION",
    "CACHE",
    "JOB_CALLBACK_DEBUG",
    "INVENTORY_HOSTVARS",
    "AWX_HOST",
    "PROJECT_REVISION",
    "SUPERVISOR_CONFIG_PATH",
}
_WORD = re.compile(r"^[a-zA-Z_]+[a-zA-Z0-9_]*$")
_OF_FIELD: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "label": (str,),
    "help_text": (str,),
    "type": (str,),
    "format": (str,),
    "choices": (list,),
    "secret": (bool,),
    "multiline": (bool,),
    "default": (str, bool),
    "ask_at_runtime": (bool,),
}
_OF_TEXTS = ("choices", "multiline", "format", "secret")


def credential_type(thing: Thing, _shelf: Shelf) -> Faults:
    """Hold inputs and injectors of a credential type against their schema."""
    inputs, injectors = thing["inputs"] or {}, thing["injectors"] or {}
    wrong = _input_faults(inputs)
    found: Faults = {"inputs": wrong} if wrong else {}
    ids = {str(one.get("id")): one for one in inputs.get("fields", [])}
    wrong = _injector_faults(injectors, ids)
    return {**found, **({"injectors": wrong} if wrong else {})}


def _input_faults(inputs: Mapping[str, Any]) -> list[str]:
    found = [f"Additional properties are not allowed ('{name}')" for name in set(inputs) - {"fields", "required"}]
    ids = [one.get("id") for one in inputs.get("fields", [])]
    found += [f"field IDs must be unique ({name})" for name in set(ids) if ids.count(name) > 1]
    found += [f"'{name}' is not a field" for name in inputs.get("required", []) if name not in ids]
    for one in inputs.get("fields", []):
        found += [f"'{name}' is a required property" for name in ("id", "label") if not one.get(name)]
        found += [f"{name} of {one.get('id')} is wrong" for name, value in one.items() if not _fits(name, value)]
        found += [] if _WORD.match(str(one.get("id"))) and one.get("id") != "tower" else ["the id is no variable"]
        found += [] if one.get("type") in ("string", "boolean") else ["no type"]
        found += [f"{name} not allowed for boolean" for name in _OF_TEXTS if name in one and one["type"] != "string"]
    return found


def _fits(name: str, value: Any) -> bool:
    return isinstance(value, _OF_FIELD.get(name, ()))


def _injector_faults(injectors: Mapping[str, Any], ids: Mapping[str, Any]) -> list[str]:
    found = [f"'{name}' is no injector" for name in set(injectors) - {"file", "env", "extra_vars"}]
    for name in injectors.get("file", {}):
        found += [] if re.match(r"^template(\.[a-zA-Z_]+[a-zA-Z0-9_]*)?$", name) else [f"{name} is no file"]
    for name in injectors.get("env", {}):
        found += [] if _WORD.match(name) else [f"{name} is no variable"]
        found += [f"{name} may affect Ansible configuration"] if name.startswith("ANSIBLE_") else []
        found += [f"{name} is not allowed to be used in credentials"] if name in BLOCKED else []
    files = {name.partition(".")[2] or "filename": "" for name in injectors.get("file", {})}
    given = {**dict.fromkeys(ids, "x"), "tower": {"filename": files}}
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    for texts in injectors.values():
        for name, text in texts.items():
            try:
                environment.from_string(text).render(given)
            except jinja2.TemplateError as error:
                found.append(f"{name}: {error}")
    return found


def credential(thing: Thing, shelf: Shelf) -> Faults:
    """Hold the inputs of a credential against its type."""
    of_type = shelf.thing(thing["credential_type"])["inputs"] or {}
    ids = {one["id"]: one for one in of_type.get("fields", [])}
    inputs = thing["inputs"] or {}
    wrong = [f"'{name}' is no input" for name in inputs if name not in ids]
    wrong += [
        f"{name} is not of type {ids[name]['type']}"
        for name, value in inputs.items()
        if name in ids and not isinstance(value, bool if ids[name]["type"] == "boolean" else str)
    ]
    found: Faults = {"inputs": wrong} if wrong else {}
    if not any(thing.get(owner) for owner in ("organization", "user", "team")):
        found["detail"] = ["Missing 'user', 'team', or 'organization'."]
    return found


def template(thing: Thing, shelf: Shelf) -> Faults:
    """Hold a job template against its project."""
    if not thing["project"]:
        return {"project": ["This field is required."]}
    if not thing["playbook"]:
        return {"playbook": ["Must select playbook for project."]}
    if not thing["inventory"] and not thing["ask_inventory_on_launch"]:
        return {"inventory": ["Job Template must provide 'inventory' or allow prompting for it."]}
    if thing["playbook"] not in shelf.playbooks:
        return {"playbook": ["Playbook not found for project."]}
    return {}


def project(thing: Thing, _shelf: Shelf) -> Faults:
    """Hold a project against what a checkout needs."""
    if thing["scm_type"] and not thing["scm_url"]:
        return {"scm_url": ["This field is required."]}
    return {"organization": ["is missing"]} if not thing["organization"] else {}


def inventory_source(thing: Thing, _shelf: Shelf) -> Faults:
    """Hold an inventory source against what one that comes from a project needs."""
    if thing["source"] == "scm" and not thing["source_project"]:
        return {"source_project": ["Project required for scm type sources."]}
    return {}


def prompts(thing: Thing, shelf: Shelf) -> Faults:
    """Refuse variables that the template neither prompts for nor asks for in its survey."""
    if not thing["extra_data"]:
        return {}
    of = shelf.thing(thing["unified_job_template"]) if thing["unified_job_template"] else {}
    if of.get("ask_variables_on_launch"):
        return {}
    asked = {one["variable"]: one for one in shelf.survey(of["id"]).get("spec", [])} if of.get("survey_enabled") else {}
    strange = [name for name in thing["extra_data"] if name not in asked]
    if strange:
        told = f"Variables {', '.join(strange)} are not allowed on launch. Check the Prompt on Launch setting."
        return {"extra_data": [told]}
    wrong = [
        f"Value {value} for '{name}' expected to be one of {asked[name]['choices']}."
        for name, value in thing["extra_data"].items()
        if asked[name]["type"] == "multiplechoice" and value not in asked[name]["choices"]
    ]
    return {"extra_data": wrong} if wrong else {}


# awx/main/notifications: what each backend has to be told; what has a default there is left out here.
_TOLD: Mapping[str, Mapping[str, type]] = {
    "email": {
        **dict.fromkeys(("host", "username", "password", "sender"), str),
        **dict.fromkeys(("use_tls", "use_ssl"), bool),
        "port": int,
        "recipients": list,
    },
    "slack": {"token": str, "channels": list},
    "webhook": {"url": str, "headers": dict},
    "pagerduty": dict.fromkeys(("subdomain", "token", "service_key", "client_name"), str),
}


def _is_a(kind: type, value: object) -> bool:
    """Say whether a value is of a kind as JSON has them, where true is no number."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def notification(thing: Thing, _shelf: Shelf) -> Faults:
    """Hold a notification template against what its backend has to be told."""
    given = thing["notification_configuration"]
    wanted = _TOLD.get(thing["notification_type"], {})
    missing = [name for name in wanted if name not in given]
    if missing:
        return {"notification_configuration": [f"Missing required fields for Notification Configuration: {missing}."]}
    wrong = [name for name, kind in wanted.items() if not _is_a(kind, given[name])]
    told = [f"Configuration field '{name}' incorrect type" for name in wrong]
    return {"notification_configuration": told} if told else {}


_RULE = re.compile(
    r"^DTSTART:\d{8}T\d{6}Z RRULE:(?=.*FREQ=(MINUTELY|HOURLY|DAILY|WEEKLY|MONTHLY|YEARLY))(?=.*INTERVAL=[1-9])\S+$"
)


def schedule(thing: Thing, shelf: Shelf) -> Faults:
    """Hold a schedule against the rules of its recurrence."""
    if not _RULE.match(thing["rrule"]):
        return {"rrule": ["Valid DTSTART required in rrule, and INTERVAL in each RRULE."]}
    spec = shelf.survey(thing["unified_job_template"]).get("spec", [])
    # Nobody answers when a schedule runs; a node of a workflow may have the answer from the one before.
    missing = [one["variable"] for one in spec if one["required"] and one["variable"] not in thing["extra_data"]]
    if missing:
        return {"variables_needed_to_start": [f"'{name}' value missing" for name in missing]}
    return prompts(thing, shelf)


RULES: Mapping[str, Callable[[Thing, Shelf], Faults]] = {
    "credential_types": credential_type,
    "credentials": credential,
    "inventory_sources": inventory_source,
    "job_templates": template,
    "notification_templates": notification,
    "projects": project,
    "schedules": schedule,
    "workflow_job_template_nodes": prompts,
}
"""The rule of each kind that has one."""
