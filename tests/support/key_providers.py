# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to have a key and a CSR made, for the contract suite: one maker a line of ``MAKERS``.

A maker gives a *workshop*: real providers at one place, orders that the place understands, and what a caller does with
what ``begin`` made. Each provider it gives is a new one, as a run of its own would have it.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from edgecert_sandbox.handle import SandboxOptions, start

from ansible_collections.edgecert.clm.plugins.module_utils._clm import form, key_orders
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import UPN_OID, CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CertRequest, Device
from ansible_collections.edgecert.clm.plugins.module_utils._keys.base import (
    CsrPending,
    CsrReady,
    KeyOrder,
    KeyProvider,
    MadeSecret,
)
from ansible_collections.edgecert.clm.plugins.module_utils._keys.local import LocalKeys
from ansible_collections.edgecert.clm.plugins.module_utils._keys.uploaded import UploadedCsr
from ansible_collections.edgecert.clm.plugins.module_utils._pki.csr_building import build_csr

from . import softhsm
from .flow import ENGINE, Account, Bench, FlowClock, contract_names

EVERY_KEY: tuple[Mapping[str, Any], ...] = (
    {"key_type": "rsa", "key_size": 2048},
    {"key_type": "rsa", "key_size": 3072, "hash_name": "sha512"},
    {"key_type": "ec", "curve": "secp256r1"},
    {"key_type": "ec", "curve": "secp384r1", "hash_name": "sha384"},
    {"key_type": "ec", "curve": "secp521r1", "hash_name": "sha512"},
    {"key_type": "ed25519"},
)
EVERY_NAME: Mapping[str, Any] = {
    "ip_addresses": ("192.0.2.1", "2001:db8::1"),
    "emails": ("ops@example.com",),
    "uris": ("spiffe://example.com/edge",),
    "other_names": ((UPN_OID, "ada@example.com"),),
    "directory_names": ("CN=edge,O=Example,C=DE",),
}


@dataclass(frozen=True)
class Traits:
    """What a place can do, as the suite has to know it.

    :ivar keys: members of the spec for each kind of key that it makes; ``names`` those beside DNS names that it takes.
    :ivar leaves_traces: what ``begin`` made is found again by ``find`` when its answer was lost.
    :ivar can_challenge: takes a challenge password.
    :ivar makes_keys: two orders have two keys; False where the key is the user's own.
    :ivar bad: members of the spec that cannot be had, each with what is said of it.
    :ivar says_subject: the subject of its CSRs is just what was asked for.
    """

    keys: tuple[Mapping[str, Any], ...] = EVERY_KEY
    names: tuple[str, ...] = tuple(EVERY_NAME)
    leaves_traces: bool = True
    can_challenge: bool = True
    makes_keys: bool = True
    bad: tuple[tuple[Mapping[str, Any], str], ...] = ()
    says_subject: bool = True


class Workshop(ABC):
    """One place where keys are made, in a test."""

    traits: Traits

    @abstractmethod
    def provider(self) -> KeyProvider:
        """Give a new provider, as another run has it."""

    @abstractmethod
    def order(self, spec: CsrSpec, **changes: Any) -> KeyOrder:
        """Give the order of a new request for a spec, with what the place has to know."""

    def keep(self, made: tuple[MadeSecret, ...]) -> None:
        """Seal what ``begin`` made, as the caller does; a place that keeps its keys makes no secret of them."""
        assert not [one for one in made if one.name.startswith("private_key")]

    def wait(self, seconds: float) -> None:
        """Let time pass; a place that has its CSR at once asks for none."""
        raise AssertionError(f"nobody moves the time, and {seconds} seconds are waited for")

    def csrs(self, reference: Mapping[str, Any], looks: int = 30) -> Mapping[str, str]:
        """Collect, as often as the place wants to be asked."""
        for _look in range(looks):
            answer = self.provider().collect(reference)
            if isinstance(answer, CsrReady):
                return answer.csrs
            assert isinstance(answer, CsrPending), answer
            self.wait(answer.look_again_s)
        raise AssertionError("no CSR came")


class Local(Workshop):
    """Keys made here; what the store keeps is a dictionary."""

    traits = Traits(
        leaves_traces=False,
        bad=(
            ({"key_size": 1024}, "key_size 1024"),
            ({"key_size": 16384}, "key_size 16384"),
            ({"key_type": "ec", "curve": "secp224r1"}, "curve 'secp224r1'"),
            ({"key_type": "dsa"}, "key_type 'dsa'"),
            ({"hash_name": "sha1"}, "hash 'sha1'"),
            ({"extensions": {"key_usage": ["sign"]}}, "key usage sign"),
        ),
    )

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.kept: dict[str, Secret] = {}

    def provider(self) -> KeyProvider:
        """Give a provider over what is kept."""
        return LocalKeys(self)

    def private_key(self, holder: str, algorithm: str) -> Secret | None:
        """Give what is kept."""
        return self.kept.get(f"private_key/{algorithm}")

    def order(self, spec: CsrSpec, **changes: Any) -> KeyOrder:
        """Give an order of the next request."""
        return KeyOrder(spec, request_id=f"req-{next(self._numbers)}", **changes)

    def keep(self, made: tuple[MadeSecret, ...]) -> None:
        """Keep what was made."""
        self.kept.update({one.name: one.value for one in made})


