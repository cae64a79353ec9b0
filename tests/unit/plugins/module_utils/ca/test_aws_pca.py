# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is AWS Private CA's own: errors by name, the token, roles, templates, and the options of both modes."""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import aws_pca_options
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    CannotTell,
    Issued,
    NotThere,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.aws_api import endpoint, error_type, explain
from ansible_collections.edgecert.clm.plugins.module_utils._ca.aws_pca import AwsPca, AwsPcaType
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.rest import Answer
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    InputError,
    RateLimited,
    RemoteError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REVOCATION_REASONS
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Transport, TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.tests.support.ca_sites.aws_pca import options_of
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca import aws_pca as fake_aws
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_front import REGION, Refusal
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_pca import AwsVendor
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script


@dataclass
class Lab:
    """The fake with its account."""

    fake: core.FakeCa
    vendor: AwsVendor

    def connect(self, script: Script | None = None, *, role: bool = False, **changes: Any) -> AwsPca:
        """Give a connector."""
        kind = AwsPcaType(Tools(self.fake.clock, (script or Script()).over(RequestsTransport)))
        given = {"secret_access_key": self.vendor.user.secret, **changes.pop("secrets", {})}
        wanted = options_of(self.fake, self.vendor, role=role, **changes)
        options, sealed = kind.prepare("lab", wanted, given, StoredAccount())
        made = kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})
        assert isinstance(made, AwsPca)
        return made

    def order(self, **changes: Any) -> Order:
        """Give an order."""
        return replace(Order(SPEC, 90, "0123456789abcdef" * 2, self.fake.clock.now()), **changes)

    def refuse(self, operation: str, *kinds: str, status: int = 400) -> None:
        """Let the next calls of an operation fail."""
        self.vendor.errors[operation] = [Refusal(kind, "as a test", status) for kind in kinds]


@pytest.fixture
def lab(tmp_path: pathlib.Path) -> Iterator[Lab]:
    orders = core.Orders(core.FakeClock())
    vendor = AwsVendor(orders)
    with core.running(vendor, orders, tmp_path) as fake:
        yield Lab(fake, vendor)


CSR = make_csr(KEYS["p256"]())


# -- errors by their names -----------------------------------------------------------------------------------------


def test_throttling_that_comes_as_a_400_is_waited_for(lab: Lab) -> None:
    """ca-connectors §4.6: AWS says 400 where others say 429; nothing was done."""
    lab.refuse("IssueCertificate", "ThrottlingException", "RequestLimitExceeded")
    begin = lab.fake.clock.now()
    assert isinstance(lab.connect().submit(lab.order(), CSR), Issued)
    assert (lab.fake.clock.now() - begin).total_seconds() >= 10
    lab.refuse("IssueCertificate", *["ThrottlingException"] * 9)
    with pytest.raises(RateLimited) as caught:
        lab.connect().submit(lab.order(intent_id="another"), CSR)
    assert caught.value.retry_after_s == 5.0


@pytest.mark.parametrize("kind", ["InvalidArgsException", "MalformedCSRException", "ValidationException"])
def test_what_the_order_is_at_fault_for_is_a_refusal(lab: Lab, kind: str) -> None:
    lab.refuse("IssueCertificate", kind)
    answer = lab.connect().submit(lab.order(), CSR)
    assert isinstance(answer, Rejected) and kind in answer.reason


@pytest.mark.parametrize(
    "kind", ["ResourceNotFoundException", "InvalidArnException", "InvalidStateException", "LimitExceededException"]
)
def test_what_the_account_is_at_fault_for_is_raised(lab: Lab, kind: str) -> None:
    """Guide: a fault of the account is no refusal of the order."""
    lab.refuse("IssueCertificate", kind)
    with pytest.raises(RemoteError, match=kind) as caught:
        lab.connect().submit(lab.order(), CSR)
    assert caught.value.status == 400 and not isinstance(caught.value, AuthError)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("ExpiredTokenException", 401),
        ("UnrecognizedClientException", 401),
        ("InvalidSignatureException", 401),
        ("AccessDeniedException", 403),
    ],
)
def test_credentials_that_are_refused_with_400_are_told_as_credentials(lab: Lab, kind: str, status: int) -> None:
    """Guide: a login that fails with 400 would be taken for a refusal of the order."""
    lab.refuse("IssueCertificate", kind)
    with pytest.raises(AuthError, match=kind) as caught:
        lab.connect().submit(lab.order(), CSR)
    assert caught.value.status == status


