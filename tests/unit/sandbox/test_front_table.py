# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's table, its media types and its bodies, without a server."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
from edgecert_sandbox import api, media, routes, schemas
from edgecert_sandbox.problems import Problem
from edgecert_sandbox.wire import Request
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[3]
PUBLISHED = ROOT.parent / "shared" / "openapi" / "cps-v2.bundled.json"
needs_published = pytest.mark.skipif(
    not PUBLISHED.exists(), reason="the published API documents do not lie beside this checkout"
)

# Ours beyond the published description, each with its reason.
NOT_PUBLISHED = {
    ("GET", "/active-certificates"): "introduced later than the published description",
    ("query", "allow-duplicate-cn"): "undocumented, used by Akamai's own clients",
}


def load_deriver() -> Any:
    path = ROOT / "extensions" / "sandbox" / "derive_schemas.py"
    spec = importlib.util.spec_from_file_location("derive_schemas", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.published
@needs_published
def test_the_schema_file_is_what_the_script_derives_from_the_published_description() -> None:
    deriver = load_deriver()
    derived = deriver.derive(json.loads(PUBLISHED.read_text(encoding="utf-8")))
    assert deriver.render(derived) == schemas.DATA.read_text(encoding="utf-8")


def published_calls() -> dict[tuple[str, str], set[str]]:
    bundle = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    calls = {}
    for path, operations in bundle["paths"].items():
        for method in operations.keys() & {"get", "put", "post", "delete"}:
            names = {one["$ref"].rsplit("/", 1)[-1] for one in operations[method].get("parameters", [])}
            calls[(method.upper(), path)] = {name for name in names if not name.startswith("header-")}
    return calls


@pytest.mark.published
@needs_published
def test_the_table_has_every_published_call_and_query_and_no_other_without_a_reason() -> None:
    ours: dict[tuple[str, str], set[str]] = {}
    for route in routes.ROUTES:
        if route.service == "cps":
            path = route.path.removeprefix("/cps/v2").replace("{eid}", "{enrollmentId}").replace("{cid}", "{changeId}")
            path = path.replace("{tail}", "{allowedInputTypeParam}")
            for network in ("production", "staging") if "{network}" in path else ("",):
                key = (route.method, path.replace("{network}", network))
                ours[key] = {*route.query, "accountSwitchKey"} - {n for kind, n in NOT_PUBLISHED if kind == "query"}
    for key in NOT_PUBLISHED:
        ours.pop(key, None)
    assert ours == published_calls()


@pytest.mark.published
@needs_published
def test_every_input_of_a_change_has_its_published_media_types() -> None:
    bundle = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    base = "/enrollments/{enrollmentId}/changes/{changeId}/input"
    info = bundle["paths"][base + "/info/{allowedInputTypeParam}"]["get"]["responses"]["200"]["content"]
    update = bundle["paths"][base + "/update/{allowedInputTypeParam}"]["post"]["requestBody"]["content"]

    def newest(names: Any) -> dict[str, int]:
        found: dict[str, int] = {}
        for name in names:
            chosen = media.parse(name)
            assert chosen is not None
            found[chosen.entity] = max(found.get(chosen.entity, 0), chosen.version)
        return found

    ours_info = {e.name: e.versions for entities in routes.INPUT_INFO.values() for e in entities}
    ours_update = {e.name: e.versions for entities in routes.INPUT_UPDATE.values() for e in entities}
    assert ours_info.keys() == newest(info).keys()
    assert all(version in ours_info[name] for name, version in newest(info).items())
    assert {name: max(versions) for name, versions in ours_update.items()} == newest(update)


def test_every_route_has_an_operation_and_every_body_a_schema() -> None:
    assert {route.operation for route in routes.ROUTES} == set(api.OPERATIONS)
    takes = [e for route in routes.ROUTES for e in route.takes] + [e for t in routes.INPUT_UPDATE.values() for e in t]
    wanted = {f"{entity.name}.v{version}" for entity in takes for version in entity.versions}
    assert wanted <= set(schemas.published())


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("application/vnd.akamai.cps.enrollment.v11+json", 11),
        ("application/vnd.akamai.cps.enrollment.v11+json; charset=utf-8", 11),
        ('application/vnd.akamai.cps.enrollment.v11+json;charset="UTF-8"', 11),
        ("text/html, application/vnd.akamai.cps.enrollment.v12+json", 12),
        ("application/vnd.akamai.cps.enrollment.v5+json", None),
        ("application/vnd.akamai.cps.enrollment.v99+json", None),
        ("application/vnd.akamai.cps.enrollments.v11+json", None),
        ("application/vnd.akamai.cps.enrollment.v11+json; charset=latin-1", None),
        ("application/vnd.akamai.cps.enrollment+json", None),
        ("application/json", None),
        ("*/*", None),
        ("", None),
        (None, None),
    ],
)
def test_a_media_type_is_taken_exactly_or_not(header: str | None, chosen: int | None) -> None:
    found = media.choose(header, [routes.ENROLLMENT])
    assert (found.version if found else None) == chosen


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        (None, True),
        ("*/*", True),
        ("application/json", True),
        ("application/json;charset=utf-8", True),
        ("text/html", False),
        ("application/vnd.akamai.cps.enrollment.v11+json", False),
    ],
)
def test_plain_json_is_taken_by_its_names(header: str | None, taken: bool) -> None:
    assert media.takes_json(header) is taken


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/cps/v2/enrollments/10/deployments/staging", "get_deployment"),
        ("GET", "/cps/v2/enrollments/10/changes/11/input/info/third-party-csr", "get_input_info"),
        ("GET", "/cps/v2/enrollments/10/changes/11/input/info/unknown", []),
        ("GET", "/cps/v2/enrollments/abc", []),
        ("GET", "/cps/v2/enrollments/", []),
        ("GET", "/cps/v1/enrollments", []),
        ("GET", "/cps/v2/enrollments/10/deployments/other", []),
        ("PATCH", "/cps/v2/enrollments/10", ["GET", "PUT", "DELETE"]),
        ("POST", "/cps/v2/active-certificates", ["GET"]),
        ("GET", "/papi/v1/properties", []),
    ],
)
def test_only_the_paths_of_the_table_exist(method: str, path: str, found: str | list[str]) -> None:
    result = routes.find(method, path)
    assert (result.route.operation if isinstance(result, routes.Match) else result) == found


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ([("contract", "C")], "contract"),
        ([("contractId", "C"), ("contractId", "D")], "contractId"),
        ([], "contractId"),
        ([("contractId", "C"), ("allow-duplicate-cn", "yes")], "allow-duplicate-cn"),
        ([("contractId", "C"), ("deploy-not-before", "2026-13-01")], "deploy-not-before"),
        ([("contractId", "C"), ("force-renewal", "true")], "force-renewal"),
    ],
)
def test_a_wrong_query_is_refused_by_name(query: list[tuple[str, str]], names: str) -> None:
    route = next(route for route in routes.ROUTES if route.operation == "post_enrollment")
    with pytest.raises(ValueError, match=f"parameter {re.escape(names)} "):
        routes.check_query(route, query)


