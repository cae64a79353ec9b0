# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment (R): ansible-builder takes it with the collection as built, and nothing is left out of it.

No container engine is needed: the stages of the build that are Python's and Ansible's are run here as they are written.
"""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import ee
import matrix
import pytest
import release
import yaml
from common import BIN, TOP, path_with
from packaging.requirements import Requirement
from packaging.version import Version

OWN_REQUIREMENTS = ("", "-aws", "-google", "-hsm", "-postgres")


def lines(text: str) -> list[str]:
    """Give what a file of requirements says, without remarks."""
    found = [line.partition("#")[0].strip() for line in text.splitlines()]
    return [line for line in found if line]


def said(*command: str | pathlib.Path, cwd: pathlib.Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command and give its output; the test fails with it when the command does."""
    environment = {**os.environ, "PATH": path_with(BIN), **(env or {})}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Image:
    """What would become of the image, as far as it can be made here.

    :ivar archive: the collection as built.
    :ivar stages: the Containerfile's commands, by stage.
    :ivar collections: where the collection was installed as the galaxy stage does.
    :ivar python: the requirements that the builder stage would install.
    :ivar system: its list of packages of the system.
    """

    archive: pathlib.Path
    context: pathlib.Path
    stages: Mapping[str, list[str]]
    collections: pathlib.Path
    python: list[str]
    system: pathlib.Path

    def command(self, stage: str, words: str) -> list[str]:
        """Give the one command of a stage with these words in it, its build arguments filled in with nothing."""
        found = [line for line in self.stages[stage] if line.startswith("RUN ") and words in line]
        assert len(found) == 1, found
        return shlex.split(re.sub(r"\$\w+ ?", "", found[0].removeprefix("RUN ")))


def stages_of(containerfile: str) -> dict[str, list[str]]:
    """Part a Containerfile into its stages."""
    found: dict[str, list[str]] = {}
    stage = ""
    for line in containerfile.splitlines():
        if line.startswith("FROM "):
            stage = line.rpartition(" AS ")[2]
        found.setdefault(stage, []).append(line)
    return found


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Build the collection, make the context, and run what the stages run but for the system's packages."""
    folder = tmp_path_factory.mktemp("image")
    archive = release.artifact(folder / "build")
    context = ee.context(archive, folder / "ee")
    stages = stages_of((context / "Containerfile").read_text(encoding="utf-8"))
    made = Image(archive, context, stages, folder / "usr", [], folder / "bindep.txt")
    install = made.command("galaxy", "ansible-galaxy collection install")
    words = [str(made.collections) if word == "/usr/share/ansible/collections" else word for word in install]
    assert words.pop(0) == "ANSIBLE_GALAXY_DISABLE_GPG_VERIFY=1" and str(made.collections) in words
    # The checkout is linked into the environment of the tests, where it would count as installed.
    said(*words, "--offline", "--force", cwd=context / "_build")
    script = context / "_build" / "scripts" / "introspect.py"
    needed = folder / "requirements.txt"
    written = ("--user-bindep=bindep.txt", f"--write-bindep={made.system}", f"--write-pip={needed}")
    said(sys.executable, script, "introspect", made.collections, *written, cwd=context / "_build")
    python = lines(needed.read_text(encoding="utf-8"))
    yield Image(archive, context, stages, made.collections, python, made.system)
    shutil.rmtree(folder, ignore_errors=True)


def test_the_collection_in_the_image_is_the_one_that_was_built(image: Image) -> None:
    """R: the archive is in the context, where the definition says, and installs from there without a network."""
    folder = image.collections / "ansible_collections" / "edgecert" / "clm"
    module = folder / "plugins" / "modules" / "cert_enroll.py"
    assert module.read_bytes() == (TOP / "plugins" / "modules" / "cert_enroll.py").read_bytes()
    shipped = folder / "extensions" / "execution-environment"
    assert sorted(path.name for path in shipped.iterdir()) == ["bindep.txt", "execution-environment.yml"]


def test_every_requirement_of_every_extra_gets_into_the_image(image: Image) -> None:
    """R: PostgreSQL, PKCS#11, AWS and Google are in it; a line that is added to one file and not here is missed."""
    files = [TOP / f"requirements{extra}.txt" for extra in OWN_REQUIREMENTS]
    assert {path.name for path in TOP.glob("requirements*.txt")} == {path.name for path in files} | {
        "requirements-dev.txt"
    }
    wanted = {line for path in files for line in lines(path.read_text(encoding="utf-8"))}
    assert len(wanted) >= 7 and sorted(wanted) == sorted(image.python)


