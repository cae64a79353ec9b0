# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network settings of an enrollment in the words of the options: one normal form, and what differs between two.

What a remote side writes in several ways is one thing here, so that a setting that is as wanted is never set again
(cps-protocol §5.4). Pure; knows no wire name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import names, vocabulary

Settings = Mapping[str, Any]
Normal = Callable[[Any], Any]

DEFAULT_CIPHERS = "ak-akamai-default"
"""The profile that is in force where none is set; put-enrollment, version 11."""
FIXED = ("secure_network", "sni_only")
"""What an enrollment has for life."""
DNS = ("clone_dns_names", "dns_names")
MUTUAL = "client_mutual_authentication"
# Version 7 of the enrollment calls the first version so.
_TLS_ALIASES = {"TLSV1_0": "TLSv1"}


def _ciphers(value: Any) -> str:
    return str(value or "").strip() or DEFAULT_CIPHERS


def _tls_versions(value: Any) -> list[str]:
    known = {version.upper(): version for version in vocabulary.TLS_VERSIONS}
    found = [str(entry).strip() for entry in value or ()]
    return sorted({{**known, **_TLS_ALIASES}.get(entry.upper(), entry) for entry in found})


def _names(value: Any) -> list[str]:
    return sorted({str(name).strip().lower() for name in value or ()})


def _mutual(value: Any) -> dict[str, Any] | None:
    given = dict(value or {})
    set_id = str(given.get("set_id") or "").strip()
    if not set_id:
        return None
    flags = {name: bool(given.get(name)) for name in ("send_ca_list_to_client", "ocsp")}
    return {"set_id": set_id, **flags}


_NORMAL: Mapping[str, Normal] = {
    "geography": lambda value: str(value or vocabulary.GEOGRAPHIES[0]).strip().lower(),
    "quic": bool,
    "must_have_ciphers": _ciphers,
    "preferred_ciphers": _ciphers,
    "disallowed_tls_versions": _tls_versions,
    "clone_dns_names": lambda value: value is not False,
    "dns_names": _names,
    "ocsp_stapling": lambda value: str(value or "not-set").strip().lower(),
    MUTUAL: _mutual,
}
WORDS = tuple(_NORMAL)
"""What can be changed in place."""


def normal(settings: Settings) -> dict[str, Any]:
    """Give every setting in its normal form, what is absent as what is in force then.

    Absent, null and empty are one; so are a list that is a set in any order, names in any case, and no cipher profile
    and the default one. Names that are not served, because those of the certificate are, are left out.
    """
    found = {word: shape(settings.get(word)) for word, shape in _NORMAL.items()}
    if found["clone_dns_names"]:
        found["dns_names"] = []
    return {**found, **{word: settings[word] for word in FIXED if settings.get(word) is not None}}


def laid_over(given: Settings, present: Settings) -> dict[str, Any]:
    """Give the settings as they will be with what a call gives laid over what there is; what it leaves out stays.

    :param given: options, None for those left out; an empty text or list clears.
    :param present: in normal form.
    """
    told = {word: value for word, value in given.items() if value is not None}
    if told.get("dns_names") is not None and "clone_dns_names" not in told:
        told["clone_dns_names"] = not told["dns_names"]
    if isinstance(told.get(MUTUAL), Mapping):
        members = {name: value for name, value in told[MUTUAL].items() if value is not None}
        told[MUTUAL] = {**(present.get(MUTUAL) or {}), **members}
    return normal({**present, **told})


def words_of(given: Settings) -> list[str]:
    """Name the settings a call is about, in a fixed order; the two about DNS names are one."""
    told = {word for word, value in given.items() if value is not None}
    if told & set(DNS):
        told |= set(DNS)
    return [word for word in WORDS if word in told]


def differing(before: Settings, after: Settings) -> list[str]:
    """Name what differs between two settings in normal form."""
    return [word for word in WORDS if _comparable(before[word]) != _comparable(after[word])]


def is_same(one: Settings, other: Settings) -> bool:
    """Say whether two choices of settings in normal form are of the same words and mean the same."""
    return set(one) == set(other) and all(_comparable(value) == _comparable(other[word]) for word, value in one.items())


def _comparable(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def hidden(wanted: Settings, deployed: Settings, sans: tuple[str, ...] = ()) -> list[str]:
    """Name what a network is not seen to have of the settings that are wanted.

    :param wanted: some words in normal form.
    :param deployed: as a network tells them, None for what it does not tell; that it has what it does not tell cannot
        be seen and is not asked for. Client mutual authentication never is told (get-deployments).
    :param sans: names of the certificate; they are served where no others are named.
    """
    missing = []
    for word, value in wanted.items():
        told = deployed.get(word)
        if word in ("clone_dns_names", MUTUAL) or told is None:
            continue
        if word == "dns_names":
            is_seen = set(value or _names(sans)) == set(_names(told))
        else:
            is_seen = _comparable(_NORMAL[word](told)) == _comparable(value)
        if not is_seen:
            missing.append(word)
    return missing


def fixed_problems(given: Settings, present: Settings) -> list[str]:
    """Say what cannot be changed in place, a sentence each.

    :source: cps-protocol §2.4: immutable once the enrollment is there.
    """
    return [
        f"{word} is {_shown(present[word])} in the enrollment and cannot become {_shown(given[word])}: CPS never "
        "changes it; have a new enrollment under another certificate id, with allow_duplicate: true of "
        "edgecert.clm.cert_enroll"
        for word in FIXED
        if given.get(word) is not None and present.get(word) is not None and given[word] != present[word]
    ]


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def problems(given: Settings, present: Settings) -> list[str]:
    """Say what cannot be set, a sentence each; empty when everything can.

    :param given: options, None for those left out.
    :param present: as the enrollment has them, in normal form; empty where that is not known yet.
    """
    clone, dns_names = given.get("clone_dns_names"), given.get("dns_names")
    found = fixed_problems(given, present)
    if given.get("sni_only", present.get("sni_only")) is False and (clone is not None or dns_names is not None):
        found.append("clone_dns_names and dns_names go with an enrollment for SNI only; CPS refuses them in others")
    if clone and dns_names:
        found.append("clone_dns_names true serves every name of the certificate, dns_names only some: leave out one")
    if clone is False and not dns_names:
        found.append("clone_dns_names false needs dns_names, the names to be served")
    for name in dns_names or ():
        if reason := names.dns_reason(name):
            found.append(f"dns_names {name!r} {reason}")
    unknown = [v for v in _tls_versions(given.get("disallowed_tls_versions")) if v not in vocabulary.TLS_VERSIONS]
    if unknown:
        choices = ", ".join(vocabulary.TLS_VERSIONS)
        found.append(f"disallowed_tls_versions {', '.join(unknown)} unknown; CPS has {choices}")
    return [*found, *_tls_problems(given), *_mutual_problems(given, present)]


def _tls_problems(given: Settings) -> list[str]:
    if set(_tls_versions(given.get("disallowed_tls_versions"))) < set(vocabulary.TLS_VERSIONS):
        return []
    return ["disallowed_tls_versions names every version there is: no client could connect"]


def _mutual_problems(given: Settings, present: Settings) -> list[str]:
    mutual = given.get(MUTUAL)
    if mutual is None or mutual.get("set_id") is not None or present.get(MUTUAL) or not present:
        return []
    return [f"{MUTUAL}.set_id is missing: the id of a set of trust chains, made in Trust Chain Manager"]
