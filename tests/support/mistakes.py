# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to come of something a user gets wrong, and how a watched run is held against it."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.edgecert.clm.tests.support.watch import Watched


@dataclass(frozen=True)
class Row:
    """One thing a user gets wrong.

    :ivar said: words that the message must hold: what is wrong, and what to do.
    :ivar calls: the API calls at most; 0 where it can be known before any traffic.
    :ivar leaves: tables that may have changed: a request that was refused after it was recorded stays as history.
    """

    task: str
    code: str
    said: tuple[str, ...]
    calls: int = 0
    leaves: tuple[str, ...] = ()


def besides(stores: list[dict[str, list[str]]], tables: tuple[str, ...]) -> list[dict[str, list[str]]]:
    """Give what stands in the stores besides some tables."""
    return [{name: rows for name, rows in store.items() if name not in tables} for store in stores]


def judge(row: Row, watched: Watched) -> None:
    """Hold one failed task against its row."""
    task = watched.task(row.task)
    before, after = watched.after(row.task)
    assert task.status == "failed", task.result
    failure = task.result["failure"]
    assert failure["code"] == row.code, task.result["msg"]
    for words in row.said:
        assert words in task.result["msg"]
    assert "Traceback" not in str(task.result)
    assert "\n" not in task.result["msg"]
    assert not task.changed
    assert len(after.calls) <= row.calls, after.calls
    assert besides(after.stores, row.leaves) == besides(before.stores, row.leaves)
    assert after.accounts == before.accounts


def ids(row: Row) -> str:
    """Name a test by its row."""
    return row.task.lower().replace(" ", "_").replace(",", "").replace("'", "")
