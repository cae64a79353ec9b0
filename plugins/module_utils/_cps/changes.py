# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes as frozen records: status, the input CPS waits for, change management, CSRs, schedule.

Knows no HTTP and no policy. What to do in which state is decided by the callers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from .._core.clock import to_text
from . import reading as read
from .models import NetworkSettings


@dataclass(frozen=True)
class InputKind:
    """One kind of input a change may wait for.

    :ivar info: last segment of the path that tells about it; ``info_entity`` is what to accept there.
    :ivar update: last segment of the path that takes it; ``update_entity`` is what to send.
    """

    name: str
    info: str
    info_entity: str
    update: str
    update_entity: str


CSR = InputKind(
    "third-party-certificate",
    "third-party-csr",
    "csr",
    "third-party-cert-and-trust-chain",
    "certificate-and-trust-chain",
)
PRE_WARNINGS = InputKind(
    "pre-verification-warnings-acknowledgement",
    "pre-verification-warnings",
    "warnings",
    "pre-verification-warnings-ack",
    "acknowledgement",
)
POST_WARNINGS = InputKind(
    "post-verification-warnings-acknowledgement",
    "post-verification-warnings",
    "warnings",
    "post-verification-warnings-ack",
    "acknowledgement",
)
CHANGE_MANAGEMENT = InputKind(
    "change-management",
    "change-management-info",
    "change-management-info",
    "change-management-ack",
    "acknowledgement-with-hash",
)
DV_CHALLENGES = InputKind(
    "lets-encrypt-challenges",
    "lets-encrypt-challenges",
    "dv-challenges",
    "lets-encrypt-challenges-completed",
    "acknowledgement",
)

_KINDS = (CSR, PRE_WARNINGS, POST_WARNINGS, CHANGE_MANAGEMENT, DV_CHALLENGES)
KIND_BY_UPDATE: Mapping[str, InputKind] = MappingProxyType({kind.update: kind for kind in _KINDS})
# The documentation prints the tails of the paths in the type column, servers return the first name.
_KIND_BY_TYPE = {word: kind for kind in _KINDS for word in (kind.name, kind.info, kind.update)}


@dataclass(frozen=True)
class AllowedInput:
    """An input the change takes now.

    :ivar kind: what it is, or None for a kind that is not known.
    :ivar update: last segment of the path that takes it.
    """

    type: str
    required: bool
    info: str
    update: str
    kind: InputKind | None

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> AllowedInput:
        """Read one entry; the kind is told by the last segment of ``update``, else by ``type``."""
        kind_word = read.text(wire.get("type")) or ""
        info = (read.text(wire.get("info")) or "").rstrip("/").rsplit("/", 1)[-1]
        update = (read.text(wire.get("update")) or "").rstrip("/").rsplit("/", 1)[-1]
        return cls(
            type=kind_word,
            required=bool(read.flag(wire.get("requiredToProceed"))),
            info=info,
            update=update,
            kind=KIND_BY_UPDATE.get(update) or _KIND_BY_TYPE.get(kind_word),
        )


@dataclass(frozen=True)
class ChangeError:
    """Why a change stopped, in CPS's words."""

    code: str | None
    description: str | None
    timestamp: datetime | None


@dataclass(frozen=True)
class Schedule:
    """When a change may be deployed, UTC; None where there is no bound.

    :ivar not_before: earliest moment, not an exact one.
    :ivar not_after: the change lapses then.
    """

    not_before: datetime | None = None
    not_after: datetime | None = None

    @classmethod
    def from_wire(cls, value: Any) -> Schedule:
        """Read ``{notBefore, notAfter}``."""
        wire = read.mapping(value)
        return cls(read.moment(wire.get("notBefore")), read.moment(wire.get("notAfter")))

    def to_wire(self) -> dict[str, str | None]:
        """Write both members, null where there is no bound."""
        return {
            "notBefore": to_text(self.not_before) if self.not_before else None,
            "notAfter": to_text(self.not_after) if self.not_after else None,
        }


