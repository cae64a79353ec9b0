# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's one table: method, path, operation, entities and versions, query, grant. Data only."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime

from .auth import READ, WRITE
from .media import Entity

BOOLEAN, DATE, TEXT, DEPTH, NUMBER = "boolean", "date", "text", "depth", "number"
# Words that a parameter may be.
SORT, NETWORK = "hostname:a hostname:d", "STAGING PRODUCTION"

# Old versions too: Akamai's own tools still ask for some of them.
ENROLLMENT_VERSIONS = (3, 4, 7, 9, 10, 11, 12)
ENROLLMENTS = Entity("enrollments", ENROLLMENT_VERSIONS)
ENROLLMENT = Entity("enrollment", ENROLLMENT_VERSIONS)
ENROLLMENT_STATUS = Entity("enrollment-status", (1,))
CHANGE = Entity("change", (1, 2))
CHANGE_ID = Entity("change-id", (1,))
SCHEDULE = Entity("deployment-schedule", (1,))
DEPLOYMENTS = Entity("deployments", (1, 2, 3, 6, 7, 8))
DEPLOYMENT = Entity("deployment", (1, 2, 3, 6, 7, 8))
ACKNOWLEDGEMENT = Entity("acknowledgement", (1,))
WARNINGS = Entity("warnings", (1,))

# What can be asked of, and sent to, a change: last part of the URL -> media types.
INPUT_INFO = {
    "third-party-csr": (Entity("csr", (1, 2)),),
    "pre-verification-warnings": (WARNINGS,),
    "post-verification-warnings": (WARNINGS,),
    "change-management-info": (Entity("change-management-info", (3, 4, 5, 6)), DEPLOYMENT),
    "lets-encrypt-challenges": (Entity("dv-challenges", (1, 2)),),
}
INPUT_UPDATE = {
    "third-party-cert-and-trust-chain": (Entity("certificate-and-trust-chain", (1, 2)),),
    "pre-verification-warnings-ack": (ACKNOWLEDGEMENT,),
    "post-verification-warnings-ack": (ACKNOWLEDGEMENT,),
    "change-management-ack": (Entity("acknowledgement-with-hash", (1,)), ACKNOWLEDGEMENT),
    "lets-encrypt-challenges-completed": (ACKNOWLEDGEMENT,),
}

SCHEDULE_QUERY = {"deploy-not-after": DATE, "deploy-not-before": DATE}
CREATE_QUERY = {"contractId": TEXT, "allow-duplicate-cn": BOOLEAN, **SCHEDULE_QUERY}
UPDATE_QUERY = {
    "allow-cancel-pending-changes": BOOLEAN,
    "allow-staging-bypass": BOOLEAN,
    "force-renewal": BOOLEAN,
    "renewal-date-check-override": BOOLEAN,
    "allow-missing-certificate-addition": BOOLEAN,
    **SCHEDULE_QUERY,
}
ZONES_QUERY = {
    **dict.fromkeys(("contractIds", "search", "sortBy", "types"), TEXT),
    **dict.fromkeys(("page", "pageSize"), NUMBER),
    "showAll": BOOLEAN,
}
HOSTNAMES_QUERY = {
    **dict.fromkeys(("offset", "limit"), NUMBER),
    **dict.fromkeys(("hostname", "cnameTo", "contractId", "groupId"), TEXT),
    "sort": SORT,
    "network": NETWORK,
}
DELETE_QUERY = {"allow-cancel-pending-changes": BOOLEAN, **SCHEDULE_QUERY}


@dataclasses.dataclass(frozen=True)
class Route:
    """One row of the table.

    :ivar path: template; ``{eid}``, ``{cid}`` are numbers, the others words.
    :ivar answers: what the Accept header may name; empty means plain JSON.
    :ivar takes: what the Content-Type may name; empty means no body.
    :ivar query: known parameters and their kind; every route knows ``accountSwitchKey`` too.
    :ivar required: parameters that must be there.
    :ivar has_json: whether it takes a body of plain JSON.
    """

    method: str
    path: str
    operation: str
    answers: tuple[Entity, ...] = ()
    takes: tuple[Entity, ...] = ()
    query: dict[str, str] = dataclasses.field(default_factory=dict)
    required: tuple[str, ...] = ()
    service: str = "cps"
    level: str = READ
    has_json: bool = False


@dataclasses.dataclass(frozen=True)
class Match:
    """A route with the parts of the path that vary, and the media types that fit its tail."""

    route: Route
    parts: dict[str, str]
    answers: tuple[Entity, ...]
    takes: tuple[Entity, ...]


_ONE = "/cps/v2/enrollments/{eid}"
_CHANGE = _ONE + "/changes/{cid}"
_ZONES = "/config-dns/v2/zones"
_RECORDS = _ZONES + "/{zone}/names/{name}/types/{type}"

