# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user can get wrong, through the modules: one clear error each, and store and account are as they were."""

from __future__ import annotations

import contextlib
import http.server
import pathlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from edgecert_sandbox.control import read_state
from edgecert_sandbox.handle import Handle, SandboxOptions, start

from ansible_collections.edgecert.clm.tests.integration.conftest import variables
from ansible_collections.edgecert.clm.tests.support.ladder import Ladder, new_key, server_pem, sign_like
from ansible_collections.edgecert.clm.tests.support.mistakes import Row, ids, judge
from ansible_collections.edgecert.clm.tests.support.stores import StorePlace
from ansible_collections.edgecert.clm.tests.support.watch import Watched, run_watched

PLAYBOOKS = pathlib.Path(__file__).resolve().parent / "playbooks"
CONTRACT = "C-T39"

ONBOARDING = [
    Row("A TLS server that is not CPS", "device_failed", ("check that host is an API client's host",)),
    Row("A TLS server whose certificate nobody trusts", "device_failed", ("certificate", "ca_path")),
    Row("A dead host", "device_unresolved", ("localhost", "refused")),
    Row("A name that does not resolve", "device_unresolved", ("akab-nobody.invalid", "resolve")),
    Row("A host that is a URL", "invalid_input", ("host", "https://")),
    Row("A wrong secret", "device_failed", ("check that client_token, client_secret",), 1),
    Row("An inactive token", "device_failed", ("active",), 1),
    Row("A clock that is off by an hour", "device_failed", ("behind Akamai's", "set this machine's clock"), 1),
    Row("The grant for CPS is missing", "device_failed", ("lacks a grant", "(CPS)", "READ-WRITE"), 3),
    Row("CPS may only be read", "device_failed", ("lacks a grant", "READ-WRITE"), 3),
    Row("The grant for contracts is missing", "device_failed", ("lacks a grant", "Contracts-API_Contracts"), 3),
    Row("The grant for Property Manager is missing", "device_failed", ("lacks a grant", "Property Manager"), 3),
    Row("A wrong version of the API", "invalid_input", ("cps/v3", "the only one is cps/v2")),
    Row("A contract nobody knows, at onboarding", "device_failed", ("C-NOBODYS", "correct the option contracts"), 3),
    Row("A credential file that is not there", "invalid_input", ("/nowhere/.edgerc",)),
    Row("A section that is not there", "invalid_input", ("nobody", "partner")),
    Row("No credential at all", "invalid_input", ("client_token, client_secret, access_token missing",)),
    Row("A proxy is required and none is named", "invalid_input", ("give the proxy's URL",)),
]
ENROLLING = [
    Row("No settings for the combination", "vendor_settings_missing", ("akamai_vendor_settings",)),
    Row("No settings for another combination", "vendor_settings_missing", ("enhanced-tls", "akamai_vendor_settings")),
    Row("Settings with a country of three letters and an address that is none", "invalid_input", ("'USA'", "email")),
    Row("A common name of 65 characters", "invalid_input", ("65", "64")),
    Row("A common name with a bad character", "invalid_input", ("my_shop!.example.com",)),
    Row("IP addresses and e-mail addresses as names", "invalid_input", ("192.0.2.1", "ada@example.com")),
    Row("More names than CPS takes", "too_many_names", ("102 names", "may have 100"), 1),
    Row("A contract nobody knows, at enrolment", "invalid_input", ("C-NOBODYS", CONTRACT)),
    Row("A CA account nobody knows", "ca_account_missing", ("nobody", "ca_account")),
    Row("A device nobody knows", "device_missing", ("nobody", "akamai_cps_device")),
    Row("A lifetime longer than the CA gives", "invalid_input", ("days",)),
    Row("More names than an enrollment on the contract may have", "too_many_names", ("102 names", "split them"), 1),
    Row("A common name that is enrolled already", "enrollment_exists", ("same common name", "remove it in Akamai"), 1),
]
AUTHORITIES = [
    Row("An issuing CA whose chain lacks the intermediate", "invalid_input", ("Ladder Intermediate", "missing")),
    Row("An issuing CA with the key of another", "invalid_input", ("the private key is not the key of",)),
    Row("An issuing CA that has expired", "invalid_input", ("Ladder Issuing", "expired on")),
]
MONITORED = [
    Row(task, "device_not_managed", ("monitored", "set cert_sync to managed"))
    for task in ("Enrol on a monitored device", "Push to a monitored device", "Connect a monitored device")
]
CERTIFICATES = [
    Row("A certificate whose key is not the CSR's", "certificate_unusable", ("it was not issued for this CSR",)),
    Row("A certificate that has expired", "certificate_unusable", ("expired on",)),
    Row("A certificate whose chain lacks the intermediate", "certificate_unusable", ("Intermediate", "missing")),
]


