# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide to PostgreSQL, followed on a real server: database, key, store, roles, logins, and a job of AWX."""

from __future__ import annotations

import os
import pathlib
import subprocess
from typing import Any

import pytest
import yaml

from ansible_collections.edgecert.clm.tests.support import postgres
from ansible_collections.edgecert.clm.tests.support.playbooks import run_playbook
from ansible_collections.edgecert.clm.tests.support.walking import GUIDES, TOP, blocks

pytestmark = pytest.mark.postgres

SCRIPTS = TOP / "extensions" / "postgresql"
ADDRESS = "db.example.com/edgecert?sslmode=verify-full&sslrootcert=/etc/pki/db-ca.pem"
GROUP = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Change policy
      edgecert.clm.cert_group:
        name: shop
      ignore_errors: true
"""


def test_database_roles_and_logins_are_made_as_it_is_written(
    tmp_path: pathlib.Path, postgres_cluster: postgres.Cluster
) -> None:
    """U4, R: the words of the guide, on a server without TLS; what each login may then is what its table says."""
    found = list(blocks(GUIDES / "guide_postgresql.rst"))
    of = {language: [one for one in found if one.language == language] for language in ("sql", "shell", "yaml")}
    place = f"127.0.0.1:{postgres_cluster.port}/edgecert"
    env = {
        **os.environ,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres_cluster.port),
        "PGUSER": postgres.USER,
        "PATH": f"{postgres.server_binaries()}{os.pathsep}{os.environ['PATH']}",
    }

    def shell(command: str, text: str = "") -> str:
        done = subprocess.run(
            ["bash", "-euc", command], input=text, cwd=SCRIPTS, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    psql = "psql -v ON_ERROR_STOP=1 -d"
    shell(f"{psql} postgres", of["sql"][0].text)
    key = shell(of["shell"][0].commands[0])
    (made,) = yaml.safe_load(of["yaml"][0].text.replace(ADDRESS, place))
    play = tmp_path / "init.yml"
    play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [made]}]))
    run_playbook(play, {}, {"EDGECERT_STORE_KEY": key}).ok()
    assert of["shell"][1].commands[0] == "psql -d edgecert -f roles.sql"
    shell(of["shell"][1].commands[0].replace("psql -d", psql))
    shell(f"{psql} edgecert", of["sql"][1].text)
    injected = yaml.safe_load(of["yaml"][2].text)["env"]
    assert set(injected) == {"EDGECERT_STORE", "EDGECERT_STORE_KEY", "PGPASSWORD"}
    play.write_text(GROUP)

    def group_by(login: str) -> dict[str, Any]:
        values = {"url": f"postgresql://{login}@{place}", "key": key, "password": "..."}
        job = {name: values[str(text).strip("{} ")] for name, text in injected.items()}
        result: dict[str, Any] = run_playbook(play, {}, job).task("Change policy").result
        return result

    assert group_by("awx_run")["failure"]["code"] == "store_refused"
    assert group_by("awx_own")["changed"] is True
