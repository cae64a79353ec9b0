# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only one of the controllers has: partitions, saving, bash and tokens; files, separators and sessions."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._keys.adc_orders import parts_of
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import csr_facts
from ansible_collections.edgecert.clm.tests.support import adc
from ansible_collections.edgecert.clm.tests.support.adc import SPEC, order
from ansible_collections.edgecert.clm.tests.support.fake_adc.bigip import FakeBigIp
from ansible_collections.edgecert.clm.tests.support.fake_adc.netscaler import FakeNetScaler
from ansible_collections.edgecert.clm.tests.support.fake_adc.server import Fault, Reply


@pytest.fixture
def f5(tmp_path: pathlib.Path) -> Iterator[FakeBigIp]:
    """Give a BIG-IP."""
    with FakeBigIp(tmp_path / "f5") as fake:
        yield fake


@pytest.fixture
def ns(tmp_path: pathlib.Path) -> Iterator[FakeNetScaler]:
    """Give a NetScaler."""
    with FakeNetScaler(tmp_path / "ns") as fake:
        yield fake


def refused(fake: Any, kind: str, wanted: Any = None, **options: Any) -> RemoteError:
    """Begin where it is refused, and give the refusal."""
    with pytest.raises(RemoteError) as raised:
        adc.connect(kind, fake, **options).begin(wanted or order())
    return raised.value


def test_key_survives_a_restart_once_its_csr_is_there(f5: FakeBigIp) -> None:
    """E8: a certificate whose key the device forgets would be worthless."""
    adc.connect("f5_bigip", f5).begin(order())
    f5.restart()
    assert len(f5.keys) == 1


def test_run_killed_before_saving_saves_in_the_next_one(f5: FakeBigIp) -> None:
    """The key is there, the configuration was not saved, and no CSR may come before it is."""
    f5.faults.append(Fault("POST", "/sys/config", reply=Reply(500, {"code": 500, "message": "killed"})))
    assert refused(f5, "f5_bigip").code == "device_refused"
    assert f5.csrs == {}
    adc.connect("f5_bigip", f5).begin(order())
    f5.restart()
    assert len(f5.keys) == 1


def test_a_password_that_has_expired_is_told_as_such(f5: FakeBigIp) -> None:
    """E8: another try would only lock the account."""
    told = Reply(401, {"code": 401, "message": "Authentication failed: Password has expired."})
    f5.faults.append(Fault("POST", "/login", reply=told))
    assert refused(f5, "f5_bigip").code == "password_expired"
    assert len(f5.log) == 1


def test_configuration_is_not_saved_where_the_option_says_so(f5: FakeBigIp) -> None:
    """Saving saves what others changed, too; some will do it themselves."""
    adc.connect("f5_bigip", f5, save_config="no").begin(order())
    assert f5.calls("POST", "/sys/config") == []


def test_keys_are_made_in_the_partition_and_looked_for_there(f5: FakeBigIp) -> None:
    """A key of the name in another partition is none of ours."""
    f5.add_key("shop.key", "Common")
    keys = adc.connect("f5_bigip", f5, partition="edge")
    assert keys.conflicts(order()) == ()
    keys.begin(order())
    assert {place[0] for place in f5.csrs} == {"edge"}
    assert refused(f5, "f5_bigip", partition="nowhere").code == "partition_missing"


def test_appliance_mode_is_told_as_such(f5: FakeBigIp) -> None:
    """Reading the CSR back takes bash; the test finds it before anybody asks for a key."""
    f5.options.appliance_mode = True
    error = refused(f5, "f5_bigip")
    assert error.code == "bash_refused"
    assert "appliance mode" in error.message
    assert not adc.connect("f5_bigip", f5).test()[-1].passed


def test_fips_module_is_not_asked_for_an_ec_key(f5: FakeBigIp) -> None:
    """E8, E10: a dual stack has one, whatever its key_type says."""
    keys = adc.connect("f5_bigip", f5, security_type="fips")
    for changes, said in (({"key_type": "ec"}, "key_type ec"), ({"dual_stack": True}, "dual_stack"), ({}, "")):
        found = [one for one in keys.validate(order(replace(SPEC, **changes))) if "FIPS" in one]
        assert found == ([f"{said}: the FIPS module of a BIG-IP is asked for RSA keys only here"] if said else [])


