# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an enrolment that are in no CSR and no order, in words."""

from __future__ import annotations


class ModuleDocFragment:
    """What is kept with a certificate: attributes, fields, files, automatic renewal."""

    DOCUMENTATION = r"""
options:
  ca_connector_name:
    description: Name of the CA connector in views. The default is O(ca).
    type: str
  description:
    description: Description, at most 2000 characters.
    type: str
  attributes:
    description:
      - Free attributes of the certificate, names with a text, a number, V(true) or V(false) each. They are in no
        certificate; M(edgecert.clm.cert_info) and the inventory filter and group by them.
      - At most 100, names of at most 64 letters, digits, C(_), C(.) and C(-), values of at most 1024 characters. They
        are shown to everybody who may read the store, so what is named as a secret is refused.
      - They are given whole. Left out, they stay as they are; an empty mapping removes them.
    type: dict
  generic:
    description:
      - Fields kept with the request. One that is left out stays as it is, an empty text clears it, an empty mapping
        clears them all. At most 255 characters each.
      - Email, names and organization of the holder go to a CA with a registration authority alone; any other CA gets
        none of them, and they are notes on the request.
    type: dict
    suboptions:
      device_name:
        description: Name of the device that the certificate is for.
        type: str
      application_ip:
        description: IP address of the application.
        type: str
      tracking_id:
        description: Id of a ticket or an order elsewhere, which goes into each line of the audit.
        type: str
      holder_email:
        description: Email address of the holder.
        type: str
      first_name:
        description: First name of the holder.
        type: str
      last_name:
        description: Last name of the holder.
        type: str
      organization:
        description: Organization of the holder.
        type: str
      comment:
        description: Comment, at most 2000 characters.
        type: str
      uuid:
        description:
          - Goes with a RA setting of the CA, as the IDnomic connector has one; refused for a CA that has none, which
            C(capabilities.registration_authority) says.
        type: str
  attachments:
    description:
      - Files to keep with the certificate, at most 20, each of at most 1 MiB. They are sealed in the store and given
        back by M(edgecert.clm.cert_info). What is not named here stays as it is.
      - The same name with another content takes the place of the earlier one. A content is kept once for a certificate.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the attachment, unique for the certificate, at most 255 characters.
        type: str
        required: true
      comments:
        description: Comments, at most 2000 characters. Left out, they stay as they are.
        type: str
      path:
        description: File to read where the module runs. Give this or O(attachments[].content).
        type: path
      content:
        description: Content as text, stored as UTF-8.
        type: str
      state:
        description: V(absent) removes the attachment of that name.
        type: str
        choices: [present, absent]
        default: present
  auto_renew:
    description:
      - Whether M(edgecert.clm.cert_lifecycle) renews the certificate by itself before it expires. A member left out
        stays as it is, an empty mapping clears both.
    type: dict
    suboptions:
      enabled:
        description: Whether to renew automatically.
        type: bool
      days_before:
        description: Days before expiry at which renewing begins, 1 to 120.
        type: int
  auto_regenerate:
    description:
      - As O(auto_renew), with a new key. The days may exceed the lifetime of a short-lived certificate.
    type: dict
    suboptions:
      enabled:
        description: Whether to regenerate automatically.
        type: bool
      days_before:
        description: Days before expiry at which regenerating begins, 1 to 120.
        type: int
      force_local_csr:
        description:
          - Whether each regeneration makes key and CSR here, wherever the last ones were made, unless the call names
            another place.
        type: bool
"""
