#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do what is due: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_lifecycle
short_description: Do everything that is due, or replace many certificates
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Does all that is due now, the certificate that ends next first. Scheduled approvals and implementations, requests
    and work orders that wait for CPS or a CA, automatic renewal and regeneration, automatic pushes of what was renewed,
    leases that a run which was killed has left, and what CAs have revoked or put on hold, which they are asked first.
  - Run it by a schedule, as cron or AWX do. Nothing is done twice when two run at once; what another run is at waits.
  - One piece of work that goes wrong stops no other. The call fails when something went wrong that does not pass by
    itself, unless O(fail) says otherwise.
  - With O(action=replace) it replaces many certificates instead, as all that one CA account signed, by others of the
    same or of another account. Check mode gives the whole plan. Run it again, by a schedule or by hand, until nothing
    is left; each run goes on where the one before came to, and no certificate is ordered twice.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._replacement
  - edgecert.clm._store
options:
  action:
    description:
      - V(due) does what is due. V(replace) begins the O(replacement), or goes on with it.
      - V(stop) lets no run begin another certificate of it; what is begun goes on. V(abort) does so for good, and
        cancels its requests that wait for approval or their time.
    type: str
    choices: [due, replace, stop, abort]
    default: due
  comment:
    description: Why it is stopped, aborted or taken up, for the audit.
    type: str
  only:
    description:
      - Kinds of work to do; all when left out.
      - V(revocation_checks) asks CAs, by OCSP and CRLs, about certificates that name those, as often as their group
        says. What could not be told fails nothing and is kept, for C(revocation) of M(edgecert.clm.cert_info).
    type: list
    elements: str
    choices:
      [approvals, implementations, retrievals, pushes, renewals, automatic_pushes, leases, revocation_checks]
  limit:
    description:
      - Pieces of work to do at most. The rest is told as waiting.
    type: int
  budget:
    description:
      - API calls after which nothing new is begun. A piece of work that is begun is done as far as it goes, so a few
        more may be made.
    type: int
  until:
    description:
      - Time until which the call goes on, sleeping until the next thing is due, in ISO 8601; without an offset it is
        UTC. Left out, it does what is due now and ends.
    type: str
  certificate:
    description:
      - Ids of the certificates whose work is done; all when left out.
    type: list
    elements: str
    version_added: 0.1.0
  wait_timeout:
    description:
      - Seconds for which the call goes on, instead of O(until). It ends before when nothing comes by itself until then.
    type: int
    version_added: 0.1.0
  round:
    description:
      - Seconds after which the call returns all the same, so that a playbook can say how far it is. Goes with O(until)
        or O(wait_timeout). While RV(is_over) is false, call it again with RV(until) as O(until) to go on. With
        O(action=replace), leave O(replacement.retry_failed) and O(replacement.resume) out then, which hold for a call.
    type: int
    version_added: 0.1.0
  fail:
    description:
      - Whether the call fails when a piece of work failed. The result tells all the same what was done.
    type: bool
    default: true
attributes:
  idempotent:
    support: partial
    description: When nothing is due, nothing is changed; what is due depends on the time.
seealso:
  - module: edgecert.clm.cert_workflow
  - module: edgecert.clm.cert_group
"""

EXAMPLES = r"""
- name: Do what is due, as a schedule does every quarter of an hour
  edgecert.clm.cert_lifecycle:
    budget: 200
  register: due

- name: Say when to look again
  ansible.builtin.debug:
    msg: "{{ due.done | length }} done, {{ due.waiting | length }} waiting, next at {{ due.next_due_at }}"

- name: Go on with what one certificate has under way, a minute at a time
  edgecert.clm.cert_lifecycle:
    certificate: [www.example.com]
    only: [retrievals, pushes]
    wait_timeout: 1800
    round: 60
  register: followed

- name: Say how far it is
  ansible.builtin.debug:
    msg: "{{ item.certificate }} is {{ item.label }} since {{ item.since }}; next: {{ item.next }}"
  loop: "{{ followed.waiting }}"
  when: not followed.is_over

- name: Look at what renewals would be begun
  edgecert.clm.cert_lifecycle:
    only: [renewals]
  check_mode: true

- name: Plan to replace all certificates of a CA account by others of another account
  edgecert.clm.cert_lifecycle:
    action: replace
    replacement:
      name: incident-4711
      select:
        ca: [old-ca]
      to_ca: own-ca
  check_mode: true
  register: planned

- name: Say what it takes
  ansible.builtin.debug:
    msg:
      - "{{ planned.replacement.counts }}"
      - "{{ planned.replacement.calls }} API calls, {{ planned.replacement.hours }} hours"

- name: Begin it, or go on with it, five at once
  edgecert.clm.cert_lifecycle:
    action: replace
    replacement:
      name: incident-4711
      select:
        ca: [old-ca]
      to_ca: own-ca
      batch: 5
      per_hour: 20
      max_orders: 100
    fail: false

- name: Stop it
  edgecert.clm.cert_lifecycle:
    action: stop
    replacement:
      name: incident-4711
    comment: The CA has withdrawn its notice
"""

RETURN = r"""
done:
  description: >-
    What was done, or would be begun in check mode; each with its C(kind), its C(request_id), C(work_order_id) or other
    record, C(certificate), the state C(from) which and the C(state) to which it moved, and a C(message).
  returned: always
  type: list
  elements: dict
  sample:
    - kind: renewals
      request_id: req-0a1b2c3d4e5f
      certificate: www.example.com
      from: ""
      state: issued
      message: ""
