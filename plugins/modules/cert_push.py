#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push a certificate: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_push
short_description: Push a certificate to Akamai's staging or production network, take it back, or remove it
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Pushes an issued certificate with its chain through an application connector to the staging network, and stops
    there, or goes on to production. The change is opened with change management, so that production keeps serving what
    it serves until that is asked for.
  - On the way to production the certificate is proved on staging first. Then the change is acknowledged at CPS with the
    hash of the validation result that was seen. Where the change was on staging already when the push was asked for,
    approvals are bound to that hash, and void when it is another one. Errors of the validation end the push, its
    warnings are decided on as all others are.
  - Seven days before the certificate that production serves ends, CPS puts what is on staging there by itself. A push
    to staging that somebody asked for is held back from that, by a date set at CPS; one that a renewal set off is not.
  - The policy of the certificate's group says how many people have to approve first; two where it says nothing. The
    work order then waits for M(edgecert.clm.cert_workflow), and goes on with the next call or with
    M(edgecert.clm.cert_lifecycle).
  - Scripts of the application connector are run before the upload and after completion. A failing one before stops the
    push, one after is reported and undoes nothing.
  - Before anything is uploaded, key, names, dates and chain are checked. After it, what CPS reports as deployed, and
    what the edge presents in a TLS handshake where O(edge) names one, must be what was pushed.
  - With O(action=configure) it changes network settings of an enrollment that is live, in place and without a new
    certificate, by a work order of its own with the same approvals; they are bound to the settings and to what they
    were before. The order goes to O(network) by way of staging as a push does, and is completed once CPS's deployments
    show the settings there. Settings that are as wanted are not sent again.
  - Each call does all that can be done now and returns the state reached. When it waits for CPS, call it again later
    with the same options, or use O(wait). Called again for what is deployed already, it changes nothing.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
  - edgecert.clm._implementation
  - edgecert.clm._warnings
  - edgecert.clm._network_settings
  - edgecert.clm._removal
  - edgecert.clm._rollback
options:
  certificate:
    description:
      - Id of the certificate.
    type: str
    required: true
  connector:
    description:
      - Application connector to push through, as added with M(edgecert.clm.cert_connector). Not needed when there is
        only one.
    type: str
  action:
    description:
      - V(push) deploys the certificate.
      - V(rollback) takes a push back as far as CPS can. Before production serves the certificate its change is
        cancelled; what production serves stays, and the inventory tells of that again. A renewal that was rolled back
        is not tried again by itself. Once production serves the certificate, CPS cannot put the earlier one back; the
        call fails and says how to roll forward, unless O(roll_forward) asks for it. A rollback needs the same approvals
        as a push. With O(rollback_of) it takes network settings back.
      - V(remove) removes the certificate's enrollment at CPS, with all that is deployed of it, or with
        O(remove_from=store) only what the inventory knows of it. It works for certificates that were enrolled here and
        for those that were discovered on a managed device. It needs the same approvals as a push, bound to the
        enrollment, its names, the certificates served, and the changes that are open. CPS refuses it while names still
        resolve to the certificate; the failure then lists them in C(live_names). An enrollment that is gone already is
        only marked so. While a removal is open, the certificate is not renewed, pushed or enrolled.
      - V(configure) changes O(network_settings) of the certificate's enrollment. Production has to serve something of
        it, and no change may be open at CPS; one that is open is named and never cancelled. Scripts of the application
        connector are not run. Where CPS wants a new certificate for the settings, the order ends and says how they go
        along with a regeneration. With O(from_snapshot) the settings are those of a snapshot.
    type: str
    choices: [push, rollback, remove, configure]
    default: push
  network:
    description:
      - Network to push to. V(production) goes by way of staging. A removal is of both networks, whatever stands here.
    type: str
    choices: [staging, production]
    default: staging
  edge:
    description:
      - Edge servers to prove the deployment at. Each of their addresses is asked by a TLS handshake for each name of
        the certificate, once as a client for RSA and once as one for ECDSA where both were pushed. It has to present
        the leaf that was pushed, with its intermediates. As long as it presents another one, as while Akamai
        distributes it, it is asked again.
      - With O(action=configure) and O(network_settings.disallowed_tls_versions), and with O(action=remove), they are
        asked for what they do no more; see the guide on proof.
      - With O(roll_forward) for settings, they go with those that disallow versions of TLS again; left out, they are
        those of the work order that is taken back.
      - Host names are looked up each time. One that cannot be resolved proves nothing, and is waited for.
      - A member left out keeps what is stored with the work order; an empty one clears it. Which proof is needed, the
        certificate's group says, see O(edgecert.clm.cert_group#module:proof).
    type: dict
    suboptions:
      staging:
        description: Host names or addresses of staging edges, each with an optional port (443 when left out).
        type: list
        elements: str
      production:
        description: Likewise of production edges; used when O(network=production).
        type: list
        elements: str
      hostnames:
        description:
          - Akamai's edge hostnames, as C(www.example.com.edgekey.net). Production is asked at their addresses, staging
            at those of the same name with C(-staging) before C(.net), as C(www.example.com.edgekey-staging.net).
        type: list
        elements: str
      from_dns:
        description:
          - Whether each name is asked for where the DNS leads to from it. Its aliases have to end in a domain of
            Akamai's edges; staging is found beside it as with O(edge.hostnames). A name that leads elsewhere, or
            nowhere yet, is not proved; the work order says so and waits.
        type: bool
      names:
        description:
          - Host names to ask for in place of wildcards. Each has to be covered by a name of the certificate.
          - A wildcard without one is asked for with C(edgecert-probe) in place of the asterisk. With O(edge.from_dns)
            that name has to be in the DNS, too.
        type: list
        elements: str
      family:
        description: Which addresses of host names are asked; all where nothing is said, as far as this host has such.
        type: str
        choices: [all, ipv4, ipv6]
  deploy_not_before:
    description:
      - Time before which CPS does not put it on production, in ISO 8601, as V(2027-01-31T22:00:00Z); without an offset
        it is UTC. Used when O(network=production).
      - Everything is done before, the proof on staging and the acknowledgement among it. CPS then deploys by itself, at
        that time or somewhat later, and nothing has to run here for it.
      - CPS keeps such a date only for a certificate that production serves already, and it has to be before that one
        ends. Approvals are bound to it.
    type: str
  comment:
    description:
      - Comment on the work order, kept with it and in the audit.
    type: str
  wait:
    description:
      - Whether to wait for CPS.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait at most. When they are over, the call returns the state reached and does not fail.
    type: int
    default: 1800
