# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is EST's own: the same request again and never too often, labels, simplereenroll, and who else speaks it."""

from __future__ import annotations

import base64
import json
import pathlib
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import CannotTell, Issued, Pending, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import AuthError, InputError, RemoteError
from ansible_collections.edgecert.clm.tests.support.ca_sites import est
from ansible_collections.edgecert.clm.tests.support.ca_sites.est import EstSite
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca import est as fake
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Iterator[EstSite]:
    with est.running(tmp_path, by_password=True) as made:
        yield made


@pytest.fixture
def mutual(tmp_path: pathlib.Path) -> Iterator[EstSite]:
    with est.running(tmp_path) as made:
        yield made


@pytest.fixture
def csr() -> str:
    return make_csr(KEYS["p256"]())


def order_of(site: EstSite, **options: str) -> Order:
    """Give an order under an intent of its own."""
    return Order(SPEC, 90, uuid.uuid4().hex, site.clock.now(), options)


def vendor_of(site: EstSite) -> fake.EstVendor:
    """Give the other side."""
    assert site.vendor is not None
    return site.vendor


def paid(site: EstSite) -> int:
    """Count the orders that the other side took."""
    return len(vendor_of(site).orders.found)


def waiting(site: EstSite, connector: CaConnector, csr: str, polls: int = 2) -> Pending:
    """Give an order that waits."""
    vendor_of(site).orders.polls = polls
    answer = connector.submit(order_of(site), csr)
    assert isinstance(answer, Pending)
    return answer


# -- the same request again ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("header", "seconds"), [("seconds", 90), ("date", 91), ("none", 60)])
def test_a_pending_order_is_asked_for_when_the_server_said_and_not_before(
    site: EstSite, csr: str, header: str, seconds: int
) -> None:
    """RFC 7030 §4.2.3: the client waits for at least the time of Retry-After, in seconds or as a date."""
    script = Script()
    connector = site.connect(script)
    vendor_of(site).retry_after = header
    vendor_of(site).retry_after_s = min(90, seconds)
    answer = waiting(site, connector, csr)
    assert seconds <= answer.look_again_s <= seconds + 1 and "an operator looks at it" in answer.message
    before = len(script.sent)
    site.clock.sleep(answer.look_again_s - 2)
    for ask in (connector.peek, connector.collect):
        early = ask(answer.handle)
        assert isinstance(early, Pending) and early.look_again_s == 2
    assert len(script.sent) == before
    site.clock.sleep(2)
    due = connector.peek(answer.handle)
    assert isinstance(due, Pending) and due.look_again_s == 0 and len(script.sent) == before
    assert isinstance(connector.collect(answer.handle), Pending) and len(script.sent) == before + 1


def test_a_part_of_a_second_is_waited_for_too(site: EstSite, csr: str) -> None:
    """RFC 7030 §4.2.3: at least that time, and what is kept has whole seconds."""
    vendor_of(site).orders.clock.time += timedelta(milliseconds=900)
    assert 90 <= waiting(site, site.connect(), csr).look_again_s < 91


def test_what_is_sent_again_is_the_very_same_request(site: EstSite, csr: str) -> None:
    """RFC 7030 §4.2.3: by which the server knows it again; one order in all."""
    script = Script()
    connector = site.connect(script, label="web servers")
    answer: Any = waiting(site, connector, csr)
    while isinstance(answer, Pending):
        site.clock.sleep(answer.look_again_s)
        answer = connector.collect(json.loads(json.dumps(dict(answer.handle))))
    assert isinstance(answer, Issued) and paid(site) == 1
    posts = [(one.path, one.headers, one.body) for one in script.writes()]
    assert len(posts) == 3 and posts[0] == posts[1] == posts[2]
    assert posts[0][0] == "/.well-known/est/web%20servers/simpleenroll" and posts[0][2] and b"\n" not in posts[0][2]


