# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text for every id of CPS's warnings, to be sent on demand: what stands in brackets is filled in by CPS.

The ids are those of cps-protocol §3.6. Where nobody has seen the text, it says what its id says.
"""

from __future__ import annotations

from collections.abc import Iterable

_PLAIN = """
CERTIFICATE_ALREADY_LOADED: This certificate has already been loaded.
CERTIFICATE_DATA_BLANK_OR_MISSING: Certificate data is blank or missing for [RSA].
CERTIFICATE_DATA_EXCEEDS_MAXIMUM: Certificate data exceeds the maximum of [65536] characters.
CERTIFICATE_EXPIRATION_DATE_BEYOND_MAX_DAYS: The certificate has a validity period of greater than [397] days.
CERTIFICATE_EXPIRATION_DATE_BEYOND_RANGE: The expiration date of the certificate is beyond the accepted range.
CERTIFICATE_EXPIRATION_DATE_IN_NEAR_FUTURE: This certificate will expire in the near future.
CERTIFICATE_EXPIRATION_DATE_TOO_LATE: The expiration date [2099-01-01] of the certificate is too late.
CERTIFICATE_EXPIRATION_TOO_SHORT: This certificate has a short lifetime and will expire soon.
CERTIFICATE_EXPIRED: This certificate has already expired.
CERTIFICATE_HAS_NULL_ISSUER: The certificate has a null issuer.
CERTIFICATE_HAS_NULL_SERIAL_NUMBER: The certificate has a null serial number.
CERTIFICATE_MISSING_CN_FROM_SAN_LIST: The Common Name (CN) is missing from the SAN list.
CERTIFICATE_NOT_PEM_FORMAT: This certificate format is not supported.
CERTIFICATE_NOT_YET_VALID: The certificate is not yet valid.
CERTIFICATE_NULL_OR_EMPTY: The certificate is null or empty.
CERTIFICATE_PARSING_ERROR: Error parsing certificate.
CERTIFICATE_SELF_SIGNED: The certificate is self-signed.
CERTIFICATE_SERIAL_NUMBER_ON_ANDROID_BLACK_LIST: The serial number [1f] is on the Android blacklist.
CERTIFICATE_SIGNATURE_MISMATCH: The signature of the certificate does not match its issuer [CN=Issuing CA].
CERTIFICATE_TRUST_CHAIN_MISSING: The trust chain of the certificate is missing.
INVALID_CERTIFICATE: Invalid certificate.
X509_CERTIFICATE_INVALID_SIGNATURE: The X.509 certificate has an invalid signature.

CERTIFICATE_NOT_ACTIVE_IN_KMI: The certificate is not active in KMI.
CERTIFICATE_KMI_DATA_MISSING: No KMI data for this certificate.
CERTIFICATE_KMI_DATA_INCOMPLETE: The KMI data of the certificate is incomplete.
CERTIFICATE_KMI_DATA_EXPIRED: The KMI data of the certificate has expired.
CERTIFICATE_KMI_DATA_EXPIRES_SOON: The KMI data of the certificate expires soon.
CERTIFICATE_KMI_DATA_EXPIRES_TODAY: The KMI data of the certificate expires today.
CERTIFICATE_KMI_DATA_SCHEDULED_FOR_DELETION: The KMI data of the certificate is scheduled for deletion at [2026-12-01].
CERTIFICATE_KMI_DATA_WILL_BE_DELETED_SOON: The KMI data of the certificate will be deleted soon.
CERTIFICATE_KMI_DATA_WILL_BE_DELETED_TODAY: The KMI data of the certificate will be deleted today.