def test_a_clock_that_is_off_is_told(lab: Lab) -> None:
    """Signatures hold for five minutes around AWS's time."""
    fast = core.FakeClock(lab.fake.clock.now() + timedelta(minutes=20))
    kind = AwsPcaType(Tools(fast, RequestsTransport))
    options, sealed = kind.prepare(
        "lab", options_of(lab.fake, lab.vendor), {"secret_access_key": lab.vendor.user.secret}, StoredAccount()
    )
    connector = kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})
    with pytest.raises(AuthError, match="clock is 1200 seconds ahead of the CA's"):
        connector.choices("issuer_name")


def test_errors_are_read_however_aws_writes_them() -> None:
    """JSON with a namespace, the header, XML of STS, and what is none of them."""
    assert error_type({}, b'{"__type": "com.amazonaws.acmpca#InvalidArgsException"}') == "InvalidArgsException"
    assert error_type({"x-amzn-errortype": "InvalidStateException:http://x/"}, b"") == "InvalidStateException"
    xml = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
    assert error_type({}, xml) == "AccessDenied" and explain(Answer(403, {}, xml)) == "AccessDenied: no"
    assert error_type({}, b"[1]") == error_type({}, b'{"a"') == error_type({}, b"") == ""
    assert explain(Answer(400, {}, b'{"__type": "X", "Message": "m"}')) == "X: m"


def test_questions_are_repeated_and_an_order_by_its_token(lab: Lab) -> None:
    """ca-connectors §3.3: questions freely, though they are POSTs; an order for AWS knows it by its token."""
    script = Script()
    script.add("server_error_before", "POST", "Describe", times=2)
    script.add("server_error_after", "POST", "IssueCertificate")
    assert isinstance(lab.connect(script).submit(lab.order(), CSR), Issued)
    assert len(lab.fake.orders.found) == 1 and len(script.sent) == 6
    tokens = [body["IdempotencyToken"] for operation, body in lab.vendor.asked if operation == "IssueCertificate"]
    assert len(tokens) == 2 and len(set(tokens)) == 1 and len(tokens[0]) <= 36


def test_an_order_that_took_long_is_not_sent_again(lab: Lab) -> None:
    """The lease of its request runs meanwhile; the next run looks first."""

    class Slow(core.FakeClock):
        def monotonic(self) -> float:
            self.sleep(40)
            return super().monotonic()

    script = Script()
    script.add("lost_after", "POST", "IssueCertificate")
    slow = Slow(lab.fake.clock.now())
    kind = AwsPcaType(Tools(slow, script.over(RequestsTransport)))
    wanted = options_of(lab.fake, lab.vendor, signing_algorithm="SHA256WITHECDSA")
    options, sealed = kind.prepare("lab", wanted, {"secret_access_key": lab.vendor.user.secret}, StoredAccount())
    connector = kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})
    with pytest.raises(RemoteError, match="no answer"):
        connector.submit(lab.order(), CSR)
    assert len(lab.fake.orders.found) == 1


# -- before the order ----------------------------------------------------------------------------------------------

STS = "^/$"


def test_an_answer_of_sts_without_credentials_is_told_and_nothing_is_sent(lab: Lab) -> None:
    script = Script()
    script.add("empty", "POST", STS, times=9)
    with pytest.raises(RemoteError, match="the answer of STS holds no credentials") as caught:
        lab.connect(script, role=True).choices("issuer_name")
    assert caught.value.code == "no_token"
    with pytest.raises(RemoteError, match="holds no credentials") as caught:
        lab.connect(script, role=True).submit(lab.order(), CSR)
    assert not lab.fake.orders.found


def test_an_answer_that_names_no_certificate_leaves_the_order_in_doubt(lab: Lab) -> None:
    """W5: AWS may have taken it."""
    script = Script()
    script.add("empty", "POST", "IssueCertificate")
    with pytest.raises(RemoteError, match="names no certificate") as caught:
        lab.connect(script).submit(lab.order(), CSR)
    assert caught.value.code == "no_order" and not is_surely_not_taken(caught.value)


@pytest.mark.parametrize(("kind", "path"), [("server_error_before", "Describe"), ("lost_after", STS)])
def test_a_question_before_the_order_leaves_nothing_in_doubt(lab: Lab, kind: str, path: str) -> None:
    """Issue 6: only the order itself can be in doubt; AWS cannot be asked whether it has one."""
    script = Script()
    script.add(kind, "POST", path, times=9)
    with pytest.raises(TransportError, match="the order was not sent") as caught:
        lab.connect(script, role=True).submit(lab.order(), CSR)
    assert is_surely_not_taken(caught.value) and not lab.fake.orders.found


