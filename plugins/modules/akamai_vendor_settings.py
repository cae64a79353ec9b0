#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Save and remove the vendor settings of one combination: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: akamai_vendor_settings
short_description: Save organization, contacts and network defaults of Akamai CPS enrollments
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Saves what CPS wants to know for every enrollment of one combination of validation type, secure network and vendor
    certificate type. One set is kept for each combination.
  - Enrolling with the endpoint as CSR source is refused until the settings of its combination exist.
  - An option left out keeps what is stored; an empty text or list clears it.
  - Everything is checked before anything is saved, and all problems are reported at once. Nothing is sent to Akamai.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
  - edgecert.clm._network_settings.new
options:
  state:
    description:
      - Whether the settings of the combination are to be there.
    type: str
    choices: [present, absent]
    default: present
  validation_type:
    description:
      - CPS's validation type, one of V(third-party), V(dv), V(ov), V(ev). Spellings like V(Third-party) are accepted.
    type: str
    default: third-party
  secure_network:
    description:
      - The network that serves the certificate, V(standard-tls) or V(enhanced-tls). Spellings like V(Standard TLS)
        are accepted.
    type: str
    default: standard-tls
  vendor_certificate_type:
    description:
      - CPS's certificate type, one of V(third-party), V(san), V(single), V(wildcard), V(wildcard-san).
      - The validation type says which are possible, V(third-party) for V(third-party).
    type: str
    default: third-party
  organization:
    description:
      - The organization that the certificates are for. Every member but O(organization.address_line_two) is
        mandatory when the settings are saved first.
    type: dict
    suboptions:
      name:
        description: Legal name.
        type: str
      address:
        description: Street and number.
        type: str
      address_line_two:
        description: Second line of the address.
        type: str
      country:
        description: Country code of two letters, ISO 3166-1 alpha-2.
        type: str
      city:
        description: City.
        type: str
      state:
        description: State or province.
        type: str
      postal_code:
        description: Postal code.
        type: str
      phone:
        description: Phone number.
        type: str
  admin_contact:
    description:
      - Who answers for the certificates in the organization. Every member is mandatory when the settings are saved
        first.
    type: dict
    suboptions: &contact
      first_name:
        description: First name.
        type: str
      last_name:
        description: Last name.
        type: str
      phone:
        description: Phone number.
        type: str
      email:
        description: Email address.
        type: str
  tech_contact:
    description:
      - The technical contact. CPS wants an Akamai employee here for some enrollments; the module says so when the
        address is not one of C(@akamai.com). Every member is mandatory when the settings are saved first.
    type: dict
    suboptions: *contact
  contract_id:
    description:
      - Contract to enroll on when the enrollment names none, with or without the C(ctr_) prefix.
    type: str
  change_management:
    description:
      - Whether a new certificate stops on the staging network until it is acknowledged.
      - New settings get V(true). Pushing to staging only needs it.
    type: bool
seealso:
  - module: edgecert.clm.cert_enroll
"""

EXAMPLES = r"""
- name: Save the settings of third-party certificates on Standard TLS
  edgecert.clm.akamai_vendor_settings:
    validation_type: Third-party
    secure_network: Standard TLS
    vendor_certificate_type: Third-party
    organization:
      name: Example Ltd.
      address: 1 Example Street
      country: GB
      city: London
      state: London
      postal_code: EC1A 1AA
      phone: "+44 20 7946 0000"
    admin_contact:
      first_name: Ada
      last_name: Example
      phone: "+44 20 7946 0001"
      email: ada@example.com
    tech_contact:
      first_name: Tom
      last_name: Technical
      phone: "+1 617 444 3000"
      email: tom@akamai.com
    network:
      sni_only: true
      geography: core

- name: Change the phone number of the administrative contact
  edgecert.clm.akamai_vendor_settings:
    admin_contact:
      phone: "+44 20 7946 0002"

- name: Remove the settings
  edgecert.clm.akamai_vendor_settings:
    state: absent
"""

RETURN = r"""
vendor_settings:
  description: The settings as stored, or as they would be in check mode; null once removed.
  returned: success
  type: dict
  sample:
    validation_type: third-party
    secure_network: standard-tls
    vendor_certificate_type: third-party
    organization: {name: Example Ltd., address: 1 Example Street, country: GB, city: London}
    admin_contact: {first_name: Ada, last_name: Example, phone: "+44 20 7946 0001", email: ada@example.com}
    tech_contact: {first_name: Tom, last_name: Technical, phone: "+1 617 444 3000", email: tom@akamai.com}
    contract_id: ""
    change_management: true
    network: {sni_only: true, geography: core}
    created_at: "2026-11-23T12:00:00Z"
    updated_at: "2026-11-23T12:00:00Z"
warnings_found:
  description: What CPS may refuse later, a sentence each.
  returned: when O(state=present)
  type: list
  elements: str
  sample: []
steps:
  description: What was changed, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["Save the vendor settings of third-party, standard-tls, third-party"]
failure:
  description: The failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample:
    code: invalid_input
    details: {problems: ["organization.city is missing (S2)"]}
    request_id:
    retryable: false
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.settings import plan
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import (
    SECURE_NETWORKS,
    VALIDATION_TYPES,
    VENDOR_CERTIFICATE_TYPES,
)
from ansible_collections.edgecert.clm.plugins.module_utils._glue.options import NEW_NETWORK
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import run_module

_TEXT = {"type": "str"}
_CONTACT = dict.fromkeys(("first_name", "last_name", "phone", "email"), _TEXT)
_ORGANIZATION = ("name", "address", "address_line_two", "country", "city", "state", "postal_code", "phone")

SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "validation_type": {"type": "str", "default": VALIDATION_TYPES[0]},
    "secure_network": {"type": "str", "default": SECURE_NETWORKS[0]},
    "vendor_certificate_type": {"type": "str", "default": VENDOR_CERTIFICATE_TYPES[0]},
    "organization": {"type": "dict", "options": dict.fromkeys(_ORGANIZATION, _TEXT)},
    "admin_contact": {"type": "dict", "options": _CONTACT},
    "tech_contact": {"type": "dict", "options": _CONTACT},
    "contract_id": {"type": "str"},
    "change_management": {"type": "bool"},
    "network": NEW_NETWORK,
}


def main() -> None:
    """Run the module."""
    run_module(SPEC, plan, "vendor_settings")


if __name__ == "__main__":
    main()
