# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP for connectors: what is repeated as a table, redirects, words of errors, and what stays hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._ca.connection import (
    address_of,
    transport_options,
    url_reason,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.option_table import MAX_TIMEOUT_S
from ansible_collections.edgecert.clm.plugins.module_utils._ca.rest import Answer, Rest, quoted, words_of
from ansible_collections.edgecert.clm.plugins.module_utils._clm.work_orders import LEASE_S
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, RemoteError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import FakeClock

SECRET = "s3cret-of-the-account"
START = datetime(2030, 1, 1, tzinfo=timezone.utc)


class Scripted:
    """A transport that answers in turn."""

    def __init__(self, answers: Sequence[Response | TransportError]) -> None:
        self.answers, self.sent = list(answers), []

    sent: list[Request]

    def send(self, request: Request) -> Response:
        """Give the next answer."""
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, TransportError):
            raise answer
        return answer

    def close(self) -> None:
        """Have nothing to close."""


def rest_of(*answers: Response | TransportError, **more: Any) -> tuple[Rest, Scripted, FakeClock]:
    transport, clock = Scripted(answers), FakeClock(START)
    rest = Rest(transport, clock, host="ca.example.com", prefix="/api", secrets=[Secret(SECRET)], **more)
    return rest, transport, clock


OK = Response(200, {"content-type": "application/json"}, b'{"ok": true}')
REFUSED = TransportError("no connection", kind="connect", sent=False)
LOST = TransportError("no answer", kind="timeout", sent=True)
UNTRUSTED = TransportError("not trusted", kind="tls", sent=False)
SOON = Response(503, {"retry-after": "9"}, b"")
DOWN = Response(503, {}, b"")
BROKEN = Response(500, {}, b"")
LATER = Response(429, {"retry-after": "9"}, b"")


@pytest.mark.parametrize(
    ("method", "first", "is_repeated"),
    [
        ("GET", REFUSED, True),
        ("GET", BROKEN, True),
        ("GET", DOWN, True),
        ("GET", LATER, True),
        ("POST", REFUSED, True),
        ("POST", LATER, True),
        ("POST", SOON, True),
        ("POST", LOST, False),
        ("POST", BROKEN, False),
        ("POST", DOWN, False),
        ("POST", UNTRUSTED, False),
        ("PUT", LOST, False),
        ("PATCH", BROKEN, False),
        ("DELETE", DOWN, False),
        ("GET", UNTRUSTED, False),
    ],
)
def test_only_what_is_safe_is_repeated(method: str, first: Response | TransportError, is_repeated: bool) -> None:
    """ca-connectors §3.3, as a table."""
    rest, transport, clock = rest_of(first, OK)
    if is_repeated:
        assert rest.call(method, "/x", body={} if method != "GET" else None).is_success
        assert len(transport.sent) == 2 and clock.now() > START
    elif isinstance(first, TransportError):
        with pytest.raises(TransportError):
            rest.call(method, "/x")
        assert len(transport.sent) == 1
    else:
        assert rest.call(method, "/x").status == first.status and len(transport.sent) == 1


def test_a_wait_that_is_too_long_is_not_kept() -> None:
    """A module does not sleep for a day because a CA says so."""
    rest, transport, clock = rest_of(Response(503, {"retry-after": "86400"}, b""), OK)
    assert rest.call("POST", "/x").status == 503
    assert len(transport.sent) == 1 and clock.now() == START


class Slow(Scripted):
    """A transport that takes its time for each answer.

    :ivar clock: on which it passes.
    """

    clock: FakeClock

    def send(self, request: Request) -> Response:
        """Answer late."""
        self.clock.sleep(MAX_TIMEOUT_S)
        return super().send(request)


@pytest.mark.parametrize("answer", [LATER, SOON, REFUSED], ids=["429", "503", "refused"])
def test_a_write_is_over_well_before_a_lease_whatever_it_meets(answer: Response | TransportError) -> None:
    """W5: an order is repeated only while the run surely holds its request; tries count as waits do."""
    transport, clock = Slow([answer] * 9), FakeClock(START)
    transport.clock = clock
    rest = Rest(transport, clock, host="ca.example.com")
    if isinstance(answer, TransportError):
        with pytest.raises(TransportError):
            rest.call("POST", "/orders", body={})
    else:
        assert rest.call("POST", "/orders", body={}).status == answer.status
    assert (clock.now() - START).total_seconds() < LEASE_S - MAX_TIMEOUT_S and len(transport.sent) == 2


def test_a_timeout_of_before_there_was_a_limit_is_cut() -> None:
    """W5: an account in the store may have 600 seconds."""
    assert transport_options("ca.example.com", {"timeout_s": 600}, {}).timeout_s == MAX_TIMEOUT_S
    assert transport_options("ca.example.com", {"timeout_s": 20}, {}).timeout_s == 20


