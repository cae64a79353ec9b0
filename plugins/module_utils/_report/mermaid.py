# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as a Mermaid flow chart: CA connector, certificate, application connectors, devices, networks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._core.errors import InputError
from .base import Report, ReportFormat

MAX_EDGES, MAX_TEXT = 500, 50_000
"""Mermaid itself draws no more edges, and reads no more characters, unless it is told to; where it is embedded nobody
can tell it. :source: ``maxEdges`` and ``maxTextSize`` of Mermaid's configuration.
"""
_EDGE = re.compile(r"(?m)^    \w+ (?:-->|-\.->) \w+$")
_MOMENT = "%% written at "
# Everything else is written as its number: quotes, brackets, backticks and entities mean something to Mermaid.
_PLAIN = re.compile(r"[^0-9A-Za-z .,:/@_+*-]")
_MAX_TEXT = 120
_CLASSES = (
    "classDef good stroke:#1a7f37,stroke-width:2px",
    "classDef open stroke:#9a6700,stroke-width:2px,stroke-dasharray:4 3",
    "classDef bad stroke:#cf222e,stroke-width:2px",
)
_BAD, _GOOD = ("failed", "rejected", "cancelled"), ("completed", "issued")


class MermaidFormat(ReportFormat):
    """For documents that draw Mermaid, as those of GitHub, GitLab and many wikis."""

    def render(self, report: Report) -> str:
        """Give one chart with a frame for each certificate.

        :raises InputError: they are too many for one chart, with all that stands around them.
        """
        shown = report["certificates"]
        lines = [f"{_MOMENT}{report['generated_at']}", "flowchart LR"]
        for number, one in enumerate(shown):
            lines += _Chart(f"c{number}").of(one)
        lines += [f"  {line}" for line in _CLASSES]
        text = "\n".join(lines) + "\n"
        edges = len(_EDGE.findall(text))
        if edges > MAX_EDGES or len(text) > MAX_TEXT:
            raise InputError(
                f"Cannot draw {len(shown)} certificates in one chart: it would have {edges} lines between boxes and "
                f"{len(text)} characters, and Mermaid draws no more than {MAX_EDGES} and {MAX_TEXT}; narrow the "
                "certificates down with the filters, or choose format html",
                code="too_many_certificates",
                details={"certificates": len(shown), "edges": edges, "characters": len(text)},
            )
        return text

    def settled(self, text: str) -> str:
        """Leave the moment of writing out."""
        return re.sub(rf"(?m)^{re.escape(_MOMENT)}.*$", "", text)

    def outline(self, text: str) -> Mapping[str, Any]:
        """Count the certificates."""
        return {"certificates": len(re.findall(r"(?m)^  subgraph c\d+\[", text))}


def label(*lines: Any) -> str:
    """Write lines of text as the quoted label of a node; empty ones are left out."""
    return '"' + "<br/>".join(_escaped(str(line)) for line in lines if str(line or "")) + '"'


def _escaped(text: str) -> str:
    short = text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "\u2026"
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", " ".join(short.split()))


class _Chart:
    """The nodes and edges of one certificate; ``mark`` makes their names its own."""

    def __init__(self, mark: str) -> None:
        self._mark, self._count = mark, 0

    def of(self, one: Mapping[str, Any]) -> Iterator[str]:
        """Give the lines of a certificate's frame."""
        yield f"  subgraph {self._mark}[{label(one['certificate'])}]"
        # A frame on its own does not follow the chart's direction.
        yield "    direction LR"
        leaf = self._name()
        ends = f"expires {one['not_after'][:10]}" if one["not_after"] else ""
        yield f"    {leaf}[{label(one['common_name'], one['state'], ends)}]{_class(one['state'])}"
        yield from self._ca(one, leaf)
        for connector in one["connectors"]:
            node = self._name()
            yield f"    {node}({label(connector['name'], 'application connector')})"
            yield f"    {leaf} --> {node}"
            for device in connector["devices"]:
                yield from self._device(device, node)
        if not one["connectors"] and one["device"]:
            device = self._name()
            yield f"    {device}[{label(one['device'], ', '.join(one['networks']))}]"
            yield f"    {leaf} -.-> {device}"
        yield "  end"

    def _name(self) -> str:
        self._count += 1
        return f"{self._mark}n{self._count}"

    def _ca(self, one: Mapping[str, Any], leaf: str) -> Iterator[str]:
        connector, node = one["ca_connector"], self._name()
        if connector:
            request = connector["request"]
            yield f"    {node}([{label(connector['name'], connector['type'], request['label'])}])"
            yield f"    {node} --> {leaf}"
        elif one["issuer"]:
            yield f"    {node}([{label(one['issuer'], 'found at the device')}])"
            yield f"    {node} -.-> {leaf}"

    def _device(self, device: Mapping[str, Any], connector: str) -> Iterator[str]:
        node = self._name()
        yield f"    {node}[{label(device['name'], device['status'] or 'unknown')}]"
        yield f"    {connector} --> {node}"
        orders: Sequence[Mapping[str, Any]] = [*device["work_orders"], *device["settings_orders"]]
        for order in orders:
            network = self._name()
            about = "network settings" if order in device["settings_orders"] else ""
            yield f"    {network}[{label(order['network'], about, order['label'])}]{_class(order['state'])}"
            yield f"    {node} --> {network}"


def _class(state: str) -> str:
    if state in _BAD or state in ("revoked", "suspended", "vanished"):
        return ":::bad"
    return ":::good" if state in _GOOD else ":::open"
