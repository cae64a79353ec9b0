# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Certificate Manager: orders without a CSR, proofs, tokens and tags, taking back, both ways of revoking."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import aws_acm_words
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    Action,
    CannotTell,
    Issued,
    NotThere,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.aws_acm import AwsAcm
from ansible_collections.edgecert.clm.plugins.module_utils._ca.aws_pca import AwsPcaType
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    ClmError,
    InputError,
    RateLimited,
    RemoteError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REVOCATION_REASONS
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response, TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support.ca_sites.aws_pca import options_of
from ansible_collections.edgecert.clm.tests.support.csrs import SPEC
from ansible_collections.edgecert.clm.tests.support.fake_ca import aws_acm as fake_acm
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_acm import AcmVendor, Certificate
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_front import REGION, Refusal
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_pca import AwsVendor
from ansible_collections.edgecert.clm.tests.support.fake_ca.signing import SERIALS
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script

PUBLIC: dict[str, Any] = {"ca_arn": "", "region": REGION}
EC = replace(SPEC, key_type="ec", curve="secp256r1")
REQUEST, DESCRIBE = "RequestCertificate", "DescribeCertificate"


@dataclass
class Lab:
    """The fake with its accounts."""

    fake: core.FakeCa
    vendor: AwsVendor

    @property
    def acm(self) -> AcmVendor:
        """Give the service."""
        return self.vendor.acm

    @property
    def only(self) -> Certificate:
        """Give the one certificate that there is."""
        found = list(self.acm.kept.values())
        assert len(found) == 1
        return found[0]

    def connect(self, script: Script | None = None, *, role: bool = False, **changes: Any) -> AwsAcm:
        """Give a connector; with ``PUBLIC`` among the changes one of Amazon's certificates."""
        kind = AwsPcaType(Tools(self.fake.clock, (script or Script()).over(RequestsTransport)))
        wanted = options_of(self.fake, self.vendor, role=role, mode="acm", **changes)
        given = {"secret_access_key": self.vendor.user.secret}
        options, sealed = kind.prepare("lab", wanted, given, StoredAccount())
        made = kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})
        assert isinstance(made, AwsAcm)
        return made

    def order(self, **changes: Any) -> Order:
        """Give an order for a key of the private CA's kind."""
        return replace(Order(EC, 90, "0123456789abcdef" * 2, self.fake.clock.now()), **changes)

    def refuse(self, operation: str, *kinds: str, status: int = 400) -> None:
        """Let the next calls of an operation fail."""
        self.vendor.errors[f"acm:{operation}"] = [Refusal(kind, "as a test", status) for kind in kinds]

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """Give the bodies of an operation's calls."""
        return [body for name, body in self.vendor.asked if name == f"acm:{operation}"]


@pytest.fixture
def lab(tmp_path: pathlib.Path) -> Iterator[Lab]:
    orders = core.Orders(core.FakeClock())
    vendor = AwsVendor(orders)
    with core.running(vendor, orders, tmp_path) as fake:
        yield Lab(fake, vendor)


def issued(lab: Lab, connector: AwsAcm, **changes: Any) -> Issued:
    """Have a certificate issued, with its domains proved."""
    answer = connector.submit(lab.order(**changes), "")
    lab.acm.prove()
    if isinstance(answer, Pending):
        answer = connector.collect(answer.handle)
    assert isinstance(answer, Issued)
    return answer


# -- what is asked for ---------------------------------------------------------------------------------------------


def test_the_ca_makes_the_key_and_nothing_else_can(lab: Lab) -> None:
    """E6: no CSR is sent; an account with a private CA has no proofs."""
    private, public, mail = (
        lab.connect().capabilities(),
        lab.connect(**PUBLIC).capabilities(),
        lab.connect(validation_method="email", **PUBLIC).capabilities(),
    )
    assert private.csr_sources == public.csr_sources == ("ca",) and private.validity == "profile"
    assert (private.is_public, private.dcv_methods) == (False, ())
    assert (public.is_public, public.dcv_methods, mail.dcv_methods) == (True, ("cname",), ("email",))
    assert private.san_types == ("dns",) and private.can_cancel and private.can_adopt


def test_a_private_ca_signs_at_once_and_the_answer_holds_no_key(lab: Lab) -> None:
    answer = lab.connect().submit(lab.order(), "")
    assert isinstance(answer, Issued)
    leaf = certificate_facts(answer.bundle.leaf)
    assert leaf.sans.dns == EC.dns_names and (leaf.key.algorithm, leaf.key.curve) == ("ECDSA", "secp256r1")
    assert len(answer.bundle.chain) == 1 and answer.bundle.root
    assert "PRIVATE" not in json.dumps([answer.handle, answer.bundle.leaf])
    (body,) = lab.asked(REQUEST)
    assert body["CertificateAuthorityArn"] == lab.vendor.ca_arn == answer.handle["ca"]
    assert body["DomainName"] == "www.example.com" and body["SubjectAlternativeNames"] == ["*.shop.example.com"]
    assert body["Tags"] == [{"Key": "edgecert:order", "Value": lab.order().intent_id}]
    assert "ValidationMethod" not in body and len(body["IdempotencyToken"]) == 32


def test_an_order_for_one_name_has_no_list_of_others(lab: Lab) -> None:
    """Model of acm: a list has one entry at least."""
    answer = lab.connect().submit(lab.order(spec=replace(EC, dns_names=("www.example.com",))), "")
    assert isinstance(answer, Issued) and "SubjectAlternativeNames" not in lab.asked(REQUEST)[0]


