# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look at a CPS device: can it be reached, which grants does the client have, what does it see (P1–P4, D8, D9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._core import vocabulary
from .._core.clock import Clock
from .._core.errors import AuthError, RemoteError, TransportError
from .._cps import media
from .._cps.changes import Schedule
from .._cps.client import CpsClient
from .._cps.errors import RemoteNotFound
from .inspection_base import Inspection, LogEntry

# An id no enrollment has: asking for it costs nothing and changes nothing, and tells whether the call is allowed.
_NOBODY = 0
_NOT_REACHED = ("resolve", "connect", "timeout", "reset", "proxy")
_NO_API = "if it is the same again, this is not an Akamai API host: correct host, or look at what stands between"


@dataclass
class _Look:
    """What was found so far.

    :ivar fatal: the device cannot be used; ``lesser`` only takes something away.
    """

    client: CpsClient
    clock: Clock
    fatal: list[str] = field(default_factory=list)
    lesser: list[str] = field(default_factory=list)
    instance: dict[str, Any] = field(default_factory=dict)
    log: list[LogEntry] = field(default_factory=list)

    def entry(self, name: str, result: str, started: tuple[datetime, float], detail: str) -> None:
        """Add one entry to the log."""
        took = round((self.clock.monotonic() - started[1]) * 1000)
        self.log.append(LogEntry(name, result, started[0], took, detail))

    def start(self) -> tuple[datetime, float]:
        """Give the moment a part begins."""
        return self.clock.now(), self.clock.monotonic()


def inspect(client: CpsClient, clock: Clock, contracts: Sequence[str], *, will_write: bool) -> Inspection:
    """Look at a device in three calls: contracts, CPS, Property Manager.

    :param contracts: those the user selected; with them the grant for listing contracts can be done without.
    :param will_write: tell whether CPS may be written, by a write to an enrollment that does not exist.
    """
    look = _Look(client, clock)
    failure = _communicate(look, contracts)
    if failure is not None:
        return _unreached(look, failure)
    _try_cps(look, will_write=will_write)
    _learn_instance(look, contracts)
    status = "failed" if look.fatal else "reached"
    return Inspection(status, tuple(look.log), look.instance, tuple(look.fatal or look.lesser))


def _communicate(look: _Look, contracts: Sequence[str]) -> RemoteError | None:
    """Make the first signed call; gives the error after which nothing else is worth trying."""
    started = look.start()
    try:
        look.instance["contracts"] = list(look.client.contract_ids())
    except AuthError as exc:
        if exc.code != "missing_grant":
            look.entry(vocabulary.LOG_COMMUNICATION, "failed", started, exc.message)
            return exc
        if contracts:
            look.lesser.append(exc.message)
            look.instance["contracts"] = list(contracts)
        else:
            look.fatal.append(f"{exc.message} (or name the contracts in the option contracts)")
    except RemoteError as exc:
        look.entry(vocabulary.LOG_COMMUNICATION, "failed", started, _told(exc))
        return exc
    unknown = [one for one in contracts if one not in look.instance.get("contracts", contracts)]
    if unknown:
        seen = ", ".join(look.instance["contracts"]) or "none"
        look.fatal.append(
            f"contract {', '.join(unknown)} is not among those the API client sees ({seen}); correct "
            "the option contracts"
        )
    look.entry(vocabulary.LOG_COMMUNICATION, "ok", started, "a signed call was answered")
    return None


def _told(failure: RemoteError) -> str:
    """Give the message; an answer to the first call that is none of this API's comes from some other server."""
    is_other = failure.code == "unreadable_answer" or (
        isinstance(failure, TransportError) and failure.kind == "truncated"
    )
    return f"{failure.message}; {_NO_API}" if is_other else failure.message


def _unreached(look: _Look, failure: RemoteError) -> Inspection:
    """Give the inspection of a device that did not let us in."""
    is_silent = isinstance(failure, TransportError) and failure.kind in _NOT_REACHED
    now = look.clock.now()
    for name in (vocabulary.LOG_VERSION, vocabulary.LOG_INSTANCE):
        look.log.append(LogEntry(name, "skipped", now, 0, "not tried, the device did not let us in"))
    return Inspection("unresolved" if is_silent else "failed", tuple(look.log), {}, (_told(failure),))


def _try_cps(look: _Look, *, will_write: bool) -> None:
    """Ask CPS for something that does not exist: not found means allowed."""
    started = look.start()
    versions = ", ".join(f"{name} v{media.VERSIONS[name]}" for name in ("enrollment", "change", "deployments"))
    try:
        if will_write:
            look.client.set_schedule(_NOBODY, _NOBODY, Schedule())
        else:
            look.client.get_enrollment(_NOBODY)
    except RemoteNotFound:
        pass
    except AuthError as exc:
        look.fatal.append(exc.message)
        look.entry(vocabulary.LOG_VERSION, "failed", started, exc.message)
        return
    except RemoteError as exc:
        # CPS was asked, and answered as CPS does: the call was allowed.
        if exc.status is None or exc.code == "unsupported_version" or exc.status >= 500:
            look.fatal.append(exc.message)
            look.entry(vocabulary.LOG_VERSION, "failed", started, exc.message)
            return
    access = "reading and writing" if will_write else "reading"
    look.entry(vocabulary.LOG_VERSION, "ok", started, f"cps/v2 answers and allows {access}; spoken here: {versions}")


def _learn_instance(look: _Look, contracts: Sequence[str]) -> None:
    """Learn the account from Property Manager, and with it whether that grant is there (P4)."""
    started = look.start()
    try:
        found = look.client.papi_contracts()
    except AuthError as exc:
        (look.lesser if contracts else look.fatal).append(exc.message)
        look.entry(vocabulary.LOG_INSTANCE, "failed", started, exc.message)
        return
    except RemoteError as exc:
        look.lesser.append(exc.message)
        look.entry(vocabulary.LOG_INSTANCE, "warning", started, exc.message)
        return
    look.instance["account_id"] = found.account_id or ""
    types = {contract.contract_id: contract.type_name or "" for contract in found.contracts}
    look.instance["contract_types"] = types
    count = len(look.instance.get("contracts", ()))
    look.entry(vocabulary.LOG_INSTANCE, "ok", started, f"account {found.account_id or 'unknown'}, {count} contracts")
