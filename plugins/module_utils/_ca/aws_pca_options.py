# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account at AWS Private CA is made of: options, templates, reasons, and the region and partition in an ARN.

:source: ca-connectors §4.6; AWS Private CA user guide, "Understanding certificate templates"; botocore's model of
    ``acm-pca``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from .._core.clock import to_text
from .._core.csr_spec import CsrSpec
from . import aws_credentials, option_table
from .connection import url_reason
from .option_table import Option

PCA, ACM = "pca", "acm"
DNS, EMAIL = "dns", "email"
# Those that make a server's certificate. What is named in the order reaches it with APIPassthrough alone; the others
# copy the names of the CSR.
TEMPLATES = tuple(
    f"{kind}{way}/V1"
    for kind in ("EndEntityServerAuthCertificate", "EndEntityCertificate")
    for way in ("_APIPassthrough", "", "_CSRPassthrough", "_APICSRPassthrough")
)
REASONS = {
    "unspecified": "UNSPECIFIED",
    "key_compromise": "KEY_COMPROMISE",
    "ca_compromise": "CERTIFICATE_AUTHORITY_COMPROMISE",
    "affiliation_changed": "AFFILIATION_CHANGED",
    "superseded": "SUPERSEDED",
    "cessation_of_operation": "CESSATION_OF_OPERATION",
    "privilege_withdrawn": "PRIVILEGE_WITHDRAWN",
    "aa_compromise": "A_A_COMPROMISE",
}
ALGORITHMS = tuple(f"SHA{bits}WITH{kind}" for kind in ("RSA", "RSA_PSS", "ECDSA") for bits in (256, 384, 512))
SHORT_LIVED, SHORT_DAYS = "SHORT_LIVED_CERTIFICATE", 7
_CA_ARN = re.compile(r"arn:(aws[\w-]*):acm-pca:([a-z0-9-]+):\d{12}:certificate-authority/[\w-]+")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d+")


def arn_reason(text: str) -> str:
    """Say why a text is no ARN of a CA; empty when it is one."""
    if _CA_ARN.fullmatch(text):
        return ""
    wanted = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/…"
    return f"is {text!r}; an ARN of a private CA is wanted, as {wanted}"


def _region_reason(text: str) -> str:
    return "" if _REGION.fullmatch(text) else f"is {text!r}; a region is wanted, as eu-west-1"


TABLE: option_table.Table = {
    **option_table.NETWORK,
    **aws_credentials.OPTIONS,
    "region": Option("str", "Region of the CAs; usually that of ca_arn.", default="", check=_region_reason),
    "ca_arn": Option("str", "ARN of the CA that signs, where a request names none.", default="", check=arn_reason),
    "mode": Option(
        "str",
        "By AWS Private CA, for a CSR; or by ACM, which makes the key itself and takes no CSR.",
        default=PCA,
        choices=(PCA, ACM),
    ),
    "validation_method": Option(
        "str",
        "How ACM has domains proved for a certificate of Amazon's, that is with mode acm and no private CA.",
        default=DNS,
        choices=(DNS, EMAIL),
    ),
    "template": Option("str", "Template, where a request names none, as in its ARN.", default=TEMPLATES[0]),
    "signing_algorithm": Option(
        "str",
        "What the CA signs with, of its key's kind; usually what it is set to.",
        default="",
        choices=ALGORITHMS,
    ),
    "url": Option("str", "Endpoint, where it is not the region's own, as of a VPC.", default="", check=url_reason),
    "acm_url": Option(
        "str",
        "Endpoint of ACM for mode acm, where it is not the region's own; url stays that of AWS Private CA.",
        default="",
        check=url_reason,
    ),
    "sts_url": Option("str", "Endpoint of STS, for role_arn, likewise.", default="", check=url_reason),
}


