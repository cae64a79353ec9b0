# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edge DNS of the sandbox over the wire: shapes as Akamai's Go client reads them, and everything that is refused."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from edgecert_sandbox.control import SandboxError
from edgecert_sandbox.edge_dns import check
from edgecert_sandbox.handle import Handle, SandboxOptions, start

from ansible_collections.edgecert.clm.tests.support.sandbox_client import ApiClient

ROOT = "/config-dns/v2/zones"
NAME = "_acme-challenge.example.com"
PATH = f"{ROOT}/example.com/names/{NAME}/types/TXT"
BODY = {"name": NAME, "type": "TXT", "ttl": 60, "rdata": ['"abc"']}
# Members as the Go client declares them.
ZONE = {"contractId", "zone", "type", "aliasCount", "signAndServe", "versionId", "lastModifiedDate"} | {
    "lastModifiedBy",
    "lastActivationDate",
    "activationState",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Handle]:
    zones = '["example.com", "b.example.com secondary", "c.example.com ALIAS C-2", "d.example.com"]'
    extra = ("--set", f"dns_zones={zones}")
    with start(SandboxOptions(limits=False, instant=True, contracts=("C-1", "C-2"), extra=extra)) as handle:
        yield handle


@pytest.fixture
def api(sandbox: Handle) -> ApiClient:
    client = ApiClient(sandbox)
    client.call("DELETE", PATH)
    return client


def test_zones_come_in_pages_or_whole(api: ApiClient) -> None:
    whole = api.get(f"{ROOT}?showAll=true").json()
    assert [one["zone"] for one in whole["zones"]] == ["b.example.com", "c.example.com", "d.example.com", "example.com"]
    assert {frozenset(one) for one in whole["zones"]} == {frozenset(ZONE)}
    assert whole["metadata"]["totalElements"] == 4
    page = api.get(f"{ROOT}?page=2&pageSize=3").json()
    assert [one["zone"] for one in page["zones"]] == ["example.com"]
    assert page["metadata"] == {
        "page": 2,
        "pageSize": 3,
        "showAll": False,
        "totalElements": 4,
        "contractIds": ["C-1", "C-2"],
    }
    assert [one["zone"] for one in api.get(f"{ROOT}?types=alias,secondary&contractIds=C-2").json()["zones"]] == [
        "c.example.com"
    ]
    assert api.get(f"{ROOT}/b.example.com").json()["type"] == "secondary"
    assert api.get(f"{ROOT}?page=0").status_code == 400


def test_a_record_set_is_made_read_replaced_and_removed(api: ApiClient) -> None:
    assert api.get(PATH).status_code == 404
    made = api.call("POST", PATH, body=BODY)
    assert (made.status_code, made.json()) == (201, BODY)
    assert api.get(PATH).json() == BODY
    changed = api.call("PUT", PATH, body={**BODY, "rdata": ['"abc"', '"def" "ghi"']})
    assert (changed.status_code, len(changed.json()["rdata"])) == (200, 2)
    gone = api.call("DELETE", PATH)
    assert (gone.status_code, gone.content) == (204, b"")


def test_a_bare_word_comes_back_in_quotes(api: ApiClient) -> None:
    """As Akamai's own plugin for certbot sends it, and expects it."""
    assert api.call("POST", PATH, body={**BODY, "rdata": ["abc-_123"]}).status_code == 201
    assert api.get(PATH).json()["rdata"] == ['"abc-_123"']


def refusal(answer: requests.Response, status: int, slug: str, words: str) -> None:
    body = answer.json()
    assert (answer.status_code, body["status"]) == (status, status)
    assert body["type"] == f"https://problems.luna.akamaiapis.net/authoritative-dns/{slug}"
    assert words in body["detail"] and body["problemId"] == body["instance"]


