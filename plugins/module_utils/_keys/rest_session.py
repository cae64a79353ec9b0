# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in to a device behind a REST API: once, and again when the session ended midway; a refusal is final."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._core.errors import AuthError, RemoteError
from .._core.redact import Secret
from .device_base import RefusalMemory
from .rest_device import Call, RestDevice

LOGIN_REFUSED = "login_refused"
SESSION_ENDED = "session_ended"


class Session:
    """Makes calls under a session.

    :param secrets: ``user`` and ``password``, or ``token``; the token goes first while it lasts.
    :param login: asks for a token with user and password.
    :param headers: writes a token into headers.
    :param is_ended: says whether a refusal means that the session is over; nothing was done then.
    :param memory: of passwords that were refused: a scheduler would lock the account with them.
    :ivar dares: True where a person asked for a test: a refused password is tried once more.
    """

    def __init__(
        self,
        device: RestDevice,
        secrets: Mapping[str, Secret],
        login: Callable[[Secret, Secret], Secret],
        headers: Callable[[Secret], Mapping[str, str]],
        is_ended: Callable[[RemoteError], bool],
        memory: RefusalMemory,
    ) -> None:
        self._device = device
        self._login = login
        self._headers = headers
        self._is_ended = is_ended
        self._memory = memory
        self.dares = False
        self._user, self._password = secrets.get("user"), secrets.get("password")
        self._token = secrets.get("token") or None
        self.is_own = False
        """Whether the session was opened here, and is to be closed here."""

    def call(self, call: Call) -> Any:
        """Make a call, under a new session when the one there is over.

        :raises AuthError: the login was refused, or a session that was given is over.
        """
        used = self._open()
        try:
            return self._device.call(call, self._headers(used))
        except RemoteError as exc:
            if not self._is_ended(exc):
                raise
            self._token = None
            if not (self._user and self._password):
                raise AuthError(
                    f"{exc.message}; the token that is stored for it has ended: give a new one, or user and password",
                    status=exc.status,
                    code=SESSION_ENDED,
                    details=exc.details,
                ) from exc
        return self._device.call(call, self._headers(self._open()))

    def forget(self) -> None:
        """Let go of a session that was opened here."""
        self._token, self.is_own = None, False

    def _open(self) -> Secret:
        if self._token is not None:
            return self._token
        if not (self._user and self._password):
            raise AuthError(
                f"Cannot log in to {self._device.label}: user and password, or a token, are missing; store them among "
                "the device's secrets, or set the environment variables that its options name",
                code="credentials_missing",
                details={"device": self._device.label},
            )
        if not self.dares and self._memory.is_refused(self._password):
            raise AuthError(
                f"Cannot log in to {self._device.label}: the device refused the password that is stored, which was not "
                "tried again, as that may lock the account; store the right one, or try it with test: true of "
                "edgecert.clm.key_device",
                code=LOGIN_REFUSED,
                details={"device": self._device.label, "tried": False},
            )
        self._token = self._logged_in(self._user, self._password)
        self._device.hide(self._token)
        self.is_own = True
        return self._token

    def _logged_in(self, user: Secret, password: Secret) -> Secret:
        try:
            token = self._login(user, password)
        except AuthError as exc:
            if exc.code == LOGIN_REFUSED:
                self._memory.refused(password)
            raise
        self._memory.taken()
        return token
