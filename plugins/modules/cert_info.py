#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the store for certificates: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_info
short_description: Look up certificates, requests, work orders and the audit
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Looks up what the store knows of certificates. Nothing is asked of a CA, and of Akamai only with O(view=usage)
    and O(view=validation).
  - Filters narrow each other down. Certificates of ignored devices are left out unless O(sync) asks for them,
    vanished ones, and superseded or revoked ones that another one followed, unless O(state) or O(certificate) does.
extends_documentation_fragment:
  - edgecert.clm._attributes.info
  - edgecert.clm._store
  - edgecert.clm._filters
  - edgecert.clm._info
options:
  view:
    description:
      - V(list) gives the certificates.
      - V(holistic) gives for each certificate its CA connector, its application connectors, and their devices with
        the status of the work orders, and the earlier certificates that it follows. Where network settings were set
        with M(edgecert.clm.cert_push), it says beside the certificate which, what production has of them, and what
        differs, as the last look at the device found it.
      - V(history) gives requests and work orders, oldest first.
      - V(pending) gives the open requests and work orders with what each waits for, who may not approve it any more,
        and until when, the nearest expiry first.
      - V(attention) gives what somebody has to do something about, the worst first. That is what ends soon, waits for
        people, failed, is revoked or gone, or is otherwise at Akamai than it was left, as far as the last look at the
        device found it.
      - V(audit) gives the lines of the audit, oldest first.
      - V(attachments) gives the attachments, without their content unless O(with_content) asks for it.
      - V(groups) gives the groups with their policy and whether they are frozen now; only O(group) filters them.
      - V(snapshots) gives what the enrollments were before each write to them, the oldest first; the newest ten of each
        certificate are kept.
      - V(usage) asks Property Manager which host names of properties the names of the certificates stand for. It reads
        only, also of a monitored device. One to five names of a device cost a call each, more of them a call for each
        999 active host names of the account.
      - V(validation) asks CPS what has to be proven for the names of DV certificates, as challenges of changes that are
        open, and how it went before. It reads only, also of a monitored device. A certificate costs two calls, and one
        for each open change.
    type: str
    choices: [list, holistic, history, pending, attention, audit, attachments, groups, snapshots, usage, validation]
    default: list
  tracking_id:
    description:
      - Only certificates with a request or work order of that tracking id. With O(view=history), O(view=pending) and
        O(view=audit), only what bears it.
  attachment:
    description:
      - Only certificates, with O(view=attachments) only attachments, where the name of an attachment holds this text,
        in any case. With O(with_content) it is the whole name.
  expires_within_days:
    description:
      - Only certificates that expire within so many days, they or what production serves in their place, as after a
        renewal that is not pushed yet; expired ones are among them.
      - With O(view=attention) it says what counts as expiring, instead of the C(expiry_warning_days) of groups, and
        filters nothing.
seealso:
  - module: edgecert.clm.akamai_cps_device_info
  - plugin: edgecert.clm.akamai_cps
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: List the certificates that expire within 30 days
  edgecert.clm.cert_info:
    expires_within_days: 30
  register: expiring

- name: Show one certificate with everything around it
  edgecert.clm.cert_info:
    certificate: www.example.com
    view: holistic

- name: List the certificates of a team that its group wants renewed soon
  edgecert.clm.cert_info:
    expiring: true
    group: [default]
    attributes:
      team: edge
      cost_center: ~4\d{3}

- name: Show who has to approve what, and until when
  edgecert.clm.cert_info:
    view: pending

- name: Show what is urgent, for those who run what is due
  edgecert.clm.cert_info:
    view: attention
    kinds: [expiring, expired, edge_mismatch, revoked]
    expires_within_days: 14

- name: See what the CA made of what was asked for
  edgecert.clm.cert_info:
    certificate: www.example.com
    compare: true
  register: compared

