#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell people what they have to do: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: clm_notify
short_description: Tell people by mail and webhooks what they have to do, and by when
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Sends one message with all that is new of what it is handed, by mail, by webhooks, or by both. Where there is
    nothing new to tell, nothing is sent.
  - With O(state_path) each thing is told once by each channel, and again when it changed, when it came back after it
    was settled, or after O(repeat_after_hours).
  - A channel that fails keeps no other one from its message; the call fails in the end. Run again, with O(state_path),
    it sends to that channel alone.
  - Texts of certificates, CAs and users are shown as they are, and can steer neither a mail nor a page, a chat or its
    mentions. Nothing is read from the store, and nothing is written to it.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
options:
  events:
    description:
      - Records of what wants attention, each with an C(event_id) and a C(kind), and C(severity), C(certificate),
        C(device), C(network), C(since), C(deadline), C(who), C(may_not_act), C(message), C(what_to_do), C(reason),
        C(request_id), C(work_order_id), as far as they are known. Of a request or work order that they name, nothing
        else is told.
      - One whose C(status) is V(cleared) or V(recovered) is told to be over, and that nobody has to do anything.
    type: list
    elements: dict
  pending:
    description:
      - RV(edgecert.clm.cert_info#module:pending) of M(edgecert.clm.cert_info). What waits for an approval or a
        decision is told, with who may not give it, and until when.
    type: list
    elements: dict
  lifecycle:
    description:
      - The result of M(edgecert.clm.cert_lifecycle). What failed is told, and what it found to wait for a person.
    type: dict
  severity:
    description:
      - Tell only what is at least so severe.
    type: str
    choices: [info, warning, error, critical]
    default: info
  since:
    description:
      - Tell only what began at this time or later, in ISO 8601, where it says when it began; for runs that keep no
        O(state_path).
    type: str
  state_path:
    description:
      - File that remembers what was told, on the machine where the module runs. It is made, with mode 0600. Use one
        for each list of things, as what is not in the list is forgotten.
    type: path
  repeat_after_hours:
    description:
      - Hours after which what is still to be done is told again, with O(state_path). With V(0) it is not.
    type: int
    default: 24
  subject_prefix:
    description:
      - Begins the subject.
    type: str
    default: "[certificates]"
  mail:
    description:
      - Send it by mail.
    type: dict
    suboptions:
      host:
        description: Name or address of the SMTP server.
        type: str
        required: true
      port:
        description: Its port. Left out, 587 for V(starttls), 465 for V(tls), 25 for V(none).
        type: int
      security:
        description:
          - V(starttls) and V(tls) refuse to go on in clear. V(none) is for a server on the same machine or network, and
            takes no password.
        type: str
        choices: [starttls, tls, none]
        default: starttls
      username:
        description: Login, with O(mail.password).
        type: str
      password:
        description: Password of the login.
        type: str
      sender:
        description: Address that it is from.
        type: str
        required: true
      to:
        description: Addresses that it goes to.
        type: list
        elements: str
        required: true
      cc:
        description: Addresses that get a copy.
        type: list
        elements: str
      reply_to:
        description: Address that answers go to.
        type: str
      ca_path:
        description: File of PEM CA certificates to trust instead of the system's.
        type: path
      validate_certs:
        description: Whether to check the server's certificate.
        type: bool
        default: true
      timeout:
        description: Seconds to wait for each answer.
        type: int
        default: 30
  webhooks:
    description:
      - URLs to post it to, one or several.
    type: list
    elements: dict
    suboptions:
      url:
        description: Whole URL, V(https://) only. It is masked like a password, and told by its host alone.
        type: str
        required: true
      format:
        description:
          - V(json) has C(subject), C(text) and C(notices). V(slack) has a C(text), as Slack and Mattermost take it.
            V(teams) has an adaptive card, as workflows of Microsoft Teams take it.
        type: str
        choices: [json, slack, teams]
        default: json
      headers:
        description: More headers, as C(Authorization) with a token.
        type: dict
      ca_path:
        description: File of PEM CA certificates to trust instead of the system's.
        type: path
      validate_certs:
        description: Whether to check the server's certificate.
        type: bool
        default: true
      timeout:
        description: Seconds to wait for the answer.
        type: int
        default: 30
      proxy:
        description: URL of an HTTP proxy to go through.
        type: str
attributes:
  idempotent:
    support: partial
    description: With O(state_path), what was told is not told again before O(repeat_after_hours).
seealso:
  - module: edgecert.clm.cert_lifecycle
  - module: edgecert.clm.cert_info
"""

EXAMPLES = r"""
- name: Look at what waits for whom
  edgecert.clm.cert_info:
    view: pending
  register: looked

- name: Tell those who approve
  edgecert.clm.clm_notify:
    pending: "{{ looked.pending }}"
    state_path: "{{ lookup('ansible.builtin.env', 'EDGECERT_STATE') | default('/var/lib/edgecert', true) }}/told.json"
    mail:
      host: localhost
      port: "{{ lookup('ansible.builtin.env', 'EDGECERT_MAIL_PORT') | default(25, true) }}"
      security: none
      sender: certificates@example.com
      to: [approvers@example.com]
  when: looked.pending | length > 0

- name: Tell the same by a server that wants a login
  edgecert.clm.clm_notify:
    pending: "{{ looked.pending }}"
    mail:
      host: mail.example.com
      username: robot
      password: "{{ lookup('ansible.builtin.env', 'EDGECERT_MAIL_PASSWORD') }}"
      sender: certificates@example.com
      to: [approvers@example.com]
  when: lookup('ansible.builtin.env', 'EDGECERT_MAIL_PASSWORD') | length > 0

- name: Do what is due
  edgecert.clm.cert_lifecycle:
    fail: false
  register: due

- name: Tell the team in its chat what failed
  edgecert.clm.clm_notify:
    lifecycle: "{{ due }}"
    severity: error
    webhooks:
      - url: https://hooks.example.com/services/T000/B000/XXXX
        format: slack
  when: due.failures | length > 0
"""

RETURN = r"""
notification:
  description: What was told, or would be in check mode.
  returned: success, and when a channel failed
  type: dict
  sample:
    notices:
      - event_id: approval_wanted:wo-0a1b2c3d4e5f
        kind: approval_wanted
        severity: warning
        what: "push to staging, asked for by ada: waits for approval 1 of 2"
        who: somebody other than ada
        certificate: www.example.com
        device: edge
        since: ""
        deadline: "2027-01-09T12:00:00Z"
        request_id: ""
        work_order_id: wo-0a1b2c3d4e5f
        network: staging
        reason: ""
        status: ""
    told: ["approval_wanted:wo-0a1b2c3d4e5f"]
    told_before: []
    deliveries:
      - channel: mail to approvers@example.com through mail.example.com:587
        notices: 1
        is_delivered: true
        message: ""
    failed_channels: []
  contains:
    notices:
      description: All there is to be told, the most severe and nearest first.
      returned: always
      type: list
      elements: dict
    told:
      description: Ids of those that a channel delivered, or would in check mode.
      returned: always
      type: list
      elements: str
    told_before:
      description: Ids of those that every channel was told before.
      returned: always
      type: list
      elements: str
    deliveries:
      description: What came of each channel that something was sent by.
      returned: always
      type: list
      elements: dict
    failed_channels:
      description: Channels that failed.
      returned: always
      type: list
      elements: str
steps:
  description: What was sent, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["Send 1 notices by mail to approvers@example.com through mail.example.com:587"]
failure:
  description: >-
    The failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable). Codes are
    V(mail_refused), V(mail_login_refused), V(mail_not_secured), V(mail_unreachable), V(webhook_refused),
    V(webhook_unreachable), V(not_delivered) for several, V(state_unreadable) and V(invalid_input).
  returned: on failure
  type: dict
  sample: {code: mail_refused, details: {}, request_id: null, retryable: false}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._core.notices import SEVERITIES
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run_notify import FORMATS, PORTS, run_notify_module

_TEXT = {"type": "str"}
_TEXTS = {"type": "list", "elements": "str"}
_RECORDS = {"type": "list", "elements": "dict"}
_REACH = {
    "ca_path": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 30},
}
_MAIL = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int"},
    "security": {"type": "str", "choices": list(PORTS), "default": "starttls"},
    "username": _TEXT,
    "password": {"type": "str", "no_log": True},
    "sender": {"type": "str", "required": True},
    "to": {**_TEXTS, "required": True},
    "cc": _TEXTS,
    "reply_to": _TEXT,
    **_REACH,
}
_WEBHOOK = {
    "url": {"type": "str", "required": True, "no_log": True},
    "format": {"type": "str", "choices": list(FORMATS), "default": "json"},
    "headers": {"type": "dict", "no_log": True},
    "proxy": {"type": "str", "no_log": True},
    **_REACH,
}
SPEC = {
    "events": _RECORDS,
    "pending": _RECORDS,
    "lifecycle": {"type": "dict"},
    "severity": {"type": "str", "choices": list(SEVERITIES), "default": SEVERITIES[0]},
    "since": _TEXT,
    "state_path": {"type": "path"},
    "repeat_after_hours": {"type": "int", "default": 24},
    "subject_prefix": {"type": "str", "default": "[certificates]"},
    "mail": {"type": "dict", "options": _MAIL},
    "webhooks": {"type": "list", "elements": "dict", "options": _WEBHOOK},
}


def main() -> None:
    """Run the module."""
    run_notify_module(SPEC, "notification")


if __name__ == "__main__":
    main()
