# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as JSON: the data as it is, indented, in ASCII."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .base import Report, ReportFormat

# Quotes within a text are escaped, so that no text of others can look like a member.
_MOMENT = re.compile(r'"generated_at":(\s*)"[^"\\]*"')
_DAYS = re.compile(r'"((?:production_)?days_left)":(\s*)-?\d+')


class JsonFormat(ReportFormat):
    """For programs; members are described in the guide."""

    def render(self, report: Report) -> str:
        """Give the data with a line feed at its end."""
        return json.dumps(report, indent=1, sort_keys=False) + "\n"

    def settled(self, text: str) -> str:
        """Leave the moment and the days out."""
        return settled(text)

    def outline(self, text: str) -> Mapping[str, Any]:
        """Give the title and the counts."""
        return outline(text)


def settled(text: str) -> str:
    """Leave the moment, and the days counted from it, out of JSON text, indented or not."""
    return _DAYS.sub(r'"\1":', _MOMENT.sub('"generated_at":', text))


def outline(text: str) -> Mapping[str, Any]:
    """Give title and counts of a report in JSON text; nothing where it is none."""
    try:
        report = json.loads(text)
        return {"title": report["title"], "filters": report.get("filters") or {}, "summary": report["summary"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