def test_the_build_imports_what_it_has_installed(image: Image) -> None:
    """R: one import for each requirement, so that a library that is broken ends the build; all of them work here."""
    _python, *words = image.command("final", " -c ")
    said(sys.executable, *words, cwd=image.context)
    assert len(words[1].removeprefix("import ").split(", ")) == len(image.python)


def test_every_package_of_the_system_is_known_to_its_system(image: Image) -> None:
    """R: SoftHSM, OpenSC and the trust store by both kinds of names; those of Debian are looked up."""
    named = lines(image.system.read_text(encoding="utf-8"))
    for platform, wanted in (
        ("dpkg", {"ca-certificates", "softhsm2", "opensc"}),
        ("rpm", {"ca-certificates", "softhsm", "opensc"}),
    ):
        assert {line.split()[0] for line in named if f"[platform:{platform}" in line} == wanted
    if not shutil.which("apt-cache") or not shutil.which("dpkg-query"):
        pytest.skip("this is no system of Debian's: the names of its packages were not looked up")
    listed = said(BIN / "bindep", "--list_all", "newline", "--file", image.system, cwd=image.context).split()
    assert sorted(listed) == ["ca-certificates", "opensc", "softhsm2"]
    policy = said("apt-cache", "policy", *listed, cwd=image.context, env={"LC_ALL": "C"})
    candidates = re.findall(r"(?m)^  Candidate: (.+)$", policy)
    assert len(candidates) == len(listed) and "(none)" not in candidates


def test_what_runs_in_it_is_what_is_supported(image: Image) -> None:
    """R: not as root; the ansible-core that meta/runtime.yml wants, on a Python that takes it; runner as tested."""
    definition = yaml.safe_load((ee.DEFINITION / "execution-environment.yml").read_text(encoding="utf-8"))
    needs = definition["dependencies"]
    runtime = yaml.safe_load((TOP / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    core = Requirement(needs["ansible_core"]["package_pip"])
    lowest = str(runtime["requires_ansible"]).removeprefix(">=")
    assert Version(lowest) in core.specifier and Version("2.15.99") not in core.specifier
    runner = Requirement(needs["ansible_runner"]["package_pip"])
    assert Version(importlib.metadata.version("ansible-runner")) in runner.specifier
    assert image.stages["final"][-3:-2] == ["USER 1000"]
    assert image.stages[""] and f'ARG PYPKG="{needs["python_interpreter"]["package_system"]}"' in image.stages[""]


def test_the_guide_makes_the_same_context(image: Image, tmp_path: pathlib.Path) -> None:
    """R: its commands are run as they stand there, with the archive and nothing else."""
    guide = (TOP / "docs" / "docsite" / "rst" / "guide_execution_environment.rst").read_text(encoding="utf-8")
    section = guide.partition("\nBuild it\n")[2]
    block = re.search(r"\.\. code-block:: shell\n\n((?: {4}.*\n)+)", section)
    assert block and "ansible-builder create" in block.group(1)
    shutil.copy(image.archive, tmp_path)
    said("sh", "-eu", "-c", textwrap.dedent(block.group(1)), cwd=tmp_path)
    made = next(path for path in (tmp_path / "context").iterdir() if path.is_file())
    assert made.read_bytes() == (image.context / "Containerfile").read_bytes()


def test_the_versions_in_the_guide_are_those_of_the_definition_and_the_matrix() -> None:
    """R: what is said to be supported is what is tested."""
    guide = (TOP / "docs" / "docsite" / "rst" / "guide_execution_environment.rst").read_text(encoding="utf-8")
    needs = yaml.safe_load((ee.DEFINITION / "execution-environment.yml").read_text(encoding="utf-8"))["dependencies"]
    for name in ("ansible_core", "ansible_runner"):
        assert f"``{re.sub('^[a-z-]+', '', needs[name]['package_pip'])}``" in guide
    cores = [core for core, _python in matrix.PAIRS]
    assert f"{cores[0]} to {cores[-1]}; flows on {cores[-1]}" in guide
    for core, python in matrix.PAIRS[:-1]:
        assert f"{python} with ansible-core {core}" in guide or f"{python} with {core}" in guide
