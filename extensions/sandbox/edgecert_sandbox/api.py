# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a request to a call of the change engine and back: path, query, media types, body. Knows no signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import media, schemas
from .problems import Answer, Problem
from .replies import problem_reply
from .routes import Match, check_query, find
from .wire import Reply, Request, json_reply
from .world import World

Body = dict[str, Any]


class Call:
    """A request that has passed all checks, as the operations want it."""

    def __init__(
        self,
        match: Match,
        query: dict[str, str],
        answer: media.Chosen,
        sent: media.Chosen,
        body: Body,
        raw: bytes = b"",
    ):
        self.eid = int(match.parts.get("eid", 0))
        self.cid = int(match.parts.get("cid", 0))
        self.tail = match.parts.get("tail", "")
        self.network = match.parts.get("network", "")
        self.parts = match.parts
        self.query = query
        self.answer = answer
        self.sent = sent
        self.body = body
        self.raw = raw

    @property
    def contract(self) -> str | None:
        """The contract of the query."""
        return self.query.get("contractId") or None

    @property
    def record_set(self) -> tuple[str, str, str]:
        """The zone, name and type of the path."""
        return self.parts["zone"], self.parts["name"], self.parts["type"]


OPERATIONS: dict[str, Callable[[World, Call], Answer]] = {
    "get_enrollments": lambda w, c: w.get_enrollments(c.contract, c.answer.version),
    "post_enrollment": lambda w, c: w.post_enrollment(c.contract or "", c.body, c.query, c.sent.version),
    "get_enrollment": lambda w, c: w.get_enrollment(c.eid, c.answer.version),
    "put_enrollment": lambda w, c: w.put_enrollment(c.eid, c.body, c.query, c.sent.version),
    "delete_enrollment": lambda w, c: w.delete_enrollment(c.eid, c.query),
    "get_change": lambda w, c: w.get_change(c.eid, c.cid, c.answer.version),
    "delete_change": lambda w, c: w.delete_change(c.eid, c.cid),
    "get_input_info": lambda w, c: w.get_input_info(c.eid, c.cid, c.tail, c.answer.entity, c.answer.version),
    "post_input_update": lambda w, c: w.post_input_update(c.eid, c.cid, c.tail, c.sent.entity, c.sent.version, c.body),
    "get_deployment_schedule": lambda w, c: w.get_deployment_schedule(c.eid, c.cid),
    "put_deployment_schedule": lambda w, c: w.put_deployment_schedule(c.eid, c.cid, c.body),
    "get_deployments": lambda w, c: w.get_deployments(c.eid, c.answer.version),
    "get_deployment": lambda w, c: w.get_deployment(c.eid, c.network, c.answer.version),
    "get_certificate_history": lambda w, c: w.get_certificate_history(c.eid, c.answer.version),
    "get_change_history": lambda w, c: w.get_change_history(c.eid, c.answer.version),
    "get_dv_history": lambda w, c: w.get_dv_history(c.eid),
    "get_active_certificates": lambda w, c: w.get_active_certificates(c.contract, c.answer.version),
    "get_contract_identifiers": lambda w, c: w.get_contract_identifiers(c.query.get("depth", "TOP")),
    "get_papi_contracts": lambda w, _c: w.get_papi_contracts(),
    "get_papi_groups": lambda w, _c: w.get_papi_groups(),
    "get_papi_hostnames": lambda w, c: w.get_papi_hostnames(c.query),
    "get_dns_zones": lambda w, c: w.dns.get_zones(c.query),
    "get_dns_zone": lambda w, c: w.dns.get_zone(c.parts["zone"]),
    "get_record_set": lambda w, c: w.dns.get_record_set(*c.record_set),
    "post_record_set": lambda w, c: w.dns.post_record_set(*c.record_set, c.raw),
    "put_record_set": lambda w, c: w.dns.put_record_set(*c.record_set, c.raw),
    "delete_record_set": lambda w, c: w.dns.delete_record_set(*c.record_set),
}

NOTHING = media.Chosen("", 0)
PREFIXES = {
    "accountId": "act_",
    **dict.fromkeys(("contractId", "contractIds"), "ctr_"),
    **dict.fromkeys(("groupId", "parentGroupId"), "grp_"),
    **dict.fromkeys(("stagingEdgeHostnameId", "productionEdgeHostnameId"), "ehn_"),
    "propertyId": "prp_",
}


