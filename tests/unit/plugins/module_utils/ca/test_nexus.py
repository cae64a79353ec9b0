# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is Nexus's own: the officer's signature, errors that come with HTTP 200, procedures, what its list finds."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import pkcs7

from ansible_collections.edgecert.clm.plugins.module_utils._ca import nexus_answers, nexus_signing
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, NotThere, Pending, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.nexus import NexusType
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    InputError,
    RateLimited,
    RemoteError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REVOCATION_REASONS
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts, csr_facts
from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.ca_sites.nexus import lab
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import FakeClock
from ansible_collections.edgecert.clm.tests.support.fake_ca.nexus import NexusVendor
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script
from ansible_collections.edgecert.clm.tests.support.lab_pki import make

Lab = Callable[[bool], tuple[Site, NexusVendor]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Lab]:
    """Give what runs a fake whose gateway signs itself, or wants signatures."""
    with ExitStack() as stack:
        yield lambda signs: stack.enter_context(lab(tmp_path, signs=signs))


def ordered(site: Site, **changes: Any) -> Order:
    """Give an order under an intent of its own."""
    return replace(Order(SPEC, 90, uuid.uuid4().hex, site.clock.now(), site.request_options), **changes)


def csr() -> str:
    """Give a CSR of a new key."""
    return make_csr(KEYS["p256"]())


def issued(site: Site, csr_pem: str = "", **changes: Any) -> Issued:
    """Have a CSR signed with an account, some of whose options are changed."""
    answer = site.connect(**changes).submit(ordered(site), csr_pem or csr())
    assert isinstance(answer, Issued), answer
    return answer


def test_codes_and_reasons_are_those_of_the_reference() -> None:
    """ca-connectors §4.13: reasons without the hold, which no server's certificate wants."""
    assert set(nexus_answers.REASONS) <= set(REVOCATION_REASONS)
    assert sorted(nexus_answers.REASONS.values()) == ["0", "1", "3", "4", "5", "9"]
    assert set(nexus_answers.CODES) == {-1, -7, -8, -12, -14, -15, -17, -18, -19, -40}


@pytest.mark.parametrize(
    ("code", "kind", "status", "is_none"),
    [
        (-1, RemoteError, None, False),
        (-7, RemoteError, 400, True),
        (-8, RemoteError, 400, True),
        (-12, RemoteError, None, False),
        (-14, RemoteError, 400, True),
        (-15, AuthError, 403, True),
        (-17, AuthError, 403, True),
        (-18, RemoteError, None, False),
        (-19, AuthError, 403, True),
        (-40, RateLimited, 429, True),
        (-99, RemoteError, None, False),
        ("odd", RemoteError, None, False),
    ],
)
def test_an_error_says_whether_the_order_can_be_there(
    code: Any, kind: type[RemoteError], status: int | None, is_none: bool
) -> None:
    """Issue 6: what may have been taken is looked for, what was refused is not."""
    exc = nexus_answers.failure("sign", {"error": code, "msg": "no"}, "words")
    assert (type(exc), exc.status, is_surely_not_taken(exc)) == (kind, status, is_none)


def test_the_officers_signature_is_verified_by_openssl(run: Lab) -> None:
    """ca-connectors §5.2: CMS SignedData over what was handed out, with it inside; nothing is issued without."""
    site, vendor = run(False)
    answer = issued(site)
    assert len(vendor.signatures) == 1 and len(vendor.orders.found) == 1
    (signer,) = pkcs7.load_der_pkcs7_certificates(vendor.signatures[0])
    assert signer.subject.rfc4514_string() == "CN=client"
    site.connect().revoke(answer.handle, "superseded", "")
    assert len(vendor.signatures) == 2


def test_another_officer_may_sign(run: Lab, tmp_path: Path) -> None:
    """An account may have one certificate for TLS and one for signing; its key may come encrypted."""
    site, vendor = run(False)
    ca = make("another CA", ca=True)
    signer = make("signing officer", ca)
    given = {"signing_key": signer.key_pem("secret!"), "signing_passphrase": "secret!"}
    with pytest.raises(AuthError, match="bad signature"):
        issued(site, signing_certificate=signer.pem, secrets=given)
    (tmp_path / "ca2.pem").write_text(ca.pem)
    vendor.officer, vendor.ca_path = signer.pem, str(tmp_path / "ca2.pem")
    assert issued(site, signing_certificate=signer.pem, secrets=given).handle["order_id"]
    options, secrets = site.kind().prepare(
        "lab", {**site.options, "signing_certificate": signer.pem}, {**site.secrets, **given}, StoredAccount()
    )
    assert set(secrets) == {"client_key", "signing_key"} and "ENCRYPTED" not in secrets["signing_key"]
    again = site.kind().prepare("lab", options, {}, StoredAccount(options, secrets))
    assert again == (options, secrets)


