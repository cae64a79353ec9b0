# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proofs of control in an order: which challenge is taken for a name, what somebody has to do, what became of it.

Pure but for the look whether a proof can be seen. :source: RFC 8555 §7.1.4, §8; RFC 8738 (addresses).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from . import acme_look
from .acme_jws import AccountKey, b64
from .acme_server import reason_of
from .answer_base import Action

DNS_01, HTTP_01 = "dns-01", "http-01"
METHODS = (DNS_01, HTTP_01)
LOOK, WAIT = "look", "wait"
_HTTP = "/.well-known/acme-challenge/"
_DNS = "_acme-challenge."


@dataclass(frozen=True)
class Proof:
    """One name's proof.

    :ivar challenge: as the CA tells it; empty where none serves.
    :ivar action: what somebody has to do.
    """

    challenge: Mapping[str, Any]
    action: Action

    @property
    def url(self) -> str:
        """Give what the challenge is answered at."""
        return str(self.challenge.get("url") or "")


def proof_of(authorization: Mapping[str, Any], wanted: str, key: AccountKey) -> Proof | None:
    """Choose a challenge of an authorization; None where it offers none that anybody could act on.

    Wildcards are proved by dns-01 alone, addresses never by it, whatever is wanted; another name by the other method
    where the CA offers but that.
    """
    identifier = authorization.get("identifier") or {}
    name = str(identifier.get("value") or "").removeprefix("*.")
    offered = {str(one.get("type")): one for one in authorization.get("challenges") or () if isinstance(one, Mapping)}
    ways = [wanted, *(one for one in METHODS if one != wanted)]
    if authorization.get("wildcard"):
        ways = [DNS_01]
    elif identifier.get("type") == "ip":
        ways = [HTTP_01]
    kind = next((one for one in ways if one in offered), "")
    if not kind:
        return None
    challenge = offered[kind]
    token = str(challenge.get("token") or "")
    told = f"{token}.{key.thumbprint}"
    if kind == DNS_01:
        value = b64(hashlib.sha256(told.encode()).digest())
        return Proof(challenge, Action(kind, name, f"{_DNS}{name}", value))
    shown = f"[{name}]" if ":" in name else name
    return Proof(challenge, Action(kind, name, f"{_HTTP}{token}", told, url=f"http://{shown}{_HTTP}{token}"))


def offered_words(authorization: Mapping[str, Any]) -> str:
    """Name the challenges an authorization offers."""
    kinds = [str(one.get("type")) for one in authorization.get("challenges") or () if isinstance(one, Mapping)]
    return ", ".join(sorted(kinds)) or "none"


def failure_of(authorization: Mapping[str, Any]) -> str:
    """Say why an authorization failed, in the CA's words."""
    identifier = authorization.get("identifier") or {}
    told = [
        reason_of(one["error"])
        for one in authorization.get("challenges") or ()
        if isinstance(one, Mapping) and isinstance(one.get("error"), Mapping)
    ]
    words = "; ".join(one for one in told if one)
    return f"the proof for {identifier.get('value')} is {authorization.get('status')}{f': {words}' if words else ''}"


def not_done(action: Action, options: Mapping[str, Any], told_at: datetime, now: datetime) -> str:
    """Say why the CA is not told to look yet; empty when it is time.

    :param told_at: when somebody was first told to act.
    """
    if options["dcv_check"] == WAIT:
        left = (told_at + timedelta(seconds=options["dcv_wait_s"]) - now).total_seconds()
        return f"the CA is told to look in {left:.0f} seconds" if left > 0 else ""
    if action.kind == DNS_01:
        return acme_look.txt_reason(action.name, action.value, options.get("dns_servers") or ())
    return acme_look.page_reason(action.domain, options["http_port"], action.name, action.value)
