# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back from a CA: held against what was asked, kept, and the request ended with it. Knows no CA.

A certificate of another key, without a wanted name, or with a broken chain is refused; what is merely other than asked
is told as a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .._core import vocabulary
from .._core.clock import to_text
from .._core.errors import StoreError
from .._core.types import StoredPem
from . import ca_made, ca_orders, dual_stack, form, form_extras, intents, lineage
from .binding import named_in

if TYPE_CHECKING:
    from .._ca.answer_base import Answer, Issued, Rejected
    from .._core.types import Bundle, CertRequest, Intent
    from .._pki.preflight import Preflight, WantedNames
    from .._pki.x509 import CertificateFacts
    from .._store.base import Unit
    from .moves import Mover

SAME_DAY = timedelta(days=1, hours=1)
"""By how much a life may differ from what was asked for: CAs backdate by minutes or hours, and count whole days."""


def wanted_names(request: CertRequest) -> WantedNames:
    """Give the names the certificate of a request has to bear; what CPS wants of them holds for its own CSRs."""
    from .._pki.preflight import WantedNames

    wish, sans = request.wish, request.wish["subject_alternative_names"]
    others = [f"other:{text}" for text in sans.get("other") or ()]
    others += [f"directory:{text}" for text in sans.get("directory") or ()]
    return WantedNames(
        wish["common_name"],
        tuple(sans["dns"]),
        tuple(sans["ip"]),
        tuple(sans["email"]),
        tuple(sans["uri"]),
        tuple(others),
        is_exact=request.csr_source == vocabulary.ENDPOINT,
    )


def take(mover: Mover, algorithm: str, intent: Intent, answer: Answer) -> None:
    """Keep what came of an order: its handle, or the certificate; a refusal ends the request or it goes on without.

    :raises StateError: the request has failed with it.
    """
    from .._ca.answer_base import Issued, Rejected

    if isinstance(answer, Rejected):
        refused(mover, algorithm, answer)
        return
    received = checked(mover, algorithm, answer, intent) if isinstance(answer, Issued) else None
    if isinstance(answer, Issued) and received is None:
        return
    ports, request = mover.ports, mover.request
    with ports.store.write() as unit:
        current = unit.intents.get(intent.intent_id)
        if current is not None:
            intents.close(unit, current, {"handle": answer.handle}, ports.clock.now())
        differences = received[1] if received else ()
        changes: dict[str, Any] = {
            "ca_handles": {**request.ca_handles, algorithm: answer.handle},
            "ca_progress": {**request.ca_progress, algorithm: ca_orders.progress_of(answer, differences)},
        }
        if request.state == "implementing":
            changes["state"] = "retrieval_in_progress"
        if received is not None:
            changes["fingerprints"] = _keep_bundle(unit, mover, algorithm, received[0])
        mover.save(unit, "certificate_ordered", **changes)
        end_if_complete(unit, mover)


def keep(mover: Mover, algorithm: str, answer: Issued) -> None:
    """Keep a certificate that was waited for, if it can be used."""
    received = checked(mover, algorithm, answer)
    if received is None:
        return
    request = mover.request
    with mover.ports.store.write() as unit:
        ca_orders.answered(unit, mover, algorithm, answer)
        mover.save(
            unit,
            "certificate_retrieved",
            ca_handles={**request.ca_handles, algorithm: answer.handle},
            ca_progress={**request.ca_progress, algorithm: ca_orders.progress_of(answer, received[1])},
            fingerprints=_keep_bundle(unit, mover, algorithm, received[0]),
        )
        end_if_complete(unit, mover)


def refused(mover: Mover, algorithm: str, answer: Rejected) -> None:
    """End the request with the CA's refusal, or go on at a standby account, or without the certificate.

    :raises StateError: the request has failed with it.
    """
    from . import failover

    if failover.after_rejection(mover, algorithm, answer):
        return
    request = mover.request
    message = f"CA account {request.ca} refused the {ca_made.ordered_for(request, algorithm)}: {answer.reason}"
    go_without(mover, algorithm, "ca_rejected", message)


def go_without(mover: Mover, algorithm: str, reason: str, message: str) -> None:
    request, ports = mover.request, mover.ports
    refusals = {**request.refusals, algorithm: message}
    if not dual_stack.may_go_on(request, refusals):
        mover.fail(reason, message + dual_stack.advice(request, refusals), refusals=refusals)
    with ports.store.write() as unit:
        key = ca_orders.key_of(request, algorithm)
        intents.close_all(unit, intents.ORDER_CERTIFICATE, "request", key, {"failed": reason}, ports.clock.now())
        dual_stack.go_without(mover, unit, refusals, message)
        end_if_complete(unit, mover)


