# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof by handshakes against real TLS servers: the sandbox's edges after a renewal, and wrong servers."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from edgecert_sandbox.handle import SandboxOptions, start

from ansible_collections.edgecert.clm.plugins.module_utils._clm import completion, orders, proof
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_edges import AkamaiEdges
from ansible_collections.edgecert.clm.plugins.module_utils._target.edge_base import Presented
from ansible_collections.edgecert.clm.plugins.module_utils._target.resolver import SystemResolver
from ansible_collections.edgecert.clm.tests.support.flow import ENGINE, Account, Bench, FlowClock, contract_names


@dataclass
class Site:
    """Edges of which staging serves the new certificates of a name, and production the ones before."""

    bench: Bench
    question: proof.Question

    def ask(self, *addresses: str, timeout_s: float = 5.0, **changes: Any) -> tuple[list[str], proof.Evidence]:
        """Ask edges once; what is not proved, and what is."""
        question = replace(self.question, edges={"staging": list(addresses)}, **changes)
        prover = proof.Prover(question, AkamaiEdges(timeout_s), SystemClock())
        return prover.look(), prover.evidence


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    names = contract_names(1)
    with start(SandboxOptions(limits=False, contracts=names)) as sandbox:
        sandbox.configure(ENGINE)
        bench = Bench(Account(sandbox, names, FlowClock(sandbox)), tmp_path_factory.mktemp("site"))
        bench.issued(dual_stack=True, validity={"count": 47, "unit": "days"})
        assert (bench.push(network="production").record or {})["state"] == "completed"
        bench.advance(20 * 86_400)
        bench.enroll(action="renew", force=True)
        record = bench.push().record
        assert record is not None and record["state"] == "completed"
        with bench.store.read() as unit:
            order = orders.stored(unit, record["work_order_id"])
        deployer = orders.deployer_of(order, bench.ports, wait_s=0.0)
        yield Site(bench, completion._question(deployer, "staging"))
        bench.close()


def test_each_kind_of_client_is_shown_its_new_certificate_with_its_chain(site: Site) -> None:
    """U6: RSA and ECDSA, each proved by a handshake of its own."""
    missing, evidence = site.ask(site.bench.sandbox.edge("staging"))
    assert missing == []
    assert {entry["key_algorithm"]: entry["fingerprint"] for entry in evidence} == {
        name: expected.fingerprint for name, expected in site.question.expected.items()
    }
    assert {entry["chain"] for entry in evidence} == {"complete"} and len(evidence) == 2
    assert all(expected.chain for expected in site.question.expected.values())


def test_an_edge_with_the_certificate_before_is_told_as_such_for_each_kind(site: Site) -> None:
    """U6: not the old one."""
    missing, evidence = site.ask(site.bench.sandbox.edge("production"), site.bench.sandbox.edge("staging"))
    assert len(missing) == 2 and all(", the certificate before, for " in text for text in missing)
    assert all(text.startswith(site.bench.sandbox.edge("production")) for text in missing)
    assert {entry["address"] for entry in evidence} == {site.bench.sandbox.edge("staging")}


def test_a_name_that_is_not_deployed_is_told_with_what_was_presented(site: Site) -> None:
    """U6: the error says which name at which address served what."""
    edge = site.bench.sandbox.edge("staging")
    missing, evidence = site.ask(edge, sans=("other.example.com", *site.question.sans))
    assert len(missing) == 2
    ecdsa = site.question.expected["ECDSA"].fingerprint
    assert any(
        "(CN=not deployed here" in text and f"for other.example.com, {ecdsa} was pushed" in text for text in missing
    )
    # The sandbox's default certificate is an ECDSA one alone.
    where = f"{edge.replace(':', ' port ')} for other.example.com (RSA)"
    assert any(where in text and "no certificate of this kind" in text for text in missing)
    assert {tuple(entry["names"]) for entry in evidence} == {site.question.sans}


def test_what_is_proved_is_not_asked_again_and_what_is_not_is(site: Site) -> None:
    """U6: retried while the edge propagates."""
    edge = site.bench.sandbox.edge("staging")
    asked: list[str] = []

    class Counting(AkamaiEdges):
        def presented(self, address: str, server_name: str, key_algorithm: str) -> Presented:
            asked.append(server_name)
            return super().presented(address, server_name, key_algorithm)

    question = replace(site.question, edges={"staging": [edge]}, sans=(*site.question.sans, "other.example.com"))
    prover = proof.Prover(question, Counting(5.0), SystemClock())
    first = prover.look()
    before = len(asked)
    assert prover.look() == first and set(asked[before:]) == {"other.example.com"} and before == 4


