# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills a store with a small estate for reports: every state that a page shows, and names that try to be markup.

No traffic. The real parts make such records in the integration tests; here they are laid down as they would be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import (
    CaAccount,
    Certificate,
    CertRequest,
    Connector,
    Device,
    WorkOrder,
)
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Store, Unit

HOSTILE = (
    "</script><script>window.hacked=1</script>",
    "<img src=https://evil.example/x onerror=window.hacked=2>",
    "\"><svg onload=window.hacked=3>'`${alert(4)}`&amp;\u2028{{x}}",
    '=HYPERLINK("https://evil.example","open")\n# HELP x\\',
)
"""Texts that are markup, script, a formula or a metric wherever they are not written as text."""
HOSTILE_ID = "evil<b>&\"'.example.com"
_LOG = ("Device communication", "Device Version", "Instance Information", "Certificate Discovery From Device")


def fill(store: Store, now: datetime) -> None:
    """Store the estate.

    :param now: UTC; every moment in it is counted from there.
    """
    with store.write() as unit:
        unit.groups.add(Group("shop", description="the shop", expiry_warning_days=45))
        for name, kind in (("in-house", "own_ca"), ("digicert", "digicert"), ("letsencrypt", "acme")):
            unit.ca_accounts.add(CaAccount(name, kind))
        unit.devices.add(_device("edge-emea", "managed", now, data_center="fra", contracts=("C-1", "C-2")))
        unit.devices.add(_device("edge-us", "monitored", now, data_center="iad"))
        unit.devices.add(_device("edge-old", "failed", now, sync="managed", fails="Akamai answered 403"))
        unit.devices.add(_device("edge-lab", "unresolved", now, sync="managed", fails=HOSTILE[1]))
        _served(unit, now)
        _awaiting(unit, now)
        _odd(unit, now)


def _device(name: str, status: str, now: datetime, *, sync: str = "", fails: str = "", **more: Any) -> Device:
    log = [
        {"name": entry, "result": "ok", "at": to_text(now), "duration_ms": 84 + 40 * n, "detail": "as expected"}
        for n, entry in enumerate(_LOG)
    ]
    if fails:
        log = [{**log[0], "result": "failed", "detail": fails}]
    return Device(
        name,
        sync=sync or status,
        status=status,
        host="akab-example.luna.akamaiapis.net",
        status_log=tuple(log),
        checked_at=now - timedelta(hours=2),
        **more,
    )


def certificate(name: str, now: datetime, days: int, **more: Any) -> Certificate:
    """Give an issued certificate that expires in so many days."""
    end = now + timedelta(days=days, hours=3)
    fingerprint = f"{crc32(name.encode()):08x}" * 8
    served = {"fingerprint": fingerprint, "serial": "1f2e", "issuer": "CN=Issuing CA", "not_after": to_text(end)}
    wanted: dict[str, Any] = {
        "origin": "enrolled",
        "common_name": name,
        "state": "issued",
        "sans": (name, f"alt.{name}"),
        "san_count": 2,
        "device": "edge-emea",
        "enrollment_id": 10_000 + crc32(name.encode()) % 9000,
        "contract_id": "C-1",
        "validation_type": "third-party",
        "certificate_type": "third-party",
        "secure_network": "enhanced-tls",
        "key_algorithm": "RSA",
        "issuer": "CN=Issuing CA,O=Example Trust",
        "serial": "1f2e3d4c",
        "fingerprint": fingerprint,
        "not_before": end - timedelta(days=90),
        "not_after": end,
        "production": served,
        "staging": served,
        "created_at": now - timedelta(days=40),
        "updated_at": now - timedelta(days=1),
    }
    return Certificate(name, **{**wanted, **more})


def _steps(now: datetime, *steps: tuple[str, str, str]) -> tuple[Mapping[str, Any], ...]:
    first = now - timedelta(hours=len(steps))
    return tuple(
        {"type": kind, "at": to_text(first + timedelta(hours=n)), "actor": actor, "comment": comment}
        for n, (kind, actor, comment) in enumerate(steps)
    )


def request(name: str, now: datetime, state: str, **more: Any) -> CertRequest:
    """Give a request of a certificate's name."""
    wanted: dict[str, Any] = {
        "ca": "in-house",
        "csr_source": "endpoint",
        "device": "edge-emea",
        "actor": "ada",
        "policy": {"levels": 1},
        "conditions": _steps(
            now, ("submitted", "ada", "for the relaunch"), ("approved", "bob", ""), (state, "ada", "")
        ),
        "created_at": now - timedelta(days=2),
        "updated_at": now - timedelta(hours=1),
    }
    return CertRequest(f"req-{name[:12]}", name, "enroll", state, **{**wanted, **more})


def order(name: str, network: str, now: datetime, state: str, **more: Any) -> WorkOrder:
    """Give a push of a certificate."""
    wanted: dict[str, Any] = {
        "device": "edge-emea",
        "action": "push",
        "actor": "ada",
        "policy": {"levels": 2},
        "conditions": _steps(
            now, ("submitted", "ada", "go"), ("approval_1", "bob", "chain is right"), (state, "ada", "")
        ),
        "created_at": now - timedelta(hours=6),
        "updated_at": now - timedelta(minutes=20),
    }
    key = f"wo-{network[:4]}-{name[:10]}"
    return WorkOrder(key, name, more.pop("connector", "edge"), network=network, state=state, **{**wanted, **more})


