# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is Google's CA Service's own: ids and request ids, two tiers, tokens of every kind, lists, and refusals."""

from __future__ import annotations

import json
import pathlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import google_cas_options
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    CannotTell,
    Issued,
    NotThere,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.google_cas import GoogleCas, GoogleCasType
from ansible_collections.edgecert.clm.plugins.module_utils._ca.google_cas_options import certificate_id, request_id
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    InputError,
    RemoteError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REVOCATION_REASONS
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Transport, TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.tests.support.ca_sites.google_cas import SKIP, options_of, secrets_of
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca import google_cas as fake_google
from ansible_collections.edgecert.clm.tests.support.fake_ca.google_cas import GoogleVendor, Refusal
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script

CSR = make_csr(KEYS["p256"]())
INTENT = "0123456789abcdef" * 2


@dataclass
class Lab:
    """The fake with its account."""

    fake: core.FakeCa
    vendor: GoogleVendor

    def connect(self, script: Script | None = None, **changes: Any) -> GoogleCas:
        """Give a connector; by a token where nothing else is said, which needs no library."""
        kind = GoogleCasType(Tools(self.fake.clock, (script or Script()).over(RequestsTransport)))
        given = changes.pop("secrets", None)
        wanted = options_of(self.fake, **{"auth_method": "access_token", **changes})
        if given is None:
            given = secrets_of(self.fake, self.vendor, str(wanted["auth_method"]))
        options, sealed = kind.prepare("lab", wanted, given, StoredAccount())
        made = kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})
        assert isinstance(made, GoogleCas)
        return made

    def order(self, **changes: Any) -> Order:
        """Give an order."""
        return replace(Order(SPEC, 90, INTENT, self.fake.clock.now()), **changes)


@pytest.fixture
def lab(tmp_path: pathlib.Path) -> Iterator[Lab]:
    orders = core.Orders(core.FakeClock())
    vendor = GoogleVendor(orders)
    with core.running(vendor, orders, tmp_path) as fake:
        yield Lab(fake, vendor)


def signed(connector: GoogleCas, order: Order, csr: str = CSR) -> Issued:
    answer = connector.submit(order, csr)
    assert isinstance(answer, Issued), answer
    return answer


# -- ids and tiers -------------------------------------------------------------------------------------------------


def test_ids_are_the_same_for_the_same_order_and_such_as_google_takes() -> None:
    """ca-connectors §4.4: a UUID that is no zero, and an id of 63 characters at most."""
    assert certificate_id(INTENT) == certificate_id(INTENT) != certificate_id(INTENT[1:])
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,63}", certificate_id("x" * 500))
    assert request_id("a", "b") == request_id("a", "b") != request_id("ab", "")
    assert fake_google._UUID.fullmatch(request_id(""))


def test_what_is_sent_is_a_lifetime_in_seconds_a_pem_and_our_ids(lab: Lab) -> None:
    """E15; Table 4: issuer location, issuer name and certificate type."""
    asked = {"issuer_location": "us-east1", "issuer_name": "web/ca-1", "certificate_type": "server"}
    signed(lab.connect(), lab.order(options=asked, validity_days=30))
    call = lab.vendor.asked[-1]
    top = "projects/edgecert-lab/locations/us-east1"
    assert call.path == f"/v1/{top}/caPools/web/certificates"
    assert call.json() == {
        "lifetime": "2592000s",
        "pemCsr": CSR,
        "certificateTemplate": f"{top}/certificateTemplates/server",
    }
    assert call.query == {
        "requestId": request_id(INTENT, CSR),
        "certificateId": certificate_id(INTENT),
        "issuingCertificateAuthorityId": "ca-1",
    }


