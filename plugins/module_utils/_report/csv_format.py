# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as CSV (RFC 4180): a line for each certificate, that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from .base import Report, ReportFormat

# What spreadsheets begin a formula with, in ASCII and full width; blanks before it do not help (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")
_CONTROL = ("\t", "\r", "\n", "\0")
DAYS = ("days_left", "production_days_left")


def _member(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda one: one.get(name)


def _served(network: str, name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda one: (one.get(network) or {}).get(name)


def _attributes(one: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}={value}" for name, value in sorted(one["attributes"].items()))


def _renewal(one: Mapping[str, Any]) -> Any:
    settings = one["auto_renew"] or {}
    return settings.get("days_before") if settings.get("enabled") else None


COLUMNS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    **{
        name: _member(name)
        for name in (
            *("certificate", "common_name", "state", "device", "cert_sync", "data_center", "group", "ca"),
            *("contract_id", "enrollment_id", "validation_type", "vendor_certificate_type", "secure_network"),
            *("key_algorithm", "issuer", "serial", "fingerprint", "not_before", "not_after", "days_left", "expired"),
        )
    },
    "networks": lambda one: " ".join(one["networks"]),
    "staging_fingerprint": _served("staging", "fingerprint"),
    "staging_not_after": _served("staging", "not_after"),
    "production_fingerprint": _served("production", "fingerprint"),
    "production_not_after": _served("production", "not_after"),
    "production_days_left": _member("production_days_left"),
    "renews_days_before": _renewal,
    "connectors": lambda one: "; ".join(connector["name"] for connector in one["connectors"]),
    "san_count": _member("san_count"),
    "names": lambda one: " ".join(one["sans"]),
    "attributes": _attributes,
}


class CsvFormat(ReportFormat):
    """For spreadsheets."""

    def render(self, report: Report) -> str:
        """Give a header and the lines, in UTF-8, ended as RFC 4180 has it."""
        lines = ([plain(value(one)) for value in COLUMNS.values()] for one in report["certificates"])
        return _written([list(COLUMNS), *lines])

    def settled(self, text: str) -> str:
        """Leave the columns of days out."""
        rows = _read(text)
        left_out = {number for number, name in enumerate(rows[0] if rows else []) if name in DAYS}
        # It is compared, and read by nobody: what is no CSV, as with a NUL in it, is settled as well.
        return json.dumps([[cell for number, cell in enumerate(row) if number not in left_out] for row in rows])

    def outline(self, text: str) -> Mapping[str, Any]:
        """Count the certificates."""
        rows = _read(text)
        return {"certificates": len(rows) - 1} if rows and rows[0] == list(COLUMNS) else {}


def plain(value: Any) -> str:
    """Write a value as a cell: texts of others get an apostrophe before what a spreadsheet would run."""
    if value is None:
        return ""
    if isinstance(value, (bool, int, float)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    # Python 3.10 writes no NUL into a CSV file, and no spreadsheet reads one.
    text = str(value).replace("\0", "\ufffd")
    is_risky = text.lstrip().startswith(_FORMULA) or text.startswith(_CONTROL)
    return f"'{text}" if is_risky else text


def _written(rows: list[list[str]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    return file.getvalue()


def _read(text: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        # Somebody else's file: a line of it that is too long, or has what no CSV has.
        return [[text]]
