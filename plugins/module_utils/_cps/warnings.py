# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPS's warning text, taken apart into messages, each with the id of the warning as far as its words are known.

Decides nothing. A line is joined to the message above it only when it is plainly the rest of a listing: an unknown
warning must never travel hidden in a known one.
"""

from __future__ import annotations

import re

from .._core.types import Notice
from .._core.warning_ids import SUBJECT_FIELDS

_FIELD = re.compile(r"\bvalue for (?P<field>\S+) (?P<what>.*)", re.IGNORECASE)

# The dangerous first: a text that fits two is taken for the worse. Words quoted in cps-protocol §3.6, and plain
# wordings of the same ids: our reading.
_TABLE: tuple[tuple[str, str], ...] = (
    (r"not generated from the CSR", "CSR_VS_CERTIFICATE_KEY_MISMATCH"),
    (r"still live on the network", "CERTIFICATE_VS_NETWORK_SAN_REMOVED_FROM_CERT_LIVE_ON_NETWORK"),
    (r"scheduled to be removed", "SANS_REMOVED_REQUIRE_ACKNOWLEDGEMENT"),
    (r"overlap domains on another certificate", "OVERLAPPING_TRAFFIC_CLASS"),
    (r"case of the common name .*does not match", "CSR_VS_CERTIFICATE_CN_CASE_MISMATCH"),
    (r"common name .*does not match the CSR", "CSR_VS_CERTIFICATE_CN_MISMATCH"),
    (r"common name .*is missing from the SAN list", "CERTIFICATE_MISSING_CN_FROM_SAN_LIST"),
    (r"is missing from the certificate", "CSR_VS_CERTIFICATE_MISSING_SAN_FROM_SAN_LIST_IN_CERTIFICATE"),
    (r"trust chain .*failed to verify", "TRUST_CHAIN_VERIFY_FAILED"),
    (r"failed to parse trust chain", "TRUST_CHAIN_PARSING_ERROR"),
    (r"in the trust chain (?:is|has) expired", "TRUST_CHAIN_EXPIRED_OR_NOT_YET_VALID"),
    (r"trust chain certificate is not yet valid", "TRUST_CHAIN_EXPIRED_OR_NOT_YET_VALID"),
    (r"certificate has (?:already )?expired", "CERTIFICATE_EXPIRED"),
    (r"expires before the end-entity", "TRUST_CHAIN_EXPIRED_BEFORE_EE"),
    (r"the certificate is not yet valid", "CERTIFICATE_NOT_YET_VALID"),
    (r"certificate is self[- ]signed", "CERTIFICATE_SELF_SIGNED"),
    (r"was added to the certificate", "CSR_VS_CERTIFICATE_ADDITIONAL_SAN_IN_SAN_LIST_IN_CERTIFICATE"),
    (r"\bSAN name .*differs in case", "CSR_VS_CERTIFICATE_SAN_CASE_MISMATCH"),
    (r"greater than \S+ days", "CERTIFICATE_EXPIRATION_DATE_BEYOND_MAX_DAYS"),
    (r"expires? in the near future", "CERTIFICATE_EXPIRATION_DATE_IN_NEAR_FUTURE"),
    (r"short lifetime", "CERTIFICATE_EXPIRATION_TOO_SHORT"),
    (r"no KMI data", "CERTIFICATE_KMI_DATA_MISSING"),
    (r"trust chain is empty .*non-standard root", "TRUST_CHAIN_EMPTY_AND_CERTIFICATE_SIGNED_BY_NON_STANDARD_ROOT"),
    (r"terminates with a non-standard root", "TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE"),
    (r"includes a standard root", "TRUST_CHAIN_INCLUDES_STANDARD_ROOT_CERTIFICATE"),
    (r"extra certificates? (?:was|were) found in the (?:trust )?chain", "EXTRA_CERT_IN_TRUST_CHAIN"),
    (r"end-entity certificate appears in the trust chain", "END_ENTITY_CERT_IN_TRUST_CHAIN"),
    (r"trust chain was unsorted", "UNSORTED_TRUST_CHAIN"),
)
_PATTERNS = tuple((re.compile(words, re.IGNORECASE), code) for words, code in _TABLE)

# What differs between the CSR and the certificate in a subject field: words, id with a known field, id without.
_FIELD_TABLE: tuple[tuple[str, str, str], ...] = (
    (
        r"missing in the CSR|was added to the certificate",
        "CSR_VS_CERTIFICATE_{field}_FIELD_ADDITIONAL_IN_CERTIFICATE",
        "CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH_MISSING_IN_CSR",
    ),
    (
        r"missing (?:in|from) the certificate",
        "CSR_VS_CERTIFICATE_{field}_FIELD_MISSING_IN_CERTIFICATE",
        "CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH_MISSING_IN_CERTIFICATE",
    ),
    (
        r"differs between the CSR and the certificate",
        "CSR_VS_CERTIFICATE_{field}_FIELD_MISMATCH",
        "CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH",
    ),
)

# The lines of a listing below a message about a chain; nothing that reads as a sentence of its own.
_LISTING = re.compile(
    r"""\s*(?:
        trust[ ]chain:?
      | the[ ]chain[ ]that[ ]will[ ]be[ ]used[ ]is:?
      | -----(?:BEGIN|END)[ ]CERTIFICATE-----
      | (?:\d+[.)]?\s*)?(?:(?:certificate|subject|issuer|[si])\s*[:=]\s*)*
        (?:CN|OU|O|C|L|ST|S|DC|UID|serialNumber|emailAddress|[0-9]+(?:[.][0-9]+)+)\s?=.*
      | serial(?:[ ]number)?\s*[:=]\s*[0-9a-fx: ]+
      | fingerprint\s*[:=]\s*[0-9a-f: ]+
      | not[ ](?:before|after)\s*[:=].*\d.*
    )\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_HEADER = re.compile(r"\s*\[WARNINGS\]\s*:?\s*", re.IGNORECASE)


