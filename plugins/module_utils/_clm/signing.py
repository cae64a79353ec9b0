# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Having CSRs signed: orders to the CA, retrieval, and the check of what comes back. Knows no CA.

One order for each key algorithm; each has an intent of its own, so that a killed run never orders twice. What
speaks to a CA or reads X.509 is imported where it is used: a call that finds its request issued does neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core import validity, vocabulary
from .._core.errors import StoreError
from .._core.types import Bundle, StoredPem
from . import dual_stack, form, form_csr, form_extras, intents, key_secrets, lineage
from .binding import named_in

if TYPE_CHECKING:
    from .._ca.base import Answer, Issued, Pending
    from .._core.types import CertRequest
    from .._pki.preflight import WantedNames
    from .._store.base import Unit
    from .moves import Mover


def wanted_names(wish: Mapping[str, Any]) -> WantedNames:
    """Give the names the certificate of a wish has to bear."""
    from .._pki.preflight import WantedNames

    sans = wish["subject_alternative_names"]
    others = [f"other:{text}" for text in sans.get("other") or ()]
    others += [f"directory:{text}" for text in sans.get("directory") or ()]
    return WantedNames(
        wish["common_name"],
        tuple(sans["dns"]),
        tuple(sans["ip"]),
        tuple(sans["email"]),
        tuple(sans["uri"]),
        tuple(others),
    )


def problems(mover: Mover) -> list[str]:
    """Give what the CA cannot take of a request, by its capabilities and its own rules."""
    from .._ca.base import Order

    request, capabilities = mover.request, mover.ca.capabilities()
    spec, now = form_csr.spec_of(request.wish), mover.ports.clock.now()
    days = form.lifetime_days(request.wish, now)
    # A CA's own limit is said by the CA itself, below.
    found = list(validity.validity_problems(days, now, is_public=capabilities.is_public))
    if request.csr_source not in capabilities.csr_sources:
        found.append(
            f"csr_source {request.csr_source} is not to be had with CA account {request.ca} ({mover.account.type}), "
            f"which takes {', '.join(capabilities.csr_sources)}"
        )
    kinds = {"ip": spec.ip_addresses, "email": spec.emails, "uri": spec.uris, "directory": spec.directory_names}
    kinds["other"] = tuple(value for _oid, value in spec.other_names)
    if not set(_kinds_of_key(request.wish)) <= set(capabilities.key_types):
        takes = ", ".join(capabilities.key_types)
        found.append(f"CA account {request.ca} takes no {request.wish['key_type']} keys; it takes {takes}")
    found += [
        f"CA account {request.ca} takes no {kind} names ({', '.join(values)})"
        for kind, values in kinds.items()
        if values and kind not in capabilities.san_types
    ]
    order = Order(spec, days, "check", now, request.ca_options)
    return found + list(mover.ca.validate(order))


def _kinds_of_key(wish: Mapping[str, Any]) -> list[str]:
    return ["rsa", "ec"] if wish["dual_stack"] else [wish["key_type"]]


def csr_problems(request: CertRequest, csrs: Mapping[str, str]) -> list[str]:
    """Hold the CSRs that somebody else made against what was asked for; CPS has ways of its own with the subject."""
    from .._pki import csr, x509

    found, wish = [], request.wish
    for algorithm, text in csrs.items():
        facts = x509.csr_facts(text, f"the {algorithm} CSR")
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
    """Hand every CSR that has no order yet to the CA."""
    with mover.lease():
        for algorithm in dual_stack.unordered(mover.request):
            _order_one(mover, algorithm)
    return True


def _order_one(mover: Mover, algorithm: str) -> None:
    from .._ca.base import Issued, Order, Rejected

    ports, request = mover.ports, mover.request
    key = f"{request.request_id}/{algorithm}"
    csr_pem = key_secrets.csr_to_send(ports.store, request, algorithm)
    intent, is_new = intents.begin(
        ports.store, intents.ORDER_CERTIFICATE, "request", key, {"algorithm": algorithm}, ports.clock.now()
    )
    at = intent.created_at or ports.clock.now()
    asked = Order(
        form_csr.spec_of(request.wish), form.lifetime_days(request.wish, at), intent.intent_id, at, request.ca_options
    )
    # A CA that cannot look finds nothing, and then promises that the same intent is never two orders.
    answer = None if is_new else mover.ca.find(asked, csr_pem)
    if answer is None:
        answer = mover.ca.submit(asked, csr_pem)
    if isinstance(answer, Rejected):
        _refused(mover, algorithm, answer.reason)
        return
    bundle = _checked(mover, algorithm, answer) if isinstance(answer, Issued) else None
    if isinstance(answer, Issued) and bundle is None:
        return
    with ports.store.write() as unit:
        current = unit.intents.get(intent.intent_id)
        if current is not None:
            intents.close(unit, current, {"handle": answer.handle}, ports.clock.now())
        handles = {**mover.request.ca_handles, algorithm: answer.handle}
        changes: dict[str, Any] = {"ca_handles": handles}
        if mover.request.state == "implementing":
            changes["state"] = "retrieval_in_progress"
        if bundle is not None:
            changes["fingerprints"] = _keep_bundle(unit, mover, algorithm, bundle)
        mover.save(unit, "certificate_ordered", **changes)
        _end_if_complete(unit, mover)


