#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the store for devices: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: akamai_cps_device_info
short_description: List onboarded Akamai CPS devices
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Lists the devices in the store with their status and status log, as of the last look. Nothing is asked of Akamai.
extends_documentation_fragment:
  - edgecert.clm._attributes.info
  - edgecert.clm._store
options:
  name:
    description:
      - Only the device of that name.
    type: str
  data_center:
    description:
      - Only devices with that label.
    type: str
seealso:
  - module: edgecert.clm.akamai_cps_device
"""

EXAMPLES = r"""
- name: List the devices
  edgecert.clm.akamai_cps_device_info:
  register: found

- name: Show name and status of each
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.status }}"
  loop: "{{ found.devices }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
devices:
  description: The devices, ordered by name; members as in RV(edgecert.clm.akamai_cps_device#module:device).
  returned: success
  type: list
  elements: dict
  sample:
    - name: cps-main
      cert_sync: managed
      status: managed
      data_center: emea
      certificates: 3
  contains:
    certificates:
      description: Number of certificates of the device in the store.
      returned: always
      type: int
failure:
  description: The failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample: {code: store_missing, details: {}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.queries import plan_devices
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import run_module

SPEC = {"name": {"type": "str"}, "data_center": {"type": "str"}}


def main() -> None:
    """Run the module."""
    run_module(SPEC, plan_devices, None, reads_only=True)


if __name__ == "__main__":
    main()
