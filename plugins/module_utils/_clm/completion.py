# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a push ends: proved where it was to go, shown in the inventory, and kept from going further than was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from .._core.errors import RemoteError
from . import drift, edges, intents, last_moment, proof, push_stages, states
from .patience import DEPLOYS_BEFORE_END, HELD_UNTIL
from .pushed import is_of_settings
from .work_orders import WorkOrderKeeper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.types import Certificate, WorkOrder
    from .._store.base import Unit
    from .._target.base import NetworkFacts
    from .deployment import Deployer
    from .pushed import Pushed


def proved(deployer: Deployer, network: str) -> proof.Evidence | None:
    """Give the evidence that a network serves what was pushed.

    :returns: None when there is none in the time to wait; the order is then parked with the reason.
    """
    order, ports = deployer.order, deployer.ports
    wanted, is_known = edges.proof_of(order, network), edges.is_known(order.edges, network)
    question = _question(deployer, network)
    if not is_known and wanted != edges.HANDSHAKE:
        return proof.by_api(question, ports.clock)
    prover = proof.Prover(question, ports.probe(), ports.clock, deployer.keeper.still_ours) if is_known else None
    while True:
        missing = prover.look() if prover else [edges.wanting(order, [network])]
        if prover and not missing:
            return prover.evidence
        if not deployer.pause():
            break
    if prover and wanted == edges.API:
        return [*prover.evidence, *proof.by_api(question, ports.clock, not_proved="; ".join(missing))]
    deployer.reach_network(network)
    deployer.keeper.park(states.NOT_PROVEN, "; ".join(missing), deployer.look_again_s)
    return None


def _question(deployer: Deployer, network: str) -> proof.Question:
    """Say what is to be proved: what was pushed, in place of what was served before."""
    pushed, order = deployer.pushed, deployer.order
    with deployer.ports.store.read() as unit:
        # What another one was added to is not uploaded again; it is in the store.
        expected = {
            algorithm: proof.Expected(fingerprint, _prints(_chain(pushed, unit, algorithm)))
            for algorithm, fingerprint in pushed.fingerprints.items()
        }
        certificate = unit.certificates.get(order.certificate_id) or deployer.certificate
        requests = unit.requests.find(certificate_id=order.certificate_id, state="issued")
    networks = (certificate.staging, certificate.production)
    served = [facts for held in networks for facts in (held, *held.get("others", ()))]
    earlier = {str(facts.get("fingerprint") or "") for facts in served}
    # Oldest first: those behind the one that is pushed are no earlier ones.
    ids = [request.request_id for request in requests]
    before = ids.index(pushed.request.request_id) if pushed.request.request_id in ids else len(ids)
    earlier |= {str(one) for request in requests[:before] for one in request.fingerprints.values()}
    earlier -= {"", *pushed.fingerprints.values()}
    sans, facts = deployer.certificate.sans, getattr(deployer.state, network)
    listed = drift.settings_of(facts).get("dns_names") or ()
    names = sorted({str(name).lower() for name in listed})
    # Names that are none of the certificate's tell nothing of which of them are served.
    names = names if len(edges.not_served(sans, names)) < len(sans) else []
    return proof.Question(network, order.edges, sans, expected, frozenset(earlier), names)


def _chain(pushed: Pushed, unit: Unit, algorithm: str) -> Sequence[str]:
    if algorithm in pushed.bundles:
        return pushed.bundles[algorithm].chain
    pem = unit.pems.get(pushed.fingerprints[algorithm])
    return [pem.chain] if pem is not None and pem.chain else []


def _prints(chain: Sequence[str]) -> tuple[str, ...]:
    """Give the fingerprints of a chain, each member of which may hold several certificates."""
    from .._pki import pem, x509

    return tuple(x509.certificate_facts(one).fingerprint for text in chain for one in pem.split_certificates(text))


def complete(deployer: Deployer) -> bool:
    """Complete the order on evidence; False when it has to wait for that."""
    network = deployer.order.network
    with deployer.keeper.lease():
        # A run that finds it deployed when it looks first comes straight here.
        deployer.watch.saw()
        evidence = deployer.prove(network)
        if evidence is None:
            return False
        deployer.settle()
        deployer.reach_network(network)
        told = _held_back(deployer) if network == "staging" else {"last_safe_at": None}
        passed = _passed(deployer) if network == "staging" else {}
        kept = [entry for entry in deployer.order.evidence if entry.get("network") != network]
        with deployer.ports.store.write() as unit:
            ended = {"state": "completed", "evidence": (*kept, *evidence), "next_look_at": None, **told}
            # CPS's word is enough here, and edge servers said otherwise: that stays to be found.
            ended["reason"] = states.NOT_PROVEN if any(entry.get("not_proved") for entry in evidence) else ""
            ended.update(passed)
            deployer.keeper.save_in(unit, "push_completed", **ended)
            push_stages.owe(deployer, unit)
            _show_in_inventory(deployer, unit)
        push_stages.after(deployer)
    return True


