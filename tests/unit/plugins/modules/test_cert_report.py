# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cert_report through the real AnsibleModule on a real store: what is written, what counts as a change, bad input."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import stat
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm.filters import OPTIONS, Filters
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._report.base import FORMATS
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Store
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.modules import cert_info, cert_report
from ansible_collections.edgecert.clm.tests.support import report_seed
from ansible_collections.edgecert.clm.tests.support.run_module import run

ENDINGS = {"html": "html", "json": "json", "csv": "csv", "mermaid": "mmd", "prometheus": "prom"}


def opened(url: str) -> Store:
    """Open the store of a test."""
    return open_store(url, StoreKey(), SystemClock(), "tester", create=True)


@pytest.fixture
def url(tmp_path: pathlib.Path) -> str:
    """Fill a store, and give where it is."""
    folder = tmp_path / "store"
    folder.mkdir()
    url = f"sqlite:///{folder}/clm.db"
    store = opened(url)
    report_seed.fill(store, datetime.now(timezone.utc))
    store.close()
    return url


def written(url: str, dest: pathlib.Path, **options: Any) -> dict[str, Any]:
    """Run the module as a playbook does."""
    ways = {name: options.pop(name) for name in ("check", "diff") if name in options}
    result: dict[str, Any] = run(cert_report.main, {"store": url, "dest": str(dest), **options}, **ways)
    return result


