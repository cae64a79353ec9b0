# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboarding, changing, looking at and removing devices, against a running sandbox."""

from __future__ import annotations

import contextlib
import json
import pathlib
import socket
import sqlite3
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from edgecert_sandbox.handle import SandboxOptions, start
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import devices
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, InputError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Connector, Device
from ansible_collections.edgecert.clm.plugins.module_utils._edgegrid.credentials import Credentials
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import account_of
from ansible_collections.edgecert.clm.tests.support.flow import Account, Bench, inline, section

LOG = [
    "Device communication",
    "Device Version",
    "Instance Information",
    "Certificate Discovery From Device",
]


def results(record: Any) -> list[str]:
    """Give the results of the four log entries."""
    return [entry["result"] for entry in record["status_log"]]


def stored(bench: Bench, name: str = "edge") -> Device | None:
    """Give the device as it is in the store."""
    with bench.store.read() as unit:
        return unit.devices.get(name)


def test_a_device_is_onboarded_and_its_four_entries_are_logged_in_order(bench: Bench) -> None:
    """D1, D7, D8, D9."""
    plan = bench.plan_device()
    assert plan.before is None and plan.changed
    assert bench.records()["devices"] == 0
    record = plan.execute().record
    assert record is not None
    assert [entry["name"] for entry in record["status_log"]] == LOG
    assert results(record) == ["ok"] * 4
    assert record["status"] == record["cert_sync"] == "managed"
    assert record["instance"]["contracts"] and record["checked_at"]
    assert bench.audit() == ["device_onboarded"]


def test_the_same_call_again_changes_nothing(bench: Bench) -> None:
    """D1."""
    bench.device()
    plan = bench.plan_device()
    assert not plan.changed
    assert plan.execute().record
    assert not bench.again().changed
    assert bench.audit() == ["device_onboarded"]


CHANGES: list[tuple[str, Any, str, Any]] = [
    ("data_center", "fra1", "data_center", ""),
    ("cert_sync", "monitored", "cert_sync", None),
    ("cert_sync", "ignored", "cert_sync", None),
    ("timeout", 17, "timeout", None),
    ("proxy", "http://proxy.example.com:3128", "proxy", ""),
    ("account_switch_key", "1-SANDB:1-PARTN", "account_switch_key", ""),
    ("validate_certs", False, "validate_certs", None),
    ("section", "partner", "section", None),
]


@pytest.mark.parametrize(("option", "value", "shown", "cleared"), CHANGES, ids=[f"{c[0]}-{c[1]}" for c in CHANGES])
def test_an_option_changes_is_kept_when_left_out_and_cleared_when_empty(
    bench: Bench, option: str, value: Any, shown: str, cleared: Any
) -> None:
    """D1, D3, D4, D5, D10: an option left out keeps what is stored."""
    bench.device(discover="none", contracts=[])
    # Nobody is at the proxy of this table; a proxy that is there is the transport's test.
    looks = {"discover": "none", "validate": option != "proxy"}
    plan = bench.again(**{option: value, **looks})
    assert plan.changed
    assert plan.before is not None and plan.after is not None
    record = plan.execute().record
    assert record is not None

    def of(view: Any) -> Any:
        return view["credential"][shown] if shown == "section" else view[shown]

    assert of(plan.before) != of(plan.after) == of(record) == value
    kept = bench.again(**looks)
    assert not kept.changed and kept.after is not None and of(kept.after) == value
    if cleared is not None:
        emptied = bench.again(**{option: "", **looks}).execute().record
        assert emptied is not None and not of(emptied)


def test_check_mode_leaves_store_and_device_untouched(bench: Bench) -> None:
    """D1: planning reads only."""
    plan = bench.plan_device(discover="full")
    assert plan.changed
    assert not any(bench.records()[kind] for kind in ("devices", "certificates", "audit"))
    # The write of the rights' test goes to an enrollment that cannot exist.
    assert {path for method, path in bench.calls() if method != "GET"} == {
        "/cps/v2/enrollments/0/changes/0/deployment-schedule"
    }


