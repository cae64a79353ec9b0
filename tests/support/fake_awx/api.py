# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's paths: what each answers, and to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.edgecert.clm.tests.support.fake_awx.runs import Runs
from ansible_collections.edgecert.clm.tests.support.fake_awx.state import LINKS, Refused, State
from ansible_collections.edgecert.clm.tests.support.fake_awx.tables import KINDS

Answer = tuple[int, Any]
_LISTS = ("unified_job_templates", "jobs", "workflow_jobs", "workflow_job_nodes", "workflow_approvals", "roles", "me")
_NOT_FOUND = Refused(404, {"detail": "The requested resource could not be found."})
_NOT_ALLOWED = Refused(405, {"detail": "Method not allowed."})
# awxkit calls it so, and AWX's URL is the same.
_SURVEYED = ("job_templates", "workflow_job_templates")


def _url(kind: str, key: int) -> str:
    return f"/api/v2/{kind}/{key}/"


class Api:
    """Answers requests out of the state."""

    def __init__(self, state: State, runs: Runs) -> None:
        self._state, self._runs = state, runs

    def root(self, path: str) -> dict[str, Any]:
        """Answer what anybody may read."""
        if path.endswith("ping/"):
            return {"version": "24.6.1", "active_node": "awx"}
        return {"description": "AWX REST API", "current_version": "/api/v2/", "available_versions": {"v2": "/api/v2/"}}

    def answer(
        self, method: str, parts: Sequence[str], query: Mapping[str, str], body: Mapping[str, Any], user: int
    ) -> Answer:
        """Answer one request; :raises Refused: AWX would refuse it."""
        if not parts:
            names = {"inventories": "inventory", **{name: name for name in (*KINDS, *_LISTS) if name != "inventories"}}
            return 200, {shown: f"/api/v2/{name}/" for name, shown in names.items()}
        if parts[0] in ("jobs", "workflow_jobs", "workflow_job_nodes", "workflow_approvals"):
            return self._running(method, parts, query, user)
        if not self._state.thing(user)["is_superuser"] and not (parts[-1] == "launch" or method == "GET"):
            raise Refused(403, {"detail": "You do not have permission to perform this action."})
        if parts[0] == "roles":
            return self._role(method, int(parts[1]), parts[2], query, body)
        if parts[0] not in (*KINDS, "unified_job_templates"):
            raise _NOT_FOUND
        if len(parts) == 1:
            return self._collection(method, parts[0], query, body)
        key = self._key(parts)
        if len(parts) == 2:
            return self._one(method, key, body)
        return self._sub(method, key, parts[2], query, body, user)

    def _key(self, parts: Sequence[str]) -> int:
        key = int(parts[1]) if parts[1].isdigit() else 0
        if self._state.kind_of(key) != parts[0]:
            raise _NOT_FOUND
        return key

    def _collection(self, method: str, kind: str, query: Mapping[str, str], body: Mapping[str, Any]) -> Answer:
        if method == "POST" and kind in KINDS and kind != "workflow_approval_templates":
            return 201, self._whole(self._state.add(kind, body))
        if method != "GET":
            raise _NOT_ALLOWED
        asked = {name: value for name, value in query.items() if name not in ("page", "page_size", "order_by")}
        return 200, self._page(f"/api/v2/{kind}/", self._state.found(kind, asked), query)

    def _page(self, path: str, keys: Sequence[int], query: Mapping[str, str]) -> dict[str, Any]:
        size, number = int(query.get("page_size", 25)), int(query.get("page", 1))
        shown = keys[(number - 1) * size : number * size]
        more = f"{path}?page={number + 1}&page_size={size}" if len(keys) > number * size else None
        return {"count": len(keys), "next": more, "previous": None, "results": [self._whole(key) for key in shown]}

    def _one(self, method: str, key: int, body: Mapping[str, Any]) -> Answer:
        if method == "PATCH":
            self._state.change(key, body)
        elif method == "DELETE":
            self._state.remove(key)
            return 204, None
        elif method != "GET":
            raise _NOT_ALLOWED
        return 200, self._whole(key)

    def _sub(
        self, method: str, key: int, name: str, query: Mapping[str, str], body: Mapping[str, Any], user: int
    ) -> Answer:
        kind = self._state.kind_of(key)
        if name == "survey_spec" and kind in _SURVEYED:
            return self._survey(method, key, body)
        if name == "launch" and kind in _SURVEYED and method == "POST":
            job = self._runs.launch(key, user, body.get("extra_vars", {}), body.get("credentials"))
            return 201, {"id": job, "url": _url("workflow_jobs" if kind != "job_templates" else "jobs", job)}
        if name == "create_approval_template" and kind == "workflow_job_template_nodes" and method == "POST":
            made = self._state.add("workflow_approval_templates", body)
            self._state.change(key, {"unified_job_template": made})
            return 201, self._whole(made)
        if name not in KINDS[kind].lists:
            raise _NOT_FOUND
        if method == "GET":
            return 200, self._page(f"{_url(kind, key)}{name}/", self._state.listed(key, name), query)
        if body.get("disassociate"):
            self._state.detach(key, name, body["id"])
        else:
            self._state.attach(key, name, body["id"])
        return 204, None

    def _survey(self, method: str, key: int, body: Mapping[str, Any]) -> Answer:
        if method == "POST":
            self._state.set_survey(key, body)
            return 200, {}
        if method == "DELETE":
            self._state.drop_survey(key)
            return 200, {}
        return 200, self._state.survey(key)

    def _role(self, method: str, role: int, name: str, query: Mapping[str, str], body: Mapping[str, Any]) -> Answer:
        if name not in ("teams", "users"):
            raise _NOT_FOUND
        if method == "GET":
            self._state.role(role)
            return 200, self._page(f"{_url('roles', role)}{name}/", self._state.listed(role, name), query)
        if body.get("disassociate"):
            self._state.detach(role, name, body["id"])
        else:
            self._state.grant(role, name, body["id"])
        return 204, None

    def _whole(self, key: int) -> dict[str, Any]:
        kind = self._state.kind_of(key)
        related = {name: f"{_url(kind, key)}{name}/" for name in KINDS[kind].lists}
        if kind in _SURVEYED:
            related["survey_spec"] = f"{_url(kind, key)}survey_spec/"
        thing = self._state.shown(key)
        if kind == "workflow_job_template_nodes":
            links = {name: list(self._state.listed(key, name)) for name in LINKS}
            of = thing["unified_job_template"]
            thing.update(links)
            if of:
                related["unified_job_template"] = _url(self._state.kind_of(of), of)
        summary: dict[str, Any] = {
            "object_roles": {
                name: {"id": role, "name": name.removesuffix("_role")} for name, role in self._state.roles(key).items()
            }
        }
        base = {"id": key, "type": KINDS[kind].type, "url": _url(kind, key), "related": related}
        extra = {"scm_revision": "", "status": "successful"} if kind == "projects" else {}
        return {**base, **extra, **thing, "summary_fields": summary}

    # -- what runs -----------------------------------------------------------------------------------------------------

    def _running(self, method: str, parts: Sequence[str], query: Mapping[str, str], user: int) -> Answer:
        runs = self._runs
        shelves = {"jobs": runs.jobs, "workflow_jobs": runs.workflow_jobs, "workflow_job_nodes": runs.nodes}
        shelf: dict[int, Any] = {**shelves, "workflow_approvals": runs.approvals}[parts[0]]
        key = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        if key not in shelf or not self._may_read(parts[0], shelf[key], user):
            raise Refused(404, {"detail": "Not found."})
        if parts[0] == "workflow_approvals" and len(parts) == 3 and method == "POST":
            runs.decide(key, user, approve=parts[2] == "approve")
            return 204, None
        if method != "GET":
            raise _NOT_ALLOWED
        if parts[0] == "workflow_jobs" and parts[2:] == ["workflow_nodes"]:
            size, number = int(query.get("page_size", 25)), int(query.get("page", 1))
            keys = [one for one, node in runs.nodes.items() if node["workflow_job"] == key]
            path = f"/api/v2/workflow_jobs/{key}/workflow_nodes/?page={number + 1}&page_size={size}"
            more = path if len(keys) > number * size else None
            found = [self._shown_node(one) for one in keys[(number - 1) * size : number * size]]
            return 200, {"count": len(keys), "next": more, "previous": None, "results": found}
        if len(parts) > 2:
            raise _NOT_FOUND
        if parts[0] == "workflow_approvals":
            return 200, self._shown_approval(key)
        return 200, self._shown_node(key) if parts[0] == "workflow_job_nodes" else self._shown_job(parts[0], key)

    def _may_read(self, kind: str, kept: Mapping[str, Any], user: int) -> bool:
        if kind == "workflow_approvals":
            kept = self._runs.nodes[kept["node"]]
        if "workflow_job" in kept:
            kept = self._runs.workflow_jobs[kept["workflow_job"]]
        return bool(kept["user"] == user) or self._runs.may(user, kept["template"], "read", "execute", "approval")

    def _shown_job(self, kind: str, key: int) -> dict[str, Any]:
        kept = (self._runs.jobs if kind == "jobs" else self._runs.workflow_jobs)[key]
        template = {"id": kept["template"], "name": self._state.thing(kept["template"])["name"]}
        of = "job_template" if kind == "jobs" else "workflow_job_template"
        return {
            "id": key,
            "type": kind.removesuffix("s"),
            "url": _url(kind, key),
            "related": {},
            "name": template["name"],
            "status": kept["status"],
            of: kept["template"],
            "summary_fields": {of: template},
        }

    def _shown_node(self, key: int) -> dict[str, Any]:
        node = self._runs.nodes[key]
        summary: dict[str, Any] = {"workflow_job": {"id": node["workflow_job"]}}
        if node["job"] in self._runs.approvals:
            kept = self._runs.approvals[node["job"]]
            summary["job"] = {"id": node["job"], "type": "workflow_approval", "status": kept["status"]}
        elif node["job"]:
            summary["job"] = {"id": node["job"], "type": "job", "status": self._runs.jobs[node["job"]]["status"]}
        shown = {name: node[name] for name in ("workflow_job", "identifier", "job", *LINKS)}
        base = {"id": key, "type": "workflow_job_node", "url": _url("workflow_job_nodes", key), "related": {}}
        return {**base, **shown, "summary_fields": summary}

    def _shown_approval(self, key: int) -> dict[str, Any]:
        kept = self._runs.approvals[key]
        node = self._runs.nodes[kept["node"]]
        workflow = {"id": node["workflow_job"], "name": self._state.thing(node["template"])["name"]}
        summary: dict[str, Any] = {"workflow_job": workflow, "source_workflow_job": workflow}
        if kept["by"]:
            summary["approved_or_denied_by"] = {"id": kept["by"], "username": self._state.thing(kept["by"])["username"]}
        return {
            "id": key,
            "type": "workflow_approval",
            "url": _url("workflow_approvals", key),
            "related": {"source_workflow_job": _url("workflow_jobs", node["workflow_job"])},
            "name": self._state.thing(node["template"])["name"],
            "status": kept["status"],
            "timed_out": kept["timed_out"],
            "job_explanation": "The approval node has expired." if kept["timed_out"] else "",
            "finished": None if kept["status"] == "pending" else "2027-01-04T10:00:00Z",
            "summary_fields": summary,
        }
