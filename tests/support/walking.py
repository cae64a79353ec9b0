# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the code blocks of the guides, and walks through a guide as its reader would: files saved, commands typed.

A block with a caption is a file that the reader saves under that name. In a block of the language ``console`` the lines
after ``$`` are typed, and what follows them is what is shown.
"""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.edgecert.clm.tests.support import playbooks

TOP = pathlib.Path(__file__).resolve().parents[2]
GUIDES = TOP / "docs" / "docsite" / "rst"
_RST = re.compile(r"(?m)^( *)\.\. code-block:: (\w+)\n(?:\1 +:caption: (.+)\n)?\n((?:(?:\1 +.*)?\n)+)")
_MARKDOWN = re.compile(r"(?ms)^```(\w+)\n(.*?)^```$")
_MARK = "== typed: "
_STARTS = "extensions/sandbox serve"
# Once a sandbox runs, what would wait for it moves its clock instead: minutes of the reader are seconds of a test.
_CLOCK = """mkdir "$HOME/clock"; eval "$(PYTHONPATH=extensions/sandbox {python} - <<'PY'
import os, pathlib, shlex
from ansible_collections.edgecert.clm.tests.support.moved_clock import MovedClock
home = pathlib.Path(os.environ["HOME"])
clock = MovedClock(home / "clock", home / ".local/state/edgecert-sandbox")
print(*(f"export {{name}}={{shlex.quote(value)}}" for name, value in clock.environment.items()), sep="; ")
PY
)"
trap 'python extensions/sandbox stop >/dev/null 2>&1 || true' EXIT
"""


@dataclass(frozen=True)
class Block:
    """A code block.

    :ivar file: what it is saved as; empty for none.
    """

    page: str
    language: str
    text: str
    file: str = ""

    @property
    def commands(self) -> list[str]:
        """Give what is typed, lines that go on joined."""
        lines = self.text.replace("\\\n", "").splitlines()
        if self.language == "console":
            return [line[2:].strip() for line in lines if line.startswith("$ ")]
        return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def blocks(page: pathlib.Path) -> Iterator[Block]:
    """Give the code blocks of a guide, or of a page in Markdown, in order."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".md":
        for found in _MARKDOWN.finditer(text):
            yield Block(page.name, found[1], found[2])
        return
    for found in _RST.finditer(text):
        yield Block(page.name, found[2], textwrap.dedent(found[4]).strip("\n") + "\n", found[3] or "")


def pages() -> list[pathlib.Path]:
    """Give every page that is read by people: guides, README and the like."""
    return [*sorted(GUIDES.glob("*.rst")), TOP / "README.md", TOP / "CONTRIBUTING.md"]


@dataclass(frozen=True)
class Walk:
    """What came of a walk.

    :ivar shown: what each command showed, in order, with the command.
    """

    shown: list[tuple[str, str]]

    def of(self, part: str) -> list[str]:
        """Give what the commands showed that have a part in them."""
        return [text for command, text in self.shown if part in command]


def returned(shown: str) -> Any:
    """Read what an ad-hoc call showed."""
    return json.loads(shown.partition("=>")[2])


def environment(home: pathlib.Path, more: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of a reader with an empty home, who has activated the environment of the tests.

    :param more: comes last.
    """
    of_runs = playbooks.environment(home, more)
    kept = {name: value for name, value in of_runs.items() if not name.startswith(("ANSIBLE_CONFIG", "XDG_"))}
    # The bundles of one walk are of its own clock, and serve no other run.
    return {**kept, "HOME": str(home), "ANSIBLE_PIPELINING": "true", "CLM_BUNDLES": str(home / "bundles"), **more}


def walk(
    *guides: str,
    home: pathlib.Path,
    leave_out: tuple[str, ...] = (),
    instead: Mapping[str, str] | None = None,
    more: Mapping[str, str] | None = None,
) -> Walk:
    """Save the files of guides and type their commands, in one shell that stops at the first that fails.

    :param leave_out: beginnings of commands that are not typed.
    :param more: for the environment.
    :param instead: what stands for words of the page that are of one machine, as ports; further lines of it are
        indented as the line they come into.
    :raises AssertionError: a command failed; with what it showed.
    """

    def here(text: str) -> str:
        lines = []
        for line in text.splitlines():
            margin = line[: len(line) - len(line.lstrip())]
            for word, other in (instead or {}).items():
                line = line.replace(word, other.replace("\n", f"\n{margin}"))
            lines.append(line)
        return "\n".join(lines) + "\n"

    typed: list[str] = []
    script = ["set -euo pipefail", "exec 2>&1"]
    for block in (block for guide in guides for block in blocks(GUIDES / f"{guide}.rst")):
        if block.file:
            path = pathlib.Path(block.file.replace("~", str(home), 1))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(here(block.text), encoding="utf-8")
        for command in block.commands if block.language == "console" else ():
            if not command.startswith(leave_out):
                typed.append(here(command).strip())
                script += [f"echo '{_MARK}{len(typed)}'", typed[-1]]
                script += [_CLOCK.format(python=sys.executable)] if _STARTS in command else []
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=TOP,
        env=environment(home, more or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=600,
    )
    parts = re.split(rf"(?m)^{_MARK}\d+\n", done.stdout)[1:]
    shown = list(zip(typed, parts, strict=False))
    assert done.returncode == 0, f"{shown[-1][0]}\n{shown[-1][1][-6000:]}"
    return Walk(shown)