def test_a_proxy_url_shows_no_password(bench: Bench) -> None:
    """D4: the password of a proxy is in no view and no audit line."""
    bench.device(discover="none", validate=False, proxy="http://user:s3cr3t-word@proxy.example.com:3128")
    found = stored(bench)
    assert found is not None and found.proxy is not None and "s3cr3t-word" in found.proxy.reveal()
    with bench.store.read() as unit:
        assert "s3cr3t-word" not in str([row.entry for row in unit.audit_rows()])
    assert "s3cr3t-word" not in str(bench.again(discover="none", validate=False).after)


@pytest.mark.parametrize("where", ["127.0.0.1:1", "nowhere.invalid:3128"])
@pytest.mark.parametrize("required", [True, False, None])
def test_a_proxy_that_is_set_is_used_and_one_that_is_not_there_is_unresolved(
    bench: Bench, where: str, required: bool | None
) -> None:
    """D4, D8: whether it is required or not; nothing goes past it."""
    with pytest.raises(ClmError) as caught:
        bench.plan_device(proxy=f"http://{where}", proxy_required=required)
    assert caught.value.code == "device_unresolved" and where in caught.value.message
    assert bench.calls() == []


def test_two_clients_of_one_account_share_one_budget(bench: Bench) -> None:
    """Design §6: the limits are the account's; until it is known, the client's host stands for it."""
    tokens = inline(bench.sandbox)
    other = {**tokens, "host": tokens["host"].replace("localhost", "127.0.0.1")}
    bench.device(discover="none", edgerc=None, section=None, **tokens)
    bench.device(name="second", discover="none", edgerc=None, section=None, **other)
    bench.advance(120)
    for name in ("edge", "second"):
        devices.plan({"name": name, "state": "present", "validate": True, "discover": "none"}, bench.ports)
    with sqlite3.connect(bench.url.removeprefix("sqlite:///")) as database:
        rows = dict(database.execute("SELECT account, calls FROM ledger"))
    counted = {account: len(json.loads(calls)) for account, calls in rows.items()}
    # Three calls a look; those of the first looks, made under the hosts, are of no budget any more.
    assert counted == {tokens["host"]: 3, other["host"]: 3, "A-CCT1234": 6}


def test_a_switch_key_has_a_budget_of_its_own() -> None:
    """Design §6."""

    def account(account_id: str, switch_key: str) -> str:
        device = Device("edge", instance={"account_id": account_id})
        return account_of(device, Credentials("akab.example.net", "c", Secret("s"), "a", account_switch_key=switch_key))

    found = [account(*pair) for pair in (("", ""), ("act_1", ""), ("act_1", "1-P:1-2"), ("", "1-P:1-2"))]
    assert found == ["akab.example.net", "act_1", "act_1/1-P:1-2", "1-P:1-2"]


def test_an_ignored_device_is_looked_at_and_not_discovered(bench: Bench) -> None:
    """D5, D8: configuration is fetched, no certificate is discovered."""
    record = bench.device(cert_sync="ignored").record
    assert record is not None
    assert record["status"] == "ignored"
    assert results(record) == ["ok", "ok", "ok", "skipped"]
    assert not [path for _method, path in bench.calls() if path.startswith("/cps/v2/enrollments?")]


def test_a_new_device_that_cannot_be_used_is_not_stored(bench: Bench) -> None:
    """D7, D8."""
    with pytest.raises(ClmError) as caught:
        bench.plan_device(section="inactive")
    assert caught.value.code == "device_failed"
    assert [entry["name"] for entry in caught.value.details["status_log"]] == LOG
    assert bench.records()["devices"] == 0 and bench.audit() == []


def test_a_known_device_whose_look_fails_keeps_its_settings_and_gets_the_status(bench: Bench) -> None:
    """D8, D9."""
    bench.device(data_center="fra1")
    bench.sandbox.fault("unauthorized", path="identifiers", times=0)
    plan = bench.again()
    assert not plan.changed and plan.failure is not None
    with pytest.raises(ClmError) as caught:
        plan.execute()
    assert caught.value.code == "device_failed"
    found = stored(bench)
    assert found is not None and found.status == "failed" and found.data_center == "fra1" and found.instance
    assert results({"status_log": found.status_log}) == ["failed", "skipped", "skipped", "skipped"]
    bench.sandbox.clear_faults()
    bench.again().execute()
    found = stored(bench)
    assert found is not None and found.status == "managed"