def test_the_account_switch_key_is_known_everywhere_and_kept_from_the_engine() -> None:
    for route in routes.ROUTES:
        query = [("accountSwitchKey", "1-A"), *((name, "C") for name in route.required)]
        assert routes.check_query(route, query) == dict.fromkeys(route.required, "C")


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("acknowledgement.v1", b"{", "not JSON"),
        ("acknowledgement.v1", b"\xff", "not JSON"),
        ("acknowledgement.v1", b"[]", "The body"),
        ("acknowledgement.v1", b"{}", "'acknowledgement' is a required"),
        ("acknowledgement.v1", b'{"acknowledgement":"maybe"}', "Member acknowledgement "),
        ("acknowledgement.v1", b'{"acknowledgement":"deny","more":1}', "'more'"),
        ("acknowledgement-with-hash.v1", b'{"acknowledgement":"deny"}', "'hash'"),
        (
            "certificate-and-trust-chain.v2",
            b'{"certificatesAndTrustChains":[{"certificate":"x","keyAlgorithm":"DSA"}]}',
            "certificatesAndTrustChains[0].keyAlgorithm",
        ),
        ("deployment-schedule.v1", b'{"notBefore":5}', "Member notBefore"),
    ],
)
def test_a_wrong_body_is_refused_by_its_member(name: str, body: bytes, says: str) -> None:
    with pytest.raises(schemas.InvalidBody, match=re.escape(says)):
        schemas.read(name, body)