def test_a_role_is_asked_for_before_the_order_and_not_by_it(lab: Lab) -> None:
    """Nothing but the order is sent by the call that may be in doubt, also where its keys end soon."""
    script = Script()
    connector = lab.connect(script, role=True, signing_algorithm="SHA256WITHECDSA")
    connector.choices("issuer_name")
    lab.fake.clock.sleep(3600 - 170)
    script.add("lost_after", "POST", STS)
    with pytest.raises(TransportError, match="the order was not sent") as caught:
        connector.submit(lab.order(), CSR)
    assert is_surely_not_taken(caught.value) and not lab.fake.orders.found
    assert isinstance(connector.submit(lab.order(), CSR), Issued)


def test_keys_that_are_refused_and_no_others_leave_nothing_in_doubt(lab: Lab) -> None:
    script = Script()
    connector = lab.connect(script, role=True)
    connector.choices("issuer_name")
    lab.refuse("IssueCertificate", "ExpiredTokenException")
    script.add("lost_after", "POST", STS)
    with pytest.raises(TransportError, match="the order was not sent") as caught:
        connector.submit(lab.order(), CSR)
    assert is_surely_not_taken(caught.value) and not lab.fake.orders.found
    assert sum("IssueCertificate" in str(one.headers) for one in script.sent) == 1, "not sent with no keys"


