# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a stored CA account to its connector; connectors are imported where a call builds one, as in ``wire_target``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.ledger import Limits
from .._core.redact import Secret

if TYPE_CHECKING:
    from .._ca.base import CaConnector, CaConnectorType, Tools
    from .._core.clock import Clock
    from .._core.types import CaAccount
    from .._http.base import Transport, TransportOptions
    from .._store.base import Store


def _tools(store: Store, clock: Clock, environment: Mapping[str, str]) -> Tools:
    """Give what connectors are made with; what speaks HTTP, or loads a token, is imported when the first one does."""
    from .._ca.base import Tools

    def transport(options: TransportOptions) -> Transport:
        from .._http.transport import RequestsTransport

        return RequestsTransport(options)

    def device_key(device: str, label: str) -> AbstractContextManager[Any]:
        from .wire_keys import key_of

        return key_of(device, label, store, clock, environment)

    return Tools(clock, transport, device_key)


def _paced(tools: Tools, store: Store, account: str, per_second: int) -> Tools:
    """Let all processes on one account together begin no more calls in a second than its CA is known to bear."""

    def transport(options: TransportOptions) -> Transport:
        from .._cps.pacing import LedgerPacer
        from .._http.paced import PacedTransport

        limits = Limits(60 * per_second, per_second, 1.0, {})
        pacer = LedgerPacer(store.ledger, f"ca/{account}", tools.clock, limits=limits, service=f"CA account {account}")
        return PacedTransport(tools.transports(options), pacer)

    return replace(tools, transports=transport)


def ca_type_maker(store: Store, clock: Clock, environment: Mapping[str, str]) -> Callable[[str], CaConnectorType]:
    """Give what gives a kind of CA by its name."""

    def by_name(name: str) -> CaConnectorType:
        from .._ca.registry import connector_type

        return connector_type(name, _tools(store, clock, environment))

    return by_name


def ca_maker(store: Store, clock: Clock, environment: Mapping[str, str]) -> Callable[[CaAccount], CaConnector]:
    """Give what builds the connector of a CA account; no traffic."""

    def connect(account: CaAccount) -> CaConnector:
        from .._ca.registry import connector_type

        opened = json.loads(account.secrets.reveal()) if account.secrets else {}
        secrets = {name: Secret(text) for name, text in opened.items()}
        tools = _tools(store, clock, environment)
        rate = connector_type(account.type, tools).calls_per_second
        kind = connector_type(account.type, _paced(tools, store, account.name, rate))
        return kind.connect(account.name, account.options, secrets)

    return connect
