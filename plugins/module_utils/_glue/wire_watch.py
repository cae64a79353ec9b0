# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A watcher of the store: its options, one look, and the file in which it keeps what it told. Nothing of Ansible.

What watches, as the event source of Event-Driven Ansible, has an environment of its own, in which ansible-core need
not be.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from .._clm.attention import check_kinds, select_attention
from .._clm.attention_feed import Known, Told, from_plain, to_plain
from .._clm.filters import Filters
from .._clm.views import View
from .._core.clock import Clock
from .._core.errors import ClmError, InputError, StoreError
from .._core.files import check_new, replacing
from .._core.redact import Secret
from .._store.open import open_store
from .._store.seal import StoreKey, missing_key
from .._store.url import default_url, masked, postgres_uri, sqlite_path

INTERVAL_S, LEAST_S, MOST_S = 60.0, 1.0, 86400.0 * 366
_ENVIRONMENT = {
    "store": "EDGECERT_STORE",
    "store_key": "EDGECERT_STORE_KEY",
    "store_key_file": "EDGECERT_STORE_KEY_FILE",
}
OPTIONS = (
    *_ENVIRONMENT,
    *("interval", "kinds", "expires_within_days", "devices", "groups", "repeat_after", "state_path", "batch"),
)
_SHAPE = 1


@dataclass(frozen=True)
class Watch:
    """What a watcher was asked for.

    :ivar url: of the store.
    :ivar interval_s: seconds from the end of one look to the next.
    :ivar kinds: of attention; empty means every one.
    :ivar repeat_after: when a fact that stands unchanged is told again; None for never.
    :ivar state_path: absolute path of the file that keeps what was told; empty for none.
    :ivar batch: what a look finds is told together.
    """

    url: str
    key: StoreKey
    interval_s: float = INTERVAL_S
    kinds: tuple[str, ...] = ()
    filters: Filters = field(default_factory=Filters)
    repeat_after: timedelta | None = None
    state_path: str = ""
    batch: bool = False

    @property
    def shown(self) -> str:
        """Give the store's URL without a password."""
        return masked(self.url)

    @property
    def scope(self) -> dict[str, Any]:
        """Give what a state is of: told to somebody who asked for something else, a fact would end by that alone."""
        filters = self.filters
        return {
            "store": self.shown,
            "kinds": sorted(self.kinds),
            "devices": sorted(filters.device),
            "groups": sorted(filters.group),
            "expires_within_days": filters.expires_within_days,
        }