seealso:
  - module: edgecert.clm.cert_enroll
  - module: edgecert.clm.cert_connector
  - module: edgecert.clm.cert_workflow
"""

EXAMPLES = r"""
- name: Push the certificate to staging and prove it at a staging edge
  edgecert.clm.cert_push:
    certificate: www.example.com
    network: staging
    edge:
      staging: "{{ (lookup('ansible.builtin.env', 'EDGECERT_STAGING_EDGE') | default('', true)).split() }}"
    comment: first push
    wait: true
    wait_timeout: 1800
  register: pushed

- name: Bring it to production, proved on both networks
  edgecert.clm.cert_push:
    certificate: www.example.com
    network: production
    edge:
      staging: "{{ (lookup('ansible.builtin.env', 'EDGECERT_STAGING_EDGE') | default('', true)).split() }}"
      production: "{{ (lookup('ansible.builtin.env', 'EDGECERT_PRODUCTION_EDGE') | default('', true)).split() }}"
    wait: true
    wait_timeout: 7200
  register: live

- name: Have the renewed certificate ready, and let CPS put it on production on Sunday
  edgecert.clm.cert_push:
    certificate: www.example.com
    network: production
    deploy_not_before: "{{ lookup('ansible.builtin.env', 'EDGECERT_SUNDAY') | default(omit, true) }}"
  when: live.work_order.state == 'completed'

- name: Say what removing it would do, without doing it
  edgecert.clm.cert_push:
    certificate: www.example.com
    action: remove
    comment: the site is closed
  check_mode: true
  register: removal
  when: live.work_order.state == 'completed'

- name: Once it is live, end old protocols and verify client certificates
  edgecert.clm.cert_push:
    certificate: www.example.com
    action: configure
    network: production
    network_settings:
      disallowed_tls_versions: [TLSv1, TLSv1_1]
      client_mutual_authentication:
        set_id: Partners_B-3-1AHBENT.xml
        send_ca_list_to_client: true
    comment: old protocols end
    wait: true
    wait_timeout: 7200
  when: live.work_order.state == 'completed'

- name: Show where it stands
  ansible.builtin.debug:
    msg: "{{ pushed.work_order.work_order_id }}: {{ pushed.work_order.label }}"
