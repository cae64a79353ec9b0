# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret leaves a run (design §8): all that a loud one wrote is searched, with its database and the process list."""

from __future__ import annotations

import base64
import configparser
import contextlib
import json
import pathlib
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping

import pytest
from edgecert_sandbox.handle import Handle

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.integration.conftest import STORE_KEY, variables
from ansible_collections.edgecert.clm.tests.support import postgres
from ansible_collections.edgecert.clm.tests.support.ladder import key_pem, new_key
from ansible_collections.edgecert.clm.tests.support.playbooks import run_playbook

PLAYBOOK = pathlib.Path(__file__).resolve().parent / "playbooks" / "secrets.yml"
PROXY_PASSWORD = "hush-7d1f-proxy-word"
WRONG_SECRET = "hush-2c9a-wrong-secret-of-the-client"
CHALLENGE, WRONG_CHALLENGE = "Hush-8b4d-challenge-Word", "Hush-1e7c-another-Challenge"
PASSPHRASE = "hush-6f2a-passphrase of a file"
ENVIRONMENT_TOKEN = "hush-5e3b-token-of-the-environment"
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.+?)-----END", re.DOTALL)


def forms(secret: str) -> set[bytes]:
    """Give a secret as it may be written: as it is, quoted, in base64 at each of three offsets, in hex."""
    raw = secret.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(), raw.replace(b"\n", b"\\n")}
    for offset in range(3):
        # The first and last characters depend on what stands beside it.
        text = base64.b64encode(b"\0" * offset + raw).rstrip(b"=")
        found.add(text[4 if offset else 0 : -2])
    return {form for form in found if len(form) >= 8}


def key_secrets(text: str) -> set[str]:
    """Give what must not be found of a PEM private key: every whole line of its body."""
    bodies = PRIVATE_KEY.findall(text)
    assert bodies, "no private key was handed in"
    return {line for body in bodies for line in body.split() if len(line) >= 32}


def leaks(written: Mapping[str, bytes], secrets: Mapping[str, str]) -> list[str]:
    """Name each secret that stands somewhere, and where; never the secret."""
    return [
        f"{name} in {place}"
        for name, secret in secrets.items()
        for place, content in written.items()
        if any(form in content for form in forms(secret))
    ]


class ProcessList:
    """Reads the command lines of all processes again and again while a block runs."""

    def __init__(self) -> None:
        self.lines: set[bytes] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.lines.add(path.read_bytes())

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watch while the block runs."""
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join()


def dump(store: Mapping[str, str]) -> dict[str, bytes]:
    """Give a plain dump of a PostgreSQL store, as its administrator would make one; nothing for SQLite."""
    if not store["store"].startswith("postgresql"):
        return {}
    tool = postgres.server_binaries() / "pg_dump"
    done = subprocess.run([tool, "--dbname", store["store"]], capture_output=True, check=True)
    assert b"client_secret" in done.stdout
    return {"the dump of the database": done.stdout}


def private_keys(store: Mapping[str, str]) -> set[str]:
    """Open the store with its key and give what its CA's keys hold."""
    key = Secret(store["store_key"]) if "store_key" in store else None
    opened = open_store(store["store"], StoreKey(key), SystemClock(), "the test")
    with contextlib.closing(opened), opened.read() as unit:
        accounts = unit.ca_accounts.find()
        assert len(accounts) == 1 and accounts[0].secrets is not None
        texts = json.loads(accounts[0].secrets.reveal())
    keys = [text for text in texts.values() if "PRIVATE KEY" in text]
    assert len(keys) == 2
    return {line for text in keys for line in key_secrets(text)}


def held_secrets(store: Mapping[str, str]) -> dict[str, set[str]]:
    """Open the store with its key and give the lines of what requests hold: keys, and CSRs that bear a password.

    Of a CSR only the lines count that the one shown without the password has not.
    """
    key = Secret(store["store_key"]) if "store_key" in store else None
    opened = open_store(store["store"], StoreKey(key), SystemClock(), "the test")
    with contextlib.closing(opened), opened.read() as unit:
        held = unit.held_secrets.find()
        texts = {f"{one.name} of {one.owner}": one.value.reveal() for one in held if one.value}
        shown = {line for one in unit.requests.find() for pem in one.csrs.values() for line in pem.split()}
    kinds = {one.name for one in held}
    assert kinds == {"private_key/RSA", "private_key/ECDSA", "csr/RSA", "csr/ECDSA", "challenge_password"}
    return {
        name: {line for line in text.split() if len(line) >= 32 and "-" not in line} - shown
        for name, text in texts.items()
        if not name.startswith("challenge")
    }


def files_under(folder: pathlib.Path) -> dict[str, bytes]:
    """Read every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_loud_run_writes_no_secret(sandbox: Handle, store: dict[str, str], tmp_path: pathlib.Path) -> None:
    """D3, E19, A4, design §8: -vvv, --diff, credentials inline, a proxy with a password, attached keys, scripts that
    print what they should not, failing calls, both back ends."""
    contract = "C-T38" if store["store"].startswith("sqlite") else "C-T37"
    assert found_in_a_run(sandbox, store, tmp_path, contract) == []


def test_a_secret_planted_in_a_run_is_found(sandbox: Handle, tmp_path: pathlib.Path) -> None:
    """The search is proved on a run that prints a secret and hands another over on a command line."""
    found = found_in_a_run(sandbox, {"store": f"sqlite:///{tmp_path}/clm.db"}, tmp_path, "C-T36", plant=True)
    for place in ("stdout", "results", "ansible.log"):
        assert f"client_secret in {place}" in found
    assert "proxy password in the process list" in found


def script(folder: pathlib.Path, secret: str, pem: str) -> pathlib.Path:
    """Write a script that prints a credential of the device, a variable of the module's environment, and a key."""
    path = folder / "loud-script"
    lines = ("#!/bin/sh", f"echo {secret}", f"echo {ENVIRONMENT_TOKEN}", "cat <<'KEY'", f"{pem}KEY", "")
    path.write_text("\n".join(lines), encoding="utf-8")
    path.chmod(0o755)
    return path