def test_what_a_read_gave_is_taken_back() -> None:
    """Ids are integers in reality and texts in the description; both are read back."""
    schemas.read("deployment-schedule.v1", b'{"notBefore":null,"notAfter":null}')
    base = {
        "certificateType": "third-party",
        "changeManagement": True,
        "csr": {"cn": "a.example", "st": None},
        "enableMultiStackedCertificates": False,
        "ra": "third-party",
        "validationType": "third-party",
        "networkConfiguration": {
            "geography": "core",
            "quicEnabled": False,
            "secureNetwork": "standard-tls",
            "sniOnly": True,
        },
        "signatureAlgorithm": None,
    }
    variants: list[dict[str, Any]] = [{"id": 10, "orgId": "7"}, {"id": "10", "orgId": 7}, {"pendingChanges": []}]
    for more in variants:
        schemas.read("enrollment.v11", json.dumps({**base, **more}).encode())


def test_fips_mode_is_known_from_version_twelve_on() -> None:
    network = {
        "geography": "core",
        "quicEnabled": False,
        "secureNetwork": "standard-tls",
        "sniOnly": True,
        "fipsMode": False,
    }
    body = json.dumps(
        {
            "certificateType": "third-party",
            "changeManagement": True,
            "csr": {"cn": "a.example"},
            "ra": "third-party",
            "enableMultiStackedCertificates": False,
            "validationType": "third-party",
            "networkConfiguration": network,
        }
    ).encode()
    schemas.read("enrollment.v12", body)
    with pytest.raises(schemas.InvalidBody, match="fipsMode"):
        schemas.read("enrollment.v11", body)


def test_papi_writes_ids_with_prefixes_unless_told_not_to() -> None:
    body = {"accountId": "A-1", "groups": {"items": [{"groupId": "5", "contractIds": ["C-1"], "groupName": "5"}]}}
    assert api.prefixed(body) == {
        "accountId": "act_A-1",
        "groups": {"items": [{"groupId": "grp_5", "contractIds": ["ctr_C-1"], "groupName": "5"}]},
    }


@given(st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]), st.text(max_size=40), st.binary(max_size=60))
def test_no_path_query_or_body_whatever_is_more_than_a_problem(method: str, text: str, body: bytes) -> None:
    for target in (text, f"/cps/v2/enrollments{text}", f"/cps/v2/enrollments?{text}", f"/papi/v1/groups{text}"):
        request = Request(method, target, {"host": "localhost", "accept": text, "content-type": text}, body)
        try:
            match = api.locate(request)
            api._check(match, request)
        except Problem as problem:
            assert problem.status in (400, 404, 405, 406, 415)


@given(
    st.sampled_from(sorted(schemas.published())),
    st.binary(max_size=60) | st.from_regex(r"[\[{][\]}\[{\",:0-9a-z]*"),
)
def test_no_body_whatever_is_more_than_invalid(name: str, body: bytes | str) -> None:
    try:
        assert isinstance(schemas.read(name, body if isinstance(body, bytes) else body.encode()), dict)
    except schemas.InvalidBody as invalid:
        assert str(invalid)