@dataclass(frozen=True)
class ChangeRecord:
    """Where one change stands.

    :ivar state: ``new``, ``running``, ``awaiting-input``, ``suspended``, ``cancelled``, ``completed``, ``error``, or a
        word not known yet. Decide by it and ``allowed_inputs``.
    :ivar status: CPS's finer word; for messages only, as the list of them is open.
    :ivar allowed_inputs: may be empty for a while although the state is ``awaiting-input``.
    """

    status: str
    state: str
    description: str
    error: ChangeError | None
    allowed_inputs: tuple[AllowedInput, ...]
    schedule: Schedule

    @property
    def status_text(self) -> str:
        """Give the status with what CPS says beside it, for people."""
        return f"{self.status} ({self.description})" if self.description else self.status

    @property
    def error_text(self) -> str:
        """Give why it stopped, for people; empty when it did not."""
        if self.error is None:
            return ""
        text = ": ".join(part for part in (self.error.code, self.error.description) if part)
        return f"{text} (at {to_text(self.error.timestamp)})" if self.error.timestamp else text

    @property
    def needed(self) -> AllowedInput | None:
        """Give the input without which the change does not go on, else the first one offered, else None."""
        required = [entry for entry in self.allowed_inputs if entry.required]
        return next(iter(required or self.allowed_inputs), None)

    def takes(self, kind: InputKind) -> bool:
        """Say whether the change takes that kind of input now."""
        return any(entry.kind is kind for entry in self.allowed_inputs)

    @classmethod
    def from_wire(cls, value: Any) -> ChangeRecord:
        """Read a change.

        :raises RemoteError: the answer has no status.
        """
        wire = read.mapping(value)
        info = read.mapping(wire.get("statusInfo"))
        if not info:
            raise read.unusable("the change", "it has no statusInfo")
        error = info.get("error")
        fault = read.mapping(error)
        return cls(
            status=read.text(info.get("status")) or "",
            state=read.text(info.get("state")) or "",
            description=read.text(info.get("description")) or "",
            error=ChangeError(
                read.text(fault.get("code")),
                read.text(fault.get("description")) or read.text(error),
                read.moment(fault.get("timestamp")),
            )
            if error
            else None,
            allowed_inputs=tuple(AllowedInput.from_wire(one) for one in read.objects(wire.get("allowedInput"))),
            schedule=Schedule.from_wire(info.get("deploymentSchedule")),
        )


@dataclass(frozen=True)
class Csr:
    """A CSR made by CPS, PEM; the key algorithm is None when the answer does not say."""

    pem: str
    key_algorithm: str | None

    @classmethod
    def all_from_wire(cls, value: Any) -> tuple[Csr, ...]:
        """Read ``{csrs: [...]}``, or the single ``{csr}`` of version 1.

        :raises RemoteError: there is none in it.
        """
        wire = read.mapping(value)
        entries = read.objects(wire.get("csrs")) or [wire]
        pairs = ((read.text(one.get("csr")), read.text(one.get("keyAlgorithm"))) for one in entries)
        found = tuple(cls(pem, algorithm) for pem, algorithm in pairs if pem)
        if not found:
            raise read.unusable("the CSR", "there is none in it")
        return found


@dataclass(frozen=True)
class UploadCertificate:
    """A signed certificate on its way to CPS.

    :ivar certificate: PEM of the leaf alone.
    :ivar trust_chain: PEM of the intermediates, the leaf's issuer first.
    :ivar key_algorithm: ``RSA`` or ``ECDSA``.
    """

    certificate: str
    trust_chain: str
    key_algorithm: str

    def to_wire(self) -> dict[str, str]:
        """Write the published members, PEM without carriage returns and blank edges."""
        return {
            "certificate": _clean(self.certificate),
            "trustChain": _clean(self.trust_chain),
            "keyAlgorithm": self.key_algorithm,
        }


