#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approve, reject, schedule, implement, retry or cancel: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_workflow
short_description: Approve, reject, schedule, implement, retry or cancel a request or work order
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Does with a certificate request or a push work order what a person decides, and keeps who did it, when, and why.
  - Who acts is O(actor). Approvals rest on it; the guide on approvals says how far it can be trusted and what makes it
    strong.
  - An approval is bound to what would be implemented, to the certificate, its chain, the network, the lists of warnings
    and the network settings pending at CPS. Where one of these changes before it is used, or it expires, it is void,
    and the record waits for approval again.
  - Approving, rejecting, scheduling and cancelling send nothing to Akamai and need no credential of it, unless
    O(cancel_change) says so. Cancelling a request may send something to the CA, whose account is in the store.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
options:
  request_id:
    description:
      - Id of the certificate request. Give either this or O(work_order_id).
    type: str
  work_order_id:
    description:
      - Id of the work order.
    type: str
  action:
    description:
      - V(approve) gives the next approval. How many levels are needed, and whether one person may give several or
        approve what they asked for, is the group's policy as it was at submission.
      - V(reject) ends what waits for approval.
      - V(schedule) sets when what is approved is implemented, at O(at).
      - V(implement) implements what is approved now, or goes on with what is being implemented.
      - V(retry) takes up what failed again, from its approval if that still holds. Of a request that is V(in_doubt) it
        says that the CA has no order for it, so that it is ordered again, or with O(order_id) which order it is.
      - V(cancel) ends it, also a request that failed. What is at Akamai already stays there, unless O(cancel_change)
        says otherwise, and the result says what that is. An order that is not signed yet is cancelled at the CA, where
        the CA can. An automatic renewal that is cancelled while it is open is not begun again by itself; one that had
        failed keeps its C(reason), and the next one follows as after any failure.
    type: str
    required: true
    choices: [approve, reject, schedule, implement, retry, cancel]
  cancel_change:
    description:
      - Whether to take back at Akamai what the request opened there, beside cancelling it. Goes with O(action=cancel)
        of a request alone.
      - The change that the request opened is cancelled and followed to its end. No other one ever is, nor a renewal
        that CPS had opened before the request took it up. What CPS keeps of the request's edits in the enrollment is
        put back as it was before. An enrollment that the request opened goes with its first change.
      - A request that is cancelled or rejected already, and whose change is open still, is repaired by the same call.
        Where everything is taken back, nothing is changed.
      - It is refused where another request goes on with the change, and where somebody gave it a certificate. Nobody
        has to approve it, and no freeze holds it, as nothing of it is on a network.
      - Without O(wait) it looks once, and the same call goes on from there.
    type: bool
    default: false
    version_added: 0.1.0
  order_id:
    description:
      - Id, as the CA shows it, of the order that was found for a request that is V(in_doubt). It is taken over if it is
        for the request's CSR. Goes with O(action=retry).
    type: str
    version_added: 0.1.0
  at:
    description:
      - Time from which an approval counts, or at which it is implemented, in ISO 8601, as V(2027-01-31T22:00:00Z);
        without an offset it is UTC. It must be to come.
    type: str
  comment:
    description:
      - Comment, kept with the step and in the audit.
    type: str
  freeze_override:
    description:
      - Reason to implement although the group is frozen. It is kept on record, and holds for that freeze.
    type: str
  wait:
    description:
      - Whether to wait for CPS and the CA while implementing, and for CPS with O(cancel_change).
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait at most. When they are over, the call returns the state reached and does not fail.
    type: int
    default: 1800
attributes:
  idempotent:
    support: none
    description: Each call is one decision of one person; the same one again is refused.
seealso:
  - module: edgecert.clm.cert_group
  - module: edgecert.clm.cert_enroll
  - module: edgecert.clm.cert_push
  - module: edgecert.clm.cert_lifecycle
"""

EXAMPLES = r"""
- name: Find out what waits, and for whom
  edgecert.clm.cert_info:
    view: pending
    actor: bob
  register: waiting

