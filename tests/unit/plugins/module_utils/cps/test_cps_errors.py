# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every form of refusal, read into one problem and made a typed error."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    ConflictError,
    NotFoundError,
    RateLimited,
    RemoteError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._cps.errors import Attempt, error_of, skew_s
from ansible_collections.edgecert.clm.plugins.module_utils._cps.problems import masked, read_problem
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Response

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=timezone.utc)
HOST = "akab-secretname.luna.akamaiapis.net"
ONE = Attempt("read enrollment 7", "GET", HOST, "/cps/v2/enrollments/7", "/cps/v2/enrollments/{id}")
ALL = Attempt("list", "GET", HOST, "/cps/v2/enrollments", "/cps/v2/enrollments")


def answer(status: int, body: Any = b"", **headers: str) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def cps(slug: str, title: str = "", detail: str = "") -> dict[str, str]:
    return {
        "type": f"https://{HOST}/cps/v2/error-types/{slug}",
        "title": title,
        "detail": detail,
        "instance": f"https://{HOST}/cps/v2/error-instances/x?id=4f3a",
    }


def gateway(tail: str, detail: str) -> dict[str, str]:
    return {
        "type": f"https://problems.luna.akamaiapis.net{tail}",
        "title": "Refused",
        "detail": detail,
        "requestId": "1bda8d1f",
        "instance": f"https://{HOST}/cps/v2/enrollments",
    }


@pytest.mark.parametrize(
    ("response", "text", "request_id"),
    [
        (answer(409, cps("x", "Title", "What happened")), "Title: What happened", "4f3a"),
        (answer(409, cps("x", "Title")), "Title", "4f3a"),
        (answer(403, gateway("/-/pep-authz/deny", "No grant")), "Refused: No grant", "1bda8d1f"),
        (answer(500, {"type": "internal_error", "status": 500}, x_request_id="9"), "", "9"),
        (answer(400, {"errors": [{"detail": "One"}, {"message": "Two"}]}), "One; Two", None),
        (answer(400, {"code": "bad", "message": "Wrong depth"}), "Wrong depth", None),
        (answer(400, ["Just text"]), "Just text", None),
        (
            answer(404, {"title": "Not Found", "detail": "Not found: x", "instance": "/papi/v1/groups#ab12"}),
            "Not found: x",
            "ab12",
        ),
        (
            answer(
                500, b"ApiError(type=https://h.example/x/boom, title=It broke, detail=Here, and there, source=null)"
            ),
            "It broke: Here, and there",
            None,
        ),
        (
            answer(503, b"<html><head><title>Service\nUnavailable</title></head><body>x</body></html>"),
            "Service Unavailable",
            None,
        ),
        (
            answer(403, b"<html><body><h1>Access Denied</h1>Reference&#32;&#35;18.2f3.a1</body></html>"),
            "Access Denied",
            "18.2f3.a1",
        ),
        (answer(502, b"upstream\x00 gone"), "upstream gone", None),
        (answer(500, b""), "", None),
        (answer(500, b"\xff\xfe"), "\ufffd\ufffd", None),
    ],
)
def test_every_form_of_body_is_read(response: Response, text: str, request_id: str | None) -> None:
    problem = read_problem(response)
    assert (problem.text, problem.request_id) == (text, request_id)


@given(st.binary(max_size=300), st.sampled_from([301, 400, 401, 403, 404, 405, 406, 409, 415, 418, 429, 500, 503]))
def test_any_body_with_any_status_becomes_an_error(body: bytes, status: int) -> None:
    error = error_of(ONE, Response(status, {}, body), NOW)
    assert error.status == status and error.message.startswith("Cannot read enrollment 7 at ")
    json.dumps(error.failure())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda part: (
            st.lists(part, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "title", "detail", "instance", "errors", "requestId", "code"]),
                part,
                max_size=4,
            )
        ),
    )
)
def test_any_json_body_becomes_an_error(value: Any) -> None:
    json.dumps(error_of(ONE, answer(400, value), NOW).failure())


