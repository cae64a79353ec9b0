# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the form that goes into the CSR: names, subject, key, challenge password, extensions (E12-E14, E16, E17).

Each function gives members of the wish, and adds to the problems what is wrong with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core import challenge_rules, names, other_names, vocabulary
from .._core.csr_spec import CsrSpec
from .._core.errors import InputError
from .ports import Params

SUBJECT = ("organization", "organizational_unit", "locality", "state_or_province", "country", "email")
SAN_KINDS = ("dns", "ip", "email", "uri", "other", "directory")
# Kinds that came later: a wish has them only where they are asked for, so that older wishes stay equal.
_LATER_KINDS = ("other", "directory")


def names_of(params: Params, problems: list[str]) -> dict[str, Any]:
    """Give the subject alternative names by kind; the common name is the first DNS name."""
    given = params.get("subject_alternative_names") or {}
    common_name = (params.get("common_name") or "").strip()
    if not common_name:
        problems.append("common_name is missing (E12)")
        return {"subject_alternative_names": {"dns": [], "ip": [], "email": [], "uri": []}}
    found, wrong = names.read_names(
        common_name, given.get("dns") or (), given.get("ip") or (), given.get("email") or (), given.get("uri") or ()
    )
    problems.extend(problem.sentence for problem in wrong)
    # Sorted: SANs are a set, and a wish is compared by value.
    others = sorted(set(found.dns) - {found.common_name})
    sans = {
        "dns": [found.common_name, *others],
        "ip": sorted(found.ips),
        "email": sorted(found.emails),
        "uri": sorted(found.uris),
        "other": _others(given.get("other") or (), problems),
        "directory": _directories(given.get("directory") or (), problems),
    }
    return {"subject_alternative_names": {k: v for k, v in sans.items() if v or k not in _LATER_KINDS}}


def _others(given: Any, problems: list[str]) -> list[str]:
    reasons = [(str(text), other_names.reason(str(text))) for text in given]
    problems.extend(f"other name {text!r} {reason}" for text, reason in reasons if reason)
    return sorted({other_names.written(text) for text, reason in reasons if not reason})


def _directories(given: Any, problems: list[str]) -> list[str]:
    """Read directory names; what they are can only be told by the library that writes them."""
    if not given:
        return []
    from .._pki.csr_building import directory_name

    found = set()
    for text in given:
        try:
            found.add(directory_name(str(text)).rfc4514_string())
        except InputError as exc:
            problems.append(exc.message)
    return sorted(found)


def subject_of(params: Params, defaults: Mapping[str, str], problems: list[str], *, is_made: bool) -> dict[str, Any]:
    """Give the subject, filled from what is saved where the form leaves it out (E14).

    :param defaults: what else is known of the organization, by option; those of the group's policy stand in the form.
    :param is_made: a CSR is made from it; one that is uploaded says what it says, and may lack an organization, as may
        a certificate whose subject the CA writes.
    """
    subject = {}
    for name in SUBJECT:
        given = params.get(name)
        # What a CSR says is not mended: it is held against that very CSR.
        subject[name] = defaults.get(name, "") if given is None else given.strip() if is_made else given
    if is_made and not subject["organization"]:
        problems.append("organization is missing (E14)")
    return subject


def key_of(params: Params, problems: list[str]) -> dict[str, Any]:
    """Give what the key is to be (E10, E17)."""
    key_type = params.get("key_type") or "rsa"
    size, curve, is_dual = params.get("key_size"), params.get("curve"), bool(params.get("dual_stack"))
    if key_type == "ec" and size is not None and not is_dual:
        problems.append("key_size goes with key_type rsa or dual_stack; for ec give curve")
    if key_type == "rsa" and curve and not is_dual:
        problems.append("curve goes with key_type ec or dual_stack; for rsa give key_size")
    if key_type == "ed25519":
        told = [name for name, value in (("key_size", size), ("curve", curve)) if value]
        problems.extend(f"{name} does not go with key_type ed25519, which has one measure only" for name in told)
        if is_dual:
            problems.append("dual_stack is an RSA and an EC key; it does not go with key_type ed25519")
    if params.get("allow_missing") and not is_dual:
        problems.append("allow_missing goes with dual_stack: true; one certificate is all there is without")
    return {
        "key_type": key_type,
        "key_size": size,
        "curve": vocabulary.curve_name(str(curve)) if curve else None,
        "hash": params.get("hash") or "sha256",
        "dual_stack": is_dual,
    }


def more_of(params: Params, problems: list[str]) -> dict[str, Any]:
    """Give what else goes into a CSR that is made: whether it has a challenge password, extensions, a key of before.

    The wish holds that there is a password, never the password.
    """
    wish: dict[str, Any] = {}
    password = params.get("challenge_password")
    if isinstance(password, str) and password:
        problems.extend(challenge_rules.problems(password, params.get("challenge_password_confirm")))
    elif not password and params.get("challenge_password_confirm"):
        problems.append("challenge_password_confirm is given without challenge_password")
    if password:
        wish["challenge_password"] = True
    extensions = {name: value for name, value in (params.get("extensions") or {}).items() if value}
    if extensions:
        wish["extensions"] = {name: _plain(value) for name, value in extensions.items()}
        problems.extend(_extension_problems(wish["extensions"]))
    if params.get("reuse_key"):
        wish["reuse_key"] = True
    return wish


def _extension_problems(extensions: Mapping[str, Any]) -> list[str]:
    """Say what cannot be written; only the library that writes them can tell, and few forms have any."""
    from .._pki.csr_building import requested_extensions

    try:
        requested_extensions(extensions)
    except InputError as exc:
        return list(exc.details.get("problems") or [exc.message])
    return []


def _plain(value: Any) -> Any:
    """Give a value of ``extensions`` as it is compared: members that were left out are not there."""
    if isinstance(value, Mapping):
        return {name: entry for name, entry in value.items() if entry is not None}
    return [_plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def spec_of(wish: Mapping[str, Any]) -> CsrSpec:
    """Give what the CSR of a wish is to say."""
    sans = wish["subject_alternative_names"]
    return CsrSpec(
        common_name=wish["common_name"],
        dns_names=tuple(sans["dns"]),
        ip_addresses=tuple(sans["ip"]),
        emails=tuple(sans["email"]),
        uris=tuple(sans["uri"]),
        other_names=tuple(other_names.split(text) for text in sans.get("other") or ()),
        directory_names=tuple(sans.get("directory") or ()),
        key_type=wish["key_type"],
        key_size=wish["key_size"],
        curve=wish["curve"] or "",
        hash_name=wish["hash"],
        dual_stack=wish["dual_stack"],
        extensions=wish.get("extensions") or {},
        **{name: wish[name] for name in SUBJECT},
    )
