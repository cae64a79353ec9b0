# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of CPS's warnings about trust chains, names and the rest, by id, and a few words of many; tables, no more.

Written as those in ``warning_texts`` are, and from the same source.
"""

from __future__ import annotations

CHAIN = """
CERTIFICATE_ADDED_TO_TRUST_CHAIN
  A certificate was added to the new trust chain.
  Certificate Added to the new Trust Chain: <issuer>
CERTIFICATE_MISSING_IN_TRUST_CHAIN
  A certificate is missing from the new trust chain
  Certificate Missing from the new Trust Chain: <issuer>
CROSS_SIGNED_ROOT_IN_TRUST_CHAIN
  Crossed signed roots were found in the trust chain.
  Crossed signed roots found in the trust chain.<listing>
END_ENTITY_CERT_IN_TRUST_CHAIN
  The end-entity certificate appears in the trust chain. This is not allowed.
  The end-entity certificate appears in the trust chain. This is not allowed. It is being automatically removed from \
the trust chain.
EXTRA_CERT_IN_TRUST_CHAIN
  Extra certificates were found in the chain and are being removed.<listing>
FIXED_TRUST_CHAIN_PARSING_ERROR
  Error parsing expected trust chains.
MULTIPLE_TRUST_CHAINS
  There are multiple trust chains.
  There are multiple trust chains in<listing>
NAMED_TRUST_CHAIN_MISMATCH
  Trust-chain does not match the trust-chain that was requested.
  Expected to find trust chain: <chain> Instead found: <chain>
NAME_CONSTRAINTS_CN_MISSING
  Name constraints not validated for certificates without a CN.
NAME_CONSTRAINTS_VIOLATION
  The certificate chain violates at least one name constraint.
THIRD_PARTY_BLACKLISTED_TRUST_CHAIN_INTERMEDIATE_CERTIFICATE
  A third party trust chain intermediate certificate is blacklisted.
  Third party trust chain intermediate certificate: [<certificate>] is blacklisted.
THIRD_PARTY_BLACKLISTED_TRUST_CHAIN_ROOT_CERTIFICATE
  A third party trust chain root certificate is blacklisted.
  Third party trust chain root certificate: [<certificate>] is blacklisted.
TRUST_CHAIN_DOES_NOT_INCLUDE_TRUSTED_CERTIFICATE
  The trust chain for this certificate does not match the expected trust chain for this type of certificate.
TRUST_CHAIN_EMPTY_AND_CERTIFICATE_SIGNED_BY_NON_STANDARD_ROOT
  The trust chain is empty and the end-entity certificate may have been signed by a non-standard root certificate.
TRUST_CHAIN_EXPIRED
  A certificate in the trust chain is expired.
TRUST_CHAIN_EXPIRED_BEFORE_EE
  A certificate in the trust chain expires before the end-entity.
  End entity certificate [<name>] with expiration [<time>] expires after the trust chain certificate #[<name>] that \
expires [<time>].
TRUST_CHAIN_EXPIRED_OR_NOT_YET_VALID
  Trust chain certificate #[<number>] issuer [<issuer>] serial number [<serial>]: [<cause>].
TRUST_CHAIN_HAS_NULL_ISSUER
  A trust chain certificate has a null issuer.
  Trust chain certificate #[<number>] has a null issuer
TRUST_CHAIN_HAS_NULL_SERIAL_NUMBER
  A trust chain certificate has a null serial number
  Trust chain certificate #[<number>] has a null serial number
TRUST_CHAIN_INCLUDES_STANDARD_ROOT_CERTIFICATE
  The trust chain includes a standard root certificate.
  The trust chain includes a standard root certificate. This is not a typical practice.
TRUST_CHAIN_INCLUDES_STANDARD_ROOT_CERTIFICATE_DETAILED
  The trust chain includes a standard root certificate. This is not a typical practice.<listing>
TRUST_CHAIN_INVALID
  This certificate trust chain is invalid because no trust chain was found.
TRUST_CHAIN_INVALID_DETAILED
  This certificate trust chain is invalid because no trust chain was found.<listing>
