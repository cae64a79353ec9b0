#!/usr/bin/python
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a report of the inventory to a file: options and wiring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cert_report
short_description: Write a report of certificates, devices and pending work to a file
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Writes what the store knows of certificates, devices and open work into one file, for people or for programs. It
    reads the store alone; nothing is asked of Akamai or of a CA, and no secret is in any report.
  - The file appears whole or not at all. It is written anew at each call, so that it tells its moment; the result is
    C(changed) only if something else differs than that moment and the days counted from it.
  - Filters narrow each other down. Certificates of ignored devices are left out unless O(sync) asks for them,
    vanished ones, and superseded or revoked ones that another one followed, unless O(state) or O(certificate) does.
extends_documentation_fragment:
  - edgecert.clm._attributes
  - edgecert.clm._store
  - edgecert.clm._filters
attributes:
  diff_mode:
    description: Shows the title, the filters and the counts before and after, not the document.
  idempotent:
    description:
      - When run twice in a row with the same arguments, the second run says that nothing changed; it writes the file
        anew all the same, with its moment.
options:
  dest:
    description:
      - Absolute path of the file, on the host that runs the module; its folder must exist. A file that is there is
        overwritten.
    type: path
    required: true
  format:
    description:
      - V(html) is a page for people that holds all it needs, and works from a disk, a mail or a web server. It shows a
        summary, when certificates expire, who has to do what by when, the certificates with filters, the devices with
        their status log, and for each certificate its way from the CA to the networks, drawn and in words.
      - V(json) is the same data for programs. Its C(version) counts changes that break readers.
      - V(csv) has a line for each certificate. A text that a spreadsheet would take for a formula gets an apostrophe
        before it.
      - V(mermaid) is a flow chart of up to 100 certificates for documents that draw Mermaid.
      - V(prometheus) is a file for the textfile collector of node_exporter, whose name has to end in C(.prom) there.
    type: str
    choices: [html, json, csv, mermaid, prometheus]
    default: html
  title:
    description:
      - What the page calls itself, one line. V(csv), V(mermaid) and V(prometheus) show none.
    type: str
    default: Certificates
  mode:
    description:
      - Permissions of the file, as an octal number between quotes. Its owner has to be able to read and write it.
    type: raw
    default: "0644"
seealso:
  - module: edgecert.clm.cert_info
  - module: edgecert.clm.cert_lifecycle
"""

EXAMPLES = r"""
- name: Write the page that people look at
  edgecert.clm.cert_report:
    dest: "{{ lookup('ansible.builtin.env', 'EDGECERT_REPORTS') }}/certificates.html"
    title: Certificates at Akamai

- name: Let Prometheus know when certificates expire and what waits
  edgecert.clm.cert_report:
    dest: "{{ lookup('ansible.builtin.env', 'EDGECERT_REPORTS') }}/edgecert.prom"
    format: prometheus

- name: List for a spreadsheet what expires soon
  edgecert.clm.cert_report:
    dest: "{{ lookup('ansible.builtin.env', 'EDGECERT_REPORTS') }}/expiring.csv"
    format: csv
    expiring: true

- name: Draw one certificate for the team's wiki
  edgecert.clm.cert_report:
    dest: "{{ lookup('ansible.builtin.env', 'EDGECERT_REPORTS') }}/www.example.com.mmd"
    format: mermaid
    certificate: www.example.com

- name: Hand everything to another program, which alone may read it
  edgecert.clm.cert_report:
    dest: "{{ lookup('ansible.builtin.env', 'EDGECERT_REPORTS') }}/certificates.json"
    format: json
    mode: "0600"
"""

RETURN = r"""
report:
  description: What was written, or would be in check mode.
  returned: success
  type: dict
  sample:
    dest: /var/www/html/certificates.html
    format: html
    certificates: 128
    size: 412380
    sha256: 5f0c...
    mode: "0644"
  contains:
    dest:
      description: The file.
      returned: always
      type: str
    format:
      description: Its format.
      returned: always
      type: str
    certificates:
      description: Number of certificates in it.
      returned: always
      type: int
    size:
      description: Its size in bytes.
      returned: always
      type: int
    sha256:
      description: SHA-256 of its content, hex. It differs at each call where the document tells its moment.
      returned: always
      type: str
    mode:
      description: Its permissions.
      returned: always
      type: str
steps:
  description: What was done, or would be in check mode, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["Write /var/www/html/certificates.html with a report of 128 certificates (html)"]
failure:
  description: >-
    The failure for programs, with a stable C(code), C(details), C(request_id) and C(retryable). Codes are
    V(invalid_input), V(file_unwritable), V(file_unreadable), V(too_many_certificates), V(store_missing) and others.
  returned: on failure
  type: dict
  sample: {code: file_unwritable, details: {}, request_id: null, retryable: false}
"""

from functools import partial

from ansible_collections.edgecert.clm.plugins.module_utils._clm.filters import OPTIONS
from ansible_collections.edgecert.clm.plugins.module_utils._clm.reporting import FORMATS, plan
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_report import report_format

SPEC = {
    **OPTIONS,
    "dest": {"type": "path", "required": True},
    "format": {"type": "str", "choices": list(FORMATS), "default": FORMATS[0]},
    "title": {"type": "str", "default": "Certificates"},
    "mode": {"type": "raw", "default": "0644"},
}


def main() -> None:
    """Run the module."""
    run_module(SPEC, partial(plan, make=report_format), "report", reads_only=True)


if __name__ == "__main__":
    main()
