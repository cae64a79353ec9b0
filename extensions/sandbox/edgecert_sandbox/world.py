# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facade of the sandbox's engine: one method per API operation, all behind one lock.

Knows nothing of HTTP, signatures or files.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from . import broken, history, inputs, operations, property_manager, seeding, views
from .authority import Authority
from .changes import DATED, Machine
from .clock import SandboxClock, iso, parse_iso
from .edge_dns import EdgeDns
from .model import NETWORKS, Account, Change, Enrollment, Event, Served, Wire, WorldConfig
from .phases import PHASES
from .problems import Answer, Problem, invalid, not_found, wrong_state

__all__ = ["Answer", "Event", "Problem", "SandboxClock", "Served", "World", "WorldConfig"]

UNSCHEDULABLE = ("produce", "produce_check")


class World:
    """A CPS account: enrollments, changes, certificates and two networks, moved on by a clock.

    Every public method takes parsed values, is thread-safe, first lets all due steps happen, and answers with
    :class:`Answer` or raises :class:`Problem`.

    :param config: may be changed while running; the next operation uses it.
    :param clock: moved by whoever owns it.
    """

    def __init__(self, config: WorldConfig, clock: SandboxClock) -> None:
        self.config = config
        self.clock = clock
        self.dns = EdgeDns(lambda: self.config, clock.now)
        self._lock = threading.RLock()
        self._account = Account()
        self._machine = Machine(self._account, config, Authority(clock.now()))

    @property
    def events(self) -> Sequence[Event]:
        """Give what happened so far, oldest first; append-only."""
        with self._lock:
            self._tick()
            return tuple(self._account.events)

    def get_enrollments(self, contract_id: str | None, version: int) -> Answer:
        """List enrollments with their full documents, of one contract or of all the client may see."""
        with self._lock:
            self._tick()
            body = views.enrollments_view(self.config, self._visible(contract_id), version)
            return Answer(200, "enrollments", {"enrollments": broken.listed(self.config, body["enrollments"])})

    def post_enrollment(self, contract_id: str, body: Wire, query: dict[str, str], version: int) -> Answer:
        """Create an enrollment and open its first change (202)."""
        with self._lock:
            return operations.create(self._machine, contract_id, body, query, self._tick())

    def get_enrollment(self, eid: int, version: int) -> Answer:
        """Read one enrollment."""
        with self._lock:
            self._tick()
            return Answer(200, "enrollment", views.enrollment_view(self.config, self._enrollment(eid), version))

    def put_enrollment(self, eid: int, body: Wire, query: dict[str, str], version: int) -> Answer:
        """Update an enrollment: 200 when nothing has to be deployed, 202 when a change was opened."""
        with self._lock:
            now = self._tick()
            return operations.update(self._machine, self._enrollment(eid), body, query, now)

    def delete_enrollment(self, eid: int, query: dict[str, str]) -> Answer:
        """Delete an enrollment: 200 when it is gone at once, 202 when it is being deprovisioned."""
        with self._lock:
            now = self._tick()
            return operations.delete(self._machine, self._enrollment(eid), query, now)

    def get_change(self, eid: int, cid: int, version: int) -> Answer:
        """Read a change's status and allowed input."""
        with self._lock:
            now = self._tick()
            _enrollment, change = self._change(eid, cid)
            return Answer(200, "change", views.change_view(self._machine, change, now))

    def delete_change(self, eid: int, cid: int) -> Answer:
        """Cancel a change; the first change of a never-deployed enrollment takes the enrollment with it."""
        with self._lock:
            now = self._tick()
            return operations.cancel(self._machine, *self._change(eid, cid), now)

    def get_input_info(self, eid: int, cid: int, info_tail: str, entity: str, version: int) -> Answer:
        """Read what an allowed input is about (CSR, warnings, change management, DV challenges)."""
        with self._lock:
            now = self._tick()
            return inputs.read_info(self._machine, *self._change(eid, cid), info_tail, entity, version, now)

    def post_input_update(self, eid: int, cid: int, update_tail: str, entity: str, version: int, body: Wire) -> Answer:
        """Give an allowed input: a certificate or an acknowledgement."""
        with self._lock:
            now = self._tick()
            enrollment, change = self._change(eid, cid)
            location = views.change_path(self.config, change)
            inputs.give_input(self._machine, enrollment, change, update_tail, body, now)
            return Answer(200, "change-id", {"change": location})

    def get_deployment_schedule(self, eid: int, cid: int) -> Answer:
        """Read a change's deployment schedule."""
        with self._lock:
            self._tick()
            return Answer(200, "deployment-schedule", views.schedule_view(self._change(eid, cid)[1]))

    def put_deployment_schedule(self, eid: int, cid: int, body: Wire) -> Answer:
        """Set a change's deployment schedule; members left out are cleared."""
        with self._lock:
            now = self._tick()
            enrollment, change = self._change(eid, cid)
            if change not in enrollment.pending or change.phase in UNSCHEDULABLE:
                raise wrong_state(f"Change {cid} can no longer be scheduled.")
            not_before, not_after = (_moment(body, name) for name in ("notBefore", "notAfter"))
            if not_before and not_after and parse_iso(not_after) <= parse_iso(not_before):
                raise invalid("Invalid deployment schedule", "notAfter must be later than notBefore.")
            change.not_before, change.not_after = not_before, not_after
            if change.phase in DATED:
                self._machine.reschedule(enrollment, change, now)
            self._account.note(now, "scheduled", eid, cid, f"{not_before} to {not_after}")
            return Answer(200, "change-id", {"change": views.change_path(self.config, change)})

    def get_deployments(self, eid: int, version: int) -> Answer:
        """Read what both networks serve; a network that serves nothing is null."""
        with self._lock:
            self._tick()
            enrollment = self._enrollment(eid)
            body: Wire = {}
            for network in NETWORKS:
                deployment = enrollment.deployed(network)
                body[network] = views.deployment_view(deployment, version) if deployment else None
            return Answer(200, "deployments", broken.answered(self.config, eid, body))

    def get_deployment(self, eid: int, network: str, version: int) -> Answer:
        """Read what one network serves; 404 when it serves nothing."""
        with self._lock:
            self._tick()
            deployment = self._enrollment(eid).deployed(network) if network in NETWORKS else None
            if deployment is None:
                raise not_found(f"A {network} deployment of enrollment {eid}")
            return Answer(200, "deployment", views.deployment_view(deployment, version))

    def get_certificate_history(self, eid: int, version: int) -> Answer:
        """Read all certificates the enrollment ever deployed, newest first."""
        with self._lock:
            self._tick()
            body = history.certificate_history(self._enrollment(eid), version)
            return Answer(200, "certificate-history", broken.answered(self.config, eid, body))

    def get_change_history(self, eid: int, version: int) -> Answer:
        """Read all changes, newest first, with their CSRs."""
        with self._lock:
            self._tick()
            body = history.change_history(self._machine, self._enrollment(eid), version)
            return Answer(200, "change-history", body)

    def get_dv_history(self, eid: int) -> Answer:
        """Read past domain validations of a DV enrollment."""
        with self._lock:
            self._tick()
            enrollment = self._enrollment(eid)
            if enrollment.doc["validationType"] != "dv":
                raise not_found(f"A DV history of enrollment {eid}")
            return Answer(200, "dv-history", history.dv_history(enrollment))

    def get_active_certificates(self, contract_id: str | None, version: int) -> Answer:
        """List fingerprints, serials and expiry of what both networks serve, for every enrollment."""
        with self._lock:
            self._tick()
            if not self.config.active_certificates_available:
                raise not_found("active-certificates")
            operations.check_listable(self.config, contract_id or "")
            visible = [one for one in self._visible(contract_id) if not broken.is_missed(self.config, one.id)]
            found = broken.listed(self.config, [views.active_view(self.config, one, version) for one in visible])
            return Answer(200, "active-certificates", {"enrollments": found})

    def get_contract_identifiers(self, depth: str) -> Answer:
        """List bare contract ids (contract-api); entity ``json``.

        :param depth: ``TOP`` for parent contracts, ``ALL`` for their children too.
        """
        with self._lock:
            if depth not in ("TOP", "ALL"):
                raise invalid("Bad Request", f"depth must be TOP or ALL, not {depth!r}.")
            children = [one for one in self.config.children if depth == "ALL"]
            return Answer(200, "json", list(dict.fromkeys([*self._all_contracts(), *children])))

    def get_papi_contracts(self) -> Answer:
        """List contracts as PAPI does, without prefixes; entity ``json``."""
        with self._lock:
            items = [{"contractId": one, "contractTypeName": "DIRECT_CUSTOMER"} for one in self._all_contracts()]
            return Answer(200, "json", {"accountId": self.config.account_id, "contracts": {"items": items}})

    def get_papi_groups(self) -> Answer:
        """List groups as PAPI does, without prefixes; entity ``json``."""
        with self._lock:
            group = {"groupId": "15225", "groupName": self.config.account_name, "contractIds": self._all_contracts()}
            body = {
                "accountId": self.config.account_id,
                "accountName": self.config.account_name,
                "groups": {"items": [group]},
            }
            return Answer(200, "json", body)

    def get_papi_hostnames(self, query: dict[str, str]) -> Answer:
        """List active host names of properties, without prefixes; entity ``json``."""
        with self._lock:
            return Answer(200, "json", property_manager.hostnames(self.config, query))

    def served(self, network: str) -> list[Served]:
        """Give what a network's edge presents now; both certificates of a multi-stacked enrollment are listed."""
        with self._lock:
            self._tick()
            shown = []
            for enrollment in self._account.enrollments.values():
                deployment = enrollment.deployed(network)
                for entry in deployment.certificates if deployment else []:
                    chain = "\n".join(part for part in (entry.certificate, entry.trust_chain) if part) + "\n"
                    names = list(deployment.dns_names) if deployment else []
                    refused = tuple((deployment.network if deployment else {}).get("disallowedTlsVersions") or ())
                    shown.append(Served(names, chain, entry.key_pem, entry.key_algorithm, refused))
            return shown

    def generation(self, network: str) -> int:
        """Give a number that rises whenever :meth:`served` would answer differently."""
        with self._lock:
            self._tick()
            return self._account.generations[network]

    def seed(
        self,
        count: int,
        contracts: Sequence[str] = (),
        kinds: Sequence[str] = ("third-party",),
        expiring: int = 0,
        former: int = 0,
        csr: Wire | None = None,
    ) -> list[int]:
        """Fill the account with enrollments and give their ids.

        :param contracts: spread over these, round robin; default all of the configuration. New ones are added to it.
        :param kinds: of ``third-party``, ``dv``, ``ov``, ``ev`` (deployed), ``third-party-pending``, ``dv-pending``
            (never deployed), round robin.
        :param expiring: how many of the deployed ones expire within thirty days.
        :param former: how many earlier certificates each deployed one had.
        :param csr: members that hold over those of the made-up ``csr``, as ``cn`` and ``sans``.
        :raises ValueError: a kind is unknown.
        """
        with self._lock:
            now = self._tick()
            chosen = list(contracts) or list(self.config.contracts)
            known = (*self.config.contracts, *self.config.children)
            self.config.contracts.extend(one for one in dict.fromkeys(chosen) if one not in known)
            wanted = seeding.Wanted(count, chosen, list(kinds) or ["third-party"], expiring, former, csr or {})
            return seeding.seed(self._machine, wanted, now)

    def add_validation(self, eid: int, cid: int, message: str, error: bool = False) -> None:
        """Make change management find something more: the validation hash changes, an error blocks the push."""
        with self._lock:
            self._tick()
            change = self._change(eid, cid)[1]
            (change.validation_errors if error else change.validation_warnings).append(message)

    def describe(self) -> dict[str, Any]:
        """Give counts and every enrollment with its state; no key, no certificate text."""
        with self._lock:
            now = self._tick()
            found = [_description(one) for one in self._account.enrollments.values()]
            return {
                "now": iso(now),
                "accountId": self.config.account_id,
                "contracts": list(self.config.contracts),
                "counts": {
                    "enrollments": len(found),
                    "pending": sum(1 for one in found if one["pending"]),
                    "onStaging": sum(1 for one in found if one["staging"]),
                    "onProduction": sum(1 for one in found if one["production"]),
                    "events": len(self._account.events),
                },
                "enrollments": found,
            }

    def _tick(self) -> datetime:
        now = self.clock.now()
        self._machine.config = self.config
        self._machine.run(now)
        return now

    def _enrollment(self, eid: int) -> Enrollment:
        enrollment = self._account.enrollments.get(eid)
        if enrollment is None or self._is_hidden(enrollment):
            raise not_found(f"Enrollment {eid}")
        return enrollment

    def _change(self, eid: int, cid: int) -> tuple[Enrollment, Change]:
        enrollment = self._enrollment(eid)
        for change in enrollment.changes:
            if change.id == cid:
                return enrollment, change
        raise not_found(f"Change {cid} of enrollment {eid}")

    def _visible(self, contract_id: str | None) -> list[Enrollment]:
        if contract_id is not None:
            wanted = operations.check_contract(self.config, contract_id)
            parents = self.config.children if self.config.parents_list_children else {}
            found = [
                one
                for one in self._account.enrollments.values()
                if wanted in (one.contract_id, parents.get(one.contract_id))
            ]
        else:
            found = list(self._account.enrollments.values())
        is_restricted = self.config.inaccessible_contracts or self.config.hidden_enrollments
        return [one for one in found if not self._is_hidden(one)] if is_restricted else found

    def _is_hidden(self, enrollment: Enrollment) -> bool:
        is_outside = enrollment.contract_id in self.config.inaccessible_contracts
        return is_outside or str(enrollment.id) in self.config.hidden_enrollments

    def _all_contracts(self) -> list[str]:
        known = [*self.config.contracts, *self.config.inaccessible_contracts, *self.config.contracts_without_cps]
        return list(dict.fromkeys(known))


def _moment(body: Wire, name: str) -> str | None:
    """Read one member of a schedule and write it the way CPS does."""
    text = body.get(name)
    if text is None or text == "":
        return None
    try:
        return iso(parse_iso(text))
    except ValueError:
        raise invalid("Invalid deployment schedule", f"{name} must be an ISO-8601 moment, not {text!r}.") from None


def _description(enrollment: Enrollment) -> Wire:
    def marks(network: str) -> list[str]:
        deployment = enrollment.deployed(network)
        return [entry.fingerprint for entry in deployment.certificates] if deployment else []

    return {
        "id": enrollment.id,
        "contract": enrollment.contract_id,
        "commonName": enrollment.doc["csr"]["cn"],
        "validationType": enrollment.doc["validationType"],
        "pending": [
            {"id": one.id, "type": one.change_type, "status": PHASES[one.phase].status} for one in enrollment.pending
        ],
        "staging": marks("staging"),
        "production": marks("production"),
    }
