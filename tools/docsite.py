# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site: antsibull-docs writes the pages of plugins, roles and guides, Sphinx makes a site of them.

A warning of either fails it, a reference that leads nowhere among them. Nothing is fetched: what the pages say of
Ansible's own documentation is resolved by the few entries below, written as the inventory file that Sphinx reads.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import zlib

from common import BIN, CACHE, TOP, path_with

NAME = "edgecert.clm"
WORK = CACHE / "docsite"
SITE = WORK / "build" / "html"
ANSIBLE = "https://docs.ansible.com/projects/ansible/devel/"
_CONFIG = "reference_appendices/config.html"
# Domain and role, name, page, title ("-" where it is the name): what antsibull-docs refers to in every collection.
ANSIBLES_OWN = (
    ("std:label", "common_return_values", "reference_appendices/common_return_values.html#$", "Return Values"),
    ("std:label", "ansible_configuration_settings", f"{_CONFIG}#ansible-configuration-settings", "Ansible settings"),
    ("std:envvar", "ANSIBLE_CACHE_PLUGIN", f"{_CONFIG}#envvar-$", "-"),
    ("std:envvar", "ANSIBLE_CACHE_PLUGIN_CONNECTION", f"{_CONFIG}#envvar-$", "-"),
    ("std:envvar", "ANSIBLE_CACHE_PLUGIN_PREFIX", f"{_CONFIG}#envvar-$", "-"),
    ("std:envvar", "ANSIBLE_CACHE_PLUGIN_TIMEOUT", f"{_CONFIG}#envvar-$", "-"),
)
SETTINGS = f"""
# Added by tools/docsite.py: references to Ansible's own pages, and to nothing that would have to be fetched.
intersphinx_mapping = {{"ansible_devel": ("{ANSIBLE}", "../ansible.inv")}}
"""


def inventory() -> bytes:
    """Give the inventory of Ansible's own pages, in version 2 of Sphinx's format."""
    head = "# Sphinx inventory version 2\n# Project: Ansible\n# Version: devel\n"
    lines = [f"{name} {role} -1 {page} {title}" for role, name, page, title in ANSIBLES_OWN]
    packed = zlib.compress("".join(f"{line}\n" for line in lines).encode())
    return f"{head}# The remainder of this file is compressed using zlib.\n".encode() + packed


def _told(*command: str | pathlib.Path) -> str:
    """Run a command and give all it says.

    :raises RuntimeError: it failed; with what it said.
    """
    done = subprocess.run(
        [str(part) for part in command],
        cwd=TOP,
        env={**os.environ, "PATH": path_with(BIN)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        complaints = [line for line in done.stdout.splitlines() if "WARNING" in line or "ERROR" in line]
        raise RuntimeError("the documentation site cannot be built:\n" + ("\n".join(complaints) or done.stdout))
    return done.stdout


def build() -> pathlib.Path:
    """Build the site anew and give its folder.

    :raises RuntimeError: there is a warning, or a page is missing.
    """
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    # antsibull-docs refuses a folder that others may write to.
    WORK.chmod(0o755)
    docs = BIN / "antsibull-docs"
    layout = ("--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir")
    named = ("--project", NAME, "--title", NAME, "--copyright", "the edgecert.clm authors")
    _told(docs, "sphinx-init", *named, *layout, WORK, NAME)
    with (WORK / "conf.py").open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    (WORK / "ansible.inv").write_bytes(inventory())
    pages = WORK / "rst"
    pages.chmod(0o755)
    config = ("--config-file", WORK / "antsibull-docs.cfg")
    _told(docs, *config, "collection", "--cleanup", "everything", *layout, pages, NAME)
    _told(BIN / "sphinx-build", "-M", "html", pages, WORK / "build", "-c", WORK, "-W", "--keep-going")
    guides = (path.stem for path in (TOP / "docs" / "docsite" / "rst").glob("*.rst"))
    missing = sorted(name for name in guides if not (SITE / "docsite" / f"{name}.html").exists())
    if missing:
        raise RuntimeError(f"the site has no page of {', '.join(missing)}; see docs/docsite/extra-docs.yml")
    return SITE
