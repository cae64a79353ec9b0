# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ACME CA hands out: a certificate with one of its chains, and when it would like that to be renewed.

:source: RFC 8555 §7.4.2 (alternate chains), RFC 9773 §4 (renewal information).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from .._core.clock import from_text
from .._core.types import Bundle
from .acme_jws import b64
from .base import RenewalHint
from .rest import Answer

PEM_CHAIN = "application/pem-certificate-chain"
_MOST_CHAINS = 10
_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[^;,="]+(?:="[^"]*"|=[^;,]*)?)*)')


def alternates(header: str) -> list[str]:
    """Give the addresses of the other chains, out of a Link header (RFC 8288)."""
    return [url for url, rest in _LINK.findall(header) if re.search(r'rel="?alternate"?', rest)]


def chosen(answer: Answer, wanted: str, fetch: Callable[[str], Answer], at: datetime) -> tuple[Bundle, tuple[str, ...]]:
    """Give the certificate with the chain whose root bears the wanted name, else with the CA's own choice.

    :param wanted: common name of a root; empty for the CA's choice.
    :param fetch: reads another chain.
    :returns: the bundle, and what is to be told about it.
    :raises InputError: what came cannot be read.
    """
    first, top = _read(answer.text(), at)
    if not wanted or top == wanted:
        return first, ()
    tops = [top]
    for url in alternates(answer.headers.get("link", ""))[:_MOST_CHAINS]:
        bundle, top = _read(fetch(url).text(), at)
        if top == wanted:
            return bundle, ()
        tops.append(top)
    return first, (f"no chain leads to the root {wanted!r} (preferred_root); there are {', '.join(map(repr, tops))}",)


def _read(text: str, at: datetime) -> tuple[Bundle, str]:
    """Read a chain; gives it with the common name of its root, sent or not."""
    from .._pki import pem, received
    from .._pki.x509 import certificate_facts

    what = "certificate of the CA"
    bundle = received.bundle_of(pem.split_certificates(text, what), what, at=at)
    return bundle, certificate_facts(bundle.root or (bundle.leaf, *bundle.chain)[-1]).issuer_common_name


def der_of(leaf: str) -> bytes:
    """Give a certificate as DER."""
    from .._pki import pem

    return pem.der_of(leaf)


def renewal_id(leaf: str) -> str:
    """Give what renewal information is asked for by; empty for a certificate without the issuer's key id.

    :source: RFC 9773 §4.1: the key id's bytes and the serial number's, as in the certificate.
    """
    from cryptography import x509 as library

    from .._pki.x509 import load_certificate

    cert = load_certificate(leaf)
    try:
        key_id = cert.extensions.get_extension_for_class(library.AuthorityKeyIdentifier).value.key_identifier
    except library.ExtensionNotFound:
        return ""
    number = cert.serial_number
    # Signed, as DER writes it: a zero goes before a first bit that is set.
    return f"{b64(key_id)}.{b64(number.to_bytes(number.bit_length() // 8 + 1, 'big'))}" if key_id else ""


def hint_of(found: Any) -> RenewalHint | None:
    """Read renewal information; None for what cannot be read."""
    window: Any = found.get("suggestedWindow") if isinstance(found, Mapping) else None
    if not isinstance(window, Mapping):
        return None
    try:
        begin, end = from_text(str(window["start"])), from_text(str(window["end"]))
    except (KeyError, ValueError):
        return None
    if end <= begin:
        return None
    why = str(found.get("explanationURL") or "")
    return RenewalHint(begin, end, f"ARI, {why}" if why else "ARI")
