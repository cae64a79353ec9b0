# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a target owes: where certificates live and where they are pushed. No vendor here.

A target is built from one device. Reads tell what is there; each write is one remote side effect, made under an intent
of the caller, who looks (``observe``) before he repeats it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._core.types import Bundle, Notice

if TYPE_CHECKING:
    from .inspection_base import Inspection
    from .validation_base import Validation

Reference = Mapping[str, Any]

STAGED, REVIEW, WARNINGS = "staged", "review", "warnings"
"""What a change may be expected to come to, beside a network."""


@dataclass(frozen=True)
class NetworkFacts:
    """What one network serves for an enrollment; the primary first.

    :ivar certificates: ``fingerprint, serial, issuer, not_after (ISO UTC), key_algorithm`` each.
    :ivar settings: its network settings in the words of the options, None for what it does not tell; empty when it
        was not asked, or serves nothing.
    :ivar read_settings: gives them where they are at hand and were not read yet, for few ever ask.
    """

    certificates: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    read_settings: Callable[[], Mapping[str, Any]] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Found:
    """One enrollment as a discovery finds it.

    :ivar contract_id: empty when it cannot be told.
    :ivar pending_changes: ``change_id, change_type``, the newest last.
    :ivar is_live_known: False when what is live was not asked for: ``production`` and ``staging`` then say nothing.
    :ivar bundles: what is live, by fingerprint, where reading it gave the PEM too.
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
    is_live_known: bool = True
    bundles: Mapping[str, Bundle] = field(default_factory=dict)


@dataclass(frozen=True)
class Former:
    """A certificate of an enrollment as its history tells of it.

    :ivar facts: as in ``NetworkFacts``, with ``not_before``; ``sans`` are DNS names.
    :ivar is_live: a network serves it now.
    :ivar bundles: by fingerprint; those of the other key algorithm, deployed along with it, among them.
    """

    facts: Mapping[str, Any]
    sans: tuple[str, ...]
    is_live: bool
    bundles: Mapping[str, Bundle]


@dataclass(frozen=True)
class Reading:
    """How enrollments are read one by one, where the remote side does not list what is live.

    :ivar may_call: asked before each; once it says no, the others are left for another time.
    :ivar after: where an earlier discovery left off, as ``Sweep.resume``; empty for the beginning.
    :ivar known: ids of those that were discovered before; others are read wherever they stand.
    """

    may_call: Callable[[], bool] = lambda: True
    after: str = ""
    known: Container[int] = ()


@dataclass
class Sweep:
    """One discovery: the enrollments as they come, and what was passed over; complete when ``found`` is exhausted.

    :ivar found: read once; one contract's worth is held in memory at a time.
    :ivar notes: contracts and enrollments passed over, and why.
    :ivar skipped_contracts: those of which nothing is known to be gone, for they could not be read whole.
    :ivar unreadable: ids of enrollments that are there and could not be read.
    :ivar unread: how many were left for another time, to begin behind ``resume``.
    """

    found: Iterator[Found]
    notes: list[str] = field(default_factory=list)
    skipped_contracts: list[str] = field(default_factory=list)
    unreadable: set[int] = field(default_factory=set)
    unread: int = 0
    resume: str = ""


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
class Standing:
    """How an enrollment is set up at the remote side, whatever its networks serve.

    :ivar settings: network settings it asks for, in normal form (``network_settings.normal``).
    :ivar changes: those that are open, ``change_id, change_type``, the newest last.
    :ivar goes_on: True when CPS goes to production without being asked after staging.
    :ivar sans: names of its certificate, lower-case, the common name among them.
    """

    enrollment_id: int
    settings: Mapping[str, Any]
    changes: tuple[Mapping[str, Any], ...] = ()
    goes_on: bool = False
    sans: tuple[str, ...] = ()


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
class Presence:
    """What is there of an enrollment that is to be removed, or is being removed.

    :ivar is_there: False: the remote side knows no such enrollment, or none any more; all else is empty then.
    :ivar names: lower-case and sorted, the common name among them; empty while a change that removes it is followed.
    :ivar pending: open changes, ``change_id, change_type``, the newest last; empty likewise.
    :ivar state: where the change that removes it stands, in the phases of a push: ``busy``, ``wants_decision``,
        ``on_staging`` where it stops before production, ``failed``, ``cancelled``; ``none`` when none is followed, or
        it is over.
    """

    is_there: bool
    names: tuple[str, ...] = ()
    pending: tuple[Mapping[str, Any], ...] = ()
    state: PushState = field(default_factory=lambda: PushState("none"))


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
    def visible_contracts(self) -> Sequence[str]:
        """List the contracts that the credential sees, in one call."""

    @abstractmethod
    def discover(self, contracts: Sequence[str], reading: Reading | None = None) -> Sweep:
        """Go through every enrollment of the contracts in two calls for each.

        :param contracts: ids; empty means list without a contract.
        :param reading: for a remote side that does not list what is live; None reads every enrollment then.
        """

    @abstractmethod
    def fetch_pem(self, enrollment_id: int) -> Mapping[str, Bundle]:
        """Fetch what both networks serve, by fingerprint.

        :raises InputError: it cannot be read as certificates.
        """

    @abstractmethod
    def fetch_history(self, enrollment_id: int) -> Sequence[Former]:
        """Fetch every certificate the enrollment had and has, in any order.

        :raises InputError: none of them can be read; single ones that cannot are left out.
        """

    @abstractmethod
    def uses(self, names: Sequence[str]) -> Sequence[HostnameUse]:
        """Look for host names in use that these names of a certificate stand for; reads only.

        Whether another certificate stands for one of them too is the caller's business.

        :param names: lower-case DNS names, wildcards among them.
        :raises AuthError: the credential may not look; with code ``missing_grant``.
        """

    @abstractmethod
    def validation(self, enrollment_id: int) -> Validation:
        """Tell what has to be proven for the names of an enrollment that validates domains; reads only.

        :raises RemoteError: with status 404 it is gone.
        """

    @abstractmethod
    def survey(self, contracts: Sequence[str], *, is_of_staging: bool = False) -> None:
        """Let lists of all enrollments of these contracts answer, as far as they go, what is asked from now on.

        A list is read when something is asked that it tells, and holds for a minute: one call for each contract while
        nothing moves, two when something did. A list that cannot be had answers nothing.

        :param contracts: those of what is asked next, where enough is asked there to be worth it; empty for none.
        :param is_of_staging: some of that waits for staging, so that the list which tells of it does for all.
        """

    @abstractmethod
    def observe(
        self,
        reference: Reference,
        fingerprints: Mapping[str, str],
        *,
        waits_for: str = "",
        settings: Mapping[str, Any] | None = None,
    ) -> PushState:
        """Tell where the change stands.

        :param reference: ``enrollment_id`` and, if known, ``change_id``.
        :param fingerprints: what we want deployed, by key algorithm; or ``settings``, some words in normal form.
        :param waits_for: what it is expected to come to, so that this is looked for first: the network that is being
            deployed to, where the change wants nothing until it is there: a survey that shows neither suffices then;
            ``STAGED`` for one that stops on staging: a survey that shows it there suffices, too; ``REVIEW`` where it
            may have stopped there by now; ``WARNINGS``. Empty: the change itself is asked.
        """

    @abstractmethod
    def review(self, reference: Reference) -> Review | None:
        """Tell what a change that stopped after staging waits with; None when it does not, or not any more."""

    def settings(self, reference: Reference) -> Mapping[str, Any]:
        """Give what the place is now, as the remote side told it when it was observed; empty where nothing is kept."""
        return {}

    @abstractmethod
    def settings_of(self, place: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read network settings, in normal form, out of a place as ``settings`` gave it, however long ago."""

    @abstractmethod
    def upload(self, reference: Reference, bundles: Mapping[str, Bundle], *, with_root: bool) -> None:
        """Hand over certificates and chains, by key algorithm."""

    @abstractmethod
    def acknowledge(self, reference: Reference, notices: Sequence[Notice]) -> bool:
        """Acknowledge exactly these warnings.

        :returns: False when it was not taken, or not waited for any more; the next look tells where it stands.
        :raises ConflictError: the warnings there are others by now.
        """

    @abstractmethod
    def standing(self, enrollment_id: int) -> Standing:
        """Tell how an enrollment is set up, read anew.

        :raises RemoteError: with status 404 it is gone.
        """

    @abstractmethod
    def configure(self, standing: Standing, settings: Mapping[str, Any]) -> int | None:
        """Change network settings of an enrollment and nothing else of it.

        :param standing: what it was decided on; it is looked at once more directly before.
        :param settings: some words in normal form.
        :returns: the change that was opened; None when the remote side needed none.
        :raises ConflictError: the settings are others by now, or a change is open; nothing was sent.
        """

    @abstractmethod
    def checks(self, reference: Reference) -> Sequence[Notice]:
        """Read the warnings that a change waits on before anything of it is done; empty for none."""

    @abstractmethod
    def acknowledge_checks(self, reference: Reference, notices: Sequence[Notice]) -> bool:
        """Acknowledge exactly these warnings from before; False when there are none any more.

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

    @abstractmethod
    def presence(self, reference: Reference, *, waits_for: str = "") -> Presence:
        """Tell what is there of an enrollment, and where the change that removes it stands.

        :param reference: ``enrollment_id``; ``change_id`` is of the change that removes it, None before that is known.
        """

    @abstractmethod
    def remove(self, reference: Reference, *, cancel_pending: bool) -> int | None:
        """Remove the enrollment with all that is deployed of it.

        :param cancel_pending: the changes that are open go with it; without that they are in the way.
        :returns: the id of the change that does it; None where it is gone at once.
        :raises RemoteError: with status 404 it is gone; with code ``certificate_live`` names still resolve to it, and
            the message tells which; with code ``pending_change`` or ``conflict`` the state there is another one.
        """

    @property
    @abstractmethod
    def calls(self) -> int:
        """Count the API calls made so far."""
