# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and CSRs made on an F5 BIG-IP through iControl REST (E8).

Where each fact comes from, and which are assumed, stands in the guide on controllers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._core.clock import from_text
from .._core.errors import AuthError, RemoteError
from .._core.redact import Secret
from .._core.vocabulary import ECDSA, RSA
from .._pki import pem
from .adc_driver import NAME_TAKEN, NOT_FOUND, STANDBY, Driver, KeySeen
from .adc_keys import AdcKeys
from .adc_orders import Part, alternative_names
from .base import KeyOrder
from .device_base import DeviceAbilities, DeviceCheck
from .rest_device import Call, DeviceConflict, RestDevice, Rule, Said, entries, inside
from .rest_options import Option, RestDeviceType
from .rest_session import LOGIN_REFUSED, Session

if TYPE_CHECKING:
    from .._core.clock import Clock
    from .device_base import DeviceKeys, RefusalMemory

LOGIN = "/mgmt/shared/authn/login"
KEYS = "/mgmt/tm/sys/crypto/key"
CSRS = "/mgmt/tm/sys/crypto/csr"
CSR_FILES = "/mgmt/tm/sys/file/ssl-csr"
KEY_FILES = "/mgmt/tm/sys/file/ssl-key"
CONFIG = "/mgmt/tm/sys/config"
BASH = "/mgmt/tm/util/bash"
FAILOVER = "/mgmt/tm/cm/failover-status"
VERSION = "/mgmt/tm/sys/version"
TOKEN_HEADER = "X-F5-Auth-Token"
OLDEST = (14, 0)

# The device's words for curves and kinds of keys, and ours.
CURVES: Mapping[str, str] = {"secp256r1": "prime256v1", "secp384r1": "secp384r1", "secp521r1": "secp521r1"}
_KINDS: Mapping[str, str] = {"rsa-private": RSA, "ec-private": ECDSA}
# Words of our options, and the members of a CSR.
_SUBJECT: Mapping[str, str] = {
    "organization": "organization",
    "organizational_unit": "ou",
    "locality": "city",
    "state_or_province": "state",
    "country": "country",
    "email": "emailAddress",
}
_CSR_BLOCK = re.compile(r"-----BEGIN CERTIFICATE REQUEST-----.*?-----END CERTIFICATE REQUEST-----", re.DOTALL)
_ROLE = "give the user the role Administrator in all partitions, with tmsh or bash as terminal access"

RULES = (
    Rule(
        "bash_refused",
        AuthError,
        "reading a CSR back takes tmsh through the device's bash; " + _ROLE + ", and leave appliance mode",
        words=("appliance mode", "bash is not", "bash access", "util bash", "shell access"),
    ),
    # Before the login: a missing right is told with 401 too.
    Rule(
        "not_permitted",
        AuthError,
        _ROLE,
        statuses=(403,),
        words=("authorization failed", "access denied", "01070822", "not authorized", "permission denied"),
    ),
    Rule(
        "too_many_sessions",
        RemoteError,
        "the user has as many tokens open as the device allows; wait until some have ended (1200 seconds), or delete "
        "them there, and give this collection a user of its own",
        words=("maximum active login tokens",),
        retryable=True,
    ),
    Rule(
        "password_expired",
        AuthError,
        "change the user's password on the device, then store the new one",
        words=("password expired", "password has expired", "change your password"),
    ),
    Rule(LOGIN_REFUSED, AuthError, "check user, password and login_provider", statuses=(401,)),
    Rule(
        "partition_missing",
        RemoteError,
        "check the option partition",
        words=("the requested folder", "the requested partition", "01070734:3: configuration error: invalid partition"),
    ),
    Rule(
        STANDBY,
        DeviceConflict,
        "make keys on the active unit, whose configuration goes to the others",
        words=("standby", "not the active"),
    ),
    Rule(
        "device_busy",
        RemoteError,
        "its management is starting, or busy; run it again in some minutes",
        words=("mcpd", "asynchronous task", "configuration is not", "not ready", "try again later"),
        retryable=True,
    ),
    Rule(
        NAME_TAKEN,
        DeviceConflict,
        "somebody made it meanwhile; run it again",
        statuses=(409,),
        words=("already exists",),
    ),
    Rule(NOT_FOUND, RemoteError, "it is not there", statuses=(404,), words=("was not found",)),
)


def read_refusal(status: int, value: Any) -> Said | None:
    """Read ``{code, message, errorStack, apiError}``; good answers have no code.

    :source: iControl REST user guide, "About iControl REST error responses"; answers of clients' tests.
    """
    if isinstance(value, Mapping) and (status >= 400 or "errorStack" in value):
        code = value.get("apiError") or ""
        return Said(str(code), str(value.get("message") or ""))
    return None if status < 400 else Said("", "")


def token_headers(token: Secret) -> dict[str, str]:
    """Write a token into headers."""
    return {TOKEN_HEADER: token.reveal()}


