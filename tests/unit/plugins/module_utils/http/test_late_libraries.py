# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""requests and edgegrid-python are imported where they are used, and missed in one clear sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import MissingLibrary
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._edgegrid.auth import edgegrid_auth
from ansible_collections.edgecert.clm.plugins.module_utils._edgegrid.credentials import Credentials
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport

SCRIPT = """
import sys
base = "ansible_collections.edgecert.clm.plugins.module_utils."
for name in ("_http.transport", "_edgegrid.auth", "_cps.client", "_cps.pacing", "_cps.enrollment_wire"):
    __import__(base + name)
print(sorted({"requests", "urllib3", "akamai", "cryptography", "sqlalchemy"} & set(sys.modules)))
"""


def test_client_is_imported_without_any_library() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(MissingLibrary, match="package requests is needed"):
        RequestsTransport(TransportOptions("localhost"))
    monkeypatch.setitem(sys.modules, "akamai.edgegrid", None)
    with pytest.raises(MissingLibrary, match="package edgegrid-python is needed"):
        edgegrid_auth(Credentials("a.example.com", "ct", Secret("s"), "at"))
