# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every refusal of CPS as a typed error with a stable code and what to do about it.

Knows no transport; the table below is the one place where a status and a text become a code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._core.errors import AuthError, ConflictError, NotFoundError, RateLimited, RemoteError
from .._http.base import Response
from .._http.retry import RetryPolicy, asks_to_wait, date_header, is_burst_block, wait_told
from .problems import Problem, masked, read_problem

TOLERATED_SKEW_S = 30
IN_RENEWAL_WINDOW = "in_renewal_window"
PENDING_CHANGE = "pending_change"
EDGE_DNS = "/config-dns/"


class RemoteNotFound(RemoteError, NotFoundError):
    """The remote side has no such thing, or has it no more, or not yet."""

    code = "not_found"


class RemoteConflict(RemoteError, ConflictError):
    """What is asked does not fit the state the remote side is in."""

    code = "conflict"


@dataclass(frozen=True)
class Attempt:
    """What was tried, for the message.

    :ivar what: as "read enrollment 10002"; the sentence begins "Cannot".
    :ivar host: the API client's host.
    :ivar path: as sent, without query.
    :ivar template: the path with names in place of ids, as ``/enrollments/{id}``.
    :ivar speaks: what is sent or asked for with its versions, as "enrollment v11 and v10"; empty for plain JSON.
    """

    what: str
    method: str
    host: str
    path: str
    template: str
    speaks: str = ""


@dataclass(frozen=True)
class Refusal:
    """An answer of 300 and above, read.

    :ivar now: our time when it came, UTC.
    """

    attempt: Attempt
    response: Response
    problem: Problem
    now: datetime

    @property
    def status(self) -> int:
        """Give the HTTP status."""
        return self.response.status


@dataclass(frozen=True)
class _Service:
    """A part of the API a client is granted by itself."""

    prefix: str
    name: str
    level: str


_SERVICES = (
    _Service("/contract-api/", "Contracts-API_Contracts", "READ-ONLY"),
    _Service("/papi/", "Property Manager (PAPI)", "READ-ONLY"),
    _Service(EDGE_DNS, "DNS—Zone Record Management", "READ-WRITE"),
)
_CPS = _Service("", "Certificate Provisioning System (CPS)", "READ-WRITE (READ-ONLY is enough for monitored devices)")


def service_of(path: str) -> str:
    """Give the name under which the service of a path is granted."""
    return _service(path).name


def _service(path: str) -> _Service:
    return next((one for one in _SERVICES if path.startswith(one.prefix)), _CPS)


def skew_s(response: Response, now: datetime) -> float | None:
    """Give the seconds by which our clock is ahead of the remote side's (negative: behind), or None when not told.

    :param now: our time when the answer came, UTC.
    """
    theirs = date_header(response)
    return None if theirs is None else (now - theirs).total_seconds()


def error_of(attempt: Attempt, response: Response, now: datetime, policy: RetryPolicy | None = None) -> RemoteError:
    """Make the error for an answer of 300 and above.

    :param now: our time when the answer came, UTC.
    """
    refusal = Refusal(attempt, response, read_problem(response), now)
    if asks_to_wait(response):
        return _limited(refusal, wait_told(response, now, policy or RetryPolicy()))
    for rule in _RULES:
        if rule.fits(refusal):
            return rule.make(refusal)
    is_theirs = refusal.status >= 500
    advice = "correct what it says, then run it again"
    if is_theirs:
        whose = "Edge DNS" if attempt.path.startswith(EDGE_DNS) else "CPS"
        advice = f"{whose}, or something before it, has trouble of its own: run it again later"
    if is_theirs and attempt.method != "GET":
        advice += "; what came of this call is looked at before it is repeated"
    return _made(refusal, RemoteError, "remote_error", advice, retryable=is_theirs)


def _said(refusal: Refusal) -> str:
    text = refusal.problem.text
    return f"HTTP {refusal.status}" + (f" ({text.rstrip('.')})" if text else " without any explanation")