def is_session_over(exc: RemoteError) -> bool:
    """Say whether a token is not taken any more; the words differ between versions, the status does not."""
    return exc.status == 401 and exc.code == LOGIN_REFUSED


class F5Driver(Driver):
    """One BIG-IP.

    :param options: those of ``F5BigipType``, completed.
    """

    title = "F5 BIG-IP"
    longest_name = 128

    def __init__(
        self, device: RestDevice, options: Mapping[str, Any], secrets: Mapping[str, Secret], memory: RefusalMemory
    ) -> None:
        self._device = device
        self._options = options
        self._partition = str(options["partition"])
        self._session = Session(device, secrets, self._login, token_headers, is_session_over, memory)
        self.label = device.label
        self.place = f"partition {self._partition}"

    def abilities(self) -> DeviceAbilities:
        """Give what it can make."""
        return DeviceAbilities(
            key_types=("rsa", "ec"),
            key_sizes=(2048, 4096),
            curves=tuple(CURVES),
            hashes=("sha256",),
            san_types=("dns", "ip", "email", "uri"),
            can_challenge=True,
            can_reuse=True,
        )

    def problems(self, order: KeyOrder) -> list[str]:
        """Give what its CSRs cannot say."""
        spec = order.spec
        found = [
            f"{self.title} separates names by commas and cannot take {name!r}"
            for name in (*spec.uris, *spec.emails)
            if "," in name
        ]
        if spec.email and spec.email not in spec.emails:
            found.append(
                f"email {spec.email}: {self.title} copies the subject's e-mail address into the subject alternative "
                "names; give it among them too, or leave it out"
            )
        is_ec = spec.dual_stack or spec.key_type == "ec"
        if is_ec and self._options["security_type"] == "fips":
            named = "dual_stack" if spec.dual_stack else "key_type ec"
            found.append(f"{named}: the FIPS module of a BIG-IP is asked for RSA keys only here")
        return found

    def standby(self) -> str:
        """Say why not, where the unit is not active: the next synchronisation would take the keys away."""
        return _standby_of(self._role())

    def keys(self) -> Sequence[KeySeen]:
        """List the keys in the partition, by what their files tell."""
        value = self._call(
            f"list the keys in {self.place}", "GET", KEY_FILES, query=(("$filter", f"partition eq {self._partition}"),)
        )
        return [_seen(item) for item in entries(value, "items") if item.get("partition") == self._partition]

    def key(self, name: str) -> KeySeen | None:
        """Look for one key."""
        value = self._look(f"look for key {name}", f"{KEY_FILES}/{self._id(name)}")
        return _seen(value) if isinstance(value, Mapping) else None

    def has_csr(self, name: str) -> bool:
        """Look for one CSR."""
        return self._look(f"look for CSR {name}", f"{CSRS}/{self._id(name)}") is not None

    def make_key(self, part: Part) -> None:
        """Make a key."""
        kind = {"keyType": "rsa-private", "keySize": str(part.bits)}
        if part.algorithm == ECDSA:
            kind = {"keyType": "ec-private", "curveName": CURVES[part.curve]}
        body = {
            "name": part.key,
            "partition": self._partition,
            **kind,
            "securityType": self._options["security_type"],
        }
        self._call(f"make key {part.key}", "POST", KEYS, body)

    def make_csr(self, name: str, part: Part, order: KeyOrder, challenge: Secret | None) -> None:
        """Make a CSR with a key that is there."""
        spec = order.spec
        body = {
            "name": name,
            "partition": self._partition,
            "key": f"/{self._partition}/{part.key}",
            "commonName": spec.common_name,
            **{member: getattr(spec, word) for word, member in _SUBJECT.items() if getattr(spec, word)},
        }
        names = alternative_names(order)
        if names:
            body["subjectAlternativeName"] = ", ".join(names)
        if challenge is not None:
            self._device.hide(challenge)
            body["challengePassword"] = challenge.reveal()
        self._call(f"make CSR {name} with key {part.key}", "POST", CSRS, body)

    def read_csr(self, name: str) -> str:
        """Have tmsh print the CSR; no REST resource holds its text."""
        what = f"read CSR {name}"
        text = self._bash(what, f"tmsh list sys crypto csr /{self._partition}/{name}")
        found = _CSR_BLOCK.findall(text)
        if len(found) != 1 or pem.has_private_key(text):
            came_back = "a private key" if pem.has_private_key(text) else (text or "an empty answer")
            raise self._device.refusal(what, came_back, "a CSR was wanted; " + _ROLE, "csr_unreadable")
        return pem.one_csr(found[0])

    def remove_csr(self, name: str) -> None:
        """Remove a CSR's file, and with it what tmsh lists."""
        self._look(f"remove CSR {name}", f"{CSR_FILES}/{self._id(name)}", "DELETE")

    def keep(self) -> None:
        """Save the running configuration, without which a restart forgets the key."""
        if self._options["save_config"]:
            self._call("save the configuration", "POST", CONFIG, {"command": "save"})

    def dare(self) -> None:
        """Try a refused password once more."""
        self._session.dares = True

    def checks(self) -> Iterator[DeviceCheck]:
        """Try what making keys needs."""
        version = _entry(self._call("read the version", "GET", VERSION), "Version")
        yield DeviceCheck("reach and log in", True, f"{self.label} answers and takes the login")
        yield _version_check(version)
        role = self._role()
        why = _standby_of(role)
        yield DeviceCheck("role", not why, "this unit " + (why or f"is {role or 'alone'}"))
        count = len(self.keys())
        yield DeviceCheck("keys", True, f"{count} keys are in {self.place}")
        self._bash("try tmsh", "tmsh show sys version")
        yield DeviceCheck("rights", True, "tmsh can be called, which reading a CSR back takes")

    def leave(self) -> None:
        """Let the token end by itself: deleting it would put it into a URL."""

    def _role(self) -> str:
        return _entry(self._call("read the failover status", "GET", FAILOVER), "status").upper()

    def _login(self, user: Secret, password: Secret) -> Secret:
        body = {
            "username": user.reveal(),
            "password": password.reveal(),
            "loginProviderName": self._options["login_provider"],
        }
        value = self._device.call(Call("log in", "POST", LOGIN, body=body))
        token = inside(value, "token", "token")
        if not token:
            raise self._device.refusal("log in", "no token in the answer", "check host and port", "not_the_api")
        return Secret(str(token))

    def _call(
        self, what: str, method: str, path: str, body: Any = None, query: tuple[tuple[str, str], ...] = ()
    ) -> Any:
        return self._session.call(Call(what, method, path, query, body))

    def _look(self, what: str, path: str, method: str = "GET") -> Any:
        try:
            return self._call(what, method, path)
        except RemoteError as exc:
            if exc.code == NOT_FOUND:
                return None
            raise

    def _bash(self, what: str, command: str) -> str:
        body = {"command": "run", "utilCmdArgs": f"-c '{command}'"}
        value = self._session.call(Call(what, "POST", BASH, body=body, is_read=True))
        return str(inside(value, "commandResult") or "")

    def _id(self, name: str) -> str:
        return f"~{self._partition}~{name}"