def watch_of(options: Mapping[str, Any], environment: Mapping[str, str]) -> Watch:
    """Read a watcher's options; numbers may be texts, as variables of a rulebook make them.

    :param environment: stands in for what the options leave out of the store.
    :raises InputError: something cannot be used; all problems at once.
    :raises StoreError: the URL is of no store, or a PostgreSQL store has no key.
    """
    problems = [f"there is no option {name}; there are {', '.join(OPTIONS)}" for name in options if name not in OPTIONS]
    given = {name: value for name, value in options.items() if value is not None and value != ""}
    store = _store_options(given, environment)
    problems += [f"{name} is no text" for name in (*_ENVIRONMENT, "state_path") if not _is_text(given.get(name))]
    interval = _number(given, "interval", LEAST_S, problems)
    repeat = _number(given, "repeat_after", LEAST_S, problems)
    days = _number(given, "expires_within_days", 0.0, problems)
    batch = _truth(given, "batch", problems)
    lists = {name: _words(given, name, problems) for name in ("kinds", "devices", "groups")}
    if not problems:
        _try(lambda: check_kinds(lists["kinds"]), problems)
    if problems:
        raise InputError.of_problems("Cannot watch the store", problems)
    url = store["store"] or default_url(environment)
    key = StoreKey(Secret(store["store_key"]) if store["store_key"] else None, store["store_key_file"])
    _check_store(url, key)
    wanted = {"device": lists["devices"], "group": lists["groups"]}
    filters = Filters.from_options({**wanted, "expires_within_days": None if days is None else int(days)})
    again = None if repeat is None else timedelta(seconds=repeat)
    path = _state_path(given)
    return Watch(url, key, interval or INTERVAL_S, tuple(lists["kinds"]), filters, again, path, batch)


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _store_options(given: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Give the options of the store; a key that is given holds over both that the environment may have."""
    names = ["store"] if {"store_key", "store_key_file"} & set(given) else list(_ENVIRONMENT)
    found = {name: str(environment.get(_ENVIRONMENT[name]) or "") for name in names}
    return {**dict.fromkeys(_ENVIRONMENT, ""), **found, **{k: str(v) for k, v in given.items() if k in _ENVIRONMENT}}


def _number(given: Mapping[str, Any], name: str, least: float, problems: list[str]) -> float | None:
    if name not in given:
        return None
    value = given[name]
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    most = 36500.0 if name == "expires_within_days" else MOST_S
    if not least <= number <= most:
        problems.append(f"{name} {value!r} is no number from {least:g} to {most:g}")
        return None
    return number


def _truth(given: Mapping[str, Any], name: str, problems: list[str]) -> bool:
    value = given.get(name, False)
    words = {"true": True, "yes": True, "false": False, "no": False}
    found = value if isinstance(value, bool) else words.get(str(value).lower())
    if found is None:
        problems.append(f"{name} {value!r} is neither true nor false")
    return bool(found)


def _words(given: Mapping[str, Any], name: str, problems: list[str]) -> list[str]:
    """Give a list of words; a text stands for its words between commas."""
    value = given.get(name, [])
    words = [word.strip() for word in value.split(",")] if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) and word for word in words):
        problems.append(f"{name} {value!r} is no list of words")
        return []
    return list(words)


def _try(check: Callable[[], object], problems: list[str]) -> None:
    try:
        check()
    except ClmError as exc:
        problems.append(exc.message)


def _check_store(url: str, key: StoreKey) -> None:
    if key.text and key.path:
        raise InputError("The store key is given twice, as text and as a file; give one of them")
    uri = postgres_uri(url)
    if uri is None and sqlite_path(url) is None:
        raise StoreError(
            f"Cannot watch the store {masked(url)}: no back end has such URLs; write sqlite:////absolute/path.db or "
            "postgresql://user:password@host:port/database",
            code="store_url",
        )
    if uri is not None and not key:
        raise missing_key("a PostgreSQL store keeps no key by itself and none is given")


def _state_path(given: Mapping[str, Any]) -> str:
    if "state_path" not in given:
        return ""
    path = os.path.abspath(os.path.expanduser(str(given["state_path"])))
    check_new(path, "the state", force=True, taken=())
    return path


def look(watch: Watch, clock: Clock, holder: str) -> list[View]:
    """Look once at the store, over a connection of its own, and give what needs attention.

    :param holder: names who looks, where a lease would be held.
    :raises ClmError: the store is away, or of another version.
    """
    with (
        closing(open_store(watch.url, watch.key, clock, holder, create=False)) as store,
        store.read() as unit,
    ):
        return [one.view() for one in select_attention(unit, watch.filters, watch.kinds, clock.now())]


def load_state(watch: Watch) -> tuple[dict[str, Told], str]:
    """Give what an earlier run told, and why that is not known where there is a state that cannot be used."""
    if not watch.state_path or not os.path.exists(watch.state_path):
        return {}, ""
    try:
        with open(watch.state_path, encoding="utf-8") as file:
            data = json.load(file)
        if data["shape"] != _SHAPE or data["scope"] != watch.scope:
            return {}, "it is of a watcher that was asked for something else"
        return from_plain(data["facts"]), ""
    except OSError as exc:
        return {}, f"it cannot be read ({exc.strerror})"
    except (KeyError, TypeError, ValueError) as exc:
        return {}, f"it is no state of a watcher ({exc})"


def save_state(watch: Watch, known: Known) -> None:
    """Keep what was told, in a file for its owner alone.

    :raises StoreError: it cannot be written; what was kept before still is.
    """
    if not watch.state_path:
        return
    data = {"shape": _SHAPE, "scope": watch.scope, "facts": to_plain(known)}
    with replacing(watch.state_path, "the state") as part, open(part, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1, sort_keys=True)
