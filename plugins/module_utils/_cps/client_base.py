# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every part of the CPS client stands on: the caller, the counts, a read of one path."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from .._core.clock import Clock
from .._http.base import Pacer, Transport
from .._http.retry import RetryPolicy
from .caller import Caller, Operation

PREFIX = "/cps/v2"
ENROLLMENT = "/enrollments/{id}"
CHANGE = "/enrollments/{id}/changes/{change}"

Query = tuple[tuple[str, str], ...]


class ClientBase:
    """Holds the caller of one API client.

    :param host: for messages.
    :param account_switch_key: sent with every call; empty for the client's own account.
    :param prefix: begins with a slash.
    :param chance: randomness of waits, 0 to 1.
    """

    def __init__(
        self,
        transport: Transport,
        pacer: Pacer,
        clock: Clock,
        *,
        host: str = "Akamai",
        account_switch_key: str = "",
        prefix: str = PREFIX,
        policy: RetryPolicy | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._pacer = pacer
        self._prefix = prefix.rstrip("/")
        self._caller = Caller(
            transport,
            pacer,
            clock,
            host=host,
            account_switch_key=account_switch_key,
            policy=policy or RetryPolicy(),
            chance=chance,
        )

    @property
    def calls(self) -> int:
        """Count the calls the pacer let go, repeated ones included."""
        return self._pacer.calls

    @property
    def log(self) -> Counter[tuple[str, str]]:
        """Count the calls made by this client by method and path template."""
        return self._caller.log

    @property
    def older(self) -> Mapping[str, int]:
        """Give the entities that CPS answers in an older version only, with that version, as far as was seen."""
        return self._caller.older

    def close(self) -> None:
        """Close the connections."""
        self._caller.close()

    def _get(self, what: str, template: str, accept: str, *ids: int, query: Query = (), **more: Any) -> Any:
        operation = Operation(
            f"read {what}", "GET", self._prefix + template, ids=ids, accept=accept, query=query, **more
        )
        return self._caller.call(operation).value