def test_a_pool_of_enterprise_is_asked_by_the_id_of_the_order(lab: Lab) -> None:
    """W5: an order is found, surely not there, or another's; never sent twice."""
    script = Script()
    script.add("lost_after", "POST", "/certificates$")
    connector = lab.connect(script)
    assert isinstance(connector.find(lab.order(), CSR), NotThere)
    with pytest.raises(RemoteError):
        connector.submit(lab.order(), CSR)
    assert isinstance(connector.find(lab.order(), CSR), Issued)
    with pytest.raises(InputError, match="another key"):
        connector.find(lab.order(), make_csr(KEYS["p256"]()))
    lab.fake.clock.sleep(7200)
    # The request id is forgotten, and the certificate's is taken.
    assert isinstance(connector.submit(lab.order(), CSR), Issued) and len(lab.fake.orders.found) == 1


def test_a_pool_of_devops_keeps_nothing_and_says_so(lab: Lab) -> None:
    """ca-connectors §4.4: no reading, no revoking; the certificate is in the handle."""
    connector = lab.connect(tier="devops", issuer="quick")
    able = connector.capabilities()
    assert (able.revoke_reasons, able.can_adopt, able.find) == ((), False, "token")
    answer = signed(connector, lab.order())
    again = connector.collect(json.loads(json.dumps(answer.handle)))
    assert isinstance(again, Issued) and again.bundle == answer.bundle
    assert "certificateId" not in lab.vendor.asked[-1].query
    with pytest.raises(InputError, match="cannot be revoked"):
        connector.revoke(answer.handle, "unspecified", "")
    with pytest.raises(InputError, match="keeps no certificates"):
        connector.adopt("x", lab.order(), CSR)
    order = lab.order()
    assert isinstance(connector.find(order, CSR), NotThere)
    lab.fake.clock.sleep(3001)
    told = connector.find(order, CSR)
    assert isinstance(told, CannotTell) and "audit log" in told.look_at


def test_a_lost_answer_of_devops_is_asked_for_again_with_the_same_request_id(lab: Lab) -> None:
    script = Script()
    script.add("lost_after", "POST", "/certificates$")
    signed(lab.connect(script, tier="devops", issuer="quick"), lab.order())
    sent = [one for one in script.sent if one.method == "POST"]
    assert len(sent) == 2 and sent[0].query == sent[1].query and len(lab.fake.orders.found) == 1
    other = Script()
    other.add("lost_after", "POST", "/certificates$", times=2)
    with pytest.raises(RemoteError):
        lab.connect(other, tier="devops", issuer="quick").submit(lab.order(intent_id="f" * 32), CSR)


def test_what_keeps_the_second_try_from_google_says_nothing_of_the_first(lab: Lab) -> None:
    """W5: the first was taken, and its answer was lost."""
    script = Script()
    script.add("lost_after", "POST", "/certificates$")
    script.add("refused", "POST", "/certificates$", times=9)
    with pytest.raises(RemoteError, match="no answer within") as caught:
        lab.connect(script, tier="devops", issuer="quick").submit(lab.order(), CSR)
    assert not is_surely_not_taken(caught.value) and len(lab.fake.orders.found) == 1


def test_an_account_of_the_wrong_tier_fails_its_test(lab: Lab) -> None:
    failed = [check for check in lab.connect(issuer="quick").test() if not check.passed]
    assert [check.name for check in failed] == ["pool"] and "of the tier devops" in failed[0].detail


def test_a_certificate_that_is_not_there_yet_is_pending(lab: Lab) -> None:
    """Our reading: an answer without pemCertificate, as of a dry run, is no certificate."""
    connector = lab.connect()
    name = str(signed(connector, lab.order()).handle["order_id"])
    lab.vendor._by_name[name].leaf = ""
    assert isinstance(connector.collect({"order_id": name}), Pending)


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["INVALID_ARGUMENT", "FAILED_PRECONDITION"])
def test_what_the_pools_policy_forbids_is_a_refusal_in_googles_words(lab: Lab, status: str) -> None:
    lab.vendor.errors = [Refusal(400, status, "the issuance policy does not allow it")]
    answer = lab.connect().submit(lab.order(), CSR)
    assert isinstance(answer, Rejected) and f"{status}: the issuance policy" in answer.reason


