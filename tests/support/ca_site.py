# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One CA with an account that works, as the contract suite sees it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Action
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import (
    CaConnector,
    CaConnectorType,
    Order,
    StoredAccount,
    Tools,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import connector_type
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.tests.support.csrs import SPEC
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script, operation_of


class RealClock(SystemClock):
    """The computer's own, for real servers; sleeping passes no time, and is on record."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Note it."""
        self.slept.append(seconds)


class _Alike:
    """A far side with one answer for everything."""

    def __init__(self, answer: Response | TransportError) -> None:
        self._answer = answer

    def send(self, _request: Request) -> Response:
        """Give it."""
        if isinstance(self._answer, TransportError):
            raise self._answer
        return self._answer

    def close(self) -> None:
        """Close nothing."""


@dataclass
class Site:
    """One CA with a working account.

    :ivar make_type: builds the kind of CA with these tools.
    :ivar request_options: of an order, where the CA wants some.
    :ivar is_networked: it is reached over a network, so that faults of one can be put in its way.
    :ivar bought: counts what the other side took; None where nobody counts.
    :ivar orders: switches of a fake; None for a real server.
    :ivar write_path: pattern of the call that places an order, as ``faulty_transport.operation_of`` names it;
        ``write_body`` one of its body, where all calls have the same path.
    :ivar only_asks: says of a POST whether it is a question, as a search is, or where the API has no other method.
    :ivar spec_for: gives the names that an order with a choice is for, where not every choice suits every name.
    :ivar vendor: the fake itself, with switches of its own; None for a real server.
    :ivar act: does what an order waits for, as publishing a DNS record.
    :ivar root: PEM of the root that the chain leads to, for a CA whose answers hold none.
    :ivar is_tried_late: credentials cannot be tried without being used up, so that only an order shows wrong ones.
    :ivar empty_lists: choices that are announced, and of which this CA has none.
    """

    make_type: Callable[[Tools], CaConnectorType]
    options: Mapping[str, Any]
    secrets: Mapping[str, str]
    clock: Clock
    request_options: Mapping[str, Any] = field(default_factory=dict)
    is_networked: bool = True
    bought: Callable[[], int] | None = None
    orders: core.Orders | None = None
    write_path: str = ""
    write_body: str = ""
    only_asks: Callable[[Request], bool] = lambda request: bool(re.search("login|capabilities", operation_of(request)))
    spec_for: Callable[[str], CsrSpec] | None = None
    vendor: Any = None
    act: Callable[[Sequence[Action]], None] | None = None
    root: str = ""
    is_tried_late: bool = False
    empty_lists: tuple[str, ...] = ()

    def kind(self, script: Script | None = None) -> CaConnectorType:
        """Give the kind of CA, with a script in its way."""
        return self.make_type(Tools(self.clock, (script or Script()).over(RequestsTransport)))

    def answered(self, answer: Response | TransportError, script: Script | None = None) -> CaConnector:
        """Give a connector whose every call is answered alike, or comes to the same error; the script notes them."""
        options, secrets = self.kind().prepare("lab", self.options, self.secrets, StoredAccount())
        kind = self.make_type(Tools(self.clock, (script or Script()).over(lambda _options: _Alike(answer))))
        return kind.connect("lab", options, {name: Secret(text) for name, text in secrets.items()})

    def connect(self, script: Script | None = None, **changes: Any) -> CaConnector:
        """Give the connector of the account, with some options changed; secrets by ``secrets``."""
        given = {**(self.secrets if self.is_networked else {}), **changes.pop("secrets", {})}
        before = StoredAccount() if self.is_networked else StoredAccount(self.options, self.secrets)
        kind = self.kind(script)
        options, secrets = kind.prepare("lab", {**self.options, **changes}, given, before)
        return kind.connect("lab", options, {name: Secret(text) for name, text in secrets.items()})


def asks_at(pattern: str) -> Callable[[Request], bool]:
    """Give what says that calls of a path only ask, by a pattern of it."""
    return lambda request: bool(re.search(pattern, operation_of(request)))


def registered(name: str) -> Callable[[Tools], CaConnectorType]:
    """Give what builds a kind of CA of the registry."""
    return lambda tools: connector_type(name, tools)


class Bodied(Protocol):
    """A fake that keeps what was posted."""

    bodies: list[dict[str, Any]]


V = TypeVar("V", bound=Bodied)


@dataclass
class VendorBench(Generic[V]):
    """A fake that runs, with an account at it."""

    vendor: V
    site: Site

    def connect(self, script: Script | None = None, **changes: Any) -> CaConnector:
        """Give a connector of the account."""
        return self.site.connect(script, **changes)

    def order(self, **changes: Any) -> Order:
        """Give an order under an intent of its own."""
        made = Order(SPEC, 90, uuid.uuid4().hex, self.site.clock.now(), self.site.request_options)
        return replace(made, **changes)

    @property
    def last(self) -> dict[str, Any]:
        """Give the body of the last order."""
        return self.vendor.bodies[-1]
