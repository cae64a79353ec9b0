# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the keys of fake controllers as the glue does, over the real transport, and orders for them."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._keys.base import KeyOrder
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_base import DeviceKeys, DeviceTools
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_registry import device_type
from ansible_collections.edgecert.clm.tests.support.fake_adc.bigip import FakeBigIp
from ansible_collections.edgecert.clm.tests.support.fake_adc.netscaler import FakeNetScaler
from ansible_collections.edgecert.clm.tests.support.fake_adc.server import FakeAdc

SPEC = CsrSpec(
    common_name="www.example.com",
    dns_names=("www.example.com", "shop.example.com"),
    organization="Example Ltd",
    organizational_unit="Web",
    locality="Boston",
    state_or_province="Massachusetts",
    country="US",
)
PLACE: Mapping[str, Any] = {
    "name": "shop",
    "reuse": False,
    "certificate_id": "www.example.com",
}


class StillClock:
    """A clock that waits without any time passing outside."""

    def __init__(self) -> None:
        self.waited = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 30, 12, tzinfo=timezone.utc) + timedelta(seconds=self.waited)

    def sleep(self, seconds: float) -> None:
        self.waited += seconds

    def monotonic(self) -> float:
        return self.waited


def order(
    spec: CsrSpec = SPEC,
    renews: Mapping[str, Any] | None = None,
    *,
    request_id: str = "req-1",
    challenge_password: Secret | None = None,
    **place: Any,
) -> KeyOrder:
    """Give an order; members of its place are overridden by name."""
    return KeyOrder(
        spec, {**PLACE, **place}, renews or {}, request_id=request_id, challenge_password=challenge_password
    )


class Memory:
    """Remembers refused secrets as long as it lives."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def is_refused(self, secret: Secret) -> bool:
        return secret.reveal() in self.known

    def refused(self, secret: Secret) -> None:
        self.known.add(secret.reveal())

    def taken(self) -> None:
        self.known.clear()


def tools(clock: StillClock | None = None, memory: Memory | None = None) -> DeviceTools:
    """Give what a kind of device is given of the world."""
    kept = memory or Memory()
    return DeviceTools(clock or StillClock(), RequestsTransport, lambda _name: kept)


def connect(
    kind: str,
    fake: FakeAdc,
    *,
    secrets: Mapping[str, str] | None = None,
    clock: StillClock | None = None,
    memory: Memory | None = None,
    **options: Any,
) -> DeviceKeys:
    """Build the keys of a fake device as one that was stored with these options.

    :param secrets: the fake's own user and password when left out.
    """
    given = secrets
    if given is None:
        given = {"user": fake.options.user, "password": fake.options.password}
    maker = device_type(kind, tools(clock, memory))
    wanted = {"host": fake.host, "ca_path": fake.ca_path, "timeout": 5, **options}
    prepared = maker.prepare("lb1", wanted, given)
    return maker.connect("lb1", prepared, {name: Secret(text) for name, text in given.items()})


@contextmanager
def devices_of_target(target: str, folder: pathlib.Path) -> Iterator[dict[str, Any]]:
    """Start the controllers that an integration target speaks to, and give the variables that tell it where they are.

    :param target: only one whose name ends in ``_adc`` has any.
    """
    if not target.endswith("_adc"):
        yield {}
        return
    with FakeBigIp(folder / "f5", names=("localhost",)) as f5, FakeNetScaler(folder / "ns") as ns:
        yield {"clm_f5": {**_variables(f5), "other_host": f"127.0.0.1:{f5.port}"}, "clm_ns": _variables(ns)}


def _variables(fake: Any) -> dict[str, str]:
    login = {"user": fake.options.user, "password": fake.options.password}
    return {"host": fake.host, "ca_path": fake.ca_path, **login}
