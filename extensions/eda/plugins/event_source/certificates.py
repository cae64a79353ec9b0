# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source: what needs attention in the store, for rulebooks. Only the loop is here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pathlib
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_feed import News, Told
    from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_records import Attention
    from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import Clock
    from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError
    from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_watch import Watch

DOCUMENTATION = r"""
---
short_description: What needs attention of the certificates in a store
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Looks at the store again and again, and tells of each fact that somebody has to do something about, once. It tells
    of it again when something about it changes, or after O(repeat_after), and tells when it has ended.
  - The facts are those that M(edgecert.clm.cert_info) shows with C(view=attention). Akamai, CAs and the edge are not
    asked, so let M(edgecert.clm.akamai_cps_device) and M(edgecert.clm.cert_lifecycle) run, too.
  - An event has C(status) and C(at). C(attention) is the fact, as C(cert_info) gives it, with V(raised), V(changed),
    V(repeated) and V(cleared); with V(cleared) it is the fact as it stood last.
  - While the store cannot be read, nothing is told to have ended. One event of status V(error) comes, whose
    C(attention) is of the kind V(store_away), and one of status V(recovered) when it can be read again. It is tried
    less and less often, at least every five minutes.
  - In C(attention) a blank stands behind a brace that would begin a template, since other people's texts are in it,
    and playbooks template their variables.
options:
  store:
    description:
      - URL of the store, as V(sqlite:////var/lib/edgecert/clm.db) or V(postgresql://user@host/database). A login that
        may only read is enough.
      - Left out, E(EDGECERT_STORE) is used, else the SQLite file in the user's data directory.
    type: str
  store_key:
    description:
      - Key that the secrets in the store are sealed with. None is opened, but a PostgreSQL store wants one to be named.
      - Left out, with O(store_key_file), E(EDGECERT_STORE_KEY) and E(EDGECERT_STORE_KEY_FILE) are used.
    type: str
  store_key_file:
    description:
      - File that holds the key, instead of O(store_key).
    type: str
  interval:
    description:
      - Seconds from the end of one look to the next, at least 1.
    type: float
    default: 60
  kinds:
    description:
      - Only these kinds of facts; all when left out. The guide on events lists them.
    type: list
    elements: str
    choices:
      - expiring
      - expired
      - awaiting_decision
      - awaiting_approval
      - awaiting_implementation
      - awaiting_action
      - approval_deadline_near
      - drift
      - foreign_change
      - edge_mismatch
      - revoked
      - vanished
      - failed
      - renewal_stopped
      - device_failed
  expires_within_days:
    description:
      - Days before its end from which on a certificate counts as expiring. Left out, it is what its group says.
    type: int
  devices:
    description:
      - Only what is about these devices.
    type: list
    elements: str
  groups:
    description:
      - Only what is about certificates of these groups; what is in no other is in V(default).
    type: list
    elements: str
  repeat_after:
    description:
      - Seconds after which a fact that still stands is told again. Left out, it is not.
    type: float
  batch:
    description:
      - Whether what one look finds is told together, in one event for each status and each 100 facts, so that a rule
        runs once for all of them. Such an event has the list C(attentions), instead of C(attention).
    type: bool
    default: false
  state_path:
    description:
      - File that keeps what was told, so that a restart does not tell it again. Its folder has to be there.
      - It is written an O(interval) after something was told, so that what a process that was killed may not have
        worked off is told twice rather than not at all.
      - A file of a source with other options is not used, and everything is told anew.
      - Left out, everything is told anew after a restart, and nothing of what ended meanwhile.
    type: str
"""

EXAMPLES = r"""
- edgecert.clm.certificates:
    store: postgresql://clm_watcher@db.example.com/edgecert
    store_key_file: /etc/edgecert/store.key
    interval: 120
    state_path: /var/lib/edgecert/events.json

- edgecert.clm.certificates:
    kinds: [expiring, expired, revoked, edge_mismatch]
    expires_within_days: 21
    groups: [shop]
    repeat_after: 86400
"""

T = TypeVar("T")
Queue = asyncio.Queue[Any]

LOGGER = logging.getLogger("edgecert.clm.certificates")
# So often at least a store that is away is tried.
LONGEST_S = 300.0
MOST_TOGETHER = 100
"""Facts in one event at most."""
_PACKAGE = "ansible_collections.edgecert.clm"


def _find_collection() -> None:
    """Let Python find the collection that this file is of, where only Ansible does: it is run, not imported."""
    try:
        __import__(f"{_PACKAGE}.plugins.module_utils._core.errors")
    except ModuleNotFoundError as exc:
        here = pathlib.Path(__file__).absolute()
        root = next((one.parent for one in here.parents if one.name == "ansible_collections"), None)
        if root is None or not _PACKAGE.startswith(str(exc.name)):
            raise
        sys.path.append(str(root))


