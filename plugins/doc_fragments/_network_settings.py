# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network settings in words, each written once: those of enrollments to come, and those of one that is live."""

from __future__ import annotations

# What both have; OPTION stands for the name of the option that holds them.
_SHARED = """
      geography:
        description: Where the certificate is deployed.
        type: str
        choices: [core, china+core, russia+core]
      quic:
        description: Whether QUIC is enabled.
        type: bool
      must_have_ciphers:
        description: Name of the cipher profile that clients must be able to use; empty for Akamai's default.
        type: str
      preferred_ciphers:
        description: Name of the preferred cipher profile; empty for Akamai's default.
        type: str
      disallowed_tls_versions:
        description: TLS versions that are not to be spoken; an empty list allows all that Akamai speaks.
        type: list
        elements: str
        choices: [TLSv1, TLSv1_1, TLSv1_2, TLSv1_3]
      clone_dns_names:
        description:
          - Whether the names to serve are those of the certificate.
          - It is false once O(OPTION.dns_names) names some; true together with names is refused. CPS takes neither in
            an enrollment that is not for SNI only.
        type: bool
      dns_names:
        description:
          - The names to serve, when they are not those of the certificate; the order plays no part.
          - An empty list goes back to the names of the certificate.
        type: list
        elements: str
      ocsp_stapling:
        description: Whether OCSP responses are stapled.
        type: str
        choices: ["on", "off", "not-set"]
"""

_LIVE = """
options:
  network_settings:
    description:
      - Network settings that the enrollment is to have, with O(action=configure) only; required there, or
        O(from_snapshot).
      - A setting left out stays as it is in the enrollment; an empty text or list clears it.
      - How CPS writes a setting plays no part. No cipher profile is the default one, lists are sets, and names have no
        case.
    type: dict
    suboptions:
      client_mutual_authentication:
        description:
          - Verification of client certificates. CPS refuses it in a new enrollment, so it is added here, once the
            enrollment is live.
          - CPS's deployments tell nothing of it. It counts as deployed once the enrollment has it and the change that
            brings it has come to the network.
        type: dict
        suboptions:
          set_id:
            description: Id of the set of trust chains, as Trust Chain Manager gives it; empty to verify none any more.
            type: str
          send_ca_list_to_client:
            description: Whether the server sends the list of CAs to the client.
            type: bool
          ocsp:
            description: Whether OCSP is used for client certificates.
            type: bool
      secure_network:
        description:
          - What the enrollment is on, if it is to be checked. CPS never changes it; another value is refused, for it
            needs a new enrollment.
        type: str
        choices: [standard-tls, enhanced-tls]
      sni_only:
        description: Likewise, whether the enrollment is for clients with SNI only.
        type: bool
"""

_NEW = """
options:
  network:
    description:
      - Network configuration of new enrollments. What is left out is up to CPS.
    type: dict
    suboptions:
      sni_only:
        description: Whether the certificate is served to clients with SNI only, which standard-tls always is.
        type: bool
      client_mutual_authentication:
        description:
          - Refused, with the reason. CPS takes client mutual authentication in no new enrollment. Push the certificate
            to production, then add it there with M(edgecert.clm.cert_push) and C(action=configure).
        type: dict
"""


def _with_shared(text: str, option: str) -> str:
    return f"{text.rstrip()}{_SHARED.replace('OPTION', option)}"


class ModuleDocFragment:
    """For the module that changes those of a live enrollment, and for the one that keeps those of new ones."""

    # Put together, which the annotation tells those who read the source for documentation as literal text.
    DOCUMENTATION: str = _with_shared(_LIVE, "network_settings")
    NEW: str = _with_shared(_NEW, "network")