TRUST_CHAIN_NOT_PEM_FORMAT
  This trust chain format is not supported. The supported format for certificates and trust chains is PEM (base64).
TRUST_CHAIN_NOT_YET_VALID
  A trust chain certificate is not yet valid.
TRUST_CHAIN_NULL_OR_EMPTY
  Trust chain is empty.
TRUST_CHAIN_NULL_OR_EMPTY_DETAILED
  <chain> certificate trust chain is invalid or empty.
TRUST_CHAIN_NULL_OR_EMPTY_REPORT
  Trust chain is empty.<listing>
TRUST_CHAIN_PARSING_ERROR
  Failed to parse trust chain.
TRUST_CHAIN_PARSING_ERROR_DETAILED
  Unable to parse certificate trust chain.
  Unable to parse <chain> certificate trust chain.
TRUST_CHAIN_PREVIOUS_NULL_OR_EMPTY
  Previous Certificate trust chain is null or empty.
TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE
  The trust chain terminates with a non-standard root certificate.
TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE_DETAILED
  The trust chain terminates with a non-standard root certificate.<listing>
TRUST_CHAIN_VERIFY_FAILED
  One of the trust chain certificates or the end-entity failed to verify.
  The trust chain [<name>] and the end entity [<name>] failed to verify.
UNEXPECTED_TRUST_CHAIN
  Unexpected trust chain for this certificate.
UNSORTED_TRUST_CHAIN
  The trust chain was unsorted, so it has been cleaned up.
  Unsorted trust chain downloaded, using<listing>
"""

NAMES = """
DNS_NAME_CAA_NOT_VALIDATED
  DNS name <name> CAA auto validation failed.
DNS_NAME_ISSUER_FORBIDDEN_CAA_RECORD
  DNS name forbids CA issuer in CAA record.
DNS_NAME_ISSUER_NOT_IN_CAA_RECORD
  DNS name <name> allows CA issuers <issuers>. Configured issuers are <issuers>
DNS_NAME_IS_NO_LONGER_CONTAINED
  A DNS name is no longer contained; it will be dropped.
  DNS name <name> is no longer contained by <name>; it will be dropped.
DNS_NAME_LONGER_THEN_255_CHARS
  DNS name is longer than 255 characters.
  DNS name <name> longer than 255 characters.
DNS_NAME_NOT_CNAMED
  DNS name not CNAMEd for auto validation.
  DNS name <name> not CNAMEd for auto validation.
DNS_NAME_NOT_CONTAINED
  DNS name <name> is not contained.
  DNS name <name> is not contained by <name>.
DNS_NAME_NULL_OR_EMPTY
  DNS name is either null or empty.
DNS_NAME_SERVER_ADDRESS_NOT_RESOLVED
  DNS Name Server Address Exception
  DNS Name Server Address Exception when processing <name>
DNS_QUERY_NAME_SERVER_TIMEOUT
  DNS name server query timeout
  DNS name server timeout when processing <name>.
DNS_TEXT_PARSE
  DNS Text Parse Exception
  DNS Text Parse Exception when processing <name>
DNS_UNKNOWN_HOST
  DNS Unknown Host Exception
  DNS Unknown Host Exception when processing <name>
DOMAIN_NAME_INVALID
  Domain name is invalid.
OVERLAPPING_TRAFFIC_CLASS
  The following domain(s) overlap domains on another certificate: <names>.
  Some of the domains being provisioned exist on another certificate. Akamai recommends against overlapping names on \
Enhanced TLS and Standard TLS certificates except during digital property migrations. Enhanced TLS traffic could be \
misdirected in the event of DNS misconfiguration and treated as Standard TLS until the overlap is eliminated.
  Some of the domains being provisioned (<names>) exist on another certificate. Akamai recommends against overlapping \
names on Enhanced TLS and Standard TLS certificates except during digital property migrations. Enhanced TLS traffic \
could be misdirected in the event of DNS misconfiguration and treated as Standard TLS until the overlap is eliminated.
SNI_DNS_OVERLAP
  A DNS Name is overlapping a DNS name of one or more enrollments.
  Name [<name>] is overlapping DNS name of one or more enrollments.
