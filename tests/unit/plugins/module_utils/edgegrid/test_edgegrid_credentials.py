# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where credentials come from, in which order, and what is said when they cannot be used."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._edgegrid.auth import edgegrid_auth
from ansible_collections.edgecert.clm.plugins.module_utils._edgegrid.credentials import (
    CredentialOptions,
    Credentials,
    resolve,
)

GIVEN = CredentialOptions("opt.example.com", "opt-ct", Secret("opt-secret"), "opt-at")
FILE = """
[default]
host = file.example.com
client_token = file-ct
client_secret = "a=b%c=="
access_token = file-at
max-body = 2048

[Team]
host: team.example.com
client_token = team-ct
client_secret = team-secret
access_token = team-at
account_key = 1-ABC:1-2RBL
max_body = 4096

[half]
host = half.example.com
client_token = half-ct

[url]
host = https://url.example.com/
client_token = url-ct
client_secret = url-secret
access_token = url-at
"""
VARIABLES = {
    "HOME": "/home/ann",
    "AKAMAI_HOST": "env.example.com",
    "AKAMAI_CLIENT_TOKEN": "env-ct",
    "AKAMAI_CLIENT_SECRET": "env-secret",
    "AKAMAI_ACCESS_TOKEN": "env-at",
    "AKAMAI_MY_TEAM_HOST": "env-team.example.com",
    "AKAMAI_MY_TEAM_CLIENT_TOKEN": "env-team-ct",
    "AKAMAI_MY_TEAM_CLIENT_SECRET": "env-team-secret",
    "AKAMAI_MY_TEAM_ACCESS_TOKEN": "env-team-at",
    "AKAMAI_MY_TEAM_ACCOUNT_KEY": "1-TEAM",
}
HOME = {"HOME": "/home/ann"}


def files(**contents: str) -> Callable[[str], str]:
    known = {"/home/ann/.edgerc": contents.get("home"), "/etc/rc": contents.get("rc")}

    def read(path: str) -> str:
        text = known.get(path)
        if text is None:
            raise FileNotFoundError(2, "No such file or directory")
        return text

    return read


BOTH = files(home=FILE, rc=FILE)


@pytest.mark.parametrize(
    ("options", "environment", "token", "source"),
    [
        (dataclasses.replace(GIVEN, edgerc="/etc/rc"), VARIABLES, "opt-ct", "options"),
        (CredentialOptions(edgerc="/etc/rc", section="Team"), VARIABLES, "team-ct", "/etc/rc [Team]"),
        (CredentialOptions(edgerc="/etc/rc"), VARIABLES, "file-ct", "/etc/rc [default]"),
        (CredentialOptions(edgerc="~/.edgerc"), VARIABLES, "file-ct", "~/.edgerc [default]"),
        (CredentialOptions(), VARIABLES, "env-ct", "environment"),
        (CredentialOptions(section="my-team"), VARIABLES, "env-team-ct", "environment"),
        (CredentialOptions(section="Team"), VARIABLES, "team-ct", "~/.edgerc [Team]"),
        (CredentialOptions(), HOME, "file-ct", "~/.edgerc [default]"),
        (CredentialOptions(), {**HOME, "AKAMAI_EDGERC_SECTION": "Team"}, "team-ct", "~/.edgerc [Team]"),
        (CredentialOptions(), {"AKAMAI_EDGERC": "/etc/rc"}, "file-ct", "/etc/rc [default]"),
    ],
)
def test_first_source_in_the_order_is_used(
    options: CredentialOptions, environment: Mapping[str, str], token: str, source: str
) -> None:
    """D6"""
    found = resolve(options, environment, BOTH)
    assert (found.client_token, found.source) == (token, source)


def test_file_values_keep_their_signs_and_lose_their_quotes() -> None:
    found = resolve(CredentialOptions(edgerc="/etc/rc"), {}, BOTH)
    assert found.client_secret.reveal() == "a=b%c==" and found.max_body == 2048
    team = resolve(CredentialOptions(edgerc="/etc/rc", section="Team"), {}, BOTH)
    assert (team.max_body, team.account_switch_key, team.host) == (4096, "1-ABC:1-2RBL", "team.example.com")


