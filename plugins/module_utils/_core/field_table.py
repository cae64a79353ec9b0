# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of the manual's tables 4 to 6 and 11: which CA, which source, where the key is made, which id."""

from __future__ import annotations

from . import field_rules as rules
from . import limits, vocabulary
from .field_records import (
    ANYTIME,
    AUDIT,
    CHOICE,
    CSR,
    DRAFT,
    EDIT,
    FLAG,
    GROUP,
    LINES,
    NEVER,
    NO_CSR,
    NUMBER,
    ORDER,
    PLACE,
    RECORD,
    SETTINGS,
    SOURCES,
    Field,
)
from .vocabulary import ADC, CA_MADE, ENDPOINT, HSM, LOCAL, UPLOAD

MIN_DAYS, MAX_DAYS = 1, 120
DESCRIPTION_LIMIT = 2000
_AT_CPS = "it says where CPS makes the key, and with this source it is made elsewhere"
_NOT_HERE = dict.fromkeys((LOCAL, UPLOAD, HSM, ADC, CA_MADE), _AT_CPS)
_HANDED_IN = "only with csr_source upload a CSR is handed in"
_WHY_NO_UPLOAD = dict.fromkeys((ENDPOINT, LOCAL, HSM, ADC, CA_MADE), _HANDED_IN)


def _why_not(kind: str) -> dict[str, str]:
    why = f"it names a key device, and goes with csr_source {kind} alone"
    return {source: why for source in SOURCES if source != kind}


CA_DETAILS = (
    Field(
        *("group", "Assign Group", "4", "E1", "Group whose policy fills, restricts and has approved"),
        default="``default``",
        goes_to=(RECORD, AUDIT),
        changes=ANYTIME,
        variable="group",
    ),
    Field(
        *("ca", "Certificate Authority, CA Account", "4", "E2", "CA account that signs"),
        mandatory="unless the group allows one only",
        default_from=GROUP,
        goes_to=(ORDER, RECORD),
        changes=DRAFT,
        variable="ca",
    ),
    Field(
        *("auto_renew.enabled", "Renew Automatically", "4", "E3", "Whether to renew by itself before it expires"),
        kind=FLAG,
        changes=ANYTIME,
        variable="auto_renew",
    ),
    Field(
        *("auto_renew.days_before", "Start Renewing", "4", "E3", "Days before expiry at which renewing begins"),
        kind=NUMBER,
        checked_by="renewal.problems",
        least=MIN_DAYS,
        limit=MAX_DAYS,
        says="fewer than the certificate's life",
        default="a third of the life, half of one under ten days",
        changes=ANYTIME,
        variable="auto_renew_days",
    ),
    Field(
        *("auto_regenerate.enabled", "Regenerate Automatically", "4", "E4", "Whether to do so with a new key"),
        kind=FLAG,
        changes=ANYTIME,
        variable="auto_regenerate",
    ),
    Field(
        *("auto_regenerate.days_before", "Start Regenerating", "4", "E4"),
        meaning="Days before expiry at which regenerating begins",
        kind=NUMBER,
        checked_by="renewal.problems",
        least=MIN_DAYS,
        limit=MAX_DAYS,
        says="may exceed the life of a short-lived certificate",
        default="a third of the life, half of one under ten days",
        changes=ANYTIME,
        variable="auto_regenerate_days",
    ),
    Field(
        *("auto_regenerate.force_local_csr", "CSR generation forced", "4", "E4"),
        meaning="Whether each regeneration makes key and CSR here, wherever the last ones were made",
        kind=FLAG,
        sources=(LOCAL, UPLOAD, HSM, ADC),
        whys={
            ENDPOINT: "CPS takes certificates only for keys it made itself, so one for a key made here could never be "
            "pushed",
            **NO_CSR,
        },
        changes=ANYTIME,
        variable="force_local_csr",
    ),
    Field(
        *("ca_connector_name", "Connector Name", "4", "E5", "Name of the CA connector in the holistic view"),
        limit=limits.MAX_TEXT,
        says="one line",
        default="the CA account's name",
        changes=ANYTIME,
        variable="ca_connector_name",
    ),
    Field(
        *("description", "Description", "4", "E5", "Description of the certificate"),
        kind=LINES,
        limit=DESCRIPTION_LIMIT,
        changes=ANYTIME,
        variable="description",
    ),
    Field(
        *("csr_source", "CSR Generation", "4", "E6–E9", "Where key and CSR are made"),
        kind=CHOICE,
        choices=vocabulary.CSR_SOURCES,
        says="one the CA is used with (``capabilities.csr_sources``)",
        default="``endpoint``",
        default_from=GROUP,
        changes=DRAFT,
        variable="csr_source",
    ),
)