def found_in_a_run(
    sandbox: Handle, store: dict[str, str], tmp_path: pathlib.Path, contract: str, *, plant: bool = False
) -> list[str]:
    """Run the loud playbook and name the secrets found in what it wrote."""
    credential = configparser.ConfigParser()
    credential.read(sandbox.edgerc)
    section = credential["default"]
    secrets = {name: section[name] for name in ("client_token", "client_secret", "access_token")}
    vars_folder, home = tmp_path / "given", tmp_path / "written"
    vars_folder.mkdir()
    home.mkdir()
    keys = [key_pem(new_key()) for _number in range(3)]
    (vars_folder / "new-key.pem").write_text(keys[1], encoding="ascii")
    more = {
        "clm_attached_key": keys[0],
        "clm_attached_file": str(vars_folder / "new-key.pem"),
        "clm_script": str(script(vars_folder, secrets["client_secret"], keys[2])),
        "clm_credential": secrets,
        "clm_proxy": f"http://hushed:{PROXY_PASSWORD}@127.0.0.1:9",
        "clm_wrong_secret": WRONG_SECRET,
        "clm_plant": plant,
        "clm_challenge": CHALLENGE,
        "clm_wrong_challenge": WRONG_CHALLENGE,
        "clm_passphrase": PASSPHRASE,
        "clm_exports": str(vars_folder),
    }
    env = {
        "ANSIBLE_HOME": str(home / "home"),
        "ANSIBLE_LOCAL_TEMP": str(home / "local"),
        "ANSIBLE_REMOTE_TEMP": str(home / "remote"),
        "ANSIBLE_KEEP_REMOTE_FILES": "0",
        "ANSIBLE_LOG_PATH": str(home / "ansible.log"),
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(home / "facts"),
        "TEAM_TOKEN": ENVIRONMENT_TOKEN,
    }
    processes = ProcessList()
    with processes.watched():
        run = run_playbook(
            PLAYBOOK,
            {**variables(sandbox, store, contract), **more},
            env,
            arguments=("-vvv", "--diff"),
            timeout_s=600,
        )
    run.ok()
    assert run.task("Enrol").result["request"]["state"] == "issued"
    pushed = run.task("Push").result["work_order"]
    assert (pushed["state"], [entry["stage"] for entry in pushed["scripts"]]) == ("completed", ["pre", "post"])
    assert all(entry["output"].startswith("***\n***\n") for entry in pushed["scripts"])
    secrets = {**secrets, "proxy password": PROXY_PASSWORD, "wrong client_secret": WRONG_SECRET}
    secrets["token of the environment"] = ENVIRONMENT_TOKEN
    secrets.update({"challenge password": CHALLENGE, "wrong challenge password": WRONG_CHALLENGE})
    secrets.update({"weak challenge password": WRONG_CHALLENGE.lower(), "passphrase": PASSPHRASE})
    for name, held in held_secrets(store).items():
        secrets.update({f"line {n} of {name}": line for n, line in enumerate(sorted(held))})
    for place, pem in zip(("given", "read", "printed"), keys, strict=True):
        secrets.update({f"line {n} of the key that was {place}": line for n, line in enumerate(key_secrets(pem))})
    secrets.update({f"a line {n} of a private key": line for n, line in enumerate(sorted(private_keys(store)))})
    if "store_key" in store:
        secrets["store key"] = STORE_KEY
    else:
        secrets["store key"] = (tmp_path / "clm.db.key").read_text(encoding="ascii").strip()
    written = {
        "stdout": run.stdout.encode(),
        "stderr": run.stderr.encode(),
        "results": repr([task.result for task in run.results]).encode(),
        "the process list": b"\n".join(processes.lines),
        **files_under(home),
        **{path.name: path.read_bytes() for path in tmp_path.glob("clm.db*") if path.suffix != ".key"},
        **dump(store),
    }
    assert any(b"AnsiballZ" in line for line in processes.lines), "no module was seen in the process list"
    assert len(written["stdout"]) > 20_000 and "ansible.log" in written
    return leaks(written, secrets)


@pytest.mark.parametrize("before", [b"", b"x", b"xy", b"xyz"])
def test_a_secret_is_found_in_every_form(before: bytes) -> None:
    """The search is proved on what it is to find: plain, hex, and base64 wherever it begins."""
    secret = "a-secret-of-some-length"
    raw = before + secret.encode() + b" and more"
    for content in (raw, raw.hex().encode(), base64.b64encode(raw), repr(raw).encode()):
        assert leaks({"there": content}, {"it": secret}) == ["it in there"]
    assert leaks({"there": b"nothing " * 9}, {"it": secret}) == []