CSR_EXPIRED: The CSR has expired.
CSR_PARSING_ERROR: Error parsing CSR.
INVALID_CSR: Invalid CSR.
CSR_VS_CERTIFICATE_KEY_MISMATCH: This certificate was not generated from the CSR that Akamai generated.
CSR_VS_CERTIFICATE_CN_MISMATCH: The Common Name (CN) on this certificate does not match the CSR.
CSR_VS_CERTIFICATE_CN_CASE_MISMATCH: The case of the Common Name (CN) on the certificate does not match the CSR.
CSR_VS_CERTIFICATE_CN_MISSING: The Common Names (CN) for both certificate and CSR must be non-null and non-empty.
CSR_VS_CERTIFICATE_SAN_CASE_MISMATCH: SAN name [WWW.example.com] differs in case on the certificate.
CSR_VS_CERTIFICATE_MISSING_SAN_FROM_SAN_LIST_IN_CERTIFICATE: SAN name [a.example.com] is missing from the certificate.
CSR_VS_CERTIFICATE_ADDITIONAL_SAN_IN_SAN_LIST_IN_CERTIFICATE: SAN name [a.example.com] was added to the certificate.
CSR_VS_CERTIFICATE_BOTH_SUBJECT_FIELDS_ARE_NULL_OR_EMPTY: Both subject fields [STREET] are null or empty.
CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH: Value for [STREET] differs between the CSR and the certificate.
CSR_VS_CERTIFICATE_SUBJECT_FIELD_CASE_MISMATCH: The case of the value for O differs between the CSR and the certificate.
CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH_MISSING_IN_CERTIFICATE: The value for [STREET] is missing in the certificate.
CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH_MISSING_IN_CSR: The value for [STREET] is missing in the CSR.

CERTIFICATE_ADDED_TO_TRUST_CHAIN: Certificate [CN=Issuing CA] was added to the trust chain.
CERTIFICATE_MISSING_IN_TRUST_CHAIN: Certificate [CN=Issuing CA] is missing in the trust chain.
CROSS_SIGNED_ROOT_IN_TRUST_CHAIN: The trust chain contains a cross-signed root certificate.
END_ENTITY_CERT_IN_TRUST_CHAIN: The end-entity certificate appears in the trust chain. This is not allowed.
EXTRA_CERT_IN_TRUST_CHAIN: Extra certificates were found in the chain and are being removed.
FIXED_TRUST_CHAIN_PARSING_ERROR: Failed to parse the fixed trust chain.
MULTIPLE_TRUST_CHAINS: Multiple trust chains were found.
NAMED_TRUST_CHAIN_MISMATCH: The certificate does not fit the named trust chain [chain-1].
NAME_CONSTRAINTS_VIOLATION: SAN name [a.example.com] violates the name constraints of [CN=Issuing CA].
THIRD_PARTY_BLACKLISTED_TRUST_CHAIN_INTERMEDIATE_CERTIFICATE: The chain has a blacklisted intermediate certificate.
THIRD_PARTY_BLACKLISTED_TRUST_CHAIN_ROOT_CERTIFICATE: The chain has a blacklisted root certificate.
TRUST_CHAIN_DOES_NOT_INCLUDE_TRUSTED_CERTIFICATE: The trust chain does not include a trusted certificate.
TRUST_CHAIN_EMPTY_AND_CERTIFICATE_SIGNED_BY_NON_STANDARD_ROOT: The trust chain is empty and the end-entity certificate \
may have been signed by a non-standard root certificate.
TRUST_CHAIN_EXPIRED_BEFORE_EE: A certificate in the trust chain expires before the end-entity.
TRUST_CHAIN_EXPIRED_OR_NOT_YET_VALID: A certificate in the trust chain is expired.
TRUST_CHAIN_HAS_NULL_ISSUER: A certificate in the trust chain has a null issuer.
TRUST_CHAIN_HAS_NULL_SERIAL_NUMBER: A certificate in the trust chain has a null serial number.
TRUST_CHAIN_INCLUDES_STANDARD_ROOT_CERTIFICATE: The trust chain includes a standard root certificate. This is unusual.
TRUST_CHAIN_INCLUDES_STANDARD_ROOT_CERTIFICATE_DETAILED: The trust chain includes a standard root: [CN=Root].
TRUST_CHAIN_INVALID: The trust chain is invalid.
TRUST_CHAIN_INVALID_DETAILED: The trust chain is invalid: [CN=Issuing CA].
TRUST_CHAIN_NOT_PEM_FORMAT: This trust chain format is not supported.
TRUST_CHAIN_NULL_OR_EMPTY: The trust chain is null or empty.
TRUST_CHAIN_NULL_OR_EMPTY_DETAILED: The trust chain is null or empty: [RSA].
TRUST_CHAIN_NULL_OR_EMPTY_REPORT: The trust chain of the report is null or empty.
TRUST_CHAIN_PARSING_ERROR: Failed to parse trust chain.
TRUST_CHAIN_PARSING_ERROR_DETAILED: Failed to parse trust chain: [line 3].
TRUST_CHAIN_PREVIOUS_NULL_OR_EMPTY: The previous trust chain is null or empty.
TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE: The trust chain terminates with a non-standard root certificate.
TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE_DETAILED: The trust chain terminates with a non-standard root \
certificate: [CN=Root].
TRUST_CHAIN_VERIFY_FAILED: One of the trust chain certificates or the end-entity failed to verify.
UNEXPECTED_TRUST_CHAIN: An unexpected trust chain was given.
UNSORTED_TRUST_CHAIN: The trust chain was unsorted, so it has been cleaned up.

