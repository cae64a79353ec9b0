# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text for every id of CPS's warnings, to be sent on demand: CPS's own words, filled in as CPS fills them in.

Wordings are those that Akamai publishes with its Terraform provider: the one with values where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable

_LISTING = """Trust Chain
Certificate: Subject: CN=www.example.com,O=Example
     Issuer: CN=Issuing CA
     Serial Number: 01:a2:
The chain that will be used is:
1. Subject: CN=Issuing CA
     Issuer: CN=Root CA
     Serial Number: 0f:"""

_PLAIN = """
CERTIFICATE_ADDED_TO_TRUST_CHAIN: Certificate Added to the new Trust Chain: CN=Issuing CA,O=Example
CERTIFICATE_ALREADY_LOADED: There is a problem deploying the 'RSA' certificate. Please contact your Akamai support \
team to resolve the issue.
CERTIFICATE_DATA_BLANK_OR_MISSING: Certificate data is blank or missing.
CERTIFICATE_DATA_EXCEEDS_MAXIMUM: SAN list contains 120 entries and that exceeds the maximum of 100.
CERTIFICATE_EXPIRATION_DATE_BEYOND_MAX_DAYS: The 'RSA' certificate is set to expire in [2] years, [1] months. The \
certificate has a validity period of greater than 397 days. This certificate will not be accepted by all major \
browsers for SSL/TLS connections. Please work with your Certificate Authority to reissue the certificate with an \
acceptable lifetime.
CERTIFICATE_EXPIRATION_DATE_BEYOND_RANGE: This certificate is set to expire in [4] years, [1] months. Akamai \
recommends validity of 3 years or less.
CERTIFICATE_EXPIRATION_DATE_IN_NEAR_FUTURE: The 'RSA' certificate will expire in the near future.
CERTIFICATE_EXPIRATION_DATE_TOO_LATE: This certificate is set to expire in [4] years, [1] months. Akamai recommends \
validity of [3] years or less.
CERTIFICATE_EXPIRATION_TOO_SHORT: The 'RSA' certificate has a short lifetime and will expire within the next 20 days.
CERTIFICATE_EXPIRED: This certificate has already expired.
CERTIFICATE_HAS_NULL_ISSUER: Certificate has a null issuer
CERTIFICATE_HAS_NULL_SERIAL_NUMBER: Certificate has a null serial number
CERTIFICATE_KMI_DATA_EXPIRED: The KMI entry for the new certificate expired 3 day(s) ago.
CERTIFICATE_KMI_DATA_EXPIRES_SOON: The KMI entry for the new certificat will expire in 3 day(s).
CERTIFICATE_KMI_DATA_EXPIRES_TODAY: The KMI entry for the new certificate will expire today.
CERTIFICATE_KMI_DATA_INCOMPLETE: The KMI data is not complete for the new certificate.
CERTIFICATE_KMI_DATA_MISSING: No KMI data is available for the new certificate.
CERTIFICATE_KMI_DATA_SCHEDULED_FOR_DELETION: The KMI entry was scheduled for deletion 3 day(s) ago.
CERTIFICATE_KMI_DATA_WILL_BE_DELETED_SOON: The KMI entry for the new certificat will be deleted in 3 day(s).
CERTIFICATE_KMI_DATA_WILL_BE_DELETED_TODAY: The KMI entry for the new certificate will be deleted today.
CERTIFICATE_MISSING_CN_FROM_SAN_LIST: The Common Name (CN) is missing from the SAN list for 'RSA' certificate.
CERTIFICATE_MISSING_IN_TRUST_CHAIN: Certificate Missing from the new Trust Chain: CN=Issuing CA
CERTIFICATE_NOT_ACTIVE_IN_KMI: The new certificate is not active in KMI.
CERTIFICATE_NOT_PEM_FORMAT: This certificate format is not supported. The supported format for certificates and trust \
chains is PEM (base64).
CERTIFICATE_NOT_YET_VALID: Certificate not yet valid; issuer [CN=x] serial number [12]: [NotBefore: x].
CERTIFICATE_NULL_OR_EMPTY: Null or empty [EE] Certificate.
CERTIFICATE_PARSING_ERROR: Error parsing certificate: [abc]. Cause: [bad].
CERTIFICATE_SELF_SIGNED: The Issuer and Subject of the end-entity certificate are identical. This is not allowed.
CERTIFICATE_SERIAL_NUMBER_ON_ANDROID_BLACK_LIST: The 'RSA' certificate may get "Invalid CA" errors on some Android \
devices, due to serial number issues.
CERTIFICATE_SIGNATURE_MISMATCH: Requested certificate signed with SHA-256 signature algorithm, but got SHA-1 \
(SHA1withRSA).
CERTIFICATE_TRUST_CHAIN_MISSING: Certificate and/or Trust Chain data is missing.
CERTIFICATE_VS_NETWORK_SAN_REMOVED_FROM_CERT_LIVE_ON_NETWORK: SAN name [a.example.com] removed from certificate is \
still live on the network.
CROSS_SIGNED_ROOT_IN_TRUST_CHAIN: Crossed signed roots found in the trust chain.+
CSR_EXPIRED: The key for 'RSA' certificate has expired. You need to create and submit a new certificate.
CSR_PARSING_ERROR: Error parsing CSR.
CSR_VS_CERTIFICATE_ADDITIONAL_SAN_IN_SAN_LIST_IN_CERTIFICATE: SAN name [a.example.com] was added to the certificate.
CSR_VS_CERTIFICATE_BOTH_SUBJECT_FIELDS_ARE_NULL_OR_EMPTY: Both expected: null and found: null values are empty. They \
cannot be nullOrEmpty at the same time.
CSR_VS_CERTIFICATE_CN_CASE_MISMATCH: The case of the Common Name (CN) on the 'RSA' certificate [A.example.com] does \
not match the CN on the CSR [a.example.com].
CSR_VS_CERTIFICATE_CN_MISMATCH: The Common Name (CN) on 'RSA' certificate [b.example.com] does not match the CSR \
[a.example.com].
CSR_VS_CERTIFICATE_CN_MISSING: The Common Names (CN) for 'RSA' certificate and CSR must be non-null and non-empty. \
Certificate CN: [null], CSR CN: [a].
CSR_VS_CERTIFICATE_KEY_MISMATCH: 'RSA' certificate was not generated from the CSR that Akamai generated.
CSR_VS_CERTIFICATE_MISSING_SAN_FROM_SAN_LIST_IN_CERTIFICATE: SAN name [a.example.com] is missing from the certificate.
CSR_VS_CERTIFICATE_SAN_CASE_MISMATCH: A.example.com [a.example.com] differs in case on the 'RSA' certificate.
CSR_VS_CERTIFICATE_SUBJECT_FIELD_CASE_MISMATCH: Case mismatch for O. Expected(in CSR): Example, found(in 'RSA' \
certificate): EXAMPLE
CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH: Value for [STREET] differs between the CSR and the 'RSA' certificate: [x] \
vs [y].
CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH_MISSING_IN_CERTIFICATE: Value for [STREET] differs between the CSR and the \
'RSA' certificate: [x] vs missing.
CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH_MISSING_IN_CSR: Value for [STREET] differs between the CSR and the 'RSA' \
certificate: missing vs [y].
DNS_NAME_CAA_NOT_VALIDATED: DNS name a.example.com CAA auto validation failed.
DNS_NAME_ISSUER_FORBIDDEN_CAA_RECORD: DNS name forbids CA issuer in CAA record.
DNS_NAME_ISSUER_NOT_IN_CAA_RECORD: DNS name a.example.com allows CA issuers le.org. Configured issuers are digicert.com
DNS_NAME_IS_NO_LONGER_CONTAINED: DNS name a.example.com is no longer contained by *.example.com; it will be dropped.
DNS_NAME_LONGER_THEN_255_CHARS: DNS name a.example.com longer than 255 characters.
DNS_NAME_NOT_CNAMED: DNS name a.example.com not CNAMEd for auto validation.
DNS_NAME_NOT_CONTAINED: DNS name a.example.com is not contained by *.example.org.
DNS_NAME_NULL_OR_EMPTY: DNS name is either null or empty.
DNS_NAME_SERVER_ADDRESS_NOT_RESOLVED: DNS Name Server Address Exception when processing a.example.com
DNS_QUERY_NAME_SERVER_TIMEOUT: DNS name server timeout when processing a.example.com.
DNS_TEXT_PARSE: DNS Text Parse Exception when processing a.example.com
DNS_UNKNOWN_HOST: DNS Unknown Host Exception when processing a.example.com
DOMAIN_NAME_INVALID: Domain name is invalid.
END_ENTITY_CERT_IN_TRUST_CHAIN: The end-entity certificate appears in the trust chain. This is not allowed. It is \
being automatically removed from the trust chain.
EXTRA_CERT_IN_TRUST_CHAIN: Extra certificates were found in the chain and are being removed.+
FIXED_TRUST_CHAIN_PARSING_ERROR: Error parsing expected trust chains.
INVALID_CERTIFICATE: There is a problem processing the certificate. Please contact your Akamai support team to \
resolve the issue.
INVALID_CSR: There is a problem processing the CSR. Please contact your Akamai support team to resolve the issue.
MULTIPLE_TRUST_CHAINS: There are multiple trust chains in+
NAMED_TRUST_CHAIN_MISMATCH: Expected to find trust chain:|    chain-1|    The first chain|  Instead found:|    \
chain-2|    The second chain
NAME_CONSTRAINTS_CN_MISSING: Name constraints not validated for certificates without a CN.
NAME_CONSTRAINTS_VIOLATION: The certificate chain violates at least one name constraint.
OVERLAPPING_TRAFFIC_CLASS: The following domain(s) overlap domains on another certificate: a.example.com.
RETRY_REQUIRED: Action Retry Required
SANS_REMOVED_REQUIRE_ACKNOWLEDGEMENT: The SANs [a.example.com] are scheduled to be removed with this operation. \
Removing SANs from this enrollment may result in a disruption of your service for TLS connections.
SET_STRICT_CHECK_FALSE: Set strict CERT check FALSE.
SNI_DNS_OVERLAP: Name [a.example.com] is overlapping DNS name of one or more enrollments.
THIRD_PARTY_BLACKLISTED_TRUST_CHAIN_INTERMEDIATE_CERTIFICATE: Third party trust chain intermediate certificate: \
[CN=x] is blacklisted.
THIRD_PARTY_BLACKLISTED_TRUST_CHAIN_ROOT_CERTIFICATE: Third party trust chain root certificate: [CN=x] is blacklisted.
TRUST_CHAIN_DOES_NOT_INCLUDE_TRUSTED_CERTIFICATE: The trust chain for this certificate does not match the expected \
trust chain for this type of certificate.
TRUST_CHAIN_EMPTY_AND_CERTIFICATE_SIGNED_BY_NON_STANDARD_ROOT: The trust chain is empty and the end-entity \
certificate may have been signed by a non-standard root certificate.
TRUST_CHAIN_EXPIRED: A certificate in the trust chain is expired.
TRUST_CHAIN_EXPIRED_BEFORE_EE: End entity certificate [a.example.com] with expiration [2027-01-01] expires after the \
trust chain certificate #[CA] that expires [2026-12-01].
TRUST_CHAIN_EXPIRED_OR_NOT_YET_VALID: Trust chain certificate #[1] issuer [CN=x] serial number [12]: [NotAfter: x].
TRUST_CHAIN_HAS_NULL_ISSUER: Trust chain certificate #[1] has a null issuer
TRUST_CHAIN_HAS_NULL_SERIAL_NUMBER: Trust chain certificate #[1] has a null serial number
TRUST_CHAIN_INCLUDES_STANDARD_ROOT_CERTIFICATE: The trust chain includes a standard root certificate. This is not a \
typical practice.
TRUST_CHAIN_INCLUDES_STANDARD_ROOT_CERTIFICATE_DETAILED: The trust chain includes a standard root certificate. This \
is not a typical practice.+
TRUST_CHAIN_INVALID: This certificate trust chain is invalid because no trust chain was found.
TRUST_CHAIN_INVALID_DETAILED: This certificate trust chain is invalid because no trust chain was found.+
TRUST_CHAIN_NOT_PEM_FORMAT: This trust chain format is not supported. The supported format for certificates and trust \
chains is PEM (base64).
TRUST_CHAIN_NOT_YET_VALID: A trust chain certificate is not yet valid.
TRUST_CHAIN_NULL_OR_EMPTY: Trust chain is empty.
TRUST_CHAIN_NULL_OR_EMPTY_DETAILED: RSA certificate trust chain is invalid or empty.
TRUST_CHAIN_NULL_OR_EMPTY_REPORT: Trust chain is empty.+
TRUST_CHAIN_PARSING_ERROR: Failed to parse trust chain.
TRUST_CHAIN_PARSING_ERROR_DETAILED: Unable to parse RSA certificate trust chain.
TRUST_CHAIN_PREVIOUS_NULL_OR_EMPTY: Previous Certificate trust chain is null or empty.
TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE: The trust chain terminates with a non-standard root certificate.
TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE_DETAILED: The trust chain terminates with a non-standard root \
certificate.+
TRUST_CHAIN_VERIFY_FAILED: The trust chain [CN=CA] and the end entity [a.example.com] failed to verify.
UNEXPECTED_TRUST_CHAIN: Unexpected trust chain for this certificate.
UNSORTED_TRUST_CHAIN: Unsorted trust chain downloaded, using+
VALIDATION_EXCEPTION: Validation exception: boom.
X509_CERTIFICATE_INVALID_SIGNATURE: Really shouldn't happen, x509Certificates with invalid signatures
"""

_FIELDS = {
    "MISMATCH": "Value for {field} differs between the CSR and the certificate: [Example] vs [Other].",
    "MISSING_IN_CERTIFICATE": "Value for {field} differs between the CSR and the certificate: [Example] vs missing.",
    "ADDITIONAL_IN_CERTIFICATE": "Value for {field} differs between the CSR and the certificate: missing vs [Other].",
}


def _texts() -> dict[str, str]:
    lines = [line for line in _PLAIN.splitlines() if line]
    # A bar ends a line of a text of several, a plus stands for the listing below it.
    plain = {
        code: text.replace("|", "\n").replace("+", f"\n{_LISTING}")
        for code, text in (line.split(": ", 1) for line in lines)
    }
    fields = {
        f"CSR_VS_CERTIFICATE_{field}_FIELD_{fault}": text.format(field=field)
        for field in ("C", "L", "O", "OU", "ST")
        for fault, text in _FIELDS.items()
    }
    return {**plain, **fields}


TEXTS = _texts()
"""By id, the text."""


def worded(warnings: Iterable[str]) -> list[str]:
    """Give the texts of warnings, each of which is a text already, or an id."""
    return [TEXTS.get(one, one) for one in warnings]