@pytest.mark.parametrize("curve", ["P-256", "prime256v1", "SECP256R1"])
def test_a_curve_may_have_any_of_its_names(f5: FakeBigIp, curve: str) -> None:
    """E8, E17."""
    wanted = order(replace(SPEC, key_type="ec", curve=curve))
    assert adc.connect("f5_bigip", f5).validate(wanted) == []
    assert [part.curve for part in parts_of(wanted)] == ["secp256r1"]


def test_fips_module_that_is_missing_is_told(f5: FakeBigIp) -> None:
    """security_type fips makes the key in the FIPS module, or not at all."""
    assert refused(f5, "f5_bigip", security_type="fips").code == "not_licensed"
    f5.options.has_fips = True
    adc.connect("f5_bigip", f5, security_type="fips").begin(order())
    assert [key.security for key in f5.keys.values()] == ["fips"]


def test_tokens_that_are_used_up_are_told(f5: FakeBigIp) -> None:
    """The device allows a hundred to a user."""
    f5.options.most_tokens = 0
    error = refused(f5, "f5_bigip")
    assert (error.code, error.retryable) == ("too_many_sessions", True)


def test_login_provider_is_sent(f5: FakeBigIp) -> None:
    """Users of a remote directory log in by its name."""
    f5.options.provider = "corp-ldap"
    assert refused(f5, "f5_bigip").code == "login_refused"
    assert adc.connect("f5_bigip", f5, login_provider="corp-ldap").find(order()) == []


def test_email_of_the_subject_is_asked_for_among_the_names(f5: FakeBigIp) -> None:
    """Seen on real devices: it is copied there."""
    spec = replace(SPEC, email="web@example.com")
    keys = adc.connect("f5_bigip", f5)
    assert len(keys.validate(order(spec))) == 1
    both = order(replace(spec, emails=("web@example.com",)))
    assert keys.validate(both) == []
    assert csr_facts(keys.begin(both)["csrs"]["RSA"]).subject_fields["email"] == "web@example.com"
    f5.csrs.clear()
    assert refused(f5, "f5_bigip", order(spec)).code == "csr_differs"


def test_key_of_the_name_and_another_kind_is_refused(f5: FakeBigIp) -> None:
    """Somebody made it; no CSR is made with it."""
    keys = adc.connect("f5_bigip", f5)
    keys.begin(order())
    (name,) = f5.keys
    f5.keys[name].bits = 4096
    f5.csrs.clear()
    assert refused(f5, "f5_bigip").code == "key_name_taken"


def test_answer_of_bash_without_a_csr_is_shown(f5: FakeBigIp) -> None:
    """And one with a private key in it is not."""
    bad = {"commandResult": "Syntax Error: unexpected argument"}
    f5.faults.append(Fault("POST", "/util/bash", reply=Reply(200, bad)))
    error = refused(f5, "f5_bigip")
    assert error.code == "csr_unreadable"
    assert "unexpected argument" in error.message
    leak = "-----BEGIN RSA PRIVATE KEY-----\nMIIEleak\n-----END RSA PRIVATE KEY-----\n"
    f5.faults.append(Fault("POST", "/util/bash", reply=Reply(200, {"commandResult": leak})))
    error = refused(f5, "f5_bigip")
    assert error.code == "csr_unreadable"
    assert "MIIEleak" not in error.message


def test_old_version_is_told_by_the_test(f5: FakeBigIp) -> None:
    """Before anybody asks for a key."""
    f5.options.version = "13.1.5"
    failed = [check for check in adc.connect("f5_bigip", f5).test() if not check.passed]
    assert [check.name for check in failed] == ["version"]
    assert "13.1.5" in failed[0].detail


def test_private_key_is_never_asked_for(ns: FakeNetScaler) -> None:
    """E8: a file asked for by its name comes with its content, so a key's never is."""
    ns.add_key("shop.key")
    keys = adc.connect("netscaler", ns)
    keys.conflicts(order(reuse=True))
    keys.begin(order(reuse=True))
    keys.begin(order(request_id="req-2", renews={"not_after": "x"}))
    keys.find(order())
    keys.test()
    assert ns.handed_out
    assert all(path.endswith(".csr") for path in ns.handed_out)


def test_missing_right_to_remove_a_file_is_told_with_the_policy(ns: FakeNetScaler) -> None:
    """E16: a policy of before that right was needed makes keys and CSRs all the same."""
    ns.options.may_remove = False
    reference = adc.connect("netscaler", ns).begin(order(challenge_password=Secret("Chall-Enge-1")))
    assert reference["csrs"] and "(^rm\\s+system\\s+file.*)" in reference["left"][0]