- name: Show what differs and matters
  ansible.builtin.debug:
    msg: "{{ compared.certificates[0].comparison.differences | selectattr('matters') }}"

- name: Find attachments by a part of their name
  edgecert.clm.cert_info:
    view: attachments
    attachment: order

- name: Show what its enrollment was before each write to it
  edgecert.clm.cert_info:
    certificate: www.example.com
    view: snapshots

- name: Show what has to be proven for a DV certificate
  edgecert.clm.cert_info:
    certificate: dv.example.com
    view: validation

- name: Show what was done for it, and by whom
  edgecert.clm.cert_info:
    certificate: www.example.com
    view: audit
"""

RETURN = r"""
certificates:
  description: The certificates, ordered by id.
  returned: when O(view=list)
  type: list
  elements: dict
  sample:
    - certificate: www.example.com
      common_name: www.example.com
      sans: [example.com, www.example.com]
      san_count: 2
      origin: enrolled
      state: issued
      device: cps-main
      cert_sync: managed
      enrollment_id: 10001
      contract_id: C-1
      validation_type: third-party
      vendor_certificate_type: third-party
      secure_network: standard-tls
      change_management: true
      ca: own-ca
      request_id: req-0a1b2c3d4e5f
      key_algorithm: RSA
      issuer: "CN=Issuing CA"
      serial: 1f2e
      fingerprint: 5f0c...
      not_before: "2026-11-23T12:00:00Z"
      not_after: "2027-02-21T12:00:00Z"
      days_left: 89
      expired: false
      networks: [staging]
      staging: {fingerprint: 5f0c..., not_after: "2027-02-21T12:00:00Z"}
      production: {}
      production_days_left:
      pending_changes: []
      attributes: {team: edge}
      group: default
      expiry_warning_days: 30
      auto_renew: {enabled: true, days_before: 30}
      auto_regenerate: {}
      parent: www.example.com~5a1c0b9d2e3f
      successor: ""
      revocation:
        {state: good, reason: "", revoked_at: "", source: "http://...", checked_at: "2026-11-23T12:15:00Z", message: ""}
      attachments: 1
      created_at: "2026-11-23T12:00:00Z"
      updated_at: "2026-11-23T12:10:00Z"
  contains:
    comparison:
      description: >-
        What was C(asked), null for what was found at a device; what C(csr) and C(certificate) say, by key algorithm,
        in the words of the options, with C(san_count); and C(differences), each with its C(field), whether it
        C(matters) and C(why). Names, key, lifetime, usages and a wrong identity matter; what CAs leave out or choose
        themselves, as an organizational unit or the hash of the signature, does not. C(unreadable) tells what could not
        be read. Requests of O(view=history) and the certificate of O(view=holistic) have it, too.
      returned: with O(compare)
      type: dict
      sample:
        asked: {common_name: www.example.com, organizational_unit: Web, san_count: 2, validity: {count: 90, unit: days}}
        csr: {RSA: {common_name: www.example.com, organizational_unit: Web, san_count: 2}}
        certificate: {RSA: {common_name: www.example.com, organizational_unit: "", san_count: 2}}
        differences:
          - field: organizational_unit
            algorithm: RSA
            asked: Web
            csr: Web
            certificate: ""
            matters: false
            why: the CA left it out
        unreadable: []
holistic:
  description: >-
    For each certificate its C(ca_connector), the C(certificate) with its PEM and its C(network_settings) (C(wanted),
    those of C(production), and which are C(differing); null where none were set here), its C(connectors) with their
    devices, and its C(lineage), the earlier certificates that it follows, the newest first. A device has the newest
    C(work_orders) of each network that are about a certificate, and apart from them the newest C(settings_orders).
  returned: when O(view=holistic)
  type: list
  elements: dict
  sample:
    - ca_connector: {name: own-ca, ca: own-ca, type: own_ca, csr_source: endpoint}
      certificate: {certificate: www.example.com}
      connectors:
        - name: edge
          devices:
            - name: cps-main
              status: managed
              cert_sync: managed
              work_orders: [{work_order_id: wo-0a1b2c3d4e5f, network: staging, state: completed, label: Completed}]
              settings_orders: []
      lineage: [{certificate: www.example.com~5a1c0b9d2e3f, not_after: "2026-11-25T12:00:00Z"}]
