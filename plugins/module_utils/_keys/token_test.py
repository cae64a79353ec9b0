# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test of a token finds: module, token, mechanisms, login. Makes nothing; each failure is a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._core.errors import ClmError
from .._token.access import TokenAccess
from .._token.failures import told
from .._token.keypairs import mechanism_names
from .._token.kinds import GENERATION, signing_mechanisms
from .device_base import DeviceCheck

_HASH = "sha256"


def checks(access: TokenAccess) -> list[DeviceCheck]:
    """Test a token; the PIN is tried once, also one that was refused before."""
    found: list[DeviceCheck] = []

    def line(name: str, look: Callable[[], str]) -> None:
        try:
            found.append(DeviceCheck(name, True, look()))
        except ClmError as exc:
            found.append(DeviceCheck(name, False, exc.message))

    def at_token(look: Callable[[Any], str]) -> str:
        with access.token() as token, told(f"Cannot look at {access.place}"):
            return look(token)

    line("token", lambda: at_token(_described))
    if not found[-1].passed:
        return found
    found += [DeviceCheck(*at) for at in _mechanisms(access)]
    line("login", lambda: _login(access))
    return found


def _described(token: Any) -> str:
    serial = token.serial.decode("utf-8", "replace").strip("\0 ")
    version = ".".join(map(str, token.firmware_version))
    model = f"{token.manufacturer_id}, {token.model}, firmware {version}"
    return f"{token.label} (serial {serial}, slot {token.slot.slot_id}) of {model}"


def _mechanisms(access: TokenAccess) -> Sequence[tuple[str, bool, str]]:
    """Say for each kind of key whether the token makes it and signs with it; Ed25519 may be missing."""
    with access.token() as token, told(f"Cannot list the mechanisms of {access.place}"):
        there = mechanism_names(token)
    found = []
    for algorithm, generation in GENERATION.items():
        signing = signing_mechanisms(algorithm, _HASH)
        lacks = [f"CKM_{name}" for name in (generation,) if name not in there]
        if not any(name in there for name in signing):
            lacks.append(" or ".join(f"CKM_{name}" for name in signing))
        detail = f"the token lacks {', '.join(lacks)}: it makes no such keys" if lacks else "keys can be made and sign"
        found.append((f"{algorithm} keys", not lacks, detail))
    return found


def _login(access: TokenAccess) -> str:
    with access.session(write=True, retry_refused=True) as session, told(f"Cannot look at {access.place}"):
        del session
        return "the user PIN is right, and the token gives a session that can write"
