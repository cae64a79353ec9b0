# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the form that is in no CSR and no order: attributes, fields, automatic renewal (E3, E4, E19, E20).

Each part of the wish is there always, ``{}`` for none. What is kept here is shown to everybody and never sealed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._core import names
from .._core.types import Certificate
from .ports import Params

EXTRAS = ("attributes", "generic", "auto_renew", "auto_regenerate")
"""Members of the wish, named as the options are."""

GENERIC = (
    "device_name",
    "application_ip",
    "tracking_id",
    "holder_email",
    "first_name",
    "last_name",
    "organization",
    "comment",
    "uuid",
)
MAX_ATTRIBUTES = 100
MAX_VALUE = 1024
MAX_FIELD = 255
MAX_COMMENT = 2000

# Members of these have names of their own, so that one that is left out keeps what is stored.
_WITH_MEMBERS = ("generic", "auto_renew", "auto_regenerate")
_KEY = re.compile(r"\w[\w.-]{0,63}")
_SECRET_NAMES = frozenset(("password", "passwd", "passphrase", "secret", "token", "credential", "credentials"))
_PRIVATE_KEY = "PRIVATE KEY"


def extras(params: Params, problems: list[str]) -> dict[str, Any]:
    """Give the parts of the wish named ``EXTRAS``, and add to the problems what is wrong with them.

    :param params: the options, those given now laid over those of an earlier request.
    """
    return {
        "attributes": _attributes(params.get("attributes"), problems),
        "generic": _generic(params.get("generic"), problems),
        "auto_renew": _automatic("auto_renew", params.get("auto_renew"), problems),
        "auto_regenerate": _automatic("auto_regenerate", params.get("auto_regenerate"), problems),
    }


def laid_over(given: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options with members, those given now laid over those stored: a member left out keeps what is stored.

    A mapping without any member clears the option. Attributes are no such option: they are given whole.
    """
    merged = {}
    for name in _WITH_MEMBERS:
        members = given.get(name)
        if isinstance(members, Mapping):
            told = {member: value for member, value in members.items() if value is not None}
            merged[name] = {**(stored.get(name) or {}), **told} if told else {}
    return merged


def tracking_id(wish: Mapping[str, Any]) -> str:
    """Give the tracking id that goes with a wish into each audit line (E20); empty for none."""
    return str((wish.get("generic") or {}).get("tracking_id", ""))


def on_certificate(certificate: Certificate, wish: Mapping[str, Any]) -> Certificate:
    """Give the certificate with what a wish says of it outside the CSR; what an old wish does not name stays."""
    return replace(
        certificate,
        attributes=dict(wish.get("attributes", certificate.attributes)),
        auto_renew=dict(wish.get("auto_renew", certificate.auto_renew)),
        auto_regenerate=dict(wish.get("auto_regenerate", certificate.auto_regenerate)),
    )


def plain_text(value: Any) -> str:
    """Write an attribute's value as it is compared and filtered by: ``true``, ``5``, or the text itself."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _attributes(given: Any, problems: list[str]) -> dict[str, Any]:
    if not given:
        return {}
    if not isinstance(given, Mapping):
        problems.append("attributes is no mapping of names to values (E19)")
        return {}
    if len(given) > MAX_ATTRIBUTES:
        problems.append(f"attributes has {len(given)} members, {MAX_ATTRIBUTES} are allowed")
    for key, value in given.items():
        reason = _key_reason(key) or _value_reason(value)
        if reason:
            problems.append(f"attribute {str(key)[:64]!r} {reason}")
    return {str(key): given[key] for key in sorted(given, key=str)}


def _key_reason(key: Any) -> str:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        return "has no usable name: it begins with a letter, digit or '_', goes on with these, '.' and '-', up to 64"
    words = re.split(r"[_.-]", key.lower())
    if words[-1] in _SECRET_NAMES or words[-2:] == ["private", "key"]:
        return "is named as a secret is, and attributes are shown to everybody; keep secrets elsewhere"
    return ""


def _value_reason(value: Any) -> str:
    """Say why a value cannot be kept; never quotes it."""
    if value is None:
        return "has no value; leave it out, or give an empty text"
    if isinstance(value, (bool, int)):
        return ""
    if isinstance(value, float):
        return "" if value - value == 0 else "is no finite number"
    if not isinstance(value, str):
        return "is nested; a value is a text, a number, true or false"
    return _text_reason(value, MAX_VALUE)


def _text_reason(text: str, limit: int, *, has_lines: bool = False) -> str:
    if _PRIVATE_KEY in text:
        return "holds a private key, and is shown to everybody; attach such a file, attachments are sealed"
    if len(text) > limit:
        return f"has {len(text)} characters, {limit} are allowed"
    plain = re.sub(r"[\r\n\t]", "", text) if has_lines else text
    return "" if plain.isprintable() else "has a line break or a control character in it"


def _generic(given: Any, problems: list[str]) -> dict[str, str]:
    if not isinstance(given or {}, Mapping):
        problems.append("generic is no mapping of fields to texts (E20)")
        return {}
    fields = {name: str(value).strip() for name, value in (given or {}).items() if value is not None}
    # An empty text clears a field.
    fields = {name: text for name, text in fields.items() if text}
    for name, text in fields.items():
        reason = _field_reason(name, text)
        if reason:
            problems.append(f"generic.{name} {reason}")
    return {name: fields[name] for name in sorted(fields)}


def _field_reason(name: str, text: str) -> str:
    if name not in GENERIC:
        return f"is no field; there are {', '.join(GENERIC)}"
    if name == "uuid":
        return "goes with a RA setting of the CA, and this CA has none; leave it out"
    is_comment = name == "comment"
    reason = _text_reason(text, MAX_COMMENT if is_comment else MAX_FIELD, has_lines=is_comment)
    if reason:
        return reason
    if name == "application_ip" and (reason := names.ip_reason(text)):
        return f"{text!r} {reason}"
    if name == "holder_email" and (reason := names.email_reason(text)):
        return f"{text!r} {reason}"
    return ""


def _automatic(option: str, given: Any, problems: list[str]) -> dict[str, Any]:
    """Read one of the two toggles (E3, E4); the days, and whether they suit the lifetime, are judged in ``renewal``."""
    if not isinstance(given or {}, Mapping):
        problems.append(f"{option} is no mapping of enabled and days_before")
        return {}
    members = {name: value for name, value in (given or {}).items() if value is not None}
    if not members:
        return {}
    known = ("enabled", "days_before") + (("force_local_csr",) if option == "auto_regenerate" else ())
    problems.extend(f"{option}.{name} is none of {', '.join(known)}" for name in members if name not in known)
    if not isinstance(members.get("enabled"), bool):
        problems.append(f"{option}.enabled is missing; say true or false")
    return {name: members[name] for name in known if name in members}
