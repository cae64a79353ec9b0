#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a group of certificates and its policy: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_group
short_description: Keep a group of certificates and the policy that holds for it
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Adds, changes and removes a group. Its policy says what certificates of the group may look like, who approves
    enrolments and pushes, and when nothing is implemented.
  - The group V(default) holds for every certificate without a group. It exists without being saved, asks for two
    approvals of a push and none of an enrolment, and allows everything else.
  - The policy is applied before anything is sent, and a refusal names each rule that was broken.
  - Changing a policy changes no request or work order that was submitted already. How each of them is approved stays
    as it was when it was submitted.
  - An option left out keeps what is stored, and so does a member of an option; an empty one clears it. An empty
    dictionary clears all of its members. Lists are replaced whole.
  - What a call decides about a warning goes before O(warnings), except that what the group blocks stays blocked.
  - Nothing is sent to Akamai or to a CA by this module.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
  - edgecert.clm._revocation_checks
  - edgecert.clm._standby
  - edgecert.clm._warnings
options:
  name:
    description: Name of the group.
    type: str
    required: true
  state:
    description:
      - V(absent) removes the group. Refused for V(default), and while a certificate, an open request or an open work
        order belongs to it.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: Description.
    type: str
  defaults:
    description:
      - By option of M(edgecert.clm.cert_enroll), the value it gets where the form leaves it out. An option that the
        form gives empty stays empty.
      - Possible are C(organization), C(organizational_unit), C(locality), C(state_or_province), C(country),
        C(email), C(contract_id), C(validation_type), C(secure_network), C(vendor_certificate_type), C(device),
        C(csr_source), C(hash), C(key_type), C(curve), C(ca_connector_name), C(description), C(key_size),
        C(dual_stack), C(exclude_sans), C(subject_alternative_names) and C(validity), which are written as there.
      - C(subject_alternative_names) and C(validity) are used only where the form leaves them out whole; C(key_size) is
        none for an EC key, and C(curve) none for an RSA key.
      - A default that O(allowed) does not allow is refused.
    type: dict
  allowed:
    description:
      - By option of M(edgecert.clm.cert_enroll), the values it may have, as a list. An option that is not named may
        have any.
      - An entry that begins with C(~) is a regular expression that has to match the whole value, as
        C(~.*\.example\.com). Without it an entry is the value itself; C(*.example.com) is the wildcard name, not a
        pattern.
      - A value that is left out is an empty text. Name C("") to allow that where a rule is about an option that need
        not be given.
      - Possible are those of O(defaults) and C(common_name). In place of C(subject_alternative_names) a rule is about
        one kind, C(subject_alternative_names.dns), C(subject_alternative_names.ip), C(subject_alternative_names.email),
        C(subject_alternative_names.uri), C(subject_alternative_names.other) or C(subject_alternative_names.directory),
        for short C(dns), C(ip) and C(uri); every name has to fit, and the common name is one of the DNS names.
        C(email) is the one in the subject.
      - C(exportable) says whether M(edgecert.clm.cert_export) may let keys out; V(false) forbids it.
      - In place of C(validity) there is C(validity_days_max), a number of days. Months and years count as the most
        days they can have.
      - C(key_size) is about RSA keys and C(curve) about EC keys alone. Left out, they count as what is made then,
        2048 bits and C(secp256r1).
      - Upper and lower case play no part in C(common_name), DNS names, C(country) and C(curve).
    type: dict
  ca_accounts:
    description: CA accounts that may sign, as added with M(edgecert.clm.ca_account). An empty list means every one.
    type: list
    elements: str
  approvals:
    description: How many approvals are needed, and who gives them.
    type: dict
    suboptions:
      enroll:
        description: Approvals of an enrolment, 0 to 5. A new group gets 0.
        type: int
      push:
        description: Approvals of a push, 0 to 5. A new group gets 2.
        type: int
      distinct_approvers:
        description: Whether each approval has to come from somebody else. A new group gets V(true).
        type: bool
      requester_may_approve:
        description: Whether who asked for it may give an approval. A new group gets V(false).
        type: bool
      valid_hours:
        description: Hours after which an approval that was not used is void, 1 to 2160. A new group gets 168.
        type: int
  auto_approve:
    description:
      - Whether the policy itself approves what is submitted, and nobody is asked. A new group gets V(false).
    type: bool
  push_automatically:
    description: Whether a renewed certificate may be pushed without being asked for. A new group gets V(false).
    type: bool
  automatic_network:
    description:
      - How far a push goes that nobody is asked about. With V(production) the certificate is proved on staging, goes on
        to production and is proved there, where the application connector says so, too. A new group gets V(staging).
    type: str
    choices: [staging, production]
  renewal_window:
    description:
      - Days before expiry at which automatic renewal begins, 1 to 120, where the certificate names none.
      - V(0) clears it; automatic renewal then begins by the share of the lifetime that has passed.
    type: int
  expiry_warning_days:
    description: From so many days before expiry a certificate counts as expiring, 0 to 400. A new group gets 30.
    type: int
  proof:
    description:
      - What proves that a network serves what was pushed, without which a push to it, or on from it, is not completed.
      - V(handshake) takes nothing but TLS handshakes with edge servers. A push that names none is refused.
      - V(api) is content with what CPS reports as deployed. Edge servers that the push names are asked all the same;
        what they do not prove is kept with the evidence, and completes the push.
      - Without a rule, which an empty text brings back, edge servers that a push names have to prove it, and without
        any what CPS reports is the evidence.
    type: dict
    suboptions:
      staging:
        description: V(handshake) or V(api), of staging.
        type: str
      production:
        description: V(handshake) or V(api), of production.
        type: str
  freeze_windows:
    description:
      - Times in which nothing is implemented, unless a reason is given.
      - A window has either O(freeze_windows[].starts_at) and O(freeze_windows[].ends_at), or comes every week with
        O(freeze_windows[].weekdays), O(freeze_windows[].from) and O(freeze_windows[].until).
      - Where clocks are changed, a window begins when the clock first shows its beginning, or passes it, and ends when
        it shows its end for the last time.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name, unique in the group.
        type: str
        required: true
      starts_at:
        description: ISO 8601; without an offset in O(freeze_windows[].time_zone). A day alone means its beginning.
        type: str
      ends_at:
        description: As O(freeze_windows[].starts_at); a day alone means its end.
        type: str
      weekdays:
        description:
          - Days the window begins on, C(mon), C(tue), C(wed), C(thu), C(fri), C(sat), C(sun), or their long English
            names.
        type: list
        elements: str
      from:
        description: Time of day at which the window begins, as C("18:00"). Write it in quotes.
        type: str
      until:
        description:
          - Time of day at which the window ends, as C("06:00"). One that is not later than O(freeze_windows[].from) is
            on the next day.
        type: str
      time_zone:
        description: Time zone of local times, an IANA name as C(Europe/Berlin). The default is C(UTC).
        type: str
      kinds:
        description: What is frozen. The default is pushes alone.
        type: list
        elements: str
        choices: [enroll, push]
      networks:
        description: Networks to which nothing is pushed. The default is both. Plays no part in enrolments.
        type: list
        elements: str
        choices: [staging, production]