@pytest.mark.parametrize(
    ("changes", "algorithm", "key"),
    [
        ({"key_type": "rsa", "curve": ""}, "RSA_2048", ("RSA", 2048, "")),
        ({"key_type": "rsa", "curve": "", "key_size": 2048}, "RSA_2048", ("RSA", 2048, "")),
        ({"curve": "P-384"}, "EC_secp384r1", ("ECDSA", 384, "secp384r1")),
        ({"curve": ""}, "EC_prime256v1", ("ECDSA", 256, "secp256r1")),
    ],
)
def test_the_key_is_of_the_kind_that_is_asked_for(
    lab: Lab, changes: dict[str, Any], algorithm: str, key: tuple[str, int, str]
) -> None:
    """E17."""
    answer = issued(lab, lab.connect(**PUBLIC), spec=replace(EC, **changes))
    facts = certificate_facts(answer.bundle.leaf).key
    assert (facts.algorithm, facts.size, facts.curve) == key and lab.asked(REQUEST)[0]["KeyAlgorithm"] == algorithm


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key_type": "rsa", "key_size": 4096}, r"makes no key of type rsa \(4096\)"),
        ({"curve": "secp521r1"}, r"makes no key of type ec \(secp521r1\)"),
        ({"key_type": "ed25519", "curve": ""}, "makes no key of type ed25519;"),
        ({"dual_stack": True}, "one key for an order"),
        ({"extensions": {"must_staple": True}}, "takes no extensions.*must_staple"),
        ({"ip_addresses": ("192.0.2.1",)}, "DNS names alone"),
        ({"dns_names": tuple(f"n{number}.example.com" for number in range(101))}, "101 names are asked for"),
        ({"dns_names": (".".join(["a" * 60] * 5),)}, "has 304 characters, ACM takes 253"),
        ({"dns_names": ("under_score.example.com",)}, "'under_score.example.com' is no DNS name"),
        ({"common_name": "a" * 55 + ".example.com", "dns_names": ("a" * 55 + ".example.com",)}, "has 67 characters"),
    ],
)
def test_what_acm_does_not_make_is_told_before_and_never_sent(lab: Lab, changes: dict[str, Any], words: str) -> None:
    """E13, E17: model of acm, limits of RequestCertificate."""
    order = lab.order(spec=replace(EC, **changes))
    problems = lab.connect(**PUBLIC).validate(order)
    assert len(problems) == 1
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(problems[0])
    assert isinstance(lab.connect(**PUBLIC).submit(order, ""), Rejected)
    assert lab.vendor.asked == []


def test_a_key_of_another_family_than_the_private_cas_is_told_before(lab: Lab) -> None:
    """Model of acm: "must match the algorithm family of the CA's secret key"."""
    order = lab.order(spec=SPEC)
    assert "has a key of type ec" in lab.connect().validate(order)[0]
    answer = lab.connect().submit(order, "")
    assert isinstance(answer, Rejected) and answer.state == "failed" and "PCA_INVALID_ARGS" in answer.reason
    lab.vendor.key = "RSA_2048"
    assert lab.connect().validate(order) == [] and lab.connect(**PUBLIC).validate(order) == []
    assert isinstance(lab.connect().submit(replace(order, intent_id="another"), ""), Issued)
    lab.vendor.denied = {"ListCertificateAuthorities"}
    assert lab.connect().validate(lab.order()) == [], "keys that may not list leave it to AWS"


def test_a_request_names_a_private_ca_at_an_account_with_one_alone(lab: Lab) -> None:
    """C rows: what is told of an account, as that public trust holds, is true for each of its requests."""
    connector, options = lab.connect(), {"issuer_name": lab.vendor.ca_arn}
    assert [choice.value for choice in connector.choices("issuer_name")] == [lab.vendor.ca_arn]
    assert "is not there" in connector.validate(lab.order(options={"issuer_name": "arn:x"}))[0]
    assert connector.validate(lab.order(options=options)) == []
    answer = connector.submit(lab.order(options=options), "")
    assert isinstance(answer, Issued) and lab.only.kind == "PRIVATE"
    with pytest.raises(InputError, match="there are: issuer_name"):
        connector.choices("certificate_type")
    public = lab.connect(**PUBLIC)
    assert public.capabilities().is_public and public.capabilities().choices == ()
    assert "issuer_name is no option of a request" in public.validate(lab.order(options=options))[0]
    with pytest.raises(InputError, match="there are: none"):
        public.choices("issuer_name")


# -- proofs and states ---------------------------------------------------------------------------------------------


def test_domains_are_proved_by_records_that_acm_tells_a_little_later(lab: Lab) -> None:
    """Cname actions, each once; a name and its wildcard have the same record."""
    connector = lab.connect(**PUBLIC)
    spec = replace(EC, dns_names=("www.example.com", "*.www.example.com", "a.example.com"))
    waiting = connector.submit(lab.order(spec=spec), "")
    assert isinstance(waiting, Pending)
    assert (waiting.state, waiting.actions, waiting.look_again_s) == ("pending_validation", (), 5.0)
    assert "has not said yet" in waiting.message and waiting.vendor_state == "PENDING_VALIDATION"
    lab.fake.clock.sleep(11)
    told = connector.peek(waiting.handle)
    assert isinstance(told, Pending) and told.look_again_s == 60.0
    assert told.actions == tuple(
        # ACM looks at them again at each renewal of its own.
        Action("cname", name, f"_0123abcd.{name}", "_4567ef.xxxxxx.acm-validations.aws", stays=True)
        for name in ("www.example.com", "a.example.com")
    )
    assert "_0123abcd.a.example.com to _4567ef.xxxxxx.acm-validations.aws" in told.message
    lab.acm.prove()
    assert isinstance(connector.collect(told.handle), Issued)
    assert lab.asked(REQUEST)[0]["ValidationMethod"] == "DNS"


