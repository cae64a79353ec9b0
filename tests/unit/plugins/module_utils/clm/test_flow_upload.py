# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrolling with a CSR that was made elsewhere: it fills the form, and nothing against it goes through (E7)."""

from __future__ import annotations

import base64
import hashlib
import pathlib
import subprocess
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, InputError, StateError
from ansible_collections.edgecert.clm.tests.support.flow import Bench


def enroll(bench: Bench, **changes: Any) -> Any:
    """Enrol, and give the outcome as a test reads it."""
    return bench.enroll(**changes)


KEY = rsa.generate_private_key(65537, 2048)
GROUP = {"organization": "Group AG", "country": "US", "key_size": 4096, "dual_stack": True}


@pytest.fixture
def house(bench: Bench) -> Bench:
    """Give a bench with a CA and a group whose defaults must not get in the way of a CSR."""
    bench.ca()
    bench.group(approvals={"push": 0}, defaults=GROUP)
    return bench


def csr(
    name: str, *names: x509.GeneralName, key: Any = KEY, digest: Any = None, cn: bool = True, **subject: str
) -> x509.CertificateSigningRequest:
    oids = {"o": NameOID.ORGANIZATION_NAME, "c": NameOID.COUNTRY_NAME}
    attributes = [x509.NameAttribute(oids[word], value) for word, value in subject.items()]
    attributes += [x509.NameAttribute(NameOID.COMMON_NAME, name)] if cn else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    sans = x509.SubjectAlternativeName([x509.DNSName(name), *names])
    is_hashless = isinstance(key, ed25519.Ed25519PrivateKey)
    return builder.add_extension(sans, critical=False).sign(key, None if is_hashless else digest or hashes.SHA256())


def pem(request: x509.CertificateSigningRequest) -> str:
    return request.public_bytes(serialization.Encoding.PEM).decode()


def der(request: x509.CertificateSigningRequest) -> bytes:
    return request.public_bytes(serialization.Encoding.DER)


def upload(bench: Bench, text: str = "", **changes: Any) -> dict[str, Any]:
    wanted = {"common_name": None, "device": None, "csr_source": "upload", **({"csr": text} if text else {})}
    return {**wanted, **changes}


def test_a_csr_fills_the_form_and_is_signed(house: Bench) -> None:
    """E7: names, subject and key are the CSR's, shown in the request; the same again changes nothing."""
    name = house.name()
    made = csr(name, x509.DNSName(house.name("api")), x509.RFC822Name("a@example.com"), o="Own GmbH", c="DE")
    outcome = enroll(house, **upload(house, pem(made)))
    wish = outcome.record["wish"]
    assert outcome.record["state"] == "issued" and outcome.extra["certificate"]["certificate"] == name
    assert (wish["organization"], wish["country"], wish["key_size"], wish["dual_stack"]) == (
        "Own GmbH",
        "DE",
        2048,
        False,
    )
    assert wish["subject_alternative_names"]["email"] == ["a@example.com"] and wish["csr"] == pem(made)
    leaf = x509.load_pem_x509_certificate(outcome.extra["certificate"]["pem"]["RSA"]["certificate"].encode())
    assert leaf.public_key() == KEY.public_key() and house.records()["held_secrets"] == 0
    assert house.plan_enroll(**upload(house, pem(made))).steps == ()
    assert house.plan_enroll(**upload(house, common_name=name)).steps == ()


@pytest.mark.parametrize("form", ["pem", "der64", "der64_lines", "file_pem", "file_der"])
def test_every_form_of_the_same_csr_is_the_same(house: Bench, tmp_path: pathlib.Path, form: str) -> None:
    """E7: PEM or DER, text or file."""
    made = csr(house.name())
    enroll(house, **upload(house, pem(made)))
    encoded = base64.b64encode(der(made)).decode()
    path = tmp_path / "csr"
    path.write_bytes(der(made) if form == "file_der" else pem(made).replace("\n", "\r\n").encode())
    given: dict[str, Any] = {
        "pem": {"csr": "a comment\n" + pem(made)},
        "der64": {"csr": encoded},
        "der64_lines": {"csr": "\n".join(encoded[at : at + 60] for at in range(0, len(encoded), 60))},
    }.get(form, {"csr_path": str(path)})
    assert house.plan_enroll(**upload(house, **given)).steps == ()


