# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the CPS client makes of bad input and of a bad network, against the sandbox and its faults."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from edgecert_sandbox.handle import Handle

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    RateLimited,
    RemoteError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.ledger import MemoryLedger
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import enrollment_to_wire
from ansible_collections.edgecert.clm.plugins.module_utils._cps.pacing import LedgerPacer
from ansible_collections.edgecert.clm.plugins.module_utils._edgegrid.auth import edgegrid_auth
from ansible_collections.edgecert.clm.plugins.module_utils._edgegrid.credentials import Credentials
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport

from .conftest import MovedClock
from .test_client_operations import create, new_name, wanted

BODY = {"csr": {"cn": "lost.example.com"}}


def client_at(host: str, **options: Any) -> CpsClient:
    auth = edgegrid_auth(Credentials(host, "akab-ct", Secret("c2VjcmV0"), "akab-at"))
    clock = MovedClock()
    transport = RequestsTransport(TransportOptions(host, timeout_s=5, **options), auth)
    return CpsClient(transport, LedgerPacer(MemoryLedger(), "a", clock), clock, host=host)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_unresolvable_name_is_told() -> None:
    """D8: nothing was sent."""
    with pytest.raises(TransportError, match="nowhere.invalid.*does not resolve.*check host") as caught:
        client_at("nowhere.invalid").list_enrollments()
    assert (caught.value.kind, caught.value.sent) == ("resolve", False)


def test_dead_host_is_told(free_port: int) -> None:
    with pytest.raises(TransportError, match="no connection .*refused.*check host and port") as caught:
        client_at(f"127.0.0.1:{free_port}").list_enrollments()
    assert (caught.value.kind, caught.value.sent) == ("connect", False)


def test_wrong_host_whose_certificate_is_not_trusted_is_told(cps_sandbox: Handle) -> None:
    with pytest.raises(TransportError, match="certificate is not trusted.*ca_path") as caught:
        client_at(cps_sandbox.host).list_enrollments()
    assert (caught.value.kind, caught.value.sent) == ("tls", False)


def test_credentials_of_another_host_are_refused(cps_sandbox: Handle) -> None:
    with pytest.raises(AuthError, match="belong to the same API client") as caught:
        client_at(cps_sandbox.host, ca_path=cps_sandbox.ca_path).list_enrollments()
    assert caught.value.code == "signature_refused"


def test_wrong_secret_is_told_without_showing_it(make_client: Any) -> None:
    with pytest.raises(AuthError, match="HTTP 401 .*Signature does not match.*client_secret") as caught:
        make_client(secret="d3Jvbmctc2VjcmV0").list_enrollments("C-1")
    assert caught.value.code == "signature_refused" and caught.value.request_id
    assert "d3Jvbmctc2VjcmV0" not in repr(caught.value) + str(caught.value.failure())


def test_inactive_token_is_told(make_client: Any) -> None:
    with pytest.raises(AuthError, match="it is active") as caught:
        make_client("inactive").list_enrollments("C-1")
    assert caught.value.code == "signature_refused"


@pytest.mark.parametrize(("hours", "way"), [(1, "ahead of"), (-1, "behind")])
def test_clock_off_by_an_hour_is_measured(make_client: Any, monkeypatch: Any, hours: int, way: str) -> None:
    """The library signs by the machine's clock; here both it and ours are moved alike."""
    from akamai.edgegrid import edgegrid

    clock = MovedClock(3600.0 * hours)
    monkeypatch.setattr(edgegrid, "eg_timestamp", lambda: clock.now().strftime("%Y%m%dT%H:%M:%S+0000"))
    with pytest.raises(
        AuthError, match=f"clock is 3(599|600|601|602) seconds {way} Akamai's; set this machine"
    ) as caught:
        make_client(clock=clock).list_enrollments("C-1")
    assert caught.value.code == "clock_skew"
    assert abs(caught.value.details["skew_s"] - 3600 * hours) <= 2
    assert caught.value.failure()["request_id"]


@pytest.mark.parametrize(
    ("section", "call", "service"),
    [
        ("no-cps", "list_enrollments", "Certificate Provisioning System"),
        ("no-contracts", "contract_ids", "Contracts-API_Contracts"),
        ("no-papi", "papi_contracts", "Property Manager"),
    ],
)
def test_missing_grant_names_the_service_to_grant(make_client: Any, section: str, call: str, service: str) -> None:
    """P1 to P4"""
    with pytest.raises(AuthError, match=f"{service}.*access level READ") as caught:
        getattr(make_client(section), call)()
    assert caught.value.code == "missing_grant" and caught.value.status == 403
    assert service in caught.value.details["service"] and caught.value.request_id


def test_read_only_client_may_read_and_not_write(make_client: Any) -> None:
    client = make_client("readonly")
    client.list_enrollments("C-1")
    with pytest.raises(AuthError, match="READ-WRITE") as caught:
        client.delete_enrollment(1)
    assert caught.value.code == "missing_grant"