"""

RETURN = r"""
work_order:
  description:
    - The work order as it stands, or would stand in check mode; null with O(remove_from=store), and where network
      settings are as wanted and no order made them so.
    - With O(roll_forward) null until the certificate to push is issued; RV(request) says how far that is.
  returned: success
  type: dict
  sample:
    work_order_id: wo-0a1b2c3d4e5f
    certificate: www.example.com
    connector: edge
    device: cps-main
    action: push
    network: staging
    state: completed
    label: Completed
    reason: ""
    message: ""
    enrollment_id: 10001
    change_id: 20001
    deploy_not_before:
    fingerprints: {RSA: 5f0c...}
    notices: []
    evidence:
      - kind: handshake
        network: staging
        where: www.example.com at 192.0.2.1
        address: 192.0.2.1
        via: ""
        names: [www.example.com]
        key_algorithm: RSA
        chain: complete
        fingerprint: 5f0c...
        at: "2026-11-23T12:10:00Z"
    conditions: [{type: submitted, at: "2026-11-23T12:05:00Z", actor: ada, comment: first push}]
    actor: ada
    comment: first push
    tracking_id: ""
    next_look_at:
    created_at: "2026-11-23T12:05:00Z"
    updated_at: "2026-11-23T12:10:00Z"
  contains:
    work_order_id:
      description: Id of the work order, given automatically.
      returned: always
      type: str
    state:
      description: >-
        V(submitted) and V(review_in_progress) while it waits for approval, V(approved), V(scheduled), V(implementing),
        V(deploying_staging), V(on_staging), V(deploying_production), V(needs_decision) when a warning waits for a
        decision, V(in_doubt) when the answer to an upload or a removal was lost, or how it ended, V(completed),
        V(rejected), V(cancelled), V(failed).
      returned: always
      type: str
    label:
      description: The state in words.
      returned: always
      type: str
    message:
      description: What it waits for, or why it failed.
      returned: always
      type: str
    notices:
      description: >-
        Warnings of CPS met on the way, each with its C(code), C(text), C(decision), and C(is_new) where it was not met
        when the certificate was pushed the last time. Numbers and times in a text make no other one of it.
      returned: always
      type: list
      elements: dict
    network_settings:
      description: The settings that are changed, C(before) and C(after).
      returned: when it changes network settings
      type: dict
    restores:
      description: The C(snapshot_id) or C(work_order_id) that they come back from.
      returned: when it brings network settings back
      type: dict
    evidence:
      description:
        - What proves the deployment, for each network and kind of key. C(kind) is V(handshake) for an address that was
          asked, or V(api) for what CPS reports as deployed; C(names) are those it is about.
        - C(chain) is V(not_told) where this host's Python cannot see the chain that came with the leaf. C(not_proved)
          says what the edge servers did not prove, where the group does not insist on it. C(refused) and C(taken) are
          TLS versions; C(absent) is the certificate that is presented no more. C(not_served) are names that the
          network does not answer for by its settings, so that no edge server was asked for them.
      returned: always
      type: list
      elements: dict
forgotten:
  description: Certificates that left the inventory, those that they followed among them; empty when there was none.
  returned: success with O(action=remove) and O(remove_from=store)
  type: list
  elements: str
  sample: [www.example.com]
request:
  description: >-
    The request of the certificate that is rolled forward to; members as in
    RV(edgecert.clm.cert_enroll#module:request).
  returned: when O(roll_forward) orders a certificate
  type: dict
  sample: {request_id: req-0a1b2c3d4e5f, certificate: www.example.com, action: regenerate, state: implementing}
skipped_devices:
  description: Devices of the application connector that cannot take the certificate, with the reason.
  returned: success
  type: list
  elements: dict
  sample: []
calls:
  description: Number of API calls of this call.
  returned: when the API was used
  type: int
  sample: 7
steps:
  description: What was done, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["Upload the RSA certificate of www.example.com with its chain to CPS"]
failure:
  description: The failure for programs, with a stable C(code), C(details), Akamai's C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample: {code: connector_missing, details: {}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.push import plan
from ansible_collections.edgecert.clm.plugins.module_utils._glue.options import NETWORK_SETTINGS
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_scripts import scripts_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import (
    key_provider_maker,
    probe_maker,
    target_maker,
)

_TEXTS = {"type": "list", "elements": "str"}

SPEC = {
    "certificate": {"type": "str", "required": True},
    "connector": {"type": "str"},
    "action": {"type": "str", "choices": ["push", "rollback", "remove", "configure"], "default": "push"},
    "roll_forward": {"type": "bool", "default": False},
    "remove_from": {"type": "str", "choices": ["akamai", "store"]},
    "cancel_changes": {"type": "list", "elements": "int"},
    "network": {"type": "str", "choices": ["staging", "production"], "default": "staging"},
    "network_settings": NETWORK_SETTINGS,
    "rollback_of": {"type": "str", "choices": ["push", "configure"]},
    "from_snapshot": {"type": "str"},
    "allow_names_in_use": {"type": "bool", "default": False},
    "edge": {
        "type": "dict",
        "options": {
            **dict.fromkeys(("staging", "production", "hostnames", "names"), _TEXTS),
            "from_dns": {"type": "bool"},
            "family": {"type": "str", "choices": ["all", "ipv4", "ipv6"]},
        },
    },
    "manual_implementation": {"type": "bool"},
    "schedule_at": {"type": "str"},
    "deploy_not_before": {"type": "str"},
    "freeze_override": {"type": "str"},
    "warnings": {"type": "dict", "options": dict.fromkeys(("allow", "ask", "block"), _TEXTS)},
    "comment": {"type": "str"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 1800},
}


def main() -> None:
    """Run the module."""
    wires = Wires(
        target=target_maker, key_provider=key_provider_maker, ca=ca_maker, probe=probe_maker, scripts=scripts_maker
    )
    required_if = [("action", "configure", ["network_settings", "from_snapshot"], True)]
    run_module(SPEC, plan, "work_order", wires, required_if=required_if)


if __name__ == "__main__":
    main()
