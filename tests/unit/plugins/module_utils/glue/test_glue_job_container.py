# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store that would be gone with its job is refused, one that stays is not, and outside of jobs nothing is asked."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._glue.job_container import refuse_vanishing
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_store import opened
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_store_care import StorePlace

# As the kernel lists them in a container of podman: the container's own layer, the job's directory, a volume with a
# blank in its name, a file system in memory, and a folder of the host.
MOUNTS = """\
1201 1133 0:98 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/x,upperdir=/y,workdir=/z
1202 1201 0:101 / /proc rw,nosuid - proc proc rw
1203 1201 253:0 /tmp/awx_42_x /runner rw,relatime - xfs /dev/mapper/root rw
1204 1201 253:0 /srv/clm\\040stores /srv/clm\\040stores rw,relatime shared:7 - xfs /dev/mapper/root rw
1205 1201 0:102 / /run rw,nosuid - tmpfs tmpfs rw
1206 1201 253:0 /var/lib/edgecert /var/lib/edgecert rw,relatime - xfs /dev/mapper/root rw
a line that is none
"""
AWX = {"AWX_PRIVATE_DATA_DIR": "/tmp/awx_42_x", "HOME": "/home/runner"}
NAVIGATOR = {"AWX_ISOLATED_DATA_DIR": "/runner/artifacts/7b1f", "HOME": "/home/runner"}
RUNNER = {"AWX_ISOLATED_DATA_DIR": "/srv/jobs/artifacts/7b1f", "HOME": "/home/runner"}
IN_LAYER = "sqlite:////opt/clm/clm.db"


def refusal(url: str, environment: dict[str, str], *, create: bool = True, mounts: str = MOUNTS) -> str:
    """Give what is said against a store; empty when nothing is."""
    try:
        refuse_vanishing(url, environment, mounts, create=create)
    except StoreError as exc:
        assert exc.code == "store_vanishes"
        return exc.message
    return ""


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the home of a job."""
    monkeypatch.setenv("HOME", "/home/runner")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("environment", [AWX, NAVIGATOR])
def test_a_job_that_names_no_store_is_told_to_name_one(environment: dict[str, str], create: bool) -> None:
    """R, W5: what was opened at CPS would be on no record; an inventory would look for a file nobody can have made."""
    assert "set EDGECERT_STORE" in refusal("", environment, create=create)


def test_what_to_do_depends_on_what_runs_the_job() -> None:
    """R: AWX has credentials, ansible-navigator passes the environment on."""
    assert "by a credential of the job, to a PostgreSQL store" in refusal("", AWX)
    assert "passed into the container, to a PostgreSQL store" in refusal("", NAVIGATOR)


@pytest.mark.parametrize("environment", [AWX, NAVIGATOR])
@pytest.mark.parametrize("url", [IN_LAYER, "sqlite:////run/clm/clm.db", "sqlite:////srv/clm/clm.db"])
def test_a_store_in_the_container_itself_is_refused(url: str, environment: dict[str, str]) -> None:
    """W5: its own layer, and what is kept in memory."""
    assert f"The store {url} would be gone with the container" in refusal(url, environment)


@pytest.mark.parametrize("environment", [AWX, NAVIGATOR])
@pytest.mark.parametrize("folder", ["/var/lib/edgecert", "/srv/clm stores"])
def test_a_store_in_a_folder_of_the_host_is_taken(folder: str, environment: dict[str, str]) -> None:
    """R: what is mounted stays, be it on the file system that the container itself is on."""
    assert not refusal(f"sqlite:///{folder}/team/clm.db", environment)


def test_the_directory_of_a_job_stays_but_for_awx() -> None:
    """R: AWX removes it with the job; ansible-runner leaves it to who made it."""
    url = "sqlite:////runner/project/clm.db"
    assert refusal(url, AWX) and not refusal(url, NAVIGATOR)
    assert refusal("sqlite:////tmp/awx_42_x/clm.db", AWX), "AWX's own name for it"


def test_a_store_that_is_there_or_elsewhere_is_no_concern(tmp_path: pathlib.Path) -> None:
    """R: a file of the image can be read; PostgreSQL is elsewhere; what is named and missing is missed by the store."""
    (tmp_path / "clm.db").touch()
    assert not refusal(f"sqlite:///{tmp_path}/clm.db", AWX)
    assert not refusal("postgresql://clm@db.example.com/clm", AWX)
    assert not refusal(IN_LAYER, AWX, create=False)


@pytest.mark.parametrize("environment", [{}, RUNNER, {"JOB_ID": "42"}])
def test_outside_of_job_containers_nothing_is_refused(environment: dict[str, str]) -> None:
    """R: ansible-runner on a machine, and a variable that many tools set, say nothing of a container."""
    assert not refusal("", environment) and not refusal(IN_LAYER, environment)


@pytest.mark.parametrize(("create", "or_empty"), [(True, False), (False, True), (False, False)])
def test_whatever_opens_a_store_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, create: bool, or_empty: bool
) -> None:
    """R: a run, check mode, and what only reads; nothing is made where AWX removes what a job leaves."""
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with (
        pytest.raises(StoreError, match="set EDGECERT_STORE") as caught,
        opened({}, SystemClock(), "ada", create=create, or_empty=or_empty),
    ):
        pass
    assert caught.value.code == "store_vanishes" and not list(tmp_path.iterdir())


@pytest.mark.parametrize("makes", [True, False])
def test_care_for_a_store_is_refused_before_it_is_planned(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, makes: bool
) -> None:
    """R: ``clm_store`` tells in check mode what a run would be told."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    environment, named = {"AWX_PRIVATE_DATA_DIR": str(tmp_path)}, {"store": f"sqlite:///{tmp_path}/clm.db"}
    with pytest.raises(StoreError, match="set EDGECERT_STORE"):
        StorePlace({}, SystemClock(), "ada", environment, makes=makes)
    if makes:
        with pytest.raises(StoreError, match="would be gone with the container"):
            StorePlace(named, SystemClock(), "ada", environment, makes=True)
    else:
        assert StorePlace(named, SystemClock(), "ada", environment, makes=False).backend == "sqlite"


def test_what_cannot_be_known_is_not_refused() -> None:
    """R: a system without the kernel's list."""
    assert not refusal(IN_LAYER, AWX, mounts="") and not refusal("", AWX, mounts="")
