# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is particular to Vault and OpenBao, against a real OpenBao: auth methods, roles that ignore orders, rights."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.vault_pki import VaultPkiType
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import AuthError, InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, make_csr
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script
from ansible_collections.edgecert.clm.tests.support.openbao import OpenBao, running

SPEC = CsrSpec("www.example.com", ("www.example.com",))


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running(tmp_path_factory.mktemp("bao")) as made:
        yield made


def connect(bao: OpenBao, method: str = "token", script: Script | None = None, **changes: Any) -> CaConnector:
    """Give a connector that logs in by a method."""
    own, secrets = bao.credentials[method]
    kind = VaultPkiType(Tools(SystemClock(), (script or Script()).over(RequestsTransport)))
    given = {**secrets, **changes.pop("secrets", {})}
    options, sealed = kind.prepare("lab", bao.options(**{**own, **changes}), given, StoredAccount())
    return kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})


def order(**changes: Any) -> Order:
    return replace(Order(SPEC, 90, "intent", SystemClock().now()), **changes)


def signed(connector: CaConnector, wanted: Order | None = None, csr: str = "") -> Issued:
    """Have something signed."""
    answer = connector.submit(wanted or order(), csr or make_csr(KEYS["p256"](), names=SPEC.dns_names))
    assert isinstance(answer, Issued), answer
    return answer


@pytest.mark.parametrize("method", ["token", "approle", "userpass", "cert", "jwt"])
def test_each_auth_method_signs(bao: OpenBao, method: str) -> None:
    """C rows, ca-connectors §4.2: against the real server."""
    connector = connect(bao, method)
    assert all(check.passed for check in connector.test())
    assert signed(connector).bundle.root


def test_a_pod_logs_in_with_the_token_of_its_service_account(bao: OpenBao, tmp_path: pathlib.Path) -> None:
    """The method kubernetes sends what jwt sends, out of the file that Kubernetes renews."""
    token = tmp_path / "token"
    token.write_text(bao.credentials["jwt"][1]["jwt"] + "\n")
    bao.credentials["pod"] = ({"auth_method": "kubernetes", "auth_mount": "jwt", "auth_role": "clm"}, {})
    assert signed(connect(bao, "pod", jwt_path=str(token)))
    with pytest.raises(InputError, match="no-such-file"):
        connect(bao, "pod", jwt_path=str(tmp_path / "no-such-file")).choices("role")


def test_a_token_that_ended_is_replaced_by_another_login(bao: OpenBao) -> None:
    """ca-connectors §4.2: log in again on 403."""
    script = Script()
    connector = connect(bao, "approle", script)
    signed(connector)
    token = next(one.headers["X-Vault-Token"] for one in script.sent if "X-Vault-Token" in one.headers)
    bao.call("POST", "auth/token/revoke", {"token": token})
    signed(connector)
    assert sum("login" in one.path for one in script.sent) == 2


def test_a_role_that_ignores_names_and_lifetime_says_so_and_it_is_passed_on(bao: OpenBao) -> None:
    """ca-connectors §4.2: HTTP 200 with the CSR's names, and only a line in the warnings."""
    connector = connect(bao, role="from-csr")
    answer = signed(connector, order(spec=replace(SPEC, dns_names=("www.example.com", "other.example.com"))))
    assert certificate_facts(answer.bundle.leaf).sans.dns == ("www.example.com",)
    assert any("alt_names" in note for note in answer.notes), answer.notes
    cut = signed(connect(bao, role="short"))
    facts = certificate_facts(cut.bundle.leaf)
    assert facts.not_after - facts.not_before < timedelta(days=11) and cut.notes


def test_names_of_all_kinds_reach_the_certificate(bao: OpenBao) -> None:
    """E13."""
    spec = replace(
        SPEC, ip_addresses=("192.0.2.1", "2001:db8::1"), emails=("a@example.com",), uris=("https://e.com/x",)
    )
    sans = certificate_facts(signed(connect(bao), order(spec=spec)).bundle.leaf).sans
    assert (sans.dns, sans.emails, sans.uris) == (("www.example.com",), ("a@example.com",), ("https://e.com/x",))
    assert set(sans.ips) == {"192.0.2.1", "2001:db8::1"}


@pytest.mark.parametrize(
    "options", [{"lifetime_as": "not_after"}, {"issuer": "issuing"}, {"sign": "verbatim", "role": ""}]
)
def test_ways_to_sign(bao: OpenBao, options: dict[str, Any]) -> None:
    """ca-connectors §4.2: by the end of the life, by a chosen issuer, verbatim."""
    facts = certificate_facts(signed(connect(bao, **options)).bundle.leaf)
    assert abs(facts.not_after - SystemClock().now() - timedelta(days=90)) < timedelta(hours=1)


def test_a_name_that_the_role_does_not_allow_is_a_refusal_in_its_words(bao: OpenBao) -> None:
    """The order is rejected; the account is not at fault."""
    answer = connect(bao, role="narrow").submit(order(), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Rejected) and "not allowed by this role" in answer.reason


def test_a_token_that_may_only_sign_does_so_and_may_not_list(bao: OpenBao) -> None:
    """ca-connectors §4.2: 403 on the list says "not permitted", and is no fault of the account."""
    connector = connect(bao, "sign-only")
    with pytest.raises(AuthError, match="list the roles"):
        connector.choices("role")
    assert list(connector.validate(order(options={"role": "web"}))) == []
    assert signed(connector) and all(check.passed for check in connector.test())
    failed = [check for check in connect(bao, "sign-only", role="short").test() if not check.passed]
    assert [check.name for check in failed] == ["may sign"] and "grant update" in failed[0].detail


def test_an_unknown_role_and_issuer_list_those_there_are(bao: OpenBao) -> None:
    """E5."""
    problems = connect(bao).validate(order(options={"role": "nope", "issuer": "nobody"}))
    assert len(problems) == 2
    assert "from-csr, narrow, short, web" in problems[0] and "issuing" in problems[1]


@pytest.mark.parametrize(
    ("options", "secrets", "words"),
    [
        ({"url": "http://vault.example.com"}, {}, "begins with https://"),
        ({"url": "https://user:pw@vault.example.com"}, {}, "credentials belong among the secrets"),
        ({"auth_method": "approle"}, {}, "role_id is missing; auth_method approle needs it"),
        ({"auth_method": "magic"}, {}, "there are token, approle"),
        ({"timeout_s": "soon"}, {}, "timeout_s is 'soon'"),
        ({"proxy": "http://me:pw@proxy:3128"}, {}, "proxy_login among the secrets"),
        ({"token": "t"}, {}, "token is a secret"),
        ({}, {"client_pfx": "bm8="}, "client_pfx cannot be read"),
        ({"client_certificate": "x"}, {}, "client_key among the secrets is missing"),
    ],
)
def test_bad_options_are_told_with_what_would_do(options: dict[str, Any], secrets: dict[str, str], words: str) -> None:
    """Bad input: before any traffic."""
    kind = VaultPkiType(Tools(SystemClock(), RequestsTransport))
    wanted = {"url": "https://vault.example.com:8200", **options}
    with pytest.raises(InputError) as caught:
        kind.prepare("lab", wanted, {"token": "t", **secrets}, StoredAccount())
    assert words in caught.value.message and "me:pw" not in caught.value.message.replace("proxy_login", "")
