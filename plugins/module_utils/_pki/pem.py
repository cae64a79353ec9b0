# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PEM as text: split, join, normalise, tell what is in it. Parses no ASN.1 and needs no library.

A private key where none is wanted is refused by a message that never shows it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .._core.errors import InputError

CERTIFICATE_LABELS = ("CERTIFICATE", "X509 CERTIFICATE")
CSR_LABELS = ("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9][A-Z0-9 ]*)-----(.*?)-----END ([A-Z0-9][A-Z0-9 ]*)-----", re.DOTALL)
_LINE = 64


@dataclass(frozen=True)
class Block:
    """One armoured block.

    :ivar der: what the armour holds; kept out of ``repr``, for it may be a key.
    """

    label: str
    der: bytes

    def __repr__(self) -> str:
        return f"Block({self.label!r})"

    @property
    def pem(self) -> str:
        """Write it as PEM: LF, 64 columns, one line end at the end."""
        text = base64.b64encode(self.der).decode("ascii")
        lines = re.findall(f".{{1,{_LINE}}}", text)
        return "\n".join([f"-----BEGIN {self.label}-----", *lines, f"-----END {self.label}-----", ""])


def has_private_key(text: str) -> bool:
    """Say whether a text seems to hold a private key, even a damaged one."""
    return re.search(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY", text) is not None


def _refuse_private_key(text: str, what: str) -> None:
    if has_private_key(text):
        raise InputError(
            f"Cannot use the text given as {what}: it holds a private key; take the key out, give the {what} alone, "
            "and treat the key as exposed if the text was kept or shown anywhere",
            code="private_key_given",
        )


def blocks(text: str, what: str) -> tuple[Block, ...]:
    """Read every armoured block; text around the blocks is passed over.

    :param text: any line ends; a byte order mark and spaces at line ends do no harm.
    :param what: what the text is to be, for messages, as "CA chain".
    :raises InputError: a block is damaged; the message never quotes it.
    """
    found: list[Block] = []
    for begin, body, end in _BLOCK.findall(text):
        if begin != end:
            raise InputError(f"Cannot read the {what}: a block that begins as {begin} ends as {end}")
        try:
            der = base64.b64decode("".join(body.split()), validate=True)
        except (binascii.Error, ValueError) as exc:
            raise InputError(f"Cannot read the {what}: block {len(found) + 1} ({begin}) is not base64") from exc
        if not der:
            raise InputError(f"Cannot read the {what}: block {len(found) + 1} ({begin}) is empty")
        found.append(Block(begin, der))
    if text.count("-----BEGIN ") != len(found):
        raise InputError(f"Cannot read the {what}: a block is cut off, its -----END line is missing")
    return tuple(found)


def _of_label(text: str, what: str, labels: tuple[str, ...]) -> tuple[str, ...]:
    _refuse_private_key(text, what)
    found = blocks(text, what)
    for block in found:
        if block.label not in labels:
            raise InputError(
                f"Cannot read the {what}: it holds a block {block.label}, only {labels[0]} is wanted there"
            )
    return tuple(Block(labels[0], block.der).pem for block in found)


def split_certificates(text: str, what: str = "certificate chain") -> tuple[str, ...]:
    """Split a text into certificates, each normalised PEM, in the order given; empty for a text without any.

    :raises InputError: damaged, of another kind, or with a private key in it.
    """
    return _of_label(text, what, CERTIFICATE_LABELS)


def one_certificate(text: str, what: str = "certificate") -> str:
    """Give the one certificate of a text as normalised PEM.

    :raises InputError: none, several, or not a certificate.
    """
    return _exactly_one(split_certificates(text, what), what, "-----BEGIN CERTIFICATE-----")


def one_csr(text: str, what: str = "CSR") -> str:
    """Give the one PKCS#10 request of a text as normalised PEM.

    :raises InputError: none, several, or something else.
    """
    return _exactly_one(_of_label(text, what, CSR_LABELS), what, "-----BEGIN CERTIFICATE REQUEST-----")


def _exactly_one(found: tuple[str, ...], what: str, begin: str) -> str:
    if not found:
        raise InputError(f"Cannot read the {what}: there is no block {begin} in it")
    if len(found) > 1:
        raise InputError(f"Cannot read the {what}: it holds {len(found)} blocks where one is wanted")
    return found[0]


def join(pems: Iterable[str]) -> str:
    """Put PEM blocks one below the other without blank lines, as CPS wants a trust chain; empty for none."""
    return "".join(f"{pem.strip()}\n" for pem in pems if pem.strip())


def der_of(pem: str) -> bytes:
    """Give the bytes of the only block.

    :raises InputError: it is not one block.
    """
    found = blocks(pem, "PEM text")
    if len(found) != 1:
        raise InputError(f"Cannot read the PEM text: it holds {len(found)} blocks where one is wanted")
    return found[0].der