def problems(wanted: Mapping[str, Any], secrets: Mapping[str, str]) -> list[str]:
    """Say what of an account does not go together."""
    found = aws_credentials.problems(wanted, secrets)
    arn, region = str(wanted.get("ca_arn") or ""), str(wanted.get("region") or "")
    if not arn and not region:
        found.append("region is missing; give it, or ca_arn")
    if arn and region and not arn_reason(arn) and part_of(arn, 3) != region:
        found.append(f"region is {region}, and ca_arn is of {part_of(arn, 3)}")
    return found + _mode_problems(wanted)


def _mode_problems(wanted: Mapping[str, Any]) -> list[str]:
    """Say which options are of the other mode; those that are as usual were not given."""
    is_acm = wanted.get("mode") == ACM
    names = ("template", "signing_algorithm") if is_acm else ("acm_url", "validation_method")
    other = f"goes with mode {PCA if is_acm else ACM}; leave it out"
    found = [f"{name} {other}" for name in names if wanted.get(name) not in (None, "", TABLE[name].default)]
    if is_acm and wanted.get("csr_sources"):
        found.append("csr_sources goes not with mode acm: ACM makes the key itself, and takes no CSR; leave it out")
    if is_acm and wanted.get("ca_arn") and wanted.get("validation_method") == EMAIL:
        found.append("validation_method is for certificates of Amazon's, and ca_arn has a private CA sign; give one")
    return found


def part_of(arn: str, place: int) -> str:
    """Give a part of an ARN: 1 is the partition, 3 the region."""
    return arn.split(":")[place]


def template_arn(name: str, ca_arn: str) -> str:
    """Give the ARN of a template in the partition of a CA."""
    return f"arn:{part_of(ca_arn, 1)}:acm-pca:::template/{name}"


def takes_names(template: str) -> bool:
    """Say whether the names of the order reach the certificate, and not those of the CSR alone."""
    return "_API" in template


def names_told(spec: CsrSpec) -> list[dict[str, str]]:
    """Give the names of an order as AWS takes them."""
    kinds = (
        ("DnsName", spec.dns_names),
        ("IpAddress", spec.ip_addresses),
        ("Rfc822Name", spec.emails),
        ("UniformResourceIdentifier", spec.uris),
    )
    return [{kind: name} for kind, names in kinds for name in names]


def name_of(told: Mapping[str, Any]) -> str:
    """Name a CA for people."""
    subject = (told.get("CertificateAuthorityConfiguration") or {}).get("Subject") or {}
    return str(subject.get("CommonName") or told.get("Arn") or "the CA")


def moment_of(seconds: object) -> datetime | None:
    """Read a time as AWS's JSON has it: seconds since 1970."""
    return datetime.fromtimestamp(seconds, timezone.utc) if isinstance(seconds, (int, float)) else None


def names_refusal(template: str, spec: CsrSpec, csr_pem: str) -> str:
    """Say which names would be missing by a template that copies those of the CSR; empty where none would."""
    if takes_names(template):
        return ""
    from .._pki.x509 import csr_facts

    there = csr_facts(csr_pem).sans
    missing = [name for name in spec.dns_names if name not in there.dns]
    missing += [name for name in spec.ip_addresses if name not in there.ips]
    missing += [name for name in (*spec.emails, *spec.uris) if name not in (*there.emails, *there.uris)]
    if not missing:
        return ""
    return (
        f"the template {template} copies the names of the CSR, which has not {', '.join(missing)}; use one with "
        f"APIPassthrough, as {TEMPLATES[0]}"
    )


def lifetime_problems(told: Mapping[str, Any], days: int, at: datetime) -> list[str]:
    """Say why a CA cannot sign for that many days.

    :param told: the CA as AWS describes it.
    """
    if told.get("UsageMode") == SHORT_LIVED and days > SHORT_DAYS:
        return [f"{name_of(told)} signs for {SHORT_DAYS} days at most, {days} are asked for"]
    ends = moment_of(told.get("NotAfter"))
    if ends is not None and (ends - at).days < days:
        return [f"{name_of(told)} ends {to_text(ends)}, before a certificate of {days} days would"]
    return []