requests:
  description: The requests; members as in RV(edgecert.clm.cert_enroll#module:request).
  returned: when O(view=history)
  type: list
  elements: dict
  sample: [{request_id: req-0a1b2c3d4e5f, certificate: www.example.com, state: issued}]
work_orders:
  description: The work orders; members as in RV(edgecert.clm.cert_push#module:work_order).
  returned: when O(view=history)
  type: list
  elements: dict
  sample: [{work_order_id: wo-0a1b2c3d4e5f, certificate: www.example.com, state: completed}]
pending:
  description: >-
    What is open, with C(kind) V(request) or V(work_order), what it C(waits_for), the C(actions) of
    M(edgecert.clm.cert_workflow) that its state allows, how many approvals are given of those that are needed,
    C(may_not_approve), and whether O(actor) C(may_approve) it next. C(not_after) is when what is live expires,
    C(last_safe_at) from when on CPS deploys by itself.
  returned: when O(view=pending)
  type: list
  elements: dict
  sample:
    - {kind: work_order, request_id: null, work_order_id: wo-0a1b2c3d4e5f, connector: edge, network: production,
       label: Push-Review In Progress, actions: [approve, reject, cancel], certificate: www.example.com, action: push,
       device: cps-main, group: default, state: review_in_progress, reason: "", message: "",
       waits_for: waits for approval 2 of 2; those given expire at 2026-11-30T12:00:00Z, actor: ada, tracking_id: CHG-1,
       approvals_given: 1, approvals_needed: 2, may_not_approve: [ada, bob], may_approve: true,
       approvals_expire_at: "2026-11-30T12:00:00Z", manual_implementation: false, scheduled_at: null,
       last_safe_at: "2027-01-20T12:00:00Z", next_look_at: null, not_after: "2027-01-27T12:00:00Z", days_left: 65,
       expired: false}
attention:
  description: >-
    What needs attention, each with a C(kind) of O(kinds) and a C(severity), V(info), V(warning) or V(critical). C(who)
    can do something about it, V(requester), V(approver) or V(operator), but not those in C(may_not_act). C(since) and
    C(deadline) are null where the store does not know. The same fact has the same C(event_id) at every look. See the
    guide on events.
  returned: when O(view=attention)
  type: list
  elements: dict
  sample:
    - event_id: ev-0a1b2c3d4e5f60718293
      kind: expiring
      severity: warning
      certificate: www.example.com
      device: cps-main
      group: default
      network: production
      request_id:
      work_order_id:
      reason: ""
      message: certificate www.example.com on production ends at 2027-02-21T12:00:00Z
      what_to_do: "renew it with edgecert.clm.cert_enroll and action: renew"
      who: operator
      may_not_act: []
      since: "2027-01-22T12:00:00Z"
      deadline: "2027-02-21T12:00:00Z"
      tracking_id: ""
      attributes: {team: edge}
attachments:
  description: >-
    The attachments, ordered by certificate and name; C(content) is there with O(with_content) only and is base64,
    C(digest) is the SHA-256 of what it stands for.
  returned: when O(view=attachments)
  type: list
  elements: dict
  sample:
    - {certificate: www.example.com, name: order.txt, comments: the signed order, digest: 5f0c..., size: 1832,
       request_id: req-0a1b2c3d4e5f, actor: ada, created_at: "2026-11-23T12:00:00Z"}
groups:
  description: >-
    The groups, ordered by name; members as in RV(edgecert.clm.cert_group#module:group), with C(freeze), which says for
    each kind of work whether it is frozen and until when, and the number of C(certificates).
  returned: when O(view=groups)
  type: list
  elements: dict
  sample: [{name: default, expiry_warning_days: 30, certificates: 12}]
snapshots:
  description: >-
    What enrollments were C(before) an C(update), an C(upload) or a C(cancel), the oldest first: C(enrollment) is CPS's
    own JSON, C(production) and C(staging) what the networks served. No key is in it: CPS gives none away.
  returned: when O(view=snapshots)
  type: list
  elements: dict
  sample:
    - snapshot_id: snap-0a1b2c3d4e5f
      certificate: www.example.com
      enrollment_id: 10001
      before: update
      request_id: req-0a1b2c3d4e5f
      work_order_id: ""
      production: {fingerprint: 5f0c..., not_after: "2027-02-21T12:00:00Z"}
      staging: {fingerprint: 5f0c..., not_after: "2027-02-21T12:00:00Z"}
      enrollment: {id: 10001, csr: {cn: www.example.com}, enableMultiStackedCertificates: false}
      actor: ada
      created_at: "2026-11-23T12:00:00Z"
usage:
  description: >-
    For each certificate the C(hostnames) of properties that its C(names) stand for, and its C(unused_names). Where
    C(looked) is false nobody knows, and C(problem) says why. A host name that several certificates stand for is with
    each of them: which one an edge presents, Property Manager does not tell.
  returned: when O(view=usage)
  type: list
  elements: dict
validation:
  description: >-
    For each DV certificate the C(domains) that an open change waits for, in CPS's words. One of the C(challenges) of a
    domain is enough: C(content) is to be found at C(path), as TXT record for C(dns-01), or the URL leads on to
    C(redirect), where Akamai has it. C(history) has C(domain) with its C(attempts), which have the members of
    C(domains). Where C(looked) is false nobody knows, and C(problem) says why.
  returned: when O(view=validation)
  type: list
  elements: dict
  sample:
    - certificate: dv.example.com
      device: cps-main
      enrollment_id: 10002
      looked: true
      problem: ""
      domains:
        - change_id: 10003
          domain: dv.example.com
          status: Awaiting user
          validation_status: ""
          error: The domain is not ready for validation.
          requested_at: "2026-11-23T12:00:00Z"
          validated_at:
          expires_at: "2026-11-30T12:00:00Z"
          challenges:
            - {type: dns-01, status: pending, error: "", path: _acme-challenge.dv.example.com., redirect: "",
               content: 0yVI..., token: cGBn...}
      history: []
calls:
  description: Number of API calls of this call.
  returned: when O(view=usage) or O(view=validation) asked
  type: int
audit:
  description: >-
    Who did what and when, with the record before and after; each line's hash covers the hash of the line before.
  returned: when O(view=audit)
  type: list
  elements: dict
  sample:
    - {sequence: 1, at: "2026-11-23T12:00:00Z", actor: ada, action: device_onboarded, noun: device, key: cps-main,
       before: null, after: {name: cps-main}, comment: "", tracking_id: "", previous_hash: "0000...", hash: "9a1b..."}
failure:
  description: The failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample: {code: store_missing, details: {}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_records import KINDS
from ansible_collections.edgecert.clm.plugins.module_utils._clm.filters import OPTIONS
from ansible_collections.edgecert.clm.plugins.module_utils._clm.queries import VIEWS, plan_certificates
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import target_maker

SPEC = {
    **OPTIONS,
    "view": {"type": "str", "choices": list(VIEWS), "default": VIEWS[0]},
    "with_content": {"type": "bool", "default": False},
    "kinds": {"type": "list", "elements": "str", "choices": list(KINDS)},
    "compare": {"type": "bool"},
    "limit": {"type": "int"},
    "budget": {"type": "int"},
}


def main() -> None:
    """Run the module."""
    run_module(SPEC, plan_certificates, None, Wires(target=target_maker), reads_only=True)


if __name__ == "__main__":
    main()
