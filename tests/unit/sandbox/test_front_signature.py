# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway's check of EdgeGrid signatures: vectors, and every refusal."""

from __future__ import annotations

import calendar
import dataclasses
import json
import time

import pytest
import requests
from akamai.edgegrid import EdgeGridAuth
from edgecert_sandbox import auth
from edgecert_sandbox.replies import refusal_reply
from edgecert_sandbox.wire import Request
from hypothesis import given
from hypothesis import strategies as st

NOW = float(calendar.timegm(time.strptime("20140321T19:34:21", "%Y%m%dT%H:%M:%S")))
STAMP = "20140321T19:34:21+0000"
HOST = "akaa-baseurl-xxxxxxxxxxx-xxxxxxxxxxxxx.luna.akamaiapis.net"
CLIENT = auth.ApiClient(
    name="default",
    client_token="akab-client-token-xxx-xxxxxxxxxxxxxxxx",
    access_token="akab-access-token-xxx-xxxxxxxxxxxxxxxx",
    client_secret="x" * 43 + "=",
    grants=auth.ALL_GRANTS,
    switch_keys={"1-A:1-B": "partner"},
)


def unsigned(stamp: str = STAMP, nonce: str = "nonce-xx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", **tokens: str) -> str:
    client = tokens.get("client_token", CLIENT.client_token)
    access = tokens.get("access_token", CLIENT.access_token)
    return f"EG1-HMAC-SHA256 client_token={client};access_token={access};timestamp={stamp};nonce={nonce};"


def signed(request: Request, head: str = "", secret: str = CLIENT.client_secret) -> Request:
    head = head or unsigned()
    stamp = head.partition("timestamp=")[2].partition(";")[0]
    header = f"{head}signature={auth.sign(secret, head, stamp, request)}"
    return dataclasses.replace(request, headers={**request.headers, "authorization": header})


def call(method: str = "GET", target: str = "/cps/v2/enrollments", body: bytes = b"") -> Request:
    return Request(method, target, {"host": HOST}, body)


def gate(now: float = NOW, client: auth.ApiClient = CLIENT) -> auth.Gate:
    return auth.Gate([client], lambda: now, host_names=frozenset({HOST}))


def refused(request: Request, the_gate: auth.Gate | None = None) -> auth.Refusal:
    with pytest.raises(auth.Refusal) as caught:
        (the_gate or gate()).admit(request)
    return caught.value


VECTORS = [
    ("GET", "/", b"", "tL+y4hxyHxgWVD30X3pWnGKHcPzmrIF+LThiAOhMxYU="),
    ("GET", "/testapi/v1/t1?p1=1&p2=2", b"", "hKDH1UlnQySSHjvIcZpDMbQHihTQ0XyVAKZaApabdeA="),
    (
        "GET",
        "/testapi/v1/configs/111;222;333?from=12345&limit=200000",
        b"",
        "pmQF7Is2+O4r/mMojPR4yeF58BrempNNoBX5/DT0Fxs=",
    ),
    ("POST", "/testapi/v1/t3", b"datadatadatadatadatadatadatadata", "hXm4iCxtpN22m4cbZb4lVLW5rhX8Ca82vCFqXzSTPe4="),
    ("POST", "/testapi/v1/t6", b"", "1gEDxeQGD5GovIkJJGcBaKnZ+VaPtrc4qBUHixjsPCQ="),
]


