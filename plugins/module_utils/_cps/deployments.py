# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments and histories as frozen records. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import reading as read
from .models import NetworkSettings


@dataclass(frozen=True)
class DeployedCertificate:
    """A certificate with its chain.

    :ivar certificate: PEM of the leaf; empty when the answer had none.
    :ivar trust_chain: PEM of the intermediates, empty when the answer had none.
    :ivar expiry: UTC, or None.
    :ivar key_algorithm: ``RSA``, ``ECDSA``; None when the answer does not say, then the PEM does.
    """

    certificate: str
    trust_chain: str
    expiry: datetime | None
    key_algorithm: str | None
    signature_algorithm: str | None

    @classmethod
    def from_wire(cls, value: Any) -> DeployedCertificate | None:
        """Read one; None for null and for an object with no certificate."""
        wire = read.mapping(value)
        found = cls(
            certificate=read.text(wire.get("certificate")) or "",
            trust_chain=read.text(wire.get("trustChain")) or "",
            expiry=read.moment(wire.get("expiry")),
            key_algorithm=read.text(wire.get("keyAlgorithm")),
            signature_algorithm=read.text(wire.get("signatureAlgorithm")),
        )
        return found if found.certificate else None


def certificates_of(wire: Mapping[str, Any]) -> tuple[DeployedCertificate, ...]:
    """Read the primary certificate and the multi-stacked ones, in this order; no algorithm has a fixed place.

    :source: version 3 has the certificate's members in the object itself.
    """
    first = wire.get("primaryCertificate") or ({} if "primaryCertificate" in wire else wire)
    entries = [first, *read.items(wire.get("multiStackedCertificates"))]
    found = (DeployedCertificate.from_wire(entry) for entry in entries)
    return tuple(entry for entry in found if entry is not None)


@dataclass(frozen=True)
class DeploymentRecord:
    """What one network serves for an enrollment.

    :ivar certificates: the primary one first; empty while nothing is deployed.
    """

    certificates: tuple[DeployedCertificate, ...]
    network: NetworkSettings
    ocsp_stapled: bool | None
    ocsp_uris: tuple[str, ...]

    @classmethod
    def from_wire(cls, value: Any) -> DeploymentRecord | None:
        """Read one; None for null and for an object without any certificate."""
        wire = read.mapping(value)
        found = cls(
            certificates=certificates_of(wire),
            network=NetworkSettings.from_wire(wire.get("networkConfiguration")),
            ocsp_stapled=read.flag(wire.get("ocspStapled")),
            ocsp_uris=read.texts(wire.get("ocspUris")),
        )
        return found if found.certificates else None


@dataclass(frozen=True)
class DeploymentsRecord:
    """Both networks; None for the one that serves nothing."""

    production: DeploymentRecord | None
    staging: DeploymentRecord | None

    @classmethod
    def from_wire(cls, value: Any) -> DeploymentsRecord:
        """Read ``{production, staging}``.

        :raises RemoteError: neither is in it, which says nothing of what they serve.
        """
        wire = read.mapping(value)
        if "production" not in wire and "staging" not in wire:
            raise read.unusable("the deployments", "neither production nor staging is in it")
        return cls(DeploymentRecord.from_wire(wire.get("production")), DeploymentRecord.from_wire(wire.get("staging")))


@dataclass(frozen=True)
class CertificateHistoryEntry:
    """A certificate an enrollment had or has.

    :ivar deployment_status: ``active`` or ``inactive`` on production; ``staging_status`` likewise.
    """

    type: str | None
    ra: str | None
    geography: str | None
    deployment_status: str | None
    staging_status: str | None
    slots: tuple[int, ...]
    certificates: tuple[DeployedCertificate, ...]


def certificate_history(value: Any) -> tuple[CertificateHistoryEntry, ...]:
    """Read ``{certificates: [...]}`` in the order it came."""
    return tuple(
        CertificateHistoryEntry(
            type=read.text(one.get("type")),
            ra=read.text(one.get("ra")),
            geography=read.text(one.get("geography")),
            deployment_status=read.text(one.get("deploymentStatus")),
            staging_status=read.text(one.get("stagingStatus")),
            slots=read.numbers(one.get("slots")),
            certificates=certificates_of(one),
        )
        for one in read.objects(read.mapping(value).get("certificates"))
    )