def test_an_entry_of_the_log_says_since_when_it_is_so(bench: Bench) -> None:
    """D9: however often it was looked meanwhile, until the result is another one."""
    bench.device()
    bench.sandbox.fault("unauthorized", path="identifiers", times=0)
    entries = []
    for _look in range(2):
        bench.ports.clock.sleep(3600)
        with pytest.raises(ClmError):
            bench.again().execute()
        found = stored(bench)
        assert found is not None
        entries.append(found.status_log[0])
    first, second = entries
    assert first["since"] == first["at"] == second["since"] < second["at"]
    bench.sandbox.clear_faults()
    bench.ports.clock.sleep(60)
    bench.again().execute()
    found = stored(bench)
    assert found is not None and found.status_log[0]["since"] == found.status_log[0]["at"] > second["at"]


def test_a_change_that_makes_a_device_unusable_is_not_stored(bench: Bench) -> None:
    """D8: the store stays as it was."""
    bench.device()
    with pytest.raises(ClmError):
        bench.again(section="inactive")
    found = stored(bench)
    assert found is not None and found.section == "default" and found.status == "managed"


def test_credentials_may_be_inline_and_are_shown_nowhere(bench: Bench) -> None:
    """D6, P1."""
    tokens = inline(bench.sandbox)
    record = bench.device(edgerc=None, section=None, **tokens).record
    assert record is not None
    assert record["credential"]["source"] == "inline" and record["credential"]["client_secret_set"]
    shown = str(record)
    with bench.store.read() as unit:
        shown += str([row.entry for row in unit.audit_rows()]) + repr(unit.devices.get("edge"))
    assert not [name for name in ("client_token", "client_secret", "access_token") if tokens[name] in shown]
    raw = pathlib.Path(bench.url.removeprefix("sqlite:///")).read_bytes()
    assert tokens["client_secret"].encode() not in raw
    assert not bench.again().changed


def test_credentials_may_come_from_the_environment(bench: Bench) -> None:
    """D6."""
    for name, value in inline(bench.sandbox).items():
        bench.environment[f"AKAMAI_{name.upper()}"] = value
    record = bench.device(edgerc=None, section=None).record
    assert record is not None and record["credential"]["source"] == "environment"
    assert not bench.again().changed


def test_going_from_inline_to_edgerc_takes_host_and_tokens_from_the_file(bench: Bench) -> None:
    """D6: no host of the old credential is left over."""
    bench.device(edgerc=None, section=None, discover="none", **{**inline(bench.sandbox)})
    record = bench.again(edgerc=bench.sandbox.edgerc, section="default", discover="none").execute().record
    assert record is not None
    assert record["credential"]["source"] == "edgerc" and not record["credential"]["client_token_set"]
    assert record["host"] == ""


def test_going_from_edgerc_to_inline_forgets_the_file(bench: Bench) -> None:
    """D6."""
    bench.device(discover="none")
    record = bench.again(discover="none", **inline(bench.sandbox)).execute().record
    assert record is not None
    assert record["credential"]["source"] == "inline" and not record["credential"]["edgerc"]


# Section, sync policy, what the message has to name.
GRANTS = [
    ("no-cps", "managed", "CPS"),
    ("no-cps", "monitored", "CPS"),
    ("readonly", "managed", "READ-WRITE"),
    ("no-contracts", "managed", "Contracts"),
    ("no-papi", "managed", "PAPI"),
]


@pytest.mark.parametrize(("name", "sync", "word"), GRANTS)
def test_a_missing_grant_is_named_in_one_sentence(bench: Bench, name: str, sync: str, word: str) -> None:
    """P2, P3, P4."""
    with pytest.raises(ClmError) as caught:
        bench.plan_device(section=name, cert_sync=sync, contracts=[])
    assert caught.value.code == "device_failed"
    problems = caught.value.details["problems"]
    assert len(problems) == 1 and word in problems[0] and "grant" in problems[0].lower()


def test_a_client_that_may_only_read_is_enough_for_a_monitored_device(bench: Bench) -> None:
    """D5, P2."""
    record = bench.device(section="readonly", cert_sync="monitored").record
    assert record is not None and record["status"] == "monitored" and results(record) == ["ok"] * 4


