# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each stored record looks to a user: plain JSON-ready data, in the words of the modules' options, never a secret.

Pure functions of a record; reads no store and knows no Ansible.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from .._core.clock import from_text, to_text
from .._core.governance import DEFAULT_GROUP
from .._core.redact import MASK, Secret, redacted
from .._core.types import (
    AuditRow,
    CaAccount,
    Certificate,
    CertRequest,
    Connector,
    Device,
    StoredPem,
    VendorSettings,
    WorkOrder,
)
from .._core.vocabulary import WARNING_LISTS
from .revocation_states import told_of

View = dict[str, Any]

_DAY = timedelta(days=1)


def text_of(moment: datetime | None) -> str | None:
    """Write a moment as users see it, ISO 8601 in UTC; None stays None."""
    return None if moment is None else to_text(moment)


def group_name(record: Certificate | CertRequest | WorkOrder) -> str:
    """Name the group that a record is in; none named means the default one."""
    return record.group or DEFAULT_GROUP


def proxy_text(proxy: Secret | None) -> str | None:
    """Show a proxy's URL without the password it may carry."""
    if not proxy:
        return None
    url = proxy.reveal()
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return parts._replace(netloc=f"{MASK}@{parts.netloc.rpartition('@')[2]}").geturl()


def times(record: Any) -> View:
    """Show when a record was made and changed last."""
    return {"created_at": text_of(record.created_at), "updated_at": text_of(record.updated_at)}


def device_view(device: Device) -> View:
    """Show a device; of its credential only where it comes from and which parts are stored."""
    return {
        "name": device.name,
        "cert_sync": device.sync,
        "host": device.host,
        "data_center": device.data_center,
        "proxy_required": device.proxy_required,
        "proxy": proxy_text(device.proxy),
        "api_version": device.api_version,
        "credential": {
            "source": device.credential_source,
            "edgerc": device.edgerc,
            "section": device.section,
            "client_token_set": bool(device.client_token),
            "client_secret_set": bool(device.client_secret),
            "access_token_set": bool(device.access_token),
        },
        "account_switch_key": device.account_switch_key,
        "contracts": list(device.contracts),
        "ca_path": device.ca_path,
        "validate_certs": device.validate_certs,
        "timeout": device.timeout_s,
        "status": device.status,
        "status_log": redacted(device.status_log),
        "instance": redacted(device.instance),
        "discovery": redacted(device.discovery),
        "checked_at": text_of(device.checked_at),
        **times(device),
    }


def settings_view(settings: VendorSettings) -> View:
    """Show the settings of one combination."""
    return {
        "validation_type": settings.validation_type,
        "secure_network": settings.secure_network,
        "vendor_certificate_type": settings.vendor_certificate_type,
        "organization": redacted(settings.organization),
        "admin_contact": redacted(settings.admin_contact),
        "tech_contact": redacted(settings.tech_contact),
        "contract_id": settings.contract_id,
        "change_management": settings.change_management,
        "network": redacted(settings.network),
        **times(settings),
    }


def ca_account_view(account: CaAccount) -> View:
    """Show a CA account; of its secrets only whether there are any."""
    return {
        "name": account.name,
        "type": account.type,
        "options": redacted(account.options),
        "secrets_set": bool(account.secrets),
        **times(account),
    }


