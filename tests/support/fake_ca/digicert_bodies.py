# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bodies sent to CertCentral may hold, and have to; by the tables of its pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call

MAX_PUBLIC_DAYS = 199
REASONS = ("unspecified", "key_compromise", "affiliation_changed", "superseded", "cessation_of_operation")
PAYMENTS = ("balance", "card", "profile", "wire_transfer")
PROOFS = ("email", "dns-txt-token", "dns-cname-token", "http-token")
_VALIDITY: dict[str, Any] = {"years": int, "days": int, "custom_expiration_date": str}
_CERTIFICATE: dict[str, Any] = {
    "common_name": str,
    "dns_names": list,
    "csr": str,
    "signature_hash": str,
    "server_platform": {"id": int},
    "ca_cert_id": str,
    "organization_units": list,
    "cert_validity": _VALIDITY,
    "profile_option": str,
}
ORDER: dict[str, Any] = {
    "certificate": _CERTIFICATE,
    "organization": {"id": int},
    "order_validity": _VALIDITY,
    "container": {"id": int},
    "payment_method": str,
    "dcv_method": str,
    "additional_emails": list,
    "custom_renewal_message": str,
    "comments": str,
    "custom_fields": list,
    "renewal_of_order_id": int,
    "alternative_order_id": str,
    "skip_approval": bool,
    "disable_renewal_notifications": bool,
    "disable_ct": bool,
    "auto_renew": int,
    "locale": str,
}
REISSUE: dict[str, Any] = {"certificate": _CERTIFICATE, "skip_approval": bool, "dcv_method": str, "comments": str}
REVOCATION: dict[str, Any] = {"comments": str, "skip_approval": bool, "revocation_reason": str}


class Refused(Exception):
    """CertCentral takes a call not, and says why."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def read(call: Call) -> dict[str, Any]:
    """Give the body's JSON."""
    try:
        body = call.json()
    except ValueError as exc:
        raise Refused("invalid_json", "The body is no JSON.") from exc
    if not isinstance(body, dict):
        raise Refused("invalid_json", "The body is no object.")
    return body


def only(given: Mapping[str, Any], known: set[str]) -> None:
    """Refuse parameters that are not known."""
    for name in given:
        if name not in known:
            raise Refused("invalid_parameter", f"The parameter {name} is not known.")


def fits(given: Any, shape: Mapping[str, Any], where: str = "") -> None:
    """Refuse fields that are not known, and those of another type."""
    if not isinstance(given, dict):
        raise Refused("invalid_parameter", f"{where or 'The body'} is no object.")
    for name, value in given.items():
        if name not in shape:
            raise Refused("invalid_parameter", f"The parameter {where}{name} is not known.")
        wanted = shape[name]
        if isinstance(wanted, dict):
            fits(value, wanted, f"{where}{name}.")
        elif not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise Refused("invalid_parameter", f"The parameter {where}{name} is of another type.")


def exactly(given: Mapping[str, Any], shape: Mapping[str, Any]) -> None:
    """Refuse a body that has not just these fields, with these values or types."""
    if set(given) != set(shape):
        raise Refused("invalid_parameter", f"The parameters are {sorted(shape)}.")
    for name, wanted in shape.items():
        if not (isinstance(given[name], wanted) if isinstance(wanted, type) else given[name] == wanted):
            raise Refused("invalid_parameter", f"The parameter {name} is not valid.")


def check_order(body: dict[str, Any], *, is_dv: bool, is_private: bool) -> None:
    """Hold an order against the tables."""
    fits(body, ORDER)
    _check_certificate(body)
    if not is_dv and "organization" not in body:
        raise Refused("missing_organization", "The parameter organization is required.")
    if len(body.get("order_validity") or {}) != 1:
        raise Refused("invalid_order_validity", "The parameter order_validity is required, with one of its members.")
    days = body["certificate"].get("cert_validity", body["order_validity"]).get("days", 0)
    if not is_private and days > MAX_PUBLIC_DAYS:
        raise Refused("invalid_validity", f"The validity may have {MAX_PUBLIC_DAYS} days.")
    if not is_private and "organization_units" in body["certificate"]:
        raise Refused("organization_units_not_allowed", "Public certificates have no organization units.")
    if body.get("payment_method", PAYMENTS[0]) not in PAYMENTS:
        raise Refused("invalid_payment_method", "The payment method is not valid.")
    for field in body.get("custom_fields", ()):
        exactly(field, {"metadata_id": int, "value": str})


def check_reissue(body: dict[str, Any]) -> None:
    """Hold a reissue against the tables."""
    fits(body, REISSUE)
    _check_certificate(body)


def _check_certificate(body: dict[str, Any]) -> None:
    certificate = body.get("certificate") or {}
    for name in ("common_name", "csr", "signature_hash"):
        if not certificate.get(name):
            raise Refused(f"missing_{name}", f"The parameter certificate.{name} is required.")
    if certificate["signature_hash"] not in ("sha256", "sha384", "sha512"):
        raise Refused("invalid_signature_hash", "The signature hash is not valid.")
    for name in certificate.setdefault("dns_names", []):
        if "_" in name or " " in name:
            raise Refused("invalid_dns_name", f"The DNS name {name} is not valid.")
    if body.get("dcv_method", PROOFS[0]) not in PROOFS:
        raise Refused("invalid_dcv_method", "The DCV method is not valid.")
    body.setdefault("skip_approval", False)


def check_revocation(body: dict[str, Any]) -> None:
    """Hold a revocation against the tables."""
    fits(body, REVOCATION)
    if body.get("revocation_reason", REASONS[0]) not in REASONS:
        raise Refused("invalid_revocation_reason", "The revocation reason is not valid.")