SANS_REMOVED_REQUIRE_ACKNOWLEDGEMENT
  The SANs [<names>] are scheduled to be removed with this operation. Removing SANs from this enrollment may result in \
a disruption of your service for TLS connections.
CERTIFICATE_VS_NETWORK_SAN_REMOVED_FROM_CERT_LIVE_ON_NETWORK
  A SAN name that was removed from certificate is still live on the network.
  SAN name [<name>] removed from certificate is still live on the network.
"""

OTHER = """
RETRY_REQUIRED
  Action Retry Required
SET_STRICT_CHECK_FALSE
  Set strict CERT check FALSE.
VALIDATION_EXCEPTION
  Validation error.
  Validation exception: <cause>.
"""

MARKS = """
CSR_VS_CERTIFICATE_KEY_MISMATCH
  not generated from the CSR
CSR_VS_CERTIFICATE_CN_CASE_MISMATCH
  case of the common name <> does not match
CSR_VS_CERTIFICATE_CN_MISMATCH
  common name <> does not match the CSR
CSR_VS_CERTIFICATE_CN_MISSING
  common name <> missing from the certificate
  common name <> missing in the certificate
  common names <> must be non-null
CSR_VS_CERTIFICATE_MISSING_SAN_FROM_SAN_LIST_IN_CERTIFICATE
  missing from the certificate
CERTIFICATE_MISSING_CN_FROM_SAN_LIST
  common name <> missing from the SAN list
SANS_REMOVED_REQUIRE_ACKNOWLEDGEMENT
  scheduled to be removed
CERTIFICATE_VS_NETWORK_SAN_REMOVED_FROM_CERT_LIVE_ON_NETWORK
  still live on the network
CERTIFICATE_EXPIRED
  certificate has already expired
  certificate has expired
CERTIFICATE_NOT_PEM_FORMAT
  certificate format is not supported
CERTIFICATE_PARSING_ERROR
  error parsing certificate
  error parsing the certificate
CERTIFICATE_SIGNATURE_MISMATCH
  different signature algorithm
CSR_EXPIRED
  CSR has expired
  key for <> certificate has expired
CSR_PARSING_ERROR
  error parsing CSR
  error parsing the CSR
INVALID_CERTIFICATE
  problem processing the <> certificate
INVALID_CSR
  problem processing the <> CSR
X509_CERTIFICATE_INVALID_SIGNATURE
  certificate <> invalid signature
FIXED_TRUST_CHAIN_PARSING_ERROR
  error parsing expected trust chain
TRUST_CHAIN_EXPIRED
  in the trust chain is expired
  in the trust chain has expired
TRUST_CHAIN_NOT_YET_VALID
  trust chain certificate is not yet valid
TRUST_CHAIN_INVALID
  trust chain is invalid
TRUST_CHAIN_NOT_PEM_FORMAT
  trust chain format is not supported
TRUST_CHAIN_PARSING_ERROR
  failed to parse trust chain
  failed to parse the trust chain
TRUST_CHAIN_VERIFY_FAILED
  trust chain <> failed to verify
THIRD_PARTY_BLACKLISTED_TRUST_CHAIN_INTERMEDIATE_CERTIFICATE
  third party trust chain intermediate certificate
  intermediate certificate <> blacklisted
THIRD_PARTY_BLACKLISTED_TRUST_CHAIN_ROOT_CERTIFICATE
  third party trust chain root certificate
  root certificate <> blacklisted
OVERLAPPING_TRAFFIC_CLASS
  overlap domains on another certificate
  exist on another certificate
SNI_DNS_OVERLAP
  is overlapping DNS name
  is overlapping a DNS name
  SNI <> overlap
"""
"""A few words by which what is dangerous is known wherever they stand, though the rest is new or stands in a value.

Of what is dangerous only: what is taken for another warning must not be acknowledged by that.
"""
