# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrollments that the sandbox answers wrongly, or hides, when told to; and histories it is seeded with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from edgecert_sandbox.broken import KINDS, NO_CERTIFICATE
from edgecert_sandbox.control import SandboxError
from edgecert_sandbox.handle import Handle, SandboxOptions, start

from ansible_collections.edgecert.clm.tests.support.sandbox_client import ApiClient


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Handle]:
    with start(SandboxOptions(limits=False, contracts=["C-1"])) as handle:
        handle.seed(2, former=2, csr={"o": "Example & Sons"})
        yield handle


def listed(sandbox: Handle, path: str, entity: str) -> list[object]:
    """Give a list as a client reads it."""
    answer = ApiClient(sandbox).call("GET", f"/cps/v2/{path}?contractId=C-1", entity)
    assert answer.status_code == 200, answer.text
    found: list[object] = answer.json()["enrollments"]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_shows_where_it_is_to(sandbox: Handle, kind: str) -> None:
    sandbox.configure({"broken_enrollments": [f"10001={kind}"]})
    enrollments = listed(sandbox, "enrollments", "enrollments.v11")
    active = listed(sandbox, "active-certificates", "active-certificates.v2")
    answer = ApiClient(sandbox).call("GET", "/cps/v2/enrollments/10001/deployments", "deployments.v7")
    sandbox.configure({"broken_enrollments": []})
    whole = listed(sandbox, "enrollments", "enrollments.v11")
    in_lists = kind not in ("no-certificate", "not-live-listed")
    assert (enrollments[0] != whole[0]) is in_lists and enrollments[1] == whole[1]
    assert len(active) == (1 if kind == "not-live-listed" else 2)
    assert (NO_CERTIFICATE.split()[2] in answer.text) is (kind == "no-certificate")


@pytest.mark.parametrize("word", ["10001=magic", "10001", "=no-name", "all=no-name"])
def test_an_unknown_fault_is_an_error_that_names_those_there_are(sandbox: Handle, word: str) -> None:
    with pytest.raises(SandboxError, match="ID=no-name"):
        sandbox.configure({"broken_enrollments": [word]})


def test_a_hidden_enrollment_is_in_no_list_and_not_found(sandbox: Handle) -> None:
    sandbox.configure({"hidden_enrollments": ["10001"]})
    assert len(listed(sandbox, "enrollments", "enrollments.v11")) == 1
    answer = ApiClient(sandbox).call("GET", "/cps/v2/enrollments/10001", "enrollment.v11")
    assert answer.status_code == 404
    sandbox.configure({"hidden_enrollments": []})
    assert len(listed(sandbox, "enrollments", "enrollments.v11")) == 2


def test_a_seeded_history_holds_the_earlier_certificates_and_the_live_one(sandbox: Handle) -> None:
    answer = ApiClient(sandbox).call("GET", "/cps/v2/enrollments/10001/history/certificates", "certificate-history.v2")
    entries = answer.json()["certificates"]
    assert [entry["deploymentStatus"] for entry in entries] == ["active", "inactive", "inactive"]
    ends = [entry["primaryCertificate"]["expiry"] for entry in entries]
    assert ends == sorted(ends, reverse=True) and len(set(ends)) == 3
