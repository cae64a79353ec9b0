# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a replacement still has to do, in which order, what it costs and what cannot be replaced. Reads the store alone,
and asks CAs and key providers for no more than what an order would be refused for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .._core import csr_sources, vocabulary
from .._core.clock import to_text
from .._core.errors import ClmError, StateError
from .._core.ledger import Limits
from .._core.types import Certificate, CertRequest
from . import approvals, dual_stack, due, gate, policy, prediction, renewal, replacement, requests, standby, states
from .filters import Filters, select
from .requests import Submission
from .revocation_states import BAD
from .successors import Named, enrolled, successor

if TYPE_CHECKING:
    from .._store.base import Unit
    from .ports import Ports
    from .replacement import Wanted

TO_DO, UNDER_WAY, REPLACED, FAILED, BUSY, IMPOSSIBLE = (
    *("to_do", "under_way", "replaced", "failed", "busy", "impossible"),
)
_RANKS: Mapping[str, float] = {"critical": 4, "high": 3, "medium": 2, "low": 1}
_OPEN = tuple(state for state in states.REQUEST if not states.is_final(state))
# Calls of a push to its end, beside many others at least and alone at most. To production it is what the benchmarks
# count of whole lives (10.9 calls of each of a hundred, 25 of one alone) less the enrolment; to staging half of that.
_PUSH_CALLS: Mapping[str, tuple[int, int]] = {"staging": (4, 10), "production": (8, 20)}


@dataclass
class Line:
    """One certificate of a replacement.

    :ivar status: of ``to_do, under_way, replaced, failed, busy, impossible``; ``why`` says it of the last three.
    :ivar request: of this replacement, or the one that is in the way.
    :ivar planned: the request that would be made; only where problems were looked for.
    :ivar calls: at least and at most, until it is issued and pushed to where the present one is.
    """

    certificate: Certificate
    status: str
    why: str = ""
    request: CertRequest | None = None
    planned: CertRequest | None = None
    calls: tuple[int, int] = (0, 0)
    push_levels: int = 0


@dataclass
class Survey:
    """All lines, those that are to be done in the order in which they are; and what was ordered already."""

    lines: list[Line]
    placed: int
    made_at: list[datetime]

    def of(self, *status: str) -> list[Line]:
        """Give the lines of some status."""
        return [line for line in self.lines if line.status in status]


def survey(ports: Ports, wanted: Wanted, started_at: datetime, *, with_problems: bool) -> Survey:
    """Look where each certificate stands.

    :param with_problems: work out for each that is to be done whether it can be, and what it costs.
    """
    now = ports.clock.now()
    with ports.store.read() as unit:
        chosen, _devices = select(unit, Filters.from_options(wanted.select), now)
        own = _own(unit, wanted)
        known = {one.certificate_id: one for one in chosen if one.state in ("issued", *BAD)}
        for name in own:
            certificate = unit.certificates.get(name)
            if certificate is not None:
                known[name] = certificate
        open_ones = {one.certificate_id: one for one in unit.requests.find(state=list(_OPEN))}
        lines = [
            _line(unit, one, wanted, own.get(name, ()), open_ones.get(name), started_at) for name, one in known.items()
        ]
    if with_problems:
        for line in lines:
            if line.status == TO_DO:
                _foresee(ports, wanted, line)
    lines.sort(key=lambda line: _rank(line.certificate, wanted))
    mine = [request for some in own.values() for request in some]
    made_at = sorted(one.created_at for one in mine if one.created_at is not None)
    return Survey(lines, sum(orders_of(one) for one in mine), made_at)


def _own(unit: Unit, wanted: Wanted) -> dict[str, list[CertRequest]]:
    """Give the requests that the replacement made, by certificate, the oldest first."""
    found: dict[str, list[CertRequest]] = defaultdict(list)
    for request in unit.requests.find(action=list(renewal.KINDS)):
        if replacement.is_of(request, wanted.name):
            found[request.certificate_id].append(request)
    return found


def orders_of(request: CertRequest) -> int:
    """Count the orders at the CA that a request stands for; none for one that ended before it placed any."""
    has_none = states.is_final(request.state) and not request.ca_handles
    return 0 if has_none else len(dual_stack.wanted(request))


def line_now(unit: Unit, certificate: Certificate, wanted: Wanted, started_at: datetime) -> Line:
    """Look again where one certificate stands, as before it is begun: a survey of many is old by then."""
    its = unit.requests.find(certificate_id=certificate.certificate_id)
    mine = [one for one in its if one.action in renewal.KINDS and replacement.is_of(one, wanted.name)]
    current = next((one for one in its if not states.is_final(one.state)), None)
    return _line(unit, certificate, wanted, mine, current, started_at)


