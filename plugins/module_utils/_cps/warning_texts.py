# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of CPS's warnings about a certificate, its key and its CSR, by id; tables, nothing else.

A line that is not indented is an id, the lines below it are the wordings CPS has had for it. ``<...>`` stands for what
CPS fills in, ``<listing>`` at the end for lines below the message. Those about chains and names are in a module of
their own.

:source: the table of CPS's texts that Akamai publishes with its Terraform provider, in both versions of it.
"""

from __future__ import annotations

CERTIFICATE = """
CERTIFICATE_ALREADY_LOADED
  There is a problem deploying the certificate. Please contact your Akamai support team to resolve the issue.
  There is a problem deploying the '<key>' certificate. Please contact your Akamai support team to resolve the issue.
CERTIFICATE_DATA_BLANK_OR_MISSING
  Certificate data is blank or missing.
CERTIFICATE_DATA_EXCEEDS_MAXIMUM
  Number of entries in certificate exceeds the maximum allowed.
  <data> contains <size> entries and that exceeds the maximum of <maximum>.
CERTIFICATE_EXPIRATION_DATE_BEYOND_MAX_DAYS
  The certificate has a validity period of greater than 397 days.
  The certificate has a validity period of greater than 397 days. This certificate will not be accepted by all major \
browsers for SSL/TLS connections. Please work with your Certificate Authority to reissue the certificate with an \
acceptable lifetime.
  The '<key>' certificate is set to expire in [<years>] years, [<months>] months. The certificate has a validity \
period of greater than 397 days. This certificate will not be accepted by all major browsers for SSL/TLS connections. \
Please work with your Certificate Authority to reissue the certificate with an acceptable lifetime.
CERTIFICATE_EXPIRATION_DATE_BEYOND_RANGE
  This certificate is set to expire in more than 3 years. Akamai recommends validity of 3 years or less.
  This certificate is set to expire in [<years>] years, [<months>] months. Akamai recommends validity of 3 years or \
less.
CERTIFICATE_EXPIRATION_DATE_IN_NEAR_FUTURE
  This certificate will expire in the near future.
  The '<key>' certificate will expire in the near future.
CERTIFICATE_EXPIRATION_DATE_TOO_LATE
  This certificate expiration date is longer than expected.
  This certificate is set to expire in [<years>] years, [<months>] months. Akamai recommends validity of [<maximum>] \
years or less.
CERTIFICATE_EXPIRATION_TOO_SHORT
  This certificate has a short lifetime.
  This certificate has a short lifetime and will expire soon.
  The '<key>' certificate has a short lifetime and will expire within the next <days> days.
CERTIFICATE_EXPIRED
  This certificate has already expired.
CERTIFICATE_HAS_NULL_ISSUER
  Certificate has a null issuer
CERTIFICATE_HAS_NULL_SERIAL_NUMBER
  Certificate has a null serial number
CERTIFICATE_MISSING_CN_FROM_SAN_LIST
  The Common Name (CN) is missing from the SAN list.
CERTIFICATE_NOT_PEM_FORMAT
  This certificate format is not supported. The supported format for certificates and trust chains is PEM (base64).
CERTIFICATE_NOT_YET_VALID
  The certificate is not yet valid.
  Certificate not yet valid; issuer [<issuer>] serial number [<serial>]: [<cause>].
CERTIFICATE_NULL_OR_EMPTY
  Null or empty certificate.
  Null or empty [<certificate>] Certificate.
CERTIFICATE_PARSING_ERROR
  Error parsing certificate.
  Error parsing certificate: [<certificate>]. Cause: [<cause>].
CERTIFICATE_SELF_SIGNED
  The Issuer and Subject of the end-entity certificate are identical. This is not allowed.
CERTIFICATE_SERIAL_NUMBER_ON_ANDROID_BLACK_LIST
  This certificate may get "Invalid CA" errors on some Android devices, due to serial number issues.
  The '<key>' certificate may get "Invalid CA" errors on some Android devices, due to serial number issues.
CERTIFICATE_SIGNATURE_MISMATCH
  Certificate signed with add different signature algorithm than requested.
  Requested certificate signed with <requested> signature algorithm, but got <known> (<actual>).
CERTIFICATE_TRUST_CHAIN_MISSING
  Certificate and/or Trust Chain data is missing.
INVALID_CERTIFICATE
  There is a problem processing the certificate. Please contact your Akamai support team to resolve the issue.
X509_CERTIFICATE_INVALID_SIGNATURE
  Really shouldn't happen, x509Certificates with invalid signatures
"""

# CPS itself writes "certificat" in two of them.
KEY_STORE = """
CERTIFICATE_NOT_ACTIVE_IN_KMI
  The new certificate is not active in KMI.
CERTIFICATE_KMI_DATA_MISSING
  No KMI data is available for the new certificate.
CERTIFICATE_KMI_DATA_INCOMPLETE
  The KMI data is not complete for the new certificate.
CERTIFICATE_KMI_DATA_EXPIRED
  The KMI entry for the new certificate expired.
  The KMI entry for the new certificate expired <days> day(s) ago.
CERTIFICATE_KMI_DATA_EXPIRES_SOON
  The KMI entry for the new certificat will expire soon.
  The KMI entry for the new certificate will expire soon.
  The KMI entry for the new certificat will expire in <days> day(s).
  The KMI entry for the new certificate will expire in <days> day(s).
