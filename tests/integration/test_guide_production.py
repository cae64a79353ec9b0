# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an API client to renewal by itself, as the guides say, with the sandbox in Akamai's place."""

from __future__ import annotations

import pathlib

from edgecert_sandbox.handle import Handle, SandboxOptions, start

from ansible_collections.edgecert.clm.tests.support.flow import Account, Bench, FlowClock
from ansible_collections.edgecert.clm.tests.support.moved_clock import MovedClock
from ansible_collections.edgecert.clm.tests.support.walking import returned, walk


def enrolled_elsewhere(sandbox: Handle, name: str, folder: pathlib.Path) -> None:
    """Have on production what another installation enrolled."""
    folder.mkdir()
    theirs = Bench(Account(sandbox, ["C-1ABCDE"], FlowClock(sandbox)), folder)
    theirs.prepare()
    theirs.enroll(common_name=name)
    theirs.connector(certificate=name)
    theirs.push(certificate=name, network="production")
    theirs.close()


def test_production_is_reached_as_it_is_written(tmp_path: pathlib.Path) -> None:
    """P1, P2, D5, S1, U3, U5: API client to production, what was there taken over, a way back, renewal by itself."""
    options = SandboxOptions(instant=True, limits=False, contracts=["C-1ABCDE"])
    with start(options) as sandbox:
        enrolled_elsewhere(sandbox, "shop.example.com", tmp_path / "theirs")
        (tmp_path / "clock").mkdir()
        clock = MovedClock(tmp_path / "clock", sandbox)
        (tmp_path / ".edgerc").write_text(pathlib.Path(sandbox.edgerc).read_text(encoding="utf-8"), encoding="utf-8")
        instead = {
            # The sandbox's certificate is of a CA of its own, and its edges have no edge hostnames.
            "edgerc: ~/.edgerc": f"edgerc: ~/.edgerc\nca_path: {sandbox.ca_path}",
            "www.example.com.edgekey-staging.net": sandbox.edge("staging"),
            "www.example.com.edgekey.net": sandbox.edge("production"),
        }
        guides = ("guide_production", "guide_rollback", "guide_47_days")
        way = walk(*guides, home=tmp_path, instead=instead, more=clock.environment)
    asked = way.of("clm/www.yml")
    assert len(asked) == 4 and all("failed=0" in text for text in asked)
    (certificate,) = returned(way.of("-a 'certificate=")[0])["certificates"]
    assert certificate["production"]["fingerprint"] == certificate["staging"]["fingerprint"]
    foretold, adopted = way.of("edgecert.clm.adopt")
    assert "would be signed by" in foretold and "is signed by" in adopted and "changed=1" in adopted
    looked, asked_for, done = way.of("edgecert.clm.rollback")
    assert "changed=1" in looked and "is submitted" in asked_for and "is completed" in done
    kept = returned(way.of("view=snapshots")[0])["snapshots"]
    assert len(kept) > 1
    assert "nothing is due before 20" in way.of("clm/automatic.yml")[0]