@pytest.mark.parametrize(("method", "target", "body", "signature"), VECTORS)
def test_signature_agrees_with_the_published_vectors(method: str, target: str, body: bytes, signature: str) -> None:
    """Akamai's own test data for its clients."""
    request = Request(method, target, {"host": HOST}, body)
    assert auth.sign(CLIENT.client_secret, unsigned(), STAMP, request) == signature


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=st.text(alphabet="abc/-.0123456789", max_size=30),
    query=st.dictionaries(st.text("abcä&= ", min_size=1, max_size=5), st.text("xyz/+%ü ", max_size=8), max_size=3),
    body=st.binary(max_size=300),
    max_body=st.sampled_from([10, 131072]),
)
def test_signature_agrees_with_edgegrid_python_for_any_request(
    method: str, path: str, query: dict[str, str], body: bytes, max_body: int
) -> None:
    signer = EdgeGridAuth(CLIENT.client_token, CLIENT.client_secret, CLIENT.access_token, max_body=max_body)
    prepared = requests.Request(method, f"https://{HOST}/{path}", params=query, data=body).prepare()
    header = signer.ah.make_auth_header(prepared, STAMP, "n-1")
    target = prepared.path_url
    ours = auth.sign(
        CLIENT.client_secret, unsigned(nonce="n-1"), STAMP, Request(method, target, {"host": HOST}, body), max_body
    )
    assert header == f"{unsigned(nonce='n-1')}signature={ours}"


def test_a_signed_call_is_admitted_and_names_client_and_account() -> None:
    caller = gate().admit(signed(call()))
    assert (caller.client.name, caller.account) == ("default", "main")


@pytest.mark.parametrize("header", ["", "Basic abc", "EG1-HMAC-SHA256 client_token=a;", unsigned() + "signature="])
def test_a_missing_or_garbled_header_is_a_bad_request(header: str) -> None:
    request = Request("GET", "/cps/v2/enrollments", {"host": HOST, "authorization": header})
    refusal = refused(request)
    assert (refusal.status, refusal.kind) == (400, "/-/pep-authn/request-error")
    assert refusal.detail == "Authorization header missing"


@given(st.text(max_size=80) | st.from_regex(auth._HEADER, fullmatch=True))
def test_no_header_whatever_passes_or_breaks_the_gate(header: str) -> None:
    request = Request("GET", "/cps/v2/enrollments", {"host": HOST, "authorization": header})
    assert refused(request).status in (400, 401)


@pytest.mark.parametrize(
    ("offset", "passes"),
    [(0, True), (30, True), (31, False), (3600, False), (-30, True), (-30.5, False), (-3600, False)],
)
def test_a_timestamp_more_than_thirty_seconds_off_is_refused(offset: float, passes: bool) -> None:
    """The gateway's clock stands ``offset`` seconds after the timestamp."""
    if passes:
        gate(NOW + offset).admit(signed(call()))
        return
    refusal = refused(signed(call()), gate(NOW + offset))
    assert (refusal.status, refusal.detail) == (400, "Invalid timestamp")


@pytest.mark.parametrize("stamp", ["2014-03-21T19:34:21Z", "20141321T19:34:21+0000", "20140321T19:34:21+0100"])
def test_a_timestamp_in_another_form_is_refused(stamp: str) -> None:
    assert refused(signed(call(), unsigned(stamp=stamp))).detail == "Invalid timestamp"


@pytest.mark.parametrize(
    ("head", "detail"),
    [
        (unsigned(client_token="akab-other"), "Invalid client token"),
        (unsigned(access_token="akab-other"), "Invalid access token"),
    ],
)
def test_unknown_tokens_are_denied(head: str, detail: str) -> None:
    refusal = refused(signed(call(), head))
    assert (refusal.status, refusal.kind, refusal.detail) == (401, "/-/pep-authn/deny", detail)


def test_an_inactive_client_is_denied() -> None:
    refusal = refused(signed(call()), gate(client=dataclasses.replace(CLIENT, active=False)))
    assert (refusal.status, refusal.detail) == (401, "Inactive client token")


def test_a_wrong_secret_is_denied() -> None:
    refusal = refused(signed(call(), secret="another"))
    assert (refusal.status, refusal.detail) == (401, "Signature does not match")


