# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How CAs are asked what they have revoked."""

from __future__ import annotations


class ModuleDocFragment:
    """The option ``revocation_checks`` of ``cert_group``."""

    DOCUMENTATION = r"""
options:
  revocation_checks:
    description:
      - How M(edgecert.clm.cert_lifecycle) asks the CAs of the group's certificates what they have revoked or put on
        hold, by OCSP and CRLs, where the certificates themselves say that this is told.
      - This goes to hosts of the CAs, by http or https. Nothing is asked about a certificate that names no such place.
    type: dict
    suboptions:
      every_hours:
        description:
          - Hours after which a certificate is asked about again, 1 to 720; what could not be told is asked again after
            1, 2, 4 and so on hours, up to these. V(0) asks nothing. A group that says nothing, one of before among
            them, gets 24.
        type: int
      proxy:
        description:
          - URL of a proxy for it, which wants no password. An empty text, which a group that says nothing gets, uses
            none; proxies of the environment play no part.
        type: str
"""
