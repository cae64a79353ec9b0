# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An issuing CA whose key was made in a token by OpenSC's tool, below a root of the lab. Knows no account."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.edgecert.clm.plugins.module_utils._ca import own_ca_signing as signing
from ansible_collections.edgecert.clm.tests.support import softhsm

LABEL, DEVICE = "issuing", "hsm"


@dataclass(frozen=True)
class TokenCa:
    """One CA.

    :ivar device_key: gives its key, as ``Tools.device_key``.
    """

    token: softhsm.SoftToken
    certificate: str
    chain: str
    device_key: Callable[[str, str], AbstractContextManager[Any]]

    @property
    def options(self) -> dict[str, Any]:
        """Give the options of an account of the own CA."""
        return {"certificate": self.certificate, "chain": self.chain, "key_device": DEVICE, "key_label": LABEL}


def new_token_ca(folder: Path, now: datetime, key_type: str = "EC:prime256v1") -> TokenCa:
    """Make the token, the key in it, and certificates.

    :raises NoTokens: no token can be made here.
    """
    token = softhsm.new_token(folder)
    made = token.tool("--keypairgen", "--key-type", key_type, "--label", LABEL, "--id", "77", "--usage-sign")
    assert made.returncode == 0, made.stderr
    keys = token.keys()

    def device_key(device: str, label: str) -> AbstractContextManager[Any]:
        assert device == DEVICE
        return keys.signer(label)

    span = signing.Span(now - timedelta(days=1), now + timedelta(days=3000))
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = signing.make_ca({"common_name": "Token Root CA"}, root_key, None, span, "sha256")
    with device_key(DEVICE, LABEL) as key:
        issuing = signing.make_ca({"common_name": "Token Issuing CA"}, key, root, span, "sha256")
        certificate = signing.certificate_pem(issuing)
    return TokenCa(token, certificate, signing.certificate_pem(root), device_key)
