# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a certificate in phases, each as a scheduled job does it. Knows no fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore
from ansible_collections.edgecert.clm.tests.support.editing import ALLOW, Edited
from ansible_collections.edgecert.clm.tests.support.flow import Account
from ansible_collections.edgecert.clm.tests.support.lives import Life

LIFE = {"validity": {"count": 300, "unit": "days"}}


class FaultyLife(Life):
    """A life that counts what was done with it."""

    def __init__(self, account: Account, folder: Path, url: str = "") -> None:
        self.renewed_before = 0
        self.devices = 0
        super().__init__(account, folder, url)

    def open_store(self, holder: str = "tester") -> SqlStore:
        """Open it; no power is cut under a test, and thousands of commits need not reach the disk."""
        store = super().open_store(holder)
        store._database.run("PRAGMA synchronous = OFF")
        return store

    def renewed(self) -> int:
        """Count the renewals that came to their end."""
        with self.store.read() as unit:
            return sum(bool(request.renews) for request in unit.requests.find(state="issued"))


@dataclass(frozen=True)
class Phase:
    """A part of a life, as a scheduled job does it.

    :ivar work: raises ``ClmError`` when something went wrong, and is run again then.
    :ivar follows: the phase a life has behind it.
    :ivar again: methods, or last words of routes, whose calls mean something else than in an earlier phase.
    :ivar also: names of phases that leave a life where this one may begin, too: what is there need not be made again.
    :ivar may: actions that may be on record where something went wrong, and it was done at another try.
    """

    name: str
    work: Callable[[FaultyLife], None]
    follows: Phase | None = None
    also: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    again: tuple[str, ...] = ()


def _has(record: Mapping[str, Any] | None, state: str) -> None:
    """Hold what a job reached; what waits is for the next one."""
    if record is None or record["state"] != state:
        waits = record or {}
        raise Waits(f"{waits.get('state')}: {waits.get('reason')}: {waits.get('message')}")


class Waits(Exception):
    """A job came to no end and said so: it has to be run again."""


def onboard(life: FaultyLife) -> None:
    """Onboard a device and read all that is on it."""
    name = f"device-{life.devices}"
    outcome = life.device(name=name, contracts=[life.contract], discover="full")
    with life.store.read() as unit:
        found = unit.certificates.find(device=name)
        pems = [unit.pems.get(one.fingerprint) for one in found]
    assert len(found) == 2 and all(one.state == "issued" for one in found), found
    if not all(pems):
        notes = outcome.extra["discovery"]["notes"]
        assert notes, "a PEM was not fetched, and nothing says so"
        raise Waits("; ".join(notes))


def discover(life: FaultyLife) -> None:
    """Look again what is on a device that is known."""
    name = f"device-{life.devices - 1}"
    life.again(name=name, discover="changes").execute()
    known(life)


def known(life: FaultyLife) -> None:
    """Hold that nothing was lost sight of."""
    with life.store.read() as unit:
        found = unit.certificates.find(device=f"device-{life.devices - 1}")
    assert [one.state for one in found] == ["issued"] * 2, [(one.certificate_id, one.state) for one in found]


def enrol(life: FaultyLife) -> None:
    """Enrol for two names, and say where it goes."""
    names = Edited.sans(life.name(), life.name("old"))
    _has(life.enroll(contract_id=life.contract, subject_alternative_names=names, **LIFE).record, "issued")
    life.connector()


def push(life: FaultyLife) -> None:
    """Push to staging."""
    _has(life.push().record, "completed")


def produce(life: FaultyLife) -> None:
    """Push to production."""
    _has(life.push(network="production").record, "completed")


def renew(life: FaultyLife) -> None:
    """Renew in place, once."""
    if life.renewed() == life.renewed_before:
        _has(life.enroll(action="renew", force=True, **LIFE).record, "issued")


def roll_back(life: FaultyLife) -> None:
    """Take the push of the renewal back."""
    _has(life.push(action="rollback").record, "completed")


def mistake(life: FaultyLife) -> None:
    """Edit names by mistake, and cancel that before the CA is asked; its change stays at CPS."""
    names = Edited.sans(life.name(), life.name("wrong"))
    wanted = {"action": "regenerate", "subject_alternative_names": names, "wait": False, "warnings": ALLOW}
    request: Mapping[str, Any] = life.enroll(**wanted, **LIFE).record or {}
    _has(life.act("tester", "cancel", request_id=request["request_id"]).record, "cancelled")


def take_back(life: FaultyLife) -> None:
    """Take back at CPS what the mistake left there."""
    with life.store.read() as unit:
        request = unit.requests.find(certificate_id=life.name())[-1]
    back = {"request_id": request.request_id, "cancel_change": True, "wait": True, "wait_timeout": 900}
    record = life.act("tester", "cancel", **back).record
    _has(record, "cancelled")
    if record is not None and record["change_id"] is not None:
        raise Waits(record["message"])