def _line(
    unit: Unit,
    certificate: Certificate,
    wanted: Wanted,
    mine: Sequence[CertRequest],
    current: CertRequest | None,
    started_at: datetime,
) -> Line:
    """Say where a certificate stands.

    :param mine: its requests of this replacement, the oldest first.
    :param current: the one that is open.
    """
    if current is not None:
        if replacement.is_of(current, wanted.name):
            return Line(certificate, UNDER_WAY, current.message, current)
        return Line(certificate, BUSY, f"request {current.request_id} of it is {current.state}", current)
    issued = unit.requests.get(certificate.request_id) if certificate.request_id else None
    if issued is not None and _is_replaced(issued, wanted, started_at):
        return Line(certificate, REPLACED, request=issued)
    last = mine[-1] if mine else None
    if last is not None and not wanted.retries(last):
        ended = _ended(last, issued)
        return Line(certificate, FAILED, f"request {last.request_id} {ended}: {last.message}".rstrip(": "), last)
    return Line(certificate, TO_DO)


def _ended(last: CertRequest, issued: CertRequest | None) -> str:
    """Say what became of the last request of the replacement, whose certificate is not the present one."""
    if last.state != "issued":
        return f"is {last.state}"
    if issued is None or _made_at(issued) <= _made_at(last):
        return "was rolled back"
    return f"was followed by request {issued.request_id} at CA account {issued.ca}"


def _made_at(request: CertRequest) -> datetime:
    return request.created_at or datetime.min.replace(tzinfo=timezone.utc)


def _is_replaced(issued: CertRequest, wanted: Wanted, started_at: datetime) -> bool:
    """Say whether what is there is new: of this replacement, or asked for since it began at the account it is about."""
    if issued.state != "issued" or replacement.is_of(issued, wanted.name):
        return issued.state == "issued"
    is_since = issued.created_at is not None and issued.created_at > started_at
    return is_since and wanted.to_ca in ("", standby.as_asked(issued).ca)


def _rank(certificate: Certificate, wanted: Wanted) -> tuple[Any, ...]:
    """Give what puts certificates in order: what clients see first, what matters most, what ends first."""
    given = certificate.attributes.get(wanted.importance)
    try:
        weight = _RANKS.get(str(given).strip().lower()) or float(str(given))
    except ValueError:
        weight = 0.0
    far = datetime.max.replace(tzinfo=timezone.utc)
    ranks = {
        replacement.LIVE: 0 if certificate.production else 1 if certificate.staging else 2,
        replacement.IMPORTANCE: -weight,
        replacement.EXPIRY: due.ends_of(certificate) or far,
    }
    return (*(ranks[one] for one in wanted.order_by), certificate.certificate_id)


def request_of(ports: Ports, wanted: Wanted, certificate: Certificate) -> CertRequest:
    """Make the request that replaces a certificate; stores nothing.

    It inherits what renews the certificate by itself: that it is replaced says nothing about its next renewal.

    :raises StateError: nothing was enrolled here, it is not valid, or nobody here could make its CSR.
    """
    with ports.store.read() as unit:
        parent = enrolled(unit, certificate, wanted.renewal, ports.clock.now())
        group = policy.group_of(unit, certificate.group)
    parent = standby.as_asked(parent)
    ca = wanted.to_ca or parent.ca
    options = wanted.ca_options if wanted.ca_options is not None else parent.ca_options if ca == parent.ca else {}
    reuses = wanted.renewal == renewal.RENEW and parent.wish.get("reuse_key")
    if parent.csr_source == vocabulary.UPLOAD and not reuses:
        raise StateError(
            f"Cannot {wanted.renewal} {certificate.certificate_id}: its key is elsewhere and nobody has uploaded a new "
            "CSR; run edgecert.clm.cert_enroll with that CSR",
            code="csr_needed",
        )
    wish = {**parent.wish, **renewal.inherited(certificate, automatic=True)}
    if wanted.validity:
        wish["validity"] = dict(wanted.validity)
    named = Named(wanted.renewal, wish, ca, parent.csr_source)
    comment = f"replacement {wanted.name}"
    made = successor(
        ports, group, Submission(comment=comment), named, certificate=certificate, parent=parent, is_automatic=True
    )
    renews = {**made.renews, replacement.MEMBER: wanted.name}
    rules = {**made.policy, **_standing_by(made, wanted, certificate)}
    return replace(made, ca_options=dict(options), renews=renews, policy=rules)


def _standing_by(made: CertRequest, wanted: Wanted, certificate: Certificate) -> dict[str, Any]:
    """Give the standby accounts without those whose certificates are replaced: they are not to sign any more."""
    if standby.LISTED not in made.policy:
        return {}
    asked = wanted.select.get("ca") or ()
    replaced = {certificate.ca, *([asked] if isinstance(asked, str) else asked)}
    return {standby.LISTED: [one for one in made.policy[standby.LISTED] if one["ca"] not in replaced]}


