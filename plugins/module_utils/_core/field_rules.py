# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the form's fields that are no rules of names: texts, ids, attributes; each with its reason.

Each function gives the rest of a sentence that begins with the field, or an empty text where nothing is wrong. None
quotes a value that may be a secret.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from . import names, other_names
from .limits import MAX_ATTRIBUTE, MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTES, MAX_TEXT

Rule = Callable[[Any], str]

_KEY = re.compile(rf"\w[\w.-]{{0,{MAX_ATTRIBUTE_NAME - 1}}}")
_SECRET_NAMES = frozenset(("password", "passwd", "passphrase", "secret", "token", "credential", "credentials"))
_PRIVATE_KEY = "PRIVATE KEY"
KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DIALLED = re.compile(r"\+[1-9][0-9]{0,2}-[0-9]{4,14}")


def line_reason(text: str) -> str:
    """Give why a text cannot be kept on one line."""
    if _PRIVATE_KEY in text:
        return "holds a private key, and is shown to everybody; attach such a file, attachments are sealed"
    return "" if text.isprintable() else "has a line break or a control character in it"


def label_reason(text: str) -> str:
    """Give why a text can be no label of a key that is there, whoever made it."""
    return length_reason(text, MAX_TEXT) or line_reason(text)


def lines_reason(text: str) -> str:
    """Give why a text cannot be kept; it may have several lines."""
    return line_reason(re.sub(r"[\r\n\t]", "", text))


def id_reason(text: str) -> str:
    """Give why a text can be no certificate's id.

    :source: E21 says no more than that it is editable; the rule is ours: it has to be seen, typed and found again.
    """
    if not text.isprintable():
        return "has a line break or another character in it that cannot be seen"
    return "begins or ends with a blank" if text != text.strip() else ""


def attachment_name_reason(text: str) -> str:
    """Give why a text can be no attachment's name."""
    if not text.isprintable():
        return "has a line break or another character in its name that cannot be seen"
    return "has a name that begins or ends with a blank" if text != text.strip() else ""


def uuid_reason(text: str) -> str:
    """Give why a text is no UUID.

    :source: RFC 9562 §4.
    """
    try:
        is_one = str(uuid.UUID(text)) == text.lower()
    except ValueError:
        is_one = False
    return "" if is_one else f"{text!r} is no UUID, as 123e4567-e89b-12d3-a456-426614174000"


def key_name_reason(text: str) -> str:
    """Give why no key can be made under a name in a token or on a controller; one that is there may have another."""
    if KEY_NAME.fullmatch(text):
        return ""
    return (
        f"{text!r} cannot be the name of a key that is made: letters, digits, '.', '_' and '-' are taken, the first a "
        "letter or digit"
    )


def dialled_reason(text: str) -> str:
    """Give why a text is no telephone number as ``+CC-NUMBER``.

    :source: spec, Table 12, "Phone Number".
    """
    return "" if _DIALLED.fullmatch(text) else f"{text!r} is not of the form +<country code>-<number>, as +49-301234567"


def attribute_reason(key: Any, value: Any) -> str:
    """Give why an attribute cannot be kept (E19); never quotes the value."""
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        return (
            "has no usable name: it begins with a letter, digit or '_', goes on with these, '.' and '-', up to "
            f"{MAX_ATTRIBUTE_NAME}"
        )
    words = re.split(r"[_.-]", key.lower())
    if words[-1] in _SECRET_NAMES or words[-2:] == ["private", "key"]:
        return "is named as a secret is, and attributes are shown to everybody; keep secrets elsewhere"
    return _attribute_value_reason(value)


def _attribute_value_reason(value: Any) -> str:
    if value is None:
        return "has no value; leave it out, or give an empty text"
    if isinstance(value, (bool, int)):
        return ""
    if isinstance(value, float):
        return "" if value - value == 0 else "is no finite number"
    if not isinstance(value, str):
        return "is nested; a value is a text, a number, true or false"
    return length_reason(value, MAX_ATTRIBUTE) or line_reason(value)


def attribute_problems(given: Any) -> list[str]:
    """Give everything wrong with the attributes, a sentence each."""
    if not isinstance(given, Mapping):
        return ["attributes is no mapping of names to values (E19)"]
    found = []
    if len(given) > MAX_ATTRIBUTES:
        found.append(f"attributes has {len(given)} members, {MAX_ATTRIBUTES} are allowed")
    reasons = ((str(key)[:64], attribute_reason(key, value)) for key, value in given.items())
    return found + [f"attribute {key!r} {reason}" for key, reason in reasons if reason]


def length_reason(text: str, limit: int) -> str:
    """Give why a text is too long."""
    return f"has {len(text)} characters, {limit} are allowed" if len(text) > limit else ""


def quoting(rule: Callable[[str], str]) -> Rule:
    """Give a rule that says the value too, for those of ``names``, which leave that to the caller."""

    def reason_of(value: Any) -> str:
        reason = rule(str(value))
        return f"{value!r} {reason}" if reason else ""

    return reason_of


common_name = quoting(names.common_name_reason)
dns_name = quoting(names.dns_reason)
ip_address = quoting(names.ip_reason)
email_address = quoting(names.email_reason)
uri = quoting(names.uri_reason)
other_name = quoting(other_names.reason)
country = quoting(names.country_reason)
