# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS's front door as a fake: every signature is computed anew, for the service it is meant for; STS gives roles.

The services behind it are handed in, each with the fields it knows.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Orders, Reply

REGION, ACCOUNT = "eu-west-1", "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/edgecert"
JSON = {"Content-Type": "application/x-amz-json-1.1"}
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([\w-]+)/(\d{8})/([\w-]+)/([\w-]+)/aws4_request, "
    r"SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True)
class FakeKeys:
    """Keys that the fake knows; ``ends`` is None for lasting ones."""

    access_key_id: str
    secret: str
    token: str = ""
    ends: datetime | None = None


class Refusal(Exception):
    """An error in AWS's words."""

    def __init__(self, kind: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.kind, self.message, self.status = kind, message, status


# Operation: fields that have to be there, and those that may be.
Fields = Mapping[str, tuple[set[str], set[str]]]
Does = Mapping[str, Callable[[Any], Any]]


@dataclass(frozen=True)
class Service:
    """One service.

    :ivar scope: what signatures are for, and rights begin with.
    :ivar label: what stands before an operation in the switches of a test; empty for the bare name.
    :ivar does: the operations; one that answers None has an empty body.
    """

    scope: str
    label: str
    fields: Fields
    does: Does
    check: Callable[[Any], None] = lambda _body: None


class AwsFront:
    """Who asks, and which service is meant.

    :ivar user: lasting keys; ``roles`` are the keys that were given for the role, the last one last.
    :ivar errors: by operation, what the next calls of it are refused with, the first one first.
    :ivar denied: operations that the keys may not use.
    :ivar services: by the prefix of their targets.
    """

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.user = FakeKeys("AKIA" + secrets.token_hex(8).upper(), secrets.token_hex(20))
        self.roles: list[FakeKeys] = []
        self.errors: dict[str, list[Refusal]] = {}
        self.denied: set[str] = set()
        self.asked: list[tuple[str, Any]] = []
        self.services: dict[str, Service] = {}

    def handle(self, call: Call) -> Reply:
        """Answer a request."""
        if call.method != "POST" or call.path != "/":
            return Reply(404, b"<UnknownOperationException/>", {"Content-Type": "application/xml"})
        target = call.headers.get("x-amz-target", "")
        is_sts = not target
        try:
            if is_sts:
                self._verify(call, "sts")
                return self._assume(call)
            prefix, _dot, operation = target.partition(".")
            if prefix not in self.services or operation not in self.services[prefix].fields:
                raise Refusal("UnknownOperationException", "")
            self._verify(call, self.services[prefix].scope)
            return self._operate(call, self.services[prefix], operation)
        except Refusal as exc:
            if is_sts:
                inner = f"<Error><Code>{exc.kind}</Code><Message>{exc.message}</Message></Error>"
                content = f"<ErrorResponse>{inner}</ErrorResponse>".encode()
                return Reply(exc.status, content, {"Content-Type": "text/xml"})
            return Reply(exc.status, {"__type": exc.kind, "message": exc.message}, JSON)

    def _verify(self, call: Call, service: str) -> None:
        found = _AUTHORIZATION.fullmatch(call.headers.get("authorization", ""))
        if found is None:
            raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
        key_id, day, region, signed_for, names, signature = found.groups()
        keys = next((one for one in (self.user, *self.roles) if one.access_key_id == key_id), None)
        if keys is None or call.headers.get("x-amz-security-token", "") != keys.token:
            raise Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        stamp = call.headers["x-amz-date"]
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
        now = self.orders.clock.now()
        if abs(at - now) > timedelta(minutes=5):
            raise Refusal("InvalidSignatureException", f"Signature expired: {stamp} is now not {now} (5 min.)")
        if (day, region, signed_for) != (stamp[:8], REGION, service):
            raise Refusal("InvalidSignatureException", "Credential should be scoped to a valid region.")
        if _signature(call, names, stamp, f"{day}/{region}/{service}/aws4_request", keys.secret) != signature:
            raise Refusal("InvalidSignatureException", "The request signature we calculated does not match yours.")
        if keys.ends is not None and now >= keys.ends:
            raise Refusal("ExpiredTokenException", "The security token included in the request is expired")

    def _assume(self, call: Call) -> Reply:
        form = dict(parse_qsl(call.body.decode()))
        if form.get("Action") != "AssumeRole" or form.get("Version") != "2011-06-15":
            raise Refusal("InvalidAction", "Could not find operation")
        if set(form) - {"Action", "Version", "RoleArn", "RoleSessionName", "ExternalId"} or not form["RoleSessionName"]:
            raise Refusal("ValidationError", f"fields {sorted(form)}")
        if form["RoleArn"] != ROLE or form.get("ExternalId") != "our-agreement":
            raise Refusal("AccessDenied", f"not authorized to perform: sts:AssumeRole on {form['RoleArn']}", 403)
        ends = self.orders.clock.now() + timedelta(hours=1)
        made = FakeKeys("ASIA" + secrets.token_hex(8).upper(), secrets.token_hex(20), secrets.token_hex(64), ends)
        self.roles.append(made)
        text = (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
            f"<AccessKeyId>{made.access_key_id}</AccessKeyId><SecretAccessKey>{made.secret}</SecretAccessKey>"
            f"<SessionToken>{made.token}</SessionToken><Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )
        return Reply(200, text.encode(), {"Content-Type": "text/xml"})

    def _operate(self, call: Call, service: Service, operation: str) -> Reply:
        if call.headers.get("content-type") != "application/x-amz-json-1.1":
            raise Refusal("SerializationException", "content type")
        try:
            body = call.json()
        except ValueError:
            raise Refusal("SerializationException", "no JSON") from None
        needed, allowed = service.fields[operation]
        if not needed <= set(body) <= needed | allowed:
            raise Refusal("ValidationException", f"fields of {operation}: {sorted(set(body) ^ needed)}")
        label = service.label + operation
        self.asked.append((label, body))
        if label in self.denied:
            raise Refusal("AccessDeniedException", f"User is not authorized to perform: {service.scope}:{operation}")
        if self.errors.get(label):
            raise self.errors[label].pop(0)
        service.check(body)
        answer = service.does[operation](body)
        return Reply(200, b"" if answer is None else answer, JSON)


def _signature(call: Call, names: str, stamp: str, place: str, secret: str) -> str:
    """Compute a signature as AWS does, from what arrived."""
    covered = "".join(f"{name}:{call.headers.get(name, '')}\n" for name in names.split(";"))
    for name in ("host", "x-amz-date"):
        if name not in names.split(";"):
            raise Refusal("IncompleteSignatureException", f"'{name}' must be a signed header")
    digest = hashlib.sha256(call.body).hexdigest()
    canonical = f"{call.method}\n{call.path}\n\n{covered}\n{names}\n{digest}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{place}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + secret).encode()
    for part in (*place.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()
