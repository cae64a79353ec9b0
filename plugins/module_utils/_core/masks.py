# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which texts are to be masked in what users read: secrets as they were used, and the lines of private keys.

Ansible masks in results what the glue gives it of these; what goes into the store is masked where it comes from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from .redact import Secret

_KEY_WORDS = "PRIVATE KEY"
_KEY_BODY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(.*?)(?:-----END|\Z)", re.DOTALL)
_LEAST_PIECE = 16
# Shorter texts inside a sealed JSON object are words of a form rather than secrets.
_LEAST_VALUE = 4


def maskable(texts: Iterable[str]) -> set[str]:
    """Give the texts to mask in results: each as it is, but of a URL with a host only its password.

    A URL is shown only when it is sure where its password is, or that it has none: a ``#``, ``/`` or ``?`` in a
    password, or one in the query, leaves it masked as a whole.
    """
    masks: set[str] = set()
    for text in texts:
        masks |= _url_masks(text)
    return masks - {""}


def _url_masks(text: str) -> set[str]:
    try:
        parts = urlsplit(text)
        password = parts.password or ""
    except ValueError:
        return {text}
    rest = text
    if password:
        _user, _at, after = parts.netloc.rpartition("@")
        rest = text.replace(parts.netloc, after, 1)
    if not parts.scheme or "//" not in text or "@" in unquote(rest) or "password=" in unquote(rest).lower():
        return {text}
    return {password, unquote(password)}


def key_pieces(value: Any) -> set[str]:
    """Give every nested text that holds a private key, and the lines of the key, which an excerpt may show."""
    pieces: set[str] = set()
    for text in leaves(value):
        if _KEY_WORDS not in text:
            continue
        pieces.add(text)
        for body in _KEY_BODY.findall(text):
            pieces |= {line for line in re.split(r"\s+|\\n", body) if len(line) >= _LEAST_PIECE}
    return pieces


def masks_in_use() -> set[str]:
    """Give the texts to mask for every secret that was in use in this process so far."""
    texts = set(Secret.revealed).union(*map(_json_texts, Secret.revealed))
    return maskable(texts) | key_pieces(list(texts))


def _json_texts(text: str) -> set[str]:
    """Give the texts in a JSON object: a CA account's secrets are sealed as one."""
    try:
        value = json.loads(text) if text.startswith("{") else None
    except ValueError:
        return set()
    return {leaf for leaf in leaves(value) if len(leaf) >= _LEAST_VALUE}


def leaves(value: Any) -> Iterator[str]:
    """Walk through the texts and numbers of a nested value, as Ansible collects what it masks."""
    if isinstance(value, Mapping):
        for entry in value.values():
            yield from leaves(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from leaves(entry)
    elif value is not None and not isinstance(value, bool) and str(value):
        yield str(value)
