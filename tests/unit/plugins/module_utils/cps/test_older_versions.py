# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Media versions that CPS no longer knows: reads go on in the version before, writes never do (cps-protocol §5.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from edgecert_sandbox.handle import Handle

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._cps import media
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import enrollment_update
from ansible_collections.edgecert.clm.plugins.module_utils._cps.errors import RemoteNotFound
from ansible_collections.edgecert.clm.plugins.module_utils._cps.models import NetworkSettings

Read = Callable[[CpsClient, int], Any]


@pytest.fixture
def live(cps_sandbox: Handle) -> Iterator[int]:
    """Give a live enrollment; versions are known again at the end."""
    yield int(cps_sandbox.seed(1, contracts=["C-1"])["first"])
    cps_sandbox.configure({"unknown_versions": []})


def forget(sandbox: Handle, *entities: str, older: bool = False) -> None:
    """Let the sandbox know nothing of the version spoken here; nor of the one before."""
    known = [media.VERSIONS, media.OLDER] if older else [media.VERSIONS]
    sandbox.configure({"unknown_versions": [f"{one}.v{table[one]}" for table in known for one in entities]})
    sandbox.calls(reset=True)


# Entity: a read, and what is the same in both versions; the older one writes no names as an empty list.
READS: dict[str, Read] = {
    "enrollments": lambda client, _number: [(one.id, one.cn, one.sans) for one in client.list_enrollments("C-1")],
    "enrollment": lambda client, number: replace(
        client.get_enrollment(number),
        raw={},
        assigned_slots=(),
        staging_slots=(),
        production_slots=(),
        network=NetworkSettings(),
    ),
    "deployments": lambda client, number: [one.certificate for one in _production(client, number)],
    "certificate-history": lambda client, number: [
        [(one.certificate, one.expiry) for one in entry.certificates] for entry in client.certificate_history(number)
    ],
    "active-certificates": lambda client, _number: [
        (one.id, one.production.primary.fingerprint if one.production and one.production.primary else None)
        for one in client.active_certificates("C-1")
    ],
}


def _production(client: CpsClient, number: int) -> Any:
    found = client.get_deployments(number).production
    assert found is not None
    return found.certificates


@pytest.mark.parametrize("entity", READS)
def test_what_is_read_in_the_version_before_is_the_same_for_one_call_more(
    cps_sandbox: Handle, make_client: Any, live: int, entity: str
) -> None:
    """D7: asked for once, then kept to."""
    wanted = READS[entity](make_client(), live)
    forget(cps_sandbox, entity)
    client = make_client()
    assert READS[entity](client, live) == wanted
    assert [call["status"] for call in cps_sandbox.calls(reset=True)] == [406, 200]
    assert READS[entity](client, live) == wanted
    assert [call["status"] for call in cps_sandbox.calls(reset=True)] == [200]
    assert client.older == {entity: media.OLDER[entity]}


@pytest.mark.parametrize("entity", READS)
def test_where_no_version_is_known_both_are_named(
    cps_sandbox: Handle, make_client: Any, live: int, entity: str
) -> None:
    """D6, D8: with what to do."""
    forget(cps_sandbox, entity, older=True)
    client = make_client()
    with pytest.raises(RemoteError) as caught:
        READS[entity](client, live)
    assert caught.value.code == "unsupported_version" and client.older == {}
    assert f"({entity} v{media.VERSIONS[entity]} and v{media.OLDER[entity]})" in caught.value.message
    assert "newer release" in caught.value.message and len(cps_sandbox.calls(reset=True)) == 2


def test_an_enrollment_read_in_an_older_version_is_not_written(
    cps_sandbox: Handle, make_client: Any, live: int
) -> None:
    """cps-protocol §2.1: what only the newer version tells would be lost; nothing is sent."""
    forget(cps_sandbox, "enrollment")
    client = make_client()
    raw = client.get_enrollment(live).raw
    cps_sandbox.configure({"unknown_versions": []})
    cps_sandbox.calls(reset=True)
    with pytest.raises(RemoteError, match="version 10 only.*nothing was sent") as caught:
        client.update_enrollment(live, enrollment_update(raw, {}))
    assert caught.value.code == "unsupported_version" and cps_sandbox.calls(reset=True) == []


def test_a_write_is_never_repeated_in_another_version(cps_sandbox: Handle, make_client: Any, live: int) -> None:
    """cps-protocol §5.2: 415 ends it, with what was sent."""
    client = make_client()
    raw = client.get_enrollment(live).raw
    forget(cps_sandbox, "enrollment")
    with pytest.raises(RemoteError, match="enrollment v11") as caught:
        client.update_enrollment(live, enrollment_update(raw, {}))
    assert (caught.value.code, caught.value.status) == ("unsupported_version", 415)
    assert [call["status"] for call in cps_sandbox.calls(reset=True)] == [415]


def test_an_older_version_of_what_is_not_there_is_known_all_the_same(
    cps_sandbox: Handle, make_client: Any, live: int
) -> None:
    """D8: the look at a device asks for an enrollment that no account has."""
    forget(cps_sandbox, "enrollment")
    client = make_client()
    for statuses in ([406, 404], [404]):
        with pytest.raises(RemoteNotFound):
            client.get_enrollment(1)
        assert [call["status"] for call in cps_sandbox.calls(reset=True)] == statuses


def test_without_slots_nobody_says_that_nothing_was_deployed(cps_sandbox: Handle, make_client: Any, live: int) -> None:
    """W5: a live enrollment is not taken for one that a lost call made."""
    assert not make_client().get_enrollment(live).is_first
    forget(cps_sandbox, "enrollment")
    assert not make_client().get_enrollment(live).is_first