def _clean(pem: str) -> str:
    return pem.replace("\r", "").strip()


def upload_to_wire(certificates: Sequence[UploadCertificate]) -> dict[str, Any]:
    """Write the body of an upload, one entry for each key algorithm."""
    return {"certificatesAndTrustChains": [one.to_wire() for one in certificates]}


def acknowledgement_to_wire(word: str = "acknowledge", hash_text: str | None = None) -> dict[str, str]:
    """Write the body of an acknowledgement.

    :param word: ``acknowledge`` or ``deny``; what the latter does is documented nowhere.
    :param hash_text: of the change-management information it was decided on.
    """
    return {"acknowledgement": word, **({"hash": hash_text} if hash_text else {})}


@dataclass(frozen=True)
class ValidationMessage:
    """An error or a warning of the validation before production."""

    text: str
    code: str | None

    @classmethod
    def all_from_wire(cls, value: Any) -> tuple[ValidationMessage, ...]:
        """Read a list of messages, objects or bare texts; null is none."""
        found = []
        for entry in read.items(value):
            wire = entry if isinstance(entry, Mapping) else {"message": entry}
            message, code = read.text(wire.get("message")), read.text(wire.get("messageCode"))
            if message or code:
                found.append(cls(message or "", code))
        return tuple(found)


@dataclass(frozen=True)
class PendingCertificate:
    """A certificate that waits for production; ``certificate`` is PEM."""

    certificate: str
    key_algorithm: str | None
    signature_algorithm: str | None
    certificate_type: str | None


@dataclass(frozen=True)
class ChangeManagementInfo:
    """What a change that stopped after staging would bring to production.

    :ivar hash: to be sent with the acknowledgement, so that it holds only for what was seen.
    :ivar deadline: last moment for the acknowledgement, UTC; None when nothing is live yet.
    :ivar errors: not empty: an acknowledgement will not help.
    """

    hash: str
    deadline: datetime | None
    errors: tuple[ValidationMessage, ...]
    warnings: tuple[ValidationMessage, ...]
    certificates: tuple[PendingCertificate, ...]
    network: NetworkSettings

    @classmethod
    def from_wire(cls, value: Any) -> ChangeManagementInfo:
        """Read version 5 and up, and the single ``pendingCertificate`` of older ones.

        :raises RemoteError: there is no hash in it: nothing could be acknowledged for what was seen.
        """
        wire = read.mapping(value)
        if read.text(wire.get("validationResultHash")) is None:
            raise read.unusable("the change-management information", "it has no validationResultHash")
        result = read.mapping(wire.get("validationResult"))
        state = read.mapping(wire.get("pendingState"))
        entries = read.objects(state.get("pendingCertificates")) or read.objects([state.get("pendingCertificate")])
        return cls(
            hash=read.text(wire.get("validationResultHash")) or "",
            deadline=read.moment(wire.get("acknowledgementDeadline")),
            errors=ValidationMessage.all_from_wire(result.get("errors")),
            warnings=ValidationMessage.all_from_wire(result.get("warnings")),
            certificates=tuple(
                PendingCertificate(
                    read.text(one.get("fullCertificate")) or "",
                    read.text(one.get("keyAlgorithm")),
                    read.text(one.get("signatureAlgorithm")),
                    read.text(one.get("certificateType")),
                )
                for one in entries
            ),
            network=NetworkSettings.from_wire(state.get("pendingNetworkConfiguration")),
        )


def warnings_text(value: Any) -> str:
    """Read ``{warnings}``: one text of several lines, empty when there is none.

    :raises RemoteError: the answer is no such object.
    """
    wire = read.mapping(value)
    if "warnings" not in wire:
        raise read.unusable("the warnings", "there is no member warnings in it")
    entry = wire["warnings"]
    if isinstance(entry, list):
        return "\n".join(read.texts(entry))
    return read.text(entry) or ""
