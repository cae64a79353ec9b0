# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running sandbox over real TLS: gateway, faults, limits, admin interface, edges."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.x509.oid import NameOID
from edgecert_sandbox.control import Running, SandboxError, call_admin, read_state
from edgecert_sandbox.handle import Handle, SandboxOptions, start
from edgecert_sandbox.handshake import presented_certificate

from ansible_collections.edgecert.clm.tests.support.sandbox_client import ApiClient, enrollment

LIST = "/cps/v2/enrollments"
CONTRACTS = ("C-1AAAA", "C-2BBBB")


@pytest.fixture(scope="module")
def shared() -> Iterator[Handle]:
    extra = ("--set", "create_interval_s=0")
    with start(SandboxOptions(limits=False, instant=True, contracts=CONTRACTS, extra=extra)) as handle:
        yield handle


@pytest.fixture
def sandbox(shared: Handle) -> Iterator[Handle]:
    shared.calls(reset=True)
    yield shared
    shared.clear_faults()
    shared.limits(enabled=False, style="rotate", per_minute=35, reset=True)


@pytest.fixture
def api(sandbox: Handle) -> ApiClient:
    return ApiClient(sandbox)


def read_list(api: ApiClient, **more: object) -> requests.Response:
    return api.get(LIST, "enrollments.v11", **more)


def create(api: ApiClient, name: str) -> requests.Response:
    path = f"{LIST}?contractId={CONTRACTS[0]}"
    return api.call("POST", path, "enrollment-status.v1", enrollment(name), "enrollment.v11")


def names(api: ApiClient) -> set[str]:
    return {one["csr"]["cn"] for one in read_list(api).json()["enrollments"]}


@pytest.mark.parametrize(
    ("section", "refused"),
    [
        ("default", set()),
        ("readonly", {"write"}),
        ("no-cps", {"cps", "write"}),
        ("no-contracts", {"contracts"}),
        ("no-papi", {"papi"}),
    ],
)
def test_each_client_is_refused_what_it_was_not_granted(sandbox: Handle, section: str, refused: set[str]) -> None:
    """P2, P3, P4: the grants are told apart."""
    api = ApiClient(sandbox, section)
    answers = {
        "cps": read_list(api),
        "contracts": api.get("/contract-api/v1/contracts/identifiers?depth=TOP"),
        "papi": api.get("/papi/v1/groups", headers={"PAPI-Use-Prefixes": "false"}),
        "write": api.call("DELETE", f"{LIST}/1", "enrollment-status.v1"),
    }
    assert {name for name, answer in answers.items() if answer.status_code == 403} == refused
    for name in refused:
        body = answers[name].json()
        assert body["type"].endswith("/-/pep-authz/deny")
        assert body["requestId"]


def test_an_inactive_client_is_denied(sandbox: Handle) -> None:
    answer = read_list(ApiClient(sandbox, "inactive"))
    assert (answer.status_code, answer.json()["detail"]) == (401, "Inactive client token")


def test_the_partner_account_is_reached_by_its_switch_key_alone(sandbox: Handle) -> None:
    """The switch key is part of what is signed."""
    partner = ApiClient(sandbox, "partner")
    identifiers = "/contract-api/v1/contracts/identifiers"
    assert partner.get(identifiers).json() == list(CONTRACTS)
    assert partner.get(identifiers, params={"accountSwitchKey": "1-SANDB:1-PARTN"}).json() == ["P-1ABCDEF"]
    assert (
        ApiClient(sandbox, "readonly").get(identifiers, params={"accountSwitchKey": "1-SANDB:1-PARTN"}).status_code
        == 403
    )


def test_papi_gives_prefixes_unless_told_not_to(api: ApiClient) -> None:
    with_prefix = api.get("/papi/v1/contracts").json()
    without = api.get("/papi/v1/contracts", headers={"PAPI-Use-Prefixes": "false"}).json()
    assert [one["contractId"] for one in with_prefix["contracts"]["items"]] == [f"ctr_{c}" for c in CONTRACTS]
    assert [one["contractId"] for one in without["contracts"]["items"]] == list(CONTRACTS)


def test_the_media_type_asked_for_is_the_one_answered(api: ApiClient) -> None:
    for version in (9, 10, 11, 12):
        answer = api.get(LIST, f"enrollments.v{version}")
        assert answer.headers["Content-Type"] == f"application/vnd.akamai.cps.enrollments.v{version}+json"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/vnd.akamai.cps.enrollments.v5+json"])