def refused(url: str, dest: Any, **options: Any) -> str:
    """Run the module where it has to fail; gives the code and the message."""
    result = run(cert_report.main, {"store": url, "dest": str(dest), **options})
    assert result["failed"], result
    return f"{result['failure']['code']}: {result['msg']}"


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_is_written_once_and_then_changes_by_what_the_store_has(
    name: str, url: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """V1: check mode writes nothing; a second call says that nothing changed, and tells its own moment."""
    dest = tmp_path / f"report.{ENDINGS[name]}"
    options: dict[str, Any] = {"format": name}
    predicted = written(url, dest, check=True, **options)
    assert predicted["changed"] and not dest.exists()
    first = written(url, dest, **options)
    assert first["changed"] and first["steps"] == predicted["steps"]
    assert first["report"]["certificates"] == 21
    data = dest.read_bytes()
    assert (first["report"]["size"], first["report"]["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert stat.S_IMODE(dest.stat().st_mode) == 0o644 and os.listdir(tmp_path / "store")
    assert [path.name for path in tmp_path.glob("*.part")] == []

    monkeypatch.setattr(SystemClock, "now", lambda _self: datetime.now(timezone.utc) + timedelta(seconds=90))
    second = written(url, dest, **options)
    assert (second["changed"], second["steps"]) == (False, [])
    assert (dest.read_bytes() != data) == (name != "csv")
    store = opened(url)
    with store.write() as unit:
        found = unit.certificates.get("www.example.com")
        assert found is not None
        unit.certificates.remove(found)
    store.close()
    assert written(url, dest, **options)["report"]["certificates"] == 20
    assert written(url, dest, check=True, **options)["changed"] is False


def test_a_diff_shows_counts_and_not_the_page(url: str, tmp_path: pathlib.Path) -> None:
    """Rule of the issue."""
    dest = tmp_path / "page.html"
    new = written(url, dest, diff=True)["diff"]
    assert new["before"] == {} and new["after"]["summary"]["certificates"] == 21
    changed = written(url, dest, diff=True, expires_within_days=0)["diff"]
    assert changed["before"]["summary"]["certificates"] == 21
    assert (changed["after"]["summary"]["certificates"], changed["after"]["filters"]) == (1, {"expires_within_days": 0})
    assert len(json.dumps(changed)) < 2000
    same = written(url, dest, diff=True, expires_within_days=0)
    assert same["changed"] is False and same["diff"]["before"] == same["diff"]["after"]


@pytest.mark.parametrize(("mode", "bits"), [("0600", 0o600), ("640", 0o640), (0o664, 0o664), ("0o644", 0o644)])
def test_the_mode_is_what_is_asked_for_whatever_yaml_makes_of_it(
    mode: Any, bits: int, url: str, tmp_path: pathlib.Path
) -> None:
    """An unquoted 0644 arrives as a number; a mode alone that differs is a change."""
    dest = tmp_path / "report.json"
    written(url, dest, format="json", mode="0646")
    changed = written(url, dest, format="json", mode=mode)
    assert changed["changed"] and "mode" in changed["steps"][0]
    assert stat.S_IMODE(dest.stat().st_mode) == bits
    assert changed["report"]["mode"] == f"{bits:04o}"


@pytest.mark.parametrize("mode", ["0444", "u=rw", "", "9", "4755", "07777", True, -1, [6, 4, 4]])
def test_a_mode_that_is_none_is_refused(mode: Any, url: str, tmp_path: pathlib.Path) -> None:
    """Bad input."""
    assert refused(url, tmp_path / "x", mode=mode).startswith("invalid_input: Cannot write the report: mode")
    assert not (tmp_path / "x").exists()


def test_a_place_that_cannot_be_written_is_refused(url: str, tmp_path: pathlib.Path) -> None:
    """Bad input: no folder, a folder, no absolute path, the store itself, what is no file."""
    assert refused(url, tmp_path / "missing" / "x").startswith("file_unwritable")
    assert "that is a folder" in refused(url, tmp_path)
    assert "no absolute path" in refused(url, "x.html")
    assert "belongs to the store itself" in refused(url, tmp_path / "store" / "clm.db")
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in refused(url, tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "store" / "clm.db")
    assert "belongs to the store itself" in refused(url, tmp_path / "link")


@pytest.mark.parametrize("title", ["", "  ", "two\nlines", "x" * 201, "\u202eevil"])
def test_a_title_that_is_no_line_is_refused(title: str, url: str, tmp_path: pathlib.Path) -> None:
    """Bad input."""
    assert "title has to be one line of 1 to 200 characters" in refused(url, tmp_path / "x", title=title)


def test_what_the_filters_refuse_is_refused_here_too(url: str, tmp_path: pathlib.Path) -> None:
    """One table, one reader."""
    assert "no pattern" in refused(url, tmp_path / "x", attributes={"team": "~("})
    assert "is no number from 0" in refused(url, tmp_path / "x", expires_within_days=-1)
    assert "store_missing" in refused("sqlite:////nowhere/clm.db", tmp_path / "x")


def test_a_disk_that_is_full_leaves_the_report_that_was_there(
    url: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file appears whole or not at all."""
    dest = tmp_path / "report.json"
    dest.write_text("the one before", encoding="utf-8")

    def fail(_self: pathlib.Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_bytes", fail)
    assert "file_unwritable: Cannot write the report" in refused(url, dest, format="json")
    assert dest.read_text(encoding="utf-8") == "the one before"
    assert {path.name for path in tmp_path.iterdir()} == {"store", "report.json"}


def test_a_name_that_node_exporter_passes_over_is_a_warning(
    url: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is written all the same."""

    def told(name: str) -> str:
        result = written(url, tmp_path / name, format="prometheus")
        # Where a plugin of Ansible was loaded into this process before, warnings go to its terminal.
        return json.dumps(result.get("warnings")) + capsys.readouterr().err

    assert "clm.txt does not end in .prom" in told("clm.txt")
    assert "clm.prom does not" not in told("clm.prom")


def test_a_report_writes_no_line_of_the_audit(url: str, tmp_path: pathlib.Path) -> None:
    """It reads the store only."""
    store = opened(url)
    before = store.describe()
    written(url, tmp_path / "x.html")
    assert store.describe() == before
    store.close()


def test_the_filters_are_one_table() -> None:
    """They are named once, for cert_info, this module and the reader of them."""
    assert set(OPTIONS) == set(Filters.__dataclass_fields__)
    for spec in (cert_info.SPEC, cert_report.SPEC):
        assert {name: spec[name] for name in OPTIONS} == dict(OPTIONS)