def test_what_the_account_is_at_fault_for_is_raised(lab: Lab) -> None:
    """Guide: a fault of the account is no refusal of the order."""
    lab.vendor.granted = False
    with pytest.raises(AuthError, match="privateca.certificates.create"):
        lab.connect().submit(lab.order(), CSR)
    failed = [check for check in lab.connect().test() if not check.passed]
    assert [check.name for check in failed] == ["may sign"] and "missing on projects/" in failed[0].detail
    lab.vendor.granted = True
    with pytest.raises(RemoteError, match="NOT_FOUND") as caught:
        lab.connect(issuer="nope").submit(lab.order(), CSR)
    assert caught.value.status == 404


def test_an_unknown_location_pool_and_template_list_those_there_are(lab: Lab) -> None:
    """E5: what is listed is of the location that the request names."""
    connector = lab.connect()
    wrong = {"issuer_location": "mars-1", "issuer_name": "nope", "certificate_type": "nope"}
    with pytest.raises(RemoteError, match="Location mars-1"):
        connector.validate(lab.order(options=wrong))
    problems = connector.validate(lab.order(options={**wrong, "issuer_location": "us-east1"}))
    assert len(problems) == 2 and "web, web/ca-1" in problems[0] and "server, short" in problems[1]
    assert "europe-west1, us-east1" in lab.connect(location="").validate(lab.order())[0]


def test_pools_of_the_other_tier_and_cas_that_do_not_sign_are_no_choices(lab: Lab) -> None:
    assert [one.value for one in lab.connect().choices("issuer_name")] == ["web", "web/ca-1"]
    assert [one.value for one in lab.connect(tier="devops").choices("issuer_name")] == ["quick", "quick/ca-1"]


def test_an_account_that_may_not_list_leaves_it_to_google(lab: Lab) -> None:
    lab.vendor.listing = False
    connector = lab.connect()
    with pytest.raises(AuthError, match="Permission denied"):
        connector.choices("issuer_name")
    assert connector.validate(lab.order(options={"issuer_name": "web"})) == []
    assert all(check.passed for check in connector.test())


def test_revoked_before_is_success_with_the_first_time_and_other_refusals_are_raised(lab: Lab) -> None:
    """Issue 6."""
    connector = lab.connect()
    handle = signed(connector, lab.order()).handle
    first = connector.revoke(handle, "key_compromise", "")
    lab.fake.clock.sleep(60)
    again = connector.revoke(handle, "superseded", "")
    assert first.at is not None and first.at == again.at
    assert next(iter(lab.fake.orders.revoked.values()))[0] == "KEY_COMPROMISE"
    other = signed(connector, lab.order(intent_id="e" * 32)).handle
    lab.vendor.errors = [Refusal(400, "FAILED_PRECONDITION", "the CA is disabled")]
    with pytest.raises(RemoteError, match="the CA is disabled"):
        connector.revoke(other, "superseded", "")
    with pytest.raises(RemoteError, match="NOT_FOUND"):
        connector.revoke({"order_id": str(handle["order_id"]) + "x"}, "superseded", "")


def test_every_reason_has_a_word_of_google() -> None:
    """Issue 6; a hold makes no sense for a server's certificate."""
    assert tuple(google_cas_options.REASONS) == REVOCATION_REASONS
    assert set(google_cas_options.REASONS.values()) == set(fake_google.REASONS) - {"CERTIFICATE_HOLD"}


# -- tokens --------------------------------------------------------------------------------------------------------


def tokens_asked(script: Script) -> int:
    return sum(one.path == "/token" for one in script.sent)


