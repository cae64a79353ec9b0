# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's own rules for files: licence header, nothing silenced or unfinished, nothing that names one machine.

Reads what git tracks or would track. Patterns are written so that this file does not match itself.
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator

from common import TOP

HEADER = (
    "# Copyright: (c) 2026, the edgecert.clm authors",
    "# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
)
NOT_EVERYWHERE = {
    "a path of one machine": re.compile(r"(?<![\w.])/(?:root|work|farm)/"),
    "a package registry's host": re.compile(
        r"pypi[.]org|pythonhosted[.]org|npmjs[.](?:org|com)|deb[.]debian[.]org|galaxy[.]ansible[.]com/api",
        re.IGNORECASE,
    ),
}
NOT_IN_CODE = {
    "a silenced check": re.compile(
        r"#\s*(?:noqa|type:\s*ignore|pylint:\s*disable|nosec|pragma:\s*no cover)|skip_ansible[_]lint"
    ),
    "unfinished work": re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X)\b|\bNotImplemented[E]rror\b"),
    "a disabled test": re.compile(r"pytest[.]mark[.](?:skip|x[f]ail)\b(?!if)|\bassert True\b"),
}
CODE = {".py", ".sh", ".yml", ".yaml", ".toml", ".cfg", ""}


def listed() -> list[pathlib.Path]:
    """Give the files that are in the repository or would be added to it, sorted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout
    return sorted(path for path in (TOP / name for name in output.split("\0") if name) if path.is_file())


def header_breaches(path: pathlib.Path, text: str) -> Iterator[str]:
    """Say what is wrong with the head of a Python file; an empty file owes nothing."""
    if path.suffix != ".py" or not text:
        return
    lines = text.splitlines()
    if lines[0].startswith("#!"):
        lines = lines[1:]
    if lines and lines[0].startswith("# -*- coding"):
        lines = lines[1:]
    if tuple(lines[:3]) != HEADER:
        yield "1: the three licence lines do not stand at the head"
    if "from __future__ import annotations" not in text:
        yield "1: 'from __future__ import annotations' is missing"


def text_breaches(path: pathlib.Path, text: str) -> Iterator[str]:
    """Say which lines hold something that no file, or no code, may hold."""
    patterns = {**NOT_EVERYWHERE, **(NOT_IN_CODE if path.suffix in CODE and path.name != "COPYING" else {})}
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in patterns.items():
            if pattern.search(line):
                yield f"{number}: {what}: {line.strip()[:120]}"


def breaches(path: pathlib.Path) -> list[str]:
    """Give every breach of one file as ``line: what``; a file that is not text has none."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    return [*header_breaches(path, text), *text_breaches(path, text)]


def main() -> int:
    """Print every breach; 1 if there is one."""
    found = [f"{path.relative_to(TOP)}:{breach}" for path in listed() for breach in breaches(path)]
    print("\n".join(found) or f"{len(listed())} files keep the rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
