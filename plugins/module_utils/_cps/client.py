# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CPS client: one method for each API operation; ids and records in, records out.

Knows nothing of flows: what to call when is decided by the callers. Paths are built from ids alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from .._core.errors import RemoteError
from . import deployments, hostnames, models, validations
from . import reading as read
from .caller import Operation
from .change_calls import ChangeCalls
from .client_base import ENROLLMENT, Query
from .errors import RemoteNotFound
from .media import JSON
from .pacing import ACTIVE_CERTIFICATES
from .scanning import Unreadable, scanned

_PAPI_HEADERS = {"PAPI-Use-Prefixes": "false"}


def _flags(**flags: bool) -> Query:
    """Give the flags that are set; those that are not are left to CPS's default, which is false."""
    return tuple((name.replace("_", "-"), "true") for name, is_set in flags.items() if is_set)


def _dates(not_before: date | None, not_after: date | None) -> Query:
    pairs = (("deploy-not-before", not_before), ("deploy-not-after", not_after))
    return tuple((name, day.strftime("%Y-%m-%d")) for name, day in pairs if day is not None)


def _contract(contract_id: str | None) -> Query:
    return (("contractId", models.bare(contract_id)),) if contract_id else ()


class CpsClient(ChangeCalls):
    """Speaks to CPS, and to the two APIs that list contracts, for one API client.

    Every method makes one call (and its safe repetitions) and raises ``RemoteError`` as ``errors`` tells, or
    ``TransportError``. A write that got no answer is not repeated: look first.

    :param host: for messages.
    :param account_switch_key: sent with every call; empty for the client's own account.
    :param prefix: begins with a slash.
    :param chance: randomness of waits, 0 to 1.
    """

    # Enrollments

    def list_enrollments(
        self, contract_id: str | None = None, unreadable: list[Unreadable] | None = None
    ) -> tuple[models.EnrollmentRecord, ...]:
        """List the enrollments of a contract, whole; without a contract all visible ones, their contract unknown.

        :param unreadable: is given those that cannot be read; without it the first of them is raised.
        :source: get-enrollments; the contract is documented as required and is not in practice.
        """
        what = f"the enrollments of contract {contract_id}" if contract_id else "the enrollments"
        value = self._get(what, "/enrollments", "enrollments", query=_contract(contract_id))
        contract = models.bare(contract_id) if contract_id else None
        read_one = partial(models.EnrollmentRecord.from_wire, contract_id=contract)
        if unreadable is not None:
            return tuple(scanned(value, what, read_one, unreadable))
        return tuple(map(read_one, models.listed(value, what)))

    def get_enrollment(self, enrollment_id: int) -> models.EnrollmentRecord:
        """Read one enrollment; ``raw`` is the start of an update.

        :source: get-enrollment.
        """
        value = self._get(f"enrollment {enrollment_id}", ENROLLMENT, "enrollment", enrollment_id)
        return models.EnrollmentRecord.from_wire(read.mapping(value))

    def is_open(self, enrollment_id: int, change_id: int | str | None) -> bool:
        """Say whether CPS has a change open, after one call did not find it: that may be a lag, and proves nothing.

        The enrollment and the change itself are asked; both have to say that it is over, or gone.
        """
        if change_id is None:
            return False
        try:
            if int(change_id) in [change.change_id for change in self.get_enrollment(enrollment_id).pending_changes]:
                return True
        except RemoteNotFound:
            pass
        try:
            return self.get_change(enrollment_id, int(change_id)).state not in ("completed", "cancelled")
        except RemoteNotFound:
            return False

    def create_enrollment(
        self,
        body: Mapping[str, Any],
        contract_id: str,
        *,
        allow_duplicate_cn: bool = False,
        deploy_not_before: date | None = None,
        deploy_not_after: date | None = None,
    ) -> models.EnrollmentStatus:
        """Create an enrollment; look for one of the same name before, as the call is not idempotent.

        :param body: from ``enrollment_to_wire``.
        :source: post-enrollments.
        """
        name = read.text(read.mapping(body.get("csr")).get("cn"))
        query = (
            *_contract(contract_id),
            *_dates(deploy_not_before, deploy_not_after),
            *_flags(allow_duplicate_cn=allow_duplicate_cn),
        )
        operation = Operation(
            f"create an enrollment for {name} on contract {contract_id}",
            "POST",
            self._prefix + "/enrollments",
            accept="enrollment-status",
            sends="enrollment",
            body=body,
            query=query,
        )
        answer = self._caller.call(operation)
        try:
            return models.EnrollmentStatus.from_wire(answer.value, answer.status)
        except RemoteError as exc:
            raise self._caller.in_doubt(operation, f"HTTP {answer.status} that names no enrollment") from exc

    def update_enrollment(
        self,
        enrollment_id: int,
        body: Mapping[str, Any],
        *,
        allow_cancel_pending_changes: bool = False,
        allow_staging_bypass: bool = False,
        force_renewal: bool = False,
        renewal_date_check_override: bool = False,
        allow_missing_certificate_addition: bool = False,
        deploy_not_before: date | None = None,
        deploy_not_after: date | None = None,
    ) -> models.EnrollmentStatus:
        """Change an enrollment; the answer names the change this opened, if any.

        :param body: from ``enrollment_update``, the whole object.
        :source: put-enrollment.
        """
        flags = _flags(
            allow_cancel_pending_changes=allow_cancel_pending_changes,
            allow_staging_bypass=allow_staging_bypass,
            force_renewal=force_renewal,
            renewal_date_check_override=renewal_date_check_override,
            allow_missing_certificate_addition=allow_missing_certificate_addition,
        )
        answer = self._caller.call(
            Operation(
                f"update enrollment {enrollment_id}",
                "PUT",
                self._prefix + ENROLLMENT,
                ids=(enrollment_id,),
                accept="enrollment-status",
                sends="enrollment",
                body=body,
                query=(*flags, *_dates(deploy_not_before, deploy_not_after)),
                is_empty_allowed=True,
            )
        )
        return models.EnrollmentStatus.from_wire(answer.value, answer.status, enrollment_id)

    def delete_enrollment(
        self,
        enrollment_id: int,
        *,
        allow_cancel_pending_changes: bool = False,
        deploy_not_before: date | None = None,
        deploy_not_after: date | None = None,
    ) -> models.EnrollmentStatus:
        """Delete an enrollment: gone at once (200), or by a change that goes on (202).

        :source: delete-enrollment.
        """
        flags = _flags(allow_cancel_pending_changes=allow_cancel_pending_changes)
        answer = self._caller.call(
            Operation(
                f"delete enrollment {enrollment_id}",
                "DELETE",
                self._prefix + ENROLLMENT,
                ids=(enrollment_id,),
                accept="enrollment-status",
                query=(*flags, *_dates(deploy_not_before, deploy_not_after)),
                is_empty_allowed=True,
            )
        )
        return models.EnrollmentStatus.from_wire(answer.value, answer.status, enrollment_id)

    def active_certificates(
        self, contract_id: str | None = None, unreadable: list[Unreadable] | None = None
    ) -> tuple[models.ActiveRecord, ...]:
        """List what is live on both networks for every enrollment of a contract, without PEM.

        :param unreadable: is given those that cannot be read; without it the first of them is raised.
        :source: GET /active-certificates, in Akamai's documentation and absent from the published API file.
        """
        what = f"the active certificates of contract {contract_id}" if contract_id else "the active certificates"
        value = self._get(
            what,
            "/active-certificates",
            "active-certificates",
            query=_contract(contract_id),
            family=ACTIVE_CERTIFICATES,
        )
        read_one = models.ActiveRecord.from_wire
        if unreadable is not None:
            return tuple(scanned(value, what, read_one, unreadable))
        return tuple(map(read_one, models.listed(value, what)))

    # What is deployed, and what was

    def get_deployments(self, enrollment_id: int) -> deployments.DeploymentsRecord:
        """Read what both networks serve, with PEM, in one call.

        :source: get-deployments.
        """
        what = f"the deployments of enrollment {enrollment_id}"
        value = self._get(what, ENROLLMENT + "/deployments", "deployments", enrollment_id)
        return deployments.DeploymentsRecord.from_wire(value)

    def certificate_history(self, enrollment_id: int) -> tuple[deployments.CertificateHistoryEntry, ...]:
        """Read the certificates an enrollment had.

        :source: get-history-certificates.
        """
        what = f"the certificate history of enrollment {enrollment_id}"
        value = self._get(what, ENROLLMENT + "/history/certificates", "certificate-history", enrollment_id)
        return deployments.certificate_history(value)

    def dv_history(self, enrollment_id: int) -> Mapping[str, Sequence[validations.DomainValidation]]:
        """Read the domain validations of an enrollment by name; ``RemoteNotFound`` where it has none.

        :source: get-dv-history.
        """
        what = f"the validation history of enrollment {enrollment_id}"
        return validations.history(self._get(what, ENROLLMENT + "/dv-history", "dv-history", enrollment_id))

    # Contracts and groups

    def contract_ids(self) -> tuple[str, ...]:
        """List the contracts the client may see, parents and children, without ``ctr_``.

        :source: contract-api get-contract-ids, whose own default, ``TOP``, leaves out child contracts.
        """
        operation = Operation(
            "list the contracts",
            "GET",
            "/contract-api/v1/contracts/identifiers",
            accept=JSON,
            query=(("depth", "ALL"),),
        )
        value = self._caller.call(operation).value
        if not isinstance(value, list):
            raise read.unusable("the list of contracts", "it is no array")
        found = (models.bare(entry) for entry in value)
        return tuple(dict.fromkeys(entry for entry in found if entry))

    def papi_contracts(self) -> models.PapiContracts:
        """List the contracts by Property Manager, with the account's id.

        :source: PAPI get-contracts.
        """
        return models.papi_contracts(self._papi("contracts"))

    def property_hostnames(self, hostname: str = "", *, offset: int = 0) -> hostnames.HostnamePage:
        """List the host names that are active in properties of the account, one page.

        :param hostname: only those of that name; ``*`` stands for any text. Empty for all.
        :source: PAPI get-hostnames.
        """
        query = (("limit", str(hostnames.PAGE)), ("offset", str(offset)))
        return hostnames.hostname_page(
            self._papi("hostnames", (("hostname", hostname), *query) if hostname else query), offset
        )

    def _papi(self, noun: str, query: Query = ()) -> Any:
        operation = Operation(
            f"list the {noun} of Property Manager",
            "GET",
            f"/papi/v1/{noun}",
            accept=JSON,
            query=query,
            headers=_PAPI_HEADERS,
        )
        return self._caller.call(operation).value