class _Website(http.server.BaseHTTPRequestHandler):
    """Some web server: it answers everything with a page."""

    def do_GET(self) -> None:
        """Answer with a page that is not there."""
        page = b"<html><body>Nothing here</body></html>"
        self.send_response(404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_PUT = do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def website(folder: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Run a TLS server that is not CPS; give its host and the file with its CA."""
    file = folder / "website.pem"
    file.write_text(server_pem("localhost"), encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Website) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"localhost:{server.server_port}", str(file)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def ladder() -> Ladder:
    """Give a CA of three steps that others run."""
    return Ladder()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Give the folder of the store."""
    return tmp_path_factory.mktemp("bad-input")


@pytest.fixture(scope="module")
def run(sandbox: Handle, ladder: Ladder, work: pathlib.Path) -> Iterator[Watched]:
    """Run everything a user can get wrong, once."""
    running = read_state(sandbox.state_dir)
    expired = Ladder(datetime.now(timezone.utc) - timedelta(days=1))
    with (
        start(SandboxOptions(skew_s=3600, limits=False, instant=True)) as skewed,
        website(work) as (host, ca),
        socket.socket() as closed,
    ):
        # Bound and not listening: nobody else gets the port, and whoever calls is refused.
        closed.bind(("127.0.0.1", 0))
        more = {
            "clm_other_host": host,
            "clm_other_ca": ca,
            "clm_dead_host": f"localhost:{closed.getsockname()[1]}",
            "clm_skewed": {"edgerc": skewed.edgerc, "ca_path": skewed.ca_path},
            "clm_admin": {"url": running.admin_url, "token": running.admin_token},
            "clm_ladder": ladder.pems(),
            "clm_ladder_expired": expired.pems(),
            "clm_work": str(work),
        }
        options = {"store": f"sqlite:///{work}/clm.db"}
        wanted = {**variables(sandbox, options, CONTRACT), **more}
        done = run_watched(PLAYBOOKS / "bad_input.yml", wanted, work / "watch", [sandbox, skewed], [work / "clm.db"])
    sandbox.clear_faults()
    done.run.ok()
    yield done


def spoilt(work: pathlib.Path, name: str, leaf: str | None = None, chain: str | None = None) -> pathlib.Path:
    """Copy the store as it was before the push, and put another certificate or chain into it."""
    path = work / f"{name}.db"
    for file in work.glob("before-push.db*"):
        (work / file.name.replace("before-push", name)).write_bytes(file.read_bytes())
        (work / file.name.replace("before-push", name)).chmod(0o600)
    place = StorePlace(f"sqlite:///{path}")
    for column, value in (("leaf", leaf), ("chain", chain)):
        if value is not None:
            place.execute(f'UPDATE pems SET "{column}" = ?', value)
    return path


@pytest.fixture(scope="module")
def pushes(run: Watched, sandbox: Handle, ladder: Ladder, work: pathlib.Path) -> Watched:
    """Push, from stores whose certificate was spoilt under them."""
    issued = run.task("Enrol again after the lost reply").result["certificate"]["pem"]["ECDSA"]["certificate"]
    leaf = x509.load_pem_x509_certificate(issued.encode())
    now = datetime.now(timezone.utc)
    day = timedelta(days=1)
    old = sign_like(leaf, ladder.issuing, ladder.key, begins=now - 9 * day, ends=now - day)
    stores = {
        "key": spoilt(work, "key", leaf=sign_like(leaf, ladder.issuing, ladder.key, key=new_key())),
        "expired": spoilt(work, "expired", leaf=old),
        "gap": spoilt(work, "gap", chain=ladder.pems()["issuing"]),
    }
    wanted = {
        "clm_edge_staging": sandbox.edge("staging"),
        "clm_spoilt": {name: f"sqlite:///{path}" for name, path in stores.items()},
    }
    watched = run_watched(
        PLAYBOOKS / "bad_certificate.yml", wanted, work / "watch-pushes", [sandbox], list(stores.values())
    )
    watched.run.ok()
    return watched


@pytest.mark.parametrize("row", [*ONBOARDING, *ENROLLING, *AUTHORITIES, *MONITORED], ids=ids)
def test_one_clear_error_and_nothing_is_changed(row: Row, run: Watched) -> None:
    """D2, D3, D7, D8, S3, S5, E2, E9, E12, E13, P1-P4: each is refused, before traffic where it can be known."""
    judge(row, run)


@pytest.mark.parametrize("row", CERTIFICATES, ids=ids)
def test_a_certificate_that_cannot_be_used_is_not_pushed(row: Row, pushes: Watched) -> None:
    """U6: held once more against CSR, clock and chain before CPS is asked anything."""
    judge(row, pushes)
    assert {call["method"] for call in pushes.after(row.task)[1].calls} <= {"GET"}


def test_every_row_that_failed_is_judged(run: Watched, pushes: Watched) -> None:
    """No bad input is run without a row that says what is to come of it."""
    rows = {row.task for row in (*ONBOARDING, *ENROLLING, *AUTHORITIES, *MONITORED, *CERTIFICATES)}
    failed = {task.task for task in (*run.run.results, *pushes.run.results) if task.status == "failed"}
    assert failed - rows <= {"Enrol, and lose the reply to the create"}
    assert rows <= failed


def test_a_lost_reply_to_the_create_is_adopted_by_the_next_run(run: Watched) -> None:
    """E9, W5: CPS made the enrollment, the reply was lost and so was every look after it."""
    before, after = run.after("Enrol, and lose the reply to the create")
    lost = run.task("Enrol, and lose the reply to the create")
    assert lost.status == "failed" and lost.result["failure"]["code"], lost.result
    assert after.accounts[0]["counts"]["enrollments"] == before.accounts[0]["counts"]["enrollments"] + 1
    adopted = run.task("Enrol again after the lost reply").result
    _before, seen = run.after("Enrol again after the lost reply")
    assert adopted["request"]["state"] == "issued"
    assert adopted["steps"][0].startswith("Adopt what an earlier run left")
    assert seen.accounts[0]["counts"]["enrollments"] == after.accounts[0]["counts"]["enrollments"]
    creates = [call for call in seen.calls if call["method"] == "POST" and "/enrollments?" in call["path"]]
    assert creates == []


def test_a_shuffled_chain_is_put_right_and_reaches_the_edge(run: Watched, ladder: Ladder) -> None:
    """U6: the intermediate follows the issuing CA, the root stands apart, and staging presents the certificate."""
    pems = ladder.pems()
    added = run.task("Add an issuing CA with its chain shuffled").result
    assert added["ca_account"]["options"]["chain"].split() == (pems["middle"] + pems["root"]).split()
    issued = run.task("Enrol again after the lost reply").result["certificate"]["pem"]["ECDSA"]
    assert issued["chain"].split() == (pems["issuing"] + pems["middle"]).split()
    pushed = run.task("Push the certificate with the chain put right").result["work_order"]
    assert pushed["state"] == "completed"
    assert {proof["kind"] for proof in pushed["evidence"]} == {"handshake"}