def test_what_was_issued_is_never_asked_for_again(site: EstSite, csr: str) -> None:
    """W5: a server that forgot the order would sign once more; what is needed is in the handle."""
    script = Script()
    connector = site.connect(script)
    issued = connector.submit(order_of(site), csr)
    assert isinstance(issued, Issued)
    before = len(script.sent)
    handle = json.loads(json.dumps(dict(issued.handle)))
    assert connector.collect(handle) == connector.peek(handle) == issued
    assert len(script.sent) == before and paid(site) == 1


def test_a_lost_first_answer_is_in_doubt_and_looking_sends_nothing(site: EstSite, csr: str) -> None:
    """W5: EST has no list, and asking is ordering; a person is told by which key to look."""
    script = Script()
    connector, order = site.connect(script), order_of(site)
    script.add("lost_after", "POST")
    with pytest.raises(RemoteError):
        connector.submit(order, csr)
    before = len(script.sent)
    found = connector.find(order, csr)
    assert isinstance(found, CannotTell) and len(script.sent) == before and paid(site) == 1
    key = x509.load_pem_x509_csr(csr.encode()).public_key()
    done = subprocess.run(
        ["openssl", "dgst", "-sha256"],
        input=key.public_bytes(Encoding.DER, fake.SPKI),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().split()[-1] in found.look_at


@pytest.mark.parametrize("kind", ["lost_after", "server_error_after", "html_after", "garbage_after"])
def test_a_lost_answer_to_a_repetition_is_a_doubt_unless_the_account_says_that_it_may_be_repeated(
    site: EstSite, csr: str, kind: str
) -> None:
    """W5: the fake forgets what it answered, as servers may; the caller asks under an intent, and no second time."""
    script = Script()
    connector = site.connect(script)
    answer = waiting(site, connector, csr, polls=1)
    site.clock.sleep(answer.look_again_s)
    script.add(kind, "POST")
    with pytest.raises(RemoteError) as caught:
        connector.collect(answer.handle)
    assert not is_surely_not_taken(caught.value) and connector.capabilities().asking_orders and paid(site) == 1
    found = connector.find(order_of(site), csr)
    assert isinstance(found, CannotTell) and "repeat_lost" in found.message
    vendor_of(site).orders.polls = 0
    knowing = site.connect(repeat_lost=True)
    assert not knowing.capabilities().asking_orders
    assert isinstance(knowing.collect(answer.handle), Issued)


def test_a_timeout_of_the_server_says_nothing_about_the_order(
    site: EstSite, csr: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 9110 §15.5.9: 408 is the one 4xx that may come after the server has done it."""
    answer = waiting(site, site.connect(), csr)
    site.clock.sleep(answer.look_again_s)
    monkeypatch.setattr(fake.EstVendor, "_enroll", lambda *_arguments: core.Reply(408))
    with pytest.raises(RemoteError, match="HTTP 408") as caught:
        site.connect().collect(answer.handle)
    assert not is_surely_not_taken(caught.value)


@pytest.mark.parametrize("kind", ["refused", "unauthorized"])
def test_a_repetition_that_surely_was_not_answered_is_sent_later(site: EstSite, csr: str, kind: str) -> None:
    script = Script()
    connector = site.connect(script)
    answer = waiting(site, connector, csr, polls=1)
    site.clock.sleep(answer.look_again_s)
    script.add(kind, "POST", times=3)
    with pytest.raises(RemoteError):
        connector.collect(answer.handle)
    script.faults.clear()
    assert isinstance(connector.collect(answer.handle), Issued) and paid(site) == 1


def test_a_csr_that_is_not_at_hand_as_it_was_sent_is_not_replaced_by_another(site: EstSite, csr: str) -> None:
    """E16: one with a challenge password is sealed elsewhere; another CSR of the same key would be another order."""
    script = Script()
    connector = site.connect(script)
    answer = waiting(site, connector, csr)
    site.clock.sleep(answer.look_again_s)
    before = len(script.sent)
    with pytest.raises(InputError, match="challenge password") as caught:
        connector.collect({**answer.handle, "csr": make_csr(KEYS["p256"]())})
    assert caught.value.code == "csr_not_kept" and len(script.sent) == before


# -- certificates --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["base64", "lines", "der", "pem"])
@pytest.mark.parametrize("with_chain", [False, True])
def test_certificates_are_read_in_all_forms_that_servers_have(
    site: EstSite, csr: str, form: str, with_chain: bool
) -> None:
    vendor_of(site).form, vendor_of(site).with_chain = form, with_chain
    issued = site.connect().submit(order_of(site), csr)
    assert isinstance(issued, Issued) and len(issued.bundle.chain) == 1 and issued.bundle.root


def test_a_certificate_whose_ca_cannot_be_read_waits_for_that_alone(site: EstSite, csr: str) -> None:
    """The contract of submit: once the CA signed, nothing is raised any more, and nothing is ordered again."""
    connector, vendor = site.connect(), vendor_of(site)
    vendor.has_cacerts = False
    answer = connector.submit(order_of(site), csr)
    assert isinstance(answer, Pending) and "certificates of its CA" in answer.message
    assert isinstance(connector.peek(answer.handle), Pending) and isinstance(connector.collect(answer.handle), Pending)
    vendor.has_cacerts = True
    assert isinstance(connector.collect(answer.handle), Issued) and paid(site) == 1


def test_an_answer_that_is_no_pkcs7_is_no_refusal(site: EstSite, csr: str) -> None:
    vendor_of(site).orders.is_garbled = True
    with pytest.raises(RemoteError) as caught:
        site.connect().submit(order_of(site), csr)
    assert caught.value.code == "not_pkcs7" and not is_surely_not_taken(caught.value) and paid(site) == 1


# -- the account ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "secrets", "told"),
    [
        ({}, {}, ["nothing to log in with"]),
        ({"username": "clm"}, {}, ["password among the secrets"]),
        ({}, {"password": "x"}, ["username among the options", "nothing to log in with"]),
        ({"username": "a:b", "label": "simpleenroll"}, {"password": "x"}, ["colon", "label is 'simpleenroll'"]),
        ({"username": "clm", "label": "a/b", "url": "http://x"}, {"password": "x"}, ["label is 'a/b'", "url is"]),
        ({"username": "clm", "label": "a%20b"}, {"password": "x"}, ["before it is encoded"]),
    ],
)
def test_what_an_account_lacks_is_told_at_once(
    site: EstSite, options: dict[str, Any], secrets: dict[str, str], told: list[str]
) -> None:
    """C rows."""
    with pytest.raises(InputError) as caught:
        site.kind().prepare("lab", {"url": site.options["url"], **options}, secrets, StoredAccount())
    assert all(word in caught.value.message for word in told)


def test_the_address_may_be_given_with_and_without_its_well_known_path(site: EstSite, csr: str) -> None:
    for url in (f"{site.options['url']}/", f"{site.options['url']}/.well-known/est"):
        assert isinstance(site.connect(url=url).submit(order_of(site), csr), Issued)


def test_a_label_of_the_request_goes_before_that_of_the_account(site: EstSite, csr: str) -> None:
    """E5: the certificate profile; a server has no list of them, and says itself that one is not there."""
    connector = site.connect(label="no such")
    failed = {check.name: check.detail for check in connector.test() if not check.passed}
    assert "there is no label no such" in failed["CA certificates"] and "logged in" in failed
    order = order_of(site, certificate_profile="web servers")
    assert connector.validate(order) == [] and isinstance(connector.submit(order, csr), Issued)
    with pytest.raises(RemoteError, match="there is no label no such") as caught:
        connector.submit(order_of(site), csr)
    assert caught.value.status == 404 and paid(site) == 1
    assert "certificate_profile" in connector.validate(order_of(site, certificate_profile="a/b"))[0]


def test_the_test_says_what_the_server_wants_in_a_csr(site: EstSite) -> None:
    """RFC 7030 §4.5.2, with its own example; that a server does not say is no fault."""
    told = {check.name: check for check in site.connect().test()}["CSR attributes"]
    assert told.passed and told.detail == (
        "the server wants in a CSR: challengePassword; EC keys (secp384r1); extensionRequest (1.3.6.1.1.1.1.22); "
        "ECDSA with SHA-384"
    )
    for content in (b"", b"\x30\x03\x06"):
        vendor_of(site).wishes = content
        checks = site.connect().test()
        assert all(check.passed for check in checks) and paid(site) == 0


def test_neither_the_password_nor_what_is_made_of_it_is_in_a_message(site: EstSite, csr: str) -> None:
    """Security: the server repeats both."""
    secret = "wrong-" + "y" * 20
    connector = site.connect(secrets={"password": secret})
    with pytest.raises(AuthError, match=r"\*\*\* is wrong, as is \*\*\*") as caught:
        connector.submit(order_of(site), csr)
    made = base64.b64encode(f"clm:{secret}".encode()).decode()
    checks = {check.name: check for check in connector.test()}
    assert not checks["logged in"].passed and "HTTP 401" in checks["logged in"].detail
    told = [caught.value.message, *(check.detail for check in checks.values())]
    assert not any(secret in one or made in one for one in told)


@pytest.mark.parametrize(("status", "kind"), [(400, "text/html"), (415, "text/plain"), (500, "text/html")])
def test_a_login_that_is_not_refused_passes_whatever_the_server_says_to_a_request_without_a_csr(
    site: EstSite, monkeypatch: pytest.MonkeyPatch, status: int, kind: str
) -> None:
    """C rows: servers answer an empty request with a 400 as text or as a page, or fall over it."""
    reply = core.Reply(status, b"<html><title>Error</title></html>", {"Content-Type": kind})
    monkeypatch.setattr(fake.EstVendor, "_enroll", lambda *_arguments: reply)
    assert all(check.passed for check in site.connect().test())


def test_a_page_that_says_yes_is_no_est_server(site: EstSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """C rows: as of a login in between."""
    reply = core.Reply(200, b"<html><title>Sign in</title></html>", {"Content-Type": "text/html"})
    monkeypatch.setattr(fake.EstVendor, "_enroll", lambda *_arguments: reply)
    failed = [check for check in site.connect().test() if not check.passed]
    assert [check.name for check in failed] == ["logged in"] and "Sign in" in failed[0].detail


# -- renewing ------------------------------------------------------------------------------------------------------


def test_the_same_names_are_reenrolled_and_others_enrolled(mutual: EstSite, csr: str) -> None:
    """E3, E4: RFC 7030 §4.2.2 has subject and alternative names those of the certificate; the key may be another."""
    connector, vendor = mutual.connect(), vendor_of(mutual)
    first = connector.submit(order_of(mutual), csr)
    assert isinstance(first, Issued)
    same, other = make_csr(KEYS["rsa"]()), make_csr(KEYS["p256"](), names=("www.example.com",))
    for go_on in (connector.renew, connector.reissue):
        for wanted in (same, other):
            assert isinstance(go_on(first.handle, order_of(mutual), wanted), Issued)
    assert vendor.operations == ["simpleenroll", *("simplereenroll", "simpleenroll") * 2]
    connector = mutual.connect(reenroll=False)
    assert connector.capabilities().renew == "reenroll"
    assert isinstance(connector.renew(first.handle, order_of(mutual), same), Issued)
    assert vendor.operations[-1] == "simpleenroll"


def test_a_pending_reenrolment_is_asked_for_by_the_same_operation(mutual: EstSite, csr: str) -> None:
    connector, vendor = mutual.connect(), vendor_of(mutual)
    first = connector.submit(order_of(mutual), csr)
    assert isinstance(first, Issued)
    vendor.orders.polls = 1
    answer = connector.renew(first.handle, order_of(mutual), csr)
    assert isinstance(answer, Pending)
    mutual.clock.sleep(answer.look_again_s)
    assert isinstance(connector.collect(answer.handle), Issued) and paid(mutual) == 2
    assert vendor.operations[-2:] == ["simplereenroll"] * 2


def test_a_refusal_is_told_in_the_servers_words(site: EstSite, csr: str) -> None:
    vendor_of(site).orders.ends = "forbidden"
    answer = waiting(site, site.connect(), csr, polls=1)
    site.clock.sleep(answer.look_again_s)
    ended = site.connect().collect(answer.handle)
    assert isinstance(ended, Rejected) and "the operator has forbidden it" in ended.reason


# -- second opinions -----------------------------------------------------------------------------------------------


def test_openssl_reads_what_the_fake_answers(site: EstSite, csr: str) -> None:
    """Second opinion, ca-connectors §5.2: the fake's PKCS#7 is one to others, too."""
    url, vendor = f"{site.options['url']}/.well-known/est", vendor_of(site)
    der = x509.load_pem_x509_csr(csr.encode()).public_bytes(Encoding.DER)
    for answer, count in (
        (requests.get(f"{url}/cacerts", verify=site.options["ca_path"], timeout=10), 2),
        (
            requests.post(
                f"{url}/simpleenroll",
                data=base64.encodebytes(der),
                headers={"Content-Type": "application/pkcs10"},
                auth=(vendor.user, vendor.password),
                verify=site.options["ca_path"],
                timeout=10,
            ),
            1,
        ),
    ):
        assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("application/pkcs7-mime")
        command = ["openssl", "pkcs7", "-inform", "DER", "-print_certs"]
        done = subprocess.run(command, input=base64.b64decode(answer.content), capture_output=True, check=True)
        assert done.stdout.count(b"BEGIN CERTIFICATE") == count


def strongswan() -> str:
    """Give strongSwan's ``pki``, an EST client since its version 5.9.8."""
    found = shutil.which("pki")
    told = subprocess.run([found, "--help"], capture_output=True, text=True, check=False) if found else None
    if found and told and "--est " in told.stdout and "openssl_plugin_create not found" not in told.stderr:
        return found
    pytest.skip(
        "strongSwan's pki with --est is not installed (Debian: strongswan-pki 5.9.8, libstrongswan-standard-plugins, "
        "libstrongswan-extra-plugins)"
    )


def test_strongswans_client_enrols_at_the_fake_and_sends_the_same_request_again(
    site: EstSite, tmp_path: pathlib.Path
) -> None:
    """Second opinion: an independent client takes the fake's CA certificates, its 202, and its certificate."""
    program, vendor = strongswan(), vendor_of(site)
    # It counts real seconds, of which the fake's clock knows nothing.
    vendor.retry_after_s, vendor.orders.polls = 0, 2
    csr = x509.load_pem_x509_csr(make_csr(KEYS["rsa"]()).encode()).public_bytes(Encoding.DER)
    (tmp_path / "csr.der").write_bytes(csr)
    (tmp_path / "root.pem").write_text(vendor.orders.core.root.pem)
    (tmp_path / "issuing.pem").write_text(vendor.orders.core.issuing.pem)
    trust = [word for name in ("ca", "root", "issuing") for word in ("--cacert", str(tmp_path / f"{name}.pem"))]
    to = ["--url", str(site.options["url"]), *trust, "--outform", "pem"]
    command = [program, "--estca", *to, "--caout", str(tmp_path / "fetched.pem")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    fetched = {x509.load_pem_x509_certificate(one.read_bytes()).subject for one in tmp_path.glob("fetched*.pem")}
    assert fetched == {vendor.orders.core.root.cert.subject, vendor.orders.core.issuing.cert.subject}
    command = [program, "--est", *to, "--in", str(tmp_path / "csr.der"), "--interval", "1"]
    command += ["--userpass", f"{vendor.user}:{vendor.password}"]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60)
    leaf = x509.load_pem_x509_certificate(done.stdout)
    assert leaf.public_key() == x509.load_der_x509_csr(csr).public_key()
    assert vendor.operations == ["simpleenroll"] * 3 and paid(site) == 1