ALTERED = {
    "method": lambda r: dataclasses.replace(r, method="DELETE"),
    "query": lambda r: dataclasses.replace(r, target="/cps/v2/enrollments?contractId=C"),
    "host": lambda r: dataclasses.replace(r, headers={**r.headers, "host": "other.example"}),
    "body": lambda r: dataclasses.replace(r, method="POST", body=b"{}"),
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_request_altered_after_signing_is_denied(what: str) -> None:
    assert refused(ALTERED[what](signed(call()))).detail == "Signature does not match"


def test_the_body_of_a_put_is_not_part_of_the_signature_that_of_a_post_is() -> None:
    put = signed(call("PUT", body=b"one"))
    gate().admit(dataclasses.replace(put, body=b"two"))
    post = signed(call("POST", body=b"one"))
    assert refused(dataclasses.replace(post, body=b"two")).status == 401


def test_a_body_beyond_max_body_is_hashed_in_part() -> None:
    post = signed(call("POST", body=b"x" * auth.MAX_BODY + b"one"))
    gate().admit(dataclasses.replace(post, body=b"x" * auth.MAX_BODY + b"two"))


def test_tokens_are_good_for_their_host_only() -> None:
    request = Request("GET", "/cps/v2/enrollments", {"host": "other.example:443"})
    assert refused(signed(request)).detail == "Signature does not match"


def test_a_nonce_can_be_used_once() -> None:
    the_gate = gate()
    the_gate.admit(signed(call()))
    refusal = refused(signed(call()), the_gate)
    assert (refusal.status, refusal.detail) == (401, "Nonce was already used")


def test_an_account_switch_key_leads_to_its_account() -> None:
    caller = gate().admit(signed(call(target="/cps/v2/enrollments?accountSwitchKey=1-A%3A1-B")))
    assert caller.account == "partner"


def test_a_foreign_account_switch_key_is_forbidden() -> None:
    refusal = refused(signed(call(target="/cps/v2/enrollments?accountSwitchKey=1-X")))
    assert (refusal.status, refusal.kind) == (403, "/-/pep-authz/deny")


@pytest.mark.parametrize(
    ("grants", "service", "level", "passes"),
    [
        ({"cps": "READ-WRITE"}, "cps", "READ-WRITE", True),
        ({"cps": "READ-WRITE"}, "cps", "READ-ONLY", True),
        ({"cps": "READ-ONLY"}, "cps", "READ-ONLY", True),
        ({"cps": "READ-ONLY"}, "cps", "READ-WRITE", False),
        ({}, "cps", "READ-ONLY", False),
        ({"cps": "READ-WRITE"}, "contracts", "READ-ONLY", False),
        ({"cps": "READ-WRITE"}, "papi", "READ-ONLY", False),
    ],
)
def test_each_service_and_level_needs_its_grant(grants: dict[str, str], service: str, level: str, passes: bool) -> None:
    """P2, P3, P4."""
    caller = auth.Caller(dataclasses.replace(CLIENT, grants=grants), "main")
    if passes:
        auth.require(caller, service, level)
        return
    with pytest.raises(auth.Refusal) as caught:
        auth.require(caller, service, level)
    assert caught.value.status == 403
    assert caught.value.detail == "The client does not have the grant needed for the request"


def test_a_refusal_has_all_members_of_the_gateway_and_no_secret() -> None:
    reply = refusal_reply(refused(signed(call(), secret="another")), call(), NOW)
    body = json.loads(reply.body)
    assert set(body) == {
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "method",
        "serverIp",
        "clientIp",
        "requestId",
        "requestTime",
        "authzRealm",
    }
    assert body["type"].endswith("/-/pep-authn/deny")
    assert body["status"] == reply.status == 401
    assert body["requestTime"] == "2014-03-21T19:34:21Z"
    assert len(body["requestId"]) >= 7
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert CLIENT.client_secret not in reply.body.decode()


def test_a_client_shows_no_secret() -> None:
    assert CLIENT.client_secret not in repr(CLIENT)