def test_a_missing_library_leaves_nothing_in_doubt(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps its code, and is nothing that passes."""
    for name in ("botocore", "botocore.exceptions", "botocore.session"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(TransportError, match=r"pip install botocore.*; the order was not sent") as caught:
        lab.connect(access_key_id="", secrets={"secret_access_key": ""}).submit(lab.order(), CSR)
    assert is_surely_not_taken(caught.value)
    assert (caught.value.code, caught.value.retryable) == ("missing_library", False)


def test_an_order_that_an_earlier_run_may_have_sent_stays_in_doubt(lab: Lab) -> None:
    """W5: what fails before it is sent again says nothing of the first time."""
    script = Script()
    script.add("server_error_before", "POST", "Describe", times=9)
    with pytest.raises(RemoteError) as caught:
        lab.connect(script).submit(lab.order(last_sent_at=lab.fake.clock.now()), CSR)
    assert not is_surely_not_taken(caught.value)


def test_what_keeps_the_second_try_from_aws_says_nothing_of_the_first(lab: Lab) -> None:
    """W5: the first was taken, and its answer was lost."""
    script = Script()
    script.add("lost_after", "POST", "IssueCertificate")
    script.add("refused", "POST", "IssueCertificate", times=9)
    with pytest.raises(RemoteError, match="no answer within") as caught:
        lab.connect(script).submit(lab.order(), CSR)
    assert not is_surely_not_taken(caught.value) and len(lab.fake.orders.found) == 1


# -- after a lost answer -------------------------------------------------------------------------------------------


def test_the_token_tells_for_a_minute_and_then_a_person_has_to_look(lab: Lab) -> None:
    """W5: AWS keeps a token for five minutes; an order with all its tries takes some of them."""
    connector, order = lab.connect(), lab.order()
    assert isinstance(connector.find(order, CSR), NotThere)
    lab.fake.clock.sleep(61)
    told = connector.find(order, CSR)
    assert isinstance(told, CannotTell)
    assert "CloudTrail" in told.look_at and lab.vendor.ca_arn in told.look_at and "www.example.com" in told.look_at


def test_an_order_whose_token_may_end_while_it_is_sent_is_not_sent_and_is_no_refusal(lab: Lab) -> None:
    """W5: AWS took so long for a question before that the same order might become a second one."""
    order = lab.order()
    lab.fake.clock.sleep(181)
    with pytest.raises(RemoteError, match="181 seconds went by") as caught:
        lab.connect().submit(order, CSR)
    assert caught.value.code == "order_too_old"
    assert not is_surely_not_taken(caught.value) and lab.fake.orders.found == {}


def test_an_order_is_taken_over_by_the_arn_that_cloudtrail_shows(lab: Lab) -> None:
    connector = lab.connect()
    answer = connector.submit(lab.order(), CSR)
    assert isinstance(answer, Issued)
    arn = str(answer.handle["order_id"])
    assert isinstance(connector.adopt(f" {arn} ", lab.order(), CSR), Issued)
    with pytest.raises(InputError, match="another key"):
        connector.adopt(arn, lab.order(), make_csr(KEYS["p256"]()))
    with pytest.raises(InputError, match="has no certificate"):
        connector.adopt(arn[:-1] + "f", lab.order(), CSR)
    with pytest.raises(InputError, match="is no ARN"):
        connector.adopt("4711", lab.order(), CSR)


def test_a_certificate_that_is_being_signed_is_pending_and_one_that_failed_is_rejected(lab: Lab) -> None:
    """The states that GetCertificate has."""
    lab.refuse("GetCertificate", "RequestInProgressException", "RequestFailedException")
    connector = lab.connect()
    waiting = connector.submit(lab.order(), CSR)
    assert isinstance(waiting, Pending)
    assert (waiting.state, waiting.vendor_state) == ("processing", "RequestInProgressException")
    assert waiting.look_again_s == 1
    failed = connector.collect(waiting.handle)
    assert isinstance(failed, Rejected) and (failed.state, failed.vendor_state) == ("failed", "RequestFailedException")
    assert isinstance(connector.collect(waiting.handle), Issued)


def test_keys_that_may_sign_and_not_fetch_leave_the_order_pending(lab: Lab) -> None:
    """The order is placed, whatever goes wrong after it."""
    lab.vendor.denied = {"GetCertificate"}
    answer = lab.connect().submit(lab.order(), CSR)
    assert isinstance(answer, Pending) and "acm-pca:GetCertificate" in answer.message


# -- keys and roles ------------------------------------------------------------------------------------------------


def test_a_role_is_taken_on_once_and_again_when_it_ends_or_is_refused(lab: Lab) -> None:
    """C rows: temporary keys."""
    connector = lab.connect(role=True)
    assert all(check.passed for check in connector.test()) and len(lab.vendor.roles) == 1
    lab.fake.clock.sleep(3600)
    before = len(lab.fake.calls)
    assert connector.choices("issuer_name") and len(lab.vendor.roles) == 2
    assert len(lab.fake.calls) == before + 4, "the role, and three pages: nothing is asked with keys that ended"
    lab.refuse("IssueCertificate", "ExpiredTokenException")
    assert isinstance(connector.submit(lab.order(), CSR), Issued) and len(lab.vendor.roles) == 3


def test_a_role_that_is_not_given_fails_the_test_and_shows_no_secret(lab: Lab) -> None:
    failed = [check for check in lab.connect(role=True, external_id="theirs").test() if not check.passed]
    assert len(failed) == 1 and "take on the role" in failed[0].detail and "AccessDenied" in failed[0].detail
    assert lab.vendor.user.secret not in failed[0].detail


def test_what_a_role_was_given_is_blotted_out_where_aws_repeats_it(lab: Lab) -> None:
    """Brief: no secret in a message."""
    connector = lab.connect(role=True)
    connector.choices("issuer_name")
    made = lab.vendor.roles[-1]
    lab.vendor.errors["IssueCertificate"] = [Refusal("InvalidStateException", f"{made.token} and {made.secret}")]
    with pytest.raises(RemoteError) as caught:
        connector.submit(lab.order(), CSR)
    text = json.dumps([caught.value.message, caught.value.failure()])
    assert made.token not in text and made.secret not in text and "***" in text


@pytest.mark.parametrize("changes", [{"access_key_id": ""}, {"access_key_id": "", "profile": "no-such"}])
def test_the_usual_chain_is_asked_where_the_account_has_no_keys(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """AWX gives them by the environment; an empty chain, and a profile that is not there, are told as such."""
    pytest.importorskip("botocore", reason="botocore, of requirements-aws.txt, is not installed")
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    changes = {**changes, "secrets": {"secret_access_key": ""}}
    failed = [check for check in lab.connect(**changes).test() if not check.passed]
    assert len(failed) == 1 and "usual chain" in failed[0].detail
    if "profile" in changes:
        return
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", lab.vendor.user.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", lab.vendor.user.secret)
    connector = lab.connect(**changes)
    assert [check.detail for check in connector.test() if check.name == "credentials"] == ["AWS's usual chain (env)"]
    assert isinstance(connector.submit(lab.order(), CSR), Issued)


def test_all_calls_go_the_way_of_the_account(lab: Lab) -> None:
    """C rows: proxy, trust and time-outs hold for STS, too; nothing goes by a library's own HTTP."""
    seen: list[TransportOptions] = []

    def made(options: TransportOptions) -> Transport:
        seen.append(options)
        return RequestsTransport(replace(options, proxy=None))

    wanted = options_of(lab.fake, lab.vendor, role=True, proxy="http://proxy.example.com:3128", timeout_s=7)
    kind = AwsPcaType(Tools(lab.fake.clock, made))
    options, sealed = kind.prepare("lab", wanted, {"secret_access_key": lab.vendor.user.secret}, StoredAccount())
    connector = kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})
    assert all(check.passed for check in connector.test()) and isinstance(connector.submit(lab.order(), CSR), Issued)
    ways = {(one.proxy, one.timeout_s, one.ca_path) for one in seen}
    assert len(seen) == 3 and ways == {("http://proxy.example.com:3128", 7.0, lab.fake.ca_path)}


