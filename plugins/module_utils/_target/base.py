# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a target owes: where certificates live and where they are pushed. No vendor here.

A target is built from one device. Reads tell what is there; each write is one remote side effect, made under an intent
of the caller, who looks (``observe``) before he repeats it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._core.types import Bundle, Notice

Reference = Mapping[str, Any]


@dataclass(frozen=True)
class LogEntry:
    """One entry of the device status log (D9).

    :ivar result: ``ok``, ``warning``, ``failed`` or ``skipped``.
    """

    name: str
    result: str
    at: datetime
    duration_ms: int
    detail: str


@dataclass(frozen=True)
class Inspection:
    """What a look at a device found.

    :ivar status: ``reached``, ``failed`` or ``unresolved`` (D8).
    :ivar log: communication, version, instance, in that order; discovery is added by the caller.
    :ivar instance: contracts, account id and name, grants; empty when not reached.
    :ivar problems: what is missing or refused, a sentence each with what to grant or set.
    """

    status: str
    log: tuple[LogEntry, ...]
    instance: Mapping[str, Any]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class NetworkFacts:
    """What one network serves for an enrollment; the primary first.

    :ivar certificates: ``fingerprint, serial, issuer, not_after (ISO UTC), key_algorithm`` each.
    """

    certificates: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Found:
    """One enrollment as a discovery finds it.

    :ivar contract_id: empty when it cannot be told.
    :ivar pending_changes: ``change_id, change_type``, the newest last.
    """

    enrollment_id: int
    contract_id: str
    common_name: str
    sans: tuple[str, ...]
    validation_type: str
    certificate_type: str
    secure_network: str
    change_management: bool
    pending_changes: tuple[Mapping[str, Any], ...]
    production: NetworkFacts
    staging: NetworkFacts


@dataclass
class Sweep:
    """One discovery: the enrollments as they come, and what was passed over.

    :ivar found: read once; one contract's worth is held in memory at a time.
    :ivar notes: contracts skipped and why; complete when ``found`` is exhausted.
    """

    found: Iterator[Found]
    notes: list[str] = field(default_factory=list)
    skipped_contracts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PushState:
    """Where the change of an enrollment stands.

    :ivar phase: ``none`` (no change open), ``busy``, ``wants_csr``, ``wants_certificate``, ``wants_decision``,
        ``deploying_staging``, ``on_staging``, ``deploying_production``, ``failed``, ``cancelled``. In ``busy`` and
        ``deploying_staging`` there is nothing to do but wait; the latter is a name for people, and may never come.
    :ivar status: the remote side's own words, for messages only.
    :ivar notices: warnings to be decided on, in phase ``wants_decision``.
    :ivar error: the remote side's reason in phase ``failed``, or of an upload it turned down.
    :ivar staging: what staging serves now, production likewise.
    :ivar goes_on: True when CPS will go to production without being asked after staging.
    :ivar settings: network settings that are deployed along; empty when unknown.
    :ivar held_until: the date set at the remote side, before which it does not deploy to production, UTC; None for
        none.
    """

    phase: str
    status: str = ""
    notices: tuple[Notice, ...] = ()
    error: str = ""
    staging: NetworkFacts = field(default_factory=NetworkFacts)
    production: NetworkFacts = field(default_factory=NetworkFacts)
    goes_on: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    held_until: datetime | None = None
    look_again_s: float = 10.0


@dataclass(frozen=True)
class Review:
    """What a change that stopped after staging would bring to production.

    :ivar validation_hash: names the remote side's validation of it; another one means that something changed.
    :ivar deadline: from then on the remote side goes on by itself, UTC; None when it never does.
    :ivar errors: not empty: it will not be deployed.
    :ivar fingerprints: of the leaves that wait; empty when they are not told.
    """

    validation_hash: str
    deadline: datetime | None = None
    errors: tuple[str, ...] = ()
    warnings: tuple[Notice, ...] = ()
    fingerprints: frozenset[str] = frozenset()


@dataclass(frozen=True)
class HostnameUse:
    """A host name that traffic is served for, and where that is configured.

    :ivar networks: ``staging``, ``production``, or both.
    :ivar property_id: of the configuration that has it, ``property_name`` what people call that.
    :ivar edges: by network, where it leads to.
    """

    hostname: str
    networks: tuple[str, ...]
    property_id: str
    property_name: str
    contract_id: str
    edges: Mapping[str, str] = field(default_factory=dict)


