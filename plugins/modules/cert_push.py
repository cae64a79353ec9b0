#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push a certificate: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_push
short_description: Push a certificate to Akamai's staging or production network
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
        call fails and says how to roll forward. A rollback needs the same approvals as a push.
      - V(configure) changes O(network_settings) of the certificate's enrollment. Production has to serve something of
        it, and no change may be open at CPS; one that is open is named and never cancelled. Scripts of the application
        connector are not run. Where CPS wants a new certificate for the settings, the order ends and says how they go
        along with a regeneration.
    type: str
    choices: [push, rollback, configure]
    default: push
  network_settings:
    description:
      - Network settings that the enrollment is to have, with O(action=configure) only and required there.
      - A setting left out stays as it is in the enrollment; an empty text or list clears it.
      - How CPS writes a setting plays no part. No cipher profile is the default one, lists are sets, and names have no
        case.
    type: dict
    suboptions:
      must_have_ciphers:
        description: Name of the cipher profile that clients must be able to use; empty for Akamai's default.
        type: str
      preferred_ciphers:
        description: Name of the preferred cipher profile; empty for Akamai's default.
        type: str
      disallowed_tls_versions:
        description: TLS versions that are not to be spoken; an empty list allows all that Akamai speaks.
        type: list
        elements: str
        choices: [TLSv1, TLSv1_1, TLSv1_2, TLSv1_3]
      clone_dns_names:
        description:
          - Whether the names to serve are those of the certificate.
          - It is false once O(network_settings.dns_names) names some; true together with names is refused. CPS takes
            neither in an enrollment that is not for SNI only.
        type: bool
      dns_names:
        description:
          - The names to serve, when they are not those of the certificate; the order plays no part.
          - An empty list goes back to the names of the certificate.
        type: list
        elements: str
      ocsp_stapling:
        description: Whether OCSP responses are stapled.
        type: str
        choices: ["on", "off", "not-set"]
      quic:
        description: Whether QUIC is enabled.
        type: bool
      geography:
        description: Where the certificate is deployed.
        type: str
        choices: [core, china+core, russia+core]
      client_mutual_authentication:
        description:
          - Verification of client certificates. CPS refuses it in a new enrollment, so it is added here, once the
            enrollment is live.
          - CPS's deployments tell nothing of it. It counts as deployed once the enrollment has it and the change that
            brings it has come to the network.
        type: dict
        suboptions:
          set_id:
            description: Id of the set of trust chains, as Trust Chain Manager gives it; empty to verify none any more.
            type: str
          send_ca_list_to_client:
            description: Whether the server sends the list of CAs to the client.
            type: bool
          ocsp:
            description: Whether OCSP is used for client certificates.
            type: bool
      secure_network:
        description:
          - What the enrollment is on, if it is to be checked. CPS never changes it; another value is refused, for it
            needs a new enrollment.
        type: str
        choices: [standard-tls, enhanced-tls]
      sni_only:
        description: Likewise, whether the enrollment is for clients with SNI only.
        type: bool
  network:
    description:
      - Network to push to. V(production) goes by way of staging.
    type: str
    choices: [staging, production]
    default: staging
  edge:
    description:
      - Edge servers to prove the deployment of a certificate against with a TLS handshake. Not with
        O(action=configure), for a handshake does not show the settings.
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
  description: >-
    The work order as it stands, or would stand in check mode. Null where network settings are as wanted and no order
    made them so.
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
        decision, V(in_doubt) when the answer to an upload was lost, or how it ended, V(completed), V(rejected),
        V(cancelled), V(failed).
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
      description: Warnings of CPS met on the way, each with its C(code), C(text) and C(decision).
      returned: always
      type: list
      elements: dict
    network_settings:
      description: The settings that are changed, C(before) and C(after).
      returned: when it changes network settings
      type: dict
    evidence:
      description: What proves the deployment.
      returned: always
      type: list
      elements: dict
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
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import (
    GEOGRAPHIES,
    OCSP_STAPLING,
    SECURE_NETWORKS,
    TLS_VERSIONS,
)
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_scripts import scripts_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import probe_maker, target_maker

_TEXTS = {"type": "list", "elements": "str"}

SPEC = {
    "certificate": {"type": "str", "required": True},
    "connector": {"type": "str"},
    "action": {"type": "str", "choices": ["push", "rollback", "configure"], "default": "push"},
    "network": {"type": "str", "choices": ["staging", "production"], "default": "staging"},
    "network_settings": {
        "type": "dict",
        "options": {
            **{word: {"type": "bool"} for word in ("sni_only", "quic", "clone_dns_names")},
            **{word: {"type": "str"} for word in ("must_have_ciphers", "preferred_ciphers")},
            "secure_network": {"type": "str", "choices": list(SECURE_NETWORKS)},
            "geography": {"type": "str", "choices": list(GEOGRAPHIES)},
            "disallowed_tls_versions": {**_TEXTS, "choices": list(TLS_VERSIONS)},
            "dns_names": _TEXTS,
            "ocsp_stapling": {"type": "str", "choices": list(OCSP_STAPLING)},
            "client_mutual_authentication": {
                "type": "dict",
                "options": {
                    "set_id": {"type": "str"},
                    "send_ca_list_to_client": {"type": "bool"},
                    "ocsp": {"type": "bool"},
                },
            },
        },
    },
    "edge": {"type": "dict", "options": {"staging": _TEXTS, "production": _TEXTS}},
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
    wires = Wires(target=target_maker, ca=ca_maker, probe=probe_maker, scripts=scripts_maker)
    run_module(SPEC, plan, "work_order", wires, required_if=[("action", "configure", ["network_settings"])])


if __name__ == "__main__":
    main()