def lifetime_left(not_after: datetime | None, now: datetime) -> View:
    """Give ``days_left``, whole days and negative once expired, and ``expired``.

    :param not_after: UTC, or None without a certificate.
    :param now: UTC.
    """
    if not_after is None:
        return {"days_left": None, "expired": False}
    return {"days_left": (not_after - now) // _DAY, "expired": not_after <= now}


def production_days_left(production: Mapping[str, Any], now: datetime) -> int | None:
    """Give the whole days that what production serves is valid, negative once expired; None when it serves nothing.

    :param production: as in a certificate's record.
    :param now: UTC.
    """
    end = production.get("not_after")
    days: int | None = lifetime_left(from_text(end), now)["days_left"] if end else None
    return days


def certificate_view(certificate: Certificate, now: datetime, device: Device | None = None) -> View:
    """Show a certificate as it stands at a moment.

    :param now: UTC; ``days_left`` are whole days from then, negative once expired, None without a certificate.
    :param device: its device, None where it has none or it is of no interest.
    """
    return {
        "certificate": certificate.certificate_id,
        "common_name": certificate.common_name,
        "sans": list(certificate.sans),
        "san_count": certificate.san_count,
        "origin": certificate.origin,
        "state": certificate.state,
        "device": certificate.device,
        "cert_sync": device.sync if device else "",
        "data_center": device.data_center if device else "",
        "enrollment_id": certificate.enrollment_id,
        "contract_id": certificate.contract_id,
        "validation_type": certificate.validation_type,
        "vendor_certificate_type": certificate.certificate_type,
        "secure_network": certificate.secure_network,
        "change_management": certificate.change_management,
        "ca": certificate.ca,
        "request_id": certificate.request_id,
        "key_algorithm": certificate.key_algorithm,
        "issuer": certificate.issuer,
        "serial": certificate.serial,
        "fingerprint": certificate.fingerprint,
        "not_before": text_of(certificate.not_before),
        "not_after": text_of(certificate.not_after),
        **lifetime_left(certificate.not_after, now),
        "networks": [name for name in ("staging", "production") if getattr(certificate, name)],
        "staging": redacted(certificate.staging),
        "production": redacted(certificate.production),
        "production_days_left": production_days_left(certificate.production, now),
        "pending_changes": redacted(certificate.pending_changes),
        **_kept_beside(certificate),
        **times(certificate),
    }


def _kept_beside(certificate: Certificate) -> View:
    """Show what is kept with a certificate and stands in none: E1, E3, E4, E19, and what it follows."""
    return {
        "attributes": redacted(certificate.attributes),
        "group": group_name(certificate),
        "auto_renew": redacted(certificate.auto_renew),
        "auto_regenerate": redacted(certificate.auto_regenerate),
        "parent": certificate.parent,
        "successor": certificate.successor,
        "revocation": redacted(told_of(certificate, certificate.fingerprint)) or None,
    }


def connector_view(connector: Connector) -> View:
    """Show an application connector; the values fixed for CPS stand beside the chosen ones (A1–A5)."""
    return {
        "certificate": connector.certificate_id,
        "name": connector.name,
        "description": connector.description,
        "category": "Server",
        "vendor": "Akamai CPS",
        "devices": list(connector.devices),
        "certificate_type": "pem",
        "private_key_in_device": True,
        "push_chain": True,
        "script_location": connector.script_location,
        "pre_push_script": connector.pre_push_script,
        "post_push_script": connector.post_push_script,
        "script_timeout": connector.script_timeout_s,
        "push_automatically": connector.push_automatically,
        "automatic_network": connector.automatic_network,
        "warnings": {name: list(connector.warnings.get(name) or ()) for name in WARNING_LISTS},
        **times(connector),
    }


def pem_view(pem: StoredPem | None) -> Mapping[str, str] | None:
    """Show a certificate's text, leaf, intermediates and root, each as PEM."""
    return None if pem is None else {"leaf": pem.leaf, "chain": pem.chain, "root": pem.root}


def audit_view(row: AuditRow) -> View:
    """Show one line of the audit."""
    return {
        "sequence": row.sequence,
        "at": to_text(row.at),
        "actor": row.entry.actor,
        "action": row.entry.action,
        "noun": row.entry.noun,
        "key": row.entry.key,
        "before": redacted(row.entry.before),
        "after": redacted(row.entry.after),
        "comment": row.entry.comment,
        "tracking_id": row.entry.tracking_id,
        "previous_hash": row.previous_hash,
        "hash": row.hash,
    }
