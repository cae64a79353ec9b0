# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tour and the README as they are read: files saved, commands typed."""

from __future__ import annotations

import pathlib

from edgecert_sandbox.handle import SandboxOptions, start

from ansible_collections.edgecert.clm.tests.support import ports
from ansible_collections.edgecert.clm.tests.support.moved_clock import MovedClock
from ansible_collections.edgecert.clm.tests.support.playbooks import run_playbook
from ansible_collections.edgecert.clm.tests.support.walking import TOP, blocks, returned, walk

# What made the environment that the tests run in.
MADE_BEFORE = ("make setup",)


def test_the_tour_goes_as_it_is_written(tmp_path: pathlib.Path) -> None:
    """From an empty folder to a certificate that production serves and that was renewed, in the words of the guide."""
    free = {"18443": str(ports.free_port()), "18444": str(ports.free_port())}
    tour = walk("guide_tour", home=tmp_path, leave_out=MADE_BEFORE, instead=free)
    assert "0 of 2 approvals are given" in tour.of("first_certificate")[0]
    listed, first, *_others = tour.of("edgecert.clm.approve")
    assert "0 approved; 1 waited" in listed and "approval 1 of 2 by bob" in first
    presented = [text.split("sha256:")[1].split()[0] for text in tour.of("sandbox edge")]
    assert len(presented) == 2 and presented[0] == presented[1]
    (history,) = tour.of("view=history")
    assert {order["network"]: order["state"] for order in returned(history)["work_orders"]} == {
        "staging": "completed",
        "production": "completed",
    }
    assert returned(tour.of("action=verify")[0])["problems"] == []
    assert "is submitted" in tour.of("edgecert.clm.renew")[1]
    assert not (tmp_path / "clm-tour").exists()


def test_the_playbook_of_the_readme_runs_as_it_is_written(tmp_path: pathlib.Path) -> None:
    """R: saved as it stands, on an account nobody has looked at; it ends with a push that waits for two people."""
    play = next(block.text for block in blocks(TOP / "README.md") if block.language == "yaml")
    options = SandboxOptions(instant=True, limits=False, contracts=["C-1ABCDE"])
    with start(options) as sandbox:
        clock = MovedClock(tmp_path, sandbox)
        path = tmp_path / "site.yml"
        here = f"edgerc: {sandbox.edgerc}\n        ca_path: {sandbox.ca_path}"
        path.write_text(play.replace("edgerc: ~/.edgerc", here), encoding="utf-8")
        run = run_playbook(path, {}, {**clock.environment, "EDGECERT_STORE": f"sqlite:///{tmp_path}/clm.db"}).ok()
    assert run.task("Enrol").result["request"]["state"] == "issued"
    order = run.task("Ask for a push to staging").result["work_order"]
    assert (order["state"], order["approvals_needed"]) == ("submitted", 2)