DNS_NAME_CAA_NOT_VALIDATED: The CAA record of DNS name [a.example.com] could not be validated.
DNS_NAME_ISSUER_FORBIDDEN_CAA_RECORD: The CAA record of DNS name [a.example.com] forbids the issuer [ca.example].
DNS_NAME_ISSUER_NOT_IN_CAA_RECORD: The issuer [ca.example] is not in the CAA record of DNS name [a.example.com].
DNS_NAME_IS_NO_LONGER_CONTAINED: DNS name [a.example.com] is no longer contained in the certificate.
DNS_NAME_LONGER_THEN_255_CHARS: A DNS name is longer than 255 characters.
DNS_NAME_NOT_CNAMED: DNS name [a.example.com] is not CNAMED to Akamai.
DNS_NAME_NOT_CONTAINED: DNS name [a.example.com] is not contained in the certificate.
DNS_NAME_NULL_OR_EMPTY: A DNS name is null or empty.
DNS_NAME_SERVER_ADDRESS_NOT_RESOLVED: The server address of DNS name [a.example.com] could not be resolved.
DNS_QUERY_NAME_SERVER_TIMEOUT: The query to name server [ns1.example.com] timed out.
DNS_TEXT_PARSE: The TXT record of [a.example.com] could not be parsed.
DNS_UNKNOWN_HOST: Unknown host [a.example.com].
DOMAIN_NAME_INVALID: The domain name [a..example.com] is invalid.
OVERLAPPING_TRAFFIC_CLASS: This would overlap domains on another certificate: [a.example.com].
SNI_DNS_OVERLAP: The SNI names [a.example.com] overlap with those of enrollment [10002].
SANS_REMOVED_REQUIRE_ACKNOWLEDGEMENT: The SANs [a.example.com] are scheduled to be removed.
CERTIFICATE_VS_NETWORK_SAN_REMOVED_FROM_CERT_LIVE_ON_NETWORK: SAN name [a.example.com] removed from certificate is \
still live on the network.

RETRY_REQUIRED: A retry is required.
SET_STRICT_CHECK_FALSE: To go on, set strictCheck to false.
VALIDATION_EXCEPTION: An exception occurred during validation.
"""

_FIELDS = {
    "MISMATCH": "Value for {field} differs between the CSR and the certificate.",
    "MISSING_IN_CERTIFICATE": "The value for {field} is present in the CSR, but missing in the certificate.",
    "ADDITIONAL_IN_CERTIFICATE": "The value for {field} is missing in the CSR, but is present in the certificate.",
}


def _texts() -> dict[str, str]:
    lines = [line for line in _PLAIN.splitlines() if line]
    plain = dict(line.split(": ", 1) for line in lines)
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
