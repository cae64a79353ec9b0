# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a certificate follows, the newest first, as the holistic view shows it. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .._core.types import Certificate
from .._store.base import Unit
from .views import View, text_of


def lines_of(unit: Unit, certificates: Sequence[Certificate]) -> dict[str, list[View]]:
    """Give the earlier certificates of each, by its id; one read of the store for all."""
    has_parents = any(certificate.parent for certificate in certificates)
    former = {one.certificate_id: one for one in unit.certificates.find(state="superseded")} if has_parents else {}
    return {one.certificate_id: [_shown(parent) for parent in _line(one, former)] for one in certificates}


def _line(certificate: Certificate, former: Mapping[str, Certificate]) -> Iterator[Certificate]:
    met, following = {certificate.certificate_id}, certificate.parent
    # A line ends where its record does; no fault in the store may make it endless.
    while following in former and following not in met:
        met.add(following)
        yield former[following]
        following = former[following].parent


def _shown(parent: Certificate) -> View:
    return {
        "certificate": parent.certificate_id,
        "origin": parent.origin,
        "fingerprint": parent.fingerprint,
        "serial": parent.serial,
        "issuer": parent.issuer,
        "key_algorithm": parent.key_algorithm,
        "not_before": text_of(parent.not_before),
        "not_after": text_of(parent.not_after),
    }