def test_a_service_account_gets_one_token_and_another_when_it_ends_or_is_refused(lab: Lab) -> None:
    """C rows: over the account's own transport, so proxy and trust are the account's."""
    pytest.importorskip("google.auth", reason=SKIP)
    script = Script()
    connector = lab.connect(script, auth_method="credentials")
    checks = connector.test()
    assert all(check.passed for check in checks), checks
    assert any(check.detail == fake_google.ACCOUNT for check in checks) and tokens_asked(script) == 1
    lab.fake.clock.sleep(3600)
    before = len(script.sent)
    connector.choices("issuer_name")
    assert tokens_asked(script) == 2
    assert len(script.sent) == before + 5, "the token, and four pages: nothing is asked with a token that ended"
    lab.vendor.tokens.clear()
    signed(connector, lab.order())
    assert tokens_asked(script) == 3


@pytest.mark.parametrize("tier", ["enterprise", "devops"])
def test_a_token_that_cannot_be_had_leaves_no_order_in_doubt(lab: Lab, tier: str) -> None:
    """Issue 6: only the order itself can be in doubt; a pool of devops cannot be asked whether it has one."""
    pytest.importorskip("google.auth", reason=SKIP)
    script = Script()
    issuer = "web" if tier == "enterprise" else "quick"
    connector = lab.connect(script, auth_method="credentials", tier=tier, issuer=issuer)

    def fails(order: Order) -> TransportError:
        with pytest.raises(TransportError) as caught:
            connector.submit(order, CSR)
        return caught.value

    def is_told(exc: TransportError) -> bool:
        return is_surely_not_taken(exc) and exc.message.endswith("; the order was not sent")

    script.add("lost_after", "POST", "/token$")
    assert is_told(fails(lab.order())), "the first token"
    connector.choices("issuer_name")
    lab.fake.clock.sleep(3600 - 230)
    script.add("lost_after", "POST", "/token$")
    assert is_told(fails(lab.order())), "one that ends soon"
    script.add("lost_after", "POST", "/token$")
    again = lab.order(last_sent_at=lab.fake.clock.now())
    lab.fake.clock.sleep(3600)
    assert not is_surely_not_taken(fails(again)), "an earlier run may have sent it"
    assert not any(one.path.endswith("/certificates") for one in script.sent) and not lab.fake.orders.found


def test_a_token_that_is_refused_and_no_other_leave_no_order_in_doubt(lab: Lab) -> None:
    pytest.importorskip("google.auth", reason=SKIP)
    script = Script()
    connector = lab.connect(script, auth_method="credentials", tier="devops", issuer="quick")
    connector.choices("issuer_name")
    lab.vendor.tokens.clear()
    script.add("lost_after", "POST", "/token$")
    with pytest.raises(TransportError, match="the order was not sent") as caught:
        connector.submit(lab.order(), CSR)
    assert is_surely_not_taken(caught.value) and not lab.fake.orders.found


