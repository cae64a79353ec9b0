# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that can be killed: it comes by places before and after whatever lasts, and dies at one of them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Found, Issued
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Check, Choice, Order
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditEntry, AuditRow
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Unit
from ansible_collections.edgecert.clm.plugins.module_utils._store.leases import Leases
from ansible_collections.edgecert.clm.plugins.module_utils._store.repository import SqlRepository
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore, SqlUnit
from ansible_collections.edgecert.clm.plugins.module_utils._target.script_base import (
    ScriptCall,
    ScriptResult,
    ScriptRunner,
)


@dataclass
class Points:
    """The places a run comes by, each before or after something that lasts beyond the run, or a look.

    :ivar fatal: number, from 1, of the place where the run kills itself as ``kill -9`` would; 0 for none.
    :ivar names: the places so far.
    """

    fatal: int = 0
    names: list[str] = field(default_factory=list)

    def reach(self, name: str) -> None:
        """Come by a place."""
        self.names.append(name)
        if len(self.names) == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextlib.contextmanager
    def around(self, what: str) -> Iterator[None]:
        """Come by the places before and after something that succeeds."""
        self.reach(f"before {what}")
        yield
        self.reach(f"after {what}")


def is_lasting(name: str) -> bool:
    """Say whether at this place something was just done that is still there when the run is killed."""
    when, what, *_more = name.split()
    return when == "after" and what not in ("GET", "find", "collect")


def distinct(names: Sequence[str]) -> list[int]:
    """Give numbers of places, from 1, one for each state that a killed run can leave behind.

    Of places with nothing lasting between them the last one stands for all: whatever was only looked at dies with
    the run.
    """
    last = len(names)
    return [number for number in range(1, last + 1) if number == last or is_lasting(names[number])]


def one_of_each_kind(names: Sequence[str], driven: set[str]) -> list[int]:
    """Give numbers of places, from 1: the first of each kind, as ``after commit``; each write outside is a kind.

    :param driven: kinds that were driven before and are left out; those given now are added.
    """
    found = []
    for number, name in enumerate(names, 1):
        when, what, *_more = name.split()
        kind = name if what in ("POST", "PUT", "script") else f"{when} {what}"
        if kind not in driven:
            driven.add(kind)
            found.append(number)
    return found


def watch(points: Points) -> None:
    """Let commits, leases and API calls of this process come by ``points`` from now on."""
    written: list[str] = []
    _watch_writes(written)
    plain_write, plain_send = SqlStore.write, RequestsTransport.send

    @contextlib.contextmanager
    def write(self: SqlStore) -> Iterator[Unit]:
        written.clear()
        with contextlib.ExitStack() as stack:
            yield stack.enter_context(plain_write(self))
            what = f"commit {'+'.join(dict.fromkeys(written))}"
            points.reach(f"before {what}")
        points.reach(f"after {what}")

    def send(self: RequestsTransport, request: Request) -> Response:
        with points.around(f"{request.method} {re.sub('[0-9]+', 'N', request.path)}"):
            return plain_send(self, request)

    mock.patch.object(SqlStore, "write", write).start()
    mock.patch.object(RequestsTransport, "send", send).start()
    for action in ("take", "renew", "release"):
        _watch_lease(points, action)


def _watch_writes(written: list[str]) -> None:
    """Note the kinds of records, and the audited actions, that are written."""
    plain_audit = SqlUnit.audit

    def audit(self: SqlUnit, entry: AuditEntry) -> AuditRow:
        written.append(entry.action)
        return plain_audit(self, entry)

    mock.patch.object(SqlUnit, "audit", audit).start()
    for name in ("add", "put", "remove"):
        _watch_repository(written, name)


def _watch_repository(written: list[str], name: str) -> None:
    plain: Callable[..., Any] = getattr(SqlRepository, name)

    def change(self: Any, record: Any) -> Any:
        written.append(type(record).__name__)
        return plain(self, record)

    mock.patch.object(SqlRepository, name, change).start()


def _watch_lease(points: Points, action: str) -> None:
    plain: Callable[..., Any] = getattr(Leases, action)

    def change(self: Leases, name: str, *arguments: Any) -> Any:
        with points.around(f"lease-{action} {name.partition(':')[0]}"):
            return plain(self, name, *arguments)

    mock.patch.object(Leases, action, change).start()


class WatchedCa(CaConnector):
    """A CA connector that keeps in a file what was ordered under which intent, and comes by points.

    :param log: a line for each order: the intent and the serial of what was signed, or ``pending``.
    """

    def __init__(self, inner: CaConnector, log: Path, points: Points) -> None:
        self._inner, self._log, self._points = inner, log, points

    def capabilities(self) -> Capabilities:
        """Promise what the CA promises."""
        return self._inner.capabilities()

    def test(self) -> Sequence[Check]:
        """Test the CA."""
        return self._inner.test()

    def choices(self, kind: str) -> Sequence[Choice]:
        """Give the CA's list."""
        return self._inner.choices(kind)

    def validate(self, order: Order) -> Sequence[str]:
        """Ask the CA for problems."""
        return self._inner.validate(order)

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Order, and keep it."""
        with self._points.around("submit to the CA"):
            return self._kept(order.intent_id, self._inner.submit(order, csr_pem))

    def find(self, order: Order, csr_pem: str) -> Found:
        """Look for an order."""
        with self._points.around("find at the CA"):
            return self._inner.find(order, csr_pem)

    def collect(self, handle: Mapping[str, Any]) -> Answer:
        """Ask for a pending order."""
        with self._points.around("collect from the CA"):
            return self._kept(str(handle["order"]["intent_id"]), self._inner.collect(handle))

    def _kept(self, intent_id: str, answer: Answer) -> Answer:
        serial = certificate_facts(answer.bundle.leaf).serial if isinstance(answer, Issued) else "pending"
        with self._log.open("a", encoding="ascii") as file:
            file.write(f"{intent_id} {serial}\n")
        return answer


class WatchedScripts(ScriptRunner):
    """A runner of scripts that comes by points."""

    def __init__(self, inner: ScriptRunner, points: Points) -> None:
        self._inner, self._points = inner, points

    def problems(self, location: str, path: str) -> Sequence[str]:
        """Look at a script."""
        return self._inner.problems(location, path)

    def run(self, call: ScriptCall) -> ScriptResult:
        """Run it."""
        with self._points.around(f"script {call.variables['CLM_STAGE']}"):
            return self._inner.run(call)