def test_domains_are_proved_by_one_of_the_messages_that_acm_sends(lab: Lab) -> None:
    connector = lab.connect(validation_method="email", **PUBLIC)
    waiting = connector.submit(lab.order(), "")
    assert isinstance(waiting, Pending)
    lab.fake.clock.sleep(11)
    told = connector.collect(waiting.handle)
    assert isinstance(told, Pending) and told.look_again_s == 900.0
    assert [(one.kind, one.domain) for one in told.actions] == [
        *(("email", "www.example.com"), ("email", "shop.example.com")),
    ]
    assert "admin@www.example.com, administrator@www.example.com" in told.actions[0].who
    assert lab.asked(REQUEST)[0]["ValidationMethod"] == "EMAIL"


def test_a_record_that_is_missing_for_one_domain_is_looked_for_soon(lab: Lab) -> None:
    one = {"DomainName": "a.example.com", "ValidationStatus": "PENDING_VALIDATION"}
    two = {**one, "DomainName": "b.example.com", "ResourceRecord": {"Name": "_x.b.", "Type": "CNAME", "Value": "_y."}}
    done = {"DomainName": "c.example.com", "ValidationStatus": "SUCCESS"}
    assert not aws_acm_words.is_told({"DomainValidationOptions": [one, two, done]})
    assert aws_acm_words.is_told({"DomainValidationOptions": [two, done]})
    assert aws_acm_words.is_validated({"DomainValidationOptions": [done]})
    assert [action.domain for action in aws_acm_words.actions({"DomainValidationOptions": [one, two, done]})] == [
        "b.example.com"
    ]


@pytest.mark.parametrize(
    ("word", "kind", "state", "words"),
    [
        ("PENDING_VALIDATION", Pending, "pending_validation", ""),
        ("BRAND_NEW", Pending, "processing", ""),
        ("FAILED", Rejected, "failed", "FAILED: OTHER"),
        ("VALIDATION_TIMED_OUT", Rejected, "failed", "not proved within 72 hours: www.example.com, "),
        ("INACTIVE", Rejected, "failed", "inactive"),
        ("REVOKED", Rejected, "revoked", "REVOKED"),
    ],
)
def test_every_state_of_acm_is_read(lab: Lab, word: str, kind: type, state: str, words: str) -> None:
    connector = lab.connect(**PUBLIC)
    handle = connector.submit(lab.order(), "").handle
    lab.only.status = word
    answer = connector.collect(handle)
    assert isinstance(answer, kind) and not isinstance(answer, Issued)
    assert (answer.state, answer.vendor_state) == (state, word)
    assert words in getattr(answer, "reason", "")


def test_the_states_are_those_of_the_fake_and_one_that_ended_can_still_be_fetched(lab: Lab) -> None:
    assert {word.upper() for word in aws_acm_words.STATES} == set(fake_acm.STATUSES)
    connector = lab.connect()
    answer = issued(lab, connector)
    lab.fake.clock.sleep(400 * 86400)
    late = connector.collect(answer.handle)
    assert isinstance(late, Issued) and late.bundle.leaf == answer.bundle.leaf


def test_a_private_certificate_in_the_making_is_at_work_and_wants_nothing_of_anybody(lab: Lab) -> None:
    lab.fake.orders.polls = 2
    connector = lab.connect()
    waiting = connector.submit(lab.order(), "")
    assert isinstance(waiting, Pending) and (waiting.state, waiting.actions) == ("processing", ())
    lab.refuse("GetCertificate", "RequestInProgressException")
    still = connector.collect(waiting.handle)
    assert isinstance(still, Pending) and still.vendor_state == "RequestInProgressException"
    assert isinstance(connector.collect(still.handle), Issued)


def test_domains_that_are_all_proved_leave_it_to_acm(lab: Lab) -> None:
    lab.fake.orders.polls = 9
    connector = lab.connect(**PUBLIC)
    handle = connector.submit(lab.order(), "").handle
    lab.acm.prove()
    told = connector.collect(handle)
    assert isinstance(told, Pending) and (told.state, told.look_again_s) == ("processing", 5.0)


# -- faults of an order --------------------------------------------------------------------------------------------


def test_an_order_that_acm_does_not_show_yet_is_pending_for_minutes_only(lab: Lab) -> None:
    """Model of acm: "a delay of several seconds before you can retrieve information"."""
    lab.acm.shown_after_s = 20
    connector = lab.connect()
    waiting = connector.submit(lab.order(), "")
    assert isinstance(waiting, Pending) and waiting.vendor_state == "ResourceNotFoundException"
    assert waiting.look_again_s == 5.0 and set(waiting.handle) == {"order_id", "ca", "ordered_at"}
    lab.fake.clock.sleep(21)
    assert isinstance(connector.collect(waiting.handle), Issued)
    lab.acm.kept.clear()
    assert isinstance(connector.collect(waiting.handle), Pending)
    lab.fake.clock.sleep(300)
    with pytest.raises(RemoteError, match="ResourceNotFoundException"):
        connector.collect(waiting.handle)


