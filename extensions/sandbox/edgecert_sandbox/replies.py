# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replies of the gateway and of the APIs behind it when they refuse: bodies, types, references. No decisions."""

from __future__ import annotations

import re
import secrets
import uuid
from datetime import datetime, timezone

from .auth import Refusal
from .limits import wait_headers, wait_text
from .wire import Reply, Request, json_reply

PROBLEM_JSON = "application/problem+json"
GATEWAY = "https://problems.luna.akamaiapis.net"
BURST_DETAIL = "WAF deny rule IPBLOCK-BURST4-54013"


def refusal_reply(refusal: Refusal, request: Request, now: float) -> Reply:
    """Write a refusal of the gateway with all the members it has.

    :param now: the gateway's clock, seconds since the epoch.
    """
    body: dict[str, object] = {
        "type": GATEWAY + refusal.kind,
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": f"https://{request.host}{request.path}",
        "method": request.method,
        "serverIp": "127.0.0.1",
        "clientIp": request.client_ip,
        "requestId": secrets.token_hex(4),
        "requestTime": datetime.fromtimestamp(int(now), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "authzRealm": refusal.realm,
    }
    return json_reply(refusal.status, body, PROBLEM_JSON)


def burst_reply(request: Request, now: float) -> Reply:
    """Write the burst block, which looks like a bad request and is none."""
    refusal = Refusal(400, "/-/pep-authn/request-error", "Bad request", BURST_DETAIL)
    return refusal_reply(refusal, request, now)


def limit_reply(style: str, wait_s: float, limit: int, request: Request, now: float) -> Reply:
    """Write a 429 in one of its three styles."""
    body = {
        "type": f"https://{request.host}/cps/v2/error-types/rate-limit",
        "title": "Too Many Requests",
        "status": 429,
        "detail": wait_text(style, wait_s, now),
        "instance": f"https://{request.host}{request.path}?id={secrets.token_hex(8)}",
    }
    reply = json_reply(429, body, PROBLEM_JSON).with_headers(wait_headers(style, wait_s, now))
    if style == "text":
        return reply
    return reply.with_headers({"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": "0"})


def problem_reply(request: Request, status: int, slug: str, title: str, detail: str, *, plain: bool = False) -> Reply:
    """Write a problem in the form of the API that was called.

    :param slug: last part of the problem's type.
    :param plain: as the text ``ApiError(...)`` that CPS sometimes gives instead of JSON.
    """
    if request.path.startswith("/papi/"):
        return _papi_problem(request, status, slug, title, detail)
    if request.path.startswith("/config-dns/"):
        return _dns_problem(status, slug, title, detail)
    if request.path.startswith("/contract-api/"):
        body: dict[str, object] = {
            "type": f"https://{request.host}/contract-api/error-types/{slug}",
            "title": title,
            "status": status,
            "detail": detail,
            "instance": f"https://{request.host}{request.path}",
        }
        return json_reply(status, body, PROBLEM_JSON)
    kind = f"https://{request.host}/cps/v2/error-types/{slug}"
    if plain:
        return plain_reply(status, kind, title, detail)
    reference = f"https://{request.host}/cps/v2/error-instances/{slug}?id={secrets.token_hex(8)}"
    return json_reply(status, {"type": kind, "title": title, "detail": detail, "instance": reference}, PROBLEM_JSON)


def plain_reply(status: int, kind: str, title: str, detail: str) -> Reply:
    """Write a problem as plain text."""
    text = f"ApiError(type={kind}, title={title}, detail={detail}, source=null)"
    return Reply(status, {"Content-Type": "text/plain;charset=UTF-8"}, text.encode())


def unavailable_reply(status: int) -> Reply:
    """Write what a server in front of the API says when it gets no answer from behind: a page, and a reference."""
    titles = {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
    title = titles.get(status, "Service Unavailable")
    page = (
        f"<HTML><HEAD>\n<TITLE>{title}</TITLE>\n</HEAD><BODY>\n<H1>{title}</H1>\nThe server is temporarily unable to "
        f"service your request. Please try again\nlater.<P>\nReference&#32;&#35;11&#46;{secrets.token_hex(4)}"
        f"&#46;1700000000&#46;{secrets.token_hex(4)}\n</BODY></HTML>\n"
    )
    return Reply(status, {"Content-Type": "text/html"}, page.encode())


def _papi_problem(request: Request, status: int, slug: str, title: str, detail: str) -> Reply:
    body = {
        "type": f"{GATEWAY}/papi/v1/http/{slug}",
        "title": title,
        "detail": detail,
        "instance": f"{request.path}#{secrets.token_hex(8)}",
        "status": status,
    }
    return json_reply(status, body, PROBLEM_JSON)


def _dns_problem(status: int, slug: str, title: str, detail: str) -> Reply:
    number = str(uuid.uuid4())
    body: dict[str, object] = {
        "type": f"{GATEWAY}/authoritative-dns/{re.sub('-([a-z])', lambda found: found[1].upper(), slug)}",
        "title": title,
        "instance": number,
        "status": status,
        "detail": detail,
        "problemId": number,
    }
    return json_reply(status, body, PROBLEM_JSON)