def test_credentials_that_cannot_be_used_leave_no_order_in_doubt(
    lab: Lab, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They keep their codes, and are nothing that passes."""
    pytest.importorskip("google.auth", reason=SKIP)
    connector = lab.connect(auth_method="credentials_file", credentials_path=str(tmp_path / "none"), secrets={})
    for code in ("invalid_input", "missing_library"):
        with pytest.raises(TransportError, match="the order was not sent") as caught:
            connector.submit(lab.order(), CSR)
        assert is_surely_not_taken(caught.value)
        assert (caught.value.code, caught.value.retryable) == (code, False)
        for name in ("google.auth", "google.auth.exceptions"):
            monkeypatch.setitem(sys.modules, name, None)


def test_a_service_account_that_is_refused_is_told_and_shows_nothing(lab: Lab) -> None:
    """C rows: no refusal of the order, and no secret in the message."""
    pytest.importorskip("google.auth", reason=SKIP)
    other = json.loads(GoogleVendor(lab.fake.orders).service_account(lab.fake.url))
    connector = lab.connect(auth_method="credentials", secrets={"credentials": json.dumps(other)})
    with pytest.raises(AuthError, match="Invalid JWT Signature") as caught:
        connector.submit(lab.order(), CSR)
    assert "PRIVATE KEY" not in json.dumps([caught.value.message, caught.value.failure()])


def test_nobody_at_the_token_endpoint_is_told_as_such(lab: Lab) -> None:
    pytest.importorskip("google.auth", reason=SKIP)
    script = Script()
    script.add("refused", "POST", "/token$", times=9)
    failed = [check for check in lab.connect(script, auth_method="credentials").test() if not check.passed]
    assert [check.name for check in failed] == ["logged in"] and "no connection" in failed[0].detail
    with pytest.raises(TransportError):
        lab.connect(script, auth_method="credentials").choices("issuer_name")


def test_a_token_endpoint_that_answers_strangely_is_told_as_such(lab: Lab) -> None:
    """C rows: the library takes any JSON for an answer; a failed check, and no order in doubt."""
    pytest.importorskip("google.auth", reason=SKIP)
    script = Script()
    script.add("number", "POST", "/token$", times=9)
    failed = [check for check in lab.connect(script, auth_method="credentials").test() if not check.passed]
    assert [check.name for check in failed] == ["logged in"] and "another shape (TypeError)" in failed[0].detail
    with pytest.raises(RemoteError) as caught:
        lab.connect(script, auth_method="credentials").submit(lab.order(), CSR)
    assert caught.value.code == "not_json" and is_surely_not_taken(caught.value)


def test_all_calls_go_the_way_of_the_account(lab: Lab) -> None:
    """C rows: proxy, trust and time-outs hold for tokens, too; nothing goes by a library's own HTTP."""
    pytest.importorskip("google.auth", reason=SKIP)
    seen: list[TransportOptions] = []

    def made(options: TransportOptions) -> Transport:
        seen.append(options)
        return RequestsTransport(replace(options, proxy=None))

    kind = GoogleCasType(Tools(lab.fake.clock, made))
    wanted = options_of(lab.fake, proxy="http://proxy.example.com:3128", timeout_s=7)
    secrets = secrets_of(lab.fake, lab.vendor, "credentials")
    options, sealed = kind.prepare("lab", wanted, secrets, StoredAccount())
    connector = kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})
    assert all(check.passed for check in connector.test())
    ways = {(one.proxy, one.timeout_s, one.ca_path) for one in seen}
    assert len(seen) == 3 and ways == {("http://proxy.example.com:3128", 7.0, lab.fake.ca_path)}


def test_a_token_that_was_got_is_blotted_out_where_google_repeats_it(lab: Lab) -> None:
    """Brief: no secret in a message."""
    pytest.importorskip("google.auth", reason=SKIP)
    connector = lab.connect(auth_method="credentials")
    connector.choices("issuer_name")
    token = next(iter(lab.vendor.tokens))
    lab.vendor.errors = [Refusal(400, "INVALID_ARGUMENT", f"not with {token}")]
    answer = connector.submit(lab.order(), CSR)
    assert isinstance(answer, Rejected) and token not in answer.reason and "not with ***" in answer.reason


