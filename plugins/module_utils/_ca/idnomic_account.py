# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an account at IDnomic, of its two settings: a CA with its RA, or the CA alone (IDCA)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import option_table
from .connection import path_reason, url_reason
from .idnomic_fields import map_problems
from .option_table import Option

CA_RA, CA = "ca_ra", "ca"
AT_ONCE, REQUEST = "at_once", "request"
REASONS: Mapping[str, str] = {
    "unspecified": "unspecified",
    "key_compromise": "keyCompromise",
    "affiliation_changed": "affiliationChanged",
    "superseded": "superseded",
    "cessation_of_operation": "cessationOfOperation",
}
ONLY_WITH_RA = "certificates of IDnomic are renewed only when they were enrolled through a RA workflow"


def _name_reason(name: str) -> str:
    return "" if name.isidentifier() and name.isascii() else f"is {name!r}; the name of an operation is wanted"


_OF_RA: option_table.Table = {
    "ra_path": Option("str", "Path of the RA connector.", default="/RA/connector.cgi", check=path_reason),
    "ee_path": Option("str", "Path of the EE connector.", default="/EE/connector.cgi", check=path_reason),
    "enrollment": Option(
        "str",
        "Whether the RA signs at once, or an officer approves each request (EE connector).",
        default=AT_ONCE,
        choices=(AT_ONCE, REQUEST),
    ),
    "revocation": Option(
        "str",
        "Whether the RA revokes at once, or an officer approves it (EE connector).",
        default=AT_ONCE,
        choices=(AT_ONCE, REQUEST),
    ),
    "ra_workflow": Option("str", "Workflow of the RA, where a request names none.", default="", most=200),
    "zone": Option("str", "Zone that is enrolled in, where a request names none.", default="", most=200),
    "ra_field_map": Option(
        "list", "Where generic fields go: name=field, as holder_email=ownerMail, beside those of the documentation."
    ),
    "search_dn": Option(
        "str", "What subjects are searched for; {common_name} stands for the name.", default="*{common_name}*", most=200
    ),
}
_OF_CA: option_table.Table = {
    "idca_path": Option("str", "Path of the IDCA connector.", default="", check=path_reason),
    "ca_name": Option("str", "Name of the CA whose profiles are used.", default="", most=200),
    "certificate_profile": Option("str", "Profile, where a request names none.", default="", most=200),
    "soap_version": Option("str", "SOAP as the connector speaks it.", default="1.2", choices=("1.1", "1.2")),
    "idca_name_param": Option(
        "str", "Parameter of a profile that takes DNS names.", default="dnsName", check=_name_reason
    ),
    "idca_revoke_operation": Option(
        "str", "Operation that revokes; without it nothing is revoked.", default="", check=_name_reason
    ),
}
_OF_MODE: Mapping[str, option_table.Table] = {CA_RA: _OF_RA, CA: _OF_CA}
ACCOUNT: option_table.Table = {
    **option_table.NETWORK,
    **option_table.CLIENT_CERTIFICATE,
    "url": Option("str", "Address of the server, as https://pki.example.com:8443.", required=True, check=url_reason),
    "mode": Option("str", "A CA with its RA, or a CA alone.", default=CA_RA, choices=(CA_RA, CA)),
    **_OF_RA,
    **_OF_CA,
    "revocation_code": Option(
        "str", "What a workflow's field revocationCode is given; one that has it is not used without.", secret=True
    ),
}


def problems(wanted: Mapping[str, Any]) -> list[str]:
    """Say what does not go together; every problem as a sentence."""
    mode = wanted["mode"]
    if mode not in _OF_MODE:
        return []
    other = CA if mode == CA_RA else CA_RA
    found = [
        f"{name} goes with mode {other} alone, and the mode is {mode}"
        for name, one in _OF_MODE[other].items()
        if wanted.get(name) not in (None, "", [], one.default)
    ]
    if not wanted.get("client_certificate"):
        found.append("client_certificate is missing; IDnomic knows callers by it alone, give it or client_pfx")
    if mode == CA:
        found += [f"{name} is missing; mode ca needs it" for name in ("idca_path", "ca_name") if not wanted.get(name)]
    return found + map_problems(wanted.get("ra_field_map") or ())
