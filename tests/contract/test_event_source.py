# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source as ansible-rulebook runs it: an async plugin over a store on either back end, for as long as it may.

Nothing of it is faked: the store is real, and taken away, locked and brought back as an operator would see it happen.
"""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.extensions.eda.plugins.event_source.certificates import LONGEST_S, Watcher, main
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate, Device
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_watch import Watch, watch_of
from ansible_collections.edgecert.clm.tests.support.stores import KEY, NOON, StorePlace

Event = dict[str, Any]
Queue = asyncio.Queue[Event]
TOP = pathlib.Path(__file__).resolve().parents[2]
SOURCE = "extensions/eda/plugins/event_source/certificates.py"
# Long enough that only a fault makes a test wait for it.
PATIENCE_S = 20.0


def certificate(name: str, days: float) -> Certificate:
    return Certificate(name, "discovered", name, "issued", device="main", not_after=NOON + timedelta(days=days))


def fill(place: StorePlace, **days: float) -> None:
    """Store certificates, each with the days that it has left at noon."""
    with place.open() as store, store.write() as unit:
        if not unit.devices.find():
            unit.devices.add(Device("main"))
        for name, left in days.items():
            unit.certificates.add(certificate(name, left))


def change(place: StorePlace, name: str, **members: Any) -> None:
    with place.open() as store, store.write() as unit:
        kept = unit.certificates.get(name)
        assert kept is not None
        unit.certificates.put(replace(kept, **members))


def watch(place: StorePlace, **options: Any) -> Watch:
    return watch_of({"store": place.url, "store_key": KEY, **options}, {})


def drained(queue: Queue) -> list[str]:
    """Take what is in the queue, as ``status kind certificate``, or the status and reason of an error."""
    found = []
    while not queue.empty():
        event = queue.get_nowait()
        fact = event["attention"]
        is_away = fact["kind"] == "store_away"
        named = [fact["reason"]] if is_away else [fact["kind"], str(fact["certificate"])]
        found.append(" ".join([event["status"], *named]))
    return found


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, PATIENCE_S))


class Turns:
    """A watcher whose looks a test takes one by one."""

    def __init__(self, place: StorePlace, **options: Any) -> None:
        self.queue: Queue = asyncio.Queue()
        self.watcher = Watcher(self.queue, watch(place, **options), place.clock)

    async def next(self) -> list[str]:
        """Look once and give what it tells."""
        await self.watcher.round()
        return drained(self.queue)


def test_each_fact_is_an_event_once_again_when_it_changes_and_when_it_ends(place: StorePlace) -> None:
    """Issue 7."""
    fill(place, a=20, b=300)

    async def work() -> None:
        turns = Turns(place)
        assert await turns.next() == ["raised expiring a"]
        assert await turns.next() == []
        place.clock.sleep(timedelta(days=15).total_seconds())
        assert await turns.next() == []
        change(place, "a", production={"fingerprint": "f", "not_after": "2026-12-13T12:00:00Z"})
        assert await turns.next() == ["changed expiring a"]
        place.clock.sleep(timedelta(days=6).total_seconds())
        assert await turns.next() == ["cleared expiring a", "raised expired a"]
        change(place, "a", not_after=NOON + timedelta(days=400), production={})
        assert await turns.next() == ["cleared expired a"]

    run(work())


def test_kinds_devices_groups_and_days_narrow_it_down(place: StorePlace) -> None:
    """Issue 7."""
    fill(place, a=20, b=-1, c=50)
    with place.open() as store, store.write() as unit:
        unit.devices.add(Device("broken", status="failed"))
    change(place, "a", group="shop")
    expected: dict[str, list[str]] = {
        "": ["raised device_failed None", "raised expired b", "raised expiring a"],
        "kinds": ["raised expired b"],
        "devices": ["raised device_failed None"],
        "groups": ["raised expiring a"],
        "expires_within_days": ["raised device_failed None", "raised expired b"],
    }
    options: dict[str, Any] = {"kinds": "expired", "devices": "broken", "groups": ["shop"], "expires_within_days": 19}

    async def work() -> None:
        for name, told in expected.items():
            given = {name: options[name]} if name else {}
            assert sorted(await Turns(place, **given).next()) == told

    run(work())


def test_what_stands_is_told_again_after_the_time_asked_for(place: StorePlace) -> None:
    """Issue 7: a person who did not react is asked again."""
    fill(place, a=20)

    async def work() -> None:
        turns = Turns(place, repeat_after=3600)
        told = [await turns.next()]
        for _look in range(3):
            place.clock.sleep(1800)
            told.append(await turns.next())
        assert told == [["raised expiring a"], [], ["repeated expiring a"], []]

    run(work())


def test_what_one_look_finds_is_told_together_where_that_is_asked_for(place: StorePlace) -> None:
    """Issue 7: and so is a store that is away."""
    fill(place, a=20, b=25, c=-1)

    async def work() -> list[tuple[str, list[str]]]:
        turns = Turns(place, batch=True)
        await turns.watcher.round()
        with place.open() as store, store.write() as unit:
            for one in unit.certificates.find(certificate_id=["a", "b"]):
                unit.certificates.remove(one)
        await turns.watcher.round()
        back = away(place)
        try:
            await turns.watcher.round()
        finally:
            back()
        told = [turns.queue.get_nowait() for _event in range(turns.queue.qsize())]
        return [(event["status"], [str(fact["certificate"]) for fact in event["attentions"]]) for event in told]

    assert run(work()) == [("raised", ["c", "a", "b"]), ("cleared", ["a", "b"]), ("error", ["None"])]


# -- a store that is away ----------------------------------------------------------------------------------------------


def away(place: StorePlace) -> Callable[[], None]:
    """Take the store away; gives what brings it back."""
    if place.is_sqlite:
        path = pathlib.Path(place.url.removeprefix("sqlite:///"))
        moved = path.parent.rename(path.parent.with_name("moved"))
        return lambda: (moved.rename(path.parent), None)[1]
    server, _slash, name = place.url.rpartition("/")
    psql(f"{server}/postgres", f"ALTER DATABASE {name} RENAME TO {name}_moved")
    return lambda: psql(f"{server}/postgres", f"ALTER DATABASE {name}_moved RENAME TO {name}")


def psql(url: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_nothing_ends_while_the_store_is_away_which_is_told_once(place: StorePlace) -> None:
    """Issue 7: an outage of the database closes no ticket."""
    fill(place, a=20)

    async def work() -> None:
        turns = Turns(place)
        await turns.next()
        back = away(place)
        try:
            first = await turns.next()
            assert [event.split()[0] for event in first] == ["error"]
            assert await turns.next() == []
        finally:
            back()
        code = first[0].split()[1]
        assert await turns.next() == [f"recovered {code}"]
        assert await turns.next() == []

    run(work())


def test_a_store_that_is_away_is_asked_less_and_less_and_at_once_as_often_when_it_is_back(place: StorePlace) -> None:
    """Issue 7."""
    fill(place)

    async def work() -> None:
        turns = Turns(place, interval=60)
        back, waits = away(place), []
        try:
            for _look in range(5):
                await turns.watcher.round()
                waits.append(turns.watcher.wait_s)
        finally:
            back()
        assert waits == [120.0, 240.0, LONGEST_S, LONGEST_S, LONGEST_S]
        await turns.watcher.round()
        assert turns.watcher.wait_s == 60.0

    run(work())


def test_a_store_that_is_not_there_yet_is_waited_for(place: StorePlace) -> None:
    """Issue 7: the rulebook may start before the store is made."""

    async def work() -> None:
        turns = Turns(place)
        assert len(await turns.next()) == 1
        fill(place, a=20)
        told = await turns.next()
        assert [event.split()[0] for event in told] == ["recovered", "raised"]

    run(work())


@pytest.mark.postgres
def test_no_password_of_the_store_is_in_an_event(postgres_url: str) -> None:
    """Design §8."""
    url = postgres_url.replace("//clm@", "//clm:hush-hush@").rpartition("/")[0] + "/nowhere"

    async def work() -> Event:
        queue: Queue = asyncio.Queue()
        task = asyncio.create_task(main(queue, {"store": url, "store_key": KEY}))
        event = await queue.get()
        task.cancel()
        return event

    event = run(work())
    assert event["status"] == "error"
    assert "hush-hush" not in json.dumps(event)


# -- the loop ----------------------------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_a_look_that_hangs_holds_up_neither_the_loop_nor_the_end(postgres_url: str) -> None:
    """Issue 7: another rule's events go on while somebody holds a lock in the database."""
    import psycopg

    from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
    from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey

    place = StorePlace(postgres_url, StoreKey(Secret(KEY)))
    fill(place, a=20)

    async def work() -> tuple[int, bool]:
        queue: Queue = asyncio.Queue()
        task = asyncio.create_task(main(queue, {"store": postgres_url, "store_key": KEY}))
        turns = 0
        while not waits() and turns < 100_000:
            turns += 1
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return turns, queue.empty()

    with psycopg.connect(postgres_url) as holder, psycopg.connect(postgres_url, autocommit=True) as other:

        def waits() -> bool:
            mine = "wait_event_type = 'Lock' AND datname = current_database()"
            row = other.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {mine}".encode()).fetchone()
            return row is not None and row[0] > 0

        holder.execute("LOCK TABLE certificates IN ACCESS EXCLUSIVE MODE")
        turns, is_empty = run(work())
        assert waits(), "the look was to hang still when the loop had ended"
    assert turns > 1
    assert is_empty


