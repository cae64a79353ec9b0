# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IDnomic, on premises: accounts, known by their client certificate, of a CA with its RA or of a CA alone.

:source: ca-connectors §4.11; requirement E5 for what each setting takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.redact import Secret
from . import client_certificate, idnomic_account, option_table
from .base import CaConnector, CaConnectorType, StoredAccount, Tools
from .idnomic_account import ACCOUNT, CA

_KIND = "idnomic"


class IdnomicType(CaConnectorType):
    """Makes and reads accounts."""

    name = _KIND

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """Describe the account's options."""
        return option_table.describe(ACCOUNT)

    def prepare(
        self, name: str, options: Mapping[str, Any], secrets: Mapping[str, str], before: StoredAccount
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Check an account's options and complete them."""
        wanted, opened, found = option_table.read(_KIND, ACCOUNT, options, secrets, before.secrets)
        wanted, opened, faults = client_certificate.taken(wanted, opened, secrets)
        option_table.refuse(
            f"Cannot use the options of CA account {name}", [*found, *faults, *idnomic_account.problems(wanted)]
        )
        return wanted, opened

    def connect(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> CaConnector:
        """Build the connector of the account's setting; no traffic."""
        if options["mode"] == CA:
            from .idnomic_ca import IdnomicCa

            return IdnomicCa(name, options, secrets, self._tools)
        from .idnomic_ra import IdnomicRa

        return IdnomicRa(name, options, secrets, self._tools)
