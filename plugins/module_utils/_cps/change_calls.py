# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations on changes: status, input, schedule. Part of the CPS client; knows nothing of flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import changes, validations
from . import reading as read
from .caller import Operation
from .client_base import CHANGE, ClientBase


class ChangeCalls(ClientBase):
    """The operations below ``/enrollments/{id}/changes/{change}``."""

    def get_change(self, enrollment_id: int, change_id: int) -> changes.ChangeRecord:
        """Read where a change stands.

        :source: get-enrollment-change.
        """
        what = f"change {change_id} of enrollment {enrollment_id}"
        return changes.ChangeRecord.from_wire(self._get(what, CHANGE, "change", enrollment_id, change_id))

    def cancel_change(self, enrollment_id: int, change_id: int) -> int:
        """Cancel a change; the first one of a never deployed enrollment takes the enrollment with it.

        :returns: the id of the cancelled change.
        :source: delete-enrollment-change.
        """
        return self._write_change("cancel", "DELETE", CHANGE, enrollment_id, change_id)

    def get_csrs(self, enrollment_id: int, change_id: int) -> tuple[changes.Csr, ...]:
        """Read the CSRs; ``RemoteNotFound`` while they are not ready.

        :source: get-change-allowed-input-param, third-party-csr.
        """
        return changes.Csr.all_from_wire(self._info(changes.CSR, enrollment_id, change_id))

    def get_warnings(self, kind: changes.InputKind, enrollment_id: int, change_id: int) -> str:
        """Read the warnings to be acknowledged, one text; ``RemoteNotFound`` when they vanished meanwhile.

        :param kind: ``PRE_WARNINGS`` or ``POST_WARNINGS``.
        """
        return changes.warnings_text(self._info(kind, enrollment_id, change_id))

    def get_change_management_info(self, enrollment_id: int, change_id: int) -> changes.ChangeManagementInfo:
        """Read what a change that stopped after staging would bring to production."""
        return changes.ChangeManagementInfo.from_wire(self._info(changes.CHANGE_MANAGEMENT, enrollment_id, change_id))

    def get_dv_challenges(self, enrollment_id: int, change_id: int) -> Sequence[validations.DomainValidation]:
        """Read the challenges of a domain validation; ``RemoteNotFound`` while none is open."""
        return validations.challenges(self._info(changes.DV_CHALLENGES, enrollment_id, change_id))

    def upload_certificates(
        self, enrollment_id: int, change_id: int, certificates: Sequence[changes.UploadCertificate]
    ) -> int:
        """Hand over signed certificates, one for each key algorithm.

        :source: post-change-allowed-input-param, third-party-cert-and-trust-chain.
        """
        return self._answer_input(changes.CSR, enrollment_id, change_id, changes.upload_to_wire(certificates))

    def acknowledge(
        self,
        kind: changes.InputKind,
        enrollment_id: int,
        change_id: int,
        *,
        word: str = "acknowledge",
        hash_text: str | None = None,
    ) -> int:
        """Acknowledge what the change waits for.

        :param hash_text: of the change-management information, so that it holds only for what was seen.
        """
        body = changes.acknowledgement_to_wire(word, hash_text)
        sends = "" if hash_text else "acknowledgement"
        return self._answer_input(kind, enrollment_id, change_id, body, sends)

    def get_schedule(self, enrollment_id: int, change_id: int) -> changes.Schedule:
        """Read when a change may be deployed.

        :source: get-change-deployment-schedule.
        """
        what = f"the schedule of change {change_id} of enrollment {enrollment_id}"
        template = CHANGE + "/deployment-schedule"
        wire = read.mapping(self._get(what, template, "deployment-schedule", enrollment_id, change_id))
        if "notBefore" not in wire and "notAfter" not in wire:
            raise read.unusable(what, "it has neither notBefore nor notAfter")
        return changes.Schedule.from_wire(wire)

    def set_schedule(self, enrollment_id: int, change_id: int, schedule: changes.Schedule) -> int:
        """Set when a change may be deployed.

        :source: put-change-deployment-schedule.
        """
        return self._write_change(
            "schedule",
            "PUT",
            CHANGE + "/deployment-schedule",
            enrollment_id,
            change_id,
            sends="deployment-schedule",
            body=schedule.to_wire(),
        )

    def _info(self, kind: changes.InputKind, enrollment_id: int, change_id: int) -> Any:
        what = f"{kind.info} of change {change_id} of enrollment {enrollment_id}"
        template = f"{CHANGE}/input/info/{kind.info}"
        return self._get(what, template, kind.info_entity, enrollment_id, change_id)

    def _answer_input(
        self, kind: changes.InputKind, enrollment_id: int, change_id: int, body: Mapping[str, Any], sends: str = ""
    ) -> int:
        return self._write_change(
            f"give {kind.update} to",
            "POST",
            f"{CHANGE}/input/update/{kind.update}",
            enrollment_id,
            change_id,
            sends=sends or kind.update_entity,
            body=body,
        )

    def _write_change(
        self, verb: str, method: str, template: str, enrollment_id: int, change_id: int, **more: Any
    ) -> int:
        """Write to a change; answers may be empty, then the id is the one that was written to."""
        operation = Operation(
            f"{verb} change {change_id} of enrollment {enrollment_id}",
            method,
            self._prefix + template,
            ids=(enrollment_id, change_id),
            accept="change-id",
            is_empty_allowed=True,
            **more,
        )
        told = read.last_id(read.mapping(self._caller.call(operation).value).get("change"))
        return change_id if told is None else told
