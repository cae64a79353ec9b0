# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked for, what the CSR says, what the certificate says, and where they differ (E12 to E17).

Reading X.509 costs a library and time for each certificate, so this is done where it is asked for; nothing of it is
stored, as it follows from what is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from .._core.clock import from_text
from .._core.errors import InputError
from .._core.types import Certificate, CertRequest
from .._core.vocabulary import UPLOAD, curve_name
from .._store.base import Unit
from . import form, receiving
from .form_csr import SAN_KINDS, SUBJECT
from .form_places import EXTENSIONS
from .views import View

_CASELESS = ("dns", "email")
_WEAK = ("md5", "sha1")
_KEY_TYPES: Mapping[str, str] = {"RSA": "rsa", "ECDSA": "ec", "Ed25519": "ed25519"}

CA_DECIDES = "the CA decided otherwise"
LEFT_OUT = "the CA left it out"
IN_ORDER = "it is not in the CSR, and went to the CA with the order"


def of_certificate(unit: Unit, certificate: Certificate) -> View:
    """Compare a certificate with its request; of one that was found at a device only what it says is told."""
    request = unit.requests.get(certificate.request_id) if certificate.request_id else None
    if request is not None and certificate.fingerprint in ("", *request.fingerprints.values()):
        return of_request(unit, request)
    # Something else is there now than what came of the request.
    leaves = _leaves(unit, {certificate.key_algorithm: certificate.fingerprint} if certificate.fingerprint else {})
    return _compared(request, leaves)


def of_request(unit: Unit, request: CertRequest) -> View:
    """Compare a request with its CSRs and certificates, as far as there are any."""
    return _compared(request, _leaves(unit, request.fingerprints))


def _leaves(unit: Unit, fingerprints: Mapping[str, Any]) -> dict[str, str]:
    found = {algorithm: unit.pems.get(fingerprint) for algorithm, fingerprint in fingerprints.items()}
    return {algorithm: pem.leaf for algorithm, pem in found.items() if pem is not None}


def _compared(request: CertRequest | None, leaves: Mapping[str, str]) -> View:
    from .._pki import readings

    unreadable: list[str] = []

    def read(reader: Any, texts: Mapping[str, Any], what: str) -> dict[str, View]:
        found: dict[str, View] = {}
        for algorithm, text in texts.items():
            try:
                found[algorithm] = reader(str(text), f"{algorithm} {what}")
            except InputError as exc:
                unreadable.append(exc.message)
        return found

    made = {name: text for name, text in request.csrs.items() if text} if request is not None else {}
    csrs = read(readings.csr_reading, made, "CSR")
    certificates = read(readings.certificate_reading, leaves, "certificate")
    asked = asked_of(request) if request is not None else None
    found: list[View] = []
    for algorithm in dict.fromkeys((*csrs, *certificates)) if asked is not None else ():
        found += differences(asked or {}, csrs.get(algorithm), certificates.get(algorithm), algorithm)
    return {
        "asked": asked,
        "csr": csrs,
        "certificate": certificates,
        "differences": found,
        "unreadable": unreadable,
    }


def asked_of(request: CertRequest) -> View:
    """Tell what was asked for, in the words of the options; ``san_count`` counts the names (E13)."""
    wish = request.wish
    names = {kind: sorted(wish["subject_alternative_names"].get(kind) or ()) for kind in SAN_KINDS}
    days = form.lifetime_days(wish, request.created_at) if request.created_at is not None else None
    return {
        "common_name": wish["common_name"],
        "subject_alternative_names": names,
        "san_count": sum(len(entries) for entries in names.values()),
        **{name: wish.get(name) or "" for name in SUBJECT},
        "key_type": wish["key_type"],
        "dual_stack": bool(wish.get("dual_stack")),
        "key_size": wish.get("key_size"),
        "curve": wish.get("curve"),
        "hash": wish["hash"],
        "validity": {**wish["validity"], "days": days},
        "extensions": wish.get("extensions") or wish.get(EXTENSIONS) or {},
        "csr_source": request.csr_source,
        "exclude_sans": bool(wish.get("exclude_sans")),
    }


