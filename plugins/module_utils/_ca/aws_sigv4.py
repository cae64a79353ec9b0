# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS's signature of requests, version 4: pure, with the time handed in.

:source: AWS General Reference, "Signature Version 4 signing process"; held against botocore's in the tests.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from .._core.redact import Secret
from .._http.base import Request

ALGORITHM = "AWS4-HMAC-SHA256"
_PLAIN = "-_.~"


@dataclass(frozen=True)
class Keys:
    """What a request is signed with.

    :ivar token: of a session, as of a role; None for a user's lasting keys.
    """

    access_key_id: str
    secret: Secret
    token: Secret | None = None


@dataclass(frozen=True)
class Scope:
    """What a signature is good for.

    :ivar host: as in the Host header.
    """

    host: str
    region: str
    service: str


def signed(request: Request, keys: Keys, scope: Scope, at: datetime) -> Request:
    """Give a request with its signature.

    :param at: UTC; AWS takes a signature for five minutes around it.
    """
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    headers = {**request.headers, "X-Amz-Date": stamp}
    if keys.token is not None:
        headers["X-Amz-Security-Token"] = keys.token.reveal()
    covered = _covered(headers, scope.host)
    names = ";".join(covered)
    canonical = _canonical(request, covered, names)
    place = f"{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = "\n".join((ALGORITHM, stamp, place, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{keys.secret.reveal()}".encode()
    for part in place.split("/"):
        key = _mac(key, part)
    headers["Authorization"] = (
        f"{ALGORITHM} Credential={keys.access_key_id}/{place}, SignedHeaders={names}, Signature={_mac(key, text).hex()}"
    )
    return replace(request, headers=headers)


def _covered(headers: Mapping[str, str], host: str) -> dict[str, str]:
    """Give the headers that are signed, in order: what something between may write anew is not among them."""
    lower = {name.lower(): " ".join(text.split()) for name, text in headers.items()}
    mine = {name: text for name, text in lower.items() if name == "content-type" or name.startswith("x-amz-")}
    return dict(sorted({**mine, "host": host}.items()))


def _canonical(request: Request, covered: Mapping[str, str], names: str) -> str:
    pairs = sorted((quote(name, safe=_PLAIN), quote(value, safe=_PLAIN)) for name, value in request.query)
    return "\n".join(
        (
            request.method,
            # The path is encoded once more than it is sent, by every service but S3.
            quote(request.path, safe="/" + _PLAIN),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{value}" for name, value in covered.items()),
            "",
            names,
            hashlib.sha256(request.body or b"").hexdigest(),
        )
    )


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
