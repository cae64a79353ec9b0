# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A system clock that jumps where it should sleep; modules get it in the tree that ``moved_clock`` makes.

Standard library only, and nothing of the collection: it is bundled with the modules.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import IO, Any

# Below that somebody waits for another process of this machine, which is to have its time.
_REAL_S = 0.2


class SystemClock:
    """The computer's clock, and as far ahead of it as all that share it have slept together.

    :param path: of the file they share; the environment names it to modules.
    """

    def __init__(self, path: str = "") -> None:
        self._path = path or os.environ["CLM_MOVED_CLOCK"]

    def now(self) -> datetime:
        """Give the current time, UTC, aware."""
        return datetime.now(timezone.utc) + timedelta(seconds=self._ahead_s())

    def sleep(self, seconds: float) -> None:
        """Move this clock and the sandbox's that many seconds on; nothing for zero and below."""
        if seconds >= _REAL_S:
            self._move(seconds)
        elif seconds > 0:
            time.sleep(seconds)

    def monotonic(self) -> float:
        """Give seconds that never go back."""
        return time.monotonic() + self._ahead_s()

    @contextmanager
    def _state(self, lock: int) -> Iterator[tuple[IO[str], dict[str, Any]]]:
        with open(self._path, "r+", encoding="utf-8") as file:
            fcntl.flock(file, lock)
            yield file, json.load(file)

    def _ahead_s(self) -> float:
        with self._state(fcntl.LOCK_SH) as (_file, state):
            return float(state["ahead_s"])

    def _move(self, seconds: float) -> None:
        from urllib.request import ProxyHandler, Request, build_opener

        with self._state(fcntl.LOCK_EX) as (file, state):
            body = json.dumps({"advance_seconds": seconds}).encode()
            headers = {"Authorization": f"Bearer {state['admin_token']}"}
            request = Request(f"{state['admin_url']}/clock", data=body, headers=headers, method="POST")
            with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
                answer.read()
            state["ahead_s"] += seconds
            file.seek(0)
            file.truncate()
            json.dump(state, file)


if __name__ == "__main__":
    # For playbooks: seconds since the epoch, of the clock whose file is named.
    print(int(SystemClock(sys.argv[1]).now().timestamp()))