def differences(asked: View, csr: View | None, certificate: View | None, algorithm: str) -> list[View]:
    """Give what differs of one key algorithm's CSR and certificate.

    ``matters`` says that something asked for does not hold: a name, the key, the lifetime, a usage, another identity.
    What CAs leave out or choose by themselves does not matter; it is told.
    """
    found = [
        *_names(asked, csr, certificate),
        *_subject(asked, csr, certificate),
        *_key(asked, csr, certificate, algorithm),
    ]
    found += [*_hash(asked, csr, certificate), *_validity(asked, certificate), *_extensions(asked, csr, certificate)]
    return [{"algorithm": algorithm, **entry} for entry in found]


def _entry(field: str, sides: Sequence[Any], why: str, *, matters: bool) -> View:
    """Write one difference; the sides are what was asked, the CSR's and the certificate's."""
    asked, csr, certificate = sides
    return {"field": field, "asked": asked, "csr": csr, "certificate": certificate, "matters": matters, "why": why}


def _of(side: View | None, name: str) -> Any:
    """Give what a side says; None where there is no such side yet."""
    return None if side is None else side.get(name) or ""


def _folded(kind: str, names: Iterable[str]) -> set[str]:
    return {name.lower() if kind in _CASELESS else name for name in names}


def _names(asked: View, csr: View | None, certificate: View | None) -> list[View]:
    found = []
    wanted, in_csr, given = asked["common_name"], _of(csr, "common_name"), _of(certificate, "common_name")
    if in_csr not in (None, wanted) or given not in (None, wanted):
        why = (
            LEFT_OUT if not given and certificate is not None else CA_DECIDES if certificate is not None else "the CSR"
        )
        is_harmless = all(_is_near(wanted, side) for side in (csr, certificate) if side is not None)
        found.append(_entry("common_name", (wanted, in_csr, given), why, matters=not is_harmless))
    for kind in SAN_KINDS:
        sides = [_sans(asked, kind), None if csr is None else _sans(csr, kind)]
        sides.append(None if certificate is None else _sans(certificate, kind))
        plain = [None if side is None else _folded(kind, side) for side in sides]
        if all(side is None or side == plain[0] for side in plain):
            continue
        is_told_apart = plain[1] == set() and plain[2] in (None, plain[0])
        why = IN_ORDER if is_told_apart else _surplus(plain[0] or set(), plain[1] if plain[2] is None else plain[2])
        found.append(_entry(f"subject_alternative_names.{kind}", sides, why, matters=not is_told_apart))
    return found


def _is_near(wanted: str, side: View) -> bool:
    """Say whether a common name will do: in another case, or left out where it is among the names clients look at."""
    if not side.get("common_name"):
        return wanted in _folded("dns", _sans(side, "dns"))
    return bool(side["common_name"].lower() == wanted)


def _sans(side: View, kind: str) -> list[str]:
    return list(side["subject_alternative_names"].get(kind) or ())


def _surplus(wanted: set[str], given: set[str] | None) -> str:
    lacking, more = sorted(wanted - (given or set())), sorted((given or set()) - wanted)
    parts = [f"lacks {', '.join(lacking)}"] if lacking else []
    return "; ".join([*parts, *([f"has {', '.join(more)} beside what was asked for"] if more else [])])