def configure(life: FaultyLife) -> None:
    """Change network settings."""
    wanted = {"disallowed_tls_versions": ["TLSv1", "TLSv1_1"]}
    _has(life.push(action="configure", network="production", network_settings=wanted).record, "completed")


def edit(life: FaultyLife) -> None:
    """Have another name instead of one that is live, up to production."""
    names = Edited.sans(life.name(), life.name("new"))
    wanted = {"action": "regenerate", "subject_alternative_names": names, "warnings": ALLOW}
    _has(life.enroll(**wanted, **LIFE).record, "issued")
    _has(life.push(network="production", warnings=ALLOW).record, "completed")


def roll_forward(life: FaultyLife) -> None:
    """Go back to the names of before, by another certificate, up to production."""
    back = {"action": "rollback", "roll_forward": True, "network": "production", "warnings": ALLOW}
    _has(life.push(**back).record, "completed")
    with life.store.read() as unit:
        certificate = unit.certificates.get(life.name())
    assert certificate is not None and set(certificate.sans) == {life.name(), life.name("old")}, certificate


def remove(life: FaultyLife) -> None:
    """Remove the enrollment, which stops for warnings and for change management."""
    _has(life.push(action="remove").record, "completed")


def enrol_both(life: FaultyLife) -> None:
    """Have both certificates of a dual stack."""
    _has(life.enroll(contract_id=life.contract, dual_stack=True, **LIFE).record, "issued")
    life.connector()


ONBOARD = Phase("onboard", onboard)
# What is known already may not be lost sight of.
DISCOVER = Phase("discover", discover, ONBOARD, again=("GET",))
ENROL = Phase("enrol", enrol)
PUSH = Phase("push", push, ENROL)
PRODUCE = Phase("produce", produce, PUSH)
RENEW = Phase("renew", renew, PRODUCE)
# With something on production CPS is told to keep what is on staging there.
RESTAGE = Phase("restage", push, RENEW)
# The date that keeps it on staging is cleared.
REPRODUCE = Phase("reproduce", produce, RESTAGE, again=("POST", "PUT"))
# CPS's no to a cancellation ends the order; another try is another order.
ROLL_BACK = Phase("roll-back", roll_back, RESTAGE, may=("push_failed",))
# Settings go by the same writes as a renewal, and are followed by what is told of settings.
CONFIGURE = Phase("configure", configure, PRODUCE, also=("reproduce", "edit"), again=("POST", "PUT"))
# CPS's no to a removal ends the order; another try is another order.
_NO, _ACK = ("removal_failed", "removal_in_doubt", "removal_found"), ("change-management-ack",)
REMOVE = Phase("remove", remove, CONFIGURE, may=_NO, again=_ACK)
# Two CSRs are asked for in one call, and two certificates handed over.
ENROL_BOTH = Phase("enrol-both", enrol_both, again=("third-party-csr",))
PUSH_BOTH = Phase("push-both", push, ENROL_BOTH, again=("third-party-cert-and-trust-chain",))
# Production is let go on for both, and proved of both. What CPS shows minutes after the end of a change is believed,
# and ends the order; another try is another order, which finds both there.
_ENDED = ("push_failed", "certificate_on_staging")
PRODUCE_BOTH = Phase("produce-both", produce, PUSH_BOTH, may=_ENDED, again=("POST", "deployments"))
# Names go by the same update as a renewal, after a look for who uses them; CPS asks about those that go.
_EDITS = ("PUT", "third-party-cert-and-trust-chain", "post-verification-warnings-ack", "post-verification-warnings")
EDIT = Phase("edit", edit, PRODUCE, also=("reproduce", "roll-forward"), again=_EDITS)
# The same for names that come back, with what a snapshot holds.
ROLL_FORWARD = Phase("roll-forward", roll_forward, EDIT, again=("PUT", "third-party-cert-and-trust-chain"))
# Another request's change than any before is cancelled, and looked at by other calls.
MISTAKE = Phase("mistake", mistake, PRODUCE, also=("reproduce", "roll-forward"))
TAKE_BACK = Phase("take-back", take_back, MISTAKE, again=("DELETE",))
_OF_ONE = (ONBOARD, DISCOVER, ENROL, PUSH, PRODUCE, RENEW, RESTAGE, REPRODUCE, ROLL_BACK)
PHASES = (*_OF_ONE, CONFIGURE, REMOVE, ENROL_BOTH, PUSH_BOTH, PRODUCE_BOTH, EDIT, ROLL_FORWARD, TAKE_BACK)
