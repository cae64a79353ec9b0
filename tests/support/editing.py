# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate that serves on production and is edited there, with what each call costs. Knows no test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Outcome, Plan
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import _Meter
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.tests.support.flow import Bench

SAN_REMOVED = "SANS_REMOVED_REQUIRE_ACKNOWLEDGEMENT"
LIVE = "CERTIFICATE_VS_NETWORK_SAN_REMOVED_FROM_CERT_LIVE_ON_NETWORK"
ALLOW = {"allow": [SAN_REMOVED, LIVE], "ask": [], "block": []}


class Edited:
    """A certificate for three names that serves on production, its calls counted, and ways to edit it."""

    def __init__(self, bench: Bench, **form: Any) -> None:
        self.bench = bench
        self.www, self.api, self.old = bench.name(), bench.name("api"), bench.name("old")
        bench.issued(subject_alternative_names=self.sans(self.www, self.api, self.old), **form)
        bench.push(network="production")
        bench.calls()
        with bench.store.read() as unit:
            [device] = unit.devices.find()
        self.device = device
        self.client = client_of(device, bench.store, bench.clock, bench.environment)
        self.meter = _Meter()
        self.fresh()

    def fresh(self) -> None:
        """Begin a new call: it counts from none."""
        self.meter = meter = _Meter()
        made = self.bench.make_ports(self.bench.store)
        self.bench.ports = replace(
            made,
            target=meter.watched(made.target),
            key_provider=meter.watched(made.key_provider),
            calls=meter.calls,
        )
        self.bench.calls()

    @staticmethod
    def sans(*names: str) -> dict[str, list[str]]:
        """Give the option of so many DNS names."""
        return {"dns": list(names), "ip": [], "email": [], "uri": []}

    def plan(self, **options: Any) -> Plan:
        """Plan a regeneration, as a call of its own."""
        self.fresh()
        return self.bench.plan_enroll(**{"action": "regenerate", **options})

    def edit(self, **options: Any) -> Outcome:
        """Regenerate."""
        return self.plan(**options).execute()

    def live(self) -> Mapping[str, Any]:
        """Read the enrollment as a person would."""
        with self.bench.store.read() as unit:
            certificate = unit.certificates.get(self.www)
        assert certificate is not None and certificate.enrollment_id is not None
        return self.client.get_enrollment(certificate.enrollment_id).raw

    def names(self) -> set[str]:
        """Give the names of the enrollment, without the common name."""
        return set(self.live()["csr"]["sans"]) - {self.www}

    def pending(self) -> list[str]:
        """Name the kinds of the changes that are open."""
        return [change["changeType"] for change in self.live()["pendingChanges"]]

    def puts(self) -> list[str]:
        """Give the flags of the updates of this call; nothing else was written but inputs of changes."""
        calls = self.bench.calls()
        assert not [call for call in calls if call[0] == "DELETE" or "allow-cancel" in call[1]]
        assert len([call for call in calls if call[0] == "POST" and call[1].startswith("/cps/v2/enrollments?")]) == 0
        return [path.partition("?")[2] for method, path in calls if method == "PUT"]

    def use(self, *hostnames: str) -> None:
        """Have properties with these host names."""
        self.bench.sandbox.configure({"property_hostnames": list(hostnames)})