ROUTES = (
    Route("GET", "/cps/v2/enrollments", "get_enrollments", (ENROLLMENTS,), query={"contractId": TEXT}),
    Route(
        "POST",
        "/cps/v2/enrollments",
        "post_enrollment",
        (ENROLLMENT_STATUS,),
        (ENROLLMENT,),
        CREATE_QUERY,
        ("contractId",),
        level=WRITE,
    ),
    Route("GET", _ONE, "get_enrollment", (ENROLLMENT,)),
    Route("PUT", _ONE, "put_enrollment", (ENROLLMENT_STATUS,), (ENROLLMENT,), UPDATE_QUERY, level=WRITE),
    Route("DELETE", _ONE, "delete_enrollment", (ENROLLMENT_STATUS,), query=DELETE_QUERY, level=WRITE),
    Route("GET", _CHANGE, "get_change", (CHANGE,)),
    Route("DELETE", _CHANGE, "delete_change", (CHANGE_ID,), level=WRITE),
    Route("GET", _CHANGE + "/input/info/{tail}", "get_input_info"),
    Route("POST", _CHANGE + "/input/update/{tail}", "post_input_update", (CHANGE_ID,), level=WRITE),
    Route("GET", _CHANGE + "/deployment-schedule", "get_deployment_schedule", (SCHEDULE,)),
    Route("PUT", _CHANGE + "/deployment-schedule", "put_deployment_schedule", (CHANGE_ID,), (SCHEDULE,), level=WRITE),
    Route("GET", _ONE + "/deployments", "get_deployments", (DEPLOYMENTS,)),
    Route("GET", _ONE + "/deployments/{network}", "get_deployment", (DEPLOYMENT,)),
    Route("GET", _ONE + "/history/certificates", "get_certificate_history", (Entity("certificate-history", (1, 2)),)),
    Route("GET", _ONE + "/history/changes", "get_change_history", (Entity("change-history", (3, 5)),)),
    Route("GET", _ONE + "/dv-history", "get_dv_history", (Entity("dv-history", (1,)),)),
    Route(
        "GET",
        "/cps/v2/active-certificates",
        "get_active_certificates",
        (Entity("active-certificates", (1, 2)),),
        query={"contractId": TEXT},
    ),
    Route(
        "GET",
        "/contract-api/v1/contracts/identifiers",
        "get_contract_identifiers",
        query={"depth": DEPTH},
        service="contracts",
    ),
    Route("GET", "/papi/v1/contracts", "get_papi_contracts", service="papi"),
    Route("GET", "/papi/v1/groups", "get_papi_groups", service="papi"),
    Route("GET", "/papi/v1/hostnames", "get_papi_hostnames", query=HOSTNAMES_QUERY, service="papi"),
    Route("GET", _ZONES, "get_dns_zones", query=ZONES_QUERY, service="dns"),
    Route("GET", _ZONES + "/{zone}", "get_dns_zone", service="dns"),
    Route("GET", _RECORDS, "get_record_set", service="dns"),
    Route("POST", _RECORDS, "post_record_set", service="dns", level=WRITE, has_json=True),
    Route("PUT", _RECORDS, "put_record_set", service="dns", level=WRITE, has_json=True),
    Route("DELETE", _RECORDS, "delete_record_set", service="dns", level=WRITE),
)

_WORDS = {"tail": "[a-z-]+", "network": "staging|production", "eid": r"\d{1,18}", "cid": r"\d{1,18}"}
_WORDS |= {**dict.fromkeys(("zone", "name"), "[A-Za-z0-9._*%-]+"), "type": "[A-Z0-9]+"}


def _pattern(path: str) -> re.Pattern[str]:
    # PAPI takes its lists with a slash at the end, as Akamai's command line sends them; CPS does not.
    end = "/?" if path.startswith("/papi/") else ""
    return re.compile(re.sub(r"\{(\w+)\}", lambda found: f"(?P<{found[1]}>{_WORDS[found[1]]})", path) + end)


_TABLE = [(route, _pattern(route.path)) for route in ROUTES]


def find(method: str, path: str) -> Match | list[str]:
    """Give the route of a call, else the methods its path does have (none: the path does not exist)."""
    methods: list[str] = []
    for route, pattern in _TABLE:
        found = pattern.fullmatch(path)
        if found is None:
            continue
        parts = found.groupdict()
        answers, takes = route.answers, route.takes
        if route.operation == "get_input_info":
            answers = INPUT_INFO.get(parts["tail"], ())
        if route.operation == "post_input_update":
            takes = INPUT_UPDATE.get(parts["tail"], ())
        if "tail" in parts and not (answers and (takes or route.method == "GET")):
            continue
        if route.method == method:
            return Match(route, parts, answers, takes)
        methods.append(route.method)
    return methods


def check_query(route: Route, query: list[tuple[str, str]]) -> dict[str, str]:
    """Give the query of a call without the account switch key.

    :raises ValueError: a parameter is unknown, missing, repeated, or no value of its kind.
    """
    values: dict[str, str] = {}
    for name, value in query:
        if name in values:
            raise ValueError(f"Query parameter {name} is given more than once")
        if name not in route.query and name != "accountSwitchKey":
            raise ValueError(f"Query parameter {name} is not known to {route.method} {route.path}")
        _check_value(name, value, route.query.get(name, TEXT))
        values[name] = value
    values.pop("accountSwitchKey", None)
    for name in route.required:
        if not values.get(name):
            raise ValueError(f"Query parameter {name} is required")
    return values


def _check_value(name: str, value: str, kind: str) -> None:
    if kind == BOOLEAN and value not in ("true", "false"):
        raise ValueError(f"Query parameter {name} must be true or false")
    if kind == DEPTH and value not in ("TOP", "ALL"):
        raise ValueError(f"Query parameter {name} must be TOP or ALL")
    if kind == NUMBER and not value.isdigit():
        raise ValueError(f"Query parameter {name} must be a number")
    if kind in (SORT, NETWORK) and value not in kind.split():
        raise ValueError(f"Query parameter {name} must be {' or '.join(kind.split())}")
    if kind == DATE:
        try:
            datetime.strptime(value, "%Y-%m-%d")
        except ValueError:
            raise ValueError(f"Query parameter {name} must be a date as 2026-01-31") from None
