# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kind of CA whose accounts are what one table of options says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .._core.redact import Secret
from . import client_certificate, option_table
from .base import CaConnector, CaConnectorType, StoredAccount, Tools


class _Maker(Protocol):
    def __call__(
        self,
        name: str,
        options: Mapping[str, Any],
        secrets: Mapping[str, Secret],
        tools: Tools,
        /,
    ) -> CaConnector:
        """Build the connector of an account."""


class TableType(CaConnectorType):
    """Makes and reads accounts by a table.

    :cvar name: of the registry.
    :cvar table: every option and secret; with ``option_table.CLIENT_CERTIFICATE`` among them the certificate is read.
    :cvar connector: builds the connector of an account.
    """

    table: option_table.Table
    connector: _Maker

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """Describe the account's options."""
        return option_table.describe(self.table)

    def prepare(
        self, name: str, options: Mapping[str, Any], secrets: Mapping[str, str], before: StoredAccount
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Check an account's options and complete them."""
        wanted, opened, problems = option_table.read(self.name, self.table, options, secrets, before.secrets)
        wanted, opened, faults = self.taken(wanted, opened, secrets)
        problems += [*faults, *self.problems(wanted, opened)]
        option_table.refuse(f"Cannot use the options of CA account {name}", problems)
        return wanted, opened

    def taken(
        self, options: dict[str, Any], secrets: dict[str, str], given: Mapping[str, str]
    ) -> tuple[dict[str, Any], dict[str, str], list[str]]:
        """Turn what was given into what is kept: the client certificate, where the table has one.

        :param secrets: all, as they will be kept; ``given`` are those that this call brings.
        :returns: options and secrets to keep, and every problem as a sentence.
        """
        if "client_certificate" in self.table:
            return client_certificate.taken(options, secrets, given)
        return options, secrets, []

    def problems(self, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Sequence[str]:
        """Give as sentences what is wrong with options that are each well by themselves."""
        return ()

    def connect(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> CaConnector:
        """Build the connector of a stored account; no traffic."""
        return self.connector(name, options, secrets, self._tools)