def test_another_accept_is_not_acceptable(api: ApiClient, accept: str) -> None:
    answer = api.get(LIST, headers={"Accept": accept})
    assert answer.status_code == 406
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "enrollments.v11" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 415),
        ("application/vnd.akamai.cps.enrollment.v5+json", 415),
        ("application/vnd.akamai.cps.acknowledgement.v1+json", 415),
        ("application/vnd.akamai.cps.enrollment.v11+json; charset=utf-8", 400),
    ],
)
def test_the_content_type_must_be_that_of_the_route(api: ApiClient, content_type: str, status: int) -> None:
    path = f"{LIST}?contractId={CONTRACTS[0]}"
    headers = {"Content-Type": content_type}
    answer = api.call("POST", path, "enrollment-status.v1", {"ra": "third-party"}, headers=headers)
    assert answer.status_code == status


def test_an_unknown_member_is_refused_by_its_name(api: ApiClient) -> None:
    body = enrollment("unknown-member.example.com", colour="red")
    path = f"{LIST}?contractId={CONTRACTS[0]}"
    answer = api.call("POST", path, "enrollment-status.v1", body, "enrollment.v11")
    assert answer.status_code == 400
    assert "colour" in answer.json()["detail"]
    assert "unknown-member.example.com" not in names(api)


@pytest.mark.parametrize("path", ["/cps/v1/enrollments", "/cps/v2", f"{LIST}/x", "/papi/v1/properties", "/"])
def test_a_path_that_does_not_exist_is_a_problem(api: ApiClient, path: str) -> None:
    """D6: another API version meets nothing."""
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("/not-found")


def test_an_unknown_query_parameter_is_refused(api: ApiClient) -> None:
    answer = read_list(api, params={"contract": "C"})
    assert answer.status_code == 400
    assert "contract" in answer.json()["detail"]


def test_a_method_the_path_has_not_is_refused(api: ApiClient) -> None:
    assert api.call("PATCH", LIST, "enrollments.v11").status_code == 405


def test_a_connection_is_kept_alive_also_after_a_refusal(sandbox: Handle) -> None:
    context = ssl.create_default_context(cafile=sandbox.ca_path)
    connection = http.client.HTTPSConnection(sandbox.host, context=context, timeout=10)
    connection.connect()
    socket_used = connection.sock
    for _round in range(3):
        connection.request("GET", LIST)
        assert connection.getresponse().read()
        assert connection.sock is socket_used
    connection.close()


def test_the_certificate_is_good_for_all_names_of_the_sandbox(sandbox: Handle) -> None:
    context = ssl.create_default_context(cafile=sandbox.ca_path)
    port = int(sandbox.host.rpartition(":")[2])
    for name in ("localhost", "127.0.0.1", "sandbox.akamaiapis.test"):
        raw = socket.create_connection(("127.0.0.1", port))
        with context.wrap_socket(raw, server_hostname=name) as tls:
            assert tls.version() in ("TLSv1.2", "TLSv1.3")


def test_a_silent_client_holds_up_nobody(sandbox: Handle, api: ApiClient) -> None:
    with socket.create_connection(("127.0.0.1", int(sandbox.host.rpartition(":")[2]))):
        assert read_list(api).status_code == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01garbage\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nshort",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_good_http_leaves_the_sandbox_well(sandbox: Handle, api: ApiClient, raw: bytes) -> None:
    context = ssl.create_default_context(cafile=sandbox.ca_path)
    port = int(sandbox.host.rpartition(":")[2])
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost") as tls:
        tls.sendall(raw)
        tls.settimeout(1)
        with contextlib.suppress(OSError):
            assert not tls.recv(4096).startswith(b"HTTP/1.1 2")
    assert read_list(api).status_code == 200
    assert "Traceback" not in (sandbox.state_dir / "sandbox.log").read_text(encoding="utf-8")


def test_a_clock_ahead_shows_in_refusal_and_date() -> None:
    with start(SandboxOptions(skew_s=3600, limits=False)) as handle:
        answer = read_list(ApiClient(handle))
        assert (answer.status_code, answer.json()["detail"]) == (400, "Invalid timestamp")
        with start(SandboxOptions(limits=False)) as right:
            other = read_list(ApiClient(right))
    assert other.status_code == 200
    assert answer.headers["Date"][17:25] != other.headers["Date"][17:25]


def test_moving_the_clock_of_changes_leaves_signatures_good(sandbox: Handle, api: ApiClient) -> None:
    before = sandbox.state()["now"]
    sandbox.advance(90 * 86400)
    assert sandbox.state()["now"] > before
    assert read_list(api).status_code == 200


