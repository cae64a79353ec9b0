# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NetScaler as far as making keys needs one: NITRO with sessions that end, command policies, real keys and CSRs.

Shapes and codes are those of the published NITRO documents and of clients; where none was found, the guide on
controllers says that they are assumed.
"""

from __future__ import annotations

import base64
import itertools
import pathlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from . import making
from .server import Arrived, FakeAdc, Reply

CONFIG = "/nitro/v1/config/"
DIRECTORY = "/nsconfig/ssl"
LONGEST = 63
# Members of what is created, and which of them are to be there; from the published pages of the three resources.
RSA = ({"keyfile", "bits", "exponent", "keyform", "des", "des3", "aes256", "password", "pkcs8"}, ("keyfile", "bits"))
EC = ({"keyfile", "curve", "keyform", "des", "des3", "aes256", "password", "pkcs8"}, ("keyfile", "curve"))
REQ = (
    {
        "reqfile",
        "keyfile",
        "subjectaltname",
        "fipskeyname",
        "keyform",
        "pempassphrase",
        "countryname",
        "statename",
        "organizationname",
        "organizationunitname",
        "localityname",
        "commonname",
        "emailaddress",
        "challengepassword",
        "companyname",
        "digestmethod",
    },
    ("reqfile", "countryname", "statename", "organizationname"),
)
_ARGS = re.compile(r"args=(?:filename:([^,:&]+),)?filelocation:([^,:&]+)")


@dataclass
class NetScalerOptions:
    """How the device is.

    :ivar role: ``Primary``, ``Secondary``, or empty for one that stands alone; ``may_create`` and ``may_remove``: the
        user's policy.
    :ivar errors_with_200: refusals come with HTTP 200 and an errorcode, as ``onerror`` and old versions have them.
    :ivar separator: of the names in a CSR.
    """

    user: str = "clm"
    password: str = "Fake-Pass-4d7"
    role: str = "Primary"
    version: str = "NetScaler NS14.1: Build 25.56.nc, Date: Jun 13 2026, 09:11:29   (64-bit)"
    may_create: bool = True
    may_remove: bool = True
    errors_with_200: bool = False
    separator: str = ","
    most_sessions: int = 20


@dataclass
class FakeNetScaler(FakeAdc):
    """The device.

    :ivar handed_out: names of files whose content was given away; a key among them is a breach.
    """

    folder: pathlib.Path
    options: NetScalerOptions = field(default_factory=NetScalerOptions)
    names: tuple[str, ...] = ("localhost", "127.0.0.1")

    def __post_init__(self) -> None:
        FakeAdc.__init__(self, self.folder, self.names)
        self.files: dict[str, str] = {}
        self.times: dict[str, str] = {}
        self.keys: dict[str, making.Key] = {}
        self.sessions: set[str] = set()
        self.handed_out: list[str] = []
        self._numbers = itertools.count(1)

    def add_key(self, name: str, bits: int = 2048) -> None:
        """Have a key that somebody made by hand."""
        self._store_key(f"{DIRECTORY}/{name}", making.make_rsa(bits))

    def end_sessions(self) -> None:
        """Let every session end."""
        self.sessions.clear()

    def handle(self, arrived: Arrived) -> Reply:
        """Answer a request."""
        if arrived.path == CONFIG + "login":
            return self._login(arrived)
        refused = self._unauthorized(arrived)
        if refused is not None:
            return refused
        if arrived.method == "GET":
            return self._get(arrived)
        noun = arrived.path.removeprefix(CONFIG)
        if arrived.method == "DELETE" and noun.startswith("systemfile/"):
            return self._remove_file(arrived, noun.partition("/")[2])
        if noun == "logout" and arrived.body == {"logout": {}}:
            self.sessions.discard(_cookie(arrived))
            return _done(201)
        tables = {"sslrsakey": RSA, "sslecdsakey": EC, "sslcertreq": REQ}
        if arrived.method != "POST" or noun not in tables or arrived.raw_query != "action=create":
            return self._error(1240, f"Object type is not valid or action is not supported [{noun}]", 400)
        if not self.options.may_create:
            return self._error(2138, f"Not authorized to execute this command [create ssl {noun[3:]}]", 403)
        members, problem = self._members(arrived.body, noun, *tables[noun])
        if problem is not None:
            return problem
        return self._make_csr(members) if noun == "sslcertreq" else self._make_key(noun, members)

    def _login(self, arrived: Arrived) -> Reply:
        body = (arrived.body or {}).get("login")
        if not isinstance(body, dict) or set(body) - {"username", "password", "timeout"}:
            return self._error(278, "Invalid argument [login]", 400)
        if (body.get("username"), body.get("password")) != (self.options.user, self.options.password):
            return self._error(354, "Invalid username or password", 401)
        if len(self.sessions) >= self.options.most_sessions:
            return self._error(446, "Connection limit to CFE exceeded", 503)
        session = f"##{next(self._numbers):08X}B2A71E88E029BC33F00E9C24704E71821EB86BD9"
        self.sessions.add(session)
        answer = {"errorcode": 0, "message": "Done", "severity": "NONE", "sessionid": session}
        return Reply(201, answer, headers={"Set-Cookie": f"NITRO_AUTH_TOKEN={session}; path=/nitro/v1; HttpOnly"})

    def _unauthorized(self, arrived: Arrived) -> Reply | None:
        session, user = _cookie(arrived), arrived.headers.get("x-nitro-user")
        if session and user:
            return self._error(1204, "Both a session and a user were given", 400)
        if user and (user, arrived.headers.get("x-nitro-pass")) == (self.options.user, self.options.password):
            return None
        if session in self.sessions:
            return None
        if session:
            return self._error(444, "Session expired or killed. Please login again", 401)
        return self._error(354, "Invalid username or password", 401)

    def _get(self, arrived: Arrived) -> Reply:
        if arrived.path == CONFIG + "nsversion":
            return _done(200, nsversion={"version": self.options.version, "mode": "1"})
        if arrived.path == "/nitro/v1/stat/hanode":
            is_pair = bool(self.options.role)
            node = {"hacurstatus": "YES" if is_pair else "NO", "hacurmasterstate": self.options.role or "Primary"}
            return _done(200, hanode=node)
        if arrived.path == CONFIG + "systemfile":
            return self._systemfile(arrived.raw_query)
        return self._error(258, "No such resource", 404)

    def _systemfile(self, raw_query: str) -> Reply:
        # Colon and comma are its own and are to come as they are; only what stands between is encoded.
        found = _ARGS.fullmatch(raw_query)
        if not found or "/" in found.group(2):
            return self._error(1095, "Required argument missing [fileLocation]", 400)
        location = unquote(found.group(2)).rstrip("/")
        inside = {path: text for path, text in self.files.items() if path.rpartition("/")[0] == location}
        if found.group(1) is None:
            items = [self._item(path, text) for path, text in inside.items()]
            return _done(200, **({"systemfile": items} if items else {}))
        path = f"{location}/{unquote(found.group(1))}"
        if path not in inside:
            return self._error(3445, f"No such file or directory [fileName, {path}]", 404)
        self.handed_out.append(path)
        content = base64.b64encode(inside[path].encode()).decode()
        return _done(200, systemfile=[{**self._item(path, inside[path]), "filecontent": content}])

    def _remove_file(self, arrived: Arrived, name: str) -> Reply:
        found = _ARGS.fullmatch(arrived.raw_query)
        if arrived.body is not None or not found or found.group(1) or "/" in found.group(2):
            return self._error(1095, "Required argument missing [fileLocation]", 400)
        if not self.options.may_remove:
            return self._error(2138, "Not authorized to execute this command [rm system file]", 403)
        path = f"{unquote(found.group(2)).rstrip('/')}/{name}"
        if path not in self.files:
            return self._error(3445, f"No such file or directory [fileName, {path}]", 404)
        del self.files[path], self.times[path]
        self.keys.pop(path, None)
        return _done(200)

    def _item(self, path: str, text: str) -> dict[str, Any]:
        location, _slash, name = path.rpartition("/")
        moment = self.times[path]
        times = {"fileaccesstime": moment, "filemodifiedtime": moment}
        return {"filename": name, "filelocation": location, "fileencoding": "BASE64", "filesize": len(text), **times}

    def _members(
        self, body: Any, noun: str, known: set[str], needed: tuple[str, ...]
    ) -> tuple[dict[str, Any], Reply | None]:
        members = body.get(noun) if isinstance(body, dict) and set(body) == {noun} else None
        if not isinstance(members, dict):
            return {}, self._error(1097, f"Invalid payload for {noun}", 400)
        unknown = sorted(set(members) - known)
        if unknown:
            return {}, self._error(278, f"Invalid argument [{', '.join(unknown)}]", 400)
        missing = [name for name in needed if not members.get(name)]
        if missing:
            return {}, self._error(1095, f"Required argument missing [{', '.join(missing)}]", 400)
        for name in ("keyfile", "reqfile"):
            if len(str(members.get(name, ""))) > LONGEST:
                return {}, self._error(1090, f"Argument value too long [{name}]", 400)
        return members, None

    def _make_key(self, noun: str, members: Mapping[str, Any]) -> Reply:
        path = _path(members["keyfile"])
        if path in self.files:
            return self._error(273, f"Resource already exists [{members['keyfile']}]", 409)
        if noun == "sslrsakey":
            bits = members["bits"]
            if not isinstance(bits, int) or not 512 <= bits <= 4096 or members.get("exponent", "F4") not in ("3", "F4"):
                return self._error(1090, "Invalid argument value [bits]", 400)
            self._store_key(path, making.make_rsa(bits))
            return _done(200)
        if members["curve"] not in ("P_256", "P_384"):
            return self._error(1090, "Invalid argument value [curve]", 400)
        self._store_key(path, making.make_ec(members["curve"]))
        return _done(200)

    def _store_key(self, path: str, key: making.Key) -> None:
        self.keys[path] = key
        self._store(path, making.pem_of(key))

    def _store(self, path: str, text: str) -> None:
        number = next(self._numbers)
        self.files[path] = text
        self.times[path] = f"Mon Nov 30 {number // 60 % 24:02d}:{number % 60:02d}:00 2026"

    def _make_csr(self, members: Mapping[str, Any]) -> Reply:
        path, key = _path(members["reqfile"]), self.keys.get(_path(members.get("keyfile", "")))
        if path in self.files:
            return self._error(273, f"Resource already exists [{members['reqfile']}]", 409)
        if key is None:
            return self._error(3445, f"No such file or directory [keyFile, {members.get('keyfile')}]", 599)
        if len(str(members["countryname"])) != 2 or 0 < len(str(members.get("challengepassword", ""))) < 4:
            return self._error(1090, "Invalid argument value [countryName or challengePassword]", 400)
        subject = {
            "C": members["countryname"],
            "ST": members["statename"],
            "L": members.get("localityname", ""),
            "O": members["organizationname"],
            "OU": members.get("organizationunitname", ""),
            "CN": members.get("commonname", ""),
            "emailAddress": members.get("emailaddress", ""),
        }
        names = str(members.get("subjectaltname", ""))
        how = {"digest": str(members.get("digestmethod", "SHA1")), "separator": self.options.separator}
        try:
            text = making.make_csr(key, subject, names, str(members.get("challengepassword", "")), **how)
        except ValueError as exc:
            return self._error(1097, f"Invalid subjectAltName ({exc})", 599)
        self._store(path, text)
        return _done(200)

    def _error(self, code: int, message: str, status: int) -> Reply:
        answer = {"errorcode": code, "message": message, "severity": "ERROR"}
        return Reply(200 if self.options.errors_with_200 else status, answer)


def _done(status: int, **more: Any) -> Reply:
    return Reply(status, {"errorcode": 0, "message": "Done", "severity": "NONE", **more})


def _cookie(arrived: Arrived) -> str:
    found = re.search(r"NITRO_AUTH_TOKEN=([^;]+)", arrived.headers.get("cookie", ""))
    return found.group(1) if found else ""


def _path(name: str) -> str:
    return name if name.startswith("/") else f"{DIRECTORY}/{name}"
