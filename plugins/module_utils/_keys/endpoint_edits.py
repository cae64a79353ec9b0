# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an order edits in a live enrollment: the members to lay over what was read, and whether somebody else edited it.

Pure; no traffic. Only what was asked for is laid over, so members unknown here survive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.names import ascii_form
from .._cps.enrollment_wire import parties_to_wire, subject_of, subject_to_wire
from .._cps.models import EnrollmentRecord
from .base import KeyOrder
from .endpoint_orders import is_multi_stacked, names_at, names_in

_SHOWN_NAMES = 5


def members(enrollment: EnrollmentRecord, order: KeyOrder) -> dict[str, Any]:
    """Give the members of an update by which an enrollment becomes what an order asks for; empty when it is that.

    Empty also where the order edits nothing: then the enrollment has to be as it was.

    :source: cps-protocol §5.4 for what means the same.
    """
    if order.was is None:
        return {}
    over: dict[str, Any] = {}
    csr: dict[str, Any] = {}
    if names_in(order.was) != names_in(order) and names_at(enrollment) != names_in(order):
        csr["sans"] = sorted(names_in(order))
        over.update(_served_names(enrollment, names_in(order.was) - names_in(order)))
    csr.update(subject_to_wire(_subject_members(enrollment, order)))
    if csr:
        over["csr"] = csr
    is_multi = is_multi_stacked(order)
    if is_multi_stacked(order.was) != is_multi and enrollment.multi_stacked != is_multi:
        over["enableMultiStackedCertificates"] = is_multi
    leaves_out = bool(order.place["exclude_sans"])
    if bool(order.was.place["exclude_sans"]) != leaves_out and enrollment.exclude_sans != leaves_out:
        over["thirdParty"] = {"excludeSans": leaves_out}
    over.update(_parties(enrollment, order))
    return over


def needs_force(over: Mapping[str, Any]) -> bool:
    """Say whether CPS has to be told to renew: other names or another subject bring a new certificate by themselves.

    :source: cps-protocol §3.7 (b), (c); §2.3, where another stacking applies at the next renewal only.
    """
    return "csr" not in over


def words(order: KeyOrder) -> str:
    """Say what an order edits, as the middle of a sentence; empty when nothing."""
    was = order.was
    if was is None:
        return ""
    now, then = names_in(was), names_in(order)
    said = [*listed("add", then - now), *listed("drop", now - then)]
    said += [
        f"{word} {getattr(order.spec, word)!r} for {value!r}"
        for word in ("organization", "organizational_unit", "locality", "state_or_province", "country")
        if (value := getattr(was.spec, word)) != getattr(order.spec, word)
    ]
    if _kinds(was) != _kinds(order):
        said.append(_kinds(order))
    mine, theirs = (parties_to_wire(one.place["settings"]) for one in (was, order))
    said += [f"another {member}" for member in mine if mine[member] != theirs[member]]
    if bool(was.place["exclude_sans"]) != bool(order.place["exclude_sans"]):
        said.append("names left out of the CSR" if order.place["exclude_sans"] else "names in the CSR")
    return ", ".join(said)


def differences(enrollment: EnrollmentRecord, order: KeyOrder) -> list[str]:
    """Give a sentence for each kind of difference between an enrollment and what an order takes it for."""
    found, number = [], enrollment.id
    names, wanted = names_at(enrollment), names_in(order)
    if names != wanted:
        changed = [*listed("has more", names - wanted), *listed("lacks", wanted - names)]
        found.append(f"the names of enrollment {number} were edited at CPS: it {' and '.join(changed)}")
    subject = subject_of(enrollment.raw)
    edited = [
        f"{word} is {value!r} there and {getattr(order.spec, word)!r} here"
        for word, value in subject.items()
        if value != getattr(order.spec, word).strip()
    ]
    if edited:
        found.append(f"the subject of enrollment {number} was edited at CPS: {', '.join(edited)}")
    if is_multi_stacked(order) and not enrollment.multi_stacked:
        found.append(f"enrollment {number} makes RSA keys only at CPS, and an ECDSA key is wanted")
    advice = (
        "put it back in Akamai Control Center, or ask for that with edgecert.clm.cert_enroll and action: regenerate"
    )
    return [f"{sentence}; {advice}" for sentence in found]


def listed(verb: str, names: set[str]) -> list[str]:
    """Give a verb with the first of some names, none for no names."""
    shown = sorted(names)[:_SHOWN_NAMES]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return [f"{verb} {', '.join(shown)}{more}"] if names else []


def _kinds(order: KeyOrder) -> str:
    if order.spec.dual_stack:
        return "RSA and ECDSA keys"
    return f"{'ECDSA' if order.spec.key_type == 'ec' else 'RSA'} keys only"


def _parties(enrollment: EnrollmentRecord, order: KeyOrder) -> dict[str, Any]:
    """Give organization and contacts that are edited and are not as wanted yet; a part that goes becomes null."""
    if order.was is None:
        return {}
    was, wanted = (parties_to_wire(one.place["settings"]) for one in (order.was, order))
    over: dict[str, Any] = {}
    for member, parts in wanted.items():
        changed = {
            name: parts.get(name) for name in {**was[member], **parts} if was[member].get(name) != parts.get(name)
        }
        found = enrollment.raw.get(member) or {}
        if any((found.get(name) or None) != value for name, value in changed.items()):
            over[member] = changed
    return over


def _served_names(enrollment: EnrollmentRecord, dropped: set[str]) -> dict[str, Any]:
    """Take names that go from those the network is to answer for, where these are listed one by one."""
    served = enrollment.network.dns_names or ()
    kept = [name for name in served if ascii_form(name) not in dropped]
    if len(kept) == len(served):
        return {}
    return {"networkConfiguration": {"dnsNameSettings": {"dnsNames": kept}}}


def unserved(enrollment: EnrollmentRecord, order: KeyOrder) -> str:
    """Say which added names the network will not answer for, where its names are listed one by one; else empty.

    They are not added there: which names are served is a setting of its own, and somebody chose it.
    """
    network, was = enrollment.network, order.was
    if was is None or network.clone_dns_names is not False or not network.dns_names:
        return ""
    listed_there = {ascii_form(name) for name in network.dns_names}
    left = sorted(names_in(order) - names_in(was) - listed_there)
    if not left:
        return ""
    return (
        f"; the network settings list dns_names one by one, and without {', '.join(left)}: to have them served, too, "
        "set dns_names with edgecert.clm.cert_push and action: configure"
    )


def _subject_members(enrollment: EnrollmentRecord, order: KeyOrder) -> dict[str, str]:
    """Give the members of the subject that are to be edited and are not as wanted yet, in the words of ``CsrSpec``."""
    was = order.was.spec if order.was else order.spec
    return {
        word: wanted
        for word, found in subject_of(enrollment.raw).items()
        if (wanted := getattr(order.spec, word).strip()) != getattr(was, word).strip() and wanted != found
    }
