#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrol a certificate: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_enroll
short_description: Enroll a certificate
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Requests a certificate, or goes on with a request where it stands. Key and CSR are made where O(csr_source) says,
    by default by Akamai CPS in a new enrollment; the CA account signs, and the certificate is fetched into the store.
  - Each call does all that can be done now and returns the state reached. When it waits for CPS or the CA, call it
    again later with the same options, or use O(wait).
  - Everything that can be checked is checked before anything is sent, and all problems are reported at once.
  - A request is opened once. After a crash or a lost answer the next call looks for what is there and adopts it.
  - Called again for a certificate that is issued with the same options, it changes nothing; with other options it is
    refused, unless O(action) says that they are edits.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
  - edgecert.clm._implementation
  - edgecert.clm._warnings
  - edgecert.clm._csr
  - edgecert.clm._key_sources
  - edgecert.clm._form_extras
  - edgecert.clm._renewals
options:
  certificate:
    description:
      - Id of the certificate, its key in the inventory. The default is the common name; an empty text means the
        common name and the time.
      - At most 255 characters that can be seen, without a blank at either end.
    type: str
  group:
    description:
      - Group whose policy holds, as added with M(edgecert.clm.cert_group). A new certificate gets V(default).
      - What is issued already is moved to the group that is named.
    type: str
  submit:
    description:
      - Whether to submit the request. With V(false) it is kept as a draft, of which everything may change until it is
        submitted.
    type: bool
    default: true
  ca:
    description:
      - CA account that signs, as added with M(edgecert.clm.ca_account). A new request needs it, unless its group allows
        one only.
    type: str
  ca_options:
    description:
      - Options of the request that this CA takes; RV(edgecert.clm.ca_account#module:ca_account.capabilities) names
        them.
    type: dict
  comment:
    description: Comment on the request, kept with it and in the audit.
    type: str
  wait:
    description: Whether to wait for CPS and the CA, until the CA asks for something to be published.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait at most. When they are over, the call returns the state reached and does not fail.
    type: int
    default: 900
seealso:
  - module: edgecert.clm.ca_account
  - module: edgecert.clm.akamai_vendor_settings
  - module: edgecert.clm.cert_push
"""

EXAMPLES = r"""
- name: Enroll a certificate with key and CSR made by CPS
  edgecert.clm.cert_enroll:
    common_name: www.example.com
    subject_alternative_names:
      dns:
        - example.com
        - api.example.com
    ca: own-ca
    device: cps-main
    validity:
      count: 90
      unit: days
    comment: first certificate
    wait: true
    wait_timeout: 900
  register: enrolled

- name: Keep a ticket, attributes and the signed order with it
  edgecert.clm.cert_enroll:
    common_name: www.example.com
    ca: own-ca
    attributes:
      team: edge
      cost_center: 4711
    generic:
      tracking_id: CHG-1042
      holder_email: ada@example.com
    attachments:
      - name: order.txt
        comments: signed by both
        content: One certificate for www.example.com, as agreed.
    auto_renew:
      enabled: true
      days_before: 30

- name: Enroll with a key made here, sealed in the store
  edgecert.clm.cert_enroll:
    common_name: app.example.com
    csr_source: local
    key_type: ec
    curve: secp384r1
    organization: Example AG
    ca: own-ca

- name: See what another name, and one less, would cost; without submit and check_mode it is done once nothing is open
  edgecert.clm.cert_enroll:
    certificate: www.example.com
    action: regenerate
    subject_alternative_names:
      dns: [example.com, shop.example.com]
    submit: false
  check_mode: true
  register: edited

- name: Show what comes of it
  ansible.builtin.debug:
    var: edited.prediction
"""

RETURN = r"""
request:
  description: The request as it stands, or would stand in check mode.
  returned: success
  type: dict
  sample:
    request_id: req-0a1b2c3d4e5f
    certificate: www.example.com
    action: enroll
    state: issued
    label: Completed
    reason: ""
    message: ""
    ca: own-ca
    ca_options: {}
    csr_source: endpoint
    device: cps-main
    enrollment_id: 10001
    change_id: 20001
    wish: {common_name: www.example.com, key_type: rsa}
    csrs: {RSA: "-----BEGIN CERTIFICATE REQUEST-----..."}
    ca_handles: {RSA: {}}
    ca_progress: {RSA: {state: issued, vendor_state: "", message: "", actions: [], differences: []}}
    actions: []
    fingerprints: {RSA: 5f0c...}
    missing: []
    refusals: {}
    conditions: [{type: submitted, at: "2026-11-23T12:00:00Z", actor: ada, comment: first certificate}]
    actor: ada
    next_look_at:
    created_at: "2026-11-23T12:00:00Z"
    updated_at: "2026-11-23T12:02:00Z"
  contains:
    request_id:
      description: Id of the request, given automatically.
      returned: always
      type: str
    state:
      description: >-
        V(draft), V(submitted), V(approved), V(scheduled), V(implementing), V(in_doubt), V(retrieval_in_progress), or
        how it ended, V(issued), V(revoked), V(rejected), V(cancelled), V(failed).
      returned: always
      type: str
    actions:
      description: >-
        What somebody has to do before the CA signs, each with C(kind), C(domain), C(name), C(value), C(url), C(who),
        and C(stays) where what is made must not be taken away afterwards.
      returned: always
      type: list
    message:
      description: What it waits for, or why it failed.
      returned: always
      type: str
    missing:
      description: Key algorithms that were asked for and have no certificate, or none yet.
      returned: always
      type: list
      elements: str
    refusals:
      description: Why there is no certificate, by key algorithm, where CPS made no CSR for it or the CA refused it.
      returned: always
      type: dict
    next_look_at:
      description: Earliest time at which calling again makes sense; null when nothing is waited for.
      returned: always
      type: str
certificate:
  description: The certificate's line of the inventory, with its PEM by key algorithm under C(pem).
  returned: once the certificate is in the inventory
  type: dict
  sample:
    certificate: www.example.com
    common_name: www.example.com
    state: issued
    not_after: "2027-02-21T12:00:00Z"
    days_left: 89
    pem: {RSA: {certificate: "-----BEGIN CERTIFICATE-----...", chain: "...", root: "..."}}
prediction:
  description: >-
    What comes of a renewal or an edit; in check mode, and the same in the run. C(outcome) is V(nothing), V(metadata)
    (changed at CPS at once, without a certificate) or V(new_certificate).
  returned: with O(action=renew) and O(action=regenerate)
  type: dict
  sample:
    outcome: new_certificate
    edits: {names_added: [shop.example.com], names_dropped: [api.example.com], changed: {}}
    from_snapshot: ""
    csrs: [RSA]
    ca_orders: 1
    networks: [staging, production]
    calls: {at_least: 6, at_most: 12, is_exact: false}
    approvals: [{kind: push, group: default, levels: 2, given: 0, distinct_approvers: true, may_not_approve: []}]
    automatic_pushes: {app: staging}
    warnings: [{code: SANS_REMOVED_REQUIRE_ACKNOWLEDGEMENT, when: csr, is_certain: false, decision: blocked, why: ""}]
  contains:
    from_snapshot:
      description: Snapshot whose settings all come back, beside what C(edits) tells; empty for none.
      returned: always
      type: str
    csrs:
      description: Kinds of keys for which CPS still has to make a CSR.
      returned: always
      type: list
      elements: str
    ca_orders:
      description: Orders still to be placed at the CA.
      returned: always
      type: int
    networks:
      description: Networks that serve the present certificate, so that a new one has to be pushed there to be seen.
      returned: always
      type: list
      elements: str
    calls:
      description: API calls of this call, planning included; those repeated after a fault are not.
      returned: always
      type: dict
    warnings:
      description: Warnings of CPS that may come, and what would be decided on each as the lists are now.
      returned: always
      type: list
      elements: dict
names_in_use:
  description: >-
    Where names that are dropped are used, the V(hostnames) of properties that no other name of the certificate stands
    for. V(looked) is false, and a warning given, where the API client may not look.
  returned: when names are dropped
  type: dict
  sample: {names: [api.example.com], looked: true, problem: "", hostnames: []}
not_due:
  description: That and when it becomes due; nothing was done.
  returned: when it was to be renewed or regenerated before its window opens
  type: str
  sample: "www.example.com is due to renew from 2027-01-22T12:00:00Z on; force: true does it now"
notes:
  description: Entries of the contract's list of enrollments that cannot be read and were passed over, a sentence each.
  returned: when a new enrollment is opened beside such
  type: list
  elements: str
calls:
  description: Number of API calls of this call.
  returned: when the API was used
  type: int
steps:
  description: What was done, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
failure:
  description: The failure for programs, with a stable C(code), C(details), Akamai's C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample: {code: vendor_settings_missing, details: {validation_type: third-party}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.attachments import STATES as ATTACHMENT_STATES
from ansible_collections.edgecert.clm.plugins.module_utils._clm.enroll import ACTIONS, plan
from ansible_collections.edgecert.clm.plugins.module_utils._clm.form_csr import SAN_KINDS
from ansible_collections.edgecert.clm.plugins.module_utils._core import vocabulary
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker, ca_type_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import key_provider_maker, target_maker

_TEXT = {"type": "str"}
_TEXTS = {"type": "list", "elements": "str"}
_AUTOMATIC = {"enabled": {"type": "bool"}, "days_before": {"type": "int"}}
_KEY_DEVICE = {"device": _TEXT, "reuse": {"type": "bool"}}
_USAGES = {"type": "list", "elements": "str", "no_log": False}
_NEEDED = {"type": "str", "required": True}
_CUSTOM = {"oid": _NEEDED, "value": _NEEDED, "critical": {"type": "bool", "default": False}}
_EXTENSIONS = {
    "key_usage": _USAGES,
    "extended_key_usage": _USAGES,
    "must_staple": {"type": "bool"},
    "custom": {"type": "list", "elements": "dict", "options": _CUSTOM},
}
_ATTACHMENT = {
    "name": {"type": "str", "required": True},
    "comments": _TEXT,
    "path": {"type": "path"},
    "content": _TEXT,
    "state": {"type": "str", "choices": list(ATTACHMENT_STATES), "default": ATTACHMENT_STATES[0]},
}

SPEC = {
    "certificate": _TEXT,
    "action": {"type": "str", "choices": list(ACTIONS), "default": ACTIONS[0]},
    "reason": {"type": "str", "choices": list(vocabulary.REVOCATION_REASONS)},
    "force": {"type": "bool", "default": False},
    "only_missing": {"type": "bool", "default": False},
    "from_snapshot": _TEXT,
    "take_settings": {"type": "bool", "default": False},
    "allow_names_in_use": {"type": "bool", "default": False},
    "group": _TEXT,
    "submit": {"type": "bool", "default": True},
    "manual_implementation": {"type": "bool"},
    "schedule_at": _TEXT,
    "freeze_override": _TEXT,
    "ca": _TEXT,
    "ca_options": {"type": "dict"},
    "csr_source": {"type": "str", "choices": list(vocabulary.CSR_SOURCES)},
    "device": _TEXT,
    "contract_id": _TEXT,
    "validation_type": _TEXT,
    "secure_network": _TEXT,
    "vendor_certificate_type": _TEXT,
    "common_name": _TEXT,
    "subject_alternative_names": {"type": "dict", "options": dict.fromkeys(SAN_KINDS, _TEXTS)},
    "organization": _TEXT,
    "organizational_unit": _TEXT,
    "locality": _TEXT,
    "state_or_province": _TEXT,
    "country": _TEXT,
    "email": _TEXT,
    "validity": {
        "type": "dict",
        "options": {
            "count": {"type": "int", "required": True},
            "unit": {
                "type": "str",
                "choices": list(vocabulary.VALIDITY_UNITS),
                "default": vocabulary.VALIDITY_UNITS[0],
            },
            "at_most": {"type": "bool"},
        },
    },
    "hash": {"type": "str", "choices": list(vocabulary.HASHES)},
    "key_type": {"type": "str", "choices": list(vocabulary.KEY_TYPES), "no_log": False},
    "key_size": {"type": "int", "no_log": False},
    "curve": _TEXT,
    "dual_stack": {"type": "bool"},
    **dict.fromkeys(("allow_missing", "exclude_sans", "allow_duplicate"), {"type": "bool"}),
    "reuse_key": {"type": "bool", "no_log": False},
    "challenge_password": {"type": "str", "no_log": True},
    "challenge_password_confirm": {"type": "str", "no_log": True},
    "extensions": {"type": "dict", "options": _EXTENSIONS},
    "csr": _TEXT,
    "csr_path": {"type": "path"},
    "hsm": {"type": "dict", "options": {**_KEY_DEVICE, "key_handler": {"type": "str", "no_log": False}}},
    "adc": {"type": "dict", "options": {**_KEY_DEVICE, "key_reference": {"type": "str", "no_log": False}}},
    "ca_connector_name": _TEXT,
    "description": _TEXT,
    "attributes": {"type": "dict"},
    "generic": {"type": "dict", "options": dict.fromkeys(vocabulary.GENERIC_FIELDS, _TEXT)},
    "attachments": {"type": "list", "elements": "dict", "no_log": True, "options": _ATTACHMENT},
    "auto_renew": {"type": "dict", "options": _AUTOMATIC},
    "auto_regenerate": {"type": "dict", "options": {**_AUTOMATIC, "force_local_csr": {"type": "bool"}}},
    "comment": _TEXT,
    "warnings": {"type": "dict", "options": dict.fromkeys(("allow", "ask", "block"), _TEXTS)},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 900},
}


def main() -> None:
    """Run the module."""
    wires = Wires(target=target_maker, key_provider=key_provider_maker, ca=ca_maker, ca_type=ca_type_maker)
    run_module(SPEC, plan, "request", wires)


if __name__ == "__main__":
    main()
