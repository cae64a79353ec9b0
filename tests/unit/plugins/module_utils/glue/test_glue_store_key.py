# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which store key counts when an option and the environment both name one."""

from __future__ import annotations

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_store import key_of


@pytest.mark.parametrize(
    ("inherited", "given", "text", "path"),
    [
        ({"EDGECERT_STORE_KEY": "env"}, {"store_key": "env", "store_key_file": "/k"}, None, "/k"),
        ({"EDGECERT_STORE_KEY_FILE": "/e"}, {"store_key": "own", "store_key_file": "/e"}, "own", ""),
        ({}, {"store_key": "own", "store_key_file": "/k"}, "own", "/k"),
        ({}, {"store_key": None, "store_key_file": None}, None, ""),
    ],
)
def test_an_option_holds_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    inherited: dict[str, str],
    given: dict[str, str | None],
    text: str | None,
    path: str,
) -> None:
    for name in ("EDGECERT_STORE_KEY", "EDGECERT_STORE_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in inherited.items():
        monkeypatch.setenv(name, value)
    key = key_of(given)
    assert (key.text.reveal() if key.text else None, key.path) == (text, path)
