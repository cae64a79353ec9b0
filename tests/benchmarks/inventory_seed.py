# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills a store with certificates for benchmarks and tests of the inventory; no traffic."""

from __future__ import annotations

from datetime import datetime, timedelta

from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate, Device
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Store

DEVICES = ("cps-managed", "cps-monitored", "cps-ignored")
_SYNC = {"cps-managed": "managed", "cps-monitored": "monitored", "cps-ignored": "ignored"}
_ISSUERS = ("CN=Example CA 1", "CN=Example CA 2", "CN=Example CA 3")


def certificate(number: int, now: datetime, device: str) -> Certificate:
    """Give a certificate as a discovery would have stored it; each 50th has expired, each 40th has a change open."""
    name = f"www{number}.example.com"
    days = -3 if number % 50 == 0 else 5 + number % 360
    end = now + timedelta(days=days, hours=1)
    fingerprint, serial, issuer = f"{number:064x}", f"{number:x}", _ISSUERS[number % 3]
    served = {
        "fingerprint": fingerprint,
        "serial": serial,
        "issuer": issuer,
        "not_after": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "key_algorithm": "RSA",
        "others": [],
    }
    return Certificate(
        certificate_id=name,
        origin="discovered",
        common_name=name,
        state="issued",
        sans=(f"api{number}.example.com", name),
        san_count=2,
        device=device,
        enrollment_id=10_000 + number,
        contract_id=f"C-{number % 5}",
        validation_type="third-party",
        certificate_type="third-party",
        secure_network="enhanced-tls",
        change_management=True,
        key_algorithm="RSA",
        issuer=issuer,
        serial=serial,
        fingerprint=fingerprint,
        not_before=end - timedelta(days=365),
        not_after=end,
        production=served,
        staging=served,
        pending_changes=({"change_id": number, "change_type": "renewal"},) if number % 40 == 0 else (),
        attributes={"team": f"team-{number % 7}"},
        created_at=now,
        updated_at=now,
    )


def fill(store: Store, count: int, now: datetime) -> None:
    """Store three devices and that many certificates, most of them on the managed one."""
    share = {0: DEVICES[1], 1: DEVICES[1], 2: DEVICES[2]}
    with store.write() as unit:
        for name in DEVICES:
            unit.devices.add(Device(name, sync=_SYNC[name], status=_SYNC[name], host="akab.example.com"))
        unit.certificates.add_many([certificate(n, now, share.get(n % 20, DEVICES[0])) for n in range(1, count + 1)])
