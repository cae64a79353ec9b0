# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one AWX: things with ids, lists that hang on them, roles, surveys; what may be done with each."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ansible_collections.edgecert.clm.tests.support.fake_awx.rules import RULES, Faults, Thing
from ansible_collections.edgecert.clm.tests.support.fake_awx.survey_rules import spec_fault
from ansible_collections.edgecert.clm.tests.support.fake_awx.tables import KINDS, RUNNABLE, Field

HIDDEN = "$encrypted$"
LINKS = ("success_nodes", "failure_nodes", "always_nodes")
_OF_KINDS: dict[str, tuple[type, ...]] = {"text": (str,), "bool": (bool,), "int": (int,), "json": (dict,), "fk": (int,)}


class Refused(Exception):
    """A request that AWX refuses: its status, and what it says."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, dict(body)


class State:
    """One AWX.

    :ivar playbooks: those that a checkout of a project has.
    """

    def __init__(self, playbooks: list[str]) -> None:
        self.playbooks = playbooks
        self._things: dict[int, tuple[str, Thing]] = {}
        self._lists: dict[tuple[int, str], list[int]] = {}
        self._surveys: dict[int, dict[str, Any]] = {}
        self._roles: dict[int, tuple[int, str]] = {}
        self._next = 0

    def number(self) -> int:
        """Give an id that nothing has."""
        self._next += 1
        return self._next

    # -- reading -------------------------------------------------------------------------------------------------------

    def kind_of(self, key: int) -> str:
        """Give the kind of a thing; :raises Refused: there is none of that id."""
        if key not in self._things:
            raise Refused(404, {"detail": "Not found."})
        return self._things[key][0]

    def thing(self, key: int) -> Thing:
        """Give a thing as it is kept, its secrets in clear."""
        self.kind_of(key)
        return self._things[key][1]

    def found(self, kind: str, query: Mapping[str, str]) -> list[int]:
        """Give the ids of what a list has, in the order of their making.

        :raises Refused: it asks for a field that cannot be asked for.
        """
        kinds = RUNNABLE if kind == "unified_job_templates" else (kind,)
        allowed = {"id", "type", "name", *(name for one in kinds for name in KINDS[one].fields)}
        strange = [name for name in query if name.removeprefix("or__") not in allowed]
        if strange:
            raise Refused(400, {"detail": f"{KINDS[kinds[0]].type} has no field named '{strange[0]}'"})
        plain = {name: value for name, value in query.items() if not name.startswith("or__")}
        either = {name[4:]: value for name, value in query.items() if name.startswith("or__")}
        found = [key for key, (one, _thing) in self._things.items() if one in kinds and self._fits(key, plain)]
        return [key for key in found if not either or any(self._fits(key, {name: either[name]}) for name in either)]

    def _fits(self, key: int, query: Mapping[str, str]) -> bool:
        kind, thing = self._things[key]
        whole = {**thing, "type": KINDS[kind].type, "id": key}
        return all(str(whole.get(name)) == value for name, value in query.items())

    def listed(self, key: int, name: str) -> list[int]:
        """Give the ids of what hangs on a thing."""
        return self._lists.get((key, name), [])

    def survey(self, key: int) -> dict[str, Any]:
        """Give the survey of a template, empty where it has none."""
        return self._surveys.get(key, {})

    def roles(self, key: int) -> dict[str, int]:
        """Give the roles that a thing offers: their ids by their names."""
        return {name: role for role, (of, name) in self._roles.items() if of == key}

    def role(self, key: int) -> tuple[int, str]:
        """Give what a role is of, and its name."""
        if key not in self._roles:
            raise Refused(404, {"detail": "Not found."})
        return self._roles[key]

    def shown(self, key: int) -> Thing:
        """Give a thing as AWX shows it."""
        kind, thing = self._things[key]
        shown = copy.deepcopy(thing)
        if kind == "credentials":
            asked = self.thing(thing["credential_type"])["inputs"].get("fields", [])
            secret = [one["id"] for one in asked if one.get("secret")]
            shown["inputs"] = {name: HIDDEN if name in secret else value for name, value in shown["inputs"].items()}
            shown = {name: value for name, value in shown.items() if name not in ("user", "team")}
        shown.pop("password", None)
        return shown

    # -- writing -------------------------------------------------------------------------------------------------------

    def add(self, kind: str, given: Mapping[str, Any]) -> int:
        """Make a thing.

        :raises Refused: AWX would not take it.
        """
        fields = KINDS[kind].fields
        thing = {name: copy.copy(field.default) for name, field in fields.items()}
        thing.update({name: {} for name, field in fields.items() if field.kind == "json"})
        self._hold(kind, thing, given, missing=[name for name, field in fields.items() if field.required])
        key = self.number()
        self._things[key] = (kind, thing)
        for name in KINDS[kind].roles:
            self._roles[self.number()] = (key, f"{name}_role")
        return key

    def change(self, key: int, given: Mapping[str, Any]) -> None:
        """Change a thing; :raises Refused: AWX would not take it."""
        kind, thing = self._things[key]
        moved = [name for name in KINDS[kind].frozen if name in given and given[name] != thing[name]]
        if moved:
            raise Refused(400, {moved[0]: ["cannot be changed."]})
        changed = copy.deepcopy(thing)
        self._hold(kind, changed, given, own=key)
        self._things[key] = (kind, changed)

    def remove(self, key: int) -> None:
        """Take a thing away, with what hangs on it."""
        del self._things[key]
        self._lists = {of: [one for one in keys if one != key] for of, keys in self._lists.items() if of[0] != key}

    def _hold(
        self, kind: str, thing: Thing, given: Mapping[str, Any], own: int = 0, missing: list[str] | None = None
    ) -> None:
        fields = KINDS[kind].fields
        faults: Faults = {name: ["This field is required."] for name in missing or () if given.get(name) in (None, "")}
        for name, value in given.items():
            if name in ("type", "id", "url"):
                continue
            told = self._field_fault(fields.get(name), value)
            if told:
                faults[name] = [told]
            elif not fields[name].read_only:
                thing[name] = "" if value is None and fields[name].default == "" else value
        if kind == "credentials" and own:
            before = self.thing(own)["inputs"]
            given_now = thing["inputs"].items()
            thing["inputs"] = {name: before.get(name) if value == HIDDEN else value for name, value in given_now}
        if kind == "job_templates" and thing["project"] and not faults:
            thing["organization"] = self.thing(thing["project"])["organization"]
        faults = faults or self._twice(kind, thing, own)
        rule = RULES.get(kind)
        faults = faults or (rule(thing, self) if rule else {})
        if faults:
            raise Refused(400, faults)

    def _field_fault(self, field: Field | None, value: Any) -> str:
        if field is None:
            return "AWX knows no such field."
        if field.read_only or (value is None and (field.default is None or field.kind == "text")):
            return ""
        # JSON's true is no number, though Python's is.
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not isinstance(value, _OF_KINDS[field.kind]) or (field.kind in ("int", "fk") and not is_number):
            return f"A valid {field.kind} is required."
        if field.kind == "fk" and not any(value in self.found(kind, {}) for kind in self._kinds_of(field.to)):
            return f'Invalid pk "{value}" - object does not exist.'
        if field.choices and value not in field.choices:
            return f'"{value}" is not a valid choice.'
        if field.longest and len(str(value)) > field.longest:
            return f"Ensure this field has no more than {field.longest} characters."
        return ""

    @staticmethod
    def _kinds_of(name: str) -> tuple[str, ...]:
        return RUNNABLE if name == "unified_job_templates" else (name,)

    def _twice(self, kind: str, thing: Thing, own: int) -> Faults:
        unique = KINDS[kind].unique
        same = [
            key
            for key, (one, other) in self._things.items()
            if one == kind and key != own and all(other[name] == thing[name] for name in unique)
        ]
        told = f"{KINDS[kind].type} with this ({', '.join(unique)}) combination already exists."
        return {"__all__": [told]} if unique and same else {}

    def attach(self, key: int, name: str, other: int) -> None:
        """Hang a thing on another; :raises Refused: it may not hang there."""
        kind = self.kind_of(key)
        if name not in KINDS[kind].lists:
            raise Refused(404, {"detail": "Not found."})
        if self.kind_of(other) != KINDS[kind].lists[name]:
            raise Refused(400, {"detail": "another kind of thing"})
        known = self._lists.setdefault((key, name), [])
        if name == "credentials":
            kinds = {self.thing(one)["credential_type"] for one in known}
            if self.thing(other)["credential_type"] in kinds:
                raise Refused(400, {"error": "Cannot assign multiple credentials of the same type."})
        if name.endswith("_nodes"):
            self._link(key, name, other)
        if other not in known:
            known.append(other)

    def _link(self, key: int, name: str, other: int) -> None:
        if self.thing(key)["workflow_job_template"] != self.thing(other)["workflow_job_template"]:
            raise Refused(400, {"Error": "Relationship not allowed."})
        elsewhere = [one for one in LINKS if one != name]
        if any(other in self.listed(key, one) for one in elsewhere):
            raise Refused(400, {"Error": "Relationship not allowed."})
        seen, left = set(), [other]
        while left:
            one = left.pop()
            seen.add(one)
            left += [later for links in LINKS for later in self.listed(one, links) if later not in seen]
        if key in seen:
            raise Refused(400, {"Error": "Cycle detected."})

    def detach(self, key: int, name: str, other: int) -> None:
        """Take a thing from another."""
        known = self._lists.get((key, name), [])
        if other in known:
            known.remove(other)

    def set_survey(self, key: int, spec: Any) -> None:
        """Give a template its survey; :raises Refused: AWX takes no such survey."""
        told = spec_fault(spec)
        if told:
            raise Refused(400, {"error": told})
        self._surveys[key] = spec

    def drop_survey(self, key: int) -> None:
        """Take the survey of a template away."""
        self._surveys.pop(key, None)

    def grant(self, role: int, list_: str, other: int) -> None:
        """Give a role to a team or a user; :raises Refused: it may not have it."""
        of, name = self.role(role)
        if self.kind_of(other) != list_:
            raise Refused(400, {"msg": "another kind of thing"})
        if list_ == "teams" and self.kind_of(of) in ("credentials", "organizations"):
            home = of if self.kind_of(of) == "organizations" else self.thing(of)["organization"]
            if home != self.thing(other)["organization"]:
                raise Refused(400, {"msg": "You cannot grant access to a team of another organization."})
            if name == "member_role":
                raise Refused(400, {"msg": "You cannot assign an Organization participation role to a Team."})
        known = self._lists.setdefault((role, list_), [])
        if other not in known:
            known.append(other)
