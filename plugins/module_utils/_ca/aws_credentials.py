# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the keys come from that AWS's requests are signed with: the account, or AWS's usual chain; then perhaps a role.

The account's own keys, and a role taken with them, need no library. The chain (environment, profile, web identity,
container, instance) is botocore's, which makes its own calls for it; ours go the way of the account.

:source: AWS STS API Reference, AssumeRole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

from .._core.clock import Clock, from_text
from .._core.deps import needed
from .._core.errors import AuthError, RemoteError
from .._core.redact import Secret
from .aws_sigv4 import Keys
from .option_table import Option, Table
from .rest import Rest

PACKAGE = "botocore"
FEATURE = "AWS credentials that the account does not hold"
# An order waits a minute at most before its last try; keys that are got for it are not to be renewed meanwhile.
_EARLY, _THROUGH_ORDER = timedelta(seconds=60), timedelta(seconds=180)
OPTIONS: Table = {
    "access_key_id": Option(
        "str", "Id of the access key; without it AWS's usual chain of credentials is gone through.", default=""
    ),
    "profile": Option("str", "Profile of the shared AWS configuration, for the chain.", default=""),
    "role_arn": Option("str", "ARN of a role that is taken on before anything is asked.", default=""),
    "external_id": Option("str", "External id that the role asks for.", default=""),
    "session_name": Option("str", "Name of the role's session, for CloudTrail.", default="edgecert-clm", most=64),
    "secret_access_key": Option("str", "Secret of the access key.", secret=True),
    "session_token": Option("str", "Session token, where the access key is a temporary one.", secret=True),
}


def problems(options: Mapping[str, Any], secrets: Mapping[str, str]) -> list[str]:
    """Say what does not go together."""
    found = []
    if options.get("access_key_id") and not secrets.get("secret_access_key"):
        found.append("secret_access_key is missing among the secrets; access_key_id needs it")
    if not options.get("access_key_id"):
        found += [
            f"{name} is there without access_key_id; give both, or neither for the usual chain"
            for name in ("secret_access_key", "session_token")
            if secrets.get(name)
        ]
    elif options.get("profile"):
        found.append("profile goes with the usual chain; leave it out, or access_key_id")
    if options.get("external_id") and not options.get("role_arn"):
        found.append("external_id goes with role_arn")
    return found


class Credentials:
    """The keys of an account, got when they are first needed.

    :param sts: gives the calls to STS, signed with the keys that come before the role.
    :param hide: has one more secret blotted out in all calls of the account.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        secrets: Mapping[str, Secret],
        clock: Clock,
        sts: Callable[[Callable[[], Keys]], Rest],
        hide: Callable[[Secret], None],
    ) -> None:
        self._options, self._secrets, self._clock, self._sts, self._hide = options, secrets, clock, sts, hide
        self._role: tuple[Keys, datetime] | None = None
        self._chain: Any = None

    def source(self) -> str:
        """Say in words where they come from."""
        start = f"access key {self._options['access_key_id']}" if self._options.get("access_key_id") else self._way()
        role = self._options.get("role_arn")
        return f"{start}, as {role}" if role else start

    def _way(self) -> str:
        self._before()
        return f"AWS's usual chain ({self._chain.method})"

    def ready(self) -> None:
        """Have keys that last through an order with all its tries, so that nothing is asked for them meanwhile."""
        self.keys(_THROUGH_ORDER)

    def keys(self, left: timedelta = _EARLY) -> Keys:
        """Give what signs now.

        :param left: a role that ends sooner is taken on anew.
        :raises AuthError: there are none, or the role is not given.
        """
        if not self._options.get("role_arn"):
            return self._before()
        if self._role is None or self._clock.now() >= self._role[1] - left:
            self._role = self._taken_on()
        return self._role[0]

    def renew(self) -> bool:
        """Have other keys got the next time; False where there are no others."""
        had_role, self._role = self._role is not None, None
        had_chain, self._chain = self._chain is not None, None
        return had_role or had_chain

    def _before(self) -> Keys:
        """Give the keys before any role."""
        if self._options.get("access_key_id"):
            own = self._secrets
            return Keys(str(self._options["access_key_id"]), own["secret_access_key"], own.get("session_token"))
        with needed(PACKAGE, FEATURE):
            import botocore.exceptions
            import botocore.session
        try:
            if self._chain is None:
                session = botocore.session.Session(profile=self._options.get("profile") or None)
                self._chain = session.get_credentials()
            found = self._chain.get_frozen_credentials() if self._chain is not None else None
        except botocore.exceptions.BotoCoreError as exc:
            raise AuthError(f"Cannot get AWS credentials from the usual chain: {exc}", status=401) from exc
        if found is None:
            raise AuthError(
                "Cannot get AWS credentials: the account has no access_key_id, and AWS's usual chain (environment, "
                "profile, web identity, container, instance) has none either; give the account keys, or run where "
                "there are some",
                status=401,
            )
        token = self._hidden(found.token) if found.token else None
        return Keys(str(found.access_key), self._hidden(found.secret_key), token)

    def _hidden(self, text: str) -> Secret:
        made = Secret(str(text))
        self._hide(made)
        return made

    def _taken_on(self) -> tuple[Keys, datetime]:
        role = str(self._options["role_arn"])
        form = [
            *(("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", role)),
            ("RoleSessionName", str(self._options.get("session_name") or "edgecert-clm")),
        ]
        if self._options.get("external_id"):
            form.append(("ExternalId", str(self._options["external_id"])))
        rest = self._sts(self._before)
        what = f"take on the role {role}"
        try:
            answer = rest.checked(what, rest.call("POST", "/", form=form, headers={"Accept": "application/xml"}))
        except RemoteError as exc:
            # A role that is no ARN is a 400; nobody is to take that for a refusal of an order.
            if exc.status is None or not 400 <= exc.status < 500 or exc.status == 429 or isinstance(exc, AuthError):
                raise
            raise AuthError(exc.message, status=403) from exc
        found = _texts(answer.body)
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
        if not all(found.get(name) for name in names):
            raise RemoteError(f"Cannot {what}: the answer of STS holds no credentials", code="no_token")
        secret, token = self._hidden(found["SecretAccessKey"]), self._hidden(found["SessionToken"])
        return Keys(found["AccessKeyId"], secret, token), from_text(found["Expiration"])


def _texts(body: bytes) -> dict[str, str]:
    """Give the texts of an XML answer by the local names of their elements; nothing for what is no XML."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return {}
    return {one.tag.rpartition("}")[2]: (one.text or "").strip() for one in root.iter()}