def _add(unit: Unit, one: Certificate, requests: Sequence[CertRequest], orders: Sequence[WorkOrder]) -> None:
    unit.certificates.add(one)
    for record in requests:
        unit.requests.add(record)
    for work in orders:
        unit.work_orders.add(work)


def _served(unit: Unit, now: datetime) -> None:
    """Lay down certificates that are in use: healthy, expiring, expired, renewed before, in two places."""
    name = "www.example.com"
    former = certificate(f"{name}~5a1c", now, -5, state="superseded", successor=name, production={}, staging={})
    unit.certificates.add(former)
    www = certificate(
        name,
        now,
        61,
        parent=former.certificate_id,
        attributes={"team": "edge"},
        ca="in-house",
        auto_renew={"enabled": True, "days_before": 30},
    )
    _add(
        unit,
        www,
        [request(name, now, "issued", comment="for the relaunch")],
        [order(name, "staging", now, "completed"), order(name, "production", now, "completed")],
    )
    unit.connectors.add(Connector(name, "edge", devices=("edge-emea",), push_automatically=True))
    unit.connectors.add(Connector(name, "second site", devices=("edge-old", "edge-gone")))
    _add(
        unit,
        certificate("shop.example.com", now, 20, group="shop", ca="digicert"),
        [request("shop.example.com", now, "issued", ca="digicert", group="shop")],
        [],
    )
    for number, days in enumerate((-3, 2, 9, 17, 33, 34, 75, 120, 121, 150, 200, 260, 300, 390)):
        unit.certificates.add(
            certificate(
                f"site{number:02d}.example.net",
                now,
                days,
                origin="discovered",
                device="edge-us",
                issuer="CN=Public CA 2",
                key_algorithm="ECDSA" if number % 3 else "RSA",
            )
        )


def _awaiting(unit: Unit, now: datetime) -> None:
    """Lay down work that waits, for each kind of task one."""
    pay = "pay.example.com"
    _add(
        unit,
        certificate(pay, now, 12, ca="in-house", attributes={"team": "payments", "pci": True}),
        [request(pay, now, "issued")],
        [order(pay, "production", now, "review_in_progress", last_safe_at=now + timedelta(days=5))],
    )
    unit.connectors.add(Connector(pay, "edge", devices=("edge-emea",)))
    api = "api.example.com"
    _add(
        unit,
        certificate(api, now, 25, ca="letsencrypt"),
        [request(api, now, "issued", ca="letsencrypt")],
        [order(api, "staging", now, "needs_decision", reason="warning_asks", message="CPS warns: SAN list differs")],
    )
    unit.connectors.add(Connector(api, "edge", devices=("edge-emea",)))
    new = Certificate(
        "new.example.com",
        "enrolled",
        "new.example.com",
        device="edge-emea",
        ca="digicert",
        sans=("new.example.com",),
        san_count=1,
        created_at=now,
        updated_at=now,
    )
    action = {"kind": "dns-01", "domain": "new.example.com", "name": "_dnsauth.new.example.com", "value": "abc123"}
    _add(
        unit,
        new,
        [
            request(
                "new.example.com",
                now,
                "retrieval_in_progress",
                ca="digicert",
                message="DigiCert waits for the DNS record",
                next_look_at=now + timedelta(minutes=10),
                ca_progress={"RSA": {"actions": [action]}},
            )
        ],
        [],
    )
    unit.requests.add(request("next.example.com", now, "submitted", policy={"levels": 1}))
    unit.requests.add(request("later.example.com", now, "approved", manual_implementation=True))


def _odd(unit: Unit, now: datetime) -> None:
    """Lay down what tries to be something else than text."""
    evil = certificate(
        HOSTILE_ID,
        now,
        40,
        common_name=HOSTILE[0],
        sans=HOSTILE,
        san_count=4,
        issuer=HOSTILE[2],
        ca="in-house",
        attributes={HOSTILE[1]: HOSTILE[3], "__proto__": "x"},
        serial=HOSTILE[1],
    )
    _add(
        unit,
        evil,
        [
            request(
                HOSTILE_ID,
                now,
                "issued",
                message=HOSTILE[2],
                comment=HOSTILE[0],
                conditions=_steps(now, ("submitted", HOSTILE[1], HOSTILE[0])),
                wish={"ca_connector_name": HOSTILE[1]},
            )
        ],
        [order(HOSTILE_ID, "staging", now, "failed", connector=HOSTILE[0], message=HOSTILE[1], comment=HOSTILE[3])],
    )
    unit.connectors.add(Connector(HOSTILE_ID, HOSTILE[0], description=HOSTILE[1], devices=("edge-emea", HOSTILE[2])))
    unit.certificates.add(certificate("revoked.example.com", now, 90, state="revoked"))