@pytest.mark.parametrize(("officers", "signers"), [(20, 40), (40, 20), (90, -1)])
def test_the_end_of_both_certificates_is_told(run: Lab, officers: int, signers: int) -> None:
    """C rows: orders stop as soon as one of them ends."""
    site, _vendor = run(False)
    now = site.clock.now()
    officer = make("officer", now=now, days=officers)
    signer = make("signer", now=now - timedelta(days=60), days=60 + signers)
    options = {**site.options, "client_certificate": officer.pem, "signing_certificate": signer.pem}
    ends = site.kind().expires_at(options)
    assert ends is not None and (ends - now).days in (min(officers, signers), min(officers, signers) - 1)
    assert site.kind().expires_at({**options, "signing_certificate": ""}) == officer.cert.not_valid_after_utc
    connector = site.connect(signing_certificate=signer.pem, secrets={"signing_key": signer.key_pem()})
    checks = {one.name: one for one in connector.test()}
    assert checks["signing certificate"].passed is (signers > 0) and "client certificate" in checks


def test_what_cannot_be_signed_is_told() -> None:
    """An account without a key, a key of a kind that CMS does not know, a gateway that hands out nonsense."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pair, data = make("officer"), base64.b64encode(b"data").decode()
    with pytest.raises(InputError, match="no officer's certificate"):
        nexus_signing.signed(data, {}, {})
    edwards = KEYS["ed25519"]().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(InputError, match="neither RSA nor EC"):
        nexus_signing.signed(data, {"client_certificate": pair.pem}, {"client_key": Secret(edwards)})
    with pytest.raises(RemoteError, match="no base64"):
        nexus_signing.signed("%%", {"client_certificate": pair.pem}, {"client_key": Secret(pair.key_pem())})


def test_too_many_requests_in_its_own_words_are_waited_for(run: Lab) -> None:
    """ca-connectors §3.3: error -40 comes with HTTP 200, and says that nothing was done."""
    site, vendor = run(True)
    begin, vendor.busy = site.clock.now(), 2
    issued(site)
    assert site.clock.now() - begin == timedelta(seconds=20) and len(vendor.orders.found) == 1
    vendor.busy = 99
    with pytest.raises(RateLimited, match="too many requests"):
        issued(site)


def test_an_officer_without_the_role_is_no_refusal_of_the_order(run: Lab) -> None:
    """C rows: -15 is the account's fault; a list that may not be read lets the CA decide."""
    site, vendor = run(True)
    vendor.lists_nothing = True
    connector = site.connect()
    with pytest.raises(AuthError, match="error -15"):
        connector.choices("procedure")
    assert not connector.validate(ordered(site, options={"procedure": "Hidden"}))
    assert [one.name for one in connector.test() if not one.passed] == ["officer"]
    vendor.lacks = True
    with pytest.raises(AuthError, match="lacks the privilege"):
        connector.submit(ordered(site), csr())


def test_a_procedure_that_is_not_there_lists_those_there_are(run: Lab) -> None:
    """E5, E22: the default procedure is sent by naming none."""
    site, vendor = run(True)
    connector = site.connect()
    (told,) = connector.validate(ordered(site, options={"procedure": "nope"}))
    assert "Server TLS, Device" in told
    answer = connector.submit(ordered(site, options={"procedure": "nope"}), csr())
    assert isinstance(answer, Rejected) and "error -14" in answer.reason and "nope not found" in answer.reason
    assert [one.detail for one in site.connect(procedure="nope").test() if not one.passed] == [
        "'nope' is not there; there are Server TLS, Device"
    ]
    plain = connector.submit(ordered(site, options={}), csr())
    assert isinstance(plain, Issued) and plain.handle["procedure"] == ""
    assert "procname" not in next(iter(vendor.orders.found.values())).wanted


