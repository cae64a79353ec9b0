# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ACME servers of others, for the contract suite: Pebble, the PKI engine of OpenBao, acme2certifier."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias

from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request
from ansible_collections.edgecert.clm.tests.support import acme2certifier, openbao, pebble, proofs_dns
from ansible_collections.edgecert.clm.tests.support.ca_site import RealClock, Site, registered
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.acme import AcmeVendor

_SHORT_S = 0.2


class PromptClock(RealClock):
    """The computer's own; of a sleep a moment is really slept, in which a server on loopback does its part."""

    def sleep(self, seconds: float) -> None:
        """Note it, and sleep a little."""
        super().sleep(seconds)
        time.sleep(min(seconds, _SHORT_S))


def only_asks(request: Request) -> bool:
    """Say whether a signed call only reads: it has no payload, or asks for an account that is there."""
    signed = json.loads(request.body or b"{}")
    payload = base64.urlsafe_b64decode(signed["payload"] + "=" * (-len(signed["payload"]) % 4))
    return not payload or json.loads(payload) == {"onlyReturnExisting": True}


Maker: TypeAlias = Callable[[Path], AbstractContextManager[Site]]


def by_pebble(*, binding: bool = False, reuse: int = 0, **options: Any) -> Maker:
    """Give a maker of a Pebble.

    :param reuse: percentage of proofs that stand for a later order, too.
    """

    @contextlib.contextmanager
    def run(folder: Path) -> Iterator[Site]:
        settings = {"PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": str(reuse)}
        with pebble.running(folder, binding=binding, settings=settings) as server:
            bound = {"eab_kid": pebble.EAB_KID} if binding else {}
            yield Site(
                registered("acme"),
                server.options(**bound, **options),
                {"eab_hmac_key": pebble.EAB_KEY} if binding else {},
                PromptClock(),
                bought=server.orders,
                write_path="/order-plz$",
                act=server.act,
                only_asks=only_asks,
                root=server.root(),
                is_tried_late=True,
                empty_lists=("certificate_profile",),
            )

    return run


@contextlib.contextmanager
def by_fake(folder: Path) -> Iterator[Site]:
    """Run the fake, which does what real servers do not do on demand."""
    orders = core.Orders(core.FakeClock())
    vendor = AcmeVendor(orders)
    mac = secrets.token_bytes(32)
    # Each account of the suite is bound anew; a real key id serves but once.
    vendor.macs = Reusable({"kid-1": mac})
    with core.running(vendor, orders, folder) as fake:
        options = {"url": f"{fake.url}/directory", "ca_path": fake.ca_path, "terms_agreed": True, "eab_kid": "kid-1"}
        yield Site(
            registered("acme"),
            {**options, "dcv_check": "wait", "dcv_wait_s": 0},
            {"eab_hmac_key": base64.urlsafe_b64encode(mac).decode()},
            orders.clock,
            bought=lambda: len(vendor.placed),
            orders=orders,
            write_path="/new-order$",
            only_asks=only_asks,
            is_tried_late=True,
        )


class Reusable(dict[str, bytes]):
    """Bindings that serve more than once."""

    def pop(self, key: str, *default: Any) -> Any:
        """Keep what is there."""
        return self[key]


# Nobody here can look at a page of www.example.com, so the CA is told to look once its time has come.
by_pebble_bound = by_pebble(
    binding=True, reuse=100, account_key_type="rsa", dcv_type="http-01", dcv_check="wait", dcv_wait_s=0
)


def enable_acme(bao: openbao.OpenBao, dns: str, *, binding: bool) -> None:
    """Let the PKI engine of an OpenBao speak ACME, and ask that name server."""
    bao.call("POST", "pki/config/cluster", {"path": f"{bao.url}/v1/pki"})
    # Without them the directory answers, and no nonce comes.
    headers = ["Last-Modified", "Location", "Replay-Nonce", "Link"]
    bao.call("POST", "sys/mounts/pki/tune", {"allowed_response_headers": headers})
    role = {"allow_any_name": True, "key_type": "any", "ttl": "2160h", "max_ttl": "2160h", "no_store": False}
    bao.call("POST", "pki/roles/acme", {**role, "require_cn": False, "enforce_hostnames": False})
    policy = "always-required" if binding else "not-required"
    body = {"enabled": True, "dns_resolver": dns, "eab_policy": policy, "default_directory_policy": "role:acme"}
    bao.call("POST", "pki/config/acme", {**body, "allowed_roles": ["acme"]})


@contextlib.contextmanager
def by_openbao(folder: Path) -> Iterator[Site]:
    """Run an OpenBao whose PKI engine speaks ACME; each account needs a binding of its own there, so none is asked."""
    with openbao.running(folder) as bao, proofs_dns.running() as dns:
        enable_acme(bao, dns.address, binding=False)
        yield Site(
            registered("acme"),
            {
                **{"url": f"{bao.url}/v1/pki/acme/directory", "ca_path": bao.ca_path, "dns_servers": [dns.address]},
                # It keeps none.
                "revoke_reasons": ["unspecified"],
            },
            {},
            PromptClock(),
            write_path="/new-order$",
            act=dns.act,
            only_asks=only_asks,
            root=str(bao.call("GET", "root/cert/ca")["data"]["certificate"]),
            is_tried_late=True,
            empty_lists=("certificate_profile",),
        )


@contextlib.contextmanager
def by_acme2certifier(folder: Path) -> Iterator[Site]:
    """Run an acme2certifier, which has profiles and renewal information, and believes every proof."""
    with acme2certifier.running(folder) as server:
        yield Site(
            registered("acme"),
            server.options(),
            {"eab_hmac_key": acme2certifier.EAB_KEY},
            PromptClock(),
            write_path="/neworders$",
            only_asks=only_asks,
            root=server.root,
            is_tried_late=True,
        )