def _held_back(deployer: Deployer) -> dict[str, Any]:
    """Keep what was pushed to staging only from going on to production by itself (cps-protocol §3.4); say what is so.

    A renewal that was pushed by itself is not held back: nobody said staging only, and what is live would end.
    """
    if deployer.state.phase not in ("on_staging", "busy") or is_going_on(deployer):
        return {}
    is_stopped, until = deployer.state.phase == "on_staging", last_moment.live_until(deployer.state)
    review = deployer.target.review(deployer.pushed.reference) if is_stopped else None
    found: dict[str, Any] = {}
    if review is not None:
        found["change"] = {**deployer.order.change, "validation_hash": review.validation_hash}
    if until is None or (review is not None and review.deadline is None):
        return found
    deadline = (review.deadline if review else None) or until - DEPLOYS_BEFORE_END
    goes_on = f"CPS puts it on production by itself at {to_text(deadline)}"
    found.update(last_safe_at=deadline, message=f"{goes_on} unless it is held back there")
    held = deployer.state.held_until
    # The very end of what is live is a date of ours, set by a run whose answer was lost.
    is_ours = held is not None and to_text(held) == to_text(until)
    if held is not None and held > deployer.ports.clock.now() and not is_ours:
        return {**found, "message": f"CPS puts it on production at {to_text(held)}, the date that is set there"}
    if deployer.order.is_automatic:
        return found
    try:
        if not is_ours:
            deployer.target.hold_back(deployer.pushed.reference, until)
    except RemoteError as exc:
        if exc.code != "conflict":
            # Nobody said no: the order stays open until it is held back.
            raise
        found["message"] = f"{goes_on}, for it could not be held back ({exc.message})"
        return found
    found["change"] = {**found.get("change", deployer.order.change), HELD_UNTIL: to_text(until)}
    message = f"it is held back from production, where CPS would have put it by itself at {to_text(deadline)}; "
    message += f"what production serves ends at {to_text(until)}: push to production before"
    return {**found, "last_safe_at": until, "message": message}


def _passed(deployer: Deployer) -> dict[str, Any]:
    """Say that what was to stay on staging is, or will be, on production, where no order of ours let it go on."""
    order, state = deployer.order, deployer.state
    is_coming = state.phase == "deploying_production"
    if order.is_automatic or order.action != "push" or is_going_on(deployer):
        return {}
    is_there = set(deployer.pushed.fingerprints.values()) <= {f["fingerprint"] for f in state.production.certificates}
    with deployer.ports.store.read() as unit:
        is_ours = bool(intents.of(unit, *deployer.keeper.upload_key))
    if not is_ours or not (is_coming or is_there):
        return {}
    said = "production serves it too" if is_there else "CPS is putting it on production too"
    message = (
        f"{said}, though a push to staging only was asked for: CPS goes on by itself in the last seven days of what is "
        "live, and somebody may have let it go on in Akamai Control Center; look at what production serves"
    )
    return {"reason": states.REACHED_PRODUCTION, "message": message, "last_safe_at": None}


def is_going_on(deployer: Deployer) -> bool:
    """Say whether an order of ours let this change go on to production."""
    with deployer.ports.store.read() as unit:
        keepers = [WorkOrderKeeper(deployer.ports, order) for order in _of_this_change(deployer, unit)]
        begun = [intent for keeper in keepers for intent in intents.of(unit, *keeper.production_key)]
    return any(intents.REFUSED not in intent.result for intent in begun)


def is_held_by_us(deployer: Deployer) -> bool:
    """Say whether the date set at CPS is one that an order of ours set to keep the change on staging."""
    held = deployer.state.held_until
    if held is None:
        return False
    with deployer.ports.store.read() as unit:
        return any(order.change.get(HELD_UNTIL) == to_text(held) for order in _of_this_change(deployer, unit))


def _of_this_change(deployer: Deployer, unit: Unit) -> list[WorkOrder]:
    change = deployer.pushed.reference.get("change_id")
    orders = unit.work_orders.find(certificate_id=deployer.order.certificate_id)
    return [order for order in orders if order.change.get("change_id") == change]


def _show_in_inventory(deployer: Deployer, unit: Unit) -> None:
    """Let the inventory say at once what the networks serve; the next discovery would say the same."""
    certificate = unit.certificates.get(deployer.certificate.certificate_id)
    if certificate is None:
        return
    staging, production = shown(deployer, certificate)
    if (certificate.staging, certificate.production) != (staging, production):
        now = deployer.ports.clock.now()
        unit.certificates.put(replace(certificate, staging=staging, production=production, updated_at=now))


def shown(deployer: Deployer, certificate: Certificate) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what staging and production serve, as the certificate's record holds it; with settings once any were set."""
    is_set, state = is_of_settings(deployer.order), deployer.state
    staging, production = served(state.staging), served(state.production)
    staging.update(drift.told(state.staging, certificate.staging, is_set=is_set))
    production.update(drift.told(state.production, certificate.production, is_set=is_set))
    return staging, production


def served(network: NetworkFacts) -> dict[str, Any]:
    """Give what a network serves, as a certificate's record holds it; empty for nothing."""
    primary, *others = [dict(facts) for facts in network.certificates] or [{}]
    return {**primary, "others": others} if others else primary


def primary(network: NetworkFacts) -> str:
    """Give the fingerprint of the primary certificate a network serves; empty for none."""
    return str(network.certificates[0]["fingerprint"]) if network.certificates else ""
