# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a renewal asks for otherwise than the certificate it follows: which of it can be had in place, and which cannot.

Works on wishes, in the words of the module's options; reads and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core import csr_sources
from .._core.errors import InputError
from .._core.types import CertRequest
from .._core.vocabulary import curve_name
from . import form_csr
from .ports import Params
from .settings import combination

NAMES = "subject_alternative_names"
_KEY = ("key_type", "key_size", "curve", "hash", "dual_stack")
_ELSEWHERE = ("csr", "hsm", "adc", "extensions", "challenge_password")
EDITABLE = (NAMES, *form_csr.SUBJECT, *_KEY, "exclude_sans", *_ELSEWHERE)
"""What a new certificate may have otherwise than the one it follows; CPS changes it in the live enrollment."""
IMMUTABLE = ("common_name", "contract_id", "device", "validation_type", "secure_network", "vendor_certificate_type")
"""What an enrollment keeps as long as it lives; cps-protocol §2.3, §2.4."""
PARTIES = ("organization", "admin_contact", "tech_contact")
"""What of the vendor settings CPS changes at once, as it is in no certificate."""
_UNSET = (None, "")
# The place makes keys of its own measure where none is named, so naming it is no edit; it refuses every other one.
_BY_DEFAULT = ("key_size", "curve")


@dataclass(frozen=True)
class Edits:
    """What is to be edited.

    :ivar before: the values it has now, by option; empty when nothing is edited.
    :ivar after: those it is to have.
    :ivar added: DNS names that come to it, sorted; ``dropped`` those that go, ``kept`` those it has then.
    """

    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Say whether there is any edit."""
        return bool(self.before)

    @property
    def needs_certificate(self) -> bool:
        """Say whether anything of it is in a certificate."""
        return bool(set(self.before) - {"settings"})

    def view(self) -> dict[str, Any]:
        """Show them: names as those that come and go, everything else by option as it is and as it is to be."""
        others = {name: value for name, value in self.before.items() if name not in (NAMES, "settings")}
        changed = {name: {"before": value, "after": self.after[name]} for name, value in others.items()}
        if "settings" in self.before:
            was, wanted = self.before["settings"], self.after["settings"]
            changed.update(
                {
                    f"settings.{name}": {"before": dict(was[name]), "after": dict(wanted[name])}
                    for name in PARTIES
                    if was.get(name) != wanted.get(name)
                }
            )
        return {"names_added": list(self.added), "names_dropped": list(self.dropped), "changed": changed}


def between(wish: Mapping[str, Any], stored: Mapping[str, Any]) -> Edits:
    """Give in what a wish differs from the stored one; what means the same is no edit.

    :source: cps-protocol §5.4.
    """
    changed = [name for name in EDITABLE if _differs(name, wish.get(name), stored.get(name), wish, stored)]
    if any(wish["settings"].get(name) != stored["settings"].get(name) for name in PARTIES):
        changed.append("settings")
    if not changed:
        return Edits()
    now, then = set(stored[NAMES]["dns"]), set(wish[NAMES]["dns"])
    return Edits(
        before={name: stored.get(name) for name in changed},
        after={name: wish.get(name) for name in changed},
        added=tuple(sorted(then - now)),
        dropped=tuple(sorted(now - then)),
        kept=tuple(sorted(then)),
    )


def _differs(name: str, wanted: Any, found: Any, wish: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    if wanted == found or (wanted in _UNSET and found in _UNSET):
        return False
    if name in _BY_DEFAULT and wish["key_type"] == stored["key_type"]:
        return wanted not in _UNSET and found not in _UNSET and curve_name(str(wanted)) != curve_name(str(found))
    return name not in _BY_DEFAULT or wanted not in _UNSET


def settings_of(params: Params, built: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings of a renewal: those the enrollment was made with, for what was saved since is for new ones.

    :param built: of a wish just built, as saved now; of them, organization and contacts are taken where asked for.
    """
    taken = {name: built[name] for name in PARTIES} if params.get("take_settings") else {}
    return {**stored, **taken}


def names_measure(wish: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Say whether a wish names a key's measure where the stored one left it to the place: who makes it has to agree."""
    return any(wish.get(name) not in _UNSET and stored.get(name) in _UNSET for name in _BY_DEFAULT)


def of_request(request: CertRequest) -> Edits:
    """Give what a stored renewal edits; none for any other request."""
    before = request.renews.get("before")
    return between(request.wish, {**request.wish, **before}) if before else Edits()


def refuse_unused(params: Params) -> None:
    """Refuse options that mean something for what is enrolled already only.

    :raises InputError: one is given.
    """
    given = [name for name in ("take_settings", "allow_names_in_use") if params.get(name)]
    if given:
        raise InputError(f"Cannot use {' and '.join(given)} with action: enroll; they are for renew and regenerate")


def refuse_immutable(what: str, asked: Params, stored: Mapping[str, Any]) -> None:
    """Refuse another value of what an enrollment keeps as long as it lives; before settings are looked for.

    :param what: the sentence's beginning, as "Cannot renew www.example.com".
    :param asked: the options, laid over what is stored.
    :raises InputError: there is one, with code ``needs_new_enrollment``.
    """
    if asked.get("csr_source") not in csr_sources.PUSHABLE:
        _refuse_other_name(what, asked, stored)
        return
    validation_type, secure_network, vendor_certificate_type = combination(asked)
    wish = {
        "common_name": str(asked.get("common_name") or "").strip().lower(),
        "contract_id": str(asked.get("contract_id") or "").removeprefix("ctr_"),
        "device": asked.get("device"),
        "validation_type": validation_type,
        "secure_network": secure_network,
        "vendor_certificate_type": vendor_certificate_type,
    }
    differing = [name for name in IMMUTABLE if wish[name] != stored.get(name)]
    if differing:
        # Under another name there is none beside it.
        beside = "" if "common_name" in differing else " with allow_duplicate: true, as this one keeps its common name"
        shown = ", ".join(f"{name} is {stored.get(name)!r}, not {wish[name]!r}" for name in differing)
        raise InputError(
            f"{what}: CPS never changes the {' or the '.join(differing)} of an enrollment ({shown}); that needs a new "
            f"enrollment, under another certificate id{beside}",
            code="needs_new_enrollment",
            details={"differing": differing},
        )


def _refuse_other_name(what: str, asked: Params, stored: Mapping[str, Any]) -> None:
    common_name = str(asked.get("common_name") or "").strip().lower()
    if common_name != stored["common_name"]:
        raise InputError(
            f"{what}: a certificate keeps its common name ({stored['common_name']!r}, not {common_name!r}); enrol the "
            "other one under another certificate id",
            code="needs_new_certificate",
            details={"differing": ["common_name"]},
        )


def refuse_misplaced(params: Params, request: CertRequest) -> None:
    """Refuse options that do not go with the source of the key, before anything is made of them.

    :raises InputError: one is given.
    """
    found = csr_sources.misplaced(params, params.get("csr_source") or request.csr_source)
    if found:
        raise InputError.of_problems(f"Cannot {params['action']} {request.certificate_id}", found)


def refuse_other_place(what: str, wanted: str, present: str) -> None:
    """Refuse to move a certificate's key to CPS, or away from it; everywhere else it may go.

    :raises InputError: it is to be moved so.
    """
    if wanted == present or not {wanted, present} & set(csr_sources.PUSHABLE):
        return
    raise InputError(
        f"{what} with csr_source {wanted}: it was enrolled with {present}, and an enrollment at CPS keeps its keys "
        "there; enrol it under another certificate id",
        code="needs_new_enrollment",
        details={"csr_source": present},
    )
