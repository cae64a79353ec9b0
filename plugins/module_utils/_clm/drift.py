# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network settings that were set here, held against what production was last seen to have. Reads records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._core import network_settings

if TYPE_CHECKING:
    from .._core.types import Certificate, WorkOrder
    from .._target.base import NetworkFacts

TOLD = "network_settings"
"""Member of what a network serves, with a certificate whose settings were set here."""


def told(network: NetworkFacts, known: Mapping[str, Any], *, is_set: bool = False) -> dict[str, Any]:
    """Give the member about settings to keep with what a network serves; nothing where none were set here.

    :param known: what is kept of the network so far.
    :param is_set: they are set now.
    """
    if not (is_set or TOLD in known) or not network.certificates:
        return {}
    return {TOLD: settings_of(network)}


def settings_of(network: NetworkFacts) -> dict[str, Any]:
    """Give the settings a network tells, in the words of the options; empty where it tells none."""
    return dict(network.settings or (network.read_settings() if network.read_settings else {}))


def view(certificate: Certificate, orders: Sequence[WorkOrder]) -> dict[str, Any] | None:
    """Show what was set, what production has of it, and what differs; None where nothing was set here.

    :param orders: of the certificate, the oldest first.
    """
    wanted: dict[str, Any] = {}
    for order in orders:
        if (order.action, order.network, order.state) == ("configure", "production", "completed"):
            wanted.update(order.change["settings"]["after"])
    if not wanted:
        return None
    seen = certificate.production.get(TOLD) or {}
    return {
        "wanted": wanted,
        "production": {word: seen.get(word) for word in wanted},
        "differing": network_settings.hidden(wanted, seen, tuple(certificate.sans)),
    }
