# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates an enrollment had, read out of CPS's history: the text of each is the only witness."""

from __future__ import annotations

from .._core.clock import to_text
from .._core.errors import InputError
from .._cps.client import CpsClient
from .._cps.deployments import CertificateHistoryEntry
from .._pki import x509
from .akamai_cps_discovery import bundle_of, facts_of
from .base import Former

_ACTIVE = "active"


def fetch_history(client: CpsClient, enrollment_id: int) -> tuple[Former, ...]:
    """Read the history of one enrollment, in one call.

    :raises InputError: none of it can be read; single ones that cannot are left out.
    :source: get-history-certificates; nothing is said of the order, so none is promised.
    """
    found, broken = [], None
    for entry in client.certificate_history(enrollment_id):
        try:
            former = _former(entry)
        except InputError as exc:
            broken = exc
            continue
        if former is not None:
            found.append(former)
    if broken is not None and not found:
        raise broken
    return tuple(found)


def _former(entry: CertificateHistoryEntry) -> Former | None:
    certificates = [one for one in entry.certificates if one.certificate]
    if not certificates:
        return None
    facts = x509.certificate_facts(certificates[0].certificate)
    return Former(
        {**facts_of(facts), "not_before": to_text(facts.not_before)},
        tuple(name for name in facts.sans.dns if name.isprintable()),
        _ACTIVE in (entry.deployment_status, entry.staging_status),
        dict(bundle_of(one) for one in certificates),
    )