@pytest.mark.parametrize("name", ["no-contracts", "no-papi"])
def test_named_contracts_make_up_for_a_lesser_grant_and_the_result_says_so(bench: Bench, name: str) -> None:
    """P3, P4, D10."""
    outcome = bench.device(section=name)
    assert outcome.record is not None and outcome.record["status"] == "managed"
    assert len(outcome.extra["warnings_found"]) == 1


def test_a_wrong_secret_is_told_and_not_shown(bench: Bench) -> None:
    """D8, P1."""
    wrong = {**inline(bench.sandbox), "client_secret": "notTheRightSecretAtAll0123456789="}
    with pytest.raises(ClmError) as caught:
        bench.plan_device(edgerc=None, section=None, **wrong)
    assert caught.value.code == "device_failed"
    assert "client_secret" in caught.value.message and wrong["client_secret"] not in str(caught.value.failure())


def test_a_clock_that_is_wrong_is_told_with_its_seconds(account: Account, bench: Bench) -> None:
    """D8: the error names the difference."""
    with start(SandboxOptions(limits=False, skew_s=3600)) as sandbox, pytest.raises(ClmError) as caught:
        bench.plan_device(edgerc=sandbox.edgerc, ca_path=sandbox.ca_path, contracts=[])
    assert caught.value.code == "device_failed"
    # The clock of these tests runs ahead of the computer's by what earlier tests slept.
    off = abs(round(account.clock.ahead_s) - 3600)
    assert any(f" {seconds} seconds" in caught.value.message for seconds in range(off - 10, off + 11)), caught.value


PLACES = [("localhost:1", "unresolved"), ("nowhere.invalid", "unresolved")]


@pytest.mark.parametrize("kind", ["garbage", "truncated", "empty"])
def test_a_server_that_answers_and_is_no_api_is_failed(bench: Bench, kind: str) -> None:
    """D8: something answered; the message says what it is not."""
    bench.sandbox.fault(kind, path="identifiers", times=0)
    with pytest.raises(ClmError) as caught:
        bench.plan_device()
    assert caught.value.code == "device_failed" and "not an Akamai API host" in caught.value.message