def _foresee(ports: Ports, wanted: Wanted, line: Line) -> None:
    """Work out whether a certificate can be replaced, and what that costs."""
    certificate = line.certificate
    try:
        request = request_of(ports, wanted, certificate)
        with ports.store.read() as unit:
            group = policy.group_of(unit, certificate.group)
            connectors = unit.connectors.find(certificate_id=certificate.certificate_id)
        requests.refuse_violations(request, group)
        mover = requests.mover_of(request, ports, wait_s=0.0)
        mover.validate()
        least, most = mover.keys.calls_ahead(mover.order, "begin", 0.0)
    except ClmError as exc:
        line.status, line.why = IMPOSSIBLE, exc.message
        return
    network = _network(certificate, request)
    pushed = _PUSH_CALLS.get(network, (0, 0))
    line.planned, line.calls = request, (least + pushed[0], most + pushed[1])
    is_automatic = any(policy.automatic_network(one, group) == network for one in connectors)
    rule = policy.snapshot(group, "push")
    if network and not is_automatic and not rule["auto_approve"]:
        line.push_levels = int(rule["levels"])


def _network(certificate: Certificate, request: CertRequest) -> str:
    """Name the network up to which it has to be pushed for clients to see it; empty where nothing serves it."""
    networks = prediction.networks(certificate) if request.csr_source in csr_sources.PUSHABLE else []
    return networks[-1] if networks else ""


# -- telling -------------------------------------------------------------------------------------------------------


def view(wanted: Wanted, seen: Survey, state: str, started_at: datetime | None, now: datetime) -> dict[str, Any]:
    """Show a replacement with all of its certificates."""
    counts = Counter(line.status for line in seen.lines)
    ahead = [line for line in seen.lines if line.planned is not None]
    return {
        "name": wanted.name,
        "state": state,
        **wanted.definition,
        "started_at": to_text(started_at) if started_at else None,
        "counts": {name: counts[name] for name in (TO_DO, UNDER_WAY, REPLACED, FAILED, BUSY, IMPOSSIBLE)},
        "certificates": [_shown(line, now) for line in seen.lines],
        "calls": {"at_least": sum(one.calls[0] for one in ahead), "at_most": sum(one.calls[1] for one in ahead)},
        "hours": _hours(ahead, wanted),
        "ca_orders": {"placed": seen.placed, "ahead": sum(_orders(one) for one in ahead), "most": wanted.max_orders},
        "approvals": {
            "enroll": sum(approvals.levels(one.planned) for one in ahead if one.planned is not None),
            "push": sum(one.push_levels for one in ahead),
        },
    }


def _orders(line: Line) -> int:
    return len(dual_stack.wanted(line.planned)) if line.planned is not None else 0


def _hours(ahead: Sequence[Line], wanted: Wanted) -> dict[str, float | None]:
    """Give the hours that calls take within the limits of each device, and those at the pace that is asked for."""
    by_device: Counter[str] = Counter()
    for line in ahead:
        by_device[line.certificate.device] += line.calls[1]
    at_limits = max(by_device.values(), default=0) / Limits().per_minute / 60
    at_pace = len(ahead) / wanted.per_hour if wanted.per_hour else None
    return {
        "at_rate_limits": round(at_limits, 2),
        "at_pace": round(at_pace, 2) if at_pace is not None else None,
        "at_least": round(max(at_limits, at_pace or 0.0), 2),
    }


def _shown(line: Line, now: datetime) -> dict[str, Any]:
    certificate, request = line.certificate, line.request
    ends, why = due.ends_of(certificate), line.why
    if request is not None and request.state in states.BEFORE_IMPLEMENTING:
        why = gate.waits_for(request, now)
    planned: dict[str, Any] = {}
    if line.planned is not None:
        levels = {"enroll": approvals.levels(line.planned), "push": line.push_levels}
        planned = {
            "to_ca": line.planned.ca,
            "calls": {"at_least": line.calls[0], "at_most": line.calls[1]},
            "ca_orders": _orders(line),
            "approvals": levels,
        }
    return {
        "certificate": certificate.certificate_id,
        "status": line.status,
        "why": why,
        "request_id": request.request_id if request is not None else None,
        "state": request.state if request is not None else None,
        "ca": certificate.ca,
        "device": certificate.device,
        "networks": prediction.networks(certificate),
        "ends_at": to_text(ends) if ends else None,
        **planned,
    }


def pace_opens(wanted: Wanted, made_at: Sequence[datetime], now: datetime) -> datetime | None:
    """Give when the next request may be made at the pace asked for; None when it may be now."""
    hour = timedelta(hours=1)
    recent = [at for at in made_at if now - at < hour]
    if wanted.per_hour is None or len(recent) < wanted.per_hour:
        return None
    return recent[-wanted.per_hour] + hour