@pytest.mark.parametrize(
    ("key", "kind"),
    [(ec.generate_private_key(ec.SECP384R1()), "ECDSA"), (ed25519.Ed25519PrivateKey.generate(), "Ed25519")],
    ids=["ec", "ed25519"],
)
def test_every_kind_of_key_is_taken(house: Bench, key: Any, kind: str) -> None:
    """E7, E17."""
    outcome = enroll(house, **upload(house, pem(csr(house.name(), key=key))))
    assert list(outcome.record["fingerprints"]) == [kind]


def test_csr_without_a_common_name_is_known_by_its_first_dns_name(house: Bench) -> None:
    """E7, E21: many tools leave the common name out."""
    outcome = enroll(house, **upload(house, pem(csr(house.name(), cn=False))))
    assert outcome.record["state"] == "issued" and outcome.record["certificate"] == house.name()


def broken(made: x509.CertificateSigningRequest) -> str:
    """Give a CSR whose signature was not made by its key."""
    data = bytearray(der(made))
    data[-1] ^= 1
    return base64.b64encode(bytes(data)).decode()


WEAK: list[tuple[str, str]] = [
    ("small", "its RSA key has 1024 bits"),
    ("exponent", "public exponent 3"),
    ("curve", "its curve secp224r1 is none of"),
    ("dsa", "its key is of the kind DSA"),
    ("signature", "its signature was not made by the key it names"),
    ("sha224", "is signed with sha224"),
]


@pytest.mark.parametrize(("fault", "said"), WEAK, ids=[one[0] for one in WEAK])
def test_a_weak_csr_is_refused_before_anything_is_stored(house: Bench, fault: str, said: str) -> None:
    """E7: proof of possession, strength of key and hash."""
    name = house.name()
    text = {
        "small": lambda: pem(csr(name, key=rsa.generate_private_key(65537, 1024))),
        "exponent": lambda: pem(csr(name, key=rsa.generate_private_key(3, 2048))),
        "curve": lambda: pem(csr(name, key=ec.generate_private_key(ec.SECP224R1()))),
        "dsa": lambda: pem(csr(name, key=dsa.generate_private_key(2048))),
        "signature": lambda: broken(csr(name)),
        "sha224": lambda: pem(csr(name, digest=hashes.SHA224())),
    }[fault]()
    with pytest.raises(InputError) as caught:
        house.plan_enroll(**upload(house, text))
    assert said in caught.value.message and house.records()["requests"] == 0


@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_a_csr_with_a_broken_hash_is_refused(house: Bench, tmp_path: pathlib.Path, digest: str) -> None:
    """E7: made by openssl, as no library here makes one any more."""
    key, path = tmp_path / "key", tmp_path / "csr"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    command = [
        "openssl",
        "req",
        "-new",
        "-key",
        str(key),
        f"-{digest}",
        "-subj",
        f"/CN={house.name()}",
        "-out",
        str(path),
    ]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(InputError, match=f"signed with {digest}, which is broken"):
        house.plan_enroll(**upload(house, csr_path=str(path)))


