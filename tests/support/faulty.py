# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of certificates in phases, each with the calls it makes, and a fault put on one of them.

What a phase does when nothing goes wrong is recorded, not written down: the calls it makes, what CPS notes of it, and
the lines of the audit. With a fault it has to come to the same.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from edgecert_sandbox.faults import SHAPES, parse
from edgecert_sandbox.limits import STYLES

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.tests.support.fault_phases import (
    DISCOVER,
    ONBOARD,
    PHASES,
    FaultyLife,
    Phase,
    Waits,
    known,
)
from ansible_collections.edgecert.clm.tests.support.lives import Stores

# Longer than anything that was put off is waited for.
LATER_S = 3700.0
# What an audit may hold more of than where nothing went wrong: what is not done, and doubts.
DOUBTS = {
    "request_submitted",
    "request_refused",
    "work_order_submitted",
    "push_in_doubt",
    "push_doubt_settled",
    "push_needs_decision",
    "push_resumed",
    "production_deployment_seen",
}
# A write that asks whether writing is allowed, of an enrollment that does not exist.
PROBE = "/changes/0/deployment-schedule"
# What may be gone at the next try.
PASSING = ("lost_before", "server_error", "plain_text", "unavailable", "rate_limited", "burst_block")
# In phases, CPS goes on by itself: it is not somebody's doing.
_OF_ITSELF = "phase"