def test_host_and_switch_key_given_hold_over_those_of_the_file() -> None:
    options = CredentialOptions(host="127.0.0.1:8443", account_switch_key="1-X", edgerc="/etc/rc", section="Team")
    found = resolve(options, {}, BOTH)
    assert (found.host, found.account_switch_key, found.client_token) == ("127.0.0.1:8443", "1-X", "team-ct")


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        (CredentialOptions(edgerc="/etc/none"), {}, "no such file; check edgerc"),
        (
            CredentialOptions(edgerc="/etc/rc", section="x"),
            {},
            r"no section \[x\]; its sections are: default, Team, half",
        ),
        (CredentialOptions(edgerc="/etc/rc", section="half"), {}, "has no client_secret, no access_token"),
        (CredentialOptions(edgerc="/etc/rc", section="url"), {}, "host .*it has a scheme"),
        (CredentialOptions(client_token="ct", host="a.example.com"), {}, "came without client_secret and access_token"),
        (dataclasses.replace(GIVEN, host=""), {}, "host is missing"),
        (dataclasses.replace(GIVEN, host="a.example.com/"), {}, "slash"),
        (dataclasses.replace(GIVEN, access_token="a b"), {}, "access_token has a blank"),
        (CredentialOptions(), {"AKAMAI_HOST": "a.example.com"}, "AKAMAI_CLIENT_TOKEN, AKAMAI_CLIENT_SECRET"),
        (CredentialOptions(), {}, "No credentials: .*AKAMAI_HOST.*~/.edgerc"),
        (CredentialOptions(section="ops"), {}, "AKAMAI_OPS_HOST"),
        (CredentialOptions(), {**VARIABLES, "AKAMAI_MAX_BODY": "big"}, "max_body is 'big'"),
    ],
)
def test_unusable_credentials_are_refused_with_what_to_do(
    options: CredentialOptions, environment: Mapping[str, str], words: str
) -> None:
    """D6"""
    with pytest.raises(InputError, match=words):
        resolve(options, environment, files(rc=FILE))


@pytest.mark.parametrize(
    "text",
    [
        "client_secret = geheim\n",
        "[default]\nhost = a.example.com\ngeheim\n",
        "[default]\nclient_secret = geheim\nclient_secret = geheim\n",
        "[default]\na = geheim\n[default]\n",
    ],
)
def test_broken_file_is_told_by_line_and_never_by_content(text: str) -> None:
    with pytest.raises(InputError, match="line [0-9]+ is not as expected") as caught:
        resolve(CredentialOptions(edgerc="/etc/rc"), {}, files(rc=text))
    assert "geheim" not in caught.value.message and caught.value.__cause__ is None


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1).filter(lambda text: text[0] not in "\"'")
)
def test_any_secret_in_a_file_is_read_as_it_stands(secret: str) -> None:
    text = f"[default]\nhost=a.example.com\nclient_token=ct\nclient_secret={secret}\naccess_token=at\n"
    assert resolve(CredentialOptions(edgerc="/etc/rc"), {}, files(rc=text)).client_secret.reveal() == secret


def test_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rc"
    path.write_text(FILE.strip(), encoding="utf-8-sig")
    assert resolve(CredentialOptions(edgerc=str(path)), {}).client_token == "file-ct"


def test_tokens_are_in_no_text_of_the_records() -> None:
    found = resolve(GIVEN, {}, BOTH)
    for shown in (repr(GIVEN), repr(found), str(found), f"{found}"):
        assert "opt.example.com" in shown
        assert not any(token in shown for token in ("opt-ct", "opt-secret", "opt-at"))


def test_signing_logs_no_secret_and_no_body(caplog: pytest.LogCaptureFixture) -> None:
    import requests

    auth = edgegrid_auth(Credentials("a.example.com", "akab-ct", Secret("geheim"), "akab-at", max_body=4))
    with caplog.at_level(logging.DEBUG):
        prepared = requests.Request("POST", "https://a.example.com/x", data=b"body-text", auth=auth).prepare()
    assert prepared.headers["Authorization"].startswith("EG1-HMAC-SHA256 client_token=akab-ct;")
    assert caplog.text == "" and auth.ah.max_body == 4
