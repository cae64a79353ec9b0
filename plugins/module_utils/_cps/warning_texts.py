# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which words each warning of CPS is known; tables, nothing else.

A pattern fits where a placeholder is filled and where CPS left it open. Those of warnings that are acknowledged by
default are narrow: a warning that is taken for another one must not be acknowledged by that.
"""

from __future__ import annotations

# Quoted in cps-protocol §3.6, or words under which CPS's own clients know them.
_SEEN: tuple[tuple[str, str], ...] = (
    (r"not generated from the CSR", "CSR_VS_CERTIFICATE_KEY_MISMATCH"),
    (r"still live on the network", "CERTIFICATE_VS_NETWORK_SAN_REMOVED_FROM_CERT_LIVE_ON_NETWORK"),
    (r"scheduled to be removed", "SANS_REMOVED_REQUIRE_ACKNOWLEDGEMENT"),
    (r"overlap domains on another certificate", "OVERLAPPING_TRAFFIC_CLASS"),
    (r"case of the common name .*does not match", "CSR_VS_CERTIFICATE_CN_CASE_MISMATCH"),
    (r"common name .*does not match the CSR", "CSR_VS_CERTIFICATE_CN_MISMATCH"),
    (r"common name .*is missing from the SAN list", "CERTIFICATE_MISSING_CN_FROM_SAN_LIST"),
    (r"common names? .*(?:must be non-null|is missing (?:in|from) the certificate)", "CSR_VS_CERTIFICATE_CN_MISSING"),
    (
        r"\bSANs?\b.*is missing from the certificate|^(?!.*\bvalue for ).*is missing from the certificate",
        "CSR_VS_CERTIFICATE_MISSING_SAN_FROM_SAN_LIST_IN_CERTIFICATE",
    ),
    (r"trust chain .*failed to verify", "TRUST_CHAIN_VERIFY_FAILED"),
    (r"failed to parse trust chain\s*[:\[(]", "TRUST_CHAIN_PARSING_ERROR_DETAILED"),
    (r"failed to parse trust chain", "TRUST_CHAIN_PARSING_ERROR"),
    (
        r"in the trust chain (?:is|has) expired|trust chain certificate is not yet valid",
        "TRUST_CHAIN_EXPIRED_OR_NOT_YET_VALID",
    ),
    (r"(?<!of the )certificate has (?:already )?expired", "CERTIFICATE_EXPIRED"),
    (r"expires before the end-entity", "TRUST_CHAIN_EXPIRED_BEFORE_EE"),
    (r"the certificate is not yet valid", "CERTIFICATE_NOT_YET_VALID"),
    (r"certificate is self[- ]signed|issuer and subject of .*are identical", "CERTIFICATE_SELF_SIGNED"),
    (
        r"^(?!.*\bvalue for ).*was added to the certificate",
        "CSR_VS_CERTIFICATE_ADDITIONAL_SAN_IN_SAN_LIST_IN_CERTIFICATE",
    ),
    (r"\bSAN name .*differs in case", "CSR_VS_CERTIFICATE_SAN_CASE_MISMATCH"),
    (r"greater than \S+ days", "CERTIFICATE_EXPIRATION_DATE_BEYOND_MAX_DAYS"),
    (r"expires? in the near future", "CERTIFICATE_EXPIRATION_DATE_IN_NEAR_FUTURE"),
    (r"short lifetime", "CERTIFICATE_EXPIRATION_TOO_SHORT"),
    (r"no KMI data", "CERTIFICATE_KMI_DATA_MISSING"),
    (r"trust chain is empty .*non-standard root", "TRUST_CHAIN_EMPTY_AND_CERTIFICATE_SIGNED_BY_NON_STANDARD_ROOT"),
    (
        r"terminates with a non-standard root(?: certificate)?\s*[:\[(]",
        "TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE_DETAILED",
    ),
    (r"terminates with a non-standard root", "TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE"),
    (
        r"includes a standard root(?: certificate)?\s*[:\[(]",
        "TRUST_CHAIN_INCLUDES_STANDARD_ROOT_CERTIFICATE_DETAILED",
    ),
    (r"includes a standard root", "TRUST_CHAIN_INCLUDES_STANDARD_ROOT_CERTIFICATE"),
    (r"extra certificates? (?:was|were) found in the (?:trust )?chain", "EXTRA_CERT_IN_TRUST_CHAIN"),
    (r"end-entity certificate appears in the trust chain", "END_ENTITY_CERT_IN_TRUST_CHAIN"),
    (r"trust chain was unsorted", "UNSORTED_TRUST_CHAIN"),
    (r"certificate data is blank or missing", "CERTIFICATE_DATA_BLANK_OR_MISSING"),
    (r"trust chain format is not supported", "TRUST_CHAIN_NOT_PEM_FORMAT"),
    (r"certificate format is not supported", "CERTIFICATE_NOT_PEM_FORMAT"),
    (r"error parsing (?:the )?certificate", "CERTIFICATE_PARSING_ERROR"),
)

# Nobody here has seen these: plain wordings of what their ids say. [A]
_ASSUMED: tuple[tuple[str, str], ...] = (
    # The certificate itself.
    (r"certificate (?:has|was|is) already (?:been )?(?:up)?loaded", "CERTIFICATE_ALREADY_LOADED"),
    (r"certificate data exceeds? the maximum", "CERTIFICATE_DATA_EXCEEDS_MAXIMUM"),
    (r"expir\w+ date .*beyond the .*range", "CERTIFICATE_EXPIRATION_DATE_BEYOND_RANGE"),
    (r"expir\w+ date .*too late", "CERTIFICATE_EXPIRATION_DATE_TOO_LATE"),
    (r"trust chain .*null issuer", "TRUST_CHAIN_HAS_NULL_ISSUER"),
    (r"certificate .*null issuer", "CERTIFICATE_HAS_NULL_ISSUER"),
    (r"trust chain .*null serial number", "TRUST_CHAIN_HAS_NULL_SERIAL_NUMBER"),
    (r"certificate .*null serial number", "CERTIFICATE_HAS_NULL_SERIAL_NUMBER"),
    (r"^\W*(?:the |this )?certificate is null or empty", "CERTIFICATE_NULL_OR_EMPTY"),
    (r"android black ?-?list", "CERTIFICATE_SERIAL_NUMBER_ON_ANDROID_BLACK_LIST"),
    (r"signature of the certificate does not match", "CERTIFICATE_SIGNATURE_MISMATCH"),
    (r"certificate .*invalid signature", "X509_CERTIFICATE_INVALID_SIGNATURE"),
    (r"trust chain (?:for|of) .*is missing", "CERTIFICATE_TRUST_CHAIN_MISSING"),
    (r"\binvalid certificate\b|^\W*(?:the|this) certificate is invalid", "INVALID_CERTIFICATE"),
    # The store that keeps CPS's keys.
    (r"not active in (?:the )?KMI", "CERTIFICATE_NOT_ACTIVE_IN_KMI"),
    (r"KMI data .*incomplete", "CERTIFICATE_KMI_DATA_INCOMPLETE"),
    (r"KMI data .*(?:has|is) (?:already )?expired", "CERTIFICATE_KMI_DATA_EXPIRED"),
    (r"KMI data .*expires? soon", "CERTIFICATE_KMI_DATA_EXPIRES_SOON"),
    (r"KMI data .*expires? today", "CERTIFICATE_KMI_DATA_EXPIRES_TODAY"),
    (r"KMI data .*scheduled for deletion", "CERTIFICATE_KMI_DATA_SCHEDULED_FOR_DELETION"),
    (r"KMI data .*be deleted soon", "CERTIFICATE_KMI_DATA_WILL_BE_DELETED_SOON"),
    (r"KMI data .*be deleted today", "CERTIFICATE_KMI_DATA_WILL_BE_DELETED_TODAY"),
    # The CSR.
    (r"CSR (?:has|is) (?:already )?expired", "CSR_EXPIRED"),
    (r"error parsing (?:the )?CSR", "CSR_PARSING_ERROR"),
    (r"\binvalid CSR\b|\bCSR is invalid\b", "INVALID_CSR"),
    (r"both subject(?: fields?)?\b.*null or empty", "CSR_VS_CERTIFICATE_BOTH_SUBJECT_FIELDS_ARE_NULL_OR_EMPTY"),
    # The chain.
    (r"was added to the trust chain", "CERTIFICATE_ADDED_TO_TRUST_CHAIN"),
    (r"certificate .*is missing (?:in|from) the trust chain", "CERTIFICATE_MISSING_IN_TRUST_CHAIN"),
    (r"cross[- ]signed root", "CROSS_SIGNED_ROOT_IN_TRUST_CHAIN"),
    (r"pars\w+ (?:the )?fixed trust chain", "FIXED_TRUST_CHAIN_PARSING_ERROR"),
    (r"(?:multiple|several|more than one) trust chains?", "MULTIPLE_TRUST_CHAINS"),
    (r"\bnamed trust chain", "NAMED_TRUST_CHAIN_MISMATCH"),
    (r"name constraints?", "NAME_CONSTRAINTS_VIOLATION"),
    (
        r"black ?-?listed intermediate|intermediate .*black ?-?listed",
        "THIRD_PARTY_BLACKLISTED_TRUST_CHAIN_INTERMEDIATE_CERTIFICATE",
    ),
    (r"black ?-?listed root|root .*black ?-?listed", "THIRD_PARTY_BLACKLISTED_TRUST_CHAIN_ROOT_CERTIFICATE"),
    (r"not include (?:a|any) trusted certificate", "TRUST_CHAIN_DOES_NOT_INCLUDE_TRUSTED_CERTIFICATE"),
    (r"trust chain is invalid\s*[:\[(]", "TRUST_CHAIN_INVALID_DETAILED"),
    (r"trust chain is invalid|invalid trust chain", "TRUST_CHAIN_INVALID"),
    (r"previous trust chain is null or empty", "TRUST_CHAIN_PREVIOUS_NULL_OR_EMPTY"),
    (r"trust chain .*report is null or empty", "TRUST_CHAIN_NULL_OR_EMPTY_REPORT"),
    (r"trust chain is null or empty\s*[:\[(]", "TRUST_CHAIN_NULL_OR_EMPTY_DETAILED"),
    (r"trust chain is null or empty", "TRUST_CHAIN_NULL_OR_EMPTY"),
    (r"unexpected trust chain", "UNEXPECTED_TRUST_CHAIN"),
    # Names and the DNS.
    (r"CAA .*not (?:be )?validated", "DNS_NAME_CAA_NOT_VALIDATED"),
    (r"CAA record .*forbid|forbidden by .*CAA record", "DNS_NAME_ISSUER_FORBIDDEN_CAA_RECORD"),
    (r"not (?:listed )?in the CAA record", "DNS_NAME_ISSUER_NOT_IN_CAA_RECORD"),
    (r"is no longer contained", "DNS_NAME_IS_NO_LONGER_CONTAINED"),
    (r"longer th[ae]n 255 char", "DNS_NAME_LONGER_THEN_255_CHARS"),
    (r"\bnot (?:a )?CNAMED?\b", "DNS_NAME_NOT_CNAMED"),
    (r"\bis not contained", "DNS_NAME_NOT_CONTAINED"),
    (r"DNS name is null or empty", "DNS_NAME_NULL_OR_EMPTY"),
    (r"server address .*not (?:be )?resolved", "DNS_NAME_SERVER_ADDRESS_NOT_RESOLVED"),
    (r"name ?server .*(?:timed out|time-?out)", "DNS_QUERY_NAME_SERVER_TIMEOUT"),
    (r"\b(?:text|TXT) record .*pars", "DNS_TEXT_PARSE"),
    (r"\bunknown host\b", "DNS_UNKNOWN_HOST"),
    (r"domain name .*\binvalid|invalid domain name", "DOMAIN_NAME_INVALID"),
    (r"\bSNI\b.*\boverlap", "SNI_DNS_OVERLAP"),
    # The rest.
    (r"retry (?:is )?required", "RETRY_REQUIRED"),
    (r"strict[- ]?check .*false", "SET_STRICT_CHECK_FALSE"),
    (r"exception .*\bvalidation|validation exception", "VALIDATION_EXCEPTION"),
)

TEXTS: tuple[tuple[str, str], ...] = (*_SEEN, *_ASSUMED)
"""Patterns, case ignored, each with the id of the warning it fits; the first that fits counts."""

FIELD_TEXTS: tuple[tuple[str, str, str], ...] = (
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
"""What differs in a subject field: words behind "value for <field>", the id with a known field, the id without."""

FIELD_CASE = (r"\bcase of the value for \S+ differs between", "CSR_VS_CERTIFICATE_SUBJECT_FIELD_CASE_MISMATCH")