def test_nothing_is_raised_once_the_order_is_placed(lab: Lab) -> None:
    """Contract of submit."""
    script = Script()
    script.add("server_error_before", "POST", DESCRIBE, times=9)
    answer = lab.connect(script).submit(lab.order(), "")
    assert isinstance(answer, Pending) and answer.handle["order_id"] == lab.only.arn
    lab.vendor.denied = {"acm:GetCertificate"}
    denied = lab.connect().submit(lab.order(intent_id="another"), "")
    assert isinstance(denied, Pending) and "acm:GetCertificate" in denied.message


@pytest.mark.parametrize("kind", AwsAcm.refusals)
def test_what_the_order_is_at_fault_for_is_a_refusal(lab: Lab, kind: str) -> None:
    lab.refuse(REQUEST, kind)
    answer = lab.connect().submit(lab.order(), "")
    assert isinstance(answer, Rejected) and kind in answer.reason and answer.state == "rejected"


@pytest.mark.parametrize(
    "kind", ["LimitExceededException", "TagPolicyException", "TooManyTagsException", "InvalidArnException"]
)
def test_what_the_account_is_at_fault_for_is_raised_and_left_nothing(lab: Lab, kind: str) -> None:
    lab.refuse(REQUEST, kind)
    with pytest.raises(RemoteError, match=kind) as caught:
        lab.connect().submit(lab.order(), "")
    assert is_surely_not_taken(caught.value)


def test_throttling_is_waited_for_and_credentials_are_told_as_such(lab: Lab) -> None:
    lab.refuse(REQUEST, "ThrottlingException")
    assert isinstance(lab.connect().submit(lab.order(), ""), Issued)
    lab.refuse(REQUEST, *["ThrottlingException"] * 9)
    with pytest.raises(RateLimited):
        lab.connect().submit(lab.order(intent_id="another"), "")
    lab.refuse(REQUEST, "AccessDeniedException")
    with pytest.raises(AuthError, match="AccessDeniedException"):
        lab.connect().submit(lab.order(intent_id="a third"), "")


def test_an_answer_that_names_no_certificate_leaves_the_order_in_doubt(lab: Lab) -> None:
    """W5."""
    script = Script()
    script.add("empty", "POST", REQUEST)
    with pytest.raises(RemoteError, match="names no certificate") as caught:
        lab.connect(script).submit(lab.order(), "")
    assert caught.value.code == "no_order" and not is_surely_not_taken(caught.value)


def test_a_role_that_is_not_given_leaves_nothing_in_doubt(lab: Lab) -> None:
    script = Script()
    script.add("lost_after", "POST", "^/$", times=9)
    with pytest.raises(TransportError, match="the order was not sent") as caught:
        lab.connect(script, role=True).submit(lab.order(), "")
    assert is_surely_not_taken(caught.value) and not lab.fake.orders.found
    assert isinstance(lab.connect(role=True).submit(lab.order(), ""), Issued)


# -- after a lost answer -------------------------------------------------------------------------------------------


def lost(lab: Lab, connector: AwsAcm, order: Order, script: Script) -> None:
    """Have ACM take an order, and both of its answers lost."""
    script.add("lost_after", "POST", REQUEST, times=2)
    with pytest.raises(RemoteError) as caught:
        connector.submit(order, "")
    assert not is_surely_not_taken(caught.value) and len(lab.fake.orders.found) == 1


def test_a_lost_answer_is_asked_for_again_by_the_same_token_and_nothing_is_doubled(lab: Lab) -> None:
    """W5: within the hour of the token, which begins with the order."""
    script, order = Script(), lab.order()
    connector = lab.connect(script)
    lost(lab, connector, order, script)
    lab.fake.clock.sleep(49 * 60)
    assert isinstance(connector.find(order, ""), NotThere) and not lab.asked("ListCertificates")
    again = connector.submit(replace(order, last_sent_at=lab.fake.clock.now()), "")
    assert isinstance(again, Issued) and again.handle["order_id"] == lab.only.arn
    assert len(lab.fake.orders.found) == 1
    assert len({body["IdempotencyToken"] for body in lab.asked(REQUEST)}) == 1 and len(lab.asked(REQUEST)) == 3


def test_after_the_hour_the_order_is_found_by_its_tag_whatever_its_key(lab: Lab) -> None:
    """W5: AWS's list has other keys than small RSA ones only where it is asked for them."""
    script, order = Script(), lab.order()
    connector = lab.connect(script)
    lost(lab, connector, order, script)
    lab.acm.kept = {one.arn: one for one in (*_strangers(lab), lab.only)}
    lab.fake.clock.sleep(3600)
    found = connector.find(order, "")
    assert isinstance(found, Issued) and found.handle["ca"] == lab.vendor.ca_arn
    assert len(lab.asked("ListCertificates")) == 4 and len(lab.asked("ListTagsForCertificate")) == 2
    assert len(lab.fake.orders.found) == 1