waiting:
  description: >-
    What is open and waits for CPS, a CA, its time or a person, each with a C(reason), a C(message) and, where it is
    known, C(next_look_at). Of a request or work order that was moved or looked at also its C(state) and C(label),
    C(since) when it has that, what comes C(next), and whether it C(is_moving), which is by itself. What was put off
    has the C(failure), too, as other modules return it.
  returned: always
  type: list
  elements: dict
  sample: []
failures:
  description: What went wrong, each with a C(reason), a C(message) and the C(failure) as other modules return it.
  returned: always
  type: list
  elements: dict
  sample: []
next_due_at:
  description: >-
    When the next thing is due, CAs asked again among it; null when nothing is to come by itself. With O(until) it is
    not gone on for asking CAs alone.
  returned: always
  type: str
  sample: "2026-11-23T12:15:00Z"
at:
  description: When the call ended, or would in check mode, by the clock of who ran it; UTC.
  returned: success
  type: str
  sample: "2026-11-23T12:00:00Z"
until:
  description: Time until which it goes on, also when that was given as O(wait_timeout); null when it does not.
  returned: success
  type: str
  sample: "2026-11-23T12:30:00Z"
is_over:
  description: >-
    Whether there is nothing more to wait for until then. False when O(round) ended the call before.
  returned: success
  type: bool
  sample: true
revocation_checks:
  description: Number of certificates that CAs were asked about.
  returned: when O(action=due)
  type: int
  sample: 3
replacement:
  description: >-
    The replacement with all of its certificates in their order, each with a C(status), C(why) and the request. In check
    mode each that can be replaced has its C(to_ca), C(calls), C(ca_orders) and C(approvals), and their sums and the
    hours are told; C(calls) are those until it is issued and pushed to where the present one is.
  returned: with another O(action) than V(due)
  type: dict
  sample:
    name: incident-4711
    state: running
    select: {ca: [old]}
    to_ca: new
    ca_options:
    renewal: renew
    validity:
    started_at: "2026-11-23T12:00:00Z"
    counts: {to_do: 1, under_way: 0, replaced: 0, failed: 0, busy: 0, impossible: 0}
    certificates:
      - certificate: www.example.com
        status: to_do
        why: ""
        request_id:
        state:
        ca: old
        device: edge
        networks: [staging, production]
        ends_at: "2027-02-23T12:00:00Z"
        to_ca: new
        calls: {at_least: 11, at_most: 27}
        ca_orders: 1
        approvals: {enroll: 0, push: 2}
    calls: {at_least: 11, at_most: 27}
    hours: {at_rate_limits: 0.01, at_pace: null, at_least: 0.01}
    ca_orders: {placed: 0, ahead: 1, most: null}
    approvals: {enroll: 0, push: 2}
  contains:
    state:
      description: C(running), C(stopped) or C(aborted).
      returned: always
      type: str
    counts:
      description: >-
        Certificates by status. C(busy) are those that another request is open for, C(impossible) those that cannot be
        replaced; after a run only those that it tried.
      returned: always
      type: dict
    hours:
      description: >-
        Hours that the calls take within the rate limits of each device, those at O(replacement.per_hour), and the more
        of both. What CPS, CAs and people take comes on top.
      returned: always
      type: dict
calls:
  description: Number of API calls of this call.
  returned: always
  type: int
  sample: 12
steps:
  description: What was done, or would be in check mode, a sentence each.
  returned: always
  type: list
  elements: str
  sample: ["Record request req-0a1b2c3d4e5f to renew www.example.com"]
failure:
  description: The first failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample: {code: work_failed, details: {failed: 1}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.due import KINDS
from ansible_collections.edgecert.clm.plugins.module_utils._clm.lifecycle import DUE, plan
from ansible_collections.edgecert.clm.plugins.module_utils._clm.replacement import ORDERS
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import VALIDITY_UNITS
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker, ca_type_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_revocation import documents_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_scripts import scripts_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import (
    key_provider_maker,
    probe_maker,
    target_maker,
)

_TEXT = {"type": "str"}
_NUMBER = {"type": "int"}
_FLAG = {"type": "bool", "default": False}
_NAME = {"type": "str", "required": True}
_WINDOW = {
    "name": _NAME,
    **dict.fromkeys(("starts_at", "ends_at", "from", "until", "time_zone"), _TEXT),
    "weekdays": {"type": "list", "elements": "str"},
}
_VALIDITY = {
    "count": {"type": "int", "required": True},
    "unit": {"type": "str", "choices": list(VALIDITY_UNITS)},
    "at_most": {"type": "bool"},
}
_REPLACEMENT = {
    "name": _NAME,
    "select": {"type": "dict"},
    "to_ca": _TEXT,
    "ca_options": {"type": "dict"},
    "renewal": {"type": "str", "choices": ["renew", "regenerate"]},
    "validity": {"type": "dict", "options": _VALIDITY},
    "order_by": {"type": "list", "elements": "str", "choices": list(ORDERS)},
    "importance": _TEXT,
    **dict.fromkeys(("batch", "max_orders", "per_hour"), _NUMBER),
    "windows": {"type": "list", "elements": "dict", "options": _WINDOW},
    "retry_failed": _FLAG,
    "resume": _FLAG,
}
SPEC = {
    "action": {"type": "str", "choices": [DUE, "replace", "stop", "abort"], "default": DUE},
    "replacement": {"type": "dict", "options": _REPLACEMENT},
    "comment": _TEXT,
    "only": {"type": "list", "elements": "str", "choices": list(KINDS)},
    "certificate": {"type": "list", "elements": "str"},
    **dict.fromkeys(("limit", "budget", "wait_timeout", "round"), _NUMBER),
    "until": {"type": "str"},
    "fail": {"type": "bool", "default": True},
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
        documents=documents_maker,
    )
    run_module(SPEC, plan, None, wires)


if __name__ == "__main__":
    main()
