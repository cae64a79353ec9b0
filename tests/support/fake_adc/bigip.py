# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A BIG-IP as far as making keys needs one: iControl REST with tokens that end, roles, real keys and CSRs.

Shapes and texts are those of published documents and of clients' recorded answers; where none was found, the guide on
controllers says that they are assumed.
"""

from __future__ import annotations

import base64
import itertools
import pathlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import making
from .server import Arrived, FakeAdc, Reply

KEY_MEMBERS = {"name", "partition", "keyType", "keySize", "curveName", "securityType"}
CSR_MEMBERS = {
    "name",
    "partition",
    "key",
    "commonName",
    "subjectAlternativeName",
    "country",
    "state",
    "city",
    "organization",
    "ou",
    "emailAddress",
    "challengePassword",
}
TOKEN_S = 1200
MICROS = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")
_LIST = re.compile(r"-c 'tmsh list sys crypto csr /([^/ ']+)/([^/ ']+)'")


@dataclass
class StoredKey:
    """One key; ``saved`` tells whether a restart keeps it."""

    name: str
    partition: str
    key: making.Key
    kind: str
    bits: int
    curve: str
    security: str
    made: str
    saved: bool = False


@dataclass
class BigIpOptions:
    """How the device is.

    :ivar user: its user; ``role`` is ``admin``, or ``guest``, who only reads.
    :ivar state: ``ACTIVE``, ``STANDBY`` or ``FORCED OFFLINE``.
    :ivar copies_email: the subject's e-mail address is copied into the names, as seen on real devices.
    """

    user: str = "clm"
    password: str = "Fake-Pass-9c1"
    role: str = "admin"
    provider: str = "tmos"
    state: str = "ACTIVE"
    version: str = "17.1.1"
    appliance_mode: bool = False
    has_fips: bool = False
    most_tokens: int = 100
    copies_email: bool = True
    partitions: tuple[str, ...] = ("Common", "edge")
    token_lasts_calls: int = 0


@dataclass
class FakeBigIp(FakeAdc):
    """The device."""

    folder: pathlib.Path
    options: BigIpOptions = field(default_factory=BigIpOptions)
    names: tuple[str, ...] = ("localhost", "127.0.0.1")

    def __post_init__(self) -> None:
        FakeAdc.__init__(self, self.folder, self.names)
        self.keys: dict[tuple[str, str], StoredKey] = {}
        self.csrs: dict[tuple[str, str], str] = {}
        self.tokens: dict[str, int] = {}
        self._numbers = itertools.count(1)

    def restart(self) -> None:
        """Start again from the saved configuration; every token is gone."""
        self.keys = {place: key for place, key in self.keys.items() if key.saved}
        self.tokens.clear()

    def add_key(self, name: str, partition: str = "Common", bits: int = 2048, kind: str = "rsa-private") -> None:
        """Have a key that somebody made by hand."""
        self._store_key({"name": name, "partition": partition, "keyType": kind, "keySize": str(bits)})
        self.keys[(partition, name)].saved = True

    def end_tokens(self) -> None:
        """Let every token end."""
        self.tokens.clear()

    def handle(self, arrived: Arrived) -> Reply:
        """Answer a request."""
        path = arrived.path.rstrip("/")
        if path == "/mgmt/shared/authn/login":
            return self._login(arrived)
        refused = self._unauthorized(arrived)
        if refused is not None:
            return refused
        base, _slash, last = path.rpartition("/")
        routes: Mapping[tuple[str, str], Callable[[Arrived], Reply]] = {
            ("GET", "/mgmt/tm/sys/version"): self._version,
            ("GET", "/mgmt/tm/cm/failover-status"): self._failover,
            ("GET", "/mgmt/tm/sys/file/ssl-key"): self._list_files,
            ("GET", "/mgmt/tm/sys/crypto/key"): self._list_keys,
            ("POST", "/mgmt/tm/sys/crypto/key"): self._make_key,
            ("POST", "/mgmt/tm/sys/crypto/csr"): self._make_csr,
            ("POST", "/mgmt/tm/sys/config"): self._save,
            ("POST", "/mgmt/tm/util/bash"): self._bash,
        }
        if (arrived.method, path) in routes:
            return routes[(arrived.method, path)](arrived)
        if base in ("/mgmt/tm/sys/file/ssl-key", "/mgmt/tm/sys/crypto/key") and arrived.method == "GET":
            return self._one_key(base, last)
        if base == "/mgmt/tm/sys/crypto/csr" and arrived.method == "GET":
            return self._one_csr(last)
        if base == "/mgmt/tm/sys/file/ssl-csr" and arrived.method == "DELETE":
            return self._remove_csr(arrived, last)
        return error(404, f"Public URI path not registered: {path}")

    def _login(self, arrived: Arrived) -> Reply:
        body, options = arrived.body or {}, self.options
        unknown = set(body) - {"username", "password", "loginProviderName"}
        if arrived.method != "POST" or unknown or not {"username", "password"} <= set(body):
            return error(400, f"Found unexpected json pairs: {', '.join(sorted(unknown)) or 'none'}")
        good = (options.user, options.password, options.provider)
        if (body["username"], body["password"], body.get("loginProviderName", "tmos")) != good:
            return error(401, "Authentication failed.")
        if len(self.tokens) >= options.most_tokens:
            return error(400, f"user {options.user} has reached maximum active login tokens")
        token = f"TOKEN{next(self._numbers):020d}ABCDE"
        self.tokens[token] = options.token_lasts_calls
        now = next(self._numbers) * MICROS
        item = {
            "token": token,
            "name": token,
            "userName": options.user,
            "authProviderName": options.provider,
            "timeout": TOKEN_S,
            "lastUpdateMicros": now,
            "expirationMicros": now + TOKEN_S * MICROS,
            "kind": "shared:authz:tokens:authtokenitemstate",
        }
        return Reply(200, {"username": options.user, "loginProviderName": options.provider, "token": item})

    def _unauthorized(self, arrived: Arrived) -> Reply | None:
        token = arrived.headers.get("x-f5-auth-token", "")
        basic = base64.b64encode(f"{self.options.user}:{self.options.password}".encode()).decode()
        if token:
            if token not in self.tokens:
                return error(401, "X-F5-Auth-Token does not exist.")
            if self.tokens[token]:
                self.tokens[token] -= 1
                if not self.tokens[token]:
                    del self.tokens[token]
        elif arrived.headers.get("authorization") != f"Basic {basic}":
            return error(401, "Authorization failed: no user authentication header or token detected.")
        if self.options.role != "admin" and arrived.method != "GET":
            user = "https://localhost/mgmt/shared/authz/users/" + self.options.user
            resource = f"resource={arrived.path} verb={arrived.method} uri:http://localhost:8100{arrived.path}"
            return error(401, f"Authorization failed: user={user} {resource}")
        return None

    def _version(self, _arrived: Arrived) -> Reply:
        entries = {"Product": {"description": "BIG-IP"}, "Version": {"description": self.options.version}}
        return statistics("tm:sys:version:versionstats", "https://localhost/mgmt/tm/sys/version/0", entries)

    def _failover(self, _arrived: Arrived) -> Reply:
        entries = {"color": {"description": "green"}, "status": {"description": self.options.state}}
        kind = "tm:cm:failover-status:failover-statusstats"
        return statistics(kind, "https://localhost/mgmt/tm/cm/failover-status/0", entries)

    def _list_files(self, arrived: Arrived) -> Reply:
        wanted = arrived.query.get("$filter", "")
        found = re.fullmatch(r"partition eq (\S+)", wanted)
        if wanted and not found:
            return error(400, f"invalid filter {wanted!r}")
        keys = [key for key in self.keys.values() if not found or key.partition == found.group(1)]
        kind = "tm:sys:file:ssl-key:ssl-keycollectionstate"
        return Reply(200, {"kind": kind, "items": [file_item(key) for key in keys]})

    def _list_keys(self, _arrived: Arrived) -> Reply:
        items = [crypto_item(key) for key in self.keys.values()]
        return Reply(200, {"kind": "tm:sys:crypto:key:keycollectionstate", "items": items})

    def _one_key(self, base: str, last: str) -> Reply:
        place = place_of(last)
        if place not in self.keys:
            return not_found("Certificate Key File", place)
        key = self.keys[place]
        return Reply(200, file_item(key) if base.endswith("ssl-key") else crypto_item(key))

    def _one_csr(self, last: str) -> Reply:
        place = place_of(last)
        if place not in self.csrs:
            return not_found("Certificate Signing Request File", place)
        name = f"/{place[0]}/{place[1]}"
        return Reply(200, {"kind": "tm:sys:crypto:csr:csrstate", "name": name, "fullPath": name, "generation": 1})

    def _remove_csr(self, arrived: Arrived, last: str) -> Reply:
        if arrived.body is not None or arrived.raw_query:
            return error(400, "a DELETE takes no content")
        if self.csrs.pop(place_of(last), None) is None:
            return not_found("Certificate Signing Request File", place_of(last))
        return Reply(200, None)

    def _make_key(self, arrived: Arrived) -> Reply:
        body, refused = self._checked(arrived.body, KEY_MEMBERS)
        if refused is not None:
            return refused
        place = (body["partition"], body["name"])
        if place in self.keys:
            return already("Certificate Key File", place)
        if body.get("keyType", "rsa-private") not in ("rsa-private", "ec-private"):
            return error(400, f'01070734:3: Configuration error: unknown key-type "{body["keyType"]}"')
        security = body.get("securityType", "normal")
        if security not in ("normal", "fips", "nethsm", "password"):
            return error(400, f'invalid property value "security-type":"{security}"')
        if security == "fips" and not self.options.has_fips:
            return error(400, "01070712:3: Caught configuration exception (0), FIPS device is not present.")
        if body.get("keySize", "2048") not in ("1024", "2048", "4096"):
            return error(400, f'invalid property value "key-size":"{body["keySize"]}"')
        if body.get("keyType") == "ec-private" and body.get("curveName") not in making.CURVES:
            return error(400, f'invalid property value "curve-name":"{body.get("curveName")}"')
        self._store_key(body)
        return Reply(200, crypto_item(self.keys[place]))

    def _store_key(self, body: Mapping[str, str]) -> None:
        is_ec = body.get("keyType") == "ec-private"
        bits = int(body.get("keySize", "2048"))
        key = making.make_ec(body["curveName"]) if is_ec else making.make_rsa(bits)
        number = next(self._numbers)
        self.keys[(body["partition"], body["name"])] = StoredKey(
            body["name"],
            body["partition"],
            key,
            body.get("keyType", "rsa-private"),
            key.key_size,
            body.get("curveName", "none"),
            body.get("securityType", "normal"),
            f"2026-11-{1 + number // 3600 % 28:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00Z",
        )

    def _make_csr(self, arrived: Arrived) -> Reply:
        body, refused = self._checked(arrived.body, CSR_MEMBERS)
        if refused is not None:
            return refused
        place = (body["partition"], body["name"])
        if place in self.csrs:
            return already("Certificate Signing Request File", place)
        key = self.keys.get(place_of(body.get("key", "").replace("/", "~")))
        if key is None:
            return error(404, f"01020036:3: The requested Certificate Key File ({body.get('key')}) was not found.")
        if not body.get("commonName"):
            return error(400, '"common-name" must be specified')
        names = body.get("subjectAlternativeName", "")
        if self.options.copies_email and body.get("emailAddress"):
            names = f"{names}, email:{body['emailAddress']}".strip(", ")
        words = (("C", "country"), ("ST", "state"), ("L", "city"), ("O", "organization"), ("OU", "ou"))
        subject = {word: body.get(member, "") for word, member in (*words, ("CN", "commonName"))}
        subject["emailAddress"] = body.get("emailAddress", "")
        try:
            self.csrs[place] = making.make_csr(key.key, subject, names, body.get("challengePassword", ""))
        except ValueError as exc:
            return error(400, f"01071812:3: {exc}")
        return Reply(200, {"kind": "tm:sys:crypto:csr:csrstate", **{k: v for k, v in body.items() if "Pass" not in k}})

    def _checked(self, body: Any, members: set[str]) -> tuple[dict[str, str], Reply | None]:
        if not isinstance(body, dict) or not _NAME.fullmatch(str(body.get("name", ""))):
            return {}, error(400, "invalid or missing name")
        unknown = set(body) - members
        if unknown:
            return {}, error(400, f"one or more properties are unknown: {', '.join(sorted(unknown))}")
        wrong = [name for name, value in body.items() if not isinstance(value, str)]
        if wrong:
            return {}, error(400, f"invalid property value: {', '.join(wrong)}")
        full = {"partition": "Common", **body}
        if full["partition"] not in self.options.partitions:
            return {}, error(400, f"01020036:3: The requested folder (/{full['partition']}) was not found.", 3)
        return full, None

    def _save(self, arrived: Arrived) -> Reply:
        if arrived.body != {"command": "save"}:
            return error(400, "invalid command")
        for key in self.keys.values():
            key.saved = True
        return Reply(200, {"kind": "tm:sys:config:savestate", "command": "save"})

    def _bash(self, arrived: Arrived) -> Reply:
        body = arrived.body or {}
        if set(body) != {"command", "utilCmdArgs"} or body["command"] != "run":
            return error(400, "invalid command")
        if self.options.appliance_mode:
            return error(403, "Bash access is not permitted while the system is in appliance mode.")
        text = ""
        listed = _LIST.fullmatch(body["utilCmdArgs"])
        if listed:
            place = (listed.group(1), listed.group(2))
            name = f"{place[1]}"
            missing = (
                f"01020036:3: The requested Certificate Signing Request File (/{place[0]}/{name}) was not found.\n"
            )
            text = f"{self.csrs[place]}sys crypto csr {name} {{\n}}\n" if place in self.csrs else missing
        elif body["utilCmdArgs"] == "-c 'tmsh show sys version'":
            text = f"\nSys::Version\nMain Package\n  Product     BIG-IP\n  Version     {self.options.version}\n"
        else:
            text = "bash: command not found\n"
        return Reply(200, {"kind": "tm:util:bash:runstate", **body, "commandResult": text})


def error(code: int, message: str, api_error: int = 1) -> Reply:
    """Give an error as iControl REST writes one."""
    return Reply(code, {"code": code, "message": message, "errorStack": [], "apiError": api_error})


def not_found(what: str, place: tuple[str, str]) -> Reply:
    """Give that something is not there."""
    return error(404, f"01020036:3: The requested {what} (/{place[0]}/{place[1]}) was not found.", 1)


def already(what: str, place: tuple[str, str]) -> Reply:
    """Give that something is there already."""
    text = f"01020066:3: The requested {what} (/{place[0]}/{place[1]}) already exists in partition {place[0]}."
    return error(409, text, 3)


def statistics(kind: str, url: str, entries: Mapping[str, Any]) -> Reply:
    """Give one entry of statistics, nested as the device nests it."""
    own = url.rpartition("/")[0]
    return Reply(200, {"kind": kind, "selfLink": own, "entries": {url: {"nestedStats": {"entries": entries}}}})


def place_of(text: str) -> tuple[str, str]:
    """Read ``~Common~name``, or a name alone."""
    parts = text.strip("~").split("~")
    return (parts[0], parts[1]) if len(parts) == 2 else ("Common", parts[0])


def file_item(key: StoredKey) -> dict[str, Any]:
    """Show a key's file as ``sys/file/ssl-key`` does: nothing of what it holds."""
    full = f"/{key.partition}/{key.name}"
    return {
        "kind": "tm:sys:file:ssl-key:ssl-keystate",
        "name": key.name,
        "partition": key.partition,
        "fullPath": full,
        "selfLink": f"https://localhost/mgmt/tm/sys/file/ssl-key/{full.replace('/', '~')}?ver=17.1.1",
        "createTime": key.made,
        "curveName": key.curve,
        "keySize": key.bits,
        "keyType": key.kind,
        "securityType": key.security,
        "systemPath": f"/config/ssl/ssl.key/{key.name}",
    }


def crypto_item(key: StoredKey) -> dict[str, Any]:
    """Show a key as ``sys/crypto/key`` does."""
    full = f"/{key.partition}/{key.name}"
    return {
        "kind": "tm:sys:crypto:key:keystate",
        "name": full,
        "fullPath": full,
        "generation": 1,
        "selfLink": f"https://localhost/mgmt/tm/sys/crypto/key/{full.replace('/', '~')}?ver=17.1.1",
        "keySize": str(key.bits),
        "keyType": key.kind,
        "securityType": key.security,
    }