def test_what_is_there_is_not_made_and_what_is_not_is_not_changed(api: ApiClient) -> None:
    refusal(api.call("PUT", PATH, body=BODY), 404, "notFound", "record set")
    refusal(api.call("DELETE", PATH), 404, "notFound", "record set")
    api.call("POST", PATH, body=BODY)
    words = f"Duplicate record set found with name {NAME} and type TXT"
    refusal(api.call("POST", PATH, body=BODY), 409, "modificationConflict", words)
    refusal(api.get(f"{ROOT}/example.org/names/a.example.org/types/TXT"), 404, "notFound", "find zone 'example.org'")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ttl": "60"}, "ttl"),
        ({"ttl": -1}, "ttl"),
        ({"rdata": []}, "rdata"),
        ({"rdata": "x"}, "rdata"),
        ({"rdata": ['"a"', '"a"']}, "rdata"),
        ({"rdata": ["two words"]}, "neither one word nor in quotes"),
        ({"rdata": ['"open']}, "neither one word nor in quotes"),
        ({"rdata": ['"' + "x" * 256 + '"']}, "more than 255"),
        ({"name": "other.example.com"}, "not those of the path"),
        ({"type": "A"}, "not those of the path"),
        ({"more": 1}, "Additional properties"),
    ],
)
def test_a_body_that_is_not_one_is_refused(api: ApiClient, changes: dict[str, Any], words: str) -> None:
    refusal(api.call("POST", PATH, body={**BODY, **changes}), 400, "invalidRecordSet", words)
    missing = {name: value for name, value in BODY.items() if name != next(iter(changes))}
    assert api.call("POST", PATH, body=missing).status_code in (201, 400)


def test_records_stay_where_they_belong(api: ApiClient) -> None:
    def post(zone: str, name: str, kind: str, rdata: str) -> requests.Response:
        body = {"name": name, "type": kind, "ttl": 60, "rdata": [rdata]}
        return api.call("POST", f"{ROOT}/{zone}/names/{name}/types/{kind}", body=body)

    refusal(post("example.com", "a.example.org", "TXT", '"x"'), 400, "invalidRecordSet", "is not in zone")
    refusal(post("b.example.com", "a.b.example.com", "TXT", '"x"'), 400, "invalidOperation", "cannot be changed")
    assert post("example.com", "alias.example.com", "CNAME", "www.example.net.").status_code == 201
    refusal(post("example.com", "alias.example.com", "TXT", '"x"'), 400, "invalidOperation", "conflicts")
    refusal(post("example.com", "x.example.com", "HTTPS", "x"), 400, "invalidRecordSet", "is not known")
    refusal(
        api.call("DELETE", f"{ROOT}/example.com/names/example.com/types/NS"), 400, "invalidOperation", "needs its NS"
    )


def test_paths_media_types_and_methods_are_checked(api: ApiClient) -> None:
    refusal(api.call("PATCH", PATH), 405, "methodNotAllowed", "GET, POST, PUT, DELETE")
    refusal(api.get(f"{ROOT}?unknown=1"), 400, "badRequest", "unknown")
    wrong = api.session.post(api.base_url + PATH, data=b"{}", headers={"Content-Type": "text/plain"}, timeout=10)
    refusal(wrong, 415, "unsupportedMediaType", "application/json")
    refusal(api.session.post(api.base_url + PATH, data=b"{", headers={"Content-Type": "application/json"}, timeout=10),
            400, "badRequest", "not JSON")  # fmt: skip


@pytest.mark.parametrize(
    ("section", "reads", "writes"), [("no-dns", 403, 403), ("readonly", 200, 403), ("no-cps", 200, 404)]
)
def test_edge_dns_has_a_grant_of_its_own(sandbox: Handle, section: str, reads: int, writes: int) -> None:
    api = ApiClient(sandbox, section)
    assert (api.get(ROOT).status_code, api.call("DELETE", PATH).status_code) == (reads, writes)


def test_a_signature_covers_the_body(api: ApiClient) -> None:
    """Of a POST, as the gateway does it."""
    request = api.session.prepare_request(requests.Request("POST", api.base_url + PATH, json=BODY))
    request.body = b'{"name":"evil.example.com"}'
    request.headers["Content-Length"] = str(len(request.body))
    assert api.session.send(request, timeout=10).status_code == 401


def test_the_name_server_takes_no_rubbish(sandbox: Handle) -> None:
    host, _colon, port = sandbox.name_server.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.settimeout(0.3)
        for rubbish in (b"", b"\0" * 5, b"\0" * 40, b"\xff" * 40, b"\0\0\1\0\0\1\0\0\0\0\0\0\x3fabc"):
            channel.sendto(rubbish, (host, int(port)))
        with pytest.raises(TimeoutError):
            channel.recv(512)


def test_zones_that_are_none_are_refused(sandbox: Handle) -> None:
    with pytest.raises(SandboxError, match=r"NAME \[PRIMARY\|SECONDARY\|ALIAS \[CONTRACT\]\]"):
        sandbox.configure({"dns_zones": ["example.com TERTIARY"]})
    with pytest.raises(ValueError, match="must be written"):
        check([""])
