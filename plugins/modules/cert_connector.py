#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say where a certificate goes: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_connector
short_description: Add an application connector to a certificate
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Adds, changes and removes an application connector, which says to which devices a certificate is pushed.
  - A certificate can be pushed only when it has one. Nothing is sent to Akamai by this module, and no script is run.
  - An option left out keeps what is stored; an empty text clears it.
  - In its pushes, O(warnings) go before those of the certificate's group, except that what the group blocks stays
    blocked, and what a push itself decides goes before both.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
  - edgecert.clm._warnings
options:
  certificate:
    description:
      - Id of the certificate.
    type: str
    required: true
  name:
    description:
      - Name of the application connector, unique for the certificate.
    type: str
    required: true
  state:
    description:
      - V(absent) removes the application connector. Refused while a work order goes through it.
    type: str
    choices: [present, absent]
    default: present
  description:
    description:
      - Description.
    type: str
  devices:
    description:
      - Names of the devices to push to. All must be managed, and the one that holds the certificate's key must be
        among them.
    type: list
    elements: str
  certificate_type:
    description:
      - Format in which the certificate is pushed. CPS takes V(pem) only, which is also the default; another value is
        refused.
    type: str
  private_key_in_device:
    description:
      - Whether the private key is in the device. With CPS it always is; V(false) is refused.
    type: bool
  push_chain:
    description:
      - Whether the chain is pushed along. CPS deploys a certificate only together with it; V(false) is refused.
      - The chain is the intermediates. The root is never sent, because CPS warns about a root in the chain, and
        clients that trust it have it.
    type: bool
  script_location:
    description:
      - Where the scripts are. V(controller) means the script library of the host that runs this module, which is the
        folder in the environment variable E(EDGECERT_SCRIPT_LIBRARY), else C(edgecert/scripts) in the user's data
        directory. V(device) means any folder of the host that runs the task; CPS itself runs no scripts.
      - A new application connector has V(controller).
    type: str
    choices: [controller, device]
  pre_push_script:
    description:
      - Script that is run before anything of a push is sent. When it fails, the push stops.
      - Name it relative to the script library with O(script_location=controller), by its absolute path with
        O(script_location=device). It must exist, be executable, and be writable by its owner and group alone; this is
        looked at when this option, O(post_push_script) or O(script_location) is given, and again before each push.
      - What scripts are told and how they are run is in the guide about scripts.
    type: str
  post_push_script:
    description:
      - Script that is run after a push, named as O(pre_push_script). When it fails, this is reported; the push stays.
    type: str
  script_timeout:
    description:
      - Time limit of each script in seconds, from 1 to 3600. A script that takes longer is ended and has failed.
      - A new application connector has V(60).
    type: int
  push_automatically:
    description:
      - Whether a renewed or regenerated certificate is pushed without being asked for. It has an effect only when the
        certificate's group allows it, too; the result says whether it has.
      - A new application connector has V(false).
    type: bool
  automatic_network:
    description:
      - How far a push goes that nobody is asked about. With V(production) the certificate is proved on staging, goes on
        to production and is proved there. It goes so far only when the certificate's group says so, too; the result
        says how far it goes.
      - A new application connector has V(staging).
    type: str
    choices: [staging, production]
seealso:
  - module: edgecert.clm.cert_push
"""

EXAMPLES = r"""
- name: Push the certificate to the device that holds its key
  edgecert.clm.cert_connector:
    certificate: www.example.com
    name: edge
    description: Akamai edge
    devices:
      - cps-main

- name: Check before each push, and tell others after it
  edgecert.clm.cert_connector:
    certificate: www.example.com
    name: edge
    pre_push_script: check-change-calendar
    post_push_script: tell-the-team
    script_timeout: 120

- name: Acknowledge in its pushes what this site's CA brings along, and nothing about names
  edgecert.clm.cert_connector:
    certificate: www.example.com
    name: edge
    warnings:
      allow: [CERTIFICATE_ADDED_TO_TRUST_CHAIN]
      block: ["re:^SAN name"]

- name: Run nothing after a push any more
  edgecert.clm.cert_connector:
    certificate: www.example.com
    name: edge
    post_push_script: ""

- name: Push by itself what was renewed, as far as the group allows it
  edgecert.clm.cert_connector:
    certificate: www.example.com
    name: edge
    push_automatically: true
    automatic_network: production

- name: Remove the application connector
  edgecert.clm.cert_connector:
    certificate: www.example.com
    name: edge
    state: absent
"""

RETURN = r"""
connector:
  description:
    - The application connector as stored, or as it would be in check mode; null once removed.
    - In it, C(push_automatically_effective) is true when it is to push automatically and the certificate's group
      allows that, and C(automatic_network_effective) says to which network then; it is empty for none.
  returned: success
  type: dict
  sample:
    certificate: www.example.com
    name: edge
    description: Akamai edge
    category: Server
    vendor: Akamai CPS
    devices: [cps-main]
    certificate_type: pem
    private_key_in_device: true
    push_chain: true
    script_location: controller
    pre_push_script: check-change-calendar
    post_push_script: tell-the-team
    script_timeout: 120
    push_automatically: true
    push_automatically_effective: false
    automatic_network: staging
    automatic_network_effective: ""
    warnings: {allow: [CERTIFICATE_ADDED_TO_TRUST_CHAIN], ask: [], block: ["re:^SAN name"]}
    created_at: "2026-11-23T12:00:00Z"
    updated_at: "2026-11-23T12:00:00Z"
steps:
  description: What was changed, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["Add application connector edge of www.example.com to cps-main"]
failure:
  description: The failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample: {code: device_not_managed, details: {device: cps-main}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.connectors import plan
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_scripts import scripts_maker

_TEXTS = {"type": "list", "elements": "str"}

SPEC = {
    "certificate": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "description": {"type": "str"},
    "devices": {"type": "list", "elements": "str"},
    "certificate_type": {"type": "str"},
    "private_key_in_device": {"type": "bool", "no_log": False},
    "push_chain": {"type": "bool"},
    "script_location": {"type": "str", "choices": ["controller", "device"]},
    "pre_push_script": {"type": "str"},
    "post_push_script": {"type": "str"},
    "script_timeout": {"type": "int"},
    "push_automatically": {"type": "bool"},
    "automatic_network": {"type": "str", "choices": ["staging", "production"]},
    "warnings": {"type": "dict", "options": dict.fromkeys(("allow", "ask", "block"), _TEXTS)},
}


def main() -> None:
    """Run the module."""
    run_module(SPEC, plan, "connector", Wires(scripts=scripts_maker))


if __name__ == "__main__":
    main()
