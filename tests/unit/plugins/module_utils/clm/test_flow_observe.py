# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a change stands after the upload, as the CPS target tells it: by state, input and deployments, not by words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Bundle
from ansible_collections.edgecert.clm.plugins.module_utils._cps.changes import ChangeRecord, Schedule
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_cps import AkamaiCpsTarget
from ansible_collections.edgecert.clm.plugins.module_utils._target.base import PushState
from ansible_collections.edgecert.clm.tests.support.flow import Bench


class Uploaded:
    """A change that has its certificate and is at work."""

    def __init__(self, bench: Bench, *, change_management: bool) -> None:
        bench.device(discover="none")
        bench.settings(change_management=change_management)
        bench.ca()
        bench.enroll()
        self.bench = bench
        with bench.store.read() as unit:
            [device], [request] = unit.devices.find(), unit.requests.find()
            pems = {name: unit.pems.get(fingerprint) for name, fingerprint in request.fingerprints.items()}
        bundles = {name: Bundle(pem.leaf, (pem.chain,), pem.root) for name, pem in pems.items() if pem}
        self.reference, self.fingerprints = request.key_reference, dict(request.fingerprints)
        target = bench.ports.target(device)
        assert isinstance(target, AkamaiCpsTarget)
        self.target = target
        target.upload(self.reference, bundles, with_root=False)
        bench.advance(2)
        bench.calls()

    def observe(self, fingerprints: Mapping[str, str] | None = None) -> PushState:
        """Look once, and acknowledge the warnings there are: the CA is a private one."""
        state = self.target.observe(self.reference, self.fingerprints if fingerprints is None else fingerprints)
        if state.phase == "wants_decision":
            self.target.acknowledge(self.reference, state.notices)
        return state

    def follow(self, until: str, most: int = 60) -> list[PushState]:
        """Look again and again at the pace that is told, until a phase is there."""
        seen = [self.observe()]
        while seen[-1].phase != until and len(seen) < most:
            self.bench.advance(seen[-1].look_again_s)
            seen.append(self.observe())
        assert seen[-1].phase == until, [state.phase for state in seen]
        return seen


def test_a_change_that_goes_on_to_production_is_past_staging_once_staging_serves_it(bench: Bench) -> None:
    """U2: told by the deployments, while CPS is still at work and asks for nothing."""
    bench.sandbox.configure({"verify_s": 20, "staging_s": 200, "production_s": 900})
    change = Uploaded(bench, change_management=False)
    *before, state = change.follow("deploying_production")
    assert {s.phase for s in before} <= {"busy", "wants_decision", "deploying_staging"}
    served = {facts["fingerprint"] for facts in state.staging.certificates}
    assert served == set(change.fingerprints.values()) and not state.production.certificates
    assert state.goes_on
    again = change.observe()
    assert (again.phase, again.staging) == (state.phase, state.staging)


def test_what_staging_serves_is_not_asked_for_at_every_look(bench: Bench) -> None:
    """Design §6: two looks at the deployments of a deployment that takes ten minutes and stops by itself."""
    bench.sandbox.configure({"verify_s": 20, "staging_s": 400})
    looks = len(Uploaded(bench, change_management=True).follow("on_staging"))
    asked = [path for _method, path in bench.calls() if path.endswith("/deployments")]
    assert looks > 10 and len(asked) <= 3


def test_a_stranger_on_staging_is_not_taken_for_what_was_pushed(bench: Bench) -> None:
    """U6."""
    bench.sandbox.configure({"verify_s": 1, "staging_s": 5, "production_s": 900})
    change = Uploaded(bench, change_management=False)
    change.observe()
    bench.advance(60)
    assert change.observe({"RSA": "0" * 64}).phase in ("busy", "deploying_staging")


@pytest.mark.parametrize("word", ["pre-production-checks", "deploy-cert-to-production", "wait-production", "whatever"])
def test_no_word_of_a_status_says_that_staging_is_done(bench: Bench, word: str) -> None:
    """CPS's list of words is open: one may name production before anything is deployed."""
    change = Uploaded(bench, change_management=True)
    enrollment: Any = change.target._enrollment(int(change.reference["enrollment_id"]))
    record = ChangeRecord(word, "running", "", None, (), Schedule())
    assert change.target._of_change(enrollment, 1, record).phase == "busy"
