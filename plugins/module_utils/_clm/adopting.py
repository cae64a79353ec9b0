# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking over a certificate that was enrolled elsewhere: from then on it is renewed, edited and pushed from here (U3).

The enrollment is read once, and nothing is sent to CPS or to a CA. What is recorded is a request as if the certificate
had been issued for it, since all that follows a certificate follows its request. Who signed it so far is not known; the
CA account that is named signs from the next renewal on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._core import vocabulary
from .._core.clock import to_text
from .._core.errors import InputError, StateError
from .._core.governance import DEFAULT_GROUP
from .._core.plan import Plan, Step
from .._core.snapshots import Snapshot
from .._core.types import AuditEntry, Certificate, CertRequest
from . import enroll, form, form_extras, policy, removals, renewal, requests, snapshots, states
from .connectors import required_certificate
from .managed import managed_device
from .requests import Submission
from .returning import other_is_open
from .revocation_states import BAD
from .work_views import request_view

if TYPE_CHECKING:
    from .._core.governance import Group
    from .._store.base import Unit
    from .._target.base import Target
    from .ports import Params, Ports

ADOPT = "adopt"
# What the enrollment does not say; the rest of the form is as it has it.
_TAKES = (
    *("action", "certificate", "common_name", "group", "ca", "ca_options", "ca_connector_name", "description"),
    *("validity", "auto_renew", "auto_regenerate", "attributes", "generic", "warnings", "allow_missing", "comment"),
)
# What a second call may not have otherwise and be taken for done.
_KEPT = ("validity", "auto_renew", "auto_regenerate", "attributes", "description", "allow_missing")
# As long as nothing else is known of its key: RSA, which CPS always makes.
_NO_KEY: Mapping[str, Any] = {"dual_stack": False, "key_type": "rsa", "key_size": None, "curve": None}


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_enroll`` would do with action ``adopt``.

    :raises InputError: an option says something that the enrollment says, or the CA does not take it.
    :raises NotFoundError: there is no such certificate, CA account, or no vendor settings of its combination (S5).
    :raises PolicyError: its device is not managed, or the group does not allow what it is.
    :raises StateError: it is nothing that can be renewed here, or something is open for it.
    """
    _refuse_unused(params)
    now = ports.clock.now()
    with ports.store.read() as unit:
        certificate = required_certificate(unit, form.certificate_id(enroll.named(params), unit, now))
        latest = requests.latest(unit, certificate.certificate_id)
        group = policy.group_of(unit, params.get("group") or certificate.group)
        if certificate.request_id and latest is not None:
            return _known(certificate, latest, params, ports)
        _refuse(unit, certificate, latest)
        device = managed_device(unit, certificate.device)
    target = ports.target(device)
    place = _place(certificate, target)
    with ports.store.read() as unit:
        request = _request(unit, certificate, place, group, params, ports)
    requests.refuse_violations(request, group)
    begins = _begins(certificate, target, ports)
    requests.mover_of(request, ports, wait_s=0.0).validate()
    text = (
        f"Take over {certificate.certificate_id}, enrollment {certificate.enrollment_id}, to be signed by CA account "
        f"{request.ca} from its next renewal on; nothing is sent"
    )
    return Plan(
        None,
        request_view(request),
        (Step(text, lambda: _take(request, begins, ports)),),
        lambda: enroll.outcome(request.certificate_id, request.request_id, ports),
    )


def _refuse_unused(params: Params) -> None:
    """Refuse options that say how the certificate should be: it is there, and edits come after.

    :raises InputError: some are given.
    """
    unused = sorted(name for name, value in params.items() if name not in _TAKES and value not in (None, False))
    unused = [name for name in unused if name not in ("wait_timeout", "submit")]
    if params.get("submit") is False:
        unused.append("submit: false")
    if unused:
        raise InputError.of_problems(
            f"Cannot adopt {params.get('certificate') or params.get('common_name')}",
            [f"{name} goes not with action: adopt, which takes the enrollment as it is" for name in unused],
        )


def _known(certificate: Certificate, latest: CertRequest, params: Params, ports: Ports) -> Plan:
    """Leave what is enrolled, or was taken over, as it is.

    :raises InputError: another CA account is named, or something else than what is kept.
    """
    ca = params.get("ca")
    if ca and ca != latest.ca:
        raise InputError(
            f"Cannot adopt {certificate.certificate_id} for CA account {ca}: it is renewed at {latest.ca} already; "
            "name another one with action: renew"
        )
    others = [name for name in _KEPT if not _says(params.get(name), latest.wish.get(name))]
    if params.get("group") and params["group"] != (certificate.group or DEFAULT_GROUP):
        others.append("group")
    if others:
        raise InputError(
            f"Cannot adopt {certificate.certificate_id} with another {', '.join(others)}: it is enrolled, or taken "
            "over, already; change that with action: enroll"
        )
    view = request_view(latest)
    return Plan(view, view, (), lambda: enroll.outcome(certificate.certificate_id, latest.request_id, ports))


def _says(given: Any, kept: Any) -> bool:
    """Say whether what is kept is what is given, as far as that says something."""
    if isinstance(given, Mapping):
        there = kept if isinstance(kept, Mapping) else {}
        return all(str(there.get(name)) == str(value) for name, value in given.items() if value is not None)
    return given is None or given == kept


def _refuse(unit: Unit, certificate: Certificate, latest: CertRequest | None) -> None:
    """Refuse what could not be renewed in place.

    :raises StateError: CPS asks its CA itself, nothing is live, or something is open.
    """
    what = f"Cannot adopt {certificate.certificate_id}"
    removals.refuse_beside(unit, certificate.certificate_id, ADOPT)
    if latest is not None and not states.is_final(latest.state):
        raise other_is_open(latest, ADOPT)
    if certificate.validation_type != vocabulary.VALIDATION_TYPES[0]:
        raise StateError(
            f"{what}: it is of validation type {certificate.validation_type or 'unknown'}, which CPS has signed and "
            "renews by itself; only third-party certificates are signed from here",
            code="not_third_party",
            details={"validation_type": certificate.validation_type},
        )
    if certificate.state not in ("issued", *BAD) or not certificate.production.get("fingerprint"):
        raise StateError(
            f"{what}: it is {certificate.state}, and production serves no certificate of it that could be renewed; "
            "discover its device, or bring it to production where it was enrolled",
            code="certificate_not_live",
            details={"state": certificate.state},
        )


def _place(certificate: Certificate, target: Target) -> Mapping[str, Any]:
    """Read the enrollment.

    :raises StateError: it is gone.
    """
    place = target.settings({"enrollment_id": certificate.enrollment_id})
    if not place:
        raise StateError(
            f"Cannot adopt {certificate.certificate_id}: enrollment {certificate.enrollment_id} is gone at CPS; "
            f"discover device {certificate.device}",
            code="enrollment_gone",
        )
    return place


def _form(certificate: Certificate, place: Mapping[str, Any], group: Group, params: Params) -> dict[str, Any]:
    """Give the form that would have made the enrollment; what it does not say is as given, or as the group has it."""
    whole, served = dict(place), certificate.production
    seen = Snapshot("", certificate.certificate_id, certificate.enrollment_id, "", enrollment=whole, production=served)
    given = {name: params.get(name) for name in _TAKES}
    return {
        **policy.filled({**given, "csr_source": vocabulary.ENDPOINT}, group),
        **snapshots.form_of(seen, _NO_KEY),
        "csr_source": vocabulary.ENDPOINT,
        "common_name": certificate.common_name,
        "device": certificate.device,
        "contract_id": certificate.contract_id,
        "validation_type": certificate.validation_type,
        "secure_network": certificate.secure_network,
        "vendor_certificate_type": certificate.certificate_type,
        "hash": None,
    }


def _request(
    unit: Unit, certificate: Certificate, place: Mapping[str, Any], group: Group, params: Params, ports: Ports
) -> CertRequest:
    """Make the request that stands for what is live."""
    asked = _form(certificate, place, group, params)
    asked["ca"] = requests.named_ca(asked, group, certificate.certificate_id)
    now = ports.clock.now()
    wish = form.build(asked, unit, now, also=renewal.toggle_problems(certificate, params.get("auto_regenerate"), now))
    settings = wish["settings"]
    as_it_is = {
        **snapshots.parties_of(place, settings),
        "change_management": place.get("changeManagement"),
        "network": {},
    }
    made = requests.new(
        ports,
        group,
        Submission(comment=params.get("comment") or "", submit=False),
        certificate_id=certificate.certificate_id,
        action=ADOPT,
        wish={**wish, "settings": {**settings, **as_it_is}},
        ca=asked["ca"],
        ca_options=params.get("ca_options") or {},
        csr_source=vocabulary.ENDPOINT,
    )
    step = {"type": "adopted", "at": to_text(now), "actor": ports.actor, "comment": made.comment}
    label = f"enrollment {certificate.enrollment_id}"
    return replace(
        made,
        state="issued",
        conditions=(step,),
        fingerprints=_fingerprints(certificate),
        key_reference={"enrollment_id": certificate.enrollment_id, "change_id": None, "label": label},
    )


def _fingerprints(certificate: Certificate) -> dict[str, str]:
    """Give what production serves, by key algorithm."""
    served = [certificate.production, *certificate.production.get("others", ())]
    return {
        "ECDSA" if str(one.get("key_algorithm") or "").upper().startswith("EC") else "RSA": str(one["fingerprint"])
        for one in served
        if one.get("fingerprint")
    }


def _begins(certificate: Certificate, target: Target, ports: Ports) -> datetime:
    """Give when what is live began, from which its windows count; a list of enrollments does not tell it.

    :raises StateError: CPS shows another certificate by now.
    """
    from .._pki import x509

    with ports.store.read() as unit:
        kept = unit.pems.get(certificate.fingerprint)
    leaf = kept.leaf if kept is not None else ""
    if not leaf and certificate.enrollment_id is not None:
        bundle = target.fetch_pem(certificate.enrollment_id).get(certificate.fingerprint)
        leaf = bundle.leaf if bundle is not None else ""
    if not leaf:
        raise StateError(
            f"Cannot adopt {certificate.certificate_id}: CPS shows no certificate {certificate.fingerprint} for "
            f"enrollment {certificate.enrollment_id} any more; discover device {certificate.device}",
            code="certificate_not_live",
        )
    return x509.certificate_facts(leaf).not_before


def _take(request: CertRequest, begins: datetime, ports: Ports) -> bool:
    with ports.store.write() as unit:
        stored = required_certificate(unit, request.certificate_id)
        _refuse(unit, stored, requests.latest(unit, request.certificate_id))
        unit.requests.add(request)
        taken = replace(
            form_extras.on_certificate(stored, request.wish),
            origin="enrolled",
            ca=request.ca,
            request_id=request.request_id,
            group=request.group,
            not_before=begins,
            updated_at=ports.clock.now(),
        )
        unit.certificates.put(taken)
        unit.audit(
            AuditEntry(
                ports.actor,
                "certificate_adopted",
                "certificate",
                request.certificate_id,
                before={"origin": stored.origin, "group": stored.group or DEFAULT_GROUP},
                after={
                    "origin": taken.origin,
                    "group": taken.group,
                    "ca": taken.ca,
                    "request_id": request.request_id,
                    "enrollment_id": stored.enrollment_id,
                    "fingerprints": dict(request.fingerprints),
                },
                comment=request.comment,
                tracking_id=request.tracking_id,
            )
        )
    return True
