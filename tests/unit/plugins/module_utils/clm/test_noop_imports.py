# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call that finds nothing to do pays for no library: each module, for real, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.edgecert.clm.tests.support.flow import CONTACT, ORGANIZATION, TECH_CONTACT, Bench

UTILS = "ansible_collections.edgecert.clm.plugins.module_utils."
# Runs a module as `python module.py` would, with its arguments on standard input, and then says what was imported.
SCRIPT = """
import contextlib, importlib, io, json, sys
name, arguments = sys.argv[1], json.loads(sys.argv[2])
arguments = {"ANSIBLE_MODULE_ARGS": arguments}
from ansible.module_utils import basic
try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:
    basic._ANSIBLE_ARGS = json.dumps(arguments).encode()
    given = contextlib.nullcontext()
else:
    given = patch_module_args(arguments["ANSIBLE_MODULE_ARGS"])
printed = io.StringIO()
with given, contextlib.redirect_stdout(printed):
    try:
        importlib.import_module("ansible_collections.edgecert.clm.plugins.modules." + name).main()
    except SystemExit:
        pass
print(json.dumps([json.loads(printed.getvalue().strip().splitlines()[-1]), sorted(sys.modules)]))
"""

LIBRARIES = {"requests", "urllib3", "akamai", "cryptography", "psycopg"}
FAMILIES = {"_cps", "_http", "_edgegrid", "_pki"}


def called(module: str, options: dict[str, Any]) -> tuple[dict[str, Any], set[str], set[str]]:
    """Call a module; give its result, the libraries it imported, and the packages of ours that speak to others."""
    command = [sys.executable, "-c", SCRIPT, module, json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result, loaded = json.loads(done.stdout)
    libraries = {name.partition(".")[0] for name in loaded} & LIBRARIES
    families = {name[len(UTILS) :].partition(".")[0] for name in loaded if name.startswith(UTILS)} & FAMILIES
    return result, libraries, families


@pytest.fixture
def issued(bench: Bench) -> Bench:
    """Have an issued certificate with a connector; calls made so far are forgotten."""
    bench.issued()
    bench.calls()
    return bench


def _options(bench: Bench) -> dict[str, dict[str, Any]]:
    person = {"organization": ORGANIZATION, "admin_contact": CONTACT, "tech_contact": TECH_CONTACT}
    return {
        "akamai_cps_device": {"name": "edge", "validate": False, "discover": "none"},
        "akamai_vendor_settings": person,
        "cert_enroll": {"common_name": bench.name(), "ca": "house", "device": "edge"},
        "cert_connector": {"certificate": bench.name(), "name": "app", "devices": ["edge"]},
        "cert_info": {},
        "akamai_cps_device_info": {},
        "clm_store": {"action": "init"},
    }


def test_a_call_that_finds_nothing_to_do_needs_no_library_and_makes_no_call(issued: Bench) -> None:
    """Design §2: a call that needs no network imports neither requests nor edgegrid; one that opens no secret, no
    cryptography; a secret that is read with its record stays sealed."""
    for module, options in _options(issued).items():
        result, libraries, families = called(module, {**options, "store": issued.url})
        assert result.get("changed") is False, (module, result)
        assert not libraries, module
        assert families == set(), module
    assert issued.calls() == []


def test_a_call_that_does_ask_cps_imports_what_it_needs(issued: Bench) -> None:
    """The counter-proof: the imports that are not there above are made late, and are made."""
    result, libraries, families = called("akamai_cps_device", {"name": "edge", "store": issued.url})
    assert "failed" not in result, result
    assert {"requests", "akamai"} <= libraries
    assert {"_cps", "_http", "_edgegrid"} <= families
