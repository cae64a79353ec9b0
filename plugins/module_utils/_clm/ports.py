# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a use case is given: store, clock, who acts, and the makers of the real parts.

Knows the contracts and no concrete class; the glue, and tests, fill it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

# For the type checker alone: a module compiles what it imports, and many ask for no target, key or CA.
if TYPE_CHECKING:
    from .._ca.base import CaConnector, CaConnectorType
    from .._core.clock import Clock
    from .._core.key_records import KeyDevice
    from .._core.types import CaAccount, Device
    from .._dns.base import NameServers
    from .._edns.base import DnsRecords
    from .._keys.base import KeyProvider
    from .._keys.device_base import DeviceKeys, KeyDeviceType
    from .._revocation.base import Documents
    from .._store.base import Store
    from .._target.base import Target
    from .._target.edge_base import Edges
    from .._target.script_base import ScriptRunner

Params = Mapping[str, Any]


def _no_key_devices(*_args: Any) -> NoReturn:
    raise RuntimeError("the use case asks for a key device, and is not wired with it")


def _no_dns(*_args: Any) -> NoReturn:
    raise RuntimeError("the use case asks for DNS records, and is not wired with them")


def _no_documents(*_args: Any) -> NoReturn:
    raise RuntimeError("the use case asks what CAs have revoked, and is not wired with it")


@dataclass(frozen=True)
class Ports:
    """Everything outside a use case.

    :ivar actor: who acts, for conditions and the audit.
    :ivar target: builds the target of a device record; no traffic.
    :ivar key_provider: builds the provider of a CSR source, for a device where it needs one; no traffic.
    :ivar ca: builds the connector of a CA account; no traffic.
    :ivar ca_type: gives a kind of CA by its name, InputError for an unknown one.
    :ivar key_device: builds the keys of a stored key device; no traffic.
    :ivar key_device_type: gives a kind of key device by its name, InputError for an unknown one.
    :ivar dns: builds what keeps DNS records for a device's account; no traffic.
    :ivar name_servers: gives what asks single name servers.
    :ivar documents: builds what fetches OCSP answers and CRLs, by the URL of a proxy, empty for none; no traffic.
    :ivar scripts: builds the runner of pre- and post-push scripts.
    :ivar calls: counts the API calls made so far by every part built here.
    :ivar chance: gives a number from 0 to 1, by which waits are spread; always 0 where time is a test's.
    :ivar mark: tells this store from others, so that each has a beat of its own; empty where there is one alone.
    :ivar own_files: paths of the store's files and of its key, which nothing else may be written to; empty where the
        store is no file.
    :ivar environment: environment variables credentials may come from.
    :ivar check_mode: the plan will not be executed; planning then makes no remote write, not even one that can only
        be refused.
    """

    store: Store
    clock: Clock
    actor: str
    target: Callable[[Device], Target]
    key_provider: Callable[[str, Device | KeyDevice | None], KeyProvider]
    ca: Callable[[CaAccount], CaConnector]
    ca_type: Callable[[str], CaConnectorType]
    probe: Callable[[], Edges]
    scripts: Callable[[], ScriptRunner]
    environment: Mapping[str, str]
    calls: Callable[[], int] = lambda: 0
    chance: Callable[[], float] = lambda: 0.0
    mark: Callable[[], str] = lambda: ""
    check_mode: bool = False
    own_files: Sequence[str] = ()
    key_device: Callable[[KeyDevice], DeviceKeys] = _no_key_devices
    key_device_type: Callable[[str], KeyDeviceType] = _no_key_devices
    dns: Callable[[Device], DnsRecords] = _no_dns
    name_servers: Callable[[], NameServers] = _no_dns
    documents: Callable[[str], Documents] = _no_documents
