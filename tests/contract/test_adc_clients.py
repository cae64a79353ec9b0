# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second opinion on the fakes of controllers: clients that others wrote, and the shapes that the vendors published.

A fake that only our own code speaks to would agree with every mistake of ours.
"""

from __future__ import annotations

import base64
import json
import pathlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.tests.support import adc
from ansible_collections.edgecert.clm.tests.support.adc import SPEC, order
from ansible_collections.edgecert.clm.tests.support.fake_adc.bigip import FakeBigIp
from ansible_collections.edgecert.clm.tests.support.fake_adc.netscaler import FakeNetScaler

KEY = {"name": "theirs.key", "partition": "Common", "keyType": "rsa-private", "keySize": "2048"}
CSR = {"name": "theirs.csr", "partition": "Common", "key": "/Common/theirs.key", "commonName": "www.example.com"}
FULL = replace(SPEC, ip_addresses=("192.0.2.7",), emails=("a@example.com",), email="a@example.com")


def _string(least: int = 0, most: int = 10**6) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most}


def _one_of(*words: Any) -> dict[str, Any]:
    return {"enum": list(words)}


def _resource(noun: str, needed: list[str], members: Mapping[str, Any]) -> dict[str, Any]:
    inner = {"type": "object", "additionalProperties": False, "required": needed, "properties": dict(members)}
    return {"type": "object", "additionalProperties": False, "required": [noun], "properties": {noun: inner}}


_FILE, _FLAG = _string(1, 63), {"type": "boolean"}
_KEY_REST = {"keyform": _one_of("DER", "PEM"), "des": _FLAG, "des3": _FLAG, "password": _string(1, 31)}
# Written from the NITRO configuration pages of the resources, "Properties" and "create" (NetScaler 11.1 to 12), and
# from the resource structures of the vendor's Go client (adc-nitro-go), whose later members are among them.
PUBLISHED: Mapping[str, dict[str, Any]] = {
    "/nitro/v1/config/sslrsakey": _resource(
        "sslrsakey",
        ["keyfile", "bits"],
        {
            "keyfile": _FILE,
            "bits": {"type": "integer", "minimum": 512, "maximum": 4096},
            "exponent": _one_of("3", "F4"),
            "aes256": _FLAG,
            "pkcs8": _FLAG,
            **_KEY_REST,
        },
    ),
    "/nitro/v1/config/sslecdsakey": _resource(
        "sslecdsakey",
        ["keyfile", "curve"],
        {"keyfile": _FILE, "curve": _one_of("P_256", "P_384"), "aes256": _FLAG, "pkcs8": _FLAG, **_KEY_REST},
    ),
    "/nitro/v1/config/sslcertreq": _resource(
        "sslcertreq",
        ["reqfile", "countryname", "statename", "organizationname"],
        {
            "reqfile": _FILE,
            "keyfile": _FILE,
            "subjectaltname": _string(1),
            "fipskeyname": _string(1, 31),
            "keyform": _one_of("DER", "PEM"),
            "pempassphrase": _string(1, 31),
            "countryname": _string(2, 2),
            "statename": _string(1),
            "organizationname": _string(1),
            "organizationunitname": _string(1),
            "localityname": _string(1),
            "commonname": _string(1),
            "emailaddress": _string(1),
            "challengepassword": _string(4),
            "companyname": _string(1),
            "digestmethod": _one_of("SHA1", "SHA256"),
        },
    ),
    "/nitro/v1/config/login": _resource(
        "login",
        ["username", "password"],
        {"username": _string(1), "password": _string(1), "timeout": {"type": "integer", "minimum": 1}},
    ),
}


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


def test_bigrest_makes_and_lists_the_same_objects(f5: FakeBigIp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public SDK for iControl REST logs in, makes key and CSR, and sees ours."""
    client = pytest.importorskip("bigrest.bigip", reason="the Python package bigrest is not installed")
    # Its login takes no notice of session_verify.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", f5.ca_path)
    options = f5.options
    device = client.BIGIP(f5.host, options.user, options.password, request_token=True, session_verify=f5.ca_path)
    assert device.create("/mgmt/tm/sys/crypto/key", KEY).properties["keyType"] == "rsa-private"
    device.create("/mgmt/tm/sys/crypto/csr", CSR)
    reference = adc.connect("f5_bigip", f5).begin(order())
    (ours,) = reference["keys"]
    names = {item.properties["name"] for item in device.load("/mgmt/tm/sys/file/ssl-key")}
    assert names == {"theirs.key", ours["label"]}
    shell = {"command": "run", "utilCmdArgs": f"-c 'tmsh list sys crypto csr /Common/{ours['csr']}'"}
    assert reference["csrs"]["RSA"].strip() in device.command("/mgmt/tm/util/bash", shell)
    device.delete("/mgmt/tm/sys/file/ssl-csr/~Common~theirs.csr")
    assert [name for _partition, name in f5.csrs] == [ours["csr"]]
    by_hand = adc.connect("f5_bigip", f5).begin(order(name="theirs", reuse=True))
    assert by_hand["keys"][0]["label"] == "theirs.key"
    with pytest.raises(Exception, match="409"):
        device.create("/mgmt/tm/sys/crypto/key", KEY)


