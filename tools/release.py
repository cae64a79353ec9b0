# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build gate: makes the artifact from a clean copy, installs it, reads its documentation, asks Galaxy's importer,
and cuts a release on a copy to see that it can be cut.

The importer pins other versions of shared libraries, so it has an environment of its own under .cache.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Mapping

from common import BIN, CACHE, TOP, path_with

WORK = CACHE / "build"
IMPORTER = CACHE / "importer"
NAME = "edgecert.clm"
KINDS = ("module", "inventory", "lookup", "filter", "callback", "role")
CONFIG = "[galaxy-importer]\nRUN_FLAKE8 = True\nCHECK_REQUIRED_TAGS = True\nCHECK_CHANGELOG = True\n"
# What no ansible-doc would miss.
ALWAYS_INSIDE = ("extensions/eda",)
NEVER_INSIDE = (".venv", ".cache", ".git", "tools", ".ci", "requirements-dev.txt", "Makefile")


def output(*command: str | pathlib.Path, cwd: pathlib.Path = TOP, env: Mapping[str, str] | None = None) -> str:
    """Run a command and give its standard output.

    :raises subprocess.CalledProcessError: it failed; what it said is printed first.
    """
    environment = {**os.environ, "PATH": path_with(BIN), **(env or {})}
    arguments = [str(part) for part in command]
    result = subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        print(result.stdout, result.stderr, sep="\n")
        result.check_returncode()
    return result.stdout


def artifact(work: pathlib.Path = WORK) -> pathlib.Path:
    """Build the collection from what git would commit and give the archive's path.

    :param work: a folder for it, emptied first.
    """
    copy, dist = work / "copy", work / "dist"
    shutil.rmtree(work, ignore_errors=True)
    output("tools/copy-tree", copy)
    output(BIN / "ansible-galaxy", "collection", "build", "--output-path", dist, "--force", cwd=copy)
    return next(dist.glob("*.tar.gz"))


def installed(archive: pathlib.Path) -> pathlib.Path:
    """Install the archive into a folder of its own, verify it, and give the collection's folder."""
    path = WORK / "collections"
    output(BIN / "ansible-galaxy", "collection", "install", archive, "-p", path, "--offline", "--force", cwd=WORK)
    output(BIN / "ansible-galaxy", "collection", "verify", NAME, "-p", path, "--offline", cwd=WORK)
    return path / "ansible_collections" / "edgecert" / "clm"


def sources(folder: pathlib.Path, part: str) -> set[str]:
    """Name the source files of one part of a tree, relative to it."""
    found = (path for path in (folder / part).rglob("*") if path.suffix in (".py", ".yml"))
    return {path.relative_to(folder).as_posix() for path in found}


def documented(folder: pathlib.Path) -> int:
    """Read the documentation of everything the installed collection holds; count it.

    :raises RuntimeError: something has none.
    """
    env = {"ANSIBLE_COLLECTIONS_PATH": str(folder.parents[2])}
    count = 0
    for kind in KINDS:
        names = list(json.loads(output(BIN / "ansible-doc", "-t", kind, "--list", "--json", NAME, cwd=WORK, env=env)))
        names = [name for name in names if name.startswith(f"{NAME}.")]
        if not names:
            continue
        found = json.loads(output(BIN / "ansible-doc", "-t", kind, "--json", *names, cwd=WORK, env=env))
        silent = sorted(name for name in names if not found.get(name))
        if silent:
            raise RuntimeError(f"no {kind} documentation for {', '.join(silent)}")
        output(BIN / "ansible-doc", "-t", kind, *names, cwd=WORK, env=env)
        count += len(names)
    modules = [path for path in (folder / "plugins" / "modules").glob("*.py") if path.name != "__init__.py"]
    if count < len(modules):
        raise RuntimeError(f"{len(modules)} modules were installed, documentation was found for {count} things only")
    return count


def accepted(archive: pathlib.Path) -> None:
    """Let Galaxy's importer judge the archive, in an environment made once.

    :raises RuntimeError: it complains, be it only with a warning about this collection's own files.
    """
    python = IMPORTER / "bin" / "python"
    stamp = IMPORTER / ".stamp"
    if not stamp.exists():
        output(sys.executable, "-m", "venv", "--clear", IMPORTER)
        output(python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "galaxy-importer")
        stamp.touch()
    config = WORK / "galaxy-importer.cfg"
    config.write_text(CONFIG, encoding="utf-8")
    env = {"GALAXY_IMPORTER_CONFIG": str(config), "PATH": path_with(IMPORTER / "bin")}
    said = output(python, "-m", "galaxy_importer.main", archive, cwd=WORK, env=env)
    complaints = [line for line in said.splitlines() if line.startswith(("ERROR", "WARNING"))]
    if complaints:
        raise RuntimeError("galaxy-importer complains:\n" + "\n".join(complaints))


def released() -> int:
    """Cut a release on a copy, at a path that names the collection, and count the changes and modules in its changelog.

    :raises RuntimeError: a line of a fragment, or a module, is not in that changelog.
    """
    copy = WORK / "release" / "ansible_collections" / "edgecert" / "clm"
    output("tools/copy-tree", copy)
    tool = BIN / "antsibull-changelog"
    # It takes the files that git knows, and git ignores this folder as it does all of .cache.
    env = {"GIT_CEILING_DIRECTORIES": str(WORK)}
    said = output(tool, "release", cwd=copy, env=env)
    output(tool, "lint-changelog-yaml", "changelogs/changelog.yaml", cwd=copy, env=env)
    text = " ".join((copy / "CHANGELOG.rst").read_text(encoding="utf-8").split())
    wanted = [" ".join(line.split()).rstrip(".") for line in fragment_lines(TOP / "changelogs" / "fragments")]
    wanted += [f"{NAME}.{path.stem}" for path in (copy / "plugins" / "modules").glob("[a-z]*.py")]
    lost = [line for line in wanted if line not in text]
    if lost:
        raise RuntimeError(f"the changelog of a release lacks {'; '.join(lost)}\n{said}")
    left = sorted(path.name for path in (copy / "changelogs" / "fragments").glob("*.yml"))
    if left:
        raise RuntimeError(f"a release leaves fragments: {', '.join(left)}")
    return len(wanted)


def fragment_lines(folder: pathlib.Path) -> list[str]:
    """Give the texts of all fragments, whatever section they are in."""
    import yaml

    found: list[str] = []
    for path in sorted(folder.glob("*.yml")):
        for section in yaml.safe_load(path.read_text(encoding="utf-8")).values():
            found += [section] if isinstance(section, str) else section
    return found


def check() -> None:
    """Build, install, read and judge the artifact, and see that a release can be cut."""
    archive = artifact()
    folder = installed(archive)
    inside = sorted(name for name in NEVER_INSIDE if (folder / name).exists())
    if inside:
        raise RuntimeError(f"the artifact holds what it should not: {', '.join(inside)}")
    left = sorted(name for part in ALWAYS_INSIDE for name in sources(TOP, part) - sources(folder, part))
    if left:
        raise RuntimeError(f"the artifact lacks {', '.join(left)}")
    print(f"{archive.name}: {archive.stat().st_size // 1024} KB, {documented(folder)} things with documentation")
    accepted(archive)
    print("galaxy-importer accepts it")
    print(f"a release can be cut: its changelog has {released()} lines")
