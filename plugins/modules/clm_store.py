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
  - Makes the store, brings it to the schema of this version of the collection, verifies and exports its audit,
    describes it, takes and restores backups, and changes its key.
  - A store is made by itself at first use; V(init) does it ahead of time, for example with the rights of an
    administrator.
  - A store made by an older version is not changed by itself. Take a backup, then use V(migrate).
  - A backup is one file, the same for both back ends. It may be taken while others work with the store, also from a
    store that waits for its migration, and restored into either back end.
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
      - V(backup) writes what the store holds at one moment to O(path), secrets as they are sealed. The store key is
        not in it; keep it too, and elsewhere. Leases and the count of API calls stay out.
      - V(restore) puts a backup in place of everything in the store, which is made where there is none, in one
        transaction. The backup's audit is verified before, and its secrets must open with the store key given. A
        backup of an older schema is migrated on the way; the file itself is not changed.
      - V(rekey) seals the store with another key. Give the present key as always, and the new one as
        O(new_store_key) or O(new_store_key_file). An SQLite store that keeps its own key file needs none, it makes
        a random one; its key file is replaced and the one before kept beside it as C(.old).
      - V(export_audit) writes the audit to O(path), one JSON object a line, for others to verify.
    type: str
    choices: [init, migrate, verify, info, backup, restore, rekey, export_audit]
    required: true
  path:
    description:
      - File to write, or for O(action=restore) to read, on the machine where the module runs. It is written whole
        or not at all, with mode 0600.
      - Required for V(backup), V(restore) and V(export_audit).
    type: path
  force:
    description:
      - Overwrite the file at O(path), or for O(action=restore) a store that holds something.
    type: bool
    default: false
  since:
    description:
      - Export only the lines after this one, as a former export returned it in RV(store.file.last).
    type: int
  new_store_key:
    description:
      - Key to seal the store with from now on; 32 bytes in base64 or hex, or any other text.
    type: str
  new_store_key_file:
    description:
      - File that holds the new key, instead of O(new_store_key); its mode must be 0600.
    type: path
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

- name: Change the key of a store that keeps its own key file
  edgecert.clm.clm_store:
    action: rekey

- name: Take a backup
  edgecert.clm.clm_store:
    action: backup
    path: "{{ lookup('ansible.builtin.env', 'EDGECERT_BACKUPS') }}/clm.backup"

- name: Put it back, in place of what the store holds now
  edgecert.clm.clm_store:
    action: restore
    path: "{{ lookup('ansible.builtin.env', 'EDGECERT_BACKUPS') }}/clm.backup"
    force: true

- name: Export the audit after the line that was exported last
  edgecert.clm.clm_store:
    action: export_audit
    path: "{{ lookup('ansible.builtin.env', 'EDGECERT_BACKUPS') }}/audit.jsonl"
    since: 0
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
    file:
      description: The file that was written or read.
      returned: when O(action) is V(backup), V(restore) or V(export_audit)
      type: dict
      sample: {path: /var/backups/audit.jsonl, lines: 12, last: 12}
      contains:
        path:
          description: Where it is.
          returned: always
          type: str
        schema:
          description: Number of the schema that the backup is of.
          returned: when O(action) is V(backup) or V(restore)
          type: int
        records:
          description: Number of records in the backup by kind.
          returned: when O(action) is V(backup) or V(restore)
          type: dict
        taken_at:
          description: When the backup was taken, in UTC.
          returned: when O(action=restore)
          type: str
        lines:
          description: Number of lines of the export.
          returned: when O(action=export_audit)
          type: int
        last:
          description: Number of the last line of the audit that was exported, now or before.
          returned: when O(action=export_audit)
          type: int
notice:
  description: What to keep in mind about the store key.
  returned: when O(action=backup) or O(action=rekey)
  type: str
  sample: From now on give the new key; backups taken until now need the one before, so keep it with them.
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

SPEC = {
    "action": {"type": "str", "choices": list(ACTIONS), "required": True},
    "path": {"type": "path"},
    "force": {"type": "bool", "default": False},
    "since": {"type": "int"},
    "new_store_key": {"type": "str", "no_log": True},
    "new_store_key_file": {"type": "path", "no_log": False},
}


def main() -> None:
    """Run the module."""
    run_store_module(SPEC, plan, "store")


if __name__ == "__main__":
    main()
