#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep, test and ask a CA account: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ca_account
short_description: Keep an account at a certificate authority
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Adds, changes, tests and removes an account at a certificate authority (CA), which
    O(edgecert.clm.cert_enroll#module:ca) names.
  - The type V(own_ca) is a CA of your own. Without any options it makes a root and an issuing CA, whose keys are
    kept sealed in the store; give the root to those who are to trust its certificates.
  - Secrets are sealed in the store and never shown.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
options:
  name:
    description:
      - Name of the account, its key in the store.
    type: str
    required: true
  state:
    description:
      - V(absent) removes the account and the secrets it holds. Refused while requests wait for it, a group has it as
        its standby, or a replacement that was neither stopped nor aborted orders at it.
      - It is not refused for the certificates that the account issued, though they can then be neither renewed nor
        revoked from here, nor for groups that list it among their C(ca_accounts), of which it stays a name.
    type: str
    choices: [present, absent]
    default: present
  type:
    description:
      - Which CA. Needed when the account is added, and not to be changed later.
    type: str
    choices:
      - acme
      - aws_pca
      - csc_global
      - digicert
      - digicert_one
      - ejbca
      - est
      - globalsign_mssl
      - google_cas
      - hydrantid
      - idnomic
      - nexus
      - own_ca
      - vault_pki
  options:
    description:
      - The CA's own options; an option left out keeps what is stored. An unknown one is an error that lists those
        there are.
      - V(globalsign_mssl) is GlobalSign Managed SSL. It takes C(user_name), the contact of each order as
        C(contact_first_name), C(contact_last_name), C(contact_phone) and C(contact_email), and C(url), C(order_path)
        and C(query_path) where the services are elsewhere. C(profile_name), by the organisation or the id of the
        profile, and C(certificate_type), the product's code, hold where a request names none. C(lifetime_as) is
        V(dates) or V(months).
      - V(idnomic) is IDnomic on premises, which knows callers by C(client_certificate). It takes C(url) and C(mode),
        V(ca_ra) for a CA with its RA or V(ca) for a CA alone. With V(ca_ra) there are C(ra_workflow) and C(zone) where
        a request names none, C(enrollment) and C(revocation) (V(at_once), or V(request) where an officer approves),
        C(ra_field_map) for the site's own fields, C(search_dn), C(ra_path) and C(ee_path). With V(ca) there are
        C(idca_path), C(ca_name), C(certificate_profile), C(soap_version), C(idca_name_param) and
        C(idca_revoke_operation).
      - V(aws_pca) is AWS Private CA, or AWS Certificate Manager. It takes C(ca_arn) or C(region), C(template),
        C(signing_algorithm), C(url) and C(sts_url) for other endpoints, C(access_key_id) or else the usual chain of AWS
        (C(profile)), C(role_arn) with C(external_id) and C(session_name), and C(mode) (V(pca) or V(acm)), which stays
        what it is. With V(acm) ACM makes the key, and O(edgecert.clm.cert_enroll#module:csr_source) is V(ca);
        C(acm_url) is its endpoint. Without C(ca_arn) the certificates are Amazon's own, and C(validation_method)
        (V(dns) or V(email)) proves the domains.
      - V(google_cas) is the Certificate Authority Service of Google Cloud. It takes C(project), C(location),
        C(issuer) (a pool, or C(pool/ca)), C(template), C(tier) (V(enterprise) or V(devops)), C(url), and
        C(auth_method) (V(credentials), V(credentials_file) with C(credentials_path), V(default) or V(access_token)).
      - V(ejbca) is EJBCA by its REST API. It takes C(url) (up to C(/ejbca/ejbca-rest-api)), C(auth_method)
        (V(certificate) or V(oauth)), for the latter C(token_url), C(client_id), C(client_login) (V(basic) or V(post)),
        C(scope) and C(audience), and for requests that name none C(end_entity_profile), C(certificate_profile) and
        C(issuer_common_name). The lifetime comes from the certificate profile.
      - V(est) is any CA behind Enrollment over Secure Transport (RFC 7030). It takes C(url), C(label), C(username) or a
        client certificate or both, C(reenroll) for renewals by C(simplereenroll), and C(repeat_lost), which says that
        the server knows a request again even after it answered it. EST has no list and no revocation.
      - V(acme) is any CA that speaks ACME. It takes C(url) (of the directory), C(contact) (a list), C(terms_agreed),
        C(account_key_type) (V(ec) or V(rsa)), C(eab_kid), C(certificate_profile), C(lifetime_as) (V(profile) or
        V(not_after)), C(preferred_root), C(is_public) and C(revoke_reasons). Names are proved by C(dcv_type) (V(dns-01)
        or V(http-01)), of which the CA is told as C(dcv_check) says, once the proof is seen from here (V(look), with
        C(dns_servers) and C(http_port)) or after C(dcv_wait_s) seconds (V(wait)).
      - V(own_ca) takes C(common_name), C(organization) and C(country) for the names of a CA made here, C(key_type),
        C(key_size), C(curve) and C(hash) for its keys, C(root_validity_days) and C(issuing_validity_days) for its
        lifetimes, C(max_validity_days) for the longest lifetime it signs, C(backdate_minutes), and C(delay_s) to
        rehearse a CA that takes its time. With C(certificate) and C(chain) (PEM) it is an existing issuing CA.
        The key of that may stay in an HSM. C(key_device) is the name of a M(edgecert.clm.key_device) of
        type V(pkcs11), and C(key_label) the label of the key on it.
        C(approval) lets orders wait until an approver of yours sets it to V(granted) or V(denied), C(crl_days) is the
        lifetime of the CRL, and C(crl_path) a file it is written to.
      - V(digicert) is DigiCert CertCentral. It takes C(url), C(trust) (V(public) or V(private)), what holds where a
        request names none of its own - C(certificate_type), C(division), C(organization_id), C(server_type),
        C(payment_method), C(dcv_type), C(additional_emails), C(renewal_message) and C(order_years) - and C(ca_cert_id),
        C(skip_approval) and C(skip_revocation_approval).
      - V(digicert_one) is Trust Lifecycle Manager of DigiCert ONE. It takes C(url), C(certificate_profile), C(seat_id),
        C(allow_seat_id), C(trust) (V(public) or V(private)), C(delivery_format) (V(x509) or V(PKCS7)) and C(tags).
      - V(vault_pki) is the PKI engine of HashiCorp Vault or OpenBao. It takes C(url), C(namespace), C(mount), C(role),
        C(issuer), C(sign) (V(role) or V(verbatim)), C(lifetime_as) (V(ttl) or V(not_after)), and C(auth_method)
        (V(token), V(approle), V(jwt), V(kubernetes), V(userpass) or V(cert)) with C(auth_mount), C(auth_role),
        C(role_id), C(username) and C(jwt_path).
      - V(csc_global) is CSC Global. It takes C(url), C(applicant_first_name), C(applicant_last_name) and
        C(applicant_email); C(certificate_type), C(business_unit), C(organization_contact), C(phone), C(server_type),
        C(dcv_type) and C(dcv_emails) for requests that leave them out; C(notification_emails), C(term_months),
        C(renewal_window_days); and C(ev_business_category), C(ev_date_of_incorporation) and C(ev_doing_business_as).
      - V(hydrantid) is HydrantID (HID Account Certificate Manager). It takes C(url), C(hawk_id), C(certificate_type)
        (a policy, by name or id, for requests that name none) and C(public_trust).
      - V(nexus) is Nexus Certificate Manager behind its Protocol Gateway. It takes C(url), C(procedure), C(lifetime)
        (V(request) or V(procedure)), C(client_certificate) of an officer, and C(signing_certificate) where another one
        signs.
      - All CAs that take CSRs take C(csr_sources), which overrides where those may come from. All that are reached over
        a network take C(ca_path), C(validate_certs), C(proxy) and C(timeout_s) (90 at most); those that know mutual TLS
        C(client_certificate).
    type: dict
  secrets:
    description:
      - The CA's own secret options; one left out keeps what is stored.
      - V(globalsign_mssl) takes C(password).
      - V(idnomic) takes C(revocation_code), for workflows with such a field, beside those of its client certificate.
      - V(aws_pca) takes C(secret_access_key), and C(session_token) where the key is a temporary one.
      - V(google_cas) takes C(credentials), the JSON of a service account's key or of a workload identity, or
        C(access_token), as its auth method wants.
      - V(ejbca) takes C(client_secret) for V(oauth), and C(enrolment_seed), which the enrolment codes of end entities
        are made from; it is made at random where it is left out. An order that waits for an approver is finalized with
        the code it was sent with, so that another seed loses those that wait.
      - V(est) takes C(password).
      - V(acme) takes C(eab_hmac_key) to C(eab_kid), and C(account_key) (PEM) of an account that is there; without it a
        key is made. Another one, or V(new) for one that is made, each time, replaces it at the CA with the next
        O(test=true) or order.
      - V(own_ca) takes C(private_key) and C(passphrase), for an existing issuing CA.
      - V(digicert) takes C(api_key).
      - V(digicert_one) takes C(api_key), or a client certificate at the host that wants one.
      - V(vault_pki) takes C(token), C(secret_id), C(jwt) or C(password), as its auth method wants.
      - V(csc_global) takes C(api_key) and C(bearer_token).
      - V(hydrantid) takes C(hawk_key).
      - V(nexus) takes C(client_key), and C(signing_key) with C(signing_passphrase) for C(signing_certificate).
      - For mutual TLS there are C(client_key) (PEM), or certificate and key together as C(client_pfx) (PKCS#12,
        base64), with C(client_passphrase). The key is sealed, the passphrase is not kept, and no file is made.
        C(proxy_login) is user and password at the proxy, as C(user:password).
      - Given with O(test=true), new secrets are tried before they take the place of the old ones.
    type: dict
  test:
    description:
      - Whether to test the account, reachability, authentication, rights and clock. Nothing is issued. A check that
        does not pass fails the call with the code V(test_failed), and C(failure.details.checks) has all of them. An
        account that is new or changed is then not stored, one that is neither stays as it is.
      - An account of V(acme) that is neither is registered at the CA, or given its new key there, if that is to be done
        yet, which is a change.
      - An account of V(own_ca) that is neither has its CRL signed anew once half of C(crl_days) is over, which is a
        change. Test it often enough, for verifiers that are strict believe no certificate once the CRL has ended.
    type: bool
    default: false
  choices:
    description:
      - Lists to fetch from the CA; RV(ca_account.capabilities) names those it has. One that the account may not read is
        empty, and a warning says so.
    type: list
    elements: str
seealso:
  - module: edgecert.clm.cert_enroll
"""

EXAMPLES = r"""
- name: Make a CA of our own
  edgecert.clm.ca_account:
    name: own-ca
    type: own_ca

- name: Test it
  edgecert.clm.ca_account:
    name: own-ca
    test: true
  register: account

- name: Show what it can do
  ansible.builtin.debug:
    var: account.ca_account.capabilities

- name: Remove it, with its keys
  edgecert.clm.ca_account:
    name: own-ca
    state: absent
"""

RETURN = r"""
ca_account:
  description: The account as stored, or as it would be in check mode; null once removed.
  returned: success
  type: dict
  sample:
    name: own-ca
    type: own_ca
    options: {common_name: own-ca, max_validity_days: 397, certificate: "-----BEGIN CERTIFICATE-----..."}
    secrets_set: true
    capabilities:
      is_public: false
      is_immediate: true
      renew: reenroll
      revoke_reasons: [unspecified, key_compromise, superseded]
      san_types: [dns, ip, email, uri, other, directory]
      key_types: [rsa, ec, ed25519]
      csr_sources: [endpoint, local, upload, hsm, adc]
      request_options: {certificate_profile: {required: false, choices_from: profiles}}
      choices: [profiles]
      max_validity_days: 397
    created_at: "2026-11-23T12:00:00Z"
    updated_at: "2026-11-23T12:00:00Z"
  contains:
    capabilities:
      description: What the CA can take and do; C(request_options) are what a request may set, C(choices) its lists.
      returned: unless removed
      type: dict
    client_certificate_expires_at:
      description: >-
        When the certificate ends that the account authenticates with, the first where it has another one to sign with;
        null where it has none.
      returned: unless removed
      type: str
    client_certificate_days_left:
      description: Days until then; null where it has none.
      returned: unless removed
      type: int
    secrets_set:
      description: Whether secrets are stored for it.
      returned: always
      type: bool
checks:
  description: What the test found, a line each.
  returned: when O(test=true)
  type: list
  elements: dict
  sample: [{name: issuing CA, passed: true, detail: "CN=own-ca Issuing CA can sign until 2036-11-20T12:00:00Z"}]
choices:
  description: The lists asked for, each with C(value) and C(label) of its entries.
  returned: when O(choices) names any
  type: dict
  sample: {profiles: [{value: server, label: TLS server}]}
steps:
  description: What was changed, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["Add CA account own-ca (own_ca)"]
failure:
  description: The failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample: {code: wrong_state, details: {requests: [req-0a1b2c3d4e5f]}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_accounts import plan
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import CA_TYPES
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker, ca_type_maker

SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "type": {"type": "str", "choices": list(CA_TYPES)},
    # What does not belong here may be pasted here all the same; see MIXED_OPTIONS.
    "options": {"type": "dict", "no_log": True},
    "secrets": {"type": "dict", "no_log": True},
    "test": {"type": "bool", "default": False},
    "choices": {"type": "list", "elements": "str"},
}


def main() -> None:
    """Run the module."""
    run_module(SPEC, plan, "ca_account", Wires(ca=ca_maker, ca_type=ca_type_maker))


if __name__ == "__main__":
    main()
