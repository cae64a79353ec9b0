# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a stored device to the real parts that speak to it. One client, and so one connection, for each device.

The parts are imported where a call builds them: a module has to compile every file it imports, and a call that finds
nothing to do needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .._core import vocabulary
from .._core.errors import InputError
from .._core.key_records import KeyDevice
from .._core.types import Device

if TYPE_CHECKING:
    from .._core.clock import Clock
    from .._core.redact import Secret
    from .._cps.client import CpsClient
    from .._edgegrid.credentials import Credentials
    from .._http.transport import RequestsTransport
    from .._keys.base import KeyProvider
    from .._store.base import Store
    from .._target.base import Target
    from .._target.edge_base import Edges

Environment = Mapping[str, str]


def credentials_of(device: Device, environment: Environment) -> Credentials:
    """Find the credentials of a device where it says they are (D6).

    :raises InputError: they are missing there, or cannot be used.
    """
    from .._edgegrid.credentials import CredentialOptions, resolve

    is_inline = device.credential_source == "inline"
    options = CredentialOptions(
        host=device.host,
        client_token=device.client_token.reveal() if is_inline and device.client_token else "",
        client_secret=device.client_secret if is_inline else None,
        access_token=device.access_token.reveal() if is_inline and device.access_token else "",
        account_switch_key=device.account_switch_key,
        edgerc=device.edgerc,
        section=device.section,
    )
    return resolve(options, environment)


def account_of(device: Device, credentials: Credentials) -> str:
    """Name the account whose budget of calls a device uses: the limits are the account's, not the API client's.

    An account reached by a switch key has a budget of its own. Until the account is known, at the first look at a
    device, the client's host stands for it.
    """
    parts = (str(device.instance.get("account_id") or ""), credentials.account_switch_key)
    return "/".join(part for part in parts if part) or credentials.host


def transport_to(device: Device, credentials: Credentials) -> RequestsTransport:
    """Build the signing transport to a device's host; no traffic."""
    from .._edgegrid.auth import edgegrid_auth
    from .._http.base import TransportOptions
    from .._http.transport import RequestsTransport

    options = TransportOptions(
        host=credentials.host,
        proxy=device.proxy.reveal() if device.proxy else None,
        ca_path=device.ca_path or None,
        validate_certs=device.validate_certs,
        timeout_s=float(device.timeout_s),
    )
    return RequestsTransport(options, edgegrid_auth(credentials))


def client_of(device: Device, store: Store, clock: Clock, environment: Environment) -> CpsClient:
    """Build the client of a device; no traffic."""
    from .._cps.client import CpsClient
    from .._cps.pacing import LedgerPacer

    credentials = credentials_of(device, environment)
    return CpsClient(
        transport_to(device, credentials),
        LedgerPacer(store.ledger, account_of(device, credentials), clock),
        clock,
        host=credentials.host,
        account_switch_key=credentials.account_switch_key,
        prefix=f"/{device.api_version}",
    )


def target_maker(store: Store, clock: Clock, environment: Environment) -> Callable[[Device], Target]:
    """Give the maker of targets."""

    def make(device: Device) -> Target:
        from .._target.akamai_cps import AkamaiCpsTarget

        return AkamaiCpsTarget(client_of(device, store, clock, environment), clock, device.contracts)

    return make


def key_provider_maker(
    store: Store, clock: Clock, environment: Environment
) -> Callable[[str, Device | KeyDevice | None], KeyProvider]:
    """Give the maker of key providers."""

    def make(csr_source: str, device: Device | KeyDevice | None) -> KeyProvider:
        if csr_source == vocabulary.LOCAL:
            from .._keys.local import LocalKeys

            return LocalKeys(StoreVault(store))
        if csr_source == vocabulary.UPLOAD:
            from .._keys.uploaded import UploadedCsr

            return UploadedCsr()
        if csr_source == vocabulary.CA_MADE:
            from .._keys.ca_made import CaMadeKey

            return CaMadeKey()
        if isinstance(device, KeyDevice):
            from .wire_keys import keys_on

            return keys_on(csr_source, device, store, clock, environment)
        if csr_source != vocabulary.ENDPOINT or not isinstance(device, Device):
            where = f" on key device {device.name}" if device is not None else ""
            raise InputError(f"csr_source {csr_source!r} is not to be had{where}", code="csr_source_missing")
        from .._keys.endpoint import EndpointKeys

        return EndpointKeys(lambda: client_of(device, store, clock, environment))

    return make


class StoreVault:
    """The sealed keys of requests, as ``_keys.local`` asks for them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def private_key(self, holder: str, algorithm: str) -> Secret | None:
        """Give the private key that a request holds, or None."""
        with self._store.read() as unit:
            held = unit.held_secrets.get("request", holder, f"private_key/{algorithm}")
        return held.value if held is not None else None


def probe_maker() -> Edges:
    """Give what finds edge servers and looks at them."""
    from .._target.akamai_edges import AkamaiEdges

    return AkamaiEdges()
