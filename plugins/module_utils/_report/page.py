# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one page that holds all it needs: markup, style, script and data, under a policy that allows no more.

The content security policy names style and script by their hashes: whatever else might get into the page does not run,
and nothing is fetched or sent. The data stands in a block that no browser runs, and the script makes texts of it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import (
    page_colors,
    page_markup,
    page_script,
    page_script_detail,
    page_script_overview,
    page_script_start,
    page_script_table,
    page_script_topology,
    page_style,
    page_style_detail,
)
from .base import Report, ReportFormat
from .json_format import outline, settled

_SCRIPTS = (
    page_script,
    page_script_table,
    page_script_overview,
    page_script_topology,
    page_script_detail,
    page_script_start,
)
_DATA = '<script type="application/json" id="data">'
_END = "</script>"
# Nothing of these can end the block or begin a comment; JSON reads their numbers as the same characters.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
# Of a certificate, what the JSON report has and no view of the page shows.
_NOT_SHOWN = frozenset(["created_at", "updated_at", "request_id", "parent", "successor", "production_days_left"])
_OF_SERVED = ("fingerprint", "not_after")
_OF_WORK = ("network", "state", "label", "message")
_NOTHING: tuple[Any, ...] = (None, "", [], {})


class PageFormat(ReportFormat):
    """For people."""

    def render(self, report: Report) -> str:
        """Give the page, in ASCII."""
        style = page_colors.rules() + page_style.STYLE + page_style_detail.STYLE
        inner = "\n".join(part.SCRIPT.strip() for part in _SCRIPTS)
        script = f"'use strict';\n(() => {{\n{inner}\n}})();\n"
        return "\n".join(
            (
                "<!doctype html>",
                '<html lang="en">',
                "<head>",
                '<meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                '<meta name="referrer" content="no-referrer">',
                '<meta name="robots" content="noindex">',
                '<link rel="icon" href="data:,">',
                f"<title>{_text(report['title'])}</title>",
                f"<style>{style}</style>",
                "</head>",
                "<body>",
                page_markup.BODY.strip(),
                f"{_DATA}{embedded(report)}{_END}",
                f"<script>{script}</script>",
                "</body>",
                "</html>",
                "",
            )
        )

    def settled(self, text: str) -> str:
        """Leave the moment, and the days counted from it, out."""
        return settled(text)

    def outline(self, text: str) -> Mapping[str, Any]:
        """Give the title and the counts."""
        return outline(text.partition(_DATA)[2].partition(_END)[0])


def _policy(style: str, script: str) -> str:
    """Allow what is given, and nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            # An empty icon, so that no browser asks a server for one.
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            # Where a browser knows them: no text can become markup or code by any of its functions.
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def embedded(report: Report) -> str:
    """Write data as JSON that can stand in a script block, in ASCII, without empty members and those no view shows.

    Ten thousand certificates have a hundred thousand of those.
    """
    shown = {**report, "certificates": [_shown(one) for one in report["certificates"]]}
    text = json.dumps(_full(shown), separators=(",", ":"))
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return text


def _shown(one: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = {name: value for name, value in one.items() if name not in _NOT_SHOWN}
    for network in ("staging", "production"):
        kept[network] = _picked(one[network] or {}, _OF_SERVED)
    connector = one["ca_connector"]
    if connector:
        kept["ca_connector"] = {**connector, "request": _picked(connector["request"], _OF_WORK)}
    kept["connectors"] = [
        {**each, "devices": [_device_shown(device) for device in each["devices"]]} for each in one["connectors"]
    ]
    kept["history"] = _by_record(one["history"])
    return kept


def _picked(value: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value[name] for name in names if name in value}


def _device_shown(device: Mapping[str, Any]) -> Mapping[str, Any]:
    orders = {name: [_picked(order, _OF_WORK) for order in device[name]] for name in ("work_orders", "settings_orders")}
    return {**device, **orders}


def _by_record(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Group steps by what they are of, which says once what each of them repeats: half of a large page is history."""
    records: dict[str, dict[str, Any]] = {}
    for step in history:
        record = records.setdefault(step["id"], {**_picked(step, ("id", "action", "network")), "steps": []})
        record["steps"].append([step["at"], step["step"], step["actor"], step["comment"]])
    return list(records.values())


def _full(value: Any) -> Any:
    if isinstance(value, Mapping):
        # An attribute may well be empty.
        kept = {name: entry if name == "attributes" else _full(entry) for name, entry in value.items()}
        return {name: entry for name, entry in kept.items() if entry not in _NOTHING}
    return [_full(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def _text(value: str) -> str:
    return html.escape(value).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"
