# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facade of the sandbox's engine: one method per API operation, all behind one lock. Knows nothing of HTTP, signatures or files."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from .clock import SandboxClock
from .model import Event, Served, Wire, WorldConfig
from .problems import Answer, Problem

__all__ = ["Answer", "Event", "Problem", "SandboxClock", "Served", "World", "WorldConfig"]


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
        self._lock = threading.RLock()

    @property
    def events(self) -> Sequence[Event]:
        """Give what happened so far, oldest first; append-only."""

    def get_enrollments(self, contract_id: str | None, version: int) -> Answer:
        """List enrollments with their full documents, of one contract or of all the client may see."""

    def post_enrollment(self, contract_id: str, body: Wire, query: dict[str, str], version: int) -> Answer:
        """Create an enrollment and open its first change (202)."""

    def get_enrollment(self, eid: int, version: int) -> Answer:
        """Read one enrollment."""

    def put_enrollment(self, eid: int, body: Wire, query: dict[str, str], version: int) -> Answer:
        """Update an enrollment: 200 when nothing has to be deployed, 202 when a change was opened."""

    def delete_enrollment(self, eid: int, query: dict[str, str]) -> Answer:
        """Delete an enrollment: 200 when it is gone at once, 202 when it is being deprovisioned."""

    def get_change(self, eid: int, cid: int, version: int) -> Answer:
        """Read a change's status and allowed input."""

    def delete_change(self, eid: int, cid: int) -> Answer:
        """Cancel a change; the first change of a never-deployed enrollment takes the enrollment with it."""

    def get_input_info(self, eid: int, cid: int, info_tail: str, entity: str, version: int) -> Answer:
        """Read what an allowed input is about (CSR, warnings, change management, DV challenges)."""

    def post_input_update(
        self, eid: int, cid: int, update_tail: str, entity: str, version: int, body: Wire
    ) -> Answer:
        """Give an allowed input: a certificate or an acknowledgement."""

    def get_deployment_schedule(self, eid: int, cid: int) -> Answer:
        """Read a change's deployment schedule."""

    def put_deployment_schedule(self, eid: int, cid: int, body: Wire) -> Answer:
        """Set a change's deployment schedule."""

    def get_deployments(self, eid: int, version: int) -> Answer:
        """Read what both networks serve; a network that serves nothing is null."""

    def get_deployment(self, eid: int, network: str, version: int) -> Answer:
        """Read what one network serves; 404 when it serves nothing."""

    def get_certificate_history(self, eid: int, version: int) -> Answer:
        """Read all certificates the enrollment ever deployed, newest first."""

    def get_change_history(self, eid: int, version: int) -> Answer:
        """Read all changes, newest first, with their CSRs."""

    def get_dv_history(self, eid: int) -> Answer:
        """Read past domain validations of a DV enrollment."""

    def get_active_certificates(self, contract_id: str | None, version: int) -> Answer:
        """List fingerprints, serials and expiry of what both networks serve, for every enrollment."""

    def get_contract_identifiers(self, depth: str) -> Answer:
        """List bare contract ids (contract-api); entity ``json``."""

    def get_papi_contracts(self) -> Answer:
        """List contracts as PAPI does, without prefixes; entity ``json``."""

    def get_papi_groups(self) -> Answer:
        """List groups as PAPI does, without prefixes; entity ``json``."""

    def served(self, network: str) -> list[Served]:
        """Give what a network's edge presents now."""

    def generation(self, network: str) -> int:
        """Give a number that rises whenever :meth:`served` would answer differently."""

    def seed(self, count: int, contracts: Sequence[str] = (), kinds: Sequence[str] = (), expiring: int = 0) -> list[int]:
        """Fill the account with deployed enrollments and give their ids.

        :param contracts: spread over these, round robin; default all of the configuration.
        :param kinds: of ``third-party``, ``dv``, ``ov``, ``ev``, round robin; default third-party.
        :param expiring: how many of them expire within thirty days.
        """

    def add_validation(self, eid: int, cid: int, message: str, error: bool = False) -> None:
        """Make change management find something more: the validation hash changes, an error blocks the push."""

    def describe(self) -> dict[str, Any]:
        """Give counts and every enrollment with its state; no key, no certificate text."""
