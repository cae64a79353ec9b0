# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IDnomic, on premises: accounts, known by their client certificate, of a CA with its RA or of a CA alone.

:source: ca-connectors §4.11; requirement E5 for what each setting takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.redact import Secret
from . import idnomic_account
from .base import CaConnector
from .idnomic_account import ACCOUNT, CA
from .table_type import TableType

_KIND = "idnomic"


class IdnomicType(TableType):
    """Makes and reads accounts."""

    name = _KIND
    table = ACCOUNT

    def problems(self, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Sequence[str]:
        """Hold the options of the account's setting against each other."""
        return idnomic_account.problems(options)

    def connect(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> CaConnector:
        """Build the connector of the account's setting; no traffic."""
        if options["mode"] == CA:
            from .idnomic_ca import IdnomicCa

            return IdnomicCa(name, options, secrets, self._tools)
        from .idnomic_ra import IdnomicRa

        return IdnomicRa(name, options, secrets, self._tools)