def test_without_google_auth_it_is_named_and_a_token_needs_none(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brief: optional libraries."""
    for name in ("google", "google.auth", "google.auth.exceptions"):
        monkeypatch.setitem(sys.modules, name, None)
    failed = list(lab.connect(auth_method="credentials").test())[-1]
    assert not failed.passed and "pip install google-auth" in failed.detail
    signed(lab.connect(), lab.order())


@pytest.mark.parametrize("method", ["credentials", "credentials_file"])
def test_a_workload_identity_exchanges_the_token_of_its_platform(lab: Lab, tmp_path: pathlib.Path, method: str) -> None:
    """C rows: its configuration holds no secret, and the token lies in a file that the platform renews."""
    pytest.importorskip("google.auth", reason=SKIP)
    (tmp_path / "token").write_text("token-of-the-platform")
    config = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/awx",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{lab.fake.url}/v1/token",
        "credential_source": {"file": str(tmp_path / "token")},
    }
    path = tmp_path / "identity.json"
    path.write_text(json.dumps(config))
    given = {"credentials": json.dumps(config)} if method == "credentials" else {}
    where = str(path) if method == "credentials_file" else ""
    signed(lab.connect(auth_method=method, credentials_path=where, secrets=given), lab.order())
    assert lab.vendor.subjects == ["token-of-the-platform"]


def test_what_googles_libraries_find_by_default_is_taken(
    lab: Lab, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWX gives a file by the environment."""
    pytest.importorskip("google.auth", reason=SKIP)
    path = tmp_path / "key.json"
    path.write_text(lab.vendor.service_account(lab.fake.url))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    signed(lab.connect(auth_method="default", secrets={}), lab.order())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    failed = [check for check in lab.connect(auth_method="default", secrets={}).test() if not check.passed]
    assert [check.name for check in failed] == ["logged in"] and "none.json" in failed[0].detail


def test_a_configuration_that_runs_a_program_is_refused(lab: Lab) -> None:
    """Whoever writes the configuration would run it as the module's user."""
    config = {"type": "external_account", "credential_source": {"executable": {"command": "/bin/true"}}}
    with pytest.raises(InputError, match="neither file nor url"):
        lab.connect(auth_method="credentials", secrets={"credentials": json.dumps(config)})


def test_a_file_that_cannot_be_used_is_told(lab: Lab, tmp_path: pathlib.Path) -> None:
    pytest.importorskip("google.auth", reason=SKIP)
    path = tmp_path / "key.json"
    bare = '{"type": "service_account"}'
    for text, words in ((None, "Cannot read"), ("{", "is no JSON"), (bare, "field is missing")):
        if text is not None:
            path.write_text(text)
        connector = lab.connect(auth_method="credentials_file", credentials_path=str(path), secrets={})
        failed = [check for check in connector.test() if not check.passed]
        assert [check.name for check in failed] == ["logged in"] and words in failed[0].detail, failed


def test_a_token_that_was_given_and_ended_is_told_and_not_shown(lab: Lab) -> None:
    connector = lab.connect()
    lab.fake.clock.sleep(2 * 86400)
    token = next(iter(lab.vendor.tokens))
    with pytest.raises(AuthError, match="UNAUTHENTICATED") as caught:
        connector.choices("issuer_name")
    assert token not in caught.value.message and "***" in caught.value.message


@pytest.mark.parametrize(
    ("options", "secrets", "words"),
    [
        ({"project": ""}, {"access_token": "t"}, "project is missing"),
        ({"project": "No Such"}, {"access_token": "t"}, "the id or number of a project"),
        ({"issuer": "a/b/c"}, {"access_token": "t"}, "the id of a pool is wanted, or pool/ca"),
        ({"location": "projects/x"}, {"access_token": "t"}, "location is 'projects/x'; an id is wanted"),
        ({"tier": "gold"}, {"access_token": "t"}, "there are enterprise, devops"),
        ({}, {}, "access_token is missing among the secrets"),
        ({"auth_method": "credentials"}, {"credentials": "s3cret"}, "credentials is no JSON"),
        ({"auth_method": "credentials"}, {"credentials": '{"type": "x"}'}, "of no type that is taken"),
        ({"auth_method": "credentials_file"}, {}, "credentials_path is missing"),
        ({"credentials": "x"}, {"access_token": "t"}, "give credentials under secrets"),
    ],
)
def test_options_that_cannot_be_are_told(
    lab: Lab, options: dict[str, Any], secrets: dict[str, str], words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        lab.connect(secrets=secrets, **options)
    assert "s3cret" not in caught.value.message


def test_keys_come_from_here_or_with_the_csr_as_the_manual_has_it(lab: Lab) -> None:
    """E8, E9: no HSM and no endpoint for Google, unless the account says otherwise."""
    assert lab.connect().capabilities().csr_sources == ("local", "upload")
    assert lab.connect(csr_sources=["endpoint"]).capabilities().csr_sources == ("endpoint",)
