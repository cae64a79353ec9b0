# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the form that is in no CSR and no order: attributes, fields, automatic renewal (E3, E4, E19, E20).

Each part of the wish is there always, ``{}`` for none. What is kept here is shown to everybody and never sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._core.types import Certificate
from .._core.vocabulary import GENERIC_FIELDS
from .ports import Params

EXTRAS = ("attributes", "generic", "auto_renew", "auto_regenerate")
"""Members of the wish, named as the options are."""

GENERIC = GENERIC_FIELDS

# Members of these have names of their own, so that one that is left out keeps what is stored.
_WITH_MEMBERS = ("generic", "auto_renew", "auto_regenerate")


def extras(params: Params, problems: list[str]) -> dict[str, Any]:
    """Give the parts of the wish named ``EXTRAS``, and add to the problems what is wrong with them.

    :param params: the options, those given now laid over those of an earlier request.
    """
    return {
        "attributes": _attributes(params.get("attributes")),
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


ON_CERTIFICATE = ("attributes", "auto_renew", "auto_regenerate")
"""What a wish says of the inventory's line."""


def on_certificate(certificate: Certificate, wish: Mapping[str, Any]) -> Certificate:
    """Give the certificate with what a wish says of it outside the CSR; what an old wish does not name stays."""
    said: dict[str, Any] = {name: dict(wish[name]) for name in ON_CERTIFICATE if name in wish}
    return replace(certificate, **said)


def plain_text(value: Any) -> str:
    """Write an attribute's value as it is compared and filtered by: ``true``, ``5``, or the text itself."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _attributes(given: Any) -> dict[str, Any]:
    return {str(key): given[key] for key in sorted(given, key=str)} if isinstance(given, Mapping) else {}


def _generic(given: Any, problems: list[str]) -> dict[str, str]:
    if not isinstance(given or {}, Mapping):
        problems.append("generic is no mapping of fields to texts (E20)")
        return {}
    texts = {name: str(value).strip() for name, value in (given or {}).items() if value is not None}
    unknown = [name for name in texts if name not in GENERIC]
    problems.extend(f"generic.{name} is no field; there are {', '.join(GENERIC)}" for name in unknown)
    # An empty text clears a field.
    return {name: texts[name] for name in sorted(texts) if texts[name]}


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