def checked(
    mover: Mover, algorithm: str, answer: Issued, intent: Intent | None = None
) -> tuple[Bundle, tuple[str, ...]] | None:
    """Give the bundle in order, and how it differs from what was asked.

    A certificate that cannot be used ends the request (U6), or it goes on without.

    :param intent: of the order, where this is the answer to it; None for one that was waited for.
    """
    request = mover.request
    found, problems = inspected(mover, algorithm, answer)
    if problems or found.facts is None:
        _keep_unusable(mover, algorithm, answer, intent)
        order = ca_made.ordered_for(request, algorithm)
        message = f"what CA account {request.ca} issued for the {order}: {'; '.join(problems)}"
        go_without(mover, algorithm, "certificate_unusable", message)
        return None
    differences = lifetime_differences(request.wish, found.facts, mover.now)
    return found.bundle, (*differences, *found.notes, *(f"the CA says: {note}" for note in answer.notes))


def inspected(mover: Mover, algorithm: str, answer: Issued) -> tuple[Preflight, list[str]]:
    """Hold a certificate against what was asked for: what is known of it, and each reason why it cannot be used."""
    from .._pki.preflight import check_bundle

    request = mover.request
    found = check_bundle(
        answer.bundle,
        csr_pem=ca_made.csr_of(request, algorithm),
        names=wanted_names(request),
        at=mover.ports.clock.now(),
        is_public=mover.ca.capabilities().is_public,
        key_algorithm=algorithm,
        may_be_early=True,
    )
    if found.facts is None:
        return found, list(found.problems)
    with mover.ports.store.read() as unit:
        return found, [*found.problems, *ca_made.problems(unit, request, found.facts)]


def _keep_unusable(mover: Mover, algorithm: str, answer: Issued, intent: Intent | None) -> None:
    """Keep the handle of a certificate that cannot be used: it was paid for, and can be revoked by it."""
    request = mover.request
    changes: dict[str, Any] = {"ca_handles": {**request.ca_handles, algorithm: answer.handle}}
    if request.state == "implementing":
        changes["state"] = "retrieval_in_progress"
    elif changes["ca_handles"] == dict(request.ca_handles):
        return
    with mover.ports.store.write() as unit:
        current = unit.intents.get(intent.intent_id) if intent is not None else None
        if current is not None:
            intents.close(unit, current, {"handle": answer.handle}, mover.now)
        mover.save(unit, "certificate_ordered" if intent is not None else "order_progressed", **changes)


def lifetime_differences(wish: Mapping[str, Any], facts: CertificateFacts, now: datetime) -> tuple[str, ...]:
    """Say that a certificate does not live as long as was asked for; empty when it does, to the day (E15).

    :param now: UTC, for months and years of the wish.
    """
    days = form.lifetime_days(wish, now)
    lives = facts.not_after - facts.not_before
    if abs(lives - timedelta(days=days)) <= SAME_DAY:
        return ()
    return (
        f"{days} days were asked for, and it is valid for {lives.days}, from {to_text(facts.not_before)} to "
        f"{to_text(facts.not_after)}",
    )


def _keep_bundle(unit: Unit, mover: Mover, algorithm: str, bundle: Bundle) -> dict[str, str]:
    from .._pki.x509 import certificate_facts

    facts = certificate_facts(bundle.leaf)
    if unit.pems.get(facts.fingerprint) is None:
        unit.pems.add(StoredPem(facts.fingerprint, bundle.leaf, "".join(bundle.chain), bundle.root))
    return {**mover.request.fingerprints, algorithm: facts.fingerprint}


def end_if_complete(unit: Unit, mover: Mover) -> None:
    """End the request when every CSR is signed, and show the certificate in the inventory."""
    from .._pki.x509 import certificate_facts

    request = mover.request
    if not request.fingerprints or set(request.csrs) - {*request.fingerprints, *request.refusals}:
        return
    if request.state == "implementing":
        mover.save(unit, "certificate_ordered", state="retrieval_in_progress")
    mover.save(unit, "certificate_issued", state="issued", next_look_at=None)
    # The RSA one stands for both: every client can use it.
    primary = vocabulary.RSA if vocabulary.RSA in request.fingerprints else next(iter(request.fingerprints))
    pem = unit.pems.get(request.fingerprints[primary])
    certificate = unit.certificates.get(request.certificate_id)
    if pem is None or certificate is None:
        raise StoreError(f"The certificate of {request.certificate_id} is gone from the store")
    facts, now = certificate_facts(pem.leaf), mover.ports.clock.now()
    ends = [certificate_facts(one.leaf).not_after for one in map(unit.pems.get, request.fingerprints.values()) if one]
    settings: dict[str, Any] = {}
    if dual_stack.is_addition(request):
        settings = {"request_id": request.request_id}
    elif request.renews:
        certificate = lineage.succeed(unit, certificate, request, mover.ports.actor, now)
        certificate = form_extras.on_certificate(certificate, request.wish)
        settings = {"request_id": request.request_id, "ca": request.ca, **named_in(request.wish)}
    unit.certificates.put(
        replace(
            certificate,
            state="issued",
            fingerprint=facts.fingerprint,
            serial=facts.serial,
            issuer=facts.issuer,
            key_algorithm=primary,
            not_before=facts.not_before,
            # Both are renewed together, so before the first of them ends.
            not_after=min(ends),
            updated_at=now,
            **settings,
        )
    )