def _strangers(lab: Lab) -> list[Certificate]:
    """Give certificates of the same name that are not the order's: of another order, imported, older."""
    one = lab.only
    tags = [{"Key": "edgecert:order", "Value": "of another order"}]
    kinds: list[dict[str, Any]] = [
        {"body": {**one.body, "Tags": tags}},
        {"kind": "IMPORTED"},
        {"made_at": one.made_at - timedelta(days=1)},
    ]
    return [replace(one, arn=f"{one.arn[:-1]}{number}x", **kind) for number, kind in enumerate(kinds)]


def test_after_the_hour_nothing_in_the_list_means_that_it_may_be_sent(lab: Lab) -> None:
    order = lab.order()
    issued(lab, lab.connect(), intent_id="another")
    lab.fake.clock.sleep(3600)
    connector = lab.connect()
    found = connector.find(order, "")
    assert isinstance(found, NotThere) and "bears the tag" in found.why
    again = connector.submit(replace(order, last_sent_at=lab.fake.clock.now()), "")
    assert isinstance(again, Issued) and len(lab.fake.orders.found) == 2


def test_a_token_does_not_live_longer_for_being_used_again(lab: Lab) -> None:
    """W5: counted from the first time; sent again at its end, the list tells, once it cannot lag any more."""
    order = lab.order()
    lab.fake.clock.sleep(50 * 60 + 1)
    again = replace(order, last_sent_at=lab.fake.clock.now() - timedelta(seconds=10))
    connector = lab.connect()
    told = connector.find(again, "")
    assert isinstance(told, CannotTell) and told.look_again_s == 290
    assert f"edgecert:order = {order.intent_id}" in told.look_at and "www.example.com" in told.look_at
    lab.fake.clock.sleep(290)
    assert isinstance(connector.find(again, ""), NotThere)


@pytest.mark.parametrize("operation", ["ListCertificates", "ListTagsForCertificate"])
def test_keys_that_may_not_look_cannot_tell_and_say_where_to_look(lab: Lab, operation: str) -> None:
    order = lab.order()
    issued(lab, lab.connect())
    lab.fake.clock.sleep(3600)
    lab.vendor.denied = {f"acm:{operation}"}
    told = lab.connect().find(order, "")
    assert isinstance(told, CannotTell) and f"acm:{operation}" in told.message and REGION in told.look_at


def test_a_list_without_an_end_and_an_answer_without_a_list_are_no_proof(lab: Lab) -> None:
    """W5: nothing was learned, so nothing is sent."""
    order = lab.order()
    lab.fake.clock.sleep(3600)
    for body in (b'{"CertificateSummaryList": [], "NextToken": "x"}', b"{}", b'{"CertificateSummaryList": {"a": 1}}'):
        with pytest.raises(RemoteError, match="lists more than|has no list|no list of JSON objects"):
            _alike(lab, body).find(order, "")


def test_a_refusal_of_what_was_sent_before_says_nothing_of_the_first_within_the_hour(lab: Lab) -> None:
    """W5: the account may have been another one; later the list has told."""
    order = lab.order()
    again = replace(order, last_sent_at=lab.fake.clock.now())
    lab.refuse(REQUEST, "InvalidParameterException")
    with pytest.raises(RemoteError, match="InvalidParameterException"):
        lab.connect().submit(again, "")
    lab.fake.clock.sleep(3600)
    lab.refuse(REQUEST, "InvalidParameterException")
    assert isinstance(lab.connect().submit(again, ""), Rejected)


# -- strange answers -----------------------------------------------------------------------------------------------