class Target(ABC):
    """One device."""

    @abstractmethod
    def inspect(self, *, will_write: bool) -> Inspection:
        """Look whether the device can be reached and what the credential may do.

        :param will_write: also try the right to write, without writing anything.
        """

    @abstractmethod
    def discover(self, contracts: Sequence[str]) -> Sweep:
        """Go through every enrollment of the contracts in two calls for each.

        :param contracts: ids; empty means list without a contract.
        """

    @abstractmethod
    def fetch_pem(self, enrollment_id: int) -> Mapping[str, Bundle]:
        """Fetch what both networks serve, by fingerprint."""

    @abstractmethod
    def uses(self, names: Sequence[str]) -> Sequence[HostnameUse]:
        """Look for host names in use that these names of a certificate stand for; reads only.

        Whether another certificate stands for one of them too is the caller's business.

        :param names: lower-case DNS names, wildcards among them.
        :raises AuthError: the credential may not look; with code ``missing_grant``.
        """

    @abstractmethod
    def survey(self, contracts: Sequence[str]) -> None:
        """Look at all enrollments of these contracts in two calls for each, where that was not done a moment ago.

        What ``observe`` is asked in the next minute is answered from it as far as it goes.
        """

    @abstractmethod
    def observe(self, reference: Reference, fingerprints: Mapping[str, str], *, waits_for: str = "") -> PushState:
        """Tell where the change stands.

        :param reference: ``enrollment_id`` and, if known, ``change_id``.
        :param fingerprints: what we want deployed, by key algorithm.
        :param waits_for: the network that is being deployed to, where the change wants nothing until it is there: a
            survey that shows neither suffices then. Empty: the change itself is asked.
        """

    @abstractmethod
    def review(self, reference: Reference) -> Review | None:
        """Tell what a change that stopped after staging waits with; None when it does not, or not any more."""

    @abstractmethod
    def upload(self, reference: Reference, bundles: Mapping[str, Bundle], *, with_root: bool) -> None:
        """Hand over certificates and chains, by key algorithm."""

    @abstractmethod
    def acknowledge(self, reference: Reference, notices: Sequence[Notice]) -> None:
        """Acknowledge exactly these warnings.

        :raises ConflictError: the warnings there are others by now.
        """

    @abstractmethod
    def go_on(self, reference: Reference, validation_hash: str) -> None:
        """Let a change that stopped after staging go on to production.

        :param validation_hash: of the review it was decided on.
        :raises ConflictError: something changed since.
        """

    @abstractmethod
    def cancel(self, reference: Reference) -> None:
        """Cancel the change; the first one of an enrollment that was never deployed may take the enrollment with it.

        :raises RemoteError: with status 409 it is too late, with 404 it is gone.
        """

    @abstractmethod
    def hold_back(self, reference: Reference, until: datetime | None) -> None:
        """Keep a change from production until a date; None for no date."""

    @property
    @abstractmethod
    def calls(self) -> int:
        """Count the API calls made so far."""


class EdgeProbe(ABC):
    """Looks at what an edge server really presents."""

    @abstractmethod
    def presented(self, address: str, server_name: str, key_algorithm: str) -> str:
        """Give the fingerprint of the leaf presented in a TLS handshake.

        :param address: ``host:port`` or ``host`` (port 443).
        :param key_algorithm: ``RSA`` or ``ECDSA``: what the handshake is limited to.
        :raises TransportError: no handshake.
        """


@dataclass(frozen=True)
class ScriptFile:
    """A file that a script is given, gone once it ended.

    :ivar variable: environment variable that holds its path.
    :ivar name: file name, without a folder.
    """

    variable: str
    name: str
    text: str


@dataclass(frozen=True)
class ScriptCall:
    """One run of a pre- or post-push script.

    :ivar location: ``controller`` or ``device``; ``path`` is meant there.
    :ivar timeout_s: from then on it is ended.
    :ivar variables: its environment, beside the few variables every process needs.
    """

    location: str
    path: str
    timeout_s: float
    variables: Mapping[str, str]
    files: tuple[ScriptFile, ...] = ()


@dataclass(frozen=True)
class ScriptResult:
    """How a script ended.

    :ivar reason: ``unusable`` (see ``problems``), ``not_started``, ``timed_out``, ``killed`` (by a signal),
        ``exit_status`` (another one than 0); empty when it succeeded.
    :ivar message: the same as the end of a sentence that begins with the script, as "ended with exit status 3".
    :ivar exit_status: None when it did not end by itself.
    :ivar output: what it wrote to standard output and error, bounded, printable, secrets masked.
    :ivar truncated: ``output`` is not all of it.
    """

    reason: str
    message: str
    exit_status: int | None = None
    output: str = ""
    truncated: bool = False
    duration_ms: int = 0


class ScriptRunner(ABC):
    """Runs scripts on the host that runs the module (A4).

    A script sees the variables and files of its call and nothing else of the module: not its environment, which holds
    keys and credentials, not its standard input, not its working directory. It ends within its time limit and a short
    grace, whatever it does, and leaves no process of its own group behind.
    """

    @abstractmethod
    def problems(self, location: str, path: str) -> Sequence[str]:
        """Say why a script cannot be run, a sentence each; empty when it can.

        It is a regular file that may be executed; nobody but its owner and group can change it, or put another one in
        its place. One of the controller is named relative to the script library and is in it, one of the device by
        its absolute path.
        """

    @abstractmethod
    def run(self, call: ScriptCall) -> ScriptResult:
        """Run a script to its end; one with problems is not begun. Every failure is a result, none is raised."""
