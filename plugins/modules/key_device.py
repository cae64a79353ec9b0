#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep and test a device that makes keys: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: key_device
short_description: Keep a device that makes keys, an HSM or an ADC
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Adds, changes, tests and removes a device on which private keys are made and stay.
  - The type V(pkcs11) is a token of a hardware security module (HSM), or of SoftHSM, behind the vendor's PKCS#11
    module.
  - The types V(f5_bigip) and V(netscaler) are application delivery controllers (ADC), which make key and CSR themselves
    when they are asked through their REST APIs.
  - Secrets are sealed in the store and never shown.
  - The guide on keys in an HSM has a walk-through, and the failures with what to do; the guide on keys on a controller
    tells what was proved against what, and what never ran against a real device.
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
      - V(absent) removes the device and the secrets it holds; keys on the device itself stay. Refused while requests
        wait for it, and while a certificate has its key there.
    type: str
    choices: [present, absent]
    default: present
  type:
    description:
      - Which kind of device. Needed when it is added, and not to be changed later.
    type: str
    choices: [f5_bigip, netscaler, pkcs11]
  options:
    description:
      - The device's own options; an option left out keeps what is stored, an empty text clears it. An unknown one is an
        error that lists those there are.
      - V(pkcs11) takes C(module_path), the vendor's PKCS#11 module on the machine that runs the task; the token by one
        or more of C(token_label), C(token_serial) and C(slot) (the slot's number, which many vendors give anew at each
        start); C(pin_env), the name of an environment variable that holds the user PIN, where it is not to be kept in
        the store; and C(library_environment), variables that the vendor's module reads, as where its configuration is.
      - V(f5_bigip) and V(netscaler) take C(host), the device's management, with an optional port; C(ca_path), a file of
        PEM CA certificates to check its certificate with; C(validate_certs) (V(true)); C(timeout) in seconds (V(60));
        C(proxy), the URL of an HTTP proxy without a password; and C(user_env), C(password_env) and C(token_env), names
        of environment variables that hold what is not to be kept in the store.
      - V(f5_bigip) takes also C(partition) (V(Common)); C(login_provider) (V(tmos)); C(security_type), V(normal),
        V(fips) or V(nethsm); and C(save_config) (V(true)), whether to save the running configuration after making a
        key, without which a restart forgets the key.
      - V(netscaler) takes also C(directory) (V(/nsconfig/ssl)), and C(san_separator), V(comma) or V(blank), what stands
        between the names of a CSR.
    type: dict
  secrets:
    description:
      - The device's own secret options; one left out keeps what is stored, an empty text clears it.
      - V(pkcs11) takes C(pin), the token's user PIN.
      - V(f5_bigip) and V(netscaler) take C(user) and C(password), or C(token) of a session that is open; and
        C(proxy_url), the URL of an HTTP proxy with user and password in it.
    type: dict
  test:
    description:
      - Whether to test the device, that it can be reached, logged in to, and can make keys. Nothing is made. The PIN is
        tried once, also where an earlier run was refused with it.
      - The device is stored whatever the test finds, for a unit on standby or a token without one kind of key may be
        just what is wanted. Hold RV(checks) against what is needed, as in the examples.
    type: bool
    default: false
seealso:
  - module: edgecert.clm.cert_enroll
"""

EXAMPLES = r"""
- name: Keep a token of SoftHSM
  edgecert.clm.key_device:
    name: hsm
    type: pkcs11
    options:
      module_path: "{{ lookup('ansible.builtin.env', 'CLM_PKCS11_MODULE', default='/usr/lib/softhsm/libsofthsm2.so') }}"
      token_label: clm
    secrets:
      pin: "{{ lookup('ansible.builtin.env', 'CLM_TOKEN_PIN') }}"

- name: Test it
  edgecert.clm.key_device:
    name: hsm
    test: true
  register: tested

- name: Go no further unless it can make and use RSA keys
  ansible.builtin.assert:
    that:
      - tested.checks | selectattr("name", "in", ["token", "RSA keys", "login"]) | map(attribute="passed") is all

- name: Take the PIN from the environment of each run from now on
  edgecert.clm.key_device:
    name: hsm
    options:
      pin_env: CLM_TOKEN_PIN
    secrets:
      pin: ""

- name: Keep a BIG-IP
  edgecert.clm.key_device:
    name: lb1
    type: f5_bigip
    options:
      host: lb1.example.com
      ca_path: /etc/pki/lb-ca.pem
    secrets:
      user: clm
      password: "{{ lookup('ansible.builtin.env', 'LB1_PASSWORD') }}"

- name: Keep a NetScaler
  edgecert.clm.key_device:
    name: ns1
    type: netscaler
    options:
      host: ns1.example.com
      ca_path: /etc/pki/lb-ca.pem
      password_env: CLM_NS1_PASSWORD
    secrets:
      user: clm

- name: Remove it; its keys stay in the token
  edgecert.clm.key_device:
    name: hsm
    state: absent
"""

RETURN = r"""
key_device:
  description: The device as stored, or as it would be in check mode; null once removed.
  returned: success
  type: dict
  sample:
    name: hsm
    type: pkcs11
    kind: hsm
    options:
      module_path: /usr/lib/softhsm/libsofthsm2.so
      token_label: clm
    secrets_set: true
    abilities:
      key_types: [rsa, ec, ed25519]
      key_sizes: [2048, 3072, 4096, 8192]
      curves: [secp256r1, secp384r1, secp521r1]
      hashes: [sha256, sha384, sha512]
      san_types: [dns, ip, email, uri, other, directory]
      can_challenge: true
      can_reuse: true
    created_at: "2026-11-23T12:00:00Z"
    updated_at: "2026-11-23T12:00:00Z"
  contains:
    kind:
      description: Under which O(edgecert.clm.cert_enroll#module:csr_source) a request names it, V(hsm) or V(adc).
      returned: unless removed
      type: str
    abilities:
      description: What it can make at most; what a token has no mechanism for is told by O(test=true).
      returned: unless removed
      type: dict
    secrets_set:
      description: Whether secrets are stored for it.
      returned: always
      type: bool
checks:
  description: What the test found, a line each.
  returned: when O(test=true)
  type: list
  elements: dict
  sample: [{name: login, passed: true, detail: "the user PIN is right"}]
steps:
  description: What was changed, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["Add key device hsm (pkcs11)"]
failure:
  description: The failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample: {code: token_not_found, details: {tokens: ["spare (serial 1f2e)"]}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.key_devices import plan
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_keys import (
    key_device_maker,
    key_device_type_maker,
)

SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "type": {"type": "str", "choices": ["f5_bigip", "netscaler", "pkcs11"]},
    # What does not belong here may be pasted here all the same; see MIXED_OPTIONS.
    "options": {"type": "dict", "no_log": True},
    "secrets": {"type": "dict", "no_log": True},
    "test": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    run_module(SPEC, plan, "key_device", Wires(key_device=key_device_maker, key_device_type=key_device_type_maker))


if __name__ == "__main__":
    main()
