# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers in the contract suite over all key providers: each vendor's fake as one place where keys are made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import UPN_OID, CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._keys.base import KeyOrder, KeyProvider
from ansible_collections.edgecert.clm.tests.support import adc
from ansible_collections.edgecert.clm.tests.support.fake_adc.bigip import FakeBigIp
from ansible_collections.edgecert.clm.tests.support.fake_adc.netscaler import FakeNetScaler
from ansible_collections.edgecert.clm.tests.support.key_providers import Traits, Workshop

_BAD: tuple[tuple[Mapping[str, Any], str], ...] = (
    ({"key_type": "ed25519"}, "key_type ed25519"),
    ({"key_size": 1024}, "key_size 1024"),
    ({"hash_name": "sha384"}, "hash sha384"),
    ({"other_names": ((UPN_OID, "ada@example.com"),)}, "the kind other"),
    ({"directory_names": ("CN=edge",)}, "the kind directory"),
    ({"uris": ("https://x.example.com/a,b",)}, "a,b"),
    ({"extensions": {"must_staple": True}}, "must_staple"),
)
_NAMES = ("ip_addresses", "emails", "uris")
_P256: Mapping[str, Any] = {"key_type": "ec", "curve": "secp256r1"}
_P384: Mapping[str, Any] = {"key_type": "ec", "curve": "secp384r1"}
_P521: Mapping[str, Any] = {"key_type": "ec", "curve": "secp521r1"}
_RSA: Mapping[str, Any] = {"key_type": "rsa", "key_size": 2048}
_TRAITS = {
    "f5_bigip": Traits(keys=(_RSA, _P256, _P384, _P521), names=_NAMES, bad=_BAD),
    "netscaler": Traits(
        keys=(_RSA, {"key_type": "rsa", "key_size": 3072}, _P256, _P384),
        names=_NAMES,
        bad=(*_BAD, ({"country": ""}, "country is missing")),
    ),
}


class Controller(Workshop):
    """One vendor's fake.

    :param kind: of the key device.
    """

    def __init__(self, kind: str, fake: Any) -> None:
        self.traits = _TRAITS[kind]
        self._kind, self._fake = kind, fake
        self._numbers = itertools.count(1)

    def provider(self) -> KeyProvider:
        """Connect anew."""
        return adc.connect(self._kind, self._fake)

    def order(self, spec: CsrSpec, **changes: Any) -> KeyOrder:
        """Give an order of the next request, for a certificate and under a reference name of its own."""
        number = next(self._numbers)
        place = {"name": f"key{number}", "reuse": False, "certificate_id": f"cert{number}"}
        return replace(KeyOrder(spec, place, request_id=f"req-{number}"), **changes)


def controller(kind: str) -> Callable[[Path], AbstractContextManager[Workshop]]:
    """Make the maker of one vendor's place."""

    @contextmanager
    def make(folder: Path) -> Iterator[Workshop]:
        fake = FakeBigIp(folder / "adc") if kind == "f5_bigip" else FakeNetScaler(folder / "adc")
        with fake:
            yield Controller(kind, fake)

    return make
