# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One token behind a PKCS#11 module: found, looked at, logged in to, a session at a time. Knows no key."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .._core.errors import AuthError, ClmError, NotFoundError, RemoteError, StateError
from .failures import PIN_INCORRECT, PIN_IS_LOCKED, PIN_IS_NOT_SET, TOKEN_IS_READ_ONLY, failure, told
from .library import loaded

if TYPE_CHECKING:
    from .._core.redact import Secret


@dataclass(frozen=True)
class TokenPlace:
    """Where a token is; of label, serial and slot all that are given have to fit.

    :ivar module_path: absolute path of the vendor's PKCS#11 module.
    :ivar slot: number of the slot; None where it plays no part.
    :ivar environment: variables that the module reads.
    """

    module_path: str
    label: str = ""
    serial: str = ""
    slot: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [
            f"{word} {value}"
            for word, value in (("token", self.label), ("serial", self.serial), ("slot", self.slot))
            if value not in ("", None)
        ]
        return ", ".join(parts)


class PinMemory(Protocol):
    """Remembers, over runs, a PIN that a token refused: each further try would bring the token nearer to its lock."""

    def is_refused(self, pin: Secret) -> bool:
        """Say whether that very PIN was refused, and none was taken since."""

    def refused(self, pin: Secret) -> None:
        """Remember it."""

    def taken(self) -> None:
        """Forget what was remembered."""


class TokenAccess:
    """The way into one token.

    :param pin: user PIN; None where there is none, which is told when a login needs it.
    """

    def __init__(self, place: TokenPlace, pin: Secret | None, memory: PinMemory) -> None:
        self.place = place
        self._pin, self._memory = pin, memory

    @contextlib.contextmanager
    def token(self) -> Iterator[Any]:
        """Give the token without login.

        :raises ClmError: module or token is not there, or cannot be told from another.
        """
        with loaded(self.place.module_path, self.place.environment) as library:
            with told(f"Cannot look for {self.place}"):
                token = self._found(library)
            yield token

    @contextlib.contextmanager
    def session(self, *, write: bool = False, retry_refused: bool = False) -> Iterator[Any]:
        """Give a session with the user logged in; it is closed at the end, however that comes.

        :param write: what is made in it stays in the token.
        :param retry_refused: try a PIN that was refused before, once.
        :raises ClmError: module, token or login fail; the codes are those of ``failures``.
        """
        with self.token() as token, contextlib.ExitStack() as stack:
            session = self._opened(token, write=write, retry_refused=retry_refused)
            stack.callback(_close, session)
            if retry_refused:
                self._memory.taken()
            yield session

    def _found(self, library: Any) -> Any:
        seen = list(_tokens(library))
        fitting = [token for token in seen if self._fits(token)]
        if not fitting:
            known = [_described(token) for token in seen]
            raise NotFoundError(
                f"There is no {self.place} behind {self.place.module_path}; there is: {'; '.join(known) or 'none'}",
                code="token_not_found",
                details={"tokens": known},
            )
        if len(fitting) > 1:
            known = [_described(token) for token in fitting]
            raise StateError(
                f"Several tokens are {self.place}: {'; '.join(known)}; say which by token_serial",
                code="token_ambiguous",
                details={"tokens": known},
            )
        if not _has(fitting[0], "TOKEN_INITIALIZED"):
            raise RemoteError(
                f"The token in {self.place} is not initialised; do so with the vendor's tool, for nothing here does",
                code="token_not_initialized",
            )
        return fitting[0]

    def _fits(self, token: Any) -> bool:
        place = self.place
        is_named = place.label in ("", token.label) and place.serial in ("", _serial(token))
        return is_named and place.slot in (None, token.slot.slot_id)

    def _opened(self, token: Any, *, write: bool, retry_refused: bool) -> Any:
        what = f"Cannot log in to {self.place}"
        if write and _has(token, "WRITE_PROTECTED"):
            raise failure(f"Cannot make keys in {self.place}", TOKEN_IS_READ_ONLY)
        if not _has(token, "LOGIN_REQUIRED") and self._pin is None:
            with told(f"Cannot open a session on {self.place}"):
                return token.open(rw=write)
        pin = self._usable_pin(token, what, retry_refused=retry_refused)
        try:
            with told(what):
                return _logged_in(token, pin, write=write)
        except ClmError as exc:
            if exc.code == PIN_INCORRECT:
                self._memory.refused(pin)
            raise

    def _usable_pin(self, token: Any, what: str, *, retry_refused: bool) -> Secret:
        if self._pin is None:
            raise AuthError(
                f"{what}: there is no user PIN; give it as secrets.pin, or name with pin_env the environment variable "
                "that holds it, and see that it is set where the task runs",
                code="pin_missing",
            )
        if _has(token, "USER_PIN_LOCKED"):
            raise failure(what, PIN_IS_LOCKED)
        if not _has(token, "USER_PIN_INITIALIZED"):
            raise failure(what, PIN_IS_NOT_SET)
        if _has(token, "USER_PIN_FINAL_TRY"):
            raise AuthError(
                f"{what}: one more wrong PIN locks it, and that try is left to a person; log in once with the vendor's "
                "tool and the right PIN, then run again",
                code="pin_last_try",
            )
        if not retry_refused and self._memory.is_refused(self._pin):
            raise AuthError(
                f"{what}: the token refused this user PIN before, and it is not tried again, for tokens lock after a "
                "few wrong ones; set the right one with edgecert.clm.key_device, or try this one once more with its "
                "test: true",
                code=PIN_INCORRECT,
            )
        return self._pin


def _logged_in(token: Any, pin: Secret, *, write: bool) -> Any:
    from pkcs11.exceptions import UserAlreadyLoggedIn

    try:
        return token.open(rw=write, user_pin=pin.reveal())
    except UserAlreadyLoggedIn:
        # A login holds for all sessions of a process; another one of ours is open on the same token.
        return token.open(rw=write)


def _close(session: Any) -> None:
    from pkcs11.exceptions import PKCS11Error

    # A session that went away with its device is closed; the error that said so is on its way already.
    with contextlib.suppress(PKCS11Error):
        session.close()


def _tokens(library: Any) -> Iterator[Any]:
    from pkcs11.exceptions import TokenNotPresent, TokenNotRecognised

    for slot in library.get_slots():
        with contextlib.suppress(TokenNotPresent, TokenNotRecognised):
            yield slot.get_token()


def _serial(token: Any) -> str:
    return str(token.serial.decode("utf-8", "replace")).strip("\0 ")


def _described(token: Any) -> str:
    if not _has(token, "TOKEN_INITIALIZED"):
        return f"slot {token.slot.slot_id}, not initialised"
    return f"{token.label} (serial {_serial(token)}, slot {token.slot.slot_id})"


def _has(token: Any, flag: str) -> bool:
    from pkcs11.constants import TokenFlag

    return bool(token.flags & TokenFlag[flag])
