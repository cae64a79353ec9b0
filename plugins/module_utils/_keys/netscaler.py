# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and CSRs made on a NetScaler through NITRO (E8).

Where each fact comes from, and which are assumed, stands in the guide on controllers.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .._core.errors import AuthError, RemoteError
from .._core.limits import ADC_RSA_BITS
from .._core.redact import Secret
from .._core.vocabulary import ECDSA
from .._pki import pem
from .adc_driver import NAME_TAKEN, NOT_FOUND, STANDBY, Driver, KeySeen
from .adc_keys import AdcKeys
from .adc_orders import CSR_ENDING, KEY_ENDING, Part, alternative_names
from .base import KeyOrder
from .device_base import DeviceAbilities, DeviceCheck
from .rest_device import Call, DeviceConflict, RestDevice, Rule, Said, entries, inside
from .rest_options import Option, RestDeviceType
from .rest_session import LOGIN_REFUSED, SESSION_ENDED, Session

if TYPE_CHECKING:
    from .device_base import DeviceKeys, RefusalMemory

CONFIG = "/nitro/v1/config"
HA = "/nitro/v1/stat/hanode"
SESSION_S = 900
LONGEST_PATH = 63
DIRECTORY = "/nsconfig/ssl"
OLDEST = (12, 1)

CURVES: Mapping[str, str] = {"secp256r1": "P_256", "secp384r1": "P_384"}
# Words of our options, and the members of a CSR; the first three are to be there always.
_SUBJECT: Mapping[str, str] = {
    "country": "countryname",
    "state_or_province": "statename",
    "organization": "organizationname",
    "organizational_unit": "organizationunitname",
    "locality": "localityname",
    "email": "emailaddress",
}
_NEEDED = ("country", "state_or_province", "organization")
# Of the published list "zero (0)" is left out: the same page's own examples have digits.
_NOT_IN_ORGANIZATION = "<>~!@#^*/[]?"
_LEAST_CHALLENGE = 4
_TIME = "%a %b %d %H:%M:%S %Y"
_RIGHTS = (
    "bind to the user a command policy that allows '(^create\\s+ssl\\s+.*)|(^show\\s+system\\s+file.*)|"
    "(^rm\\s+system\\s+file.*)|(^show\\s+ns\\s+version)|(^stat\\s+HA\\s+node.*)'"
)

RULES = (
    Rule(LOGIN_REFUSED, AuthError, "check user and password", codes=("354",), words=("invalid username or password",)),
    Rule(SESSION_ENDED, AuthError, "log in again", codes=("444",), words=("session expired",)),
    Rule("not_permitted", AuthError, _RIGHTS, codes=("2138",), words=("not authorized",), statuses=(403,)),
    Rule(
        "too_many_sessions",
        RemoteError,
        "as many sessions are open as the device allows; wait until some have ended, or end them there",
        codes=("446",),
        words=("connection limit",),
        retryable=True,
    ),
    Rule(
        STANDBY,
        DeviceConflict,
        "make keys on the primary node, whose files go to the other",
        words=("secondary node", "on secondary", "not the primary"),
    ),
    Rule(
        NAME_TAKEN,
        DeviceConflict,
        "somebody made it meanwhile; run it again",
        statuses=(409,),
        codes=("273",),
        words=("already exist",),
    ),
    Rule(
        NOT_FOUND,
        RemoteError,
        "it is not there",
        statuses=(404,),
        codes=("258",),
        words=("no such file", "no such resource", "does not exist", "file not found"),
    ),
    Rule(LOGIN_REFUSED, AuthError, "check user and password", statuses=(401,)),
    Rule(
        "device_busy",
        RemoteError,
        "its management is starting, or busy; run it again in some minutes",
        words=("not ready", "starting up", "try again later", "resource busy"),
        retryable=True,
    ),
)


def read_refusal(status: int, value: Any) -> Said | None:
    """Read ``{errorcode, message, severity}``, which may come with HTTP 200; a warning is no refusal.

    :source: NITRO documentation, "Exception handling": errorcode 0 is success; 599 and 4xx carry the same payload.
    """
    if isinstance(value, Mapping):
        code = value.get("errorcode", 0)
        is_warning = value.get("severity") == "WARNING" and status < 300
        if code not in (0, "0") and not is_warning:
            return Said(str(code), str(value.get("message") or ""))
    return None if status < 400 else Said("", "")


def token_headers(token: Secret) -> dict[str, str]:
    """Write a session into headers."""
    return {"Cookie": f"NITRO_AUTH_TOKEN={token.reveal()}"}


def is_session_over(exc: RemoteError) -> bool:
    """Say whether a session is not taken any more."""
    return exc.code == SESSION_ENDED or (exc.status == 401 and exc.code == LOGIN_REFUSED)


