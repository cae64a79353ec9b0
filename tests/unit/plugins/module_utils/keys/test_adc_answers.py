# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers no controller should give: whatever JSON comes, there is an error of ours or none, and never a traceback."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response, TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_base import DeviceKeys, DeviceTools
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_registry import device_type
from ansible_collections.edgecert.clm.tests.support import adc

KINDS = ("f5_bigip", "netscaler")
LOGIN = {"user": "clm", "password": "Pass-Word-1"}
# Members that the devices use, so that the answers come near to real ones.
WORDS = st.sampled_from(
    ["items", "token", "name", "partition", "entries", "nestedStats", "status", "description", "commandResult", "code"]
    + ["message", "errorStack", "errorcode", "severity", "sessionid", "systemfile", "filename", "filecontent", "hanode"]
    + ["keyType", "keySize", "createTime", "filemodifiedtime", "nsversion", "version", "Common", "Version"]
)
LEAVES = st.none() | st.booleans() | st.integers(-5, 10**6) | st.text(max_size=8) | WORDS
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4))


class Saying:
    """A transport that lets everybody in and then answers one thing to everything."""

    def __init__(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.status, self.body, self.headers = status, body, headers or {}
        self.sent: list[Request] = []

    def send(self, request: Request) -> Response:
        self.sent.append(request)
        if request.path.endswith("/login"):
            login = {"token": {"token": "T-1"}, "sessionid": "T-1", "errorcode": 0}
            return Response(200, {}, json.dumps(login).encode())
        return Response(self.status, self.headers, self.body)

    def close(self) -> None:
        """Close nothing."""


def keys_over(kind: str, transport: Saying) -> DeviceKeys:
    """Build the keys of a device over a transport."""

    def opened(_options: TransportOptions) -> Saying:
        return transport

    memory = adc.Memory()
    maker = device_type(kind, DeviceTools(adc.StillClock(), opened, lambda _name: memory))
    prepared = maker.prepare("lb1", {"host": "lb1.example.com"}, LOGIN)
    return maker.connect("lb1", prepared, {name: Secret(text) for name, text in LOGIN.items()})


def work(keys: DeviceKeys) -> list[Any]:
    """Do everything that reads answers."""
    order = adc.order()
    done: list[Any] = [keys.test()]
    for call in (keys.conflicts, keys.find, keys.begin):
        try:
            done.append(call(order))
        except ClmError as exc:
            done.append(exc)
    return done


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON, st.sampled_from([200, 200, 201, 400, 404, 500]))
@example({"items": [None, 1, {"name": None, "partition": "Common"}]}, 200)
@example({"entries": {"x": None}}, 200)
@example({"systemfile": [None, {"filename": "a.key", "filemodifiedtime": 5}]}, 200)
@example({"hanode": ["x"]}, 200)
@example({"nsversion": [None]}, 200)
def test_no_answer_ends_in_a_traceback(kind: str, value: Any, status: int) -> None:
    """Each piece of work ends with an answer or an error of ours, and says what was tried on what."""
    done = work(keys_over(kind, Saying(status, json.dumps(value).encode())))
    assert len(done) == 4
    for error in done:
        if isinstance(error, RemoteError):
            assert "lb1" in error.message
            assert "Pass-Word-1" not in error.message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"{", b"[" * 20, b"null"])
def test_no_body_ends_in_a_traceback(kind: str, body: bytes) -> None:
    """Empty, not JSON, not even text."""
    assert len(work(keys_over(kind, Saying(200, body)))) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_control_characters_and_floods_are_not_printed(kind: str) -> None:
    """A message is one line of readable length."""
    said = {"code": 400, "errorcode": 1, "message": "\x1b[31mred\nline\r" + "x" * 5000}
    error = work(keys_over(kind, Saying(400, json.dumps(said).encode())))[2]
    assert isinstance(error, RemoteError)
    assert error.message.isprintable()
    assert len(error.message) < 900
