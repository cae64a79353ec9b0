# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call to an Akamai API: built, sent by the retry rules, counted; its answer decoded or made an error.

Knows no operation; those are in ``client``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core.clock import Clock
from .._core.errors import RemoteError, TransportError
from .._http.base import Pacer, Request, Response, Transport
from .._http.retry import RetryPolicy, send
from .errors import Attempt, error_of
from .media import JSON, OLDER, VERSIONS, media_type, spoken

_NO_SUCH_VERSION = (406, 415)
SWITCH_KEY = "accountSwitchKey"


@dataclass(frozen=True)
class Operation:
    """What is to be called.

    :ivar what: for messages, as "read enrollment 10002".
    :ivar template: path below the prefix with names for ids, as ``/enrollments/{id}``.
    :ivar ids: the values for the names in the template, in order.
    :ivar accept: an entity of ``media.VERSIONS``, or ``application/json`` itself.
    :ivar sends: likewise for the body; empty without one.
    :ivar is_empty_allowed: True when an answer without a body has a meaning.
    """

    what: str
    method: str
    template: str
    ids: tuple[int | str, ...] = ()
    accept: str = JSON
    sends: str = ""
    body: Any = None
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    family: str = ""
    is_empty_allowed: bool = False

    @property
    def path(self) -> str:
        """Give the path with the ids in place of their names."""
        path = self.template
        for value in self.ids:
            before, _brace, rest = path.partition("{")
            path = f"{before}{value}{rest.partition('}')[2]}"
        return path


@dataclass(frozen=True)
class Answer:
    """A good answer.

    :ivar value: the JSON value; None for an empty body.
    """

    status: int
    value: Any


class _Counted:
    """A transport that counts what goes out, each try by itself."""

    def __init__(self, transport: Transport, note: Callable[[], None]) -> None:
        self._transport = transport
        self._note = note

    def send(self, request: Request) -> Response:
        self._note()
        return self._transport.send(request)

    def close(self) -> None:
        self._transport.close()


class Caller:
    """Makes calls for one API client.

    :param host: for messages.
    :param account_switch_key: sent with every call; empty for the client's own account.
    :ivar log: calls made by method and path template, repeated ones included.
    :ivar older: entities that this session reads in an older version, for CPS does not know ours.
    """

    def __init__(
        self,
        transport: Transport,
        pacer: Pacer,
        clock: Clock,
        *,
        host: str,
        account_switch_key: str,
        policy: RetryPolicy,
        chance: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._pacer = pacer
        self._clock = clock
        self._host = host
        self._switch_key = account_switch_key
        self._policy = policy
        self._chance = chance
        self.log: Counter[tuple[str, str]] = Counter()
        self.older: dict[str, int] = {}

    def call(self, operation: Operation) -> Answer:
        """Make a call and decode its answer; a read in the version before, too, where CPS does not know ours.

        :raises RemoteError: it was refused; see ``errors``.
        :raises TransportError: no usable answer; of a write, its effect is unknown when ``sent`` is set.
        :source: cps-protocol §5.2, 406 and 415.
        """
        if operation.method != "GET":
            self._refuse_mixed(operation)
            return self._once(operation)
        older = OLDER.get(operation.accept)
        if older is None or operation.accept in self.older:
            return self._once(operation, self.older.get(operation.accept))
        try:
            return self._once(operation)
        except RemoteError as exc:
            if exc.status not in _NO_SUCH_VERSION:
                raise
            return self._in_older(operation, older, exc)

    def _in_older(self, operation: Operation, version: int, refusal: RemoteError) -> Answer:
        """Ask once more in an older version, and keep to it once it is known.

        :raises RemoteError: ``refusal``, where that one is not known either; or why else it was refused.
        """
        try:
            answer = self._once(operation, version)
        except RemoteError as exc:
            if exc.status in _NO_SUCH_VERSION:
                raise refusal from exc
            if exc.status is not None and not exc.retryable:
                self.older[operation.accept] = version
            raise
        self.older[operation.accept] = version
        return answer

    def _refuse_mixed(self, operation: Operation) -> None:
        """Keep what was read in an older version from being written back in ours, without what only ours tells.

        :raises RemoteError: it would be; nothing was sent.
        :source: cps-protocol §2.1.
        """
        version = self.older.get(operation.sends)
        if version is not None:
            raise RemoteError(
                f"Cannot {operation.what} at {self._host}: CPS answered {operation.sends} in version {version} only, "
                f"and it is written in version {VERSIONS[operation.sends]} or not at all; nothing was sent: use a "
                "release of the collection for that version, or Akamai Control Center",
                code="unsupported_version",
            )

    def _once(self, operation: Operation, version: int | None = None) -> Answer:
        values: list[Any] = []

        def inspect(response: Response) -> None:
            values[:] = [self._decoded(operation, response)] if response.status < 300 else []

        response = send(
            self._request(operation, version),
            _Counted(self._transport, lambda: self._note(operation)),
            clock=self._clock,
            pacer=self._pacer,
            policy=self._policy,
            chance=self._chance,
            inspect=inspect,
        )
        if response.status >= 300:
            speaks = spoken(operation.sends or operation.accept)
            attempt = Attempt(operation.what, operation.method, self._host, operation.path, operation.template, speaks)
            raise error_of(attempt, response, self._clock.now(), self._policy)
        return Answer(response.status, values[0])

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def in_doubt(self, operation: Operation, why: str) -> TransportError:
        """Make the error for an answer that says "done" and not what was done."""
        look = "repeat the call" if operation.method == "GET" else "it was done all the same: look before repeating it"
        return TransportError(
            f"Cannot {operation.what} at {self._host}: {why}; {look}",
            kind="truncated",
            sent=True,
            details={"host": self._host},
        )

    def _note(self, operation: Operation) -> None:
        self.log[(operation.method, operation.template)] += 1

    def _request(self, operation: Operation, version: int | None) -> Request:
        headers = {"Accept": _media(operation.accept, version), **operation.headers}
        body = None
        if operation.sends:
            headers["Content-Type"] = _media(operation.sends)
            body = json.dumps(operation.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        switch = ((SWITCH_KEY, self._switch_key),) if self._switch_key else ()
        return Request(
            operation.method, operation.path, (*operation.query, *switch), headers, body, family=operation.family
        )

    def _decoded(self, operation: Operation, response: Response) -> Any:
        if not response.body.strip():
            if operation.is_empty_allowed or response.status == 204:
                return None
            raise self.in_doubt(operation, f"HTTP {response.status} with an empty body")
        try:
            return json.loads(response.body)
        except ValueError as exc:
            raise self.in_doubt(operation, f"HTTP {response.status} with a body that is not JSON") from exc


def _media(entity: str, version: int | None = None) -> str:
    return entity if entity == JSON else media_type(entity, version)