def locate(request: Request) -> Match:
    """Give the route of a request.

    :raises Problem: 404, there is no such path; 405, it has no such method.
    """
    found = find(request.method, request.path)
    if isinstance(found, Match):
        return found
    if found:
        raise Problem(405, "method-not-allowed", "Method not allowed", f"This resource has {', '.join(found)}")
    raise Problem(404, "not-found", "Not Found", "The system was unable to locate the requested resource.")


def serve(world: World, match: Match, request: Request) -> Reply:
    """Answer a request whose caller has been admitted.

    :raises Problem: whatever is wrong with it.
    """
    call = _check(match, request)
    _check_versions(world, call)
    answer = OPERATIONS[match.route.operation](world, call)
    if match.route.service == "papi" and request.headers.get("papi-use-prefixes", "true").lower() != "false":
        answer = Answer(answer.status, answer.entity, prefixed(answer.body))
    if answer.body is None:
        return Reply(answer.status)
    content_type = call.answer.media_type if call.answer.entity else media.PLAIN_JSON
    return json_reply(answer.status, answer.body, content_type)


def _check_versions(world: World, call: Call) -> None:
    """Refuse the versions that this account is to know nothing of."""
    unknown = world.config.unknown_versions
    for status, chosen in ((415, call.sent), (406, call.answer)):
        if f"{chosen.entity}.v{chosen.version}" in unknown:
            raise Problem(status, "unknown-version", "Unknown version", f"{chosen.media_type} is not known.")


def _check(match: Match, request: Request) -> Call:
    try:
        query = check_query(match.route, request.query)
    except ValueError as exc:
        raise Problem(400, "bad-request", "Invalid query parameter", str(exc)) from None
    answer = _answer_type(match, request)
    if match.route.has_json:
        if not media.is_json(request.headers.get("content-type", "")):
            raise Problem(
                415, "unsupported-media-type", "Unsupported Media Type", f"Content-Type must be {media.PLAIN_JSON}"
            )
        return Call(match, query, answer, NOTHING, {}, request.body)
    if not match.takes:
        return Call(match, query, answer, NOTHING, {})
    sent = media.parse(request.headers.get("content-type", ""))
    if sent is None or media.choose(sent.media_type, match.takes) is None:
        raise Problem(
            415, "unsupported-media-type", "Unsupported Media Type", f"Content-Type must be {_names(match.takes)}"
        )
    try:
        body = schemas.read(f"{sent.entity}.v{sent.version}", request.body)
    except schemas.InvalidBody as exc:
        raise Problem(400, "bad-request", "Invalid request body", str(exc)) from None
    return Call(match, query, answer, sent, body)


def _answer_type(match: Match, request: Request) -> media.Chosen:
    accept = request.headers.get("accept")
    if not match.answers:
        if media.takes_json(accept):
            return NOTHING
        raise Problem(406, "not-acceptable", "Not Acceptable", f"Accept must be {media.PLAIN_JSON}")
    chosen = media.choose(accept, match.answers)
    if chosen is None:
        raise Problem(406, "not-acceptable", "Not Acceptable", f"Accept must be {_names(match.answers)}")
    return chosen


def _names(entities: tuple[media.Entity, ...]) -> str:
    return " or ".join(media.Chosen(e.name, version).media_type for e in entities for version in e.versions)


def prefixed(node: Any, key: str = "") -> Any:
    """Give a PAPI body with ids as it writes them unless told ``PAPI-Use-Prefixes: false``."""
    prefix = PREFIXES.get(key)
    if isinstance(node, dict):
        return {name: prefixed(value, name) for name, value in node.items()}
    if isinstance(node, list):
        return [prefixed(value, key) for value in node]
    if isinstance(node, str) and prefix and not node.startswith(prefix):
        return prefix + node
    return node


def refuse(problem: Problem, request: Request) -> Reply:
    """Write a problem as the API that was called does."""
    return problem_reply(request, problem.status, problem.slug, problem.title, problem.detail, plain=problem.plain)