def recognise(text: str) -> tuple[Notice, ...]:
    """Take CPS's warning text apart.

    :param text: messages by line, some with a listing below them, ``[WARNINGS]`` in front or not; may be empty.
    :return: in their order, each text as CPS wrote it; the code is empty where the words are not known.
    :source: cps-protocol §3.6; get-change-allowed-input-param, ``warnings.v1``.
    """
    messages: list[list[str]] = []
    header = _HEADER.match(text)
    body = text.replace(header.group(0), "", 1) if header else text
    for line in body.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line.strip():
            continue
        if messages and _is_listing(line, messages[-1]):
            messages[-1].append(line.rstrip())
        else:
            messages.append([line.strip()])
    return tuple(Notice(_code(lines[0]), "\n".join(lines)) for lines in messages)


def _is_listing(line: str, message: list[str]) -> bool:
    if _code(line):
        return False
    if _LISTING.fullmatch(line):
        return True
    # Base64 is taken for part of a certificate only inside its armour: a single word looks just like it.
    armour = [kept.strip() for kept in message if kept.strip().startswith("-----")]
    in_armour = bool(armour) and armour[-1] == "-----BEGIN CERTIFICATE-----"
    return in_armour and _BASE64.fullmatch(line.strip()) is not None


def _code(line: str) -> str:
    field = _FIELD.search(line)
    if field:
        return _field_code(field.group("field").strip("[]'\""), field.group("what"))
    for pattern, code in _PATTERNS:
        if pattern.search(line):
            return code
    return ""


def _field_code(field: str, words: str) -> str:
    for pattern, with_field, without in _FIELD_TABLE:
        if re.search(pattern, words, re.IGNORECASE):
            # CPS has been seen to leave its placeholder in: the field is then unknown, the kind of fault is not.
            return with_field.format(field=field) if field in SUBJECT_FIELDS else without
    return ""
