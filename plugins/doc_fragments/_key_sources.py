# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an enrolment that go with one source of key and CSR, in words."""

from __future__ import annotations


class ModuleDocFragment:
    """Where the key is made, by source."""

    DOCUMENTATION = r"""
options:
  device:
    description:
      - Device to enroll on; it must be managed. Not needed when there is only one managed device.
      - Goes with O(csr_source=endpoint), as O(contract_id), O(validation_type), O(secure_network),
        O(vendor_certificate_type), O(exclude_sans) and O(allow_duplicate).
    type: str
  allow_duplicate:
    description:
      - Whether CPS may have another enrollment of the same common name beside one that is there, as what an enrollment
        keeps for life, such as O(secure_network), can be had otherwise only so. Give it with a O(certificate) id of its
        own and O(action=enroll).
      - The enrollment that is there stays as it is, and goes on serving. Which of the two answers a client is decided
        by the edge hostname, and by the networks that each is deployed to, not by CPS.
      - An enrollment that the same certificate id has already is no reason to open another one.
    type: bool
    version_added: 0.1.0
  contract_id:
    description:
      - Contract to enroll on, with or without the C(ctr_) prefix. The default is that of the vendor settings, else
        the only one that the device sees.
    type: str
  validation_type:
    description:
      - CPS's validation type. The settings of the combination with O(secure_network) and O(vendor_certificate_type)
        must have been saved with M(edgecert.clm.akamai_vendor_settings).
      - A new request gets V(third-party). Spellings like V(Third-party) are accepted.
    type: str
  secure_network:
    description:
      - V(standard-tls) or V(enhanced-tls). A new request gets V(standard-tls).
    type: str
  vendor_certificate_type:
    description:
      - CPS's certificate type. A new request gets V(third-party).
    type: str
  csr:
    description:
      - CSR for O(csr_source=upload), PEM or the base64 of DER. What it says fills the form; an option that says
        something else is refused, as are a signature that its key did not make, a weak key and a broken hash.
      - The same CSR again changes nothing. Another one is refused while a request is open.
    type: str
  csr_path:
    description:
      - File with the CSR, PEM or DER, where the module runs. Give this or O(csr).
    type: path
  hsm:
    description:
      - Key in a hardware security module, for O(csr_source=hsm).
    type: dict
    suboptions:
      device: &device
        description: Name of the key device in the store; needed.
        type: str
      key_handler:
        description: Key handler name, the key's name on the device; needed.
        type: str
      reuse: &reuse
        description:
          - Whether to make a new CSR for the key that is there, also when renewing and regenerating. Otherwise each
            makes a new key.
        type: bool
  adc:
    description:
      - Key on an application delivery controller, for O(csr_source=adc).
    type: dict
    suboptions:
      device: *device
      key_reference:
        description: Key reference name, the key's name on the device; needed.
        type: str
      reuse: *reuse
  reuse_key:
    description:
      - Whether V(renew) keeps the key, with O(csr_source=local) and O(csr_source=upload). Left out, renewing makes a
        new key here, and wants a new CSR of an uploaded one. V(regenerate) never keeps it.
    type: bool
  challenge_password:
    description:
      - Challenge password that goes into the CSR, with O(csr_source=local), V(hsm) and V(adc). It has an upper-case
        and a lower-case letter, a digit and a special character, at most 255 of visible ASCII.
      - It is kept sealed with its request, for the renewals that follow, and is in no result. With V(local) the CSR
        that bears it is sealed too, and C(request.csrs) has one for the same key without it.
    type: str
  challenge_password_confirm:
    description: The same once more.
    type: str
  extensions:
    description:
      - What the CSR asks for beside the names, as a profile of the CA wants it, with O(csr_source=local), V(hsm) and
        V(adc). A CA may leave it out of the certificate.
    type: dict
    suboptions:
      key_usage:
        description:
          - Of V(digital_signature), V(content_commitment), V(key_encipherment), V(data_encipherment), V(key_agreement),
            V(key_cert_sign), V(crl_sign), V(encipher_only), V(decipher_only).
        type: list
        elements: str
      extended_key_usage:
        description: Words as V(server_auth) and V(client_auth), or object ids.
        type: list
        elements: str
      must_staple:
        description: Whether to ask for OCSP must-staple (RFC 7633).
        type: bool
      custom:
        description: Any other extension.
        type: list
        elements: dict
        suboptions:
          oid:
            description: Object id.
            type: str
            required: true
          value:
            description: Value, DER in base64.
            type: str
            required: true
          critical:
            description: Whether it is critical.
            type: bool
            default: false
"""