def _made(
    refusal: Refusal,
    kind: type[RemoteError],
    code: str,
    advice: str,
    *,
    retryable: bool = False,
    details: Mapping[str, Any] | None = None,
    **more: Any,
) -> RemoteError:
    attempt, problem = refusal.attempt, refusal.problem
    parts = [f"Cannot {attempt.what} at {attempt.host}: {_said(refusal)}"]
    if advice:
        parts.append(advice)
    if problem.request_id:
        parts.append(f"Akamai's request id is {problem.request_id}")
    error = kind(
        "; ".join(parts),
        status=refusal.status,
        problem=problem.members or {"detail": problem.detail},
        request_id=problem.request_id,
        code=code,
        details={"method": attempt.method, "path": attempt.path, "type": problem.kind or None, **(details or {})},
        **more,
    )
    error.retryable = retryable or error.retryable
    return error


def _limited(refusal: Refusal, wait_s: float) -> RemoteError:
    if is_burst_block(refusal.response):
        code, why = "burst_blocked", "Akamai's firewall blocks this account for too many calls at once"
    else:
        code, why = "rate_limited", "the calls of this account are used up, by whatever tool"
    advice = f"{why}; nothing was done: wait {wait_s:.0f} seconds and run it again, with fewer jobs at a time"
    return _made(refusal, RateLimited, code, advice, retry_after_s=wait_s, details={"retry_after_s": wait_s})


def _clock_skew(refusal: Refusal) -> RemoteError:
    skew = skew_s(refusal.response, refusal.now)
    if skew is None:
        advice = (
            "the clock of this machine is wrong; set this machine's clock (the answer told no time to compare with)"
        )
    elif abs(skew) <= TOLERATED_SKEW_S:
        advice = (
            f"the clocks differ by {abs(skew):.0f} seconds only, so the request was on its way for too long; look at "
            "the proxy and the network between, and check this machine's clock"
        )
    else:
        way = "ahead of" if skew > 0 else "behind"
        advice = f"this machine's clock is {abs(skew):.0f} seconds {way} Akamai's; set this machine's clock (NTP)"
    return _made(refusal, AuthError, "clock_skew", advice, details={"skew_s": None if skew is None else round(skew)})


def _signature(refusal: Refusal) -> RemoteError:
    advice = (
        "check that client_token, client_secret, access_token and host belong to the same API client and that it is "
        "active, and that no proxy changes the request on its way"
    )
    return _made(refusal, AuthError, "signature_refused", advice)


def _grant(refusal: Refusal) -> RemoteError:
    service = _service(refusal.attempt.path)
    advice = (
        f"the API client lacks a grant: give it the API service {service.name} with access level {service.level} in "
        "Akamai Control Center, Identity and Access"
    )
    return _made(refusal, AuthError, "missing_grant", advice, details={"service": service.name, "level": service.level})


def _contract(refusal: Refusal) -> RemoteError:
    advice = "check the contract id; the user behind the API client must see this contract, and it must have CPS"
    return _made(refusal, AuthError, "contract_not_accessible", advice)


def _version(refusal: Refusal) -> RemoteError:
    advice = (
        "the remote side does not know this version of the API; check that host is an API client's host and that "
        "api_version is cps/v2"
    )
    if refusal.status in (406, 415) and refusal.attempt.speaks:
        advice += f"; where they are, CPS has left behind what is spoken here ({refusal.attempt.speaks}): use a newer "
        advice += "release of the collection"
    return _made(refusal, RemoteError, "unsupported_version", advice)


@dataclass(frozen=True)
class _Rule:
    """When an answer fits, what it becomes."""

    fits: Callable[[Refusal], bool]
    make: Callable[[Refusal], RemoteError]


def _simple(
    kind: type[RemoteError], code: str, advice: str, *, retryable: bool = False
) -> Callable[[Refusal], RemoteError]:
    return lambda refusal: _made(refusal, kind, code, advice, retryable=retryable)