def not_ready_for(mover: Mover) -> float | None:
    """Give the seconds for which the CA has no answer to any open order yet, None when it has one; reads only."""
    from .._ca.base import Pending

    answers = list(_collected(mover).values())
    waiting = [answer.look_again_s for answer in answers if isinstance(answer, Pending)]
    return min(waiting) if waiting and len(waiting) == len(answers) else None


def _collected(mover: Mover) -> dict[str, Answer]:
    request = mover.request
    missing = [name for name in request.csrs if name not in {*request.fingerprints, *request.refusals}]
    return {algorithm: mover.ca.collect(request.ca_handles[algorithm]) for algorithm in missing}


def retrieve(mover: Mover) -> bool:
    """Ask for what is not signed yet, until all is or the time is over."""
    if mover.next_move() != "retrieve":
        return True
    with mover.lease():
        if mover.request.state == "implementing":
            # Ordered for an earlier request of the same CSR.
            with mover.ports.store.write() as unit:
                mover.save(unit, "certificate_ordered", state="retrieval_in_progress")
                _end_if_complete(unit, mover)
        while mover.next_move() == "retrieve":
            waiting = _collect_once(mover)
            if not waiting:
                return True
            if not mover.pause(min(answer.look_again_s for answer in waiting)):
                message = dual_stack.with_what_is_missing(mover.request, waiting[0].message)
                return mover.park("ca_pending", message, min(answer.look_again_s for answer in waiting))
        return True


def _collect_once(mover: Mover) -> list[Pending]:
    from .._ca.base import Pending, Rejected

    waiting = []
    for algorithm, answer in _collected(mover).items():
        if isinstance(answer, Pending):
            waiting.append(answer)
        elif isinstance(answer, Rejected):
            _refused(mover, algorithm, answer.reason)
        else:
            bundle = _checked(mover, algorithm, answer)
            if bundle is None:
                continue
            with mover.ports.store.write() as unit:
                mover.save(unit, "certificate_retrieved", fingerprints=_keep_bundle(unit, mover, algorithm, bundle))
                _end_if_complete(unit, mover)
    return waiting


def _refused(mover: Mover, algorithm: str, reason: str) -> None:
    message = f"CA account {mover.request.ca} refused the {algorithm} CSR: {reason}"
    _go_without(mover, algorithm, "ca_rejected", message)


def _go_without(mover: Mover, algorithm: str, reason: str, message: str) -> None:
    """Go on without one certificate where that is allowed, and end the request otherwise.

    :raises StateError: the request has failed with it.
    """
    request, ports = mover.request, mover.ports
    refusals = {**request.refusals, algorithm: message}
    if not dual_stack.may_go_on(request, refusals):
        mover.fail(reason, message + dual_stack.advice(request, refusals), refusals=refusals)
    with ports.store.write() as unit:
        key = f"{request.request_id}/{algorithm}"
        intents.close_all(unit, intents.ORDER_CERTIFICATE, "request", key, {"failed": reason}, ports.clock.now())
        dual_stack.go_without(mover, unit, refusals, message)
        _end_if_complete(unit, mover)


def _checked(mover: Mover, algorithm: str, answer: Issued) -> Bundle | None:
    """Give the bundle in order; a certificate that cannot be used ends the request (U6), or it goes on without."""
    from .._pki.preflight import check_bundle

    request = mover.request
    found = check_bundle(
        answer.bundle,
        csr_pem=request.csrs[algorithm],
        names=wanted_names(request.wish),
        at=mover.ports.clock.now(),
        is_public=mover.ca.capabilities().is_public,
        key_algorithm=algorithm,
    )
    if found.problems:
        if request.state == "implementing":
            with mover.ports.store.write() as unit:
                handles = {**request.ca_handles, algorithm: answer.handle}
                mover.save(unit, "certificate_ordered", state="retrieval_in_progress", ca_handles=handles)
        message = f"what CA account {request.ca} issued for the {algorithm} CSR: {'; '.join(found.problems)}"
        _go_without(mover, algorithm, "certificate_unusable", message)
        return None
    return found.bundle


def _keep_bundle(unit: Unit, mover: Mover, algorithm: str, bundle: Bundle) -> dict[str, str]:
    from .._pki.x509 import certificate_facts

    facts = certificate_facts(bundle.leaf)
    if unit.pems.get(facts.fingerprint) is None:
        unit.pems.add(StoredPem(facts.fingerprint, bundle.leaf, "".join(bundle.chain), bundle.root))
    return {**mover.request.fingerprints, algorithm: facts.fingerprint}


def _end_if_complete(unit: Unit, mover: Mover) -> None:
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