def test_a_reply_lost_before_processing_leaves_nothing_behind(sandbox: Handle, api: ApiClient) -> None:
    sandbox.fault("lost_before", method="POST", path="/enrollments")
    with pytest.raises(requests.ConnectionError):
        create(api, "lost-before.example.com")
    assert "lost-before.example.com" not in names(api)


def test_a_reply_lost_after_processing_leaves_the_enrollment(sandbox: Handle, api: ApiClient) -> None:
    sandbox.fault("lost_after", method="POST", path="/enrollments")
    with pytest.raises(requests.ConnectionError):
        create(api, "lost-after.example.com")
    assert "lost-after.example.com" in names(api)
    assert [call["status"] for call in sandbox.calls() if call["fault"]] == [0]


def test_a_truncated_reply_promises_more_than_it_sends(sandbox: Handle, api: ApiClient) -> None:
    sandbox.fault("truncated")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)) as caught:
        read_list(api)
    assert isinstance(caught.value.args[0].args[1], http.client.IncompleteRead) or "IncompleteRead" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "more", "status", "content"),
    [
        ("server_error", {}, 500, "application/problem+json"),
        ("server_error", {"status": 503}, 503, "application/problem+json"),
        ("plain_text", {"status": 400}, 400, "text/plain"),
        ("rate_limited", {"style": "text"}, 429, "application/problem+json"),
        ("burst_block", {}, 400, "application/problem+json"),
        ("unauthorized", {}, 401, "application/problem+json"),
        ("forbidden", {}, 403, "application/problem+json"),
        ("garbage", {}, 200, "application/vnd.akamai.cps.enrollments.v11+json"),
        ("empty", {}, 200, "application/vnd.akamai.cps.enrollments.v11+json"),
    ],
)
def test_a_fault_strikes_once_and_is_gone(
    sandbox: Handle, api: ApiClient, kind: str, more: dict[str, Any], status: int, content: str
) -> None:
    sandbox.fault(kind, path="/cps/v2/enrollments", **more)
    struck = read_list(api)
    assert (struck.status_code, struck.headers["Content-Type"].partition(";")[0]) == (status, content)
    assert read_list(api).json()["enrollments"] is not None


def test_the_plain_text_error_is_no_json(sandbox: Handle, api: ApiClient) -> None:
    sandbox.fault("plain_text")
    assert read_list(api).text.startswith("ApiError(type=")


def test_garbage_is_no_json_and_empty_is_empty(sandbox: Handle, api: ApiClient) -> None:
    sandbox.fault("garbage")
    with pytest.raises(UnicodeDecodeError):
        json.loads(read_list(api).content)
    sandbox.fault("empty")
    assert read_list(api).content == b""


def test_a_slow_answer_outlasts_a_reader_and_the_call_is_done(sandbox: Handle, api: ApiClient) -> None:
    sandbox.fault("slow", method="POST", seconds=30)
    path = f"{api.base_url}{LIST}?contractId={CONTRACTS[0]}"
    headers = {
        "Accept": "application/vnd.akamai.cps.enrollment-status.v1+json",
        "Content-Type": "application/vnd.akamai.cps.enrollment.v11+json",
    }
    with pytest.raises(requests.Timeout):
        api.session.post(path, json=enrollment("slow.example.com"), headers=headers, timeout=1)
    assert "slow.example.com" in names(api)


def test_a_redirect_is_followed_with_a_new_signature(sandbox: Handle, api: ApiClient) -> None:
    sandbox.fault("redirect")
    answer = api.session.get(
        api.base_url + LIST, headers={"Accept": "application/vnd.akamai.cps.enrollments.v11+json"}, timeout=10
    )
    assert [one.status_code for one in answer.history] == [302]
    assert [call["status"] for call in sandbox.calls()][:1] == [302]


@pytest.mark.parametrize(
    ("style", "header"), [("retry-after", "Retry-After"), ("next", "X-RateLimit-Next"), ("text", None)]
)
def test_limits_refuse_the_call_too_many_in_the_style_chosen(
    sandbox: Handle, api: ApiClient, style: str, header: str | None
) -> None:
    sandbox.limits(enabled=True, style=style, per_minute=3, reset=True)
    passed = [read_list(api) for _round in range(3)]
    assert [one.headers["X-RateLimit-Remaining"] for one in passed] == ["2", "1", "0"]
    refused = read_list(api)
    assert refused.status_code == 429
    assert (header in refused.headers) if header else "Please try after 20" in refused.json()["detail"]
    assert api.get("/papi/v1/contracts").status_code == 200