- name: Approve the work orders that wait for somebody like bob
  edgecert.clm.cert_workflow:
    work_order_id: "{{ item.work_order_id }}"
    action: approve
    comment: names and chain are as ordered
    actor: bob
  loop: "{{ waiting.pending | selectattr('kind', 'eq', 'work_order') | selectattr('may_approve') }}"

- name: Have the first of them implemented on Sunday night
  edgecert.clm.cert_workflow:
    work_order_id: "{{ (waiting.pending | first).work_order_id }}"
    action: schedule
    at: "{{ lookup('ansible.builtin.env', 'EDGECERT_SUNDAY') | default('2027-01-31T22:00:00Z', true) }}"

- name: Implement it now after all, and wait until staging serves it
  edgecert.clm.cert_workflow:
    work_order_id: "{{ (waiting.pending | first).work_order_id }}"
    action: implement
    wait: true
  register: implemented

- name: Take a mistaken edit back, its change at CPS with it
  edgecert.clm.cert_workflow:
    request_id: "{{ mistaken.request.request_id }}"
    action: cancel
    cancel_change: true
    comment: a name was mistyped
    wait: true
  when: mistaken is defined
"""

RETURN = r"""
request:
  description: The request as it stands, or would stand in check mode.
  returned: with O(request_id)
  type: dict
  sample:
    request_id: req-0a1b2c3d4e5f
    certificate: www.example.com
    state: approved
    label: Approved
    approvals_needed: 1
    approvals: [{level: 1, actor: bob, at: "2026-11-23T12:00:00Z", expires_at: "2026-11-30T12:00:00Z", comment: ok}]
    approvals_expire_at: "2026-11-30T12:00:00Z"
work_order:
  description: The work order as it stands, or would stand in check mode.
  returned: with O(work_order_id)
  type: dict
  sample:
    work_order_id: wo-0a1b2c3d4e5f
    certificate: www.example.com
    network: staging
    state: review_in_progress
    label: Push-Review In Progress
    approvals_needed: 2
    approvals: [{level: 1, actor: bob, at: "2026-11-23T12:00:00Z", expires_at: "2026-11-30T12:00:00Z", comment: ok}]
    approvals_expire_at: "2026-11-30T12:00:00Z"
    last_safe_at:
warnings:
  description: What O(cancel_change) leaves open, since it was open before the request.
  returned: when there is something
  type: list
  elements: str
calls:
  description: Number of API calls of this call.
  returned: when the API was used
  type: int
  sample: 4
steps:
  description: What was done, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["Approve work order wo-0a1b2c3d4e5f for www.example.com"]
failure:
  description: >-
    The failure for programs, with a stable C(code), C(details), Akamai's C(request_id) and C(retryable). Codes are
    V(own_request), V(approved_twice), V(wrong_state), V(time_passed), V(approval_expired), V(approval_void), V(frozen),
    with O(cancel_change) V(change_in_use), V(change_moved_on) and V(cancel_refused), and those of what is implemented.
  returned: on failure
  type: dict
  sample: {code: approved_twice, details: {}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.workflow import ACTIONS, plan
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker, ca_type_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_scripts import scripts_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import (
    key_provider_maker,
    probe_maker,
    target_maker,
)

_TEXT = {"type": "str"}

SPEC = {
    "request_id": _TEXT,
    "work_order_id": _TEXT,
    "action": {"type": "str", "required": True, "choices": list(ACTIONS)},
    "cancel_change": {"type": "bool", "default": False},
    "order_id": _TEXT,
    "at": _TEXT,
    "comment": _TEXT,
    "freeze_override": _TEXT,
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 1800},
}


def main() -> None:
    """Run the module."""
    wires = Wires(
        target=target_maker,
        key_provider=key_provider_maker,
        ca=ca_maker,
        ca_type=ca_type_maker,
        probe=probe_maker,
        scripts=scripts_maker,
    )
    run_module(SPEC, plan, "request", wires)


if __name__ == "__main__":
    main()
