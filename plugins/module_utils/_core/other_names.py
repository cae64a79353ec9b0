# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subject alternative names of the category ``other``: read, checked and written in one form (E13).

``user@example.com`` and ``upn:user@example.com`` are user principal names, ``1.3.6.1.4.1.99:text`` is any other one.
Written they are always the object id, a colon and the value.
"""

from __future__ import annotations

import re

from .csr_spec import UPN_OID

MAX_VALUE = 255
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,38})){1,30}")
_UPN_PREFIX = "upn:"


def split(text: str) -> tuple[str, str]:
    """Give the object id and the value of an other name, unchecked."""
    plain = text.strip()
    if plain.lower().startswith(_UPN_PREFIX):
        return UPN_OID, plain.partition(":")[2].strip()
    head, colon, tail = plain.partition(":")
    if colon and re.fullmatch(r"[0-9.]+", head):
        return head, tail
    return UPN_OID, plain


def written(text: str) -> str:
    """Write an other name in the one form by which names are compared."""
    return ":".join(split(text))


def reason(text: str) -> str:
    """Give why a text is no other name, or an empty text.

    :source: RFC 5280 §4.2.1.6 for otherName; the form of a user principal name is that of RFC 822 without its quoting:
        our reading.
    """
    oid, value = split(text)
    second = oid.split(".")[1] if "." in oid else ""
    if not _OID.fullmatch(oid) or (oid[0] in "01" and int(second) > 39):
        return f"has no usable object id ({oid}); write it as 1.3.6.1.4.1.99:value, or give a user principal name"
    if not value:
        return "has no value"
    if len(value) > MAX_VALUE:
        return f"has a value of {len(value)} characters, {MAX_VALUE} are allowed"
    if not value.isprintable():
        return "has a line break or a control character in it"
    if oid == UPN_OID:
        user, at, realm = value.rpartition("@")
        if not at or not user or not realm or "@" in user or any(char.isspace() for char in value):
            return "is no user principal name, as user@example.com; another kind is written as 1.3.6.1.4.1.99:value"
    return ""