@pytest.mark.parametrize(
    ("attempt", "response", "kind", "code", "words"),
    [
        (
            ONE,
            answer(401, gateway("/-/pep-authn/deny", "Signature does not match")),
            AuthError,
            "signature_refused",
            "same API client",
        ),
        (ONE, answer(401, b""), AuthError, "signature_refused", "without any explanation"),
        (
            ONE,
            answer(400, gateway("/-/pep-authn/request-error", "Authorization header missing")),
            AuthError,
            "signature_refused",
            "proxy",
        ),
        (
            ONE,
            answer(403, gateway("/-/pep-authz/deny", "no grant")),
            AuthError,
            "missing_grant",
            "Certificate Provisioning System",
        ),
        (ONE, answer(403, cps("forbidden", "Forbidden", "Role too low")), AuthError, "not_authorized", "role"),
        (
            ONE,
            answer(403, cps("unauthorized", "", "No access to contract C-1")),
            AuthError,
            "contract_not_accessible",
            "contract id",
        ),
        (ONE, answer(400, cps("x", "Invalid contract")), AuthError, "contract_not_accessible", "contract id"),
        (ALL, answer(404, b"<h1>Not Found</h1>"), RemoteError, "unsupported_version", "api_version"),
        (ONE, answer(404, cps("not-found", "Not Found")), NotFoundError, "not_found", "not ready"),
        (ONE, answer(406, cps("x")), RemoteError, "unsupported_version", "api_version"),
        (ONE, answer(415, b""), RemoteError, "unsupported_version", "api_version"),
        (ONE, answer(409, cps("cannot-cancel-pending-change")), ConflictError, "pending_change", "wait for its end"),
        (
            ONE,
            answer(409, cps("invalid-enrollment-state", "", "It has a pending change")),
            ConflictError,
            "pending_change",
            "open",
        ),
        (
            ONE,
            answer(409, cps("x", "", "It is in its automatic renewal window")),
            ConflictError,
            "in_renewal_window",
            "override",
        ),
        (
            ONE,
            answer(400, cps("x", "", "Use renewal-date-check-override=true")),
            ConflictError,
            "in_renewal_window",
            "override",
        ),
        (
            ONE,
            answer(409, cps("certificate-live-on-network", "", "a.example.com")),
            ConflictError,
            "certificate_live",
            "traffic",
        ),
        (
            ALL,
            answer(409, cps("x", "", "within the last five minutes")),
            ConflictError,
            "create_too_soon",
            "run it again",
        ),
        (ALL, answer(409, cps("x", "", "A duplicate CN")), ConflictError, "duplicate_common_name", "use that one"),
        (ONE, answer(409, cps("invalid-enrollment-state")), ConflictError, "conflict", "look again"),
        (ONE, answer(302, b"", location="https://x"), RemoteError, "redirected", "does not follow"),
        (ONE, answer(400, cps("x", "Bad", "csr.cn is wrong")), RemoteError, "remote_error", "csr.cn is wrong"),
        (
            ONE,
            answer(500, b"ApiError(type=x, title=Boom, detail=null, source=null)"),
            RemoteError,
            "remote_error",
            "Boom",
        ),
        (ONE, answer(429, b"", retry_after="9"), RateLimited, "rate_limited", "wait 9 seconds"),
        (
            ONE,
            answer(400, gateway("/-/pep-authn/request-error", "WAF deny rule IPBLOCK-BURST4")),
            RateLimited,
            "burst_blocked",
            "60 seconds",
        ),
    ],
)
def test_refusal_becomes_its_error(
    attempt: Attempt, response: Response, kind: type[RemoteError], code: str, words: str
) -> None:
    error = error_of(attempt, response, NOW)
    assert isinstance(error, kind) and isinstance(error, RemoteError)
    assert error.code == code and error.failure()["code"] == code
    assert words in error.message and error.message.startswith(
        f"Cannot {attempt.what} at {HOST}: HTTP {response.status}"
    )


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/cps/v2/enrollments", "Certificate Provisioning System"),
        ("/contract-api/v1/contracts/identifiers", "Contracts-API_Contracts"),
        ("/papi/v1/groups", "Property Manager (PAPI)"),
    ],
)
def test_missing_grant_is_told_by_the_path_called(path: str, service: str) -> None:
    """P1 to P4"""
    attempt = Attempt("list", "GET", HOST, path, path)
    error = error_of(attempt, answer(403, gateway("/-/pep-authz/deny", "no grant")), NOW)
    assert service in error.message and "access level READ" in error.message


@pytest.mark.parametrize(
    ("date", "words", "skew"),
    [
        ("Mon, 23 Nov 2026 11:00:00 GMT", "3600 seconds ahead of Akamai's; set this machine's clock", 3600),
        ("Mon, 23 Nov 2026 12:01:00 GMT", "60 seconds behind Akamai's; set this machine's clock", -60),
        ("Mon, 23 Nov 2026 12:00:05 GMT", "differ by 5 seconds only", -5),
        ("", "told no time", None),
    ],
)
def test_clock_skew_is_measured_and_said(date: str, words: str, skew: int | None) -> None:
    body = gateway("/-/pep-authn/request-error", "Invalid timestamp")
    error = error_of(ONE, answer(400, body, **({"date": date} if date else {})), NOW)
    assert (error.code, error.details["skew_s"], error.request_id) == ("clock_skew", skew, "1bda8d1f")
    assert words in error.message


def test_skew_is_given_for_good_answers_too() -> None:
    response = answer(200, date="Mon, 23 Nov 2026 12:00:00 GMT")
    assert skew_s(response, NOW + timedelta(seconds=2)) == 2.0


def test_hosts_in_addresses_are_masked_everywhere() -> None:
    error = error_of(ONE, answer(409, cps("x", "", f"See https://{HOST}/a or {HOST}")), NOW)
    assert error.details["type"] == "https://***/cps/v2/error-types/x"
    assert HOST not in json.dumps(error.problem) + json.dumps(error.failure())
    assert HOST not in error.message.replace(f" at {HOST}: ", "")
    assert masked([{"a": f"http://{HOST}:8443/x"}]) == [{"a": "http://***/x"}]


def test_retryable_is_what_may_pass_by_itself() -> None:
    told = {status: error_of(ONE, answer(status), NOW).retryable for status in (400, 401, 404, 409, 429, 500, 503)}
    assert told == {400: False, 401: False, 404: False, 409: True, 429: True, 500: True, 503: True}
