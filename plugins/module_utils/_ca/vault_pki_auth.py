# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an account gets its token at Vault or OpenBao: one line of a table for each auth method.

:source: ca-connectors §4.2; Vault's API documents of the auth methods, which OpenBao shares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._core.errors import AuthError, InputError, RemoteError
from .._core.redact import Secret
from .option_table import Option, Table
from .rest import Rest, quoted
from .shapes import part

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount/token"


@dataclass(frozen=True)
class Method:
    """One way to log in.

    :ivar mount: where it is mounted, usually.
    :ivar options: that it needs; ``secrets`` the same, sealed.
    :ivar login: gives path, below the mount, and body.
    """

    mount: str
    options: tuple[str, ...]
    secrets: tuple[str, ...]
    login: Callable[[Mapping[str, Any], Mapping[str, str]], tuple[str, dict[str, str]]] | None


def _approle(options: Mapping[str, Any], secrets: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    return "login", {"role_id": options["role_id"], "secret_id": secrets["secret_id"]}


def _jwt(options: Mapping[str, Any], secrets: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    return "login", {"role": options["auth_role"], "jwt": secrets["jwt"]}


def _kubernetes(options: Mapping[str, Any], secrets: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    return "login", {"role": options["auth_role"], "jwt": secrets.get("jwt") or _pod_token(options)}


def _pod_token(options: Mapping[str, Any]) -> str:
    """Read the token of the pod's service account, which Kubernetes renews in place.

    :raises InputError: there is none.
    """
    path = options.get("jwt_path") or TOKEN_PATH
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError as exc:
        raise InputError(
            f"Cannot read the service account's token {path}: {exc.strerror or exc}; run in the pod, set jwt_path, or "
            "give jwt among the secrets"
        ) from exc


def _userpass(options: Mapping[str, Any], secrets: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    return f"login/{quoted(options['username'])}", {"password": secrets["password"]}


def _cert(options: Mapping[str, Any], _secrets: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    return "login", {"name": options["auth_role"]} if options.get("auth_role") else {}


METHODS: Mapping[str, Method] = {
    "token": Method("", (), ("token",), None),
    "approle": Method("approle", ("role_id",), ("secret_id",), _approle),
    "jwt": Method("jwt", ("auth_role",), ("jwt",), _jwt),
    "kubernetes": Method("kubernetes", ("auth_role",), (), _kubernetes),
    "userpass": Method("userpass", ("username",), ("password",), _userpass),
    "cert": Method("cert", ("client_certificate",), ("client_key",), _cert),
}
OPTIONS: Table = {
    "auth_method": Option("str", "How the account logs in.", default="token", choices=tuple(METHODS)),
    "auth_mount": Option("str", "Where the auth method is mounted; usually as it is called.", default=""),
    "auth_role": Option("str", "Role of the auth methods jwt, kubernetes and cert.", default=""),
    "role_id": Option("str", "Role id of the auth method approle.", default=""),
    "username": Option("str", "User of the auth method userpass.", default=""),
    "jwt_path": Option("str", "File of the token of the auth method kubernetes; usually the pod's own.", default=""),
    "token": Option("str", "Token of the auth method token.", secret=True),
    "secret_id": Option("str", "Secret id of the auth method approle.", secret=True),
    "jwt": Option("str", "Token of the auth methods jwt and kubernetes.", secret=True),
    "password": Option("str", "Password of the auth method userpass.", secret=True),
}


def problems(options: Mapping[str, Any], secrets: Mapping[str, str]) -> list[str]:
    """Say what the account's auth method needs and has not."""
    name = options.get("auth_method") or ""
    method = METHODS.get(name)
    if method is None:
        return []
    found = [f"{one} is missing; auth_method {name} needs it" for one in method.options if not options.get(one)]
    return found + [
        f"{one} is missing among the secrets; auth_method {name} needs it"
        for one in method.secrets
        if not secrets.get(one)
    ]


class Login:
    """The token of an account, got when it is first needed, and once more when it is refused.

    :param rest: gives the calls that need no token.
    :param hide: has one more secret blotted out in all calls of the account.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        secrets: Mapping[str, Secret],
        rest: Callable[[], Rest],
        hide: Callable[[Secret], None],
    ) -> None:
        self._options, self._secrets, self._rest, self._hide = options, secrets, rest, hide
        self._token: Secret | None = None

    @property
    def can_log_in(self) -> bool:
        """Say whether another token can be had."""
        return METHODS[self._options["auth_method"]].login is not None

    def token(self) -> str:
        """Give the token.

        :raises RemoteError: the login failed.
        """
        if self._token is None:
            self._token = self._new()
        return self._token.reveal()

    def forget(self) -> None:
        """Have another token the next time."""
        self._token = None

    def _new(self) -> Secret:
        name = self._options["auth_method"]
        method = METHODS[name]
        if method.login is None:
            return self._secrets["token"]
        mount = (self._options.get("auth_mount") or method.mount).strip("/")
        opened = {word: secret.reveal() for word, secret in self._secrets.items()}
        path, body = method.login(self._options, opened)
        rest = self._rest()
        if body.get("jwt"):
            self._hide(Secret(body["jwt"]))
        try:
            found = rest.mapping(f"log in by {name}", "POST", f"/v1/auth/{mount}/{path}", body=body)
        except RemoteError as exc:
            if exc.status != 400:
                raise
            # A wrong credential is a 400 with some methods; nobody is to take it for a refusal of the order.
            raise AuthError(exc.message, status=401) from exc
        token = str(part(found, "auth").get("client_token") or "")
        if not token:
            raise RemoteError(f"Cannot log in by {name}: the answer holds no token", code="no_token")
        made = Secret(token)
        self._hide(made)
        return made