def _standby_of(role: str) -> str:
    if role in ("ACTIVE", ""):
        return ""
    return f"is {role}; make keys on the active unit, whose configuration goes to the others"


def _seen(item: Mapping[str, Any]) -> KeySeen:
    curves = {theirs: ours for ours, theirs in CURVES.items()}
    kind, curve = str(item.get("keyType") or ""), str(item.get("curveName") or "")
    algorithm = _KINDS.get(kind, kind)
    # An EC key has a size too, which no order names.
    size = str(item.get("keySize") or "")
    bits = int(size) if algorithm == RSA and size.isdigit() else 0
    return KeySeen(str(item.get("name", "")), algorithm, bits, curves.get(curve, ""), _moment(item.get("createTime")))


def _moment(text: Any) -> datetime | None:
    try:
        return from_text(str(text)) if text else None
    except ValueError:
        return None


def _entry(value: Any, name: str) -> str:
    """Give a text of a statistics answer, which nests its only entry under its own URL."""
    nested = inside(value, "entries")
    for entry in nested.values() if isinstance(nested, Mapping) else ():
        found = inside(entry, "nestedStats", "entries", name, "description")
        if found:
            return str(found)
    return ""


def _version_check(version: str) -> DeviceCheck:
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    oldest = ".".join(map(str, OLDEST))
    if numbers and numbers < OLDEST:
        return DeviceCheck("version", False, f"TMOS {version} is older than {oldest}, which CSRs through the API need")
    return DeviceCheck("version", True, f"TMOS {version or 'of an unknown version'}")


def _partition_problem(value: str) -> str:
    return "" if re.fullmatch(r"[A-Za-z0-9_.-]+", value) else f"is {value!r}; a partition's name is wanted, as Common"


class F5BigipType(RestDeviceType):
    """Makes and reads F5 BIG-IP devices."""

    name = "f5_bigip"
    title = "F5 BIG-IP"
    own: Mapping[str, Option] = {
        "partition": Option("Partition that keys and CSRs are made in.", default="Common", problem=_partition_problem),
        "login_provider": Option("Who checks the password: tmos, or the name of a remote provider.", default="tmos"),
        "security_type": Option(
            "Where the device keeps the key: its file store, its FIPS module, or a network HSM behind it.",
            default="normal",
            choices=("normal", "fips", "nethsm"),
        ),
        "save_config": Option(
            "Whether to save the running configuration after making a key, without which a restart forgets it. It "
            "saves what others have changed and not saved, too.",
            "bool",
            True,
        ),
    }

    def connect(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> DeviceKeys:
        """Build the keys of one BIG-IP."""
        clock: Clock = self.tools.clock
        opened = self.opener(options, secrets)
        device = RestDevice(self.label(name, options), opened, clock, read_refusal, RULES, secrets.values())
        return AdcKeys(name, F5Driver(device, options, secrets, self.tools.memory(name)))