def test_sessions_are_closed_after_each_piece_of_work(ns: FakeNetScaler) -> None:
    """The device allows few; a session that was given is left open."""
    keys = adc.connect("netscaler", ns)
    keys.conflicts(order())
    assert [one.path.rpartition("/")[2] for one in ns.log] == ["login", "hanode", "systemfile", "logout"]
    keys.find(order())
    assert [one.path.rpartition("/")[2] for one in ns.log[4:]] == ["login", "systemfile", "logout"]
    keys.begin(order())
    ns.options.may_create = False
    refused(ns, "netscaler", order(request_id="req-2"))
    assert ns.sessions == set()
    ns.sessions.add("##GIVEN")
    adc.connect("netscaler", ns, secrets={"token": "##GIVEN"}).find(order())
    assert ns.sessions == {"##GIVEN"}


def test_failing_logout_hides_nothing(ns: FakeNetScaler) -> None:
    """What came of the work counts."""
    ns.faults.append(Fault("POST", "/logout", reply=Reply(503, "busy", "text/html"), times=9))
    assert adc.connect("netscaler", ns).begin(order())["csrs"]


def test_sessions_that_are_used_up_are_told(ns: FakeNetScaler) -> None:
    """Code 446."""
    ns.options.most_sessions = 0
    error = refused(ns, "netscaler")
    assert (error.code, error.retryable, error.details["device_code"]) == ("too_many_sessions", True, "446")


def test_names_are_separated_as_the_option_says(ns: FakeNetScaler) -> None:
    """Which one a version wants is not published: the CSR that is read back tells, before it goes anywhere."""
    ns.options.separator = " "
    error = refused(ns, "netscaler")
    assert error.code == "csr_differs"
    assert "lacks the DNS names shop.example.com" in error.message
    keys = adc.connect("netscaler", ns, san_separator="blank")
    facts = csr_facts(keys.begin(order(request_id="req-2"))["csrs"]["RSA"])
    assert set(facts.sans.dns) == set(SPEC.dns_names)


def test_subject_fields_that_a_csr_needs_are_asked_for_at_once(ns: FakeNetScaler) -> None:
    """Published as mandatory: country, state, organization."""
    bare = replace(SPEC, country="", state_or_province="", organization="")
    assert len(adc.connect("netscaler", ns).validate(order(bare))) == 3
    bad = adc.connect("netscaler", ns).validate(order(replace(SPEC, organization="A/B [x]")))
    assert len(bad) == 1
    assert "/ [ ]" in bad[0]


def test_directory_below_the_usual_one_is_named_in_full(ns: FakeNetScaler) -> None:
    """And what it takes of the 63 characters of a path is told before anything is sent."""
    keys = adc.connect("netscaler", ns, directory="/nsconfig/ssl/edge/")
    keys.begin(order())
    assert all(path.startswith("/nsconfig/ssl/edge/") for path in ns.files)
    assert adc.connect("netscaler", ns).validate(order(name="a" * 37)) == []
    assert len(adc.connect("netscaler", ns).validate(order(name="a" * 38))) == 1
    assert len(keys.validate(order(name="a" * 37))) == 1
    fits = order(name="a" * 18)
    assert keys.validate(fits) == []
    assert keys.begin(fits)["csrs"]


def test_node_that_stands_alone_makes_keys(ns: FakeNetScaler) -> None:
    """No high availability, no role."""
    ns.options.role = ""
    assert adc.connect("netscaler", ns).conflicts(order()) == ()
    assert all(check.passed for check in adc.connect("netscaler", ns).test())


def test_old_netscaler_is_told_by_the_test(ns: FakeNetScaler) -> None:
    """SANs in CSRs came later."""
    ns.options.version = "NetScaler NS11.1: Build 65.12.nc, Date: Jan 1 2020"
    assert [c.name for c in adc.connect("netscaler", ns).test() if not c.passed] == ["version"]


def test_warning_is_no_refusal(ns: FakeNetScaler) -> None:
    """A good answer may carry one, with a code."""
    warned = Reply(200, {"errorcode": 1067, "message": "feature not enabled", "severity": "WARNING", "hanode": {}})
    ns.faults.append(Fault("GET", "/hanode", reply=warned))
    assert adc.connect("netscaler", ns).conflicts(order()) == ()
