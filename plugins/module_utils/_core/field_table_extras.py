# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of the manual's tables 9 and 10, its attributes, and those only some CAs have (4, 7, 12 to 17).

What a CA takes, requires and offers as choices is the CA's own data, ``request_options``; here stands what is common.
"""

from __future__ import annotations

from . import field_rules as rules
from . import limits, names
from .field_records import (
    ANYTIME,
    AUDIT,
    DRAFT,
    LINES,
    MAP,
    ORDER,
    RECORD,
    REGISTRATION,
    TEXTS,
    Field,
    declared,
)
from .vocabulary import GENERIC_FIELDS

ATTACHMENTS = (
    Field(
        *("attachments[].name", "Name", "9", "E18", "Name of the attachment, unique for the certificate"),
        checked_by="attachments.read",
        limit=limits.MAX_TEXT,
        rule=rules.attachment_name_reason,
        says=f"characters that can be seen, no blank at either end; at most {limits.MAX_FILES} attachments",
        mandatory="for each attachment",
        changes=ANYTIME,
        variable="attachment_name",
    ),
    Field(
        *("attachments[].comments", "Comments", "9", "E18", "Comments on the attachment"),
        checked_by="attachments.read",
        kind=LINES,
        limit=limits.MAX_LINES,
        changes=ANYTIME,
        variable="attachment_comments",
    ),
    Field(
        *("attachments[].path", "Upload File", "9", "E18", "File to read where the module runs"),
        checked_by="attachments.read",
        limit=limits.MAX_BYTES,
        unit="bytes",
        says="a regular file; give this or ``content``",
        mandatory="unless ``content`` is given, or the attachment is to be absent",
        changes=ANYTIME,
        variable="attachment_path",
    ),
    Field(
        *("attachments[].content", "Upload File, as text", "9", "E18", "Content as text, kept as UTF-8"),
        checked_by="attachments.read",
        kind=LINES,
        limit=limits.MAX_BYTES,
        unit="bytes",
        says="give this or ``path``",
        changes=ANYTIME,
        variable="attachment_content",
    ),
)

ATTRIBUTES = (
    Field(
        *("attributes", "Certificate Attributes", "7+", "E19"),
        meaning="Free attributes, in no certificate, to filter and group by",
        kind=MAP,
        limit=limits.MAX_ATTRIBUTES,
        unit="members",
        whole=rules.attribute_problems,
        says=(
            f"names of at most {limits.MAX_ATTRIBUTE_NAME} letters, digits, ``_``, ``.``, ``-``, none as of a secret; "
            f"values of at most {limits.MAX_ATTRIBUTE} characters, one line; no private key"
        ),
        changes=ANYTIME,
        variable="attributes",
    ),
)

_WITH_RA = ("holder_email", "first_name", "last_name", "organization", "comment", "uuid")
_GENERIC = {
    "device_name": ("Device Name", "Name of the device that the certificate is for"),
    "application_ip": ("Application IP Address", "IP address of the application"),
    "tracking_id": ("Tracking ID", "Id of a ticket or an order elsewhere"),
    "holder_email": ("Certificate holder Email", "E-mail address that the RA notifies"),
    "first_name": ("First name", "First name of the holder"),
    "last_name": ("Last name", "Last name of the holder"),
    "organization": ("Organization", "Organization of the holder"),
    "comment": ("Comment", "Comment for the RA"),
    "uuid": ("UUID", "UUID for the RA"),
}
_RULES = {"application_ip": rules.ip_address, "holder_email": rules.email_address, "uuid": rules.uuid_reason}
_LIMITS = {"comment": limits.MAX_LINES, "holder_email": names.MAX_EMAIL, "uuid": 36, "application_ip": 45}
_NOTE = "; a CA without a registration authority gets none of it, and it is a note on the request"
_SAYS = {
    **{"application_ip": "IPv4 or IPv6, no network", "holder_email": "RFC 5321 without quoted parts, ASCII"},
    **{"uuid": "RFC 9562", "comment": "may have several lines", "tracking_id": "one line; in each line of the audit"},
}

GENERIC = tuple(
    Field(
        *(f"generic.{name}", _GENERIC[name][0], "10", "E20", _GENERIC[name][1]),
        kind=LINES if name == "comment" else "text",
        limit=_LIMITS.get(name, limits.MAX_TEXT),
        rule=_RULES.get(name),
        says=_SAYS.get(name, "one line") + (_NOTE if name in _WITH_RA and name != "uuid" else ""),
        offer=REGISTRATION if name == "uuid" else None,
        goes_to=(RECORD, AUDIT) if name == "tracking_id" else (ORDER, RECORD) if name in _WITH_RA else (RECORD,),
        changes=ANYTIME,
        variable="tracking_id" if name == "tracking_id" else f"generic_{name}",
    )
    for name in GENERIC_FIELDS
)

_OF_CA = (
    ("certificate_type", "Certificate Type", "4", "E5", "Product, policy or template of the CA"),
    ("division", "Division", "4", "E5", "Division of the account"),
    ("certificate_profile", "Certificate Profile, Certificate Profile Name", "4, 7", "E5, E11", "Profile of the CA"),
    ("ra_workflow", "RA Workflow", "4", "E5", "Workflow of the registration authority"),
    ("issuer_location", "Issuer Location", "4", "E5", "Location of the issuing CA"),
    ("issuer_name", "Issuer Name", "4", "E5", "Pool or name of the issuing CA"),
    ("end_entity_profile", "End Entity Profile Name", "7", "E11", "End entity profile"),
    ("end_entity_username", "End entity user name", "7", "E11", "Name of the end entity"),
    ("issuer_common_name", "Issuer Common Name", "7", "E11", "CA that issues"),
    ("server_type", "Server Type", "12, 13", "E22", "Kind of server that the certificate is for"),
    ("business_unit", "Business Unit", "12", "E22", "Business unit that asks for it"),
    ("organization_contact", "Organization Contact", "12", "E22", "E-mail address of the contact"),
    ("phone", "Phone Number", "12", "E22", "Telephone number of the contact"),
    ("dcv_type", "Domain Control Validation Type", "12", "E22", "How control of the names is proved"),
    ("dcv_emails", "Domain Control Validation Email", "", "E22", "Addresses that may agree for their domains"),
    ("payment_method", "Payment Method", "13", "E22", "What the order is charged to"),
    ("additional_emails", "Additional Email", "13", "E22", "Addresses that are told of renewals and reissues"),
    ("renewal_message", "Renewal Message", "13", "E22", "Message sent with renewal notices"),
    ("notes", "Notes", "13", "E22", "Note sent with the order"),
    ("organization_id", "Organization", "", "E22", "Organization that the CA has validated, and the order is for"),
    ("order_years", "Order Validity", "", "E22", "Years that an order lasts, with several certificates in it"),
    ("seat_id", "Seat ID", "14", "E22", "Seat that the certificate is assigned to"),
    ("profile_name", "Profile name", "15", "E22", "Profile at the CA's portal"),
    ("expiry_emails", "Expiry Emails", "16", "E22", "Addresses that are told of the expiry"),
    ("procedure", "Procedures", "17", "E22", "Procedure of the CA"),
)
_CA_RULES = {
    "organization_contact": (rules.email_address, "an e-mail address"),
    "phone": (rules.dialled_reason, "``+<country code>-<number>``"),
    "dcv_emails": (rules.email_address, "e-mail addresses, each for the names at and below its domain"),
    "additional_emails": (rules.email_address, "e-mail addresses"),
    "expiry_emails": (rules.email_address, "e-mail addresses; not changed by a renewal"),
}

OF_CA = tuple(
    Field(
        *(f"ca_options.{name}", label, table, requirement, meaning),
        kind=TEXTS if name.endswith("emails") else "text",
        rule=_CA_RULES.get(name, (None, ""))[0],
        says=_CA_RULES.get(name, (None, "what the CA offers or takes"))[1],
        mandatory="where the CA's ``request_options`` say so",
        offer=declared(name),
        goes_to=(ORDER, RECORD),
        changes=DRAFT,
    )
    for name, label, table, requirement, meaning in _OF_CA
)

ROWS = (*ATTACHMENTS, *ATTRIBUTES, *GENERIC, *OF_CA)