CERTIFICATE_KMI_DATA_EXPIRES_TODAY
  The KMI entry for the new certificate will expire today.
CERTIFICATE_KMI_DATA_SCHEDULED_FOR_DELETION
  The KMI entry was scheduled for deletion.
  The KMI entry was scheduled for deletion <days> day(s) ago.
CERTIFICATE_KMI_DATA_WILL_BE_DELETED_SOON
  The KMI entry for the new certificat will be deleted soon.
  The KMI entry for the new certificate will be deleted soon.
  The KMI entry for the new certificat will be deleted in <days> day(s).
  The KMI entry for the new certificate will be deleted in <days> day(s).
CERTIFICATE_KMI_DATA_WILL_BE_DELETED_TODAY
  The KMI entry for the new certificate will be deleted today.
"""

CSR = """
CSR_EXPIRED
  The key for this certificate has expired. You need to create and submit a new certificate.
  The key for '<key>' certificate has expired. You need to create and submit a new certificate.
CSR_PARSING_ERROR
  Error parsing CSR.
INVALID_CSR
  There is a problem processing the CSR. Please contact your Akamai support team to resolve the issue.
CSR_VS_CERTIFICATE_KEY_MISMATCH
  This certificate was not generated from the CSR that Akamai generated.
  '<key>' certificate was not generated from the CSR that Akamai generated.
CSR_VS_CERTIFICATE_CN_MISMATCH
  The Common Name (CN) on this certificate does not match the CSR.
  The Common Name (CN) on '<key>' certificate [<name>] does not match the CSR [<name>].
CSR_VS_CERTIFICATE_CN_CASE_MISMATCH
  The case of the Common Name (CN) on the certificate does not match the CN on the CSR.
  The case of the Common Name (CN) on the '<key>' certificate [<name>] does not match the CN on the CSR [<name>].
CSR_VS_CERTIFICATE_CN_MISSING
  The Common Names (CN) for both certificate and CSR must be non-null and non-empty.
  The Common Names (CN) for '<key>' certificate and CSR must be non-null and non-empty. Certificate CN: [<name>], CSR \
CN: [<name>].
CSR_VS_CERTIFICATE_SAN_CASE_MISMATCH
  A SAN name differs in case on the certificate.
  <name> [<name>] differs in case on the '<key>' certificate.
CSR_VS_CERTIFICATE_MISSING_SAN_FROM_SAN_LIST_IN_CERTIFICATE
  A SAN name is missing from the certificate.
  SAN name [<name>] is missing from the certificate.
CSR_VS_CERTIFICATE_ADDITIONAL_SAN_IN_SAN_LIST_IN_CERTIFICATE
  A SAN name was added to the certificate.
  SAN name [<name>] was added to the certificate.
CSR_VS_CERTIFICATE_BOTH_SUBJECT_FIELDS_ARE_NULL_OR_EMPTY
  Both expected and found values are empty. They cannot be null or empty at the same time.
  Both expected: <value> and found: <value> values are empty. They cannot be nullOrEmpty at the same time.
CSR_VS_CERTIFICATE_SUBJECT_FIELD_CASE_MISMATCH
  A subject field differs in case between the CSR and the certificate.
  Case mismatch for <field>. Expected(in CSR): <value>, found(in '<key>' certificate): <value>
CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH
  A subject field differs between the CSR and the certificate.
  Value for [<field>] differs between the CSR and the '<key>' certificate: [<value>] vs [<value>].
CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH_MISSING_IN_CERTIFICATE
  A subject field is missing from the certificate.
  Value for [<field>] differs between the CSR and the '<key>' certificate: [<value>] vs missing.
CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH_MISSING_IN_CSR
  A subject field is missing in the CSR, but is present in the certificate.
  Value for [<field>] differs between the CSR and the '<key>' certificate: missing vs [<value>].
"""

FIELDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "CSR_VS_CERTIFICATE_{field}_FIELD_MISMATCH",
        "CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH",
        (
            "Value for {field} differs between the CSR and the certificate.",
            "Value for {field} differs between the CSR and the certificate: [<value>] vs [<value>].",
        ),
    ),
    (
        "CSR_VS_CERTIFICATE_{field}_FIELD_MISSING_IN_CERTIFICATE",
        "CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH_MISSING_IN_CERTIFICATE",
        (
            "Value for {field} is missing in the certificate.",
            "Value for {field} is missing from the certificate.",
            "Value for {field} is present in the CSR, but missing in the certificate.",
            "Value for {field} differs between the CSR and the certificate: [<value>] vs missing.",
        ),
    ),
    (
        "CSR_VS_CERTIFICATE_{field}_FIELD_ADDITIONAL_IN_CERTIFICATE",
        "CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH_MISSING_IN_CSR",
        (
            "Value for {field} is missing in the CSR but is present in the certificate.",
            "Value for {field} is missing in the CSR, but is present in the certificate.",
            "Value for {field} is missing from the CSR, but is present in the certificate.",
            "Value for {field} differs between the CSR and the certificate: missing vs [<value>].",
        ),
    ),
)
"""By kind of difference in a subject field: the id with a known field, the id without, the wordings.

Each wording comes with "The" in front, too: CPS is not of one mind about it. Where CPS left its own ``%s`` in, the
field is unknown, the kind of difference is not.
"""
