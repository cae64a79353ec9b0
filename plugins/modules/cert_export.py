#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export a certificate, and its key where that is here: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_export
short_description: Export a certificate and its private key into a file
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Writes a certificate, its chain and its private key into a file that only its owner may read, mode C(0600). The
    file appears whole or not at all, and never takes the place of another one unless O(force) says so.
  - A private key is to be had only where it was made here, with O(edgecert.clm.cert_enroll#module:csr_source=local).
    Any other one stays where it is; certificate and chain can be exported all the same.
  - Each export is in the audit, with who made it, of what and where to, before the file is written. The rule
    C(exportable) among O(edgecert.clm.cert_group#module:allowed) of the certificate's group forbids that keys leave.
  - No key is in any result, diff or log.
  - A file that holds the same already is left as it is. What is encrypted is compared by its content, since each
    writing differs.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
options:
  certificate:
    description: Id of the certificate.
    type: str
    required: true
  dest:
    description: Absolute path of the file, on the host that runs the module; its folder must exist.
    type: path
    required: true
  format:
    description:
      - V(pem), or V(pkcs12) with AES-256, whose friendly name is the certificate's id.
    type: str
    choices: [pem, pkcs12]
    default: pem
  content:
    description:
      - V(bundle) is the private key, the certificate and its chain, in this order; V(fullchain) the certificate and its
        chain. The root is in none of them.
      - O(format=pkcs12) takes V(bundle) only.
    type: str
    choices: [bundle, key, certificate, chain, fullchain]
    default: bundle
  key_algorithm:
    description: Which certificate of a dual stack; not needed where there is one only.
    type: str
    choices: [RSA, ECDSA, Ed25519]
  passphrase:
    description:
      - Encrypts the private key. Needed with O(format=pkcs12). With V(pem) the key is written as encrypted PKCS#8,
        without it in clear; an empty one is refused, and one of more than 1023 bytes with V(pem).
    type: str
  force:
    description: Whether to overwrite a file that holds something else.
    type: bool
    default: false
  comment:
    description: Why it is exported, kept in the audit.
    type: str
seealso:
  - module: edgecert.clm.cert_enroll
  - module: edgecert.clm.cert_group
"""

EXAMPLES = r"""
- name: Have a certificate whose key is made here
  edgecert.clm.cert_enroll:
    common_name: keystore.example.com
    csr_source: local
    organization: Example AG
    ca: own-ca

- name: Write key, certificate and chain for a Java service
  edgecert.clm.cert_export:
    certificate: keystore.example.com
    format: pkcs12
    passphrase: "{{ lookup('ansible.builtin.env', 'EDGECERT_PASSPHRASE') }}"
    dest: "{{ lookup('ansible.builtin.env', 'EDGECERT_EXPORTS') }}/keystore.p12"
    comment: first rollout

- name: Write certificate and chain for everybody who asks
  edgecert.clm.cert_export:
    certificate: keystore.example.com
    content: fullchain
    dest: "{{ lookup('ansible.builtin.env', 'EDGECERT_EXPORTS') }}/keystore.pem"
"""

RETURN = r"""
export:
  description: What the file holds, and nothing of it.
  returned: success
  type: dict
  sample:
    certificate: app.example.com
    fingerprint: 5f0c...
    key_algorithm: RSA
    content: bundle
    format: pkcs12
    has_key: true
    encrypted: true
    dest: /etc/app/app.p12
    mode: "0600"
steps:
  description: What was done, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["Write /etc/app/app.p12 with the bundle of app.example.com (pkcs12)"]
failure:
  description: >-
    The failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable). Codes are
    V(key_not_here), V(policy_refused), V(file_exists), V(file_unwritable), V(certificate_not_issued) and others.
  returned: on failure
  type: dict
  sample: {code: key_not_here, details: {csr_source: endpoint}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.exporting import CONTENTS, FORMATS, plan
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import ECDSA, ED25519, RSA
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import run_module

SPEC = {
    "certificate": {"type": "str", "required": True},
    "dest": {"type": "path", "required": True},
    "format": {"type": "str", "choices": list(FORMATS), "default": FORMATS[0]},
    "content": {"type": "str", "choices": list(CONTENTS), "default": CONTENTS[0]},
    "key_algorithm": {"type": "str", "choices": [RSA, ECDSA, ED25519], "no_log": False},
    "passphrase": {"type": "str", "no_log": True},
    "force": {"type": "bool", "default": False},
    "comment": {"type": "str"},
}


def main() -> None:
    """Run the module."""
    run_module(SPEC, plan, "export")


if __name__ == "__main__":
    main()