@dataclass(frozen=True)
class Call:
    """A call as the API knows it: what stands for ids and versions is ``N``; the id of nobody stays 0.

    :ivar sends: media type of the body; empty without one.
    """

    method: str
    route: str
    accept: str
    sends: str

    @classmethod
    def of(cls, request: Request) -> Call:
        """Name a request."""
        kinds = (re.sub(r".*cps\.|\+json", "", request.headers.get(name, "")) for name in ("Accept", "Content-Type"))
        return cls(request.method, re.sub(r"(?<=/)v?[1-9]\d*", "N", request.path), *kinds)

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def pattern(self) -> str:
        """Give the regular expression for its path, with whatever query."""
        return "^" + re.escape(self.route).replace("N", r"v?[1-9]\d*") + r"(\?|$)"


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Note the calls of a block, each kind once, in their order."""
    calls: dict[Call, None] = {}
    plain = RequestsTransport.send

    def send(self: RequestsTransport, request: Request) -> Response:
        calls[Call.of(request)] = None
        return plain(self, request)

    found: list[Call] = []
    with mock.patch.object(RequestsTransport, "send", send):
        yield found
    found += calls


def name_of(shape: Mapping[str, Any]) -> str:
    """Name a fault in a shape."""
    return "-".join(str(value) for value in shape.values())


SHAPES_BY_NAME = {name_of(shape): shape for shape in SHAPES}

# What is no other fault to a read than one that stays: whether CPS did it plays no part, one gateway's error is as good
# as another, and how long a limit says to wait is proved with the waiting itself, in the tests of the transport.
OF_WRITES = (
    "lost_after",
    "server_error-500-after",
    "unavailable-502",
    "unavailable-504-after",
    *(f"rate_limited-{style}" for style in STYLES if style != "text"),
)
assert set(OF_WRITES) < set(SHAPES_BY_NAME), "each is the name of a shape"


@dataclass(frozen=True)
class Done:
    """What came of a phase.

    :ivar events: what CPS notes of it, with how often.
    :ivar audited: the actions put on record, with how often.
    :ivar orders: orders at the CA.
    """

    events: Counter[str]
    audited: Counter[str]
    orders: int

    def differs(self, clean: Done, may: Sequence[str] = ()) -> str:
        """Say what is not as where nothing went wrong; empty for nothing.

        :param may: actions that may be on record besides.
        """
        if self.events != clean.events:
            return f"at CPS: {dict(self.events)}, and not {dict(clean.events)}"
        if self.orders != clean.orders:
            return f"{self.orders} orders at the CA"
        left_out = DOUBTS | set(may)
        ours, theirs = (
            Counter({k: n for k, n in a.items() if k not in left_out}) for a in (self.audited, clean.audited)
        )
        if ours != theirs:
            return f"on record: more {dict(ours - theirs)}, less {dict(theirs - ours)}"
        return ""


class Begun:
    """Where a life stands before a phase, to tell afterwards what came of that."""

    def __init__(self, life: FaultyLife) -> None:
        self.life = life
        self.after = int(life.sandbox.admin("GET", "/events?after=1000000000")["count"])
        self.audited = len(_audited(life))
        self.orders = _orders(life)
        with life.store.read() as unit:
            self.ours = {one.enrollment_id for one in unit.certificates.find(origin="enrolled")}

    def done(self) -> Done:
        """Tell it."""
        events = self.life.sandbox.admin("GET", f"/events?after={self.after}")["events"]
        created = [e for e in events if e["kind"] == "enrollment-created" and e["text"] == self.life.name()]
        ours = {*self.ours, *(e["enrollment_id"] for e in created)}
        found = Counter(
            f"{e['kind']} {e['text']}" if e["kind"] in ("acknowledged", "change-opened") else e["kind"]
            for e in events
            if e["enrollment_id"] in ours and e["kind"] != _OF_ITSELF
        )
        return Done(found, Counter(_audited(self.life)[self.audited :]), _orders(self.life) - self.orders)


def _audited(life: FaultyLife) -> list[str]:
    with life.store.read() as unit:
        return [row.entry.action for row in unit.audit_rows()]


def _orders(life: FaultyLife) -> int:
    return len(life.ordered()[0]) if life.ca_log.exists() else 0


# -- the matrix --------------------------------------------------------------------------------------------------------


@dataclass
class Matrix(Stores):
    """Where lives begin, what each phase does when nothing goes wrong, and lives that came to the end of one.

    :ivar calls: by phase, in their order.
    """

    calls: dict[str, list[Call]] = field(default_factory=dict)
    clean: dict[str, Done] = field(default_factory=dict)
    ended: dict[str, list[FaultyLife]] = field(default_factory=lambda: defaultdict(list))

    @property
    def contracts(self) -> list[str]:
        """Name one: each life's device has that of the life alone."""
        return self.account.contracts[:1]

    def begin(self) -> FaultyLife:
        """Begin a life; two certificates that nobody enrolled here are on its contract."""
        life = super().begin()
        assert isinstance(life, FaultyLife)
        life.sandbox.seed(2, contracts=[life.contract])
        with life.opened():
            life.again(contracts=[life.contract], validate=False, discover="none").execute()
        return life

    def _made(self, folder: Path, *url: str) -> FaultyLife:
        return FaultyLife(self.account, folder, *url)

    def record(self) -> None:
        """Go through every phase once, with nothing going wrong."""
        for phase in PHASES:
            life = self.before(phase)
            with life.opened(), recorded() as calls:
                begun = Begun(life)
                phase.work(life)
            self.calls[phase.name] = calls
            with life.opened():
                self.clean[phase.name] = begun.done()
                wind_up(life, phase)
            self.ended[phase.name].append(life)

    def cells(self, phase: Phase, shape: str) -> Iterator[tuple[Call, int]]:
        """Give the calls a fault is put on, and how often it strikes: 0 until it is mended.

        Only in the first phase that makes a call, and where it means something else. What strikes a read once
        is repeated at once, so it has to last to be felt. A write that is done all the same is not sent a second time,
        so that once is enough; one that is not may go through at the next try.
        """
        fault = parse(SHAPES_BY_NAME[shape])
        earlier = itertools.chain.from_iterable(self.calls[p.name] for p in PHASES[: PHASES.index(phase)])
        known = set(earlier)
        for call in self.calls[phase.name]:
            is_write = call.method != "GET" and not call.route.endswith(PROBE)
            is_again = {call.method, call.route.rpartition("/")[2]} & set(phase.again)
            if (call in known and not is_again) or (shape in OF_WRITES and not is_write):
                continue
            if is_write and (fault.is_processed or fault.kind in PASSING):
                yield call, 1
            if shape != "slow" and not (is_write and fault.is_processed):
                yield call, 0

    def before(self, phase: Phase) -> FaultyLife:
        """Give a life that stands before a phase."""
        if phase.follows is None:
            return self.begin()
        for name in (phase.follows.name, *phase.also):
            if self.ended[name]:
                return self.ended[name].pop()
        life = self.before(phase.follows)
        with life.opened():
            phase.follows.work(life)
            wind_up(life, phase.follows)
        return life

    def drive(self, phase: Phase, call: Call, shape: Mapping[str, Any], times: int) -> str:
        """Let a fault hit a call of a phase; give what is wrong then, empty for nothing.

        :param times: how often; 0 for as long as it takes until it is mended.
        """
        life = self.before(phase)
        order = {**shape, "method": call.method, "path": call.pattern, "times": times}
        try:
            with patience(life, order):
                self._suffer(life, phase, order)
        except AssertionError as exc:
            return str(exc)
        finally:
            life.sandbox.clear_faults()
        self.ended[phase.name].append(life)
        return ""

    def _suffer(self, life: FaultyLife, phase: Phase, order: dict[str, Any]) -> None:
        sandbox = life.sandbox
        with life.opened("first job"):
            begun = Begun(life)
            sandbox.calls(reset=True)
            sandbox.fault(**order)
            told = attempt(life, phase)
            if not order["times"]:
                run_due(life)
            sandbox.clear_faults()
            life.advance(LATER_S)
        with life.opened("next job"):
            if told:
                run_due(life)
            again = attempt(life, phase)
            assert not again, f"not at its end when the fault was gone: {again}; before: {told}"
            differs = begun.done().differs(self.clean[phase.name], phase.may)
            assert not differs, f"{differs}; told: {told}"
            asked_twice(life)
            wind_up(life, phase)


