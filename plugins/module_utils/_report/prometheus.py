# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as a file of the textfile collector of Prometheus's node_exporter, in its text format 0.0.4.

A sample bears no moment of its own: the collector refuses files that have any.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.clock import from_text
from .base import Report, ReportFormat

SUFFIX = ".prom"
_PREFIX = "edgecert_"
_MOMENT = "report_timestamp_seconds"
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})

Labels = Mapping[str, Any]
Sample = tuple[Labels, float]


@dataclass(frozen=True)
class Metric:
    """A gauge: its name without the prefix, its help, its samples."""

    name: str
    help: str
    samples: Sequence[Sample]

    def lines(self) -> Iterator[str]:
        """Give its lines; none without a sample."""
        if not self.samples:
            return
        name = _PREFIX + self.name
        yield f"# HELP {name} {self.help}"
        yield f"# TYPE {name} gauge"
        for labels, value in self.samples:
            inner = ",".join(f'{label}="{escaped(text)}"' for label, text in labels.items())
            yield f"{name}{{{inner}}} {number(value)}" if inner else f"{name} {number(value)}"


class PrometheusFormat(ReportFormat):
    """For alerts on expiries and on work that waits."""

    def render(self, report: Report) -> str:
        """Give every metric that has a sample."""
        metrics = [*_certificates(report), *_work(report), *_devices(report), *_report(report)]
        return "".join(f"{line}\n" for metric in metrics for line in metric.lines())

    def settled(self, text: str) -> str:
        """Leave the moment of writing out."""
        return re.sub(rf"(?m)^{_PREFIX}{_MOMENT} \S+$", "", text)

    def outline(self, text: str) -> Mapping[str, Any]:
        """Count the certificates and what waits."""
        return {
            noun: sum(map(int, re.findall(rf"(?m)^{_PREFIX}{noun}\{{[^\n]*\}} (\d+)$", text)))
            for noun in ("certificates", "pending")
        }

    def advice(self, dest: str) -> tuple[str, ...]:
        """Say that node_exporter reads names with its own ending alone."""
        if dest.endswith(SUFFIX):
            return ()
        return (f"{dest} does not end in {SUFFIX}: node_exporter's textfile collector reads no other files",)


def escaped(value: Any) -> str:
    """Write the value of a label; what the format has no escape for, as a carriage return, becomes a blank."""
    text = str(value).translate(_ESCAPES)
    return "".join(one if one.isprintable() else " " for one in text)


def number(value: float) -> str:
    """Write a sample's value."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _moment(text: str | None) -> float | None:
    return from_text(text).timestamp() if text else None


def _dated(pairs: Sequence[tuple[Labels, str | None]]) -> list[Sample]:
    """Give the samples of those that have a date."""
    moments = [(labels, _moment(text)) for labels, text in pairs]
    return [(labels, moment) for labels, moment in moments if moment is not None]


def _certificates(report: Report) -> list[Metric]:
    shown = report["certificates"]

    def labels(one: Mapping[str, Any]) -> dict[str, Any]:
        return {name: one[name] for name in ("certificate", "device", "group", "ca")}

    served = [
        ({**labels(one), "network": network}, (one[network] or {}).get("not_after"))
        for one in shown
        for network in ("staging", "production")
    ]
    groups = [({"group": one["name"]}, float(one["expiry_warning_days"])) for one in report["groups"]]
    states = [({"state": state}, float(count)) for state, count in report["summary"]["by_state"].items()]
    return [
        Metric(
            "certificate_not_after_timestamp_seconds",
            "When the certificate expires, as issued or found.",
            _dated([(labels(one), one["not_after"]) for one in shown if one["state"] in ("issued", "suspended")]),
        ),
        Metric(
            "network_not_after_timestamp_seconds",
            "When the certificate expires that the network served when it was last looked at.",
            _dated(served),
        ),
        Metric("group_expiry_warning_days", "Days before expiry from which the group warns.", groups),
        Metric("certificates", "Certificates by state.", states),
    ]


def _work(report: Report) -> list[Metric]:
    waiting = report["pending"]
    by_state = Counter((one["kind"], one["state"]) for one in waiting)
    # Those without any are there too, so that an alert sees the last one go.
    known = {("request", "submitted"), ("work_order", "submitted"), ("work_order", "review_in_progress")}
    known |= {("work_order", "needs_decision"), ("work_order", "in_doubt"), ("request", "in_doubt")}
    tasks = Counter(dict.fromkeys(("approve", "ca_action", "decide", "implement", "wait"), 0))
    tasks.update(one["task"]["what"] for one in waiting)
    looks = [_moment(one["next_look_at"]) for one in waiting if one["next_look_at"]]
    due = [one for one in looks if one is not None]
    safe = [
        ({name: one[name] for name in ("work_order_id", "certificate", "device", "network")}, one["last_safe_at"])
        for one in waiting
        if one["kind"] == "work_order"
    ]
    return [
        Metric(
            "pending",
            "Open requests and work orders by state.",
            [({"kind": k, "state": s}, float(by_state[k, s])) for k, s in sorted({*known, *by_state})],
        ),
        Metric(
            "pending_tasks",
            "Open requests and work orders by what is to be done; wait is for nobody.",
            [({"what": what}, float(count)) for what, count in sorted(tasks.items())],
        ),
        Metric(
            "work_order_last_safe_timestamp_seconds",
            "From when on CPS deploys by itself what the work order has on staging.",
            _dated(safe),
        ),
        Metric(
            "oldest_due_timestamp_seconds",
            "Earliest moment at which open work is to be looked at again; long past where cert_lifecycle does not run.",
            [({}, min(due))] if due else [],
        ),
    ]


def _devices(report: Report) -> list[Metric]:
    devices = report["devices"]
    known = Counter(dict.fromkeys(("managed", "monitored", "ignored", "failed", "unresolved"), 0))
    known.update(one["status"] or "unknown" for one in devices)
    return [
        Metric("devices", "Devices by status.", [({"status": s}, float(n)) for s, n in sorted(known.items())]),
        Metric(
            "device_checked_timestamp_seconds",
            "When the device was last looked at.",
            _dated([({"device": one["name"], "status": one["status"]}, one["checked_at"]) for one in devices]),
        ),
    ]


def _report(report: Report) -> list[Metric]:
    return [Metric(_MOMENT, "When this file was written.", _dated([({}, report["generated_at"])]))]
