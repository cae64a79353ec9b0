# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every CA that only its fake stands for, driven by real modules in a playbook: account, order, again, revocation.

One run with a host for each CA; each has a store and a clock of its own, so that no wait of one ages another.
Vault, ACME and the own CA have targets of their own, with real servers.
"""

from __future__ import annotations

import contextlib
import functools
import json
import pathlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unittest import mock

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import CA_TYPES
from ansible_collections.edgecert.clm.tests.integration.conftest import new_sandbox
from ansible_collections.edgecert.clm.tests.integration.test_secrets import leaks
from ansible_collections.edgecert.clm.tests.support.ca_makers import MAKERS
from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.ca_sites import aws_pca
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.jumping_clock import SystemClock
from ansible_collections.edgecert.clm.tests.support.lab_pki import make
from ansible_collections.edgecert.clm.tests.support.ladder import key_pem
from ansible_collections.edgecert.clm.tests.support.moved_clock import MovedClock
from ansible_collections.edgecert.clm.tests.support.playbooks import Result, TaskResult, run_playbook

PLAYBOOK = pathlib.Path(__file__).resolve().parent / "playbooks" / "ca_playbooks.yml"
ELSEWHERE = {"acme", "own_ca", "vault_pki"}
CASES = {
    "aws_acm": "aws_pca",
    "aws_pca": "aws_pca",
    "csc_global": "csc_global",
    "digicert": "digicert",
    "digicert_one": "digicert_one",
    "ejbca": "ejbca by token",
    "est": "est by password",
    "globalsign_mssl": "globalsign_mssl",
    "google_cas": "google_cas",
    "hydrantid": "hydrantid",
    "idnomic": "idnomic with RA",
    "nexus": "nexus",
}
# Accounts that take no CSR, so that the contract suite has none of them.
OTHERWISE = {"aws_acm": aws_pca.site(mode="acm")}
SUBJECT = {"organization": "Example Ltd", "locality": "Boston", "state_or_province": "MA", "country": "US"}
# What the CA has no list for, and what its error says in place of one.
UNLISTED: Mapping[str, tuple[dict[str, str], str]] = {"est": ({"profile": "no-such"}, "there are certificate_profile")}

# How the others say that they do not know who asks.
REFUSED = {
    "globalsign_mssl": "Login failure",
    "google_cas": "Invalid JWT Signature",
    "idnomic": "client certificate",
    "nexus": "client certificate",
}
WRONG = "wrong-" + "x" * 24


class FollowedClock(core.FakeClock):
    """A fake's clock that is where the modules' clock is."""

    def __init__(self, path: pathlib.Path) -> None:
        self._clock = SystemClock(str(path))
        super().__init__()

    @property
    def time(self) -> datetime:
        """Give the time, in whole seconds."""
        moment: datetime = self._clock.now().replace(microsecond=0)
        return moment

    @time.setter
    def time(self, moment: datetime) -> None:
        """Leave it to the modules."""


@dataclass
class Played:
    """One run over all CAs.

    :ivar able: what each CA's account can do.
    """

    sites: dict[str, Site] = field(default_factory=dict)
    able: dict[str, Capabilities] = field(default_factory=dict)
    run: Result | None = None

    def task(self, host: str, name: str) -> TaskResult:
        """Give what a task returned for a CA."""
        assert self.run is not None
        found = [one for one in self.run.results if (one.host, one.task) == (host, name)]
        assert found, f"{name} did not run for {host}:\n{self.run.stdout}\n{self.run.stderr}"
        return found[-1]


def case_of(host: str, site: Site, able: Capabilities, folder: pathlib.Path) -> dict[str, Any]:
    """Give what the playbook has to know of a CA."""
    described = able.request_options
    listed = [name for name, one in described.items() if one.get("choices_from") and name not in site.empty_lists]
    wrong = {listed[0]: "no-such"} if listed else UNLISTED[host][0]
    source = "local" if "local" in able.csr_sources else able.csr_sources[0]
    return {
        "type": CASES[host] if host in OTHERWISE else host,
        "csr_source": source,
        "subject": SUBJECT if source == "local" else {},
        "account": {"options": dict(site.options), "secrets": dict(site.secrets)},
        "wrong_account": wrong_account(site),
        "choices": [kind for kind in able.choices if kind not in site.empty_lists],
        "ca_options": dict(site.request_options),
        "wrong_ca_options": {**site.request_options, **wrong},
        "reason": next(iter(able.revoke_reasons), "unspecified"),
        "store": f"sqlite:///{folder}/{host}.db",
        "clock": str(folder / f"{host}.json"),
    }


def wrong_account(site: Site) -> dict[str, Any]:
    """Give an account that the CA does not know: another secret, or another client certificate where there is none."""
    wrong = {name: WRONG for name in site.secrets if name != "client_key"}
    if "credentials" in wrong:
        told = {**json.loads(site.secrets["credentials"]), "private_key": key_pem(KEYS["rsa"]())}
        wrong = {"credentials": json.dumps(told)}
    if wrong:
        return {"options": dict(site.options), "secrets": {**site.secrets, **wrong}}
    stranger = make("stranger", make("strangers' CA", ca=True))
    options = {**site.options, "client_certificate": stranger.pem}
    return {"options": options, "secrets": {"client_key": stranger.key_pem()}}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder, made = tmp_path_factory.mktemp("authorities"), Played()
    (folder / "moved").mkdir()
    with contextlib.ExitStack() as stack:
        moved = MovedClock(folder / "moved", stack.enter_context(new_sandbox()))
        state = (folder / "moved" / "clock.json").read_text(encoding="utf-8")
        for host, maker in CASES.items():
            (folder / host).mkdir()
            path = folder / f"{host}.json"
            path.write_text(state, encoding="utf-8")
            with mock.patch.object(core, "FakeClock", functools.partial(FollowedClock, path)):
                site = stack.enter_context((OTHERWISE.get(host) or MAKERS[maker])(folder / host))
            able = site.connect().capabilities()
            assert site.orders is not None
            site.orders.polls = 1 if able.may_need_approval or not able.is_immediate else 0
            made.sites[host], made.able[host] = site, able
        cases = {host: case_of(host, site, made.able[host], folder) for host, site in made.sites.items()}
        made.run = run_playbook(
            PLAYBOOK,
            {"clm_cases": cases},
            moved.environment,
            arguments=("-i", ",".join([*CASES, ""]), "--forks", "2", "-vvv"),
        )
        yield made


@pytest.fixture(params=sorted(CASES))
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_ca_has_a_playbook() -> None:
    """A connector that is registered is driven by modules here, or by a target with a real server."""
    assert set(CA_TYPES) == (set(CASES) - set(OTHERWISE)) | ELSEWHERE


def test_a_wrong_credential_is_a_clear_error_and_no_account(played: Played, host: str) -> None:
    """C rows: an account is stored only if its test passes."""
    done = played.task(host, "Refuse an account with a wrong credential")
    assert done.status == "failed", done.result
    message = done.result["msg"]
    assert message.startswith("Cannot store CA account authority: its test failed (") and len(message) < 500, message
    assert "credential" in message or REFUSED.get(host, "HTTP 401") in message, message
    added = played.task(host, "Add the account, test it and read its lists")
    assert added.changed and any(step.startswith("Add CA account") for step in added.result["steps"])


def test_an_account_is_tested_and_its_lists_are_read(played: Played, host: str) -> None:
    """C rows, E5."""
    done = played.task(host, "Add the account, test it and read its lists")
    assert done.status == "ok", done.result
    assert all(check["passed"] for check in done.result["checks"]), done.result["checks"]
    asked = [kind for kind in played.able[host].choices if kind not in played.sites[host].empty_lists]
    assert sorted(done.result.get("choices") or {}) == sorted(asked)
    assert all(done.result["choices"][kind] for kind in asked), done.result["choices"]


def test_what_a_ca_does_not_offer_is_told_with_what_it_does(played: Played, host: str) -> None:
    """E5: before anything is ordered."""
    done = played.task(host, "Refuse what the CA does not offer")
    assert (done.status, done.result["failure"]["code"]) == ("failed", "invalid_input"), done.result
    offered = played.task(host, "Add the account, test it and read its lists").result.get("choices") or {}
    words = [one["value"] for entries in offered.values() for one in entries] or [UNLISTED[host][1]]
    assert any(word in done.result["msg"] for word in words), done.result["msg"]


def test_a_certificate_is_issued_once_and_the_same_call_changes_nothing(played: Played, host: str) -> None:
    """E1, W5: the second call of a schedule finds it there."""
    first, again = played.task(host, "Enrol, and wait until it is issued"), played.task(host, "Enrol again")
    assert first.changed and first.result["request"]["state"] == "issued", first.result
    assert again.status == "ok" and not again.changed, again.result
    site = played.sites[host]
    assert site.bought is not None and site.bought() == 1


def test_a_certificate_is_revoked_or_the_error_says_that_this_ca_cannot(played: Played, host: str) -> None:
    """C rows: capabilities are honest, through the module too."""
    done = played.task(host, "Revoke")
    if not played.able[host].revoke_reasons:
        assert done.status == "failed" and "cannot revoke" in done.result["msg"], done.result
        return
    assert done.changed and done.result["request"]["state"] == "revoked", done.result


def test_the_playbook_shows_what_the_test_found_and_fails_with_it(tmp_path: pathlib.Path) -> None:
    """C rows: also for an account that is stored, and was not changed."""

    def kept(**variables: Any) -> Result:
        given = {"clm_store": f"sqlite:///{tmp_path}/clm.db", **variables}
        env = {"EDGECERT_CA_API_KEY": "k" * 24} if variables["clm_ca"] == "away" else {}
        return run_playbook("edgecert.clm.ca_account", given, env)

    house = kept(clm_ca="house", clm_ca_type="own_ca")
    assert house.rc == 0 and "issuing CA: " in house.stdout and "not tested" not in house.stdout
    away = {"clm_ca": "away", "clm_ca_type": "digicert", "clm_ca_options": "url=https://127.0.0.1:1"}
    untested = kept(**away, clm_ca_test=False)
    assert untested.rc == 0 and "it was not tested" in untested.stdout, untested.stdout
    tested = kept(**away)
    assert tested.rc != 0
    [failed] = [one for one in tested.results if one.status == "failed"]
    assert (failed.task, failed.result["failure"]["code"]) == ("Keep it", "test_failed"), failed.result
    assert "reachable" in failed.result["msg"] and "stays as it is stored" in failed.result["msg"]


def test_no_secret_is_in_what_a_loud_run_prints(played: Played) -> None:
    """Design §8."""
    assert played.run is not None
    written = {"the output": f"{played.run.stdout}{played.run.stderr}".encode()}
    written["the results"] = json.dumps([one.result for one in played.run.results]).encode()
    secrets = {
        f"{name} of {host}": text
        for host, site in played.sites.items()
        for name, text in site.secrets.items()
        if name != "client_key"
    }
    assert leaks(written, {**secrets, "a wrong one": WRONG}) == []
    assert not [place for place, content in written.items() if b"PRIVATE KEY-----" in content]
