# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault in each of its shapes, as a client sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from edgecert_sandbox import faults
from edgecert_sandbox.handle import Handle, SandboxOptions, start

from ansible_collections.edgecert.clm.tests.support.sandbox_client import ApiClient, enrollment

CONTRACT = "C-1AAAA"
LIST = f"/cps/v2/enrollments?contractId={CONTRACT}"
REFUSED = {
    "burst_block": 400,
    "redirect": 302,
    "unauthorized": 401,
    "forbidden": 403,
    "bad_timestamp": 400,
    "not_found": 404,
    "conflict": 409,
    "rate_limited": 429,
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Handle]:
    extra = ("--set", "create_interval_s=0")
    with start(SandboxOptions(limits=False, instant=True, contracts=[CONTRACT], extra=extra)) as handle:
        yield handle


@pytest.fixture
def api(sandbox: Handle) -> Iterator[ApiClient]:
    yield ApiClient(sandbox)
    sandbox.clear_faults()


def read(api: ApiClient) -> requests.Response:
    return api.get(LIST, "enrollments.v11")


def names(api: ApiClient) -> set[str]:
    return {one["csr"]["cn"] for one in read(api).json()["enrollments"]}


def create(api: ApiClient, name: str) -> requests.Response:
    return api.call("POST", LIST, "enrollment-status.v1", enrollment(name), "enrollment.v11")


def told(shape: Mapping[str, Any]) -> str:
    return "-".join(str(value) for value in shape.values())


def test_every_kind_has_a_shape() -> None:
    assert {shape["kind"] for shape in faults.SHAPES} == set(faults.KINDS)
    assert len({told(shape) for shape in faults.SHAPES}) == len(faults.SHAPES)


@pytest.mark.parametrize("shape", faults.SHAPES, ids=told)
def test_a_write_is_processed_or_not_as_the_table_says(sandbox: Handle, api: ApiClient, shape: dict[str, Any]) -> None:
    name = f"{told(shape).replace('_', '-')}.example.com"
    order = {**shape, "method": "POST", **({"seconds": 0} if shape["kind"] == "slow" else {})}
    sandbox.fault(**order)
    try:
        answer = create(api, name)
    except requests.RequestException:
        answer = None
    assert (name in names(api)) is (faults.parse(order).is_processed or shape["kind"] == "stale")
    if answer is not None and shape["kind"] in REFUSED:
        assert answer.status_code == REFUSED[shape["kind"]]


def test_the_version_of_an_answer_and_of_a_body_are_refused_differently(sandbox: Handle, api: ApiClient) -> None:
    sandbox.fault("unknown_version", times=2)
    assert (read(api).status_code, create(api, "version.example.com").status_code) == (406, 415)


def test_a_server_in_front_answers_with_a_page_and_a_reference(sandbox: Handle, api: ApiClient) -> None:
    sandbox.fault("unavailable", status=503)
    answer = read(api)
    assert answer.status_code == 503 and answer.headers["Content-Type"] == "text/html"
    assert "Service Unavailable" in answer.text and "Reference" in answer.text


def test_other_json_has_the_status_and_type_of_what_was_asked_for(sandbox: Handle, api: ApiClient) -> None:
    good = read(api)
    sandbox.fault("other_json")
    answer = read(api)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, good.headers["Content-Type"])
    assert "enrollments" not in answer.json()


def test_a_stale_answer_is_the_one_from_before_and_a_write_is_not_held_up(sandbox: Handle, api: ApiClient) -> None:
    before = names(api)
    sandbox.fault("stale", times=3)
    assert create(api, "stale-one.example.com").status_code == 202
    assert names(api) == before and names(api) == before
    assert names(api) == {*before, "stale-one.example.com"}


def test_events_are_read_from_a_place_on(sandbox: Handle, api: ApiClient) -> None:
    count = sandbox.admin("GET", "/events")["count"]
    create(api, "event.example.com")
    found = sandbox.admin("GET", f"/events?after={count}")
    assert found["count"] > count and found["events"][0]["kind"] == "enrollment-created"
    assert sandbox.admin("GET", f"/events?after={found['count']}")["events"] == []


def test_statuses_may_be_words_that_nobody_knows(sandbox: Handle, api: ApiClient) -> None:
    status = create(api, "words.example.com").json()
    path = f"/cps/v2/enrollments/{status['enrollment'].split('/')[-1]}/changes/{status['changes'][0].split('/')[-1]}"
    known = api.get(path, "change.v2").json()["statusInfo"]
    sandbox.configure({"strange_words": True})
    strange = api.get(path, "change.v2").json()["statusInfo"]
    sandbox.configure({"strange_words": False})
    assert strange["status"] != known["status"] and strange["state"] == known["state"]