def test_the_vendors_session_reads_the_same_objects(f5: FakeBigIp) -> None:
    """F5's own client builds the URLs of objects, asks for its token by itself, and reads errors."""
    client = pytest.importorskip("icontrol.session", reason="the Python package f5-icontrol-rest is not installed")
    (ours,) = adc.connect("f5_bigip", f5).begin(order())["keys"]
    session = client.iControlRESTSession(f5.options.user, f5.options.password, token=True, verify=f5.ca_path)
    base = f"https://{f5.host}/mgmt/tm/sys/"
    found = session.get(base + "file/ssl-key/", name=ours["label"], partition="Common", uri_as_parts=True).json()
    assert (found["fullPath"], found["keySize"]) == (f"/Common/{ours['label']}", 2048)
    assert session.get(base + "crypto/csr/", name=ours["csr"], partition="Common", uri_as_parts=True).ok
    refused = pytest.importorskip("icontrol.exceptions").iControlUnexpectedHTTPError
    with pytest.raises(refused, match="404") as raised:
        session.get(base + "crypto/key/", name="none.key", partition="Common", uri_as_parts=True)
    assert raised.value.response.json()["errorStack"] == []


def test_a_monitoring_client_reads_the_same_files(ns: FakeNetScaler, monkeypatch: pytest.MonkeyPatch) -> None:
    """A NITRO client that is in use logs in, reads version, role and files, and understands the errors."""
    client = pytest.importorskip("check_netscaler.client", reason="the Python package check-netscaler is not installed")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ns.ca_path)
    reference = adc.connect("netscaler", ns).begin(order())
    (ours,) = reference["keys"]
    nitro = client.NITROClient("localhost", ns.options.user, ns.options.password, port=ns.port)
    nitro.login()
    assert "NS14.1" in json.dumps(nitro.get("nsversion", endpoint="config"))
    assert nitro.get("hanode")["hanode"]["hacurmasterstate"] == "Primary"
    folder = "filelocation:%2Fnsconfig%2Fssl"
    listed = nitro.get("systemfile", endpoint="config", url_options=f"args={folder}")["systemfile"]
    assert {item["filename"] for item in listed} == {ours["label"], ours["csr"]}
    assert not [item for item in listed if "filecontent" in item]
    named = f"args=filename:{ours['csr']},{folder}"
    (file,) = nitro.get("systemfile", endpoint="config", url_options=named)["systemfile"]
    assert base64.b64decode(file["filecontent"]).decode() == reference["csrs"]["RSA"]
    with pytest.raises(client.NITROResourceNotFoundError):
        nitro.get("systemfile", endpoint="config", url_options=f"args=filename:none.csr,{folder}")
    nitro.logout()
    assert ns.sessions == set()
    with pytest.raises(client.NITROAuthenticationError):
        client.NITROClient("localhost", ns.options.user, "wrong", port=ns.port).login()


def test_what_is_sent_to_a_netscaler_fits_the_published_resources(ns: FakeNetScaler) -> None:
    """Every member by its name, kind, length and choices; each mandatory one is there."""
    validator = pytest.importorskip("jsonschema", reason="the Python package jsonschema is not installed")
    keys = adc.connect("netscaler", ns)
    keys.begin(order(FULL, challenge_password=Secret("Chall-Enge-1")))
    keys.begin(order(replace(SPEC, key_type="ec"), request_id="req-2"))
    sent = {one.path: one for one in ns.log if one.method == "POST" and one.path in PUBLISHED}
    assert set(sent) == set(PUBLISHED)
    for path, one in sent.items():
        validator.validate(one.body, PUBLISHED[path])
        assert one.raw_query == ("" if path.endswith("login") else "action=create")


@pytest.mark.parametrize("path", sorted(PUBLISHED))
def test_the_fake_refuses_what_the_published_resources_do_not_have(ns: FakeNetScaler, path: str) -> None:
    """An unknown member, and each mandatory one left out."""
    noun = path.rpartition("/")[2]
    goods: dict[str, dict[str, Any]] = {
        "sslrsakey": {"keyfile": "a.key", "bits": 2048},
        "sslecdsakey": {"keyfile": "b.key", "curve": "P_256"},
        "sslcertreq": {"reqfile": "a.csr", "countryname": "US", "statename": "MA", "organizationname": "X"},
        "login": {"username": ns.options.user, "password": ns.options.password},
    }
    good = goods[noun]
    bodies = [{**good, "colour": "red"}]
    bodies += [
        {name: value for name, value in good.items() if name != left}
        for left in PUBLISHED[path]["properties"][noun]["required"]
    ]
    ns.sessions.add("##S")
    for body in bodies:
        assert _post(ns, path, {noun: body})["errorcode"] != 0
    assert ns.files == {}


def _post(ns: FakeNetScaler, path: str, body: Any) -> Any:
    import requests

    url = f"https://{ns.host}{path}" + ("" if path.endswith("login") else "?action=create")
    headers = {"Cookie": "NITRO_AUTH_TOKEN=##S"}
    return requests.post(url, json=body, headers=headers, verify=ns.ca_path, timeout=10).json()
