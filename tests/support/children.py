# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forked children that work at once or die, and a clock they share with their parent.

A child is forked, so that it need not import anything. Whoever forks has closed his store before: neither SQLite nor
psycopg goes through a fork.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from edgecert_sandbox.handle import Handle

from ansible_collections.edgecert.clm.tests.support.flow import FlowClock

_FORK = multiprocessing.get_context("fork")


class SharedClock(FlowClock):
    """A clock that several processes share: a sleep ends at its moment, whoever moved the time there."""

    def __init__(self, sandbox: Handle) -> None:
        self._ahead = _FORK.Value("d", 0.0)
        super().__init__(sandbox)

    @property
    def ahead_s(self) -> float:
        """Give how far it is ahead of the computer's."""
        return float(self._ahead.value)

    @ahead_s.setter
    def ahead_s(self, seconds: float) -> None:
        self._ahead.value = seconds

    def sleep(self, seconds: float) -> None:
        """Move time to that moment, unless it is later already."""
        until = self.monotonic() + seconds
        with self._ahead.get_lock():
            left = until - self.monotonic()
            if left > 0:
                self.ahead_s += left
                self._sandbox.advance(left)


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    :ivar value: what its work gave; None when it did not end by itself.
    :ivar error: its traceback; empty when there is none.
    """

    exit_code: int | None
    value: Any = None
    error: str = ""

    @property
    def is_killed(self) -> bool:
        """Say whether it ended as by ``kill -9``."""
        return self.exit_code == -signal.SIGKILL


def in_children(works: Sequence[Callable[[], Any]]) -> list[Ended]:
    """Do works at once, each in a forked child."""
    children = []
    for work in works:
        receiver, sender = _FORK.Pipe(duplex=False)
        child = _FORK.Process(target=_report, args=(work, sender))
        child.start()
        sender.close()
        children.append((child, receiver))
    ended = []
    for child, receiver in children:
        try:
            value, error = receiver.recv()
        except EOFError:
            value, error = None, ""
        child.join()
        ended.append(Ended(child.exitcode, value, error))
    return ended


def _report(work: Callable[[], Any], sender: Any) -> None:
    try:
        answer = (work(), "")
    except Exception:
        answer = (None, traceback.format_exc())
    sender.send(answer)


def barrier(parties: int) -> Callable[[], Any]:
    """Give what lets so many children wait for each other."""
    wait: Callable[[], Any] = _FORK.Barrier(parties, timeout=120).wait
    return wait