def test_wrong_api_version_is_told(make_client: Any) -> None:
    """D6"""
    with pytest.raises(RemoteError, match="api_version is cps/v2") as caught:
        make_client(prefix="/cps/v9").list_enrollments("C-1")
    assert caught.value.code == "unsupported_version"


def test_unknown_contract_is_told(make_client: Any) -> None:
    with pytest.raises(RemoteError, match="contract C-NONE.*check the contract id") as caught:
        make_client().list_enrollments("C-NONE")
    assert caught.value.code == "contract_not_accessible"


def test_contract_out_of_scope_is_told_for_active_certificates_too(make_client: Any) -> None:
    with pytest.raises(RemoteError) as caught:
        make_client().active_certificates("C-NONE")
    assert caught.value.code == "contract_not_accessible"


def test_create_whose_reply_is_lost_is_not_repeated(make_client: Any, cps_sandbox: Handle) -> None:
    """A second enrollment for one request must never happen."""
    cps_sandbox.fault("lost_after", method="POST")
    cps_sandbox.calls(reset=True)
    with pytest.raises(TransportError, match="look what came of it") as caught:
        make_client().create_enrollment(BODY, "C-1")
    assert caught.value.sent is True and caught.value.kind == "reset"
    assert [call["method"] for call in cps_sandbox.calls()] == ["POST"]


@pytest.mark.parametrize("kind", ["garbage", "empty"])
def test_create_answered_unreadably_is_in_doubt(make_client: Any, cps_sandbox: Handle, kind: str) -> None:
    cps_sandbox.fault(kind, method="POST")
    cps_sandbox.calls(reset=True)
    with pytest.raises(TransportError, match="look before repeating") as caught:
        make_client().create_enrollment(enrollment_to_wire(wanted(new_name())), "C-1")
    assert caught.value.sent is True
    assert len(cps_sandbox.calls()) == 1


@pytest.mark.parametrize(
    "kind", ["lost_before", "lost_after", "truncated", "server_error", "plain_text", "garbage", "empty"]
)
def test_read_is_repeated_over_a_passing_fault(make_client: Any, cps_sandbox: Handle, kind: str) -> None:
    more: dict[str, Any] = {"status": 500} if kind == "plain_text" else {}
    cps_sandbox.fault(kind, method="GET", **more)
    clock = MovedClock()
    make_client(clock=clock).list_enrollments("C-1")
    assert clock.slept == [0.25]


def test_read_gives_up_after_four_tries_with_the_last_answer(make_client: Any, cps_sandbox: Handle) -> None:
    cps_sandbox.fault("server_error", method="GET", times=100)
    clock = MovedClock()
    with pytest.raises(RemoteError, match="HTTP 500 .Internal Server Error") as caught:
        make_client(clock=clock).list_enrollments("C-1")
    assert (caught.value.code, caught.value.retryable, len(clock.slept)) == ("remote_error", True, 3)


def test_write_answered_500_is_not_repeated(make_client: Any, cps_sandbox: Handle) -> None:
    cps_sandbox.fault("server_error", method="DELETE", times=2)
    cps_sandbox.calls(reset=True)
    with pytest.raises(RemoteError) as caught:
        make_client().cancel_change(1, 2)
    assert caught.value.retryable and len(cps_sandbox.calls()) == 1


@pytest.mark.parametrize("style", ["retry-after", "next", "text"])
def test_told_wait_is_kept_for_writes_too(make_client: Any, cps_sandbox: Handle, style: str) -> None:
    """All three places in which the wait is told; nothing was done, so repeating is safe."""
    cps_sandbox.fault("rate_limited", method="POST", style=style, seconds=20)
    clock = MovedClock()
    create(make_client(clock=clock))
    assert 19 <= sum(clock.slept) <= 23


def test_burst_block_is_waited_for_a_minute(make_client: Any, cps_sandbox: Handle) -> None:
    cps_sandbox.fault("burst_block")
    clock = MovedClock()
    make_client(clock=clock).list_enrollments("C-1")
    assert 60 <= sum(clock.slept) <= 62


def test_wait_longer_than_allowed_is_given_to_the_caller(make_client: Any, cps_sandbox: Handle) -> None:
    cps_sandbox.fault("rate_limited", style="retry-after", seconds=4000)
    clock = MovedClock()
    with pytest.raises(RateLimited, match="wait 4000 seconds") as caught:
        make_client(clock=clock).list_enrollments("C-1")
    assert caught.value.retry_after_s == 4000 and clock.slept == [] and caught.value.code == "rate_limited"


def test_redirect_is_not_followed(make_client: Any, cps_sandbox: Handle) -> None:
    cps_sandbox.fault("redirect")
    cps_sandbox.calls(reset=True)
    with pytest.raises(RemoteError, match="signed call does not follow") as caught:
        make_client().list_enrollments("C-1")
    assert caught.value.code == "redirected" and len(cps_sandbox.calls()) == 1