class Upload(Workshop):
    """CSRs that a user makes, with a key of the kind that the spec asks for."""

    traits = Traits(
        leaves_traces=False,
        can_challenge=False,
        makes_keys=False,
        bad=(
            ({"common_name": "other.example.com"}, "its common name is"),
            ({"organization": "Else"}, "its organization is"),
            ({"dns_names": ("www.example.com", "more.example.com")}, "lacks the DNS names more.example.com"),
            ({"key_size": 4096}, "4096 were asked for"),
        ),
    )

    def provider(self) -> KeyProvider:
        """Give a provider."""
        return UploadedCsr()

    def order(self, spec: CsrSpec, **changes: Any) -> KeyOrder:
        """Give an order with the CSR that a user made of it."""
        made: Callable[[], Any] = {
            "rsa": lambda: rsa.generate_private_key(65537, spec.key_size or 2048),
            "ec": lambda: ec.generate_private_key(_CURVES[spec.curve or "secp256r1"]),
            "ed25519": ed25519.Ed25519PrivateKey.generate,
        }[spec.key_type]
        return KeyOrder(spec, {"csr": build_csr(spec, made())}, request_id="req-1", **changes)


_CURVES: Mapping[str, ec.EllipticCurve] = {
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
}


class Endpoint(Workshop):
    """Akamai CPS, played by the sandbox."""

    traits = Traits(
        keys=({"key_type": "rsa"}, {"key_type": "ec"}),
        names=(),
        can_challenge=False,
        says_subject=False,
        bad=(
            ({"ip_addresses": ("192.0.2.1",)}, "no IP addresses"),
            ({"other_names": ((UPN_OID, "a@example.com"),)}, "no other names"),
            ({"hash_name": "sha512"}, "hash sha512"),
            ({"key_size": 4096}, "key_size 4096"),
            ({"key_type": "ed25519"}, "key_type ed25519"),
            ({"extensions": {"must_staple": True}}, "no other extensions"),
        ),
    )

    def __init__(self, bench: Bench, device: Device, request: CertRequest) -> None:
        self._bench, self._device, self._request = bench, device, request

    def provider(self) -> KeyProvider:
        """Give a provider with a connection of its own."""
        return self._bench.ports.key_provider("endpoint", self._device)

    def order(self, spec: CsrSpec, **changes: Any) -> KeyOrder:
        """Give an order on this test's contract."""
        return replace(key_orders.order_of(self._request), spec=spec, **changes)

    def wait(self, seconds: float) -> None:
        """Move the sandbox's clock."""
        self._bench.advance(seconds)


@contextmanager
def endpoint(folder: Path) -> Iterator[Workshop]:
    """Start a sandbox with a device and settings for it."""
    names = contract_names(3)
    with start(SandboxOptions(limits=False, contracts=names)) as sandbox:
        sandbox.configure(ENGINE)
        bench = Bench(Account(sandbox, names, FlowClock(sandbox)), folder)
        try:
            bench.prepare()
            with bench.store.read() as unit:
                [device] = unit.devices.find()
                wish = form.build({"common_name": "www.example.com", "ca": "house"}, unit, bench.clock.now())
            request = CertRequest("req-1", "www.example.com", "enroll", "implementing", "house", "endpoint", wish=wish)
            yield Endpoint(bench, device, request)
        finally:
            bench.close()


class Hsm(Workshop):
    """A token of SoftHSM."""

    traits = Traits(
        bad=(
            ({"key_size": 1024}, "key_size 1024"),
            ({"key_type": "ec", "curve": "secp224r1"}, "curve secp224r1"),
            ({"key_type": "dsa"}, "key_type dsa"),
            ({"hash_name": "sha1"}, "hash sha1"),
            ({"extensions": {"key_usage": ["sign"]}}, "key usage sign"),
        ),
    )

    def __init__(self, token: softhsm.SoftToken) -> None:
        self._token, self._numbers = token, itertools.count(1)

    def provider(self) -> KeyProvider:
        """Give a provider that logs in by itself."""
        return self._token.keys()

    def order(self, spec: CsrSpec, **changes: Any) -> KeyOrder:
        """Give an order of the next request, for a certificate and a key of its own."""
        number = next(self._numbers)
        place = {"device": "hsm", "name": f"key-{number}", "reuse": False, "certificate_id": f"c-{number}"}
        return KeyOrder(spec, place, request_id=f"req-{number}", **changes)


@contextmanager
def hsm(folder: Path) -> Iterator[Workshop]:
    """Make a token; skips by name where none can be made."""
    try:
        token = softhsm.new_token(folder)
    except softhsm.NoTokens as reason:
        pytest.skip(str(reason))
    yield Hsm(token)


def plain(kind: Callable[[], Workshop]) -> Callable[[Path], AbstractContextManager[Workshop]]:
    """Make the maker of a place that has to be neither started nor stopped."""

    @contextmanager
    def make(_folder: Path) -> Iterator[Workshop]:
        yield kind()

    return make


def controller(kind: str) -> Callable[[Path], AbstractContextManager[Workshop]]:
    """Give the maker of a controller's place, which stands in a file of its own."""

    def make(folder: Path) -> AbstractContextManager[Workshop]:
        from .adc_workshops import controller as started

        return started(kind)(folder)

    return make


# Another provider joins the suite with a line here; a maker that needs what is not installed skips by name.
MAKERS: Mapping[str, Callable[[Path], AbstractContextManager[Workshop]]] = {
    "endpoint": endpoint,
    "f5_bigip": controller("f5_bigip"),
    "hsm": hsm,
    "local": plain(Local),
    "netscaler": controller("netscaler"),
    "upload": plain(Upload),
}