def _is_authn(refusal: Refusal) -> bool:
    return "pep-authn" in refusal.problem.kind


def _conflict(*words: str) -> Callable[[Refusal], bool]:
    return lambda refusal: refusal.status in (400, 409) and refusal.problem.says(*words)


def _is_contract(refusal: Refusal) -> bool:
    if refusal.status == 403 and "pep-authz" not in refusal.problem.kind:
        return refusal.problem.says("contract") and not refusal.problem.says("grant needed")
    return refusal.status in (400, 404) and refusal.problem.says("invalid contract", "contract-not", "invalid-contract")


# The first rule that fits decides; the order matters where texts are alike.
_RULES = (
    _Rule(lambda r: r.status in (400, 401) and _is_authn(r) and r.problem.says("timestamp"), _clock_skew),
    _Rule(lambda r: r.status == 401 or (r.status == 400 and _is_authn(r)), _signature),
    _Rule(_is_contract, _contract),
    _Rule(lambda r: r.status == 403 and ("pep-authz" in r.problem.kind or r.problem.says("grant")), _grant),
    _Rule(
        lambda r: r.status == 403,
        _simple(AuthError, "not_authorized", "check the API client's grants, and the role of the user behind it"),
    ),
    _Rule(
        lambda r: r.status < 400,
        _simple(
            RemoteError,
            "redirected",
            "the remote side sent the call elsewhere, which a signed call does not follow; check host and api_version",
        ),
    ),
    _Rule(lambda r: r.status in (406, 415), _version),
    # A path without an id always exists where the version is right.
    _Rule(lambda r: r.status in (404, 405) and "{" not in r.attempt.template, _version),
    _Rule(
        lambda r: r.status == 404,
        _simple(RemoteNotFound, "not_found", "it does not exist, exists no more, or is not ready yet"),
    ),
    _Rule(
        lambda r: r.status == 409 and r.attempt.path.startswith(EDGE_DNS),
        _simple(RemoteConflict, "conflict", "others changed these records meanwhile; look again", retryable=True),
    ),
    _Rule(
        lambda r: r.status == 409 and r.problem.says("certificate-live-on-network", "live on the network"),
        _simple(
            RemoteConflict,
            "certificate_live",
            "names still resolve to this certificate; move their traffic away first",
        ),
    ),
    _Rule(
        _conflict("five minutes", "5 minutes", "too soon", "recently created"),
        _simple(
            RemoteConflict,
            "create_too_soon",
            "CPS takes one new enrollment of a contract in five minutes; run it again then",
            retryable=True,
        ),
    ),
    _Rule(
        _conflict("duplicate cn", "duplicate common", "duplicate-cn", "same cn", "same common name", "already exists"),
        _simple(
            RemoteConflict,
            "duplicate_common_name",
            "an enrollment with this common name exists already; use that one, or have another beside it with "
            "allow_duplicate: true of edgecert.clm.cert_enroll",
        ),
    ),
    _Rule(
        _conflict("renewal-date-check-override", "renewal window"),
        _simple(
            RemoteConflict,
            IN_RENEWAL_WINDOW,
            "CPS keeps other changes away while its own renewal is due; finish that one, or override the check",
        ),
    ),
    _Rule(
        lambda r: (
            r.status == 409 and r.problem.says("cannot-cancel-pending-change", "pending change", "pending-change")
        ),
        _simple(
            RemoteConflict,
            PENDING_CHANGE,
            "a change of the enrollment is open; wait for its end or cancel it first",
            retryable=True,
        ),
    ),
    _Rule(
        lambda r: r.status == 409,
        _simple(RemoteConflict, "conflict", "the state there has moved on; look again, then decide", retryable=True),
    ),
)

__all__ = [
    "IN_RENEWAL_WINDOW",
    "PENDING_CHANGE",
    "TOLERATED_SKEW_S",
    "Attempt",
    "RemoteConflict",
    "RemoteNotFound",
    "error_of",
    "masked",
    "service_of",
    "skew_s",
]
