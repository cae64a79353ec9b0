#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the store and care for it: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: clm_store
short_description: Make and care for the store
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Makes the store, brings it to the schema of this version of the collection, verifies its audit, and describes it.
  - A store is made by itself at first use; V(init) does it ahead of time, for example with the rights of an
    administrator.
  - A store made by an older version is not changed by itself. Take a backup, then use V(migrate).
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
options:
  action:
    description:
      - V(init) makes the store where there is none.
      - V(migrate) brings an older store to the present schema. There is no way back but a backup.
      - V(verify) recomputes the hash chain of the audit and fails when a line was changed, removed or put in.
      - V(info) describes the store.
    type: str
    choices: [init, migrate, verify, info]
    required: true
seealso:
  - module: edgecert.clm.cert_info
"""

EXAMPLES = r"""
- name: Make the store
  edgecert.clm.clm_store:
    action: init

- name: Verify the audit
  edgecert.clm.clm_store:
    action: verify

- name: Bring a store to the present schema
  edgecert.clm.clm_store:
    action: migrate
"""

RETURN = r"""
store:
  description: The store as it is, or would be in check mode.
  returned: success, and when the audit does not verify
  type: dict
  sample:
    url: sqlite:////var/lib/edgecert/clm.db
    backend: sqlite
    schema: 1
    records: {devices: 1, certificates: 3, requests: 1, audit: 12}
  contains:
    url:
      description: URL of the store; a password in it is masked.
      returned: always
      type: str
    backend:
      description: V(sqlite) or V(postgresql).
      returned: always
      type: str
    schema:
      description: Number of its schema.
      returned: always
      type: int
    records:
      description: Number of records by kind.
      returned: always
      type: dict
problems:
  description: The broken places of the audit, a sentence each.
  returned: when O(action=verify)
  type: list
  elements: str
  sample: []
steps:
  description: What was changed, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["Create the store sqlite:////var/lib/edgecert/clm.db at schema 1"]
failure:
  description: The failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample: {code: store_needs_migration, details: {schema: 1, newest: 2}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.store_care import ACTIONS, plan
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run_store import run_store_module

SPEC = {"action": {"type": "str", "choices": list(ACTIONS), "required": True}}


def main() -> None:
    """Run the module."""
    run_store_module(SPEC, plan, "store")


if __name__ == "__main__":
    main()
