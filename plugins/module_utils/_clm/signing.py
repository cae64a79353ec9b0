# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Having CSRs signed: what a CA cannot take, orders, retrieval. Knows no CA.

One order for each key algorithm; each has an intent of its own, so that a killed run never orders twice. What
speaks to a CA or reads X.509 is imported where it is used: a call that finds its request issued does neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._core import vocabulary
from .._core.errors import ClmError, RemoteError
from . import asking, ca_made, ca_orders, dual_stack, form_csr, lifetimes, receiving, requests

if TYPE_CHECKING:
    from .._ca.answer_base import Pending
    from .._ca.capability_base import Capabilities
    from .._core.types import CertRequest
    from .moves import Mover


def problems(mover: Mover, *, may_be_away: bool = False) -> list[str]:
    """Give what the CA cannot take of a request, by its capabilities and its own rules.

    :param may_be_away: a CA that cannot be asked now is none: its order says so, and a standby account is asked then.
    """
    from .._ca.base import Order

    request, capabilities = mover.request, mover.ca.capabilities()
    spec, now = form_csr.spec_of(request.wish), mover.ports.clock.now()
    days = lifetimes.days(request.wish, now, capabilities)
    # A CA's own limit is said by the CA itself, below.
    found = capability_problems(mover)
    order = Order(
        spec,
        days,
        "check",
        now,
        request.ca_options,
        action=request.action,
        parent=ca_orders.parent_handle(mover, dual_stack.algorithms(request.wish)[0]),
        validity=request.wish.get("validity") or {},
        certificate_id=request.certificate_id,
        attributes=request.wish.get("attributes") or {},
        generic=request.wish.get("generic") or {},
    )
    try:
        return found + list(mover.ca.validate(order))
    except RemoteError:
        if not may_be_away:
            raise
        return found


def capability_problems(mover: Mover) -> list[str]:
    """Give what a CA cannot take of a request by its capabilities alone, which costs no call."""
    from .._core import fields

    request, capabilities, now = mover.request, mover.ca.capabilities(), mover.ports.clock.now()
    found = lifetimes.problems(request.wish, max(now, request.scheduled_at or now), capabilities)
    who = f"CA account {request.ca}"
    found += fields.source_problems(request.csr_source, capabilities, f"{who} ({mover.account.type})")
    found += fields.ca_problems(request.wish, capabilities, who)
    return found + _not_taken(request, capabilities)


def _not_taken(request: CertRequest, capabilities: Capabilities) -> list[str]:
    """Give what the capabilities rule out beside single fields: CSRs without names, renewing."""
    from .._ca.capability_base import NONE

    found = []
    if request.wish.get("exclude_sans") and capabilities.csr_is_truth:
        found.append(
            f"CA account {request.ca} takes names from the CSR alone, and exclude_sans leaves them out of it; leave "
            "exclude_sans out"
        )
    if request.csr_source == vocabulary.UPLOAD and capabilities.csr_is_truth:
        found += _names_lacking(request)
    is_successor = bool(request.renews) and not dual_stack.is_addition(request)
    if is_successor and capabilities.renew == NONE:
        found.append(capabilities.renew_refusal or f"certificates of CA account {request.ca} cannot be renewed")
    return found


def _names_lacking(request: CertRequest) -> list[str]:
    """Say which names a CA that copies the CSR would leave out: the order is refused before it is placed."""
    from .._pki import csr, x509

    facts = x509.csr_facts(request.wish["csr"], "uploaded CSR")
    return [
        f"CA account {request.ca} issues the subject alternative names of the CSR and no other ones, and the uploaded "
        f"CSR cannot be used: {problem} there; make a new CSR with them"
        for problem in csr.lacking_names(facts, form_csr.spec_of(request.wish))
    ]


def csr_problems(request: CertRequest, csrs: Mapping[str, str]) -> list[str]:
    """Hold the CSRs that somebody else made against what was asked for; CPS has ways of its own with the subject."""
    from .._pki import csr, x509

    found, wish = [], request.wish
    for algorithm, text in csrs.items() if not ca_made.is_so(request) else ():
        facts = x509.csr_facts(text, f"{algorithm} CSR")
        if request.csr_source == vocabulary.ENDPOINT:
            problems: Sequence[str] = csr.csr_problems(
                facts,
                common_name=wish["common_name"],
                dns_names=wish["subject_alternative_names"]["dns"],
                key_algorithm=algorithm,
                may_omit_sans=wish["exclude_sans"],
            )
        else:
            problems = csr.wanted_problems(facts, form_csr.spec_of(wish), algorithm)
        found += [f"the {algorithm} CSR cannot be used: {problem}" for problem in problems]
    return found