class NetScalerDriver(Driver):
    """One NetScaler.

    :param options: those of ``NetScalerType``, completed.
    """

    title = "NetScaler"

    def __init__(
        self, device: RestDevice, options: Mapping[str, Any], secrets: Mapping[str, Secret], memory: RefusalMemory
    ) -> None:
        self._device = device
        self._options = options
        self._directory = str(options["directory"]).rstrip("/")
        self._session = Session(device, secrets, self._login, token_headers, is_session_over, memory)
        self._in_default = self._directory == DIRECTORY
        self.longest_name = LONGEST_PATH - (0 if self._in_default else len(self._directory) + 1)
        self.label = device.label
        self.place = f"directory {self._directory}"

    def abilities(self) -> DeviceAbilities:
        """Give what it can make."""
        return DeviceAbilities(
            key_types=("rsa", "ec"),
            key_sizes=ADC_RSA_BITS,
            curves=tuple(CURVES),
            hashes=("sha256",),
            san_types=("dns", "ip", "email", "uri"),
            can_challenge=True,
            can_reuse=True,
        )

    def problems(self, order: KeyOrder) -> list[str]:
        """Give what its CSRs want and cannot say."""
        spec = order.spec
        found = [
            f"{word} is missing; {self.title} makes no CSR without {', '.join(_NEEDED)}"
            for word in _NEEDED
            if not getattr(spec, word)
        ]
        bad = sorted({char for char in spec.organization if char in _NOT_IN_ORGANIZATION})
        if bad:
            found.append(f"organization has {' '.join(bad)}, which {self.title} does not take there")
        found += [
            f"{self.title} separates names by commas or blanks and cannot take {name!r}"
            for name in (*spec.uris, *spec.emails)
            if "," in name or " " in name
        ]
        challenge = order.challenge_password
        if challenge and len(challenge.reveal()) < _LEAST_CHALLENGE:
            found.append(f"the challenge password has fewer than {_LEAST_CHALLENGE} characters")
        return found

    def standby(self) -> str:
        """Say why not, where the node is not the primary one."""
        return _standby_of(self._role())

    def keys(self) -> Sequence[KeySeen]:
        """List the keys in the directory; only names and times, as a file asked for by name comes with its content."""
        return [
            KeySeen(name, made_at=_moment(item.get("filemodifiedtime")))
            for name, item in self._files().items()
            if name.endswith(KEY_ENDING)
        ]

    def key(self, name: str) -> KeySeen | None:
        """Look for one key in the directory's list, never by its name."""
        return next((one for one in self.keys() if one.name == name), None)

    def has_csr(self, name: str) -> bool:
        """Look for one CSR in the directory's list."""
        return name in self._files()

    def make_key(self, part: Part) -> None:
        """Make a key."""
        noun, kind = "sslrsakey", {"bits": part.bits, "exponent": "F4"}
        if part.algorithm == ECDSA:
            noun, kind = "sslecdsakey", {"curve": CURVES[part.curve]}
        body = {noun: {"keyfile": self._file(part.key), **kind, "keyform": "PEM"}}
        self._call(f"make key {part.key}", "POST", f"{CONFIG}/{noun}", body, query=(("action", "create"),))

    def make_csr(self, name: str, part: Part, order: KeyOrder, challenge: Secret | None) -> None:
        """Make a CSR with a key that is there."""
        spec = order.spec
        members = {
            "reqfile": self._file(name),
            "keyfile": self._file(part.key),
            "keyform": "PEM",
            "commonname": spec.common_name,
            "digestmethod": "SHA256",
            **{member: getattr(spec, word) for word, member in _SUBJECT.items() if getattr(spec, word)},
        }
        names = alternative_names(order)
        if names:
            members["subjectaltname"] = (" " if self._options["san_separator"] == "blank" else ",").join(names)
        if challenge is not None:
            self._device.hide(challenge)
            members["challengepassword"] = challenge.reveal()
        what = f"make CSR {name} with key {part.key}"
        self._call(what, "POST", f"{CONFIG}/sslcertreq", {"sslcertreq": members}, query=(("action", "create"),))

    def read_csr(self, name: str) -> str:
        """Read the CSR's file."""
        what = f"read CSR {name}"
        if not name.endswith(CSR_ENDING):
            raise self._device.refusal(what, "its name is none of a CSR", "it is not asked for", "csr_unreadable")
        value = self._call(what, "GET", self._files_path(name))
        files = entries(value, "systemfile")
        content = str(files[0].get("filecontent") or "") if files else ""
        try:
            text = base64.b64decode("".join(content.split()), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            text = ""
        if not text or pem.has_private_key(text):
            came_back = "a private key" if text else "nothing readable in filecontent"
            raise self._device.refusal(what, came_back, f"a CSR was wanted; {_RIGHTS}", "csr_unreadable")
        return pem.one_csr(text, f"CSR {name}")

    def remove_csr(self, name: str) -> None:
        """Remove the CSR's file."""
        path = f"{CONFIG}/systemfile/{quote(name, safe='')}?args=filelocation:{quote(self._directory, safe='')}"
        try:
            self._call(f"remove CSR {name}", "DELETE", path)
        except RemoteError as exc:
            if exc.code != NOT_FOUND:
                raise

    def keep(self) -> None:
        """Do nothing: files in the directory are on the device's flash disk."""

    def dare(self) -> None:
        """Try a refused password once more."""
        self._session.dares = True

    def checks(self) -> Iterator[DeviceCheck]:
        """Try what making keys needs."""
        value = self._call("read the version", "GET", f"{CONFIG}/nsversion")
        version = "".join(str(one.get("version") or "") for one in entries(value, "nsversion")[:1])
        yield DeviceCheck("reach and log in", True, f"{self.label} answers and takes the login")
        yield _version_check(version)
        role = self._role()
        why = _standby_of(role)
        yield DeviceCheck("role", not why, "this node " + (why or f"is {role or 'alone'}"))
        yield DeviceCheck("keys", True, f"{len(self.keys())} keys are in {self.place}, and it can be listed")

    def leave(self) -> None:
        """Close the session that was opened here; one that cannot be closed ends by itself."""
        if not self._session.is_own:
            return
        # An error here would hide what came of the work itself.
        with suppress(RemoteError):
            self._call("log out", "POST", f"{CONFIG}/logout", {"logout": {}})
        self._session.forget()

    def _role(self) -> str:
        """Give the node's role in capitals; empty for one that stands alone."""
        value = self._call("read the role", "GET", HA)
        found = entries(value, "hanode")
        if not found or found[0].get("hacurstatus") == "NO":
            return ""
        return str(found[0].get("hacurmasterstate") or "").upper()

    def _login(self, user: Secret, password: Secret) -> Secret:
        body = {"login": {"username": user.reveal(), "password": password.reveal(), "timeout": SESSION_S}}
        value = self._device.call(Call("log in", "POST", f"{CONFIG}/login", body=body))
        token = inside(value, "sessionid")
        if not token:
            raise self._device.refusal("log in", "no session in the answer", "check host and port", "not_the_api")
        return Secret(str(token))

    def _call(
        self, what: str, method: str, path: str, body: Any = None, query: tuple[tuple[str, str], ...] = ()
    ) -> Any:
        return self._session.call(Call(what, method, path, query, body))

    def _files(self) -> dict[str, Mapping[str, Any]]:
        value = self._call(f"list the files in {self.place}", "GET", self._files_path())
        return {str(item.get("filename", "")): item for item in entries(value, "systemfile")}

    def _files_path(self, name: str = "") -> str:
        # NITRO's args are a small language of their own, whose colon and comma it wants as they are.
        named = f"filename:{name}," if name else ""
        return f"{CONFIG}/systemfile?args={named}filelocation:{quote(self._directory, safe='')}"

    def _file(self, name: str) -> str:
        return name if self._in_default else f"{self._directory}/{name}"


def _standby_of(role: str) -> str:
    if role in ("PRIMARY", ""):
        return ""
    return f"is {role}; make keys on the primary node, whose files go to the other"


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.strptime(str(text), _TIME) if text else None
    except ValueError:
        return None


def _version_check(version: str) -> DeviceCheck:
    found = re.search(r"NS(\d+)\.(\d+)", version)
    numbers = (int(found.group(1)), int(found.group(2))) if found else OLDEST
    oldest = ".".join(map(str, OLDEST))
    if numbers < OLDEST:
        return DeviceCheck("version", False, f"{version} is older than {oldest}, which names in a CSR need")
    return DeviceCheck("version", True, version or "of an unknown version")


def _directory_problem(value: str) -> str:
    if not re.fullmatch(r"/nsconfig/ssl(/[A-Za-z0-9._-]+)*/?", value) or "/.." in value:
        return f"is {value!r}; {DIRECTORY} or a folder in it is wanted, which goes to the other node too"
    return ""


class NetScalerType(RestDeviceType):
    """Makes and reads NetScaler devices."""

    name = "netscaler"
    title = "NetScaler"
    own: Mapping[str, Option] = {
        "directory": Option("Directory that keys and CSRs are made in.", default=DIRECTORY, problem=_directory_problem),
        "san_separator": Option(
            "What stands between the names of a CSR; which one a version wants is not published.",
            default="comma",
            choices=("comma", "blank"),
        ),
    }

    def connect(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> DeviceKeys:
        """Build the keys of one NetScaler."""
        opened = self.opener(options, secrets)
        device = RestDevice(self.label(name, options), opened, self.tools.clock, read_refusal, RULES, secrets.values())
        return AdcKeys(name, NetScalerDriver(device, options, secrets, self.tools.memory(name)))
