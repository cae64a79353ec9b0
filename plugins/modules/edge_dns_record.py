#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One value among the DNS records of a name in Akamai Edge DNS: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_dns_record
short_description: Put a DNS record into Akamai Edge DNS, and take it away
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Puts one TXT or CNAME record at a name in a zone of Akamai Edge DNS, or takes it away, as certificate authorities
    ask for it to prove a name. What they ask for stands in the C(actions) of a request. The role
    P(edgecert.clm.acme_dns01#role) does the whole of it.
  - Values of others at the same name stay. Several orders may need one each at once, and removing takes away the own
    value alone, and the record set with the last one.
  - It is looked at before it is written and after. When the answer to a write was lost, the records tell what came of
    it. Who writes at the same time with another store, or without one, is noticed, and the value is put there again.
  - The credentials are those of a device. Their API client needs the API service C(DNS—Zone Record Management) with
    access level C(READ-WRITE) beside what the device needs for CPS.
  - Each change is in the audit.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
options:
  device:
    description:
      - Name of the device whose credentials, host and proxy are used. It has to be managed. May be left out where there
        is one managed device alone.
    type: str
  zone:
    description:
      - Name of the zone. Left out, it is the longest one of the account that O(name) ends with, which takes one more
        call.
    type: str
  name:
    description:
      - Name of the record, whole, as C(_acme-challenge.www.example.com). A dot at the end plays no part.
    type: str
    required: true
  type:
    description:
      - Type of the record.
    type: str
    choices: [TXT, CNAME]
    default: TXT
  value:
    description:
      - What the record holds. For V(TXT) the text itself, without quotes; long ones are split as DNS needs it. For
        V(CNAME) the name it points to, whole.
      - A name with a CNAME of another target is refused, since it can have one alone.
    type: str
    required: true
  follow_cname:
    description:
      - Whether the record is put where a CNAME at O(name) leads to, or taken away there. That is where a CA looks for
        the proof of a name whose challenges are answered in another zone. That zone has to be one of the account.
      - Goes with V(TXT), and takes a call more where no record is at the name yet. Without it, a TXT record at a name
        that is a CNAME is refused.
    type: bool
    default: false
  ttl:
    description:
      - Seconds that others may remember the records of this name and type, the same for all of them. Left out, it stays
        as it is, and is 60 for a new record set.
    type: int
  state:
    description:
      - Whether the value is to be there.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description:
      - Whether to wait until every name server shows the value. Goes with O(state=present), plays no part in check
        mode, and waits for a value that was there before, too.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait at most. When they are over and a server does not show the value, the call fails, and the record
        stays.
    type: int
    default: 600
  name_servers:
    description:
      - Name servers or resolvers to ask instead of the zone's own, each as C(host) or C(host:port). An IPv6 address
        with a port stands in brackets.
      - Without them the zone's own are asked, as Edge DNS lists them, by UDP and TCP on port 53.
    type: list
    elements: str
seealso:
  - module: edgecert.clm.cert_enroll
  - module: edgecert.clm.akamai_cps_device
"""

EXAMPLES = r"""
- name: Have a name ready to be proved, once name servers show it
  edgecert.clm.edge_dns_record:
    device: cps-main
    name: _acme-challenge.www.example.com
    value: Xm0n4AhTyoxrSmRtkfPrwR3eGUk0xkCgP2kdSVPtkmQ
    wait: true
    name_servers: "{{ lookup('ansible.builtin.env', 'EDGECERT_NAME_SERVERS') | default(omit, true) }}"

- name: Take the value away
  edgecert.clm.edge_dns_record:
    device: cps-main
    name: _acme-challenge.www.example.com
    value: Xm0n4AhTyoxrSmRtkfPrwR3eGUk0xkCgP2kdSVPtkmQ
    state: absent

- name: Have challenges of a name answered elsewhere
  edgecert.clm.edge_dns_record:
    device: cps-main
    zone: example.com
    name: _acme-challenge.shop.example.com
    type: CNAME
    value: shop.challenges.example.com
    ttl: 3600

- name: Put the value where such a name leads to
  edgecert.clm.edge_dns_record:
    device: cps-main
    name: _acme-challenge.shop.example.com
    value: Xm0n4AhTyoxrSmRtkfPrwR3eGUk0xkCgP2kdSVPtkmQ
    follow_cname: true
"""

RETURN = r"""
record:
  description: The records of this name and type as they are now, or would be in check mode; null where none is left.
  returned: success, and when a name server does not show the value in time
  type: dict
  sample:
    device: cps-main
    zone: example.com
    name: _acme-challenge.www.example.com
    type: TXT
    ttl: 60
    contents: [Xm0n4AhTyoxrSmRtkfPrwR3eGUk0xkCgP2kdSVPtkmQ]
  contains:
    contents:
      description: The values, those of others among them, in the order of the alphabet.
      returned: always
      type: list
      elements: str
zone:
  description: The zone the name is in; with O(follow_cname), of the name that was followed to.
  returned: success
  type: str
  sample: example.com
followed:
  description:
    - The names that were followed to the one of the record by O(follow_cname), O(name) the first of them; empty where
      it is no CNAME.
  returned: success
  type: list
  elements: str
  sample: []
name_servers:
  description: What each name server that was asked said last.
  returned: when O(wait=true) and O(state=present), outside check mode
  type: list
  elements: dict
  sample:
    - {name_server: a1-64.akam.net, shows: true, message: ""}
  contains:
    name_server:
      description: The name server.
      returned: always
      type: str
    shows:
      description: Whether it shows the value.
      returned: always
      type: bool
    message:
      description: Why not; empty where it does.
      returned: always
      type: str
calls:
  description: API calls made.
  returned: always
  type: int
  sample: 5
steps:
  description: What was changed, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["Make the TXT records of _acme-challenge.www.example.com in zone example.com"]
failure:
  description: The failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable).
  returned: on failure
  type: dict
  sample: {code: not_published, details: {name_servers: [a1-64.akam.net]}, request_id: null, retryable: true}
"""

from ansible_collections.edgecert.clm.plugins.module_utils._clm.dns_records import plan
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_dns import dns_maker, name_server_maker

_TEXT = {"type": "str"}

SPEC = {
    "device": _TEXT,
    "zone": _TEXT,
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": ["TXT", "CNAME"], "default": "TXT"},
    "value": {"type": "str", "required": True},
    "follow_cname": {"type": "bool", "default": False},
    "ttl": {"type": "int"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 600},
    "name_servers": {"type": "list", "elements": "str"},
}


def main() -> None:
    """Run the module."""
    run_module(SPEC, plan, "record", Wires(dns=dns_maker, name_servers=name_server_maker))


if __name__ == "__main__":
    main()