def test_active_certificates_have_a_limit_of_their_own(sandbox: Handle, api: ApiClient) -> None:
    sandbox.limits(enabled=True, active_per_minute=2, reset=True)
    active = "/cps/v2/active-certificates"
    assert [api.get(active, "active-certificates.v2").status_code for _round in range(3)] == [200, 200, 429]
    assert read_list(api).status_code == 200
    sandbox.limits(active_per_minute=10)


def test_the_log_of_calls_names_who_called_what(sandbox: Handle, api: ApiClient) -> None:
    read_list(api, params={"contractId": CONTRACTS[0]})
    ApiClient(sandbox, "inactive").get("/papi/v1/groups")
    seen = [(c["method"], c["path"], c["status"], c["client"]) for c in sandbox.calls(reset=True)]
    assert seen == [
        ("GET", f"{LIST}?contractId={CONTRACTS[0]}", 200, "default"),
        ("GET", "/papi/v1/groups", 401, ""),
    ]
    assert sandbox.calls() == []


def test_the_admin_interface_wants_its_token(sandbox: Handle) -> None:
    running = read_state(sandbox.state_dir)
    stranger = Running(**{**running.__dict__, "admin_token": "guess"})
    with pytest.raises(SandboxError, match="token"):
        call_admin(stranger, "GET", "/state")


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("GET", "/other", None, "There is no GET /other"),
        ("POST", "/clock", {"advance_seconds": "1"}, "must be a number"),
        ("POST", "/clock", {"advance_seconds": -1}, "forward"),
        ("POST", "/config", {"speed": 1}, "unknown setting 'speed'"),
        ("POST", "/config", {"csr_s": "fast"}, "setting 'csr_s'"),
        ("POST", "/faults", {"kind": "fire"}, "unknown kind"),
        ("POST", "/limits", {"style": "loud"}, "unknown limit style"),
        ("POST", "/seed", {"count": 1, "colour": 1}, "unknown member 'colour'"),
    ],
)
def test_the_admin_interface_says_what_it_did_not_understand(
    sandbox: Handle, method: str, path: str, body: object, says: str
) -> None:
    with pytest.raises(SandboxError, match=says):
        sandbox.admin(method, path, body)


def test_no_secret_is_shown(sandbox: Handle) -> None:
    edgerc = Path(sandbox.edgerc)
    lines = edgerc.read_text(encoding="utf-8").splitlines()
    secrets = [line.partition(" = ")[2] for line in lines if line.startswith("client_secret")]
    shown = json.dumps(sandbox.state()) + repr(read_state(sandbox.state_dir))
    shown += (sandbox.state_dir / "sandbox.log").read_text(encoding="utf-8")
    token = read_state(sandbox.state_dir).admin_token
    assert not [one for one in [*secrets, token, "PRIVATE KEY"] if one in shown]
    for name in ("edgerc", "state.json"):
        assert (sandbox.state_dir / name).stat().st_mode & 0o777 == 0o600


def common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def test_an_edge_presents_by_name_what_is_deployed_without_a_restart(sandbox: Handle, api: ApiClient) -> None:
    edge = sandbox.edge("production")
    assert common_name(presented_certificate(edge, "not-there.example.com")) == "not deployed here"
    sandbox.seed(3)
    for one in read_list(api).json()["enrollments"]:
        if not one["productionSlots"]:
            continue
        presented = presented_certificate(edge, one["csr"]["cn"].replace("*", "any"))
        assert common_name(presented) == one["csr"]["cn"]
        read = api.get(f"{LIST}/{one['id']}/deployments/production", "deployment.v7").json()
        assert presented == x509.load_pem_x509_certificate(read["primaryCertificate"]["certificate"].encode())


def test_the_default_certificates_of_the_edges_come_from_other_cas(sandbox: Handle) -> None:
    issuers = {presented_certificate(sandbox.edge(n), "nowhere.example").issuer for n in ("staging", "production")}
    own = x509.load_pem_x509_certificate(Path(sandbox.ca_path).read_bytes()).subject
    assert len(issuers) == 2
    assert own not in issuers


def test_an_edge_answers_with_its_network_and_fingerprint(sandbox: Handle) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(f"https://{sandbox.edge('staging')}/", timeout=10) as answer:
        assert json.loads(answer.read())["network"] == "staging"
