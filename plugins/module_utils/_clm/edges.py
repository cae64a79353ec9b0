# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which edge servers a push is proved at, and for which names: the option ``edge``, read and kept with a work order.

Kept are the words that were given, never what they lead to: addresses are looked up when the proof is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._core.errors import InputError, PolicyError
from .._core.hosts import host_reasons, parse_host
from .._core.names import dns_reason
from .._core.vocabulary import NETWORKS
from . import states

if TYPE_CHECKING:
    from .._core.types import WorkOrder
    from .._target.edge_base import Edges

HANDSHAKE = "handshake"
API = "api"
PROOFS = (HANDSHAKE, API)
"""What a group may want as proof of a network; where it has no rule, a handshake is wanted where an edge is known."""
PROBE_LABEL = "edgecert-probe"
"""Label that stands for the asterisk of a wildcard for which no host name was chosen."""


def read(
    given: Mapping[str, Any] | None, what: str, sans: Sequence[str], networks: Sequence[str], edges: Callable[[], Edges]
) -> dict[str, Any]:
    """Read the option ``edge``; a member left out is not among what is given back.

    :param what: the sentence's beginning, as "Cannot push www.example.com".
    :param networks: those the push comes by; addresses of another one are left out.
    :param edges: asked only where a host name is given.
    :raises InputError: everything wrong with it, said before anything is sent.
    """
    found = {name: value for name, value in (given or {}).items() if value is not None}
    problems = [
        f"edge.{network} {address!r}: {reason}"
        for network in NETWORKS
        for address in found.get(network) or ()
        for reason in host_reasons(address) or _elsewhere(address, network, edges)
    ]
    if found.get("hostnames"):
        rules = edges()
        problems += [
            f"edge.hostnames {host!r}: {reason}" for host in found["hostnames"] for reason in rules.host_reasons(host)
        ]
    names = [name.lower().rstrip(".") for name in found.get("names") or ()]
    problems += [f"edge.names {name!r} {reason}" for name in names if (reason := _name_reason(name, sans))]
    if problems:
        raise InputError.of_problems(what, problems)
    if "names" in found:
        found["names"] = sorted(set(names))
    return {name: value for name, value in found.items() if name not in NETWORKS or name in networks}


def _elsewhere(address: str, network: str, edges: Callable[[], Edges]) -> list[str]:
    """Say so where a host name is known to be that of the other network: it would prove nothing of this one."""
    host = parse_host(address)
    if not any(letter.isalpha() for letter in host.name) or ":" in host.name:
        return []
    rules = edges()
    is_edge = not rules.host_reasons(address)
    wanted = rules.host_of(address, network) if is_edge else host.netloc
    return [] if wanted == host.netloc else [f"it is an edge of the other network; that of {network} is {wanted}"]


def _name_reason(name: str, sans: Sequence[str]) -> str:
    reason = dns_reason(name, allow_wildcard=False)
    if reason:
        return reason
    if name in sans or any(_covers(san, name) for san in sans):
        return ""
    return f"is covered by no name of the certificate ({', '.join(sans)})"


def _covers(san: str, name: str) -> bool:
    """Say whether a wildcard covers a host name (RFC 6125 §6.4.3: one label, the whole of it)."""
    return san.startswith("*.") and san[2:] == name.partition(".")[2]


def plain(edges: Mapping[str, Any]) -> dict[str, Any]:
    """Give it as it is stored."""
    return {name: list(value) if isinstance(value, (list, tuple)) else value for name, value in edges.items()}


def is_known(edges: Mapping[str, Any], network: str) -> bool:
    """Say whether there is an edge of the network to ask."""
    return bool(edges.get(network) or edges.get("hostnames") or edges.get("from_dns"))


def proof_of(order: WorkOrder, network: str) -> str:
    """Give what proof of a network the policy of an order wants: of ``PROOFS``, or empty."""
    return str((order.policy.get("proof") or {}).get(network) or "")


def described(order: WorkOrder, network: str) -> str:
    """Say how a network will be proved."""
    if not is_known(order.edges, network):
        return "by the deployments API"
    found = [*(order.edges.get(network) or ()), *(order.edges.get("hostnames") or ())]
    if order.edges.get("from_dns"):
        found.append("the edges that the DNS names for it")
    return f"by a handshake with {', '.join(found)}"


def refuse_unknown(order: WorkOrder, networks: Sequence[str]) -> None:
    """Refuse what could not end, before it begins: its group wants a handshake and no edge is known.

    :param networks: those on which handshakes are to show what it does.
    :raises PolicyError: it is so.
    """
    missing = [n for n in networks if proof_of(order, n) == HANDSHAKE and not is_known(order.edges, n)]
    if missing:
        verb = states.VERBS[order.action]
        raise PolicyError(f"Cannot {verb} {order.certificate_id}: {wanting(order, missing)}", code="edge_needed")


def wanting(order: WorkOrder, networks: Sequence[str]) -> str:
    """Say that no edge is known where the policy wants a handshake."""
    group, rules = order.policy.get("group"), " and ".join(f"proof.{network}" for network in networks)
    return (
        f"group {group} wants {' and '.join(networks)} proved by a handshake (rule {rules}), and no edge server is "
        f"known; name addresses in edge.{networks[0]}, or edge.hostnames, or set edge.from_dns"
    )


def server_names(edges: Mapping[str, Any], sans: Sequence[str], served: Sequence[str] = ()) -> list[str]:
    """Give the host names to ask an edge for, one at least for each name of the certificate that the network serves.

    A wildcard is asked for by the names chosen for it; without one by a label of ours in place of the asterisk, since
    an edge that serves the wildcard serves whatever it covers: our reading.

    :param served: the names the network answers for, where these are listed one by one; empty for all.
    """
    found = [name for san in sans for name in _asked_for(edges, san, served)]
    return list(dict.fromkeys(found))


def not_served(sans: Sequence[str], served: Sequence[str]) -> list[str]:
    """Name what of a certificate a network does not answer for, by its settings.

    :param served: as with ``server_names``.
    """
    return [san for san in sans if not _asked_for({}, san, served)]


def _asked_for(edges: Mapping[str, Any], san: str, served: Sequence[str]) -> list[str]:
    """Give the host names that stand for one name of the certificate."""
    wanted = [san]
    if san.startswith("*."):
        wanted = [name for name in edges.get("names") or () if _covers(san, name)]
        wanted = wanted or [san.replace("*", PROBE_LABEL, 1)]
    if not served:
        return wanted
    # Where the network answers for some host names of a wildcard alone, it is asked for those.
    return [name for name in wanted if _is_served(name, served)] or [name for name in served if _covers(san, name)]


def _is_served(name: str, served: Sequence[str]) -> bool:
    return name in served or any(_covers(one, name) for one in served)