def test_everything_that_contradicts_the_csr_is_told_at_once(house: Bench) -> None:
    """E7: names, subject and key; options of a CSR that is made."""
    text = pem(csr(house.name(), x509.DNSName(house.name("api")), o="Own GmbH"))
    names = {"dns": [house.name("shop")], "ip": ["192.0.2.1"]}
    with pytest.raises(InputError) as caught:
        house.plan_enroll(
            **upload(house, text, common_name="other.example.com", organization="Else", key_type="ec", key_size=4096),
            hash="sha512",
            subject_alternative_names=names,
            dual_stack=True,
        )
    told = "\n".join(caught.value.details["problems"])
    for part in (
        "common_name is 'other.example.com'",
        "organization is 'Else', and the uploaded CSR says 'Own GmbH'",
        "key_type is 'ec'",
        "key_size is 4096",
        "hash is 'sha512'",
        "dual_stack is true",
        f"subject_alternative_names.dns is not what the uploaded CSR says, which lacks {house.name('shop')} and has",
        "subject_alternative_names.ip",
    ):
        assert part in told, part
    with pytest.raises(InputError, match="challenge_password does not go with csr_source upload"):
        password = {"challenge_password": "Chall3nge!", "challenge_password_confirm": "Chall3nge!"}
        house.plan_enroll(**upload(house, text, **password))
    agreed = upload(house, text, organization="Own GmbH", key_type="rsa", common_name=house.name().upper())
    assert house.plan_enroll(**agreed).changed


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "csr is missing"),
        ({"csr": "nothing"}, "neither PEM, nor DER"),
        ({"csr": "MAoGCA=="}, "not a PKCS#10 request"),
        ({"csr": "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----"}, "holds a private key"),
        ({"csr": "x", "csr_path": "/y"}, "either csr or csr_path"),
        ({"csr_path": "/no/such/file"}, "No such file"),
        ({"csr_path": "/dev/zero"}, "no plain file"),
        ({"csr_path": "/proc/self/environ"}, "no plain file"),
    ],
)
def test_what_is_no_csr_is_refused(house: Bench, given: dict[str, Any], said: str) -> None:
    """E7."""
    with pytest.raises(InputError) as caught:
        house.plan_enroll(**upload(house, common_name=house.name(), **given))
    assert said in caught.value.message


def test_group_rules_hold_for_what_a_csr_says(house: Bench) -> None:
    """E1, E7: the CSR decides about itself, the group about what it may be."""
    house.group(allowed={"organization": ["Group AG"], "subject_alternative_names.ip": []})
    made = csr(house.name(), o="Own GmbH")
    with pytest.raises(ClmError, match=r"allowed\.organization"):
        house.plan_enroll(**upload(house, pem(made)))


def test_another_csr_for_the_same_certificate_is_refused_with_both_fingerprints(house: Bench) -> None:
    """E7: never a second CSR for a request by accident."""
    first, second = csr(house.name()), csr(house.name(), key=ec.generate_private_key(ec.SECP256R1()))
    enroll(house, **upload(house, pem(first), submit=False))
    enroll(house, **upload(house, pem(first), manual_implementation=True))
    with pytest.raises(StateError) as caught:
        house.plan_enroll(**upload(house, pem(second)))
    for one in (first, second):
        assert hashlib.sha256(der(one)).hexdigest() in caught.value.message
    assert caught.value.code == "request_open" and caught.value.details["given"] != caught.value.details["stored"]


def test_key_of_another_certificate_is_told_and_one_of_cps_is_refused(bench: Bench) -> None:
    """E7, E9."""
    outcome: Any = bench.issued(common_name=bench.name())
    with pytest.raises(StateError, match="CPS made it for request") as caught:
        bench.plan_enroll(**upload(bench, outcome.record["csrs"]["RSA"], certificate="again"))
    assert caught.value.code == "csr_of_endpoint"
    enroll(bench, **upload(bench, pem(csr(bench.name("a")))))
    plan = bench.plan_enroll(**upload(bench, pem(csr(bench.name("b")))))
    [warning] = plan.extra["warnings"]
    assert f"the key of {bench.name('a')} too" in warning


@pytest.mark.parametrize("is_drafted", [False, True], ids=["at-once", "draft"])
def test_key_of_another_certificate_is_told_at_a_renewal_too(bench: Bench, is_drafted: bool) -> None:
    """E3, E7, E9: and one of CPS is refused, also where a draft gets another CSR."""
    outcome: Any = bench.issued()
    enroll(bench, **upload(bench, pem(csr(bench.name("a")))))
    fresh = [pem(csr(bench.name(), key=ec.generate_private_key(ec.SECP256R1()))) for _number in range(2)]
    enroll(bench, **upload(bench, fresh[0], certificate="mine"))
    again = upload(bench, certificate="mine", action="regenerate")
    if is_drafted:
        enroll(bench, **{**again, "csr": fresh[1]}, submit=False)
    of_cps = outcome.record["csrs"]["RSA"]
    with pytest.raises(StateError, match="CPS made it for request") as caught:
        bench.plan_enroll(**{**again, "csr": of_cps})
    assert caught.value.code == "csr_of_endpoint"
    plan = bench.plan_enroll(**{**again, "csr": pem(csr(bench.name()))})
    assert f"the key of {bench.name('a')} too" in " ".join(plan.extra["warnings"])


