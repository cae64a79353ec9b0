# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report format owes: a document out of the report's data. Knows no store, no Ansible and no file.

The data is what ``_clm/report_data.gather`` gives: JSON-ready, without a secret. Names, comments and messages in it
come from others, so every format writes them as text and never as markup, formulas or commands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

Report = Mapping[str, Any]

FORMATS = ("html", "json", "csv", "mermaid", "prometheus")


class ReportFormat(ABC):
    """One way to write the report."""

    @abstractmethod
    def render(self, report: Report) -> str:
        """Give the whole document.

        :raises InputError: the format cannot show that much.
        """

    @abstractmethod
    def settled(self, text: str) -> str:
        """Give a document without what the moment of writing alone changes: the moment, and the days counted from it.

        :param text: a document; one that no format wrote does no harm.
        """

    def outline(self, text: str) -> Mapping[str, Any]:
        """Give what a short look at a document tells, for a diff; empty where it tells nothing."""
        return {}

    def advice(self, dest: str) -> tuple[str, ...]:
        """Give a sentence for each thing about the place that will make trouble for readers of this format."""
        return ()
