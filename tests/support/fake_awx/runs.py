# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs, workflow jobs and their approvals: launched by a user, moved on by a test or by who approves."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.edgecert.clm.tests.support.fake_awx.rules import Thing
from ansible_collections.edgecert.clm.tests.support.fake_awx.state import LINKS, Refused, State
from ansible_collections.edgecert.clm.tests.support.fake_awx.survey_rules import answer_faults

_FORBIDDEN = Refused(403, {"detail": "You do not have permission to perform this action."})


class Runs:
    """What runs and ran. Nothing goes on by itself: a test starts and ends jobs, as time and people do."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.jobs: dict[int, Thing] = {}
        self.workflow_jobs: dict[int, Thing] = {}
        self.nodes: dict[int, Thing] = {}
        self.approvals: dict[int, Thing] = {}

    # -- rights --------------------------------------------------------------------------------------------------------

    def may(self, user: int, key: int, *roles: str) -> bool:
        """Tell whether a user has one of these roles of a thing, by a team too; an administrator has all."""
        if self.state.thing(user)["is_superuser"]:
            return True
        offered = self.state.roles(key)
        held = [offered[f"{name}_role"] for name in (*roles, "admin") if f"{name}_role" in offered]
        for role in held:
            if user in self.state.listed(role, "users"):
                return True
            for team in self.state.listed(role, "teams"):
                if user in self.state.listed(self.state.roles(team)["member_role"], "users"):
                    return True
        return False

    # -- launching -----------------------------------------------------------------------------------------------------

    def launch(
        self, template: int, user: int, variables: Mapping[str, Any], credentials: Sequence[int] | None = None
    ) -> int:
        """Launch a template as a user does.

        :param credentials: instead of the template's, where it prompts for them.
        :raises Refused: the user may not, or AWX does not take the variables or the credentials.
        """
        if not self.may(user, template, "execute"):
            raise _FORBIDDEN
        kept = self.state.thing(template)
        if credentials is not None:
            self._check_credentials(template, user, credentials)
        spec = self.state.survey(template) if kept["survey_enabled"] else {}
        faults = [] if kept["ask_variables_on_launch"] else answer_faults(spec, variables)
        missing = [one for one in faults if one.endswith("value missing")]
        if faults:
            raise Refused(400, {"variables_needed_to_start": missing or faults})
        if self.state.kind_of(template) == "workflow_job_templates":
            return self._workflow(template, user, variables)
        return self.start(template, user, variables)

    def _check_credentials(self, template: int, user: int, credentials: Sequence[int]) -> None:
        """Refuse credentials that the template does not ask for, or that the user may not use."""
        if not self.state.thing(template)["ask_credential_on_launch"]:
            raise Refused(400, {"credentials": ["Field is not configured to prompt on launch."]})
        own = self.state.listed(template, "credentials")
        kinds = {self.state.thing(one)["credential_type"] for one in credentials}
        if any(self.state.thing(one)["credential_type"] not in kinds for one in own):
            raise Refused(400, {"credentials": ["Removing a credential at launch time without replacement."]})
        if not all(one in own or self.may(user, one, "use") for one in credentials):
            raise _FORBIDDEN

    def _unanswered(self, template: int) -> dict[str, Any]:
        """Give what a survey has by default, which holds where nobody answers; an empty text is one, too."""
        spec = self.state.survey(template) if self.state.thing(template).get("survey_enabled") else {}
        asked = spec.get("spec", [])
        return {one["variable"]: one["default"] for one in asked if one.get("default") is not None}

    def start(self, template: int, user: int, variables: Mapping[str, Any]) -> int:
        """Start a job, whoever may."""
        key = self.state.number()
        given = {**self._unanswered(template), **variables}
        self.jobs[key] = {"template": template, "user": user, "status": "running", "extra_vars": given}
        return key

    def _workflow(self, template: int, user: int, variables: Mapping[str, Any]) -> int:
        key = self.state.number()
        self.workflow_jobs[key] = {
            "template": template,
            "user": user,
            "status": "running",
            "extra_vars": {**self._unanswered(template), **variables},
        }
        ids = self.state.found("workflow_job_template_nodes", {"workflow_job_template": str(template)})
        made = {one: self.state.number() for one in ids}
        for one, node in made.items():
            of = self.state.thing(one)
            links = {name: [made[other] for other in self.state.listed(one, name)] for name in LINKS}
            self.nodes[node] = {
                "workflow_job": key,
                "identifier": of["identifier"],
                "template": of["unified_job_template"],
                "extra_data": copy.deepcopy(of["extra_data"]),
                "job": None,
                **links,
            }
        later = {one for node in made.values() for name in LINKS for one in self.nodes[node][name]}
        for node in set(made.values()) - later:
            self._spawn(node, {})
        return key

    # -- going on ------------------------------------------------------------------------------------------------------

    def node(self, workflow_job: int, identifier: str) -> int:
        """Give the node of a workflow job."""
        return next(
            key
            for key, node in self.nodes.items()
            if node["workflow_job"] == workflow_job and node["identifier"] == identifier
        )

    def _spawn(self, key: int, artifacts: Mapping[str, Any]) -> None:
        node = self.nodes[key]
        if self.state.kind_of(node["template"]) == "workflow_approval_templates":
            node["job"] = self.state.number()
            self.approvals[node["job"]] = {"node": key, "status": "pending", "by": None, "timed_out": False}
            node["artifacts"] = dict(artifacts)
            return
        workflow = self.workflow_jobs[node["workflow_job"]]
        # What the workflow was launched with goes before what its jobs left.
        variables = {**node["extra_data"], **artifacts, **workflow["extra_vars"]}
        node["job"] = self.start(node["template"], workflow["user"], variables)
        self.jobs[node["job"]]["node"] = key
        node["artifacts"] = dict(artifacts)

    def end(self, job: int, artifacts: Mapping[str, Any] | None = None, status: str = "successful") -> None:
        """End a job with what it set as artifacts, and go on with the nodes behind it."""
        self.jobs[job]["status"] = status
        self.jobs[job]["artifacts"] = dict(artifacts or {})
        if "node" in self.jobs[job]:
            self.go_on(self.jobs[job]["node"], status == "successful", artifacts or {})

    def go_on(self, key: int, is_well: bool, artifacts: Mapping[str, Any]) -> None:
        """Start what is behind a node that has ended."""
        node = self.nodes[key]
        for later in [*node["success_nodes" if is_well else "failure_nodes"], *node["always_nodes"]]:
            self._spawn(later, {**node["artifacts"], **artifacts})

    def decide(self, approval: int, user: int, *, approve: bool) -> None:
        """Approve or deny; :raises Refused: it is decided already, or the user may not."""
        kept = self.approvals[approval]
        workflow = self.workflow_jobs[self.nodes[kept["node"]]["workflow_job"]]
        if not self.may(user, workflow["template"], "approval"):
            raise _FORBIDDEN
        if kept["status"] != "pending":
            raise Refused(400, {"error": "This workflow step has already been approved or denied."})
        kept.update(status="successful" if approve else "failed", by=user)
        self.go_on(kept["node"], approve, {})

    def time_out(self, approval: int) -> None:
        """Let the time of an approval pass."""
        self.approvals[approval].update(status="failed", timed_out=True)
        self.go_on(self.approvals[approval]["node"], False, {})

    def meta_variables(self, job: int) -> dict[str, Any]:
        """Give what AWX tells a job of itself, as extra variables."""
        kept = self.jobs[job]
        found = {"job_id": job, "job_template_id": kept["template"]}
        found["job_template_name"] = self.state.thing(kept["template"])["name"]
        if "node" in kept:
            found["workflow_job_id"] = self.nodes[kept["node"]]["workflow_job"]
        if kept["user"]:
            found["user_id"], found["user_name"] = kept["user"], self.state.thing(kept["user"])["username"]
        return {f"{prefix}_{name}": value for prefix in ("awx", "tower") for name, value in found.items()}
