# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is masked in a module's result, its repeated arguments among them, and what users may read there.

Ansible masks every value of a ``no_log`` option; of some options that is too much, and private keys stand in others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible.module_utils.basic import AnsibleModule

from .options import MIXED_OPTIONS, URL_OPTIONS

_KEY_WORDS = "PRIVATE KEY"
_KEY_BODY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(.*?)(?:-----END|\Z)", re.DOTALL)
_LEAST_PIECE = 16


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
    for text in _leaves(value):
        if _KEY_WORDS not in text:
            continue
        pieces.add(text)
        for body in _KEY_BODY.findall(text):
            pieces |= {line for line in re.split(r"\s+|\\n", body) if len(line) >= _LEAST_PIECE}
    return pieces


def settle_masks(module: AnsibleModule) -> None:
    """Unmask what users need to read of the module's ``no_log`` options, and mask private keys wherever they stand."""
    params, spec = module.params, module.argument_spec
    partly = {*URL_OPTIONS, *MIXED_OPTIONS}
    urls = [params[name] for name in URL_OPTIONS if params.get(name)]
    shown = {text for name in MIXED_OPTIONS for text in _leaves(params.get(name))}
    hidden = {
        text
        for name, entry in spec.items()
        if entry.get("no_log") and name not in partly
        for text in _leaves(params.get(name))
    }
    module.no_log_values.difference_update(urls, shown)
    module.no_log_values.update(hidden, maskable(urls), key_pieces(params))


def _leaves(value: Any) -> Iterator[str]:
    """Walk through the texts and numbers of a nested value, as Ansible collects what it masks."""
    if isinstance(value, Mapping):
        for entry in value.values():
            yield from _leaves(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _leaves(entry)
    elif value is not None and not isinstance(value, bool) and str(value):
        yield str(value)
