# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests' own tools: the PostgreSQL cluster, the playbook runner."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.edgecert.clm.tests.support import postgres
from ansible_collections.edgecert.clm.tests.support.playbooks import run_playbook

PLAY = """\
---
- name: Try the runner
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Say it
      ansible.builtin.set_fact:
        heard: "{{ word }}"
    - name: Fail on purpose
      ansible.builtin.fail:
        msg: "the word is {{ heard }}"
"""


@pytest.mark.postgres
def test_each_database_is_empty_and_apart(postgres_url: str, postgres_cluster: postgres.Cluster) -> None:
    import psycopg

    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE mine (id int)")
    other = postgres_cluster.new_database()
    assert other != postgres_url
    with psycopg.connect(other) as connection:
        assert connection.execute("SELECT to_regclass('mine')").fetchone() == (None,)
    postgres_cluster.drop(other)


@pytest.mark.postgres
def test_a_database_is_dropped_from_under_an_open_connection(postgres_cluster: postgres.Cluster) -> None:
    import psycopg

    url = postgres_cluster.new_database()
    with psycopg.connect(url):
        postgres_cluster.drop(url)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_switched_off_postgres_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGECERT_TEST_POSTGRES", "off")
    with pytest.raises(postgres.NoServer, match="EDGECERT_TEST_POSTGRES=off"):
        postgres.server_binaries()


def test_a_playbook_hands_back_each_result_and_the_counts(tmp_path: pathlib.Path) -> None:
    (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
    outcome = run_playbook(tmp_path / "play.yml", {"word": "grün"})
    assert outcome.rc == 2
    assert outcome.task("Say it").result["ansible_facts"] == {"heard": "grün"}
    assert outcome.task("Fail on purpose").status == "failed"
    assert outcome.task("Fail on purpose").result["msg"] == "the word is grün"
    assert outcome.stats["localhost"]["failures"] == 1
    with pytest.raises(AssertionError, match="ended with status 2"):
        outcome.ok()


def test_a_developers_credentials_do_not_reach_a_playbook(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKAMAI_CLIENT_SECRET", "of-the-developer")
    play = PLAY.replace("{{ word }}", "{{ lookup('ansible.builtin.env', 'AKAMAI_CLIENT_SECRET') }}")
    (tmp_path / "play.yml").write_text(play, encoding="utf-8")
    assert "of-the-developer" not in run_playbook(tmp_path / "play.yml").stdout