seealso:
  - module: edgecert.clm.cert_enroll
  - module: edgecert.clm.cert_push
  - module: edgecert.clm.ca_account
"""

EXAMPLES = r"""
- name: Show the policy of certificates without a group
  edgecert.clm.cert_group:
    name: default
  register: group

- name: Show whether a push to production is frozen
  ansible.builtin.debug:
    msg: "{{ group.group.freeze | selectattr('network', 'equalto', 'production') | first }}"

- name: Keep certificates of the shop to its own names, with an approval of every enrolment
  edgecert.clm.cert_group:
    name: shop
    description: Certificates of the web shop
    defaults:
      organizational_unit: Shop
      validity:
        count: 90
        unit: days
    allowed:
      dns:
        - ~(.*\.)?shop\.example\.com
      key_type: [rsa, ec]
      validity_days_max: 100
    ca_accounts:
      - own-ca
    approvals:
      enroll: 1
      push: 2

- name: Freeze pushes to production on weekends and over the turn of the year
  edgecert.clm.cert_group:
    name: shop
    freeze_windows:
      - name: weekend
        weekdays: [fri, sat, sun]
        from: "18:00"
        until: "08:00"
        time_zone: Europe/Berlin
        networks: [production]
      - name: turn of the year
        starts_at: "2026-12-20"
        ends_at: "2027-01-03"
        time_zone: Europe/Berlin

- name: Ask another CA account where the first one takes no order
  edgecert.clm.cert_group:
    name: shop
    standby_cas:
      - ca: own-ca

- name: Have one person approve each push of a certificate without a group
  edgecert.clm.cert_group:
    name: default
    approvals:
      push: 1

- name: Let no push to production end without a handshake with an edge server
  edgecert.clm.cert_group:
    name: shop
    proof:
      production: handshake