@contextmanager
def patience(life: FaultyLife, order: dict[str, Any]) -> Iterator[None]:
    """Let a slow answer outlast the device's time limit."""
    if order["kind"] != "slow":
        yield
        return
    order["seconds"] = 1.5
    for timeout in (1, 60):
        with life.opened():
            life.again(timeout=timeout, validate=False, discover="none").execute()
        if timeout == 1:
            yield


def attempt(life: FaultyLife, phase: Phase) -> str:
    """Do a phase once; give what was told where it came to no end."""
    try:
        phase.work(life)
    except ClmError as exc:
        assert exc.code and exc.message[:1].isupper() and len(exc.message) > 40, exc.message
        return f"{exc.code}: {exc.message}"
    except Waits as exc:
        return str(exc)
    except AssertionError:
        raise
    except Exception as exc:
        raise AssertionError(f"a traceback: {type(exc).__name__}: {exc}") from exc
    return ""


def run_due(life: FaultyLife) -> None:
    """Do what is due, as the schedule does it."""
    report = life.run_due(fail=False)
    internal = [entry for entry in report["failures"] if entry["reason"] == "internal_error"]
    assert not internal, internal


def asked_twice(life: FaultyLife) -> None:
    """Hold that CPS was asked for nothing that it refuses."""
    writes = [call for call in life.sandbox.calls(reset=True) if call["method"] != "GET" and not call["fault"]]
    refused = [
        f"{call['method']} {call['path']}: {call['status']}"
        for call in writes
        if call["status"] >= 400 and PROBE not in call["path"]
    ]
    assert not refused, f"CPS refused {refused}"


def wind_up(life: FaultyLife, phase: Phase) -> None:
    """Hold what is left of the jobs of a phase, and let it count as done."""
    life.check_traces()
    life.renewed_before = life.renewed()
    life.devices += phase is ONBOARD
    if phase in (ONBOARD, DISCOVER):
        known(life)