_KEY_NAME = "letters, digits, ``.``, ``_`` and ``-``, the first a letter or digit"

KEY_PLACES = (
    Field(
        *("csr", "Upload CSR", "4", "E7", "The CSR, PEM, or base64 of DER"),
        kind=LINES,
        limit=65536,
        says="signed by the key it names, with a strong hash; the key strong enough",
        mandatory="with ``csr_source: upload``, unless ``csr_path`` is given",
        sources=(UPLOAD,),
        whys=_WHY_NO_UPLOAD,
        goes_to=(ORDER, RECORD),
        changes=DRAFT,
        variable="csr",
    ),
    Field(
        *("csr_path", "Upload CSR, file", "4", "E7", "File with the CSR, PEM or DER, where the module runs"),
        sources=(UPLOAD,),
        whys=_WHY_NO_UPLOAD,
        goes_to=(ORDER, RECORD),
        changes=DRAFT,
        variable="csr_path",
    ),
    Field(
        *("hsm.device", "Devices (Device Type HSM)", "5", "E8", "Key device that makes key and CSR"),
        mandatory="with ``csr_source: hsm``",
        sources=(HSM,),
        whys=_why_not(HSM),
        variable="hsm_device",
    ),
    Field(
        *("hsm.key_handler", "Key Handler Name", "5", "E8", "Label of the key in the token"),
        limit=limits.MAX_KEY_NAME,
        rule=rules.key_name_reason,
        says=f"{_KEY_NAME}; with ``hsm.reuse`` any label of a key that is there",
        loosened=("hsm.reuse", rules.label_reason),
        mandatory="with ``csr_source: hsm``",
        sources=(HSM,),
        whys=_why_not(HSM),
        variable="hsm_key_handler",
    ),
    Field(
        *("hsm.reuse", "Key used again", "5", "E8", "Whether a new CSR is made with the key that is there"),
        kind=FLAG,
        sources=(HSM,),
        whys=_why_not(HSM),
        default="``false``",
        variable="hsm_reuse",
    ),
    Field(
        *("adc.device", "Vendors, Devices (Device Type ADC)", "5", "E8"),
        meaning="Key device that makes key and CSR; its type says the vendor",
        mandatory="with ``csr_source: adc``",
        sources=(ADC,),
        whys=_why_not(ADC),
        variable="adc_device",
    ),
    Field(
        *("adc.key_reference", "Key Reference Name", "5", "E8", "Name of the key on the ADC"),
        limit=limits.MAX_KEY_REFERENCE,
        rule=rules.key_name_reason,
        says=f"{_KEY_NAME}; a device may take fewer characters",
        mandatory="with ``csr_source: adc``",
        sources=(ADC,),
        whys=_why_not(ADC),
        variable="adc_key_reference",
    ),
    Field(
        *("adc.reuse", "Key used again", "5", "E8", "Whether a new CSR is made with the key that is there"),
        kind=FLAG,
        sources=(ADC,),
        whys=_why_not(ADC),
        default="``false``",
        variable="adc_reuse",
    ),
    Field(
        *("device", "Devices", "6", "E9", "Managed device that the enrollment is made on"),
        mandatory="unless one device only is managed",
        sources=(ENDPOINT,),
        whys=_NOT_HERE,
        default="the only managed device",
        default_from=GROUP,
        goes_to=(PLACE, RECORD),
        changes=NEVER,
        variable="device",
    ),
    Field(
        *("contract_id", "Contract ID", "6", "E9", "Contract to enroll on, with or without ``ctr_``"),
        says="one that the device sees",
        mandatory="unless the settings name one, or the device sees one only",
        sources=(ENDPOINT,),
        whys=_NOT_HERE,
        default_from=SETTINGS,
        goes_to=(PLACE, RECORD),
        changes=NEVER,
        variable="contract",
    ),
    *(
        Field(
            *(option, label, "6", "E9", meaning),
            kind=CHOICE,
            choices=choices,
            says="any case, blanks and underscores count as hyphens; the settings of the combination are saved",
            sources=(ENDPOINT,),
            whys=_NOT_HERE,
            default=f"``{choices[0]}``",
            default_from=GROUP,
            goes_to=(PLACE, RECORD),
            changes=NEVER,
            variable=option,
        )
        for option, label, meaning, choices in (
            ("validation_type", "Validation Type", "CPS's validation type", vocabulary.VALIDATION_TYPES),
            ("secure_network", "Secure Network", "CPS's deployment network", vocabulary.SECURE_NETWORKS),
            (
                *("vendor_certificate_type", "Vendor Certificate Type", "CPS's certificate type"),
                vocabulary.VENDOR_CERTIFICATE_TYPES,
            ),
        )
    ),
    Field(
        *("exclude_sans", "SANs left out of the CSR", "", "E9"),
        meaning="Whether CPS leaves the subject alternative names out of its CSR",
        kind=FLAG,
        sources=(ENDPOINT,),
        whys=_NOT_HERE,
        default="``false``",
        goes_to=(PLACE, RECORD),
        variable="exclude_sans",
    ),
    Field(
        *("allow_duplicate", "Another enrollment of the name", "", "E9"),
        meaning="Whether CPS may have another enrollment of the same common name",
        kind=FLAG,
        sources=(ENDPOINT,),
        whys=_NOT_HERE,
        default="``false``",
        goes_to=(PLACE, RECORD),
        variable="allow_duplicate",
    ),
    Field(
        *("dual_stack", "RSA and ECDSA together", "", "E10", "Whether to have an RSA and an ECDSA certificate"),
        kind=FLAG,
        sources=(ENDPOINT, LOCAL, HSM, ADC),
        whys={UPLOAD: "one CSR has one key", CA_MADE: "the CA makes one key for an order"},
        default="``false``",
        default_from=GROUP,
        goes_to=(CSR, RECORD),
        changes=EDIT,
        variable="dual_stack",
    ),
    Field(
        *("reuse_key", "Key used again", "", "E4", "Whether a renewal has the key, and the CSR, of before"),
        kind=FLAG,
        sources=(LOCAL, UPLOAD),
        whys={
            ENDPOINT: "CPS makes a new key each time",
            **dict.fromkeys((HSM, ADC), "with hsm and adc their member reuse says it"),
            CA_MADE: "the CA makes a new key each time",
        },
        default="``false``",
        variable="reuse_key",
    ),
    Field(
        *("allow_missing", "One of two may do", "", "E10", "Whether one certificate of a dual stack alone may do"),
        kind=FLAG,
        says="goes with ``dual_stack: true``",
        sources=(ENDPOINT, LOCAL, HSM, ADC),
        whys={UPLOAD: "one CSR has one key", CA_MADE: "the CA makes one key for an order"},
        default="``false``",
        changes=ANYTIME,
        variable="allow_missing",
    ),
)

IDENTITY = (
    Field(
        *("certificate", "Certificate ID", "11", "E21", "Key of the certificate in the inventory"),
        limit=limits.MAX_TEXT,
        rule=rules.id_reason,
        says="characters that can be seen, no blank at either end",
        default="the common name",
        goes_to=(RECORD, AUDIT),
        changes=NEVER,
        variable="certificate",
    ),
    Field(
        *("comment", "Comment on submitting", "", "E24", "Comment on the request"),
        kind=LINES,
        goes_to=(RECORD, AUDIT),
        changes=DRAFT,
        variable="comment",
    ),
)

ROWS = (*IDENTITY[:1], *CA_DETAILS, *KEY_PLACES, *IDENTITY[1:])