def test_an_edge_that_never_answers_is_tried_once_and_not_for_every_name(site: Site) -> None:
    """U6: a timeout is no proof, and does not hold up the others."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = f"127.0.0.1:{listener.getsockname()[1]}"
        sans = (*site.question.sans, *(f"n{number}.example.com" for number in range(20)))
        missing, evidence = site.ask(silent, timeout_s=0.3, sans=sans)
    assert evidence == [] and len(missing) == 1 and "took too long" in missing[0] and silent.split(":")[1] in missing[0]


def test_a_long_list_of_troubles_is_cut(site: Site) -> None:
    addresses = [f"127.0.0.1:{port}" for port in range(1, 16)]
    missing, _evidence = site.ask(*addresses)
    assert len(missing) == 11 and missing[-1] == "and 5 more"


# -- servers that get it wrong -----------------------------------------------------------------------------------------

NAME = "www.example.com"


@dataclass
class Chain:
    """A leaf and its intermediate, and servers that present them."""

    folder: pathlib.Path
    stack: contextlib.ExitStack
    leaf: x509.Certificate
    issuer: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def serve(self, *certificates: x509.Certificate) -> str:
        """Present just these; give the address."""
        path = self.folder / "served.pem"
        encoding = serialization.Encoding.PEM
        private = self.key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(private + b"".join(one.public_bytes(encoding) for one in certificates))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        listener = self.stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    plain, _peer = listener.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as secured:
                        secured.recv(1)

        threading.Thread(target=answer, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    def question(self, *addresses: str) -> proof.Question:
        """Ask for the leaf with its intermediate."""
        digest = [one.fingerprint(hashes.SHA256()).hex() for one in (self.leaf, self.issuer)]
        return proof.Question(
            "staging", {"staging": list(addresses)}, (NAME,), {"ECDSA": proof.Expected(digest[0], (digest[1],))}
        )


def signed(name: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    begin = datetime.now(timezone.utc) - timedelta(days=1)
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, issuer)]
    builder = x509.CertificateBuilder().subject_name(names[0]).issuer_name(names[1]).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begin)
    return builder.not_valid_after(begin + timedelta(days=9)).sign(by, hashes.SHA256())


@pytest.fixture
def chain(tmp_path: pathlib.Path) -> Iterator[Chain]:
    root, middle, key = (ec.generate_private_key(ec.SECP256R1()) for _one in range(3))
    with contextlib.ExitStack() as stack:
        yield Chain(tmp_path, stack, signed(NAME, key, "Issuing", middle), signed("Issuing", middle, "Root", root), key)


def test_a_leaf_without_its_chain_is_no_proof(chain: Chain) -> None:
    """U6: clients that do not have the intermediate would refuse it."""
    bare, whole = chain.serve(chain.leaf), chain.serve(chain.leaf, chain.issuer)
    prover = proof.Prover(chain.question(bare, whole), AkamaiEdges(5.0), SystemClock())
    [missing] = prover.look()
    digest = chain.issuer.fingerprint(hashes.SHA256()).hex()
    assert missing == f"{bare} presents the ECDSA certificate with an incomplete chain for {NAME}, {digest} is missing"
    assert [entry["address"] for entry in prover.evidence] == [whole]


def test_where_python_cannot_see_the_chain_the_evidence_says_so(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """U6: the leaf is proved, and no more is claimed."""
    prover = proof.Prover(chain.question(chain.serve(chain.leaf)), AkamaiEdges(5.0), SystemClock())
    monkeypatch.setattr(
        "ansible_collections.edgecert.clm.plugins.module_utils._target.edge._chain", lambda _secured: None
    )
    assert prover.look() == []
    assert [entry["chain"] for entry in prover.evidence] == ["not_told"]


def test_the_system_s_resolver_knows_localhost_and_no_name_that_cannot_be() -> None:
    """U6: looked up when it is asked; what is not there is an error, never an empty answer."""
    found = SystemResolver().lookup("localhost", "ipv4")
    assert found.addresses == ("127.0.0.1",)
    with pytest.raises(TransportError) as caught:
        SystemResolver().lookup("no-such-host.invalid", "all")
    assert caught.value.kind == "resolve" and "no-such-host.invalid" in caught.value.message


@pytest.mark.parametrize(
    ("host", "staging", "production"),
    [
        ("www.example.com.edgekey.net", "www.example.com.edgekey-staging.net", "www.example.com.edgekey.net"),
        ("a.edgesuite-staging.net", "a.edgesuite-staging.net", "a.edgesuite.net"),
        ("A.AkamaiZed.net:8443", "a.akamaized-staging.net:8443", "a.akamaized.net:8443"),
        ("e1.dscb.akamaiedge.net", "e1.dscb.akamaiedge-staging.net", "e1.dscb.akamaiedge.net"),
    ],
)
def test_an_edge_hostname_has_a_form_for_each_network(host: str, staging: str, production: str) -> None:
    """U6: ``-staging`` before the last ``.net``."""
    edges = AkamaiEdges()
    assert edges.host_reasons(host) == []
    assert (edges.host_of(host, "staging"), edges.host_of(host, "production")) == (staging, production)


@pytest.mark.parametrize(
    "host", ["www.example.com", "edgekey.net", "x.notedgekey.net", "x.edgekey.net.example.com", "192.0.2.1"]
)
def test_what_only_looks_like_an_edge_hostname_is_none(host: str) -> None:
    """U6."""
    assert AkamaiEdges().host_reasons(host)
