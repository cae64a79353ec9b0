# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one update that changes network settings: from the raw object, and only if it is still what was decided on."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, cast

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.errors import RemoteConflict
from ansible_collections.edgecert.clm.plugins.module_utils._cps.models import EnrollmentRecord, EnrollmentStatus
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_cps_settings import configure, standing_of

RAW: dict[str, Any] = {
    "id": 10002,
    "location": "/cps/v2/enrollments/10002",
    "ra": "third-party",
    "validationType": "third-party",
    "certificateType": "third-party",
    "signatureAlgorithm": None,
    "changeManagement": True,
    "enableMultiStackedCertificates": False,
    "csr": {"cn": "www.example.com", "sans": ["www.example.com", "API.example.com"], "unknownOfCsr": "x"},
    "networkConfiguration": {
        "secureNetwork": "enhanced-tls",
        "sniOnly": True,
        "geography": "core",
        "quicEnabled": False,
        "mustHaveCiphers": None,
        "dnsNameSettings": {"cloneDnsNames": True, "dnsNames": None},
        "clientMutualAuthentication": {"setId": "s1", "authenticationOptions": {"ocsp": {"enabled": True}}},
        "fipsMode": True,
        "unknownOfNetwork": {"a": [1]},
    },
    "pendingChanges": [],
    "assignedSlots": [12001],
    "unknownMember": {"b": 2},
}


class StubClient:
    """A CPS that holds one enrollment and keeps what it is sent."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.sent: list[Mapping[str, Any]] = []

    def get_enrollment(self, _enrollment_id: int) -> EnrollmentRecord:
        """Read it."""
        return EnrollmentRecord.from_wire(self.raw)

    def update_enrollment(self, enrollment_id: int, body: Mapping[str, Any], **flags: bool) -> EnrollmentStatus:
        """Take an update; no flag is ever to be set."""
        assert flags == {}
        self.sent.append(body)
        return EnrollmentStatus(enrollment_id, (77,), 202)


def test_members_that_are_not_known_here_survive_an_update() -> None:
    """Only what is asked for is other in what is sent back; what CPS sets itself is left out."""
    stub = StubClient(RAW)
    standing = standing_of(EnrollmentRecord.from_wire(RAW))
    wanted = {"disallowed_tls_versions": ["TLSv1"], "clone_dns_names": False, "dns_names": ["api.example.com"]}
    assert configure(cast(CpsClient, stub), standing, wanted) == 77
    expected = copy.deepcopy(RAW)
    for member in ("id", "location", "pendingChanges", "assignedSlots"):
        del expected[member]
    expected["networkConfiguration"]["disallowedTlsVersions"] = ["TLSv1"]
    expected["networkConfiguration"]["dnsNameSettings"] = {"cloneDnsNames": False, "dnsNames": ["api.example.com"]}
    assert stub.sent == [expected]


def test_clearing_client_mutual_authentication_sends_null() -> None:
    """Absent would be left to CPS, null says that there is to be none."""
    stub = StubClient(RAW)
    standing = standing_of(EnrollmentRecord.from_wire(RAW))
    configure(cast(CpsClient, stub), standing, {"client_mutual_authentication": None})
    assert stub.sent[0]["networkConfiguration"]["clientMutualAuthentication"] is None


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"pendingChanges": [{"location": "/x/changes/5", "changeType": "renewal"}]}, "change_pending"),
        ({"networkConfiguration": {**RAW["networkConfiguration"], "quicEnabled": True}}, "conflict"),
        ({"changeManagement": False}, "conflict"),
    ],
)
def test_what_was_edited_meanwhile_is_not_written_over(members: dict[str, Any], code: str) -> None:
    """U3: read directly before the write; what it was decided on has to be what is there."""
    stub = StubClient({**RAW, **members})
    standing = standing_of(EnrollmentRecord.from_wire(RAW))
    with pytest.raises(RemoteConflict) as caught:
        configure(cast(CpsClient, stub), standing, {"disallowed_tls_versions": ["TLSv1"]})
    assert caught.value.code == code and stub.sent == []


def test_edits_of_other_things_are_no_obstacle_and_survive() -> None:
    """A contact or an unknown member that somebody changed is nothing the settings are about."""
    stub = StubClient({**RAW, "unknownMember": {"b": 3}})
    standing = standing_of(EnrollmentRecord.from_wire(RAW))
    assert configure(cast(CpsClient, stub), standing, {"quic": True}) == 77
    assert stub.sent[0]["unknownMember"] == {"b": 3}
