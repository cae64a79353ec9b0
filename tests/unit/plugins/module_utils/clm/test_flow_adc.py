# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrolling with a key on a controller that refuses midway: what it made is gone on with, never made again (E8, W5)."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._core.key_records import KeyDevice
from ansible_collections.edgecert.clm.tests.support import adc
from ansible_collections.edgecert.clm.tests.support.fake_adc.bigip import FakeBigIp
from ansible_collections.edgecert.clm.tests.support.fake_adc.server import Fault, Reply, html
from ansible_collections.edgecert.clm.tests.support.flow import Bench

WISH: dict[str, Any] = {
    "device": None,
    "csr_source": "adc",
    "adc": {"device": "lb1", "key_reference": "shop"},
}
REFUSAL = {"code": 400, "message": "01071812:3: bad subject", "errorStack": [], "apiError": 1}


@pytest.fixture
def f5(tmp_path: pathlib.Path) -> Iterator[FakeBigIp]:
    """Give a BIG-IP."""
    with FakeBigIp(tmp_path / "f5") as fake:
        yield fake


@pytest.fixture
def house(bench: Bench, f5: FakeBigIp) -> Bench:
    """Give a bench with a CA and that BIG-IP."""
    bench.ca()
    bench.group(approvals={"push": 0}, defaults={"organization": "Example AG", "country": "DE"})
    with bench.store.write() as unit:
        unit.key_devices.add(KeyDevice("lb1", "f5_bigip"))
    bench.ports = replace(bench.ports, key_provider=lambda _source, _device: adc.connect("f5_bigip", f5))
    return bench


@pytest.mark.parametrize(
    ("path", "reply"),
    [
        ("/sys/crypto/csr", Reply(400, REFUSAL)),
        ("/sys/crypto/csr", html(200, "Please log in")),
        ("/sys/config", Reply(400, REFUSAL)),
        ("/util/bash", Reply(403, {**REFUSAL, "code": 403, "message": "Bash access is not permitted"})),
        ("/sys/crypto/csr", Reply(400, {**REFUSAL, "message": "has reached maximum active login tokens"})),
    ],
)
def test_refusal_after_the_key_was_made_keeps_request_and_key(
    house: Bench, f5: FakeBigIp, path: str, reply: Reply
) -> None:
    """E8, W5: whatever it was refused with, also twice; the request that made the key goes on with it."""
    f5.faults.append(Fault("POST", path, reply=reply, times=2))
    for _attempt in range(2):
        with pytest.raises(RemoteError):
            house.enroll(**WISH)
        assert len(f5.keys) == 1 and house.records()["requests"] == 1
    outcome: Any = house.enroll(**WISH)
    assert outcome.record["state"] == "issued" and house.records()["requests"] == 1
    assert len(f5.keys) == 1 and len(f5.calls("POST", "/sys/crypto/key")) == 1


def test_refusal_before_anything_was_made_leaves_no_request(house: Bench, f5: FakeBigIp) -> None:
    """W5: nothing is on the controller, so nothing stands in the way of another wish."""
    f5.faults.append(Fault("POST", "/sys/crypto/key", reply=Reply(400, REFUSAL)))
    with pytest.raises(RemoteError) as raised:
        house.enroll(**WISH)
    assert "made" not in raised.value.details
    assert f5.keys == {} and house.records()["requests"] == 0


def test_key_whose_making_was_answered_by_another_is_found(house: Bench, f5: FakeBigIp) -> None:
    """E8: a page with HTTP 200 in place of the answer may hide that the key was made, also where the look fails."""
    f5.faults.append(Fault("POST", "/sys/crypto/key", reply=html(200, "Please log in")))
    f5.faults.append(Fault("GET", "/sys/file/ssl-key/", reply=Reply(400, REFUSAL), skip=1))
    with pytest.raises(RemoteError) as raised:
        house.enroll(**WISH)
    assert raised.value.details["made"] and house.records()["requests"] == 1
    outcome: Any = house.enroll(**WISH)
    assert outcome.record["state"] == "issued" and len(f5.keys) == 1


def test_csr_with_the_password_that_stays_on_the_controller_is_warned_of(house: Bench, f5: FakeBigIp) -> None:
    """E16: the certificate is issued all the same, and the run says what to remove."""
    f5.faults.append(Fault("DELETE", "/sys/file/ssl-csr", reply=Reply(400, REFUSAL)))
    password = {"challenge_password": "Chall3nge!pw", "challenge_password_confirm": "Chall3nge!pw"}
    outcome: Any = house.enroll(**WISH, **password)
    (warning,) = outcome.extra["warnings"]
    assert outcome.record["state"] == "issued" and "-c.csr" in warning and "Chall3nge" not in warning
    assert len(f5.csrs) == 2