- name: Ask the CAs twice a day what they have revoked, through a proxy
  edgecert.clm.cert_group:
    name: shop
    revocation_checks: {every_hours: 12, proxy: "http://proxy.example.com:3128"}

- name: Remove the group
  edgecert.clm.cert_group:
    name: shop
    state: absent
"""

RETURN = r"""
group:
  description: The group as stored, or as it would be in check mode; null once removed.
  returned: success
  type: dict
  sample:
    name: shop
    description: Certificates of the web shop
    defaults: {organizational_unit: Shop, validity: {count: 90, unit: days}}
    allowed:
      subject_alternative_names.dns: ['~(.*\.)?shop\.example\.com']
      key_type: [rsa, ec]
      validity_days_max: 100
    ca_accounts: [own-ca]
    standby_cas: []
    approvals: {enroll: 1, push: 2, distinct_approvers: true, requester_may_approve: false, valid_hours: 168}
    auto_approve: false
    push_automatically: false
    automatic_network: staging
    renewal_window:
    expiry_warning_days: 30
    freeze_windows:
      - name: weekend
        weekdays: [fri, sat, sun]
        from: "18:00"
        until: "08:00"
        time_zone: Europe/Berlin
        kinds: [push]
        networks: [production]
    warnings: {allow: [], ask: [], block: []}
    revocation_checks: {every_hours: 24, proxy: ""}
    proof: {staging: "", production: handshake}
    freeze:
      - {kind: enroll, network: "", is_frozen: false, window: "", until: null, next_start_at: null}
      - {kind: push, network: staging, is_frozen: false, window: "", until: null, next_start_at: null}
      - kind: push
        network: production
        is_frozen: true
        window: weekend
        until: "2026-11-28T07:00:00Z"
        next_start_at: "2026-11-28T17:00:00Z"
    created_at: "2026-11-23T12:00:00Z"
    updated_at: "2026-11-27T18:00:00Z"
  contains:
    approvals:
      description: The approvals as they hold, what is built in included.
      returned: always
      type: dict
    freeze:
      description: >-
        What can be frozen, whether it is now, until when (windows that overlap or follow without a gap counted
        together), and when the next window begins.
      returned: always
      type: list
      elements: dict
warnings_found:
  description: What the policy allows, but is hardly meant, a sentence each.
  returned: when O(state=present)
  type: list
  elements: str
  sample: []
steps:
  description: What was changed, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["Change freeze_windows of group shop"]
failure:
  description: The failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample: {code: group_needed, details: {certificates: [www.example.com]}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.freeze_windows import KINDS
from ansible_collections.edgecert.clm.plugins.module_utils._clm.groups import plan
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import NETWORKS
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker

_TEXT = {"type": "str"}
_TEXTS = {"type": "list", "elements": "str"}
_FLAG = {"type": "bool"}
_NUMBER = {"type": "int"}

_STANDBY = {"ca": {"type": "str", "required": True}, "ca_options": {"type": "dict"}, "after_minutes": _NUMBER}
SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "description": _TEXT,
    # Open, so that one call can name everything that is wrong in them.
    "defaults": {"type": "dict"},
    "allowed": {"type": "dict"},
    "ca_accounts": _TEXTS,
    "standby_cas": {"type": "list", "elements": "dict", "options": _STANDBY},
    "approvals": {
        "type": "dict",
        "options": {
            **dict.fromkeys(("enroll", "push", "valid_hours"), _NUMBER),
            **dict.fromkeys(("distinct_approvers", "requester_may_approve"), _FLAG),
        },
    },
    "auto_approve": _FLAG,
    "push_automatically": _FLAG,
    "automatic_network": {"type": "str", "choices": ["staging", "production"]},
    "renewal_window": _NUMBER,
    "expiry_warning_days": _NUMBER,
    "freeze_windows": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            **dict.fromkeys(("starts_at", "ends_at", "from", "until", "time_zone"), _TEXT),
            "weekdays": _TEXTS,
            "kinds": {**_TEXTS, "choices": list(KINDS)},
            "networks": {**_TEXTS, "choices": list(NETWORKS)},
        },
    },
    "warnings": {"type": "dict", "options": dict.fromkeys(("allow", "ask", "block"), _TEXTS)},
    "revocation_checks": {"type": "dict", "options": {"every_hours": _NUMBER, "proxy": _TEXT}},
    "proof": {"type": "dict", "options": dict.fromkeys(NETWORKS, _TEXT)},
}


def main() -> None:
    """Run the module."""
    run_module(SPEC, plan, "group", Wires(ca=ca_maker))


if __name__ == "__main__":
    main()
