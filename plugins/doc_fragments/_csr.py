# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an enrolment that say what the CSR and its key are to be, in words."""

from __future__ import annotations


class ModuleDocFragment:
    """Names, subject, lifetime and key."""

    DOCUMENTATION = r"""
options:
  csr_source:
    description:
      - Where key and CSR are made. With V(endpoint) Akamai CPS makes them and keeps the key; only such a certificate
        can be pushed to Akamai.
      - With V(local) they are made here. The key is sealed in the store, and leaves it with
        M(edgecert.clm.cert_export) alone.
      - With V(upload) the CSR is given, as O(csr) or O(csr_path), and the key is wherever it was made.
      - With V(hsm) and V(adc) a hardware security module or an application delivery controller makes them and keeps the
        key, as O(hsm) or O(adc) names it.
      - With V(ca) the CA makes the key and keeps it, as AWS Certificate Manager does, and there is no CSR. It goes with
        CA accounts that work so, with no others, and such an account takes nothing else. The subject, O(hash),
        O(extensions), O(challenge_password) and O(dual_stack) do not go with it.
      - A CA may not take all of them; RV(edgecert.clm.ca_account#module:ca_account.capabilities) says which.
      - A new request gets V(endpoint).
    type: str
    choices: [endpoint, local, upload, hsm, adc, ca]
  common_name:
    description:
      - Common name, a DNS name of at most 64 characters, also with a leading C(*.). The default is O(certificate).
    type: str
  subject_alternative_names:
    description:
      - Subject alternative names by kind. The common name is always among the DNS names.
      - The order plays no part. CPS takes DNS names only, and a CA may not take all kinds; what is not taken is refused
        before anything is sent.
    type: dict
    suboptions:
      dns:
        description: DNS names.
        type: list
        elements: str
      ip:
        description: IP addresses.
        type: list
        elements: str
      email:
        description: Email addresses.
        type: list
        elements: str
      uri:
        description: URIs.
        type: list
        elements: str
      other:
        description:
          - Other names. C(ada@example.com) is a user principal name (UPN), C(1.3.6.1.4.1.99:text) the text as a name of
            that object id.
        type: list
        elements: str
      directory:
        description: Directory names, as C(CN=edge,O=Example,C=DE) (RFC 4514).
        type: list
        elements: str
  organization:
    description:
      - Organization in the subject. With O(csr_source=endpoint) the default is that of the vendor settings, as for
        O(locality), O(state_or_province) and O(country); with any other source it has to be given here or by the
        group.
    type: str
  organizational_unit:
    description: Organizational unit in the subject.
    type: str
  locality:
    description: City in the subject.
    type: str
  state_or_province:
    description: State or province in the subject.
    type: str
  country:
    description: Country in the subject, two letters.
    type: str
  email:
    description: Email address of the subject.
    type: str
  validity:
    description:
      - Lifetime to ask for, checked against the limits of the CA and of public trust. A new request gets 90 days.
    type: dict
    suboptions:
      count:
        description: How many.
        type: int
        required: true
      unit:
        description: Of what.
        type: str
        choices: [days, months, years]
        default: days
      at_most:
        description:
          - Whether fewer days will do where public trust, or the CA, allows no more on the day it is ordered.
          - Without it, what was submitted before such a limit came into force and would be ordered after it is
            refused with the code C(validity_refused), and so is an automatic renewal.
        type: bool
  hash:
    description: Signature hash. A new request gets V(sha256). A key of V(ed25519) brings its own and does not use it.
    type: str
    choices: [sha256, sha384, sha512]
  key_type:
    description: Kind of key. A new request gets V(rsa). CPS makes no V(ed25519), and few CAs sign it.
    type: str
    choices: [rsa, ec, ed25519]
  key_size:
    description: Bits of an RSA key. CPS makes 2048; a key made here has 2048 to 8192, 2048 when left out.
    type: int
  curve:
    description:
      - Curve of an EC key, V(secp256r1) when left out. CPS makes no other; a key made here may be on V(secp384r1) or
        V(secp521r1).
    type: str
  dual_stack:
    description:
      - Whether to enroll an RSA and an ECDSA certificate together.
      - While CPS shows one of the two CSRs only, nothing is ordered. When the CA refuses one of them, the request has
        failed; what is ordered or issued for the other one is kept, and is not ordered again.
    type: bool
  allow_missing:
    description:
      - Whether one certificate of a dual stack alone may do, when CPS shows no CSR for the other one for five minutes,
        or the CA refuses it. Goes with O(dual_stack=true).
      - What is missing then is told by RV(request.missing) and RV(request.refusals).
      - An approval is bound to it; a request that was approved without it has to be approved again.
    type: bool
  exclude_sans:
    description:
      - Whether CPS leaves the subject alternative names out of the CSR, for CAs that take them from the order.
    type: bool
"""