def test_each_try_is_signed_anew() -> None:
    """Signatures have their time."""
    numbers = iter(range(9))
    rest, transport, _clock = rest_of(
        REFUSED, OK, sign=lambda request: replace(request, headers={**request.headers, "N": str(next(numbers))})
    )
    rest.call("POST", "/x", body={"a": 1})
    assert [one.headers["N"] for one in transport.sent] == ["0", "1"] and rest.calls == 2


@pytest.mark.parametrize(
    ("method", "where", "followed"),
    [
        ("GET", "/api/y?a=1", True),
        ("GET", "https://ca.example.com/api/y?a=1", True),
        ("GET", "https://CA.example.com/api/y?a=1", True),
        ("GET", "http://ca.example.com/api/y", False),
        ("GET", "https://other.example.com/api/y", False),
        ("GET", "https://ca.example.com:8443/api/y", False),
        ("GET", "//other.example.com/y", False),
        ("POST", "/api/y", False),
    ],
)
def test_redirects_stay_on_the_host(method: str, where: str, followed: bool) -> None:
    """Issue 6: credentials go nowhere else."""
    rest, transport, _clock = rest_of(Response(307, {"location": where}, b""), OK)
    if followed:
        assert rest.ask("look", method, "/x") == {"ok": True}
        assert (transport.sent[1].path, transport.sent[1].query) == ("/api/y", (("a", "1"),))
        return
    with pytest.raises(RemoteError) as caught:
        rest.call(method, "/x")
    assert caught.value.code == "redirected" and len(transport.sent) == 1


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ("a=b%20c&d=e%2Ff%26g", (("a", "b c"), ("d", "e/f&g"))),
        ("name=M%C3%BCller&empty=", (("name", "Müller"), ("empty", ""))),
        ("plus=a+b&plus=a%2Bb", (("plus", "a b"), ("plus", "a+b"))),
    ],
)
def test_the_query_of_a_redirect_is_not_encoded_twice(query: str, pairs: tuple[tuple[str, str], ...]) -> None:
    """What the transport encodes comes to it decoded."""
    rest, transport, _clock = rest_of(Response(307, {"location": f"/api/y?{query}"}, b""), OK)
    rest.ask("look", "GET", "/x")
    assert transport.sent[1].query == pairs


def test_redirects_in_circles_end() -> None:
    rest, transport, _clock = rest_of(*[Response(302, {"location": "/api/x"}, b"")] * 9)
    with pytest.raises(RemoteError, match="in circles"):
        rest.call("GET", "/x")
    assert len(transport.sent) == 4


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"errors": ["no", "never"]}', "no; never"),
        (b'{"errors": [{"code": "bad", "message": "not so"}]}', "bad: not so"),
        (b'{"error": {"code": 7, "message": "x"}}', "7: x"),
        (b'{"error_message": "y"}', "y"),
        (b'{"detail": "z", "title": "t"}', "z"),
        (b"no json", ""),
        (b"[]", ""),
        (b"", ""),
    ],
)
def test_reasons_are_read_as_most_apis_write_them(body: bytes, words: str) -> None:
    assert words_of(Answer(400, {}, body)) == words


def test_a_secret_that_the_far_side_repeats_is_blotted_out() -> None:
    """No secret in an error."""
    body = f'{{"error": "key {SECRET} is\\u0007 not known"}}'.encode()
    rest, _transport, _clock = rest_of(Response(401, {}, body))
    with pytest.raises(RemoteError) as caught:
        rest.ask("look", "GET", "/x")
    assert SECRET not in caught.value.message and "key *** is" in caught.value.message
    assert all(char.isprintable() for char in caught.value.message)


@given(st.text(max_size=40))
def test_a_segment_of_a_path_stays_one(text: str) -> None:
    """EJBCA's issuer DNs hold commas, blanks and slashes."""
    encoded = quoted(text.encode("utf-8", "replace").decode())
    assert "/" not in encoded and "?" not in encoded and "#" not in encoded and " " not in encoded


@given(st.text(max_size=60).map("https://".__add__) | st.text(max_size=60))
@example("https://[::1")
@example("https://exa mple.com")
def test_any_text_is_a_url_or_told_why_not(text: str) -> None:
    """Bad input never gets through as an address, and never ends in a traceback."""
    reason = url_reason(text)
    if reason:
        with pytest.raises(InputError):
            address_of(text)
    else:
        assert address_of(text).host


def test_the_login_at_a_proxy_is_joined_late_and_encoded() -> None:
    """The URL that is stored has no password."""
    options = {"proxy": "http://proxy.example.com:3128"}
    made = transport_options("ca.example.com", options, {"proxy_login": Secret("me:p@ss/1")})
    assert made.proxy == "http://me:p%40ss%2F1@proxy.example.com:3128"
    assert transport_options("ca.example.com", options, {}).proxy == options["proxy"]