async def main(queue: Queue, args: dict[str, Any]) -> None:
    """Tell of what needs attention until it is cancelled.

    :param queue: takes the events, each a mapping of plain data.
    :param args: the options; anything else among them is an error.
    :raises InputError: an option cannot be used; nothing was looked at.
    :raises StoreError: the store's URL or its key cannot be used; nothing was looked at.
    :raises MissingLibrary: a PostgreSQL store without psycopg.
    """
    _find_collection()
    from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
    from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_watch import watch_of

    # Where a rulebook asks for feedback, the engine adds a queue of its own.
    options = {name: value for name, value in args.items() if name != "eda_feedback_queue"}
    await Watcher(queue, watch_of(options, os.environ), SystemClock()).run()


async def in_thread(work: Callable[[], T]) -> T:
    """Do blocking work beside the loop, and give what it gives.

    The thread holds nobody up: cancelled work is left to itself, and the process need not wait for it, as it would for
    one of the loop's own executor.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(give: Callable[[], None]) -> None:
        # The loop may be gone, when it was not waited for.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if future.done() else give())

    def run() -> None:
        try:
            result = work()
        except BaseException as exc:
            error = exc
            settle(lambda: future.set_exception(error))
        else:
            settle(lambda: future.set_result(result))

    threading.Thread(target=run, name="edgecert.clm.certificates", daemon=True).start()
    return await future


class Watcher:
    """Looks, tells what is news, and waits.

    :param clock: gives the time of events; waiting is the loop's.
    :ivar wait_s: seconds until the next look.
    """

    def __init__(self, queue: Queue, watch: Watch, clock: Clock) -> None:
        self._queue, self._watch, self._clock = queue, watch, clock
        self._known: dict[str, Told] = {}
        self._unsaved = False
        # Why the store cannot be read; None while it can.
        self._trouble: Attention | None = None
        self.wait_s = watch.interval_s

    async def run(self) -> None:
        """Go on until cancelled."""
        from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_watch import load_state

        self._known, lost = await in_thread(lambda: load_state(self._watch))
        if lost:
            LOGGER.warning("%s is not used, everything is told anew: %s", self._watch.state_path, lost)
        try:
            while True:
                await self.round()
                await asyncio.sleep(self.wait_s)
                # Not at once: what is in the queue is worked off later, if ever.
                if self._unsaved:
                    await in_thread(self._save)
        finally:
            self._save()

    async def round(self) -> None:
        """Look once, and tell what is news.

        :raises MissingLibrary: this process can never read the store.
        """
        from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_feed import bundles, news
        from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, MissingLibrary
        from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_watch import look

        holder = f"event source, process {os.getpid()}"
        try:
            found = await in_thread(lambda: look(self._watch, self._clock, holder))
        except MissingLibrary:
            raise
        except ClmError as exc:
            await self._away(exc)
            return
        await self._back()
        told = news(self._known, found, self._clock.now(), self._watch.repeat_after)
        for together in bundles(told, MOST_TOGETHER if self._watch.batch else 1):
            await self._tell(together)

    async def _tell(self, together: Sequence[News]) -> None:
        from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_feed import note

        await self._put(together[0].status, [one.view for one in together])
        for one in together:
            note(self._known, one, self._clock.now())
        self._unsaved = True

    async def _put(self, status: str, views: Sequence[Mapping[str, Any]]) -> None:
        """Put one event.

        :param views: what it is about; one alone, unless what a look finds is told together.
        """
        from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_feed import harmless
        from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text

        told = {"attentions": list(views)} if self._watch.batch else {"attention": views[0]}
        await self._queue.put({"status": status, "at": to_text(self._clock.now()), **harmless(told)})

    async def _away(self, error: ClmError) -> None:
        """Tell once that the store cannot be read, and wait longer each time."""
        from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_records import store_away

        longest = max(LONGEST_S, self._watch.interval_s)
        self.wait_s = min(self.wait_s * 2, longest)
        if self._trouble is not None and self._trouble.reason == error.code:
            return
        since = self._clock.now() if self._trouble is None else self._trouble.since
        LOGGER.error("%s", error.message)
        self._trouble = store_away(self._watch.shown, error.code, error.message, since or self._clock.now())
        await self._put("error", [self._trouble.view()])

    async def _back(self) -> None:
        self.wait_s = self._watch.interval_s
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            LOGGER.info("%s can be read again", self._watch.shown)
            await self._put("recovered", [trouble.view()])

    def _save(self) -> None:
        """Keep what was told; that it cannot be kept stops nothing, and is said."""
        from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError
        from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_watch import save_state

        if not self._unsaved:
            return
        try:
            save_state(self._watch, self._known)
        except ClmError as exc:
            LOGGER.error("%s", exc.message)
        else:
            self._unsaved = False


if __name__ == "__main__":

    class _Shown(asyncio.Queue[Any]):
        """Prints what is put."""

        async def put(self, item: Any) -> None:
            """Print an event."""
            print(item, flush=True)

    # The event source alone, as "python certificates.py", watching the store of the environment.
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(_Shown(), {}))