def order(mover: Mover) -> bool:
    """Hand every CSR that has no order yet to the CA; stops where nobody can tell what became of one."""
    with mover.lease():
        # Each is ordered, refused, or asked of a standby account: there are fewer of these with each round.
        while waiting := dual_stack.unordered(mover.request):
            if not _order_one(mover, waiting[0]):
                return False
    return True


def _order_one(mover: Mover, algorithm: str) -> bool:
    from .._ca.answer_base import CannotTell, NotThere

    # What may have been ordered before is looked for, whatever the day.
    if not ca_orders.is_begun(mover, algorithm):
        if why := lifetimes.refusal(mover):
            receiving.go_without(mover, algorithm, lifetimes.REFUSED, why)
            return True
        requests.check_approved(mover)
    try:
        intent, answer = ca_orders.ordered(mover, algorithm)
    except ClmError as exc:
        from . import failover

        if failover.after_error(mover, algorithm, exc):
            return True
        raise
    if isinstance(answer, CannotTell):
        return ca_orders.put_in_doubt(mover, algorithm, answer)
    if not isinstance(answer, NotThere):
        ca_orders.leave_doubt(mover, "the order was found at the CA")
        receiving.take(mover, algorithm, intent, answer)
    return True


def in_doubt_for(mover: Mover) -> float | None:
    """Give the seconds for which an order stays in doubt, None when none is; reads only."""
    return ca_orders.still_in_doubt_s(mover) if mover.request.state == "in_doubt" else None


def not_ready_for(mover: Mover) -> float | None:
    """Give the seconds for which the CA has nothing new on any open order, None when it has; reads only."""
    from .._ca.answer_base import Pending

    request = mover.request
    answers = {
        name: ca_orders.asked_for(mover, name, request.ca_handles[name], mover.ca.peek) for name in _missing(request)
    }
    waiting = [
        answer.look_again_s
        for name, answer in answers.items()
        if isinstance(answer, Pending) and not ca_orders.has_news(request, name, answer)
    ]
    return min(waiting) if waiting and len(waiting) == len(answers) else None


def _missing(request: CertRequest) -> list[str]:
    return [name for name in request.csrs if name not in {*request.fingerprints, *request.refusals}]


def retrieve(mover: Mover) -> bool:
    """Ask for what is not signed yet, until all is or the time is over."""
    if mover.next_move() != "retrieve":
        return True
    with mover.lease():
        if mover.request.state == "implementing":
            # Ordered for an earlier request of the same CSR.
            with mover.ports.store.write() as unit:
                mover.save(unit, "certificate_ordered", state="retrieval_in_progress")
                receiving.end_if_complete(unit, mover)
        asked_before = _to_publish(mover.told_before)
        while mover.next_move() == "retrieve":
            waiting = _collect_once(mover)
            if not waiting or mover.next_move() == "order":
                break
            # What this call is the first to tell can be acted on once it ends, and not before.
            is_told = bool(_to_publish(mover.request.ca_progress) - asked_before)
            if is_told or not mover.pause(min(answer.look_again_s for answer in waiting)):
                message = dual_stack.with_what_is_missing(mover.request, waiting[0].message)
                return mover.park("ca_pending", message, min(answer.look_again_s for answer in waiting))
    # The CA refused, and a standby account is asked; or an answer was lost, and the order is looked for.
    return mover.next_move() != "order" or (order(mover) and retrieve(mover))


def _to_publish(progress_of: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Give what CAs want to see published, by what is kept of their orders: name and value of each."""
    from .._ca.answer_base import PUBLISHED_KINDS

    told = [action for progress in progress_of.values() for action in progress.get("actions") or ()]
    return {(action["name"], action["value"]) for action in told if action["kind"] in PUBLISHED_KINDS}


def _collect_once(mover: Mover) -> list[Pending]:
    from .._ca.answer_base import Pending, Rejected

    waiting: list[Pending] = []
    for algorithm in _missing(mover.request):
        if algorithm not in mover.request.ca_handles:
            # The answer about the one before was lost, or has the request go to a standby account.
            continue
        answer = asking.collected(mover, algorithm)
        if isinstance(answer, Pending):
            # At once: whatever becomes of the next one, this one is answered.
            ca_orders.note_pending(mover, algorithm, answer)
            waiting.append(answer)
        elif isinstance(answer, Rejected):
            receiving.refused(mover, algorithm, answer)
        elif answer is not None:
            receiving.keep(mover, algorithm, answer)
    return waiting