def test_it_ends_cleanly_when_it_is_cancelled_and_keeps_what_it_told(place: StorePlace, tmp_path: pathlib.Path) -> None:
    """Issue 7: a restart tells what is new and what ended meanwhile, and nothing else."""
    fill(place, a=20, b=25)
    options = {"store": place.url, "store_key": KEY, "state_path": f"{tmp_path}/state.json", "interval": 3600}

    async def once(count: int, **more: Any) -> list[str]:
        queue: Queue = asyncio.Queue()
        task = asyncio.create_task(Watcher(queue, watch_of({**options, **more}, {}), place.clock).run())
        while queue.qsize() < count:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        return drained(queue)

    assert run(once(2)) == ["raised expiring a", "raised expiring b"]
    fill(place, c=-1)
    change(place, "b", not_after=NOON + timedelta(days=100))
    assert run(once(2)) == ["cleared expiring b", "raised expired c"]
    # Another question is another state: nothing ended by being asked for no more.
    assert run(once(1, kinds="expired")) == ["raised expired c"]


@pytest.mark.parametrize(
    ("args", "code"),
    [({"interval": "often"}, "invalid_input"), ({"kind": ["drift"]}, "invalid_input"), ({"store": "x"}, "store_url")],
)
def test_arguments_that_cannot_be_used_end_it_before_anything(args: Event, code: str) -> None:
    """Issue 7."""
    queue: Queue = asyncio.Queue()
    with pytest.raises(ClmError) as caught:
        run(main(queue, args))
    assert caught.value.code == code
    assert queue.empty()


