# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a CSR holds beside names, subject and key: what a CA may copy into a certificate, or read, without being asked.

Nothing of it may pass unseen: a group's rules are held against what the form says, and the CA gets the CSR.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import pem
from .readings import requested_usages, surplus_of
from .x509 import load_csr

if TYPE_CHECKING:
    from cryptography import x509

# The object id of the attribute, 1.2.840.113549.1.9.7 (RFC 2985 §5.4.1), as DER writes it.
_CHALLENGE_PASSWORD = bytes.fromhex("06092a864886f70d010907")
# Told by the words of the options.
_IN_WORDS = frozenset(("2.5.29.15", "2.5.29.17", "2.5.29.37"))


def has_challenge_password(text: str) -> bool:
    """Say whether a PEM request bears a challenge password; the bytes are looked at, whatever form its value has."""
    return _CHALLENGE_PASSWORD in pem.der_of(pem.one_csr(text))


def hidden_problems(text: str, what: str) -> list[str]:
    """Give every part of a request that no option can say or that makes a CA of its bearer, a sentence each.

    :param text: PEM that can be read.
    :source: requirement E7; RFC 5280 §4.2.1.3 and §4.2.1.9.
    """
    csr = load_csr(text, what)
    found = [f"the {what} has {part}, which no option can say; make a new CSR without it" for part in surplus_of(csr)]
    return found + [
        f"the {what} asks for {part}, which only a CA's own certificate has; make a new CSR without it"
        for part in _of_ca(csr)
    ]


def _of_ca(csr: x509.CertificateSigningRequest) -> Iterator[str]:
    from cryptography import x509

    for one in csr.extensions:
        if isinstance(one.value, x509.BasicConstraints) and one.value.ca:
            yield "basicConstraints CA:TRUE"
        if isinstance(one.value, x509.KeyUsage):
            granted = {"keyCertSign": one.value.key_cert_sign, "cRLSign": one.value.crl_sign}
            yield from (f"the key usage {word}" for word, is_granted in granted.items() if is_granted)


def extensions(text: str, what: str) -> dict[str, Any]:
    """Give the extensions of a request in the words of the option ``extensions``; only those present.

    :param text: PEM that can be read.
    """
    from cryptography import x509

    csr = load_csr(text, what)
    found = {name: value for name, value in requested_usages(csr).items() if value}
    custom = []
    for one in csr.extensions:
        is_told = isinstance(one.value, x509.TLSFeature) and list(one.value) == [x509.TLSFeatureType.status_request]
        if one.oid.dotted_string not in _IN_WORDS and not is_told:
            value = base64.b64encode(one.value.public_bytes()).decode("ascii")
            custom.append({"oid": one.oid.dotted_string, "value": value, "critical": one.critical})
    return {**found, **({"custom": sorted(custom, key=lambda entry: str(entry["oid"]))} if custom else {})}