def test_without_botocore_the_chain_names_what_to_install(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brief: optional libraries; the account's own keys need none."""
    for name in ("botocore", "botocore.exceptions", "botocore.session"):
        monkeypatch.setitem(sys.modules, name, None)
    failed = list(lab.connect(access_key_id="", secrets={"secret_access_key": ""}).test())[-1]
    assert not failed.passed and "pip install botocore" in failed.detail
    assert isinstance(lab.connect().submit(lab.order(), CSR), Issued)


# -- orders --------------------------------------------------------------------------------------------------------


def test_names_of_all_kinds_go_to_aws_and_the_csr_as_its_bytes(lab: Lab) -> None:
    """E13, E15."""
    spec = replace(SPEC, ip_addresses=("192.0.2.1",), emails=("a@example.com",), uris=("https://e.com/x",))
    assert isinstance(lab.connect().submit(lab.order(spec=spec, validity_days=30), CSR), Issued)
    body = next(body for operation, body in lab.vendor.asked if operation == "IssueCertificate")
    assert body["Validity"] == {"Value": 30, "Type": "DAYS"}
    assert body["TemplateArn"] == "arn:aws:acm-pca:::template/EndEntityServerAuthCertificate_APIPassthrough/V1"
    assert [next(iter(one)) for one in body["ApiPassthrough"]["Extensions"]["SubjectAlternativeNames"]] == [
        *("DnsName", "DnsName", "IpAddress", "Rfc822Name", "UniformResourceIdentifier"),
    ]


def test_a_template_that_copies_the_csr_is_not_used_for_names_it_has_not(lab: Lab) -> None:
    """ca-connectors §3.1: a CSR of CPS may come without names; nothing is bought that is refused afterwards."""
    bare = make_csr(KEYS["p256"](), names=())
    order = lab.order(options={"certificate_type": "EndEntityCertificate/V1"})
    answer = lab.connect().submit(order, bare)
    assert isinstance(answer, Rejected) and "APIPassthrough" in answer.reason
    assert lab.vendor.asked == []
    assert lab.connect(template="EndEntityCertificate/V1").capabilities().csr_is_truth


def test_an_unknown_template_and_ca_list_those_there_are(lab: Lab) -> None:
    """E5."""
    problems = lab.connect().validate(lab.order(options={"certificate_type": "Nope/V1", "issuer_name": "arn:x"}))
    assert len(problems) == 2 and lab.vendor.ca_arn in problems[0]
    assert "EndEntityServerAuthCertificate_APIPassthrough/V1, EndEntityServerAuthCertificate/V1" in problems[1]


def test_a_lifetime_that_the_ca_cannot_give_is_told_before(lab: Lab) -> None:
    """E15: short-lived CAs sign for seven days, and no certificate outlives its CA."""
    assert "ends" in lab.connect().validate(lab.order(validity_days=4000))[0]
    lab.vendor.usage = "SHORT_LIVED_CERTIFICATE"
    assert lab.connect().validate(lab.order()) == ["Fake issuing signs for 7 days at most, 90 are asked for"]
    assert lab.connect().validate(lab.order(validity_days=7)) == []


def test_keys_that_may_not_list_leave_it_to_aws(lab: Lab) -> None:
    lab.vendor.denied = {"ListCertificateAuthorities"}
    connector = lab.connect()
    with pytest.raises(AuthError, match="acm-pca:ListCertificateAuthorities"):
        connector.choices("issuer_name")
    assert connector.validate(lab.order(options={"issuer_name": lab.vendor.ca_arn})) == []
    assert all(check.passed for check in connector.test())


def test_a_ca_that_is_not_active_fails_the_test_and_is_no_choice(lab: Lab) -> None:
    lab.vendor.status = "DISABLED"
    failed = [check for check in lab.connect().test() if not check.passed]
    assert [check.name for check in failed] == ["CA"] and "DISABLED" in failed[0].detail
    assert lab.connect().choices("issuer_name") == []


def test_an_account_without_a_ca_asks_each_request_for_one(lab: Lab) -> None:
    connector = lab.connect(ca_arn="", region=REGION)
    assert "issuer_name is missing" in connector.validate(lab.order())[0]
    assert all(check.passed for check in connector.test())
    assert isinstance(connector.submit(lab.order(options={"issuer_name": lab.vendor.ca_arn}), CSR), Issued)


def test_every_reason_has_a_word_of_aws() -> None:
    """Issue 6."""
    assert tuple(aws_pca_options.REASONS) == REVOCATION_REASONS
    assert set(aws_pca_options.REASONS.values()) == set(fake_aws.REASONS)


# -- options -------------------------------------------------------------------------------------------------------


def test_csrs_come_from_everywhere_but_by_upload_unless_the_account_says_otherwise(lab: Lab) -> None:
    """E7."""
    assert lab.connect().capabilities().csr_sources == ("endpoint", "local", "hsm", "adc")
    assert lab.connect(csr_sources=["upload"]).capabilities().csr_sources == ("upload",)


@pytest.mark.parametrize(
    ("options", "secrets", "words"),
    [
        ({}, {}, "region is missing"),
        ({"ca_arn": "arn:aws:s3:::bucket"}, {}, "an ARN of a private CA is wanted"),
        ({"region": "Ireland"}, {}, "a region is wanted"),
        ({"region": "us-east-1", "ca_arn": "ARN"}, {}, "region is us-east-1, and ca_arn is of eu-west-1"),
        ({"region": "us-east-1", "access_key_id": "AKIA"}, {}, "secret_access_key is missing among the secrets"),
        ({"region": "us-east-1"}, {"secret_access_key": "x"}, "secret_access_key is there without access_key_id"),
        (
            {"region": "us-east-1", "access_key_id": "A", "profile": "p"},
            {"secret_access_key": "x"},
            "profile goes with the usual chain",
        ),
        ({"region": "us-east-1", "external_id": "x"}, {}, "external_id goes with role_arn"),
        ({"region": "us-east-1", "secret_access_key": "x"}, {}, "give secret_access_key under secrets"),
        ({"region": "us-east-1", "signing_algorithm": "MD5"}, {}, "there are SHA256WITHRSA"),
        ({"region": "us-east-1", "url": "http://x"}, {}, "begins with https://"),
        ({"region": "us-east-1", "acm_url": "https://x"}, {}, "acm_url goes with mode acm"),
        ({"region": "us-east-1", "validation_method": "email"}, {}, "validation_method goes with mode acm"),
        ({"region": "us-east-1", "mode": "acm", "template": "A/V1"}, {}, "template goes with mode pca"),
        ({"region": "us-east-1", "mode": "acm", "signing_algorithm": "SHA256WITHRSA"}, {}, "signing_algorithm goes"),
        ({"region": "us-east-1", "mode": "acm", "csr_sources": ["local"]}, {}, "csr_sources goes not with mode acm"),
        ({"mode": "acm", "ca_arn": "ARN", "validation_method": "email"}, {}, "ca_arn has a private CA sign"),
    ],
)
def test_options_that_cannot_be_are_told(options: dict[str, Any], secrets: dict[str, str], words: str) -> None:
    arn = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/0a1b"
    given = {name: arn if value == "ARN" else value for name, value in options.items()}
    with pytest.raises(InputError, match=words) as caught:
        AwsPcaType(Tools(core.FakeClock(), RequestsTransport)).prepare("lab", given, secrets, StoredAccount())
    assert "xxx" not in caught.value.message


def test_partitions_have_their_own_addresses_and_templates() -> None:
    """AWS in China and its government regions."""
    assert endpoint("acm-pca", "eu-west-1") == "https://acm-pca.eu-west-1.amazonaws.com"
    assert endpoint("sts", "cn-north-1") == "https://sts.cn-north-1.amazonaws.com.cn"
    arn = "arn:aws-us-gov:acm-pca:us-gov-west-1:123456789012:certificate-authority/x"
    assert aws_pca_options.arn_reason(arn) == ""
    assert aws_pca_options.template_arn("A/V1", arn) == "arn:aws-us-gov:acm-pca:::template/A/V1"