def test_the_lifetime_may_be_the_procedures_own(run: Lab) -> None:
    """E15."""
    site, vendor = run(True)
    facts = certificate_facts(issued(site, lifetime="procedure").bundle.leaf)
    assert facts.not_after - facts.not_before > timedelta(days=364)
    assert site.connect(lifetime="procedure").capabilities().validity == "profile"


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"procedures": [{"procid": "1", "procname": "A"}]}, [("A", "1")]),
        ({"procedures": [{"id": 7, "name": "B"}, {"procedureId": "x"}, {}]}, [("B", "7"), ("x", "x")]),
        ({"procedures": ["C"]}, [("C", "C")]),
        ({}, []),
    ],
)
def test_procedures_are_read_however_they_are_called(told: dict[str, Any], found: list[tuple[str, str]]) -> None:
    """ca-connectors §7: the field's name is not certain."""
    assert [(one.value, one.label) for one in nexus_answers.procedures(told)] == found


def test_certificates_in_pkcs7_are_read(run: Lab) -> None:
    """ca-connectors §3.2: in any order, with doubles, with the root."""
    site, vendor = run(True)
    vendor.is_pkcs7 = True
    csr_pem = csr()
    bundle = issued(site, csr_pem).bundle
    assert certificate_facts(bundle.leaf).key.spki_sha256 == csr_facts(csr_pem).key.spki_sha256
    assert len(bundle.chain) == 1 and bundle.root


def test_a_certificate_without_its_id_is_found_by_its_serial(run: Lab) -> None:
    """The id stands in a header that may be lost on the way."""
    site, vendor = run(True)
    vendor.is_silent = True
    handle = issued(site).handle
    assert handle["order_id"] == ""
    assert site.connect().revoke(handle, "key_compromise", "").at == site.clock.now()
    assert isinstance(site.connect().collect(handle), Issued)


def test_key_identifiers_made_another_way_lose_nothing(run: Lab) -> None:
    """Issue 6: a search by key that finds nothing is followed by one by name; the key decides."""
    site, vendor = run(True)
    vendor.other_identifiers = True
    issued(site)
    order, csr_pem, script = ordered(site), csr(), Script()
    script.add("lost_after", "POST")
    with pytest.raises(RemoteError):
        site.connect(script).submit(order, csr_pem)
    found = site.connect().find(order, csr_pem)
    assert isinstance(found, Issued) and found.handle["procedure"] == "Server TLS"
    assert certificate_facts(found.bundle.leaf).key.spki_sha256 == csr_facts(csr_pem).key.spki_sha256


def test_an_older_certificate_of_the_same_key_is_not_this_order(run: Lab) -> None:
    """A key that is used again has certificates of earlier orders, the parent's among them."""
    site, _vendor = run(True)
    csr_pem = csr()
    parent = issued(site, csr_pem).handle
    assert isinstance(site.connect().find(ordered(site, parent=parent), csr_pem), NotThere)
    assert isinstance(site.connect().find(ordered(site), csr_pem), Issued)
    site.clock.sleep(49 * 3600)
    assert isinstance(site.connect().find(ordered(site), csr_pem), NotThere)


@pytest.mark.parametrize(
    ("is_by_name", "hours", "kind"),
    [(False, 47, Issued), (False, 49, NotThere), (True, 23, Issued), (True, 25, NotThere)],
)
def test_a_certificate_that_is_dated_back_is_found(run: Lab, is_by_name: bool, hours: int, kind: type) -> None:
    """W5: procedures date back; what is not found is ordered twice."""
    site, vendor = run(True)
    vendor.other_identifiers = is_by_name
    order, csr_pem = ordered(site), csr()
    assert isinstance(site.connect().submit(order, csr_pem), Issued)
    dated = replace(order, at=order.at + timedelta(hours=hours))
    assert isinstance(site.connect().find(dated, csr_pem), kind)


def test_a_list_is_read_to_the_end_that_it_names(run: Lab) -> None:
    """W5: a gateway may give fewer than were asked for; an end that comes too early proves nothing."""
    site, vendor = run(True)
    vendor.other_identifiers, vendor.most = True, 2
    for _time in range(4):
        issued(site)
    csr_pem = csr()
    issued(site, csr_pem)
    assert isinstance(site.connect().find(ordered(site), csr_pem), Issued)
    vendor.hidden = 2
    with pytest.raises(RemoteError, match="more than the 5") as caught:
        site.connect().find(ordered(site), csr())
    assert caught.value.code == "too_many_found"