class _Alike:
    """A far side with one answer for everything."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def send(self, _request: Request) -> Response:
        """Give it."""
        return Response(200, {"content-type": "application/x-amz-json-1.1"}, self._body)

    def close(self) -> None:
        """Close nothing."""


def _alike(lab: Lab, body: bytes) -> AwsAcm:
    def made(_options: TransportOptions) -> _Alike:
        return _Alike(body)

    kind = AwsPcaType(Tools(lab.fake.clock, made))
    given = {"secret_access_key": lab.vendor.user.secret}
    wanted = options_of(lab.fake, lab.vendor, mode="acm", **PUBLIC)
    options, sealed = kind.prepare("lab", wanted, given, StoredAccount())
    connector = kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})
    assert isinstance(connector, AwsAcm)
    return connector


_ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/x"
_STRANGE = [
    *(b"[]", b"7", b'"x"', b"null", b"{}", b"{", b"\xff\xfe", b'{"Certificate": [1]}', b'{"Certificate": "text"}'),
    *(b'{"Certificate": {}}', b'{"Certificate": {"Status": "PENDING_VALIDATION", "DomainValidationOptions": 7}}'),
    b'{"Certificate": {"Status": "PENDING_VALIDATION", "DomainValidationOptions": [7]}}',
    b'{"Certificate": {"Status": "PENDING_VALIDATION", "DomainValidationOptions": [{"ResourceRecord": [1]}]}}',
    b'{"Certificate": {"Status": "PENDING_VALIDATION", "DomainValidationOptions": {"a": {}}}}',
]


@pytest.mark.parametrize("body", _STRANGE)
def test_answers_of_another_shape_are_errors_of_ours(lab: Lab, body: bytes) -> None:
    connector = _alike(lab, body)
    handle = {"order_id": _ARN, "ca": ""}
    with pytest.raises(ClmError):
        connector.collect(handle)
    with pytest.raises(ClmError):
        connector.adopt(_ARN, lab.order(), "")
    with pytest.raises(ClmError):
        connector.cancel(handle)


@pytest.mark.parametrize(
    "detail",
    [
        {"Status": ["ISSUING"], "Type": 7},
        {"Status": {"a": 1}},
        {"Status": "PENDING_VALIDATION", "DomainValidationOptions": [{"DomainName": 7, "ValidationEmails": {"a": 1}}]},
        {"Status": "PENDING_VALIDATION", "DomainValidationOptions": [{"ResourceRecord": {"Name": "x"}}]},
    ],
)
def test_words_of_another_kind_are_at_work(lab: Lab, detail: dict[str, Any]) -> None:
    """A word that nobody knows is no failure."""
    answer = _alike(lab, json.dumps({"Certificate": detail}).encode()).collect({"order_id": _ARN, "ca": ""})
    assert isinstance(answer, Pending) and answer.actions == ()


@pytest.mark.parametrize("switch", ["is_garbled", "is_empty"])
def test_a_certificate_that_nobody_can_read_is_pending_at_first_and_an_error_then(lab: Lab, switch: str) -> None:
    setattr(lab.fake.orders, switch, True)
    connector = lab.connect()
    answer = connector.submit(lab.order(), "")
    assert isinstance(answer, Pending)
    with pytest.raises(ClmError):
        connector.collect(answer.handle)


# -- taking over, taking back, revoking ----------------------------------------------------------------------------


def test_an_order_is_taken_over_by_its_arn(lab: Lab) -> None:
    """Its names have to cover those that are asked for; further ones may be there."""
    answer = issued(lab, lab.connect())
    order = lab.order(spec=replace(EC, dns_names=("WWW.example.com",)))
    taken = lab.connect().adopt(f" {answer.handle['order_id']} ", order, "")
    assert isinstance(taken, Issued) and taken.bundle == answer.bundle
    assert {**answer.handle, "ordered_at": ""} == {**taken.handle, "ordered_at": ""}


@pytest.mark.parametrize(
    ("changes", "spec", "words"),
    [
        ({"kind": "IMPORTED", "origin": "CUSTOMER_PROVIDED"}, EC, "was not made by ACM"),
        ({"origin": "ACME"}, EC, "was not made by ACM"),
        ({}, replace(EC, dns_names=("www.example.com", "b.example.com")), "has not b.example.com"),
        ({}, replace(EC, curve="secp384r1"), "has a key EC_prime256v1, and EC_secp384r1 is asked for"),
        ({}, SPEC, "and RSA_2048 is asked for"),
        ({"kind": "AMAZON_ISSUED"}, EC, "is signed by Amazon, and the order is for arn:aws:acm-pca:"),
    ],
)
def test_what_is_not_the_order_is_not_taken_over(lab: Lab, changes: dict[str, Any], spec: Any, words: str) -> None:
    issued(lab, lab.connect())
    for name, value in changes.items():
        setattr(lab.only, name, value)
    lab.only.body = {**lab.only.body, "ValidationMethod": "DNS"}
    with pytest.raises(InputError, match=words):
        lab.connect().adopt(lab.only.arn, lab.order(spec=spec), "")


def test_a_private_certificate_is_not_taken_over_for_one_of_amazons_and_rsa_is_known_by_either_spelling(
    lab: Lab,
) -> None:
    issued(lab, lab.connect())
    with pytest.raises(InputError, match="and the order is for Amazon"):
        lab.connect(**PUBLIC).adopt(lab.only.arn, lab.order(), "")
    lab.acm.kept.clear()
    connector = lab.connect(**PUBLIC)
    issued(lab, connector, spec=SPEC, intent_id="rsa")
    assert isinstance(connector.adopt(lab.only.arn, lab.order(spec=SPEC, intent_id="rsa"), ""), Issued)


def test_a_certificate_of_another_order_is_not_taken_over(lab: Lab) -> None:
    """E4, U6: one of the same names, from before this order or of another one; no CSR tells them apart."""
    issued(lab, lab.connect())
    connector, arn = lab.connect(), lab.only.arn
    with pytest.raises(InputError, match="is of another order, by its tag edgecert:order = 0123456789abcdef"):
        connector.adopt(arn, lab.order(intent_id="another"), "")
    lab.only.body = {name: value for name, value in lab.only.body.items() if name != "Tags"}
    assert isinstance(connector.adopt(arn, lab.order(intent_id="another"), ""), Issued), "made by a person, in time"
    lab.vendor.denied = {"acm:ListTagsForCertificate"}
    assert isinstance(connector.adopt(arn, lab.order(intent_id="another"), ""), Issued)
    other = replace(EC, common_name="shop.example.com", dns_names=("*.shop.example.com",))
    with pytest.raises(InputError, match="is for www.example.com, and the order is for shop.example.com"):
        connector.adopt(arn, lab.order(spec=other), "")
    lab.fake.clock.sleep(86400)
    with pytest.raises(InputError, match="before this order was"):
        connector.adopt(arn, lab.order(intent_id="another"), "")


def test_what_bears_the_tag_and_is_something_else_is_for_a_person_to_see(lab: Lab) -> None:
    """E24: the account was changed to another private CA meanwhile."""
    order = lab.order()
    issued(lab, lab.connect())
    lab.fake.clock.sleep(3600)
    lab.only.body = {**lab.only.body, "CertificateAuthorityArn": lab.vendor.ca_arn[:-1] + "9"}
    told = lab.connect().find(order, "")
    assert isinstance(told, CannotTell) and "bears its tag, and is signed by arn:aws:acm-pca:" in told.message


def test_a_csr_is_not_left_out_silently(lab: Lab) -> None:
    """E7, U6: its key is another one than ACM would make."""
    answer = lab.connect().submit(lab.order(), "-----BEGIN CERTIFICATE REQUEST-----")
    assert isinstance(answer, Rejected) and "takes no CSR" in answer.reason and not lab.acm.kept


def test_an_order_that_acm_forgot_says_what_to_do(lab: Lab) -> None:
    """W5: it was deleted in the console; another AWS account would be told the same, so nothing ends by itself."""
    connector = lab.connect(**PUBLIC)
    waiting = connector.submit(lab.order(), "")
    lab.acm.kept.clear()
    lab.fake.clock.sleep(600)
    with pytest.raises(RemoteError, match="if it was deleted there, cancel the request and ask anew") as caught:
        connector.collect(waiting.handle)
    assert caught.value.status == 400
    answer = connector.cancel(waiting.handle)
    assert isinstance(answer, Rejected) and answer.state == "cancelled"


def test_an_accounts_mode_stays(lab: Lab) -> None:
    """C rows: requests under way have a CSR, or have none."""
    kind = AwsPcaType(Tools(lab.fake.clock, RequestsTransport))
    wanted = {**options_of(lab.fake, lab.vendor), "mode": "pca"}
    options, sealed = kind.prepare("lab", wanted, {"secret_access_key": "x"}, StoredAccount())
    before = StoredAccount(options, sealed)
    with pytest.raises(InputError, match="Cannot change CA account lab from mode pca to acm: .*add another account"):
        kind.prepare("lab", {**options, "mode": "acm"}, {}, before)
    assert kind.prepare("lab", {**options, "timeout_s": 9}, {}, before)[0]["timeout_s"] == 9


def test_arns_that_are_none_or_of_nothing_are_told(lab: Lab) -> None:
    with pytest.raises(InputError, match="is no ARN of a certificate in ACM"):
        lab.connect().adopt(lab.vendor.ca_arn + "/certificate/0a", lab.order(), "")
    with pytest.raises(InputError, match="CA account lab has no certificate"):
        lab.connect().adopt(_ARN, lab.order(), "")


def test_what_waits_for_a_proof_is_taken_back_and_once_more_is_success(lab: Lab) -> None:
    connector = lab.connect(**PUBLIC)
    handle = connector.submit(lab.order(), "").handle
    for _time in range(2):
        answer = connector.cancel(handle)
        assert isinstance(answer, Rejected) and answer.state == "cancelled"
        assert lab.acm.kept == {}
        lab.fake.clock.sleep(301)
    lab.vendor.denied = {"acm:DeleteCertificate"}
    other = connector.submit(lab.order(intent_id="another"), "").handle
    with pytest.raises(AuthError):
        connector.cancel(other)


@pytest.mark.parametrize("polls", [0, 5])
def test_what_is_issued_or_just_being_is_never_deleted(lab: Lab, polls: int) -> None:
    lab.fake.orders.polls = polls
    private, public = lab.connect(), lab.connect(**PUBLIC)
    handles = [
        (private, private.submit(lab.order(), "").handle),
        (public, public.submit(lab.order(intent_id="another"), "").handle),
    ]
    lab.acm.prove()
    for connector, handle in handles:
        answer = connector.cancel(handle)
        assert isinstance(answer, Pending if polls else Issued) and getattr(answer, "state", "") in ("", "processing")
    assert len(lab.acm.kept) == 2 and not lab.asked("DeleteCertificate")


def test_an_order_that_is_not_shown_yet_is_not_told_as_taken_back(lab: Lab) -> None:
    """It would go on by itself."""
    lab.acm.shown_after_s = 20
    connector = lab.connect(**PUBLIC)
    handle = connector.submit(lab.order(), "").handle
    assert isinstance(connector.cancel(handle), Pending)
    lab.fake.clock.sleep(21)
    assert isinstance(connector.cancel(handle), Rejected) and lab.acm.kept == {}


@pytest.mark.parametrize("kind", ["ConflictException", "ResourceInUseException"])
def test_what_acm_will_not_delete_is_looked_at_again(lab: Lab, kind: str) -> None:
    connector = lab.connect(**PUBLIC)
    handle = connector.submit(lab.order(), "").handle
    lab.refuse("DeleteCertificate", kind)
    assert isinstance(connector.cancel(handle), Pending)
    lab.refuse("DeleteCertificate", "ResourceNotFoundException")
    assert isinstance(connector.cancel(handle), Rejected)


def test_a_private_certificate_is_revoked_by_its_ca(lab: Lab) -> None:
    connector = lab.connect()
    answer = issued(lab, connector)
    for _time in range(2):
        assert connector.revoke(answer.handle, "ca_compromise", "").state == "revoked"
    body = next(body for name, body in lab.vendor.asked if name == "RevokeCertificate")
    assert body["RevocationReason"] == "CERTIFICATE_AUTHORITY_COMPROMISE" and not lab.asked("RevokeCertificate")
    assert body["CertificateSerial"] == answer.handle["serial"]


@pytest.mark.parametrize("form", sorted(SERIALS))
def test_one_of_amazons_is_revoked_by_acm_where_it_was_exported(lab: Lab, form: str) -> None:
    """Model of acm: "You can only revoke certificates that have been previously exported"."""
    lab.fake.orders.core.serial = SERIALS[form]
    connector = lab.connect(**PUBLIC)
    answer = issued(lab, connector)
    with pytest.raises(RemoteError, match="Only certificates that were exported") as caught:
        connector.revoke(answer.handle, "ca_compromise", "")
    assert caught.value.status == 400
    lab.only.exported = True
    at = lab.fake.clock.now()
    assert connector.revoke(answer.handle, "ca_compromise", "").at == at
    lab.fake.clock.sleep(60)
    assert connector.revoke(answer.handle, "superseded", "").at == at, "the first time"
    assert [body["RevocationReason"] for body in lab.asked("RevokeCertificate")] == ["CA_COMPROMISE"] * 2
    assert set(aws_acm_words.REASONS) == set(REVOCATION_REASONS)
    assert set(aws_acm_words.REASONS.values()) <= set(fake_acm.REASONS)


def test_a_certificate_that_acm_renewed_by_itself_is_not_revoked_in_place_of_another(lab: Lab) -> None:
    connector = lab.connect(**PUBLIC)
    answer = issued(lab, connector)
    lab.only.exported = True
    with pytest.raises(InputError, match="has renewed it by itself") as caught:
        connector.revoke({**answer.handle, "serial": "0a:bb"}, "superseded", "")
    assert caught.value.code == "cannot_revoke" and lab.only.revoked is None


def test_a_time_of_revocation_that_cannot_be_had_is_no_failure(lab: Lab) -> None:
    script = Script()
    connector = lab.connect(script, **PUBLIC)
    answer = issued(lab, connector)
    lab.only.exported = True
    lab.refuse(DESCRIBE)
    real = lab.acm.service().does["RevokeCertificate"]

    def revoked(body: Any) -> Any:
        lab.refuse(DESCRIBE, "AccessDeniedException")
        return real(body)

    services = lab.vendor.services
    service = services["CertificateManager"]
    services["CertificateManager"] = replace(service, does={**service.does, "RevokeCertificate": revoked})
    assert connector.revoke(answer.handle, "superseded", "").at is None and lab.only.revoked is not None


# -- the account ---------------------------------------------------------------------------------------------------


def test_an_account_is_tested_by_listing_and_by_its_ca(lab: Lab) -> None:
    """C rows."""
    assert [check.name for check in lab.connect().test() if check.passed] == [
        *("reachable", "clock", "credentials", "certificates", "CA"),
    ]
    assert [check.name for check in lab.connect(**PUBLIC).test()][-1] == "certificates"
    assert not lab.acm.kept
    lab.vendor.status = "DISABLED"
    assert [check.name for check in lab.connect().test() if not check.passed] == ["CA"]
    lab.vendor.denied = {"acm:ListCertificates"}
    failed = [check for check in lab.connect().test() if not check.passed]
    assert [check.name for check in failed] == ["certificates"] and "acm:ListCertificates" in failed[0].detail


def test_each_service_has_its_own_signature_and_its_own_address(lab: Lab) -> None:
    """A VPC has an endpoint a service; a signature for one is refused by the other."""
    script = Script()
    connector = lab.connect(script)
    issued(lab, connector)
    connector.choices("issuer_name")
    scopes = {
        (one.headers["X-Amz-Target"].partition(".")[0], one.headers["Authorization"].split("/")[3])
        for one in script.sent
    }
    assert scopes == {("CertificateManager", "acm"), ("ACMPrivateCA", "acm-pca")}


def test_the_addresses_are_those_of_the_region_unless_the_account_has_others(lab: Lab) -> None:
    """AWS in China has its own domain; url is that of AWS Private CA alone."""
    hosts: list[str] = []

    def made(options: TransportOptions) -> _Alike:
        hosts.append(options.host)
        return _Alike(b"{}")

    kind = AwsPcaType(Tools(lab.fake.clock, made))
    for own in ({}, {"acm_url": "https://acm.vpc.example.com", "url": "https://pca.vpc.example.com"}):
        wanted = {"region": "cn-north-1", "mode": "acm", "access_key_id": "AKIA", **own}
        options, sealed = kind.prepare("lab", wanted, {"secret_access_key": "x"}, StoredAccount())
        connector = kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})
        assert connector.capabilities().csr_sources == ("ca",)
        connector.revoke({"order_id": _ARN, "ca": "arn", "serial": "01"}, "unspecified", "")
        with pytest.raises(ClmError):
            connector.collect({"order_id": _ARN, "ca": ""})
    assert hosts == [
        *("acm-pca.cn-north-1.amazonaws.com.cn", "acm.cn-north-1.amazonaws.com.cn"),
        *("pca.vpc.example.com", "acm.vpc.example.com"),
    ]


def test_no_secret_is_in_an_error_or_a_handle(lab: Lab) -> None:
    """Brief: no secret in a message."""
    connector = lab.connect(role=True)
    handle = issued(lab, connector).handle
    made = lab.vendor.roles[-1]
    lab.vendor.errors["acm:RequestCertificate"] = [Refusal("LimitExceededException", f"{made.token} {made.secret}")]
    with pytest.raises(RemoteError) as caught:
        connector.submit(lab.order(intent_id="another"), "")
    text = json.dumps([caught.value.message, caught.value.failure(), dict(handle)])
    assert made.token not in text and made.secret not in text and lab.vendor.user.secret not in text