# -- a process of its own ----------------------------------------------------------------------------------------------


def bare(folder: pathlib.Path, url: str) -> tuple[list[str], dict[str, str]]:
    """Copy the collection, and give command and environment of its event source under a Python without packages."""
    home = folder / "collections" / "ansible_collections" / "edgecert" / "clm"
    for part in ("plugins", "extensions/eda"):
        shutil.copytree(TOP / part, home / part, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {**os.environ, "EDGECERT_STORE": url, "EDGECERT_STORE_KEY": KEY}
    return [sys.executable, "-I", "-S", str(home / SOURCE)], environment


def test_without_a_driver_it_ends_at_once_and_says_which(tmp_path: pathlib.Path) -> None:
    """Issue 7: no waiting will bring it."""
    command, environment = bare(tmp_path, "postgresql://user:hush-hush@127.0.0.1:1/clm")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode != 0
    assert "psycopg" in done.stderr
    assert "hush-hush" not in done.stdout + done.stderr


def test_a_killed_process_tells_again_and_the_collection_is_found_where_only_ansible_knows_it(
    tmp_path: pathlib.Path,
) -> None:
    """Issue 7: no site-packages leads to the collection, the file is run by its path, as ansible-rulebook does."""
    place = StorePlace(f"sqlite:///{tmp_path}/clm/store.db")
    fill(place, a=-1)
    command, environment = bare(tmp_path, place.url)
    for _start in range(2):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            # Nothing is printed where it cannot begin; then it has ended, and so has this.
            late = threading.Timer(PATIENCE_S, process.kill)
            late.start()
            line = process.stdout.readline().decode()
            late.cancel()
            process.kill()
            assert "'kind': 'expired'" in line, process.stderr.read().decode()
