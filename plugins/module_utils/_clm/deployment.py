# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One work order at one target: look, decide, act, look again, prove. Knows no CPS beyond the target's contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from .._core.clock import to_text
from .._core.errors import ConflictError, PolicyError, RemoteError, StateError
from .._core.plan import Step
from .._core.types import AuditEntry, Bundle, CaAccount, Certificate, CertRequest, Notice, WorkOrder
from .._core.warning_policy import WarningPolicy, decide
from .._store.base import Unit
from .._target.base import PushState, Target
from . import intents, states
from .ports import Ports
from .proof import handshakes
from .views import work_order_brief

_LEASE_S = 900.0
_ASK_AGAIN_S = 300.0
_LAG_S = 120.0


@dataclass(frozen=True)
class Pushed:
    """What a work order deploys.

    :ivar bundles: by key algorithm, as ``fingerprints`` and ``csrs``.
    :ivar reference: the enrollment and the change that takes them.
    """

    bundles: Mapping[str, Bundle]
    fingerprints: Mapping[str, str]
    csrs: Mapping[str, str]
    reference: Mapping[str, Any]
    request: CertRequest
    account: CaAccount | None


class Deployer:
    """Drives one work order to staging.

    :ivar order: as stored last.
    :ivar state: what the target said last.
    """

    def __init__(
        self,
        ports: Ports,
        target: Target,
        order: WorkOrder,
        pushed: Pushed,
        certificate: Certificate,
        policy: WarningPolicy,
        edges: Sequence[str],
        *,
        wait_s: float,
    ) -> None:
        self.ports, self.target, self.order, self.pushed = ports, target, order, pushed
        self.certificate, self.policy, self.edges, self.wait_s = certificate, policy, edges, wait_s
        self.state = PushState("none")
        self._error_before = ""
        self._deadline = ports.clock.monotonic() + wait_s

    def observe(self) -> None:
        """Ask the target where the change stands."""
        self.state = self.target.observe(self.pushed.reference, self.pushed.fingerprints)

    @property
    def _upload_key(self) -> tuple[str, str, str]:
        return intents.UPLOAD_CERTIFICATE, "work_order", self.order.work_order_id

    @property
    def is_deployed(self) -> bool:
        """Say whether staging serves all that is pushed."""
        served = {facts["fingerprint"] for facts in self.state.staging.certificates}
        return set(self.pushed.fingerprints.values()) <= served

    def refuse_impossible(self) -> None:
        """Refuse what CPS cannot do or would do too much of, before anything is sent.

        :raises StateError: no change takes the certificate, or the change has failed.
        :raises PolicyError: CPS would deploy to production without being asked.
        """
        name, state = self.certificate.certificate_id, self.state
        if state.phase == "none":
            raise StateError(
                f"Cannot push {name}: enrollment {self.certificate.enrollment_id} has no change open that takes a "
                "certificate; it was cancelled, or something else was deployed",
                code="no_open_change",
                details={"status": state.status},
            )
        if state.phase == "wants_csr":
            raise StateError(
                f"Cannot push {name}: its change waits for a decision from before the CSR was made ({state.status}); "
                "run edgecert.clm.cert_enroll",
                code="change_not_ready",
            )
        if state.phase in ("failed", "cancelled"):
            raise StateError(
                f"Cannot push {name}: the change is {state.phase} ({state.error or state.status}); look at it in "
                "Akamai Control Center",
                code="change_failed",
                details={"error": state.error, "status": state.status},
            )
        if state.goes_on and self.order.network == "staging":
            raise PolicyError(
                f"Cannot push {name} to staging only: change management is off in enrollment "
                f"{self.certificate.enrollment_id}, so CPS would go on to production by itself; turn it on in Akamai "
                "Control Center, and set change_management to true in the vendor settings",
                code="would_reach_production",
            )

    def _is_upload_due(self) -> bool:
        """Say whether the change waits for our upload, and not only shows so for a while after it."""
        if self.state.phase != "wants_certificate":
            return False
        now = self.ports.clock.now()
        with self.ports.store.read() as unit:
            uploads = intents.of(unit, *self._upload_key)
        for upload in uploads:
            if upload.finished_at is not None and now - upload.finished_at < timedelta(seconds=_LAG_S):
                self._error_before = upload.wanted.get("error_before", "")
                return False
        return True

    def can_move(self) -> bool:
        """Say whether something can be done, or waited for, now."""
        if self.is_deployed or self.wait_s > 0 or self._is_upload_due():
            return True
        if self.state.phase == "wants_certificate":
            return self.state.error != self._error_before
        return self.state.phase == "wants_decision" and (
            not self._undecided(self.state.notices) or self.order.state != "needs_decision"
        )

    def steps(self) -> list[Step]:
        """Give the steps from where the target stands."""
        network, name = self.order.network, self.certificate.certificate_id
        steps = []
        if not self.is_deployed and self._is_upload_due():
            algorithms = " and ".join(self.pushed.bundles)
            steps.append(Step(f"Upload the {algorithms} certificate of {name} with its chain to CPS", self._upload))
        if not self.is_deployed:
            steps.append(Step(f"Follow the change until {network} serves {name}", self._follow))
        where = f"by a handshake with {', '.join(self.edges)}" if self.edges else "by the deployments API"
        steps.append(Step(f"Prove that {network} serves {name}, {where}", self._prove))
        return steps

    # -- records ---------------------------------------------------------------------------------------------------

    def record(self) -> bool:
        """Store the new work order; another one still open for the certificate and network refuses it."""
        order = self.order
        with self.ports.store.write() as unit:
            rivals = [
                other
                for other in unit.work_orders.find(certificate_id=order.certificate_id, network=order.network)
                if not states.is_final(states.WORK_ORDER, other.state) or self._is_same_push(other)
            ]
            if rivals:
                raise ConflictError(
                    f"Cannot push {order.certificate_id}: work order {rivals[0].work_order_id} is {rivals[0].state}",
                    details={"work_order_id": rivals[0].work_order_id},
                )
            self.order = unit.work_orders.add(order)
            self._audit(unit, None, "work_order_submitted")
        return True

    def _is_same_push(self, other: WorkOrder) -> bool:
        return other.state == "completed" and (other.connector, other.fingerprints) == (
            self.order.connector,
            self.order.fingerprints,
        )

    def _save(self, action: str, **changes: Any) -> None:
        before, now = self.order, self.ports.clock.now()
        state = changes.get("state", before.state)
        if state != before.state:
            states.checked(states.WORK_ORDER, "Work order", before.work_order_id, before.state, state)
            condition = {
                "type": state,
                "at": to_text(now),
                "actor": self.ports.actor,
                "comment": changes.get("message", ""),
            }
            changes["conditions"] = (*before.conditions, condition)
        changes.setdefault("reason", "")
        changes.setdefault("message", "")
        with self.ports.store.write() as unit:
            self.order = unit.work_orders.put(replace(before, updated_at=now, **changes))
            if states.is_final(states.WORK_ORDER, state):
                # An upload whose reply was lost is settled by how the order ended.
                intents.close_all(unit, *self._upload_key, {"order": state}, now)
            self._audit(unit, before, action)

    def _audit(self, unit: Unit, before: WorkOrder | None, action: str) -> None:
        after = self.order
        unit.audit(
            AuditEntry(
                self.ports.actor,
                action,
                "work_order",
                after.work_order_id,
                before=work_order_brief(before) if before else None,
                after=work_order_brief(after),
                comment=after.comment if before is None else "",
                tracking_id=after.tracking_id,
            )
        )

    def _reach(self, state: str, action: str, **changes: Any) -> None:
        """Go to a state by way of those between, where the target was faster than we looked."""
        if state == self.order.state:
            return
        path = {"on_staging": ("deploying_staging",), "deploying_staging": ()}.get(state, ())
        for between in path:
            if between in states.WORK_ORDER[self.order.state] and state not in states.WORK_ORDER[self.order.state]:
                self._save(action, state=between)
        self._save(action, state=state, **changes)

    def _park(self, reason: str, message: str, look_again_s: float) -> bool:
        at = self.ports.clock.now() + timedelta(seconds=look_again_s)
        with self.ports.store.write() as unit:
            self.order = unit.work_orders.put(
                replace(self.order, reason=reason, message=message, next_look_at=at, updated_at=self.ports.clock.now())
            )
        return False

    def _pause(self, look_again_s: float) -> bool:
        left = self._deadline - self.ports.clock.monotonic()
        if left <= 0:
            return False
        self.ports.clock.sleep(min(look_again_s, left))
        return True

    @contextmanager
    def _lease(self) -> Iterator[None]:
        """Hold the enrollment for the time of one step.

        :raises ConflictError: another run holds it, or moved the work order since this one planned.
        """
        planned = self.order
        with self.ports.store.lease(f"enrollment:{planned.device}:{self.certificate.enrollment_id}", _LEASE_S):
            with self.ports.store.read() as unit:
                current = unit.work_orders.get(planned.work_order_id)
            if current is None or (current.state, current.notices) != (planned.state, planned.notices):
                raise ConflictError(
                    f"Cannot go on with work order {planned.work_order_id} for {planned.certificate_id}: another run "
                    "moved it meanwhile; run again to go on from there",
                    details={"work_order_id": planned.work_order_id},
                )
            self.order = current
            yield

    # -- steps -----------------------------------------------------------------------------------------------------

    def _upload(self) -> bool:
        with self._lease():
            # Somebody may have acted since planning, or an earlier run of ours after its intent.
            self.observe()
            if self.is_deployed or not self._is_upload_due():
                return True
            self._error_before = self.state.error
            _intent, is_new = intents.begin(
                self.ports.store,
                *self._upload_key,
                {"fingerprints": dict(self.pushed.fingerprints), "error_before": self._error_before},
                self.ports.clock.now(),
            )
            # The last state still asks for a certificate, so an earlier upload did not happen or was turned down.
            try:
                self.target.upload(self.pushed.reference, self.pushed.bundles, with_root=False)
            except RemoteError as exc:
                # An upload whose reply was lost may have been taken, though the change still showed its old state.
                if is_new or exc.code != "conflict":
                    raise
            with self.ports.store.write() as unit:
                intents.close_all(unit, *self._upload_key, {"uploaded": True}, self.ports.clock.now())
            if self.order.state in ("needs_decision", "in_doubt"):
                self._save("push_resumed", state="implementing")
        return True

    def _follow(self) -> bool:
        with self._lease():
            uploaded_at = self.ports.clock.monotonic()
            while True:
                self.observe()
                if self.is_deployed:
                    self._reach("on_staging", "certificate_on_staging", next_look_at=None)
                    return True
                waiting = self._react(self.ports.clock.monotonic() - uploaded_at)
                if waiting is None:
                    continue
                reason, message = waiting
                if reason == "needs_decision":
                    return self._park(reason, message, _ASK_AGAIN_S)
                if not self._pause(self.state.look_again_s):
                    return self._park(reason, message, self.state.look_again_s)

    def _react(self, since_upload_s: float) -> tuple[str, str] | None:
        """Do what the change asks for; None when it was done, else why to wait."""
        state = self.state
        # The old status stays for a while after an upload, and with it an error of an earlier one.
        is_new_error = state.error != self._error_before or since_upload_s > _LAG_S
        if state.phase == "wants_certificate" and state.error and is_new_error:
            self._fail("upload_refused", state.error)
        if state.phase in ("failed", "cancelled", "none"):
            self._fail("change_failed", state.error or state.status or state.phase)
        if state.phase == "wants_decision":
            undecided = self._undecided(state.notices)
            notices = self._decisions(state.notices)
            if undecided:
                if self.order.state != "needs_decision":
                    self._save("push_needs_decision", state="needs_decision", notices=notices)
                return "needs_decision", undecided
            if self.order.state == "needs_decision":
                self._save("push_resumed", state="implementing")
            self.target.acknowledge(self.pushed.reference, state.notices)
            self._save("warnings_acknowledged", notices=notices)
            return "busy", "the warnings were acknowledged, CPS has not gone on yet"
        if state.phase == "deploying_staging":
            self._reach("deploying_staging", "staging_deployment_seen")
        return "busy", f"CPS is at work: {state.status}"

    def _decisions(self, notices: Sequence[Notice]) -> tuple[dict[str, str], ...]:
        decision = decide(notices, self.policy, private_ca=self._is_private())
        groups = (("allowed", decision.allowed), ("asked", decision.asked), ("blocked", decision.blocked))
        return tuple(
            {"code": notice.code, "text": notice.text, "decision": word} for word, group in groups for notice in group
        )

    def _undecided(self, notices: Sequence[Notice]) -> str:
        left = [entry for entry in self._decisions(notices) if entry["decision"] != "allowed"]
        texts = "; ".join(f"{entry['code'] or 'unknown'} ({entry['decision']}): {entry['text']}" for entry in left)
        return (
            f"warnings wait for a decision; allow them in warnings.allow or change the certificate: {texts}"
            if left
            else ""
        )

    def _is_private(self) -> bool:
        account = self.pushed.account
        return account is not None and not self.ports.ca(account).capabilities().is_public

    def _fail(self, reason: str, message: str) -> None:
        self._save("push_failed", state="failed", reason=reason, message=message)
        raise StateError(
            f"Work order {self.order.work_order_id} to push {self.order.certificate_id} failed: CPS says {message}",
            code=reason,
            details={"work_order_id": self.order.work_order_id},
        )

    # -- proof -----------------------------------------------------------------------------------------------------

    def _prove(self) -> bool:
        """Complete the order on evidence: handshakes where edge addresses are known, else what CPS says it deployed."""
        now = to_text(self.ports.clock.now())
        if not self.edges:
            evidence = [
                {"kind": "api", "where": "deployments", "fingerprint": fingerprint, "at": now}
                for fingerprint in self.pushed.fingerprints.values()
            ]
            return self._complete(evidence)
        while True:
            evidence, missing = handshakes(
                self.ports.probe(), self.edges, self.certificate.sans, self.pushed.fingerprints, self.ports.clock
            )
            if not missing:
                return self._complete(evidence)
            if not self._pause(self.state.look_again_s):
                self._reach("on_staging", "certificate_on_staging")
                return self._park("not_proven", "; ".join(missing), self.state.look_again_s)

    def _complete(self, evidence: list[dict[str, str]]) -> bool:
        self._reach("on_staging", "certificate_on_staging")
        self._save("push_completed", state="completed", evidence=tuple(evidence), next_look_at=None)
        self._show_in_inventory()
        return True

    def _show_in_inventory(self) -> None:
        """Let the inventory say at once what staging serves; the next discovery would say the same."""
        primary, *others = [dict(facts) for facts in self.state.staging.certificates] or [{}]
        staging = {**primary, "others": others} if others else primary
        with self.ports.store.write() as unit:
            certificate = unit.certificates.get(self.certificate.certificate_id)
            if certificate is not None and certificate.staging != staging:
                unit.certificates.put(replace(certificate, staging=staging, updated_at=self.ports.clock.now()))