def test_a_list_without_end_is_no_proof(run: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be gone through to its end does not say that nothing is there."""
    site, _vendor = run(True)
    issued(site)
    page = {"certificates": [{"certid": "1"}] * 50}
    connector = site.connect()
    monkeypatch.setattr(connector, "_ask", lambda *_arguments: page)
    with pytest.raises(RemoteError, match="more than the 1000"):
        connector.find(ordered(site), csr())


def test_json_where_a_certificate_was_due_is_no_refusal(run: Lab) -> None:
    """Issue 6: HTTP 200 with something else; the order may be there."""
    site, _vendor = run(True)
    script = Script()
    script.add("garbage_after", "POST")
    with pytest.raises(RemoteError, match="JSON where one was due") as caught:
        site.connect(script).submit(ordered(site), csr())
    assert not is_surely_not_taken(caught.value)


PKCS7_DATA = base64.b64decode("MBMGCSqGSIb3DQEHAaAGBAR0ZXN0")
UNREADABLE = [
    *(PKCS7_DATA, b"-----BEGIN PKCS7-----\n" + base64.b64encode(PKCS7_DATA) + b"\n-----END PKCS7-----\n"),
    *(b"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n", b"\xff-----BEGIN PKCS7-----"),
]


@pytest.mark.parametrize("says", UNREADABLE)
def test_what_was_signed_keeps_its_id_though_it_cannot_be_read(run: Lab, says: bytes) -> None:
    """Issue 6: PKCS#7 that the library does not take is no reason to lose, or repeat, an order."""
    site, vendor = run(True)
    vendor.says = says
    connector, csr_pem = site.connect(), csr()
    answer = connector.submit(ordered(site), csr_pem)
    assert isinstance(answer, Pending) and answer.handle["order_id"] in answer.message
    done = connector.collect(answer.handle)
    assert isinstance(done, Issued) and len(vendor.orders.found) == 1


BROKEN = [b"", b"nothing", b"\x30\x03\x02\x01\x00", b"-----BEGIN CERTIFICATE-----\nAAAA\n"]


@pytest.mark.parametrize("body", [*BROKEN, *UNREADABLE])
def test_what_is_no_certificate_is_refused(body: bytes) -> None:
    """Bad answers of the far side."""
    with pytest.raises(InputError):
        nexus_answers.bundle_of(body, FakeClock().now())


def test_a_certificate_that_ends_is_told_before(run: Lab) -> None:
    """C rows: the officer's certificate expires, too."""
    site, _vendor = run(True)
    site.clock.sleep(25 * 86400)
    (soon,) = [one for one in site.connect().test() if one.name == "client certificate"]
    assert soon.passed and "replace it soon" in soon.detail
    site.clock.sleep(10 * 86400)
    assert "client certificate" in [one.name for one in site.connect().test() if not one.passed]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(1700000000000, 1700000000), ("2023-11-14T22:13:20Z", 1700000000), ("", None), (None, None), ("soon", None)],
)
def test_times_are_numbers_or_texts(value: Any, seconds: int | None) -> None:
    """Some times are milliseconds, others ISO 8601."""
    found = nexus_answers.moment(value)
    assert (found.timestamp() if found else None) == seconds


@pytest.mark.parametrize(
    ("options", "secrets", "words"),
    [
        ({}, {}, "client_certificate is missing"),
        ({"url": "http://cm.example.com"}, {}, "begins with https://"),
        ({"lifetime": "for ever"}, {}, "there are request, procedure"),
        ({"client_certificate": "x"}, {}, "client_key among the secrets is missing"),
        ({"signing_certificate": "x"}, {}, "signing_key among the secrets is missing"),
        ({}, {"signing_key": "x"}, "signing_key cannot be read"),
    ],
)
def test_bad_options_are_told(options: dict[str, Any], secrets: dict[str, str], words: str) -> None:
    """Bad input: before any traffic."""
    kind = NexusType(Tools(FakeClock(), RequestsTransport))
    with pytest.raises(InputError) as caught:
        kind.prepare("lab", {"url": "https://cm.example.com:8444/pgwy/api", **options}, secrets, StoredAccount())
    assert words in caught.value.message
