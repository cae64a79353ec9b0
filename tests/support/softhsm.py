# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of SoftHSM for tests, each in a folder of its own, and OpenSC's ``pkcs11-tool`` as a second opinion on them.

Knows the programs of the packages softhsm2 and opensc; nothing of the store.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Transport, TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._keys.base import KeyOrder
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_base import DeviceKeys, DeviceTools
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_registry import device_type

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/*/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
PIN, SO_PIN = "user-7411-pin", "officer-8822-pin"
NAME = "www.example.com"


class NoTokens(Exception):
    """Tokens cannot be made here; the text says why, for the skipped test's reason."""


def module_path() -> str:
    """Give SoftHSM's PKCS#11 module.

    :raises NoTokens: it, its tool, OpenSC's tool or the Python package is missing.
    """
    for program, package in (("softhsm2-util", "softhsm2"), ("pkcs11-tool", "opensc")):
        if shutil.which(program) is None:
            raise NoTokens(f"{program} is not installed (tools/bootstrap installs {package} where it may)")
    if importlib.util.find_spec("pkcs11") is None:
        raise NoTokens("python-pkcs11, of requirements-hsm.txt, is not installed")
    found = [path for pattern in MODULES for path in sorted(glob.glob(pattern))]
    if not found:
        raise NoTokens("softhsm2-util is there, but its PKCS#11 module is at none of the known places")
    return found[0]


class Remembered:
    """What is remembered of refused PINs, for one test."""

    def __init__(self) -> None:
        self.pin: Secret | None = None

    def is_refused(self, secret: Secret) -> bool:
        """Say whether it is the one."""
        return self.pin == secret

    def refused(self, secret: Secret) -> None:
        """Remember it."""
        self.pin = secret

    def taken(self) -> None:
        """Forget it."""
        self.pin = None


def _no_transport(_options: TransportOptions) -> Transport:
    raise AssertionError("a token is not reached by HTTP")


@dataclass(frozen=True)
class SoftToken:
    """One token.

    :ivar settings: file that SOFTHSM2_CONF names.
    """

    module: str
    label: str
    settings: pathlib.Path

    @property
    def environment(self) -> dict[str, str]:
        """Give the variables that SoftHSM reads."""
        return {"SOFTHSM2_CONF": str(self.settings)}

    def options(self, **changes: Any) -> dict[str, Any]:
        """Give the options of a key device that is this token."""
        return {
            "module_path": self.module,
            "token_label": self.label,
            "library_environment": self.environment,
            **changes,
        }

    def keys(self, pin: str | None = PIN, memory: Remembered | None = None, **changes: Any) -> DeviceKeys:
        """Give the keys of this token as the glue builds them."""
        remembered = memory or Remembered()
        kind = device_type("pkcs11", DeviceTools(SystemClock(), _no_transport, lambda _name: remembered))
        secrets = {} if pin is None else {"pin": pin}
        options = kind.prepare("hsm", self.options(**changes), secrets)
        return kind.connect("hsm", options, {name: Secret(text) for name, text in secrets.items()})

    def tool(self, *arguments: str, pin: str = PIN) -> subprocess.CompletedProcess[str]:
        """Run pkcs11-tool, logged in."""
        command = ["pkcs11-tool", "--module", self.module, "--token-label", self.label, "--login", "--pin", pin]
        return subprocess.run(
            [*command, *arguments], env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
        )

    def listed(self, kind: str = "privkey") -> list[dict[str, str]]:
        """Give the objects of a kind as pkcs11-tool lists them: label, ID, Usage and Access, by its words."""
        shown = self.tool("--list-objects", "--type", kind)
        assert shown.returncode == 0, shown.stderr
        blocks = re.split(r"(?m)^(?=\S)", shown.stdout)
        found = [dict(re.findall(r"(?m)^  (\w+): +(.*)$", block)) for block in blocks]
        return sorted((one for one in found if one.get("label")), key=lambda one: one["label"])

    def labels(self) -> list[str]:
        """Give the labels of the private keys, sorted."""
        return [one["label"] for one in self.listed()]


def new_token(folder: pathlib.Path, label: str = "clm") -> SoftToken:
    """Make a token in a folder, beside those that are there.

    :raises NoTokens: none can be made here.
    """
    module, settings = module_path(), folder / "softhsm2.conf"
    (folder / "tokens").mkdir(exist_ok=True)
    settings.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", PIN]
    subprocess.run(command, env={**os.environ, "SOFTHSM2_CONF": str(settings)}, check=True, capture_output=True)
    return SoftToken(module, label, settings)


def order(
    request_id: str = "req-1",
    handler: str = "www",
    *,
    reuse: bool = False,
    certificate_id: str = NAME,
    renews: bool = False,
    challenge_password: Secret | None = None,
    **spec: Any,
) -> KeyOrder:
    """Give an order for a key in a token."""
    return KeyOrder(
        CsrSpec(**{"common_name": NAME, "dns_names": (NAME, "a.example.com"), **spec}),
        {"name": handler, "reuse": reuse, "certificate_id": certificate_id},
        {"not_after": "2027-01-01T00:00:00Z"} if renews else {},
        request_id=request_id,
        challenge_password=challenge_password,
    )