@contextlib.contextmanager
def other_server(folder: pathlib.Path, page: bytes) -> Iterator[int]:
    """Answer every connection with the same bytes, by TLS, and give the port."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, capture_output=True, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _peer = listener.accept()
                with context.wrap_socket(plain, server_side=True) as secured:
                    secured.recv(65536)
                    secured.sendall(page)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


PAGES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>",
    b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"status":"ok"}',
    b"220 mail.example.com ESMTP\r\n",
]


@pytest.mark.parametrize("page", PAGES, ids=["html", "json", "smtp"])
def test_some_other_server_is_failed_and_told_to_be_no_api(bench: Bench, tmp_path: pathlib.Path, page: bytes) -> None:
    """D8: TLS is fine, and what stands behind it is something else."""
    with other_server(tmp_path, page) as port, pytest.raises(ClmError) as caught:
        place = {**inline(bench.sandbox), "host": f"localhost:{port}"}
        bench.plan_device(**place, edgerc=None, section=None, validate_certs=False)
    assert caught.value.code == "device_failed" and "not an Akamai API host" in caught.value.message


@pytest.mark.parametrize(("host", "status"), PLACES)
def test_a_host_that_is_not_there_is_unresolved(bench: Bench, host: str, status: str) -> None:
    """D8: the name does not resolve or nothing answers."""
    with pytest.raises(ClmError) as caught:
        bench.plan_device(host=host)
    assert caught.value.code == f"device_{status}" and host.partition(":")[0] in caught.value.message
    assert [e["result"] for e in caught.value.details["status_log"]] == ["failed", "skipped", "skipped", "skipped"]


def test_a_server_of_an_unknown_ca_is_failed(bench: Bench) -> None:
    """D8, D10: TLS refused."""
    with pytest.raises(ClmError) as caught:
        bench.plan_device(ca_path="")
    assert caught.value.code == "device_failed" and "ca_path" in caught.value.message


def test_a_contract_the_client_does_not_see_is_refused(bench: Bench) -> None:
    """D10."""
    with pytest.raises(ClmError) as caught:
        bench.plan_device(contracts=["C-NOSUCH"])
    assert caught.value.code == "device_failed" and "C-NOSUCH" in caught.value.message


BAD = [
    ({"host": "bad host"}, "host"),
    ({"host": "https://akab.example.net"}, "host"),
    ({"host": "localhost:99999"}, "host"),
    ({"proxy_required": True}, "proxy"),
    ({"proxy": "ftp://proxy"}, "proxy"),
    ({"api_version": "cps/v3"}, "api_version"),
    ({"timeout": 0}, "timeout"),
    ({"timeout": 601}, "timeout"),
    ({"name": "  "}, "name"),
    ({"edgerc": None, "section": None}, "client_token"),
    ({"edgerc": None, "section": None, "client_token": "x"}, "client_secret"),
]


@pytest.mark.parametrize(("changes", "word"), BAD, ids=[str(b[0]) for b in BAD])
def test_options_that_cannot_be_used_are_refused_before_any_traffic(
    bench: Bench, changes: dict[str, Any], word: str
) -> None:
    """D1, D2, D4, D6."""
    with pytest.raises(InputError) as caught:
        bench.plan_device(**changes)
    assert word in caught.value.message
    assert bench.calls() == [] and bench.records()["devices"] == 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(host=st.text(max_size=40), proxy=st.text(max_size=40), api=st.text(max_size=10), timeout=st.integers())
def test_whatever_is_typed_ends_in_an_input_error_or_nothing(
    bench: Bench, host: str, proxy: str, api: str, timeout: int
) -> None:
    """D2, D4, D6: no input makes a traceback; ``merged`` is where planning reads the options."""
    params = bench.device_params(host=host, proxy=proxy, api_version=api, timeout=timeout, validate=False)
    try:
        plan = devices.plan({**params, "discover": "none"}, bench.ports)
    except InputError as exc:
        assert exc.details["problems"]
    else:
        assert plan.changed
    assert bench.calls() == []


def test_changing_the_sync_policy_without_a_look_shows_in_the_status(bench: Bench) -> None:
    """D5, D8: the status is the policy while the connection is known to work."""
    bench.device(discover="none")
    record = bench.again(cert_sync="monitored", validate=False, discover="none").execute().record
    assert record is not None and record["status"] == record["cert_sync"] == "monitored"


def test_a_device_is_removed_with_what_was_discovered_on_it(bench: Bench) -> None:
    """D1."""
    bench.sandbox.seed(2, contracts=[bench.contract])
    bench.device()
    assert bench.records()["certificates"] == 2
    gone = {"name": "edge", "state": "absent"}
    plan = devices.plan(gone, bench.ports)
    assert plan.changed and bench.records()["devices"] == 1
    assert plan.execute().record is None
    assert bench.records()["devices"] == bench.records()["certificates"] == 0
    assert not devices.plan(gone, bench.ports).changed
    assert bench.audit()[-1] == "device_removed"


def test_a_device_that_connectors_push_to_or_certificates_were_enrolled_on_is_not_removed(bench: Bench) -> None:
    """D1: nothing is left dangling."""
    bench.sandbox.seed(1, contracts=[bench.contract])
    bench.device()
    gone = {"name": "edge", "state": "absent"}
    with bench.store.write() as unit:
        found = unit.certificates.find(device="edge")[0]
        kept = unit.certificates.put(replace(found, origin="enrolled"))
        connector = unit.connectors.add(Connector(found.certificate_id, "app", devices=("edge",)))
    with pytest.raises(StateError, match="application connectors push to it"):
        devices.plan(gone, bench.ports)
    with bench.store.write() as unit:
        unit.connectors.remove(connector)
    with pytest.raises(StateError, match="were enrolled on it"):
        devices.plan(gone, bench.ports)
    assert kept.device == "edge" and bench.records()["devices"] == 1


def test_the_account_switch_key_of_a_section_reaches_the_other_account(bench: Bench) -> None:
    """D10."""
    assert "account_key" in section(bench.sandbox, "partner")
    record = bench.device(section="partner", contracts=[]).record
    assert record is not None and record["instance"]["contracts"] == ["P-1ABCDEF"]


def test_check_mode_only_reads(bench: Bench) -> None:
    """D1, P2: the try whether CPS may be written is left out where nothing may be sent but reads."""
    bench.calls()
    devices.plan(bench.device_params(), replace(bench.ports, check_mode=True))
    assert {method for method, _path in bench.calls()} == {"GET"}
    bench.plan_device()
    assert "PUT" in {method for method, _path in bench.calls()}