def _subject(asked: View, csr: View | None, certificate: View | None) -> list[View]:
    found = []
    for name in SUBJECT:
        wanted, in_csr, given = asked[name], _of(csr, name), _of(certificate, name)
        if in_csr in (None, wanted) and given in (None, wanted):
            continue
        last = given if certificate is not None else in_csr
        # Nobody is told a wrong name by one that is not there.
        why = (
            LEFT_OUT if not given and certificate is not None else CA_DECIDES if certificate is not None else "the CSR"
        )
        found.append(_entry(name, (wanted, in_csr, given), why, matters=bool(last) and last != wanted))
    sides = [list(side.get("more_subject") or ()) if side is not None else None for side in (csr, certificate)]
    if any(sides):
        why = "the CSR has more than was asked for" if sides[0] else CA_DECIDES
        found.append(_entry("more_subject", ([], *sides), why, matters=bool(sides[0])))
    return found


def _key(asked: View, csr: View | None, certificate: View | None, algorithm: str) -> list[View]:
    wanted = {
        "key_type": _KEY_TYPES.get(algorithm, asked["key_type"]) if asked["dual_stack"] else asked["key_type"],
        "key_size": asked["key_size"] if algorithm == "RSA" else None,
        "curve": curve_name(asked["curve"] or "") if algorithm == "ECDSA" else None,
    }
    found = []
    for name, value in wanted.items():
        sides = [_of(csr, name), _of(certificate, name)]
        if value and any(side not in (None, value) for side in sides):
            found.append(_entry(name, (value, *sides), "the key is another one", matters=True))
    if csr is not None and certificate is not None and csr["key_id"] != certificate["key_id"]:
        why = "the certificate is not for the key of the CSR"
        found.append(_entry("key_id", ("", csr["key_id"], certificate["key_id"]), why, matters=True))
    return found


def _hash(asked: View, csr: View | None, certificate: View | None) -> list[View]:
    wanted, in_csr, given = asked["hash"], _of(csr, "hash"), _of(certificate, "hash")
    # Ed25519 brings its own, and names none.
    if in_csr in (None, "", wanted) and given in (None, "", wanted):
        return []
    why = (
        "a CA signs with the hash of its own"
        if given not in (None, "", wanted)
        else "the CSR is signed with another one"
    )
    return [_entry("hash", (wanted, in_csr, given), why, matters=given in _WEAK or in_csr in _WEAK)]


def _validity(asked: View, certificate: View | None) -> list[View]:
    given = None if certificate is None else certificate["validity"]
    if given is None or not asked["validity"].get("count"):
        return []
    begin, end = from_text(given["not_before"]), from_text(given["not_after"])
    # Months have as many days as they have from where the certificate begins.
    days = form.lifetime_days(asked, begin)
    over = (end - begin) - timedelta(days=days)
    if abs(over) <= receiving.SAME_DAY:
        return []
    is_short = over < timedelta(0)
    why = "it ends earlier than asked for" if is_short else "it lasts longer than asked for"
    matters = is_short and not asked["validity"].get("at_most")
    return [_entry("validity", ({**asked["validity"], "days": days}, None, given), why, matters=matters)]


def _extensions(asked: View, csr: View | None, certificate: View | None) -> list[View]:
    from .._pki import readings

    found = []
    for name, value in asked["extensions"].items():
        wanted = (
            {one["oid"] for one in value} if name == "custom" else set(value) if isinstance(value, list) else {value}
        )
        if name == "extended_key_usage":
            wanted = set(readings.usage_words(wanted))
        sides = [None if side is None else _extension(side, name) for side in (csr, certificate)]
        lacking = [sorted(map(str, wanted - side)) for side in sides if side is not None and wanted - side]
        if lacking:
            shown = [None if side is None else sorted(side, key=str) for side in sides]
            # Tools put key identifiers and the like into each CSR, and a CA writes its own.
            matters = name != "custom" or asked.get("csr_source") != UPLOAD
            why = f"lacks {', '.join(lacking[-1])}"
            found.append(_entry(f"extensions.{name}", (value, *shown), why, matters=matters))
    return found


def _extension(side: View, name: str) -> set[Any]:
    value = side["extensions"].get("more" if name == "custom" else name)
    return set(value) if isinstance(value, list) else {value}
