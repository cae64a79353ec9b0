#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do what is due: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_lifecycle
short_description: Do everything that is due
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Does all that is due now, the certificate that ends next first. Scheduled approvals and implementations, requests
    and work orders that wait for CPS or a CA, automatic renewal and regeneration, automatic pushes of what was renewed,
    and leases that a run which was killed has left.
  - Run it by a schedule, as cron or AWX do. Nothing is done twice when two run at once; what another run is at waits.
  - One piece of work that goes wrong stops no other. The call fails when something went wrong that does not pass by
    itself, unless O(fail) says otherwise.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
options:
  only:
    description:
      - Kinds of work to do; all when left out.
    type: list
    elements: str
    choices: [approvals, implementations, retrievals, pushes, renewals, automatic_pushes, leases]
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

- name: Look at what renewals would be begun
  edgecert.clm.cert_lifecycle:
    only: [renewals]
  check_mode: true
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
    known, C(next_look_at).
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
  description: When the next thing is due; null when nothing is to come by itself.
  returned: always
  type: str
  sample: "2026-11-23T12:15:00Z"
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
from ansible_collections.edgecert.clm.plugins.module_utils._clm.lifecycle import plan
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker, ca_type_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_scripts import scripts_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import (
    key_provider_maker,
    probe_maker,
    target_maker,
)

SPEC = {
    "only": {"type": "list", "elements": "str", "choices": list(KINDS)},
    "limit": {"type": "int"},
    "budget": {"type": "int"},
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
    )
    run_module(SPEC, plan, None, wires)


if __name__ == "__main__":
    main()
