# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network settings between the wire and the words of the options, for an enrollment that is there already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import reading as read
from .models import NetworkSettings

_MEMBERS = {
    "geography": "geography",
    "quic": "quicEnabled",
    "must_have_ciphers": "mustHaveCiphers",
    "preferred_ciphers": "preferredCiphers",
    "disallowed_tls_versions": "disallowedTlsVersions",
    "ocsp_stapling": "ocspStapling",
}
_MUTUAL = "client_mutual_authentication"


def deployed_words(network: NetworkSettings) -> dict[str, Any]:
    """Give in words what a network tells of its settings; None for what it does not tell.

    :source: get-deployments tells nothing of client mutual authentication.
    """
    return {
        "secure_network": network.secure_network,
        "sni_only": network.sni_only,
        "geography": network.geography,
        "quic": network.quic,
        "must_have_ciphers": network.must_have_ciphers,
        "preferred_ciphers": network.preferred_ciphers,
        "disallowed_tls_versions": list(network.disallowed_tls_versions),
        "ocsp_stapling": network.ocsp_stapling,
        "clone_dns_names": network.clone_dns_names,
        "dns_names": None if network.dns_names is None else list(network.dns_names),
    }


def enrollment_words(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Give in words what an enrollment asks for; None for what it leaves to CPS.

    :param raw: the JSON of a read.
    """
    wire = read.mapping(raw.get("networkConfiguration"))
    found = deployed_words(NetworkSettings.from_wire(wire))
    mutual = read.mapping(wire.get("clientMutualAuthentication"))
    options = read.mapping(mutual.get("authenticationOptions"))
    found[_MUTUAL] = {
        "set_id": read.text(mutual.get("setId")) or "",
        "send_ca_list_to_client": read.flag(options.get("sendCaListToClient")),
        "ocsp": read.flag(read.mapping(options.get("ocsp")).get("enabled")),
    }
    return found


def words_to_wire(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Write some settings as members of ``networkConfiguration``, to be laid over those of a read.

    :param settings: some words in normal form; the two about DNS names come together.
    """
    wire: dict[str, Any] = {member: settings[word] for word, member in _MEMBERS.items() if word in settings}
    if "clone_dns_names" in settings:
        is_cloned = settings["clone_dns_names"]
        listed = None if is_cloned else list(settings["dns_names"])
        wire["dnsNameSettings"] = {"cloneDnsNames": is_cloned, "dnsNames": listed}
    if _MUTUAL in settings:
        wire["clientMutualAuthentication"] = _mutual(settings[_MUTUAL])
    return wire


def _mutual(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if value is None:
        return None
    options = {"sendCaListToClient": value["send_ca_list_to_client"], "ocsp": {"enabled": value["ocsp"]}}
    return {"setId": value["set_id"], "authenticationOptions": options}
