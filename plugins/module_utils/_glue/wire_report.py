# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the name of a report's format to the format; only the one that is asked for is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._report.base import ReportFormat


def report_format(name: str) -> ReportFormat:
    """Give the format of a name.

    :param name: of ``_report/base.FORMATS``.
    """
    if name == "csv":
        from .._report.csv_format import CsvFormat

        return CsvFormat()
    if name == "mermaid":
        from .._report.mermaid import MermaidFormat

        return MermaidFormat()
    if name == "prometheus":
        from .._report.prometheus import PrometheusFormat

        return PrometheusFormat()
    if name == "json":
        from .._report.json_format import JsonFormat

        return JsonFormat()
    from .._report.page import PageFormat

    return PageFormat()