def test_a_draft_gets_no_csr_of_cps(bench: Bench) -> None:
    """E7, E9: the first request of a certificate, too."""
    outcome: Any = bench.issued()
    mine = upload(bench, certificate="mine")
    enroll(bench, **{**mine, "csr": pem(csr(bench.name("a")))}, submit=False)
    with pytest.raises(StateError, match="CPS made it for request"):
        bench.plan_enroll(**{**mine, "csr": outcome.record["csrs"]["RSA"]})


def test_renewing_needs_a_new_csr_or_the_wish_to_keep_the_key(house: Bench) -> None:
    """E3, E4, E7."""
    again = {"action": "renew", "force": True, "device": None, "certificate": house.name(), "common_name": None}
    enroll(house, **upload(house, pem(csr(house.name()))))
    with pytest.raises(InputError, match="a new CSR of a new key is needed") as caught:
        house.plan_enroll(**again)
    assert caught.value.code == "new_csr_needed"
    with pytest.raises(InputError, match="a new CSR of a new key"):
        house.plan_enroll(**{**again, "action": "regenerate", "reuse_key": True})
    kept = enroll(house, **again, reuse_key=True)
    assert kept.record["state"] == "issued"
    fresh = pem(csr(house.name(), key=ec.generate_private_key(ec.SECP256R1())))
    renewed = enroll(house, **{**again, "action": "regenerate"}, csr=fresh)
    assert list(renewed.record["fingerprints"]) == ["ECDSA"] and renewed.record["wish"]["csr"] == fresh


def test_a_key_that_is_elsewhere_cannot_be_kept_here(house: Bench) -> None:
    """E6, E7: reuse_key is refused where a renewal moves here from an uploaded CSR; a new key has to be asked for."""
    enroll(house, **upload(house, pem(csr(house.name(), o="Own GmbH", c="DE")), reuse_key=True))
    again = {"action": "renew", "force": True, "device": None, "certificate": house.name(), "common_name": None}
    moved = {**again, "csr_source": "local"}
    with pytest.raises(InputError, match="no RSA key is held here that could be used again; give reuse_key: false"):
        house.plan_enroll(**moved)
    done = enroll(house, **moved, reuse_key=False)
    assert done.record["state"] == "issued" and done.record["csr_source"] == "local"


def test_automatic_renewal_that_would_wait_for_a_csr_is_refused(house: Bench) -> None:
    """E3, E4, E7: unless the key stays, or keys are made here then."""
    text, on = pem(csr(house.name())), {"enabled": True, "days_before": 30}
    with pytest.raises(InputError, match="reuse_key: true") as caught:
        house.plan_enroll(**upload(house, text, auto_renew=on, auto_regenerate=on))
    assert "force_local_csr: true" in caught.value.message
    forced = {**on, "force_local_csr": True}
    assert house.plan_enroll(**upload(house, text, auto_renew=on, reuse_key=True, auto_regenerate=forced)).changed


def test_forced_regeneration_makes_the_key_here_whatever_it_was(house: Bench) -> None:
    """E4: at each automatic regeneration the CSR is made here."""
    on = {"enabled": True, "days_before": 30, "force_local_csr": True}
    first = enroll(house, **upload(house, pem(csr(house.name(), o="Own GmbH")), auto_regenerate=on))
    house.advance(75 * 86400)
    done = house.run_due()
    assert [one["kind"] for one in done["done"]] == ["renewals"], done
    with house.store.read() as unit:
        certificate: Any = unit.certificates.get(house.name())
        request: Any = unit.requests.get(certificate.request_id)
        held = unit.held_secrets.find(owner=request.request_id)
    assert request.request_id != first.record["request_id"] and request.csr_source == "local"
    assert request.state == "issued" and [one.name for one in held] == ["private_key/RSA"]
    assert "csr" not in request.wish and request.wish["organization"] == "Own GmbH"
    assert certificate.auto_regenerate["force_local_csr"] is True
