# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layer rules hold for every source file, and the reader that says so sees what it should."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.edgecert.clm.tests.support.source_rules import layer_breaches, size_breaches

TOP = pathlib.Path(__file__).resolve().parents[2]
GLUE = "ansible_collections.edgecert.clm.plugins.module_utils._glue"


def test_every_import_keeps_to_its_layer_and_time_comes_from_the_clock() -> None:
    assert layer_breaches(TOP / "plugins") == []


@pytest.mark.parametrize("folder", ["plugins", "extensions"])
def test_files_and_functions_stay_short(folder: str) -> None:
    assert size_breaches(TOP / folder) == []


@pytest.mark.parametrize(
    ("file", "text", "breach"),
    [
        (
            "module_utils/_core/x.py",
            "from .._http.base import Request\n",
            "may not import module_utils/_http/base/Request",
        ),
        ("module_utils/_core/x.py", "import requests\n", "may not import requests"),
        ("module_utils/_core/x.py", "import ansible.module_utils.basic\n", "may not import ansible.module_utils.basic"),
        ("module_utils/_core/x.py", "def f():\n    import yaml\n", ":2: module_utils/_core may not import yaml"),
        ("module_utils/_pki/x.py", "from cryptography import x509\n", "cryptography is imported at the top"),
        (
            "module_utils/_pki/x.py",
            "try:\n    import cryptography\nexcept ImportError:\n    pass\n",
            "imported at the top",
        ),
        ("module_utils/_edgegrid/x.py", "def f():\n    import requests\n", "_edgegrid may not import requests"),
        ("module_utils/_cps/x.py", "from .._store.base import Store\n", "may not import module_utils/_store/base"),
        ("module_utils/_ca/x.py", "from .._keys.base import KeyProvider\n", "may not import module_utils/_keys/base"),
        (
            "module_utils/_ca/x.py",
            "from .._http.transport import Transport\n",
            "may not import module_utils/_http/transport",
        ),
        (
            "module_utils/_keys/local.py",
            "from .._cps.client import Client\n",
            "may not import module_utils/_cps/client",
        ),
        ("module_utils/_store/x.py", "from .. import _clm\n", "may not import module_utils/_clm"),
        ("module_utils/_store/x.py", "def f():\n    import sqlalchemy\n", "may not import sqlalchemy"),
        ("module_utils/_clm/x.py", "from .._store.sqlite import Sqlite\n", "may not import module_utils/_store/sqlite"),
        (
            "module_utils/_clm/x.py",
            "def f():\n    from .._cps import client\n",
            "may not import module_utils/_cps/client",
        ),
        ("module_utils/_clm/x.py", "def f():\n    from cryptography import x509\n", "_clm may not import cryptography"),
        (
            "module_utils/_glue/x.py",
            "from ansible.module_utils.urls import open_url\n",
            "may not import ansible.module_utils.urls",
        ),
        ("module_utils/_new/x.py", "", "has no line in the table of layers"),
        ("modules/x.py", "from ..module_utils._store.base import Store\n", "may not import module_utils/_store/base"),
        (
            "modules/x.py",
            "from ansible.module_utils.basic import AnsibleModule\n",
            "may not import ansible.module_utils.basic",
        ),
        ("inventory/x.py", "import edgecert_sandbox\n", "may not import edgecert_sandbox"),
        (
            "module_utils/_core/x.py",
            "from datetime import datetime\nNOW = datetime.now()\n",
            ":2: datetime.now belongs to",
        ),
        ("module_utils/_core/x.py", "import datetime as d\nNOW = d.datetime.utcnow()\n", "datetime.utcnow belongs to"),
        ("module_utils/_core/x.py", "import time\nNOW = time.time()\n", "time.time belongs to"),
        ("module_utils/_core/x.py", "from time import time\n", "time.time belongs to"),
        ("module_utils/_core/__init__.py", "from .errors import ClmError\n", "__init__.py is not empty"),
    ],
)
def test_a_breach_is_seen(tmp_path: pathlib.Path, file: str, text: str, breach: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    found = layer_breaches(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(f"{file}:")
    assert breach in found[0]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("module_utils/_core/clock.py", "from datetime import datetime\nNOW = datetime.now()\n"),
        (
            "module_utils/_core/x.py",
            "from __future__ import annotations\nimport sqlite3\nfrom .errors import ClmError\n",
        ),
        ("module_utils/_pki/x.py", "def f():\n    from cryptography import x509\n"),
        (
            "module_utils/_pki/x.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from cryptography import x509\n",
        ),
        ("module_utils/_keys/endpoint.py", "from .._cps.client import Client\n"),
        ("module_utils/_keys/endpoint_renewal.py", "from .._cps.client import Client\n"),
        (
            "module_utils/_target/akamai_cps_push.py",
            "from .._cps.client import Client\nfrom .._http.retry import Retry\n",
        ),
        (
            "module_utils/_clm/x.py",
            "from .._store.base import Store\nfrom .._core import types\nfrom .._pki.pem import split\n",
        ),
        ("module_utils/_glue/x.py", "from ansible.module_utils.basic import AnsibleModule\n"),
        ("modules/x.py", f"from {GLUE}.run import run_module\n"),
        ("inventory/x.py", "from ansible.plugins.inventory import BaseInventoryPlugin\n"),
    ],
)
def test_what_is_allowed_is_no_breach(tmp_path: pathlib.Path, file: str, text: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    assert layer_breaches(tmp_path) == []


def test_one_line_too_many_is_seen(tmp_path: pathlib.Path) -> None:
    (tmp_path / "good.py").write_text("def f():\n" + "    x = 1\n" * 39 + "\n" * 360, encoding="utf-8")
    (tmp_path / "long.py").write_text("\n" * 401, encoding="utf-8")
    (tmp_path / "big.py").write_text("class C:\n    async def f():\n" + "        x = 1\n" * 40, encoding="utf-8")
    assert size_breaches(tmp_path) == [
        "big.py:2: f has 41 lines, 40 are allowed",
        "long.py:1: 401 lines, 400 are allowed",
    ]
