# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the module's environment to the runner of scripts, which is imported where a call asks for it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .._core.masks import maskable, masks_in_use
from .._store.url import data_folder

if TYPE_CHECKING:
    from .._core.clock import Clock
    from .._store.base import Store
    from .._target.script_base import ScriptRunner

# Variables whose values are masked although nothing of ours may have read them.
_SECRET_NAME = re.compile(r"(?:KEY|PASSWORD|SECRET|TOKEN)$", re.IGNORECASE)
# Shorter values are rather a number or a word; masking them would make the output unreadable.
_LEAST_SECRET = 8


def library_folder(environment: Mapping[str, str]) -> str:
    """Give the folder of the controller's scripts."""
    named = environment.get("EDGECERT_SCRIPT_LIBRARY")
    return os.path.expanduser(named) if named else os.path.join(data_folder(environment), "scripts")


def secrets_of(environment: Mapping[str, str]) -> set[str]:
    """Give the values of an environment that are secrets by their names, and the passwords in its URLs."""
    named = {text for name, text in environment.items() if _SECRET_NAME.search(name)}
    urls = [text for text in environment.values() if "://" in text and "@" in text]
    return {text for text in named | maskable(urls) if len(text) >= _LEAST_SECRET}


def scripts_maker(store: Store, clock: Clock, environment: Mapping[str, str]) -> Callable[[], ScriptRunner]:
    """Give the maker of the script runner."""

    def make() -> ScriptRunner:
        from .._target.scripts import LocalScripts

        return LocalScripts(library_folder(environment), environment, lambda: masks_in_use() | secrets_of(environment))

    return make
