#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboard, change, look at and remove an Akamai CPS device: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: akamai_cps_device
short_description: Onboard an Akamai CPS account as a device
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Onboards, changes, validates and removes a device, which is one API credential's access to the Certificate
    Provisioning System (CPS) of one Akamai account.
  - Onboarding checks that the API is reached, that the credential is accepted, and that it has the grants that
    certificate life cycle management needs (CPS READ-WRITE, Contracts-API_Contracts, Property Manager READ); then it
    discovers the certificates. Each step leaves an entry in the device's status log.
  - Discovery takes two API calls for each contract and one more, however many enrollments there are.
  - An option left out keeps what is stored; an empty text or list clears it.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
options:
  name:
    description:
      - Name of the device, its key in the store.
    type: str
    required: true
  state:
    description:
      - V(present) onboards or changes the device.
      - V(absent) removes it, with the certificates that were only discovered on it. Nothing is changed at Akamai.
        Refused while certificates were enrolled on it here or application connectors push to it.
    type: str
    choices: [present, absent]
    default: present
  host:
    description:
      - Host of the API credential, as V(akab-xxxxxxxx.luna.akamaiapis.net), with an optional port; no scheme.
      - Not needed when it comes from O(edgerc) or the environment.
    type: str
  data_center:
    description:
      - Label to select devices by, as in the inventory plugin and M(edgecert.clm.akamai_cps_device_info).
    type: str
  proxy_required:
    description:
      - Whether the API is reached through a proxy only; O(proxy) must then be set. A proxy that is set is used in
        any case.
    type: bool
  proxy:
    description:
      - URL of the HTTP proxy for every call to this device, as V(http://proxy.example.com:3128). An empty text goes
        back to calls without one.
      - The proxy variables of the environment are not used. A password in the URL is sealed in the store and masked
        in results.
    type: str
  cert_sync:
    description:
      - V(managed) discovers certificates and allows to enroll and push.
      - V(monitored) discovers certificates and refuses everything that would change them.
      - V(ignored) fetches the configuration and discovers nothing; what was discovered before is hidden.
      - A new device is V(managed).
    type: str
    choices: [managed, monitored, ignored]
  client_token:
    description:
      - Client token of the API credential. Kept sealed in the store, like the other two parts, and never shown.
    type: str
  client_secret:
    description:
      - Client secret of the API credential.
    type: str
  access_token:
    description:
      - Access token of the API credential.
    type: str
  edgerc:
    description:
      - Credential file to read at each use, instead of storing the credential.
      - With neither this nor the tokens, a new device takes C(AKAMAI_HOST), C(AKAMAI_CLIENT_TOKEN),
        C(AKAMAI_CLIENT_SECRET) and C(AKAMAI_ACCESS_TOKEN) from the environment at each use.
    type: path
  section:
    description:
      - Section of the credential file; V(default) when left out.
    type: str
  api_version:
    description:
      - Version of the CPS API. Only V(cps/v2) is supported, and it is what a new device gets.
    type: str
  account_switch_key:
    description:
      - Account to act on, for credentials that may switch accounts.
    type: str
  contracts:
    description:
      - Contract ids to look at, with or without the C(ctr_) prefix. An empty list means every contract the
        credential sees, child contracts among them.
    type: list
    elements: str
  ca_path:
    description:
      - File with PEM certificates of the CAs that may sign the API's certificate, instead of the usual ones.
    type: path
  validate_certs:
    description:
      - Whether to verify the API's certificate. Turn it off in laboratories only.
    type: bool
  timeout:
    description:
      - Seconds to wait for a connection and for each answer, 1 to 600. A new device gets 60.
    type: int
  validate:
    description:
      - Whether to look at the device in this call. Discovery looks at it in any case.
    type: bool
    default: true
  discover:
    description:
      - V(changes) discovers certificates by what the lists say.
      - V(full) also fetches the PEM of certificates that are not in the store yet, with one call more for each.
      - V(none) discovers nothing.
      - An enrollment that cannot be read is told of in RV(discovery) and the status log, and the others are kept. What
        is gone at Akamai is kept as C(vanished), and is C(issued) again when it is back; what a contract holds that
        cannot be read any more stays as it was.
    type: str
    choices: [none, changes, full]
    default: changes
  history:
    description:
      - Whether a discovery also reads what each enrollment served before, with one call for each enrollment whose
        live certificate changed since its history was read.
      - Earlier certificates are put into the store as C(superseded), each with the ids of its C(parent) and
        C(successor).
    type: bool
    default: false
  budget:
    description:
      - API calls of this call, at least 1, after which no further enrollment is read by itself. That is one call for
        each enrollment, for the PEM of O(discover=full), for O(history), and where the account is refused the list of
        live certificates. The lists of contracts and enrollments are read in any case.
      - The next call goes on where this one stopped; RV(discovery) counts what is left. The default is no such limit.
    type: int
seealso:
  - module: edgecert.clm.akamai_cps_device_info
  - plugin: edgecert.clm.akamai_cps
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Onboard a device with a section of a credential file
  edgecert.clm.akamai_cps_device:
    name: cps-main
    edgerc: "{{ lookup('ansible.builtin.env', 'EDGECERT_EDGERC') | default('~/.edgerc', true) }}"
    section: default
    ca_path: "{{ lookup('ansible.builtin.env', 'EDGECERT_CA_PATH') | default(omit, true) }}"
    data_center: emea

- name: Look at the device again, discover nothing
  edgecert.clm.akamai_cps_device:
    name: cps-main
    discover: none

- name: Fetch PEM and history of a large account bit by bit, a thousand calls each time this runs
  edgecert.clm.akamai_cps_device:
    name: cps-main
    discover: full
    history: true
    budget: 1000

- name: Only watch its certificates from now on
  edgecert.clm.akamai_cps_device:
    name: cps-main
    cert_sync: monitored

- name: Remove the device from the store
  edgecert.clm.akamai_cps_device:
    name: cps-main
    state: absent
"""

RETURN = r"""
device:
  description: The device as stored, or as it would be in check mode; null once removed.
  returned: always, but for failures before the device was looked at
  type: dict
  sample:
    name: cps-main
    cert_sync: managed
    status: managed
    host: ""
    data_center: emea
    proxy_required: false
    proxy:
    api_version: cps/v2
    credential:
      source: edgerc
      edgerc: ~/.edgerc
      section: default
      client_token_set: false
      client_secret_set: false
      access_token_set: false
    account_switch_key: ""
    contracts: []
    ca_path: ""
    validate_certs: true
    timeout: 60
    status_log:
      - name: Device communication
        result: ok
        at: "2026-11-23T12:00:00Z"
        since: "2026-11-23T12:00:00Z"
        duration_ms: 84
        detail: a signed call was answered
    instance: {contracts: [C-1], account_id: A-1}
    discovery:
      enrollments: 3
      vanished: 0
      unreadable: 0
      unreadable_ids: []
      unread: 0
      resume: ""
      calls: 3
      at: "2026-11-23T12:00:01Z"
    checked_at: "2026-11-23T12:00:00Z"
    created_at: "2026-11-23T12:00:01Z"
    updated_at: "2026-11-23T12:00:01Z"
  contains:
    status:
      description: >-
        V(managed), V(monitored) or V(ignored) when the last look succeeded; V(failed) when something answered and
        refused; V(unresolved) when the name does not resolve or nothing answers.
      returned: always
      type: str
    status_log:
      description: >-
        The last look in four entries, Device communication, Device Version, Instance Information, Certificate
        Discovery From Device, each with its result (V(ok), V(warning), V(failed), V(skipped)), time, duration and
        detail.
      returned: always
      type: list
      elements: dict
    credential:
      description: Where the credential comes from, and which parts of it are stored; never the parts themselves.
      returned: always
      type: dict
    discovery:
      description: Counts, time and API calls of the last discovery.
      returned: always
      type: dict
discovery:
  description: >-
    What this call's discovery found, in counts, with the number of API calls it took. C(unreadable) enrollments are
    told of in C(notes) and were passed over. C(unread) ones are read by later calls, as those counted by C(pems_left)
    and C(histories_left). C(fetched) counts the PEM stored, C(former) the earlier certificates found.
  returned: when certificates were discovered
  type: dict
  sample:
    enrollments: 3
    added: 3
    changed: 0
    unchanged: 0
    vanished: 0
    unreadable: 0
    unread: 0
    fetched: 0
    pems_left: 0
    former: 0
    histories_left: 0
    notes: []
    calls: 3
warnings_found:
  description: What works only in part, a sentence each with what to grant or set.
  returned: when the device was looked at
  type: list
  elements: str
  sample: []
calls:
  description: Number of API calls of this call.
  returned: when the API was used
  type: int
  sample: 5
steps:
  description: What was changed, or would be in check mode, a sentence each.
  returned: when the call could be planned
  type: list
  elements: str
  sample: ["Onboard device cps-main as managed"]
failure:
  description: The failure for programs, with a stable C(code), C(details), Akamai's C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample: {code: device_unresolved, details: {problems: ["..."]}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.devices import plan
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import DISCOVER_MODES, SYNC_MODES
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import target_maker

SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "host": {"type": "str"},
    "data_center": {"type": "str"},
    "proxy_required": {"type": "bool"},
    "proxy": {"type": "str", "no_log": True},
    "cert_sync": {"type": "str", "choices": list(SYNC_MODES)},
    "client_token": {"type": "str", "no_log": True},
    "client_secret": {"type": "str", "no_log": True},
    "access_token": {"type": "str", "no_log": True},
    "edgerc": {"type": "path"},
    "section": {"type": "str"},
    "api_version": {"type": "str"},
    "account_switch_key": {"type": "str", "no_log": False},
    "contracts": {"type": "list", "elements": "str"},
    "ca_path": {"type": "path"},
    "validate_certs": {"type": "bool"},
    "timeout": {"type": "int"},
    "validate": {"type": "bool", "default": True},
    "discover": {"type": "str", "choices": list(DISCOVER_MODES), "default": "changes"},
    "history": {"type": "bool", "default": False},
    "budget": {"type": "int"},
}


def main() -> None:
    """Run the module."""
    run_module(SPEC, plan, "device", Wires(target=target_maker))


if __name__ == "__main__":
    main()
