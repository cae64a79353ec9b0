# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the enrollment form to a wish: defaults, names, lifetimes and choices checked before any traffic (E9–E15, E21).

A *wish* is JSON-ready and in the words of the module's options; it is what a request keeps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from .._core import csr_sources, validity, vocabulary
from .._core.errors import ClmError, InputError, NotFoundError, PolicyError
from .._store.base import Unit
from . import form_csr, form_extras, form_places
from .ports import Params

if TYPE_CHECKING:
    from .._core.field_records import CaFacts

# What may change while a request is open or done: it is in no CSR and no order.
METADATA = ("description", "ca_connector_name", "warnings", "allow_missing", *form_extras.EXTRAS)
_DERIVED = ("settings",)
# What an uploaded CSR says of the form.
_OF_CSR = (
    *("common_name", "subject_alternative_names", "key_type", "key_size", "curve", "hash"),
    *form_csr.SUBJECT,
)
_Read = TypeVar("_Read")
_STAMP = "%Y%m%dT%H%M%SZ"


def certificate_id(params: Params, unit: Unit, now: datetime) -> str:
    """Give the certificate's id (E21): as named; by default the common name; for an empty one with a timestamp.

    Whether a named one can be an id is checked with the rest of the form.
    """
    named, common_name = params.get("certificate"), str(params["common_name"]).strip().lower()
    if named is None:
        return common_name
    if named.strip():
        return str(named)
    stamped = re.compile(re.escape(common_name) + r"-\d{8}T\d{6}Z")
    # The same task run again means the certificate it made before, not one more.
    earlier = [r.certificate_id for r in unit.requests.find() if stamped.fullmatch(r.certificate_id)]
    return max(earlier) if earlier else f"{common_name}-{now.strftime(_STAMP)}"


def build(
    params: Params,
    unit: Unit,
    now: datetime,
    *,
    capabilities: Callable[[], CaFacts] | None = None,
    also: Sequence[str] = (),
) -> dict[str, Any]:
    """Make the wish of a new request.

    :param capabilities: gives those of the CA that is to sign; None where that is not asked again.
    :param also: what is wrong with the form beside its wish, as with attachments, to be told in the same breath.
    :raises InputError: everything wrong with the form, at once.
    :raises NotFoundError: no device, or no settings of the combination (S5).
    """
    source, problems, of_csr = form_places.source_of(params), list(also), list[str]()
    missing: list[ClmError] = []
    place = _known(lambda: form_places.place_of(params, unit, problems), missing) or form_places.UNKNOWN
    # What is saved for an endpoint that cannot be read may say what the form leaves out.
    is_known = not missing or source != vocabulary.ENDPOINT
    is_made = source not in (vocabulary.UPLOAD, vocabulary.CA_MADE) and is_known
    wish: dict[str, Any] = {
        "common_name": (params.get("common_name") or "").strip().lower(),
        **form_csr.names_of(params, of_csr),
        **form_csr.subject_of(params, place.organization, of_csr, is_made=is_made),
        **form_csr.key_of(params, problems),
        **form_csr.more_of(params, problems),
        "validity": _validity(params, problems),
        **place.wish,
        "description": params.get("description") or "",
        "ca_connector_name": params.get("ca_connector_name") or params["ca"],
        "warnings": _warnings(params),
        "allow_missing": bool(params.get("allow_missing")),
        **form_extras.extras(params, problems),
    }
    problems += _said_by_csr(of_csr) if source == vocabulary.UPLOAD else of_csr
    facts = _known(capabilities, missing) if capabilities is not None else None
    problems += _field_problems(params, wish, facts, None if problems else now, is_known=is_known)
    _refuse(f"Cannot enrol {wish['common_name'] or 'a certificate'}", problems, missing)
    return wish


def _refuse(what: str, problems: Sequence[str], missing: Sequence[ClmError]) -> None:
    """Refuse a form with all that is wrong with it; what is missing keeps its own code where it is all there is."""
    if len(missing) == 1 and not problems:
        raise missing[0]
    if not missing and not problems:
        return
    whole = InputError.of_problems(what, [*problems, *(exc.message for exc in missing)])
    if problems:
        raise whole
    # All of it is missing: the first one says of what kind that is.
    first = missing[0]
    raise type(first)(whole.message, code=first.code, details={**first.details, **whole.details})


def _known(read: Callable[[], _Read], missing: list[ClmError]) -> _Read | None:
    """Read what the store or a CA knows; what is not there is told with the rest of the form."""
    try:
        return read()
    except (NotFoundError, InputError, PolicyError) as exc:
        missing.append(exc)
        return None


def _said_by_csr(problems: Sequence[str]) -> list[str]:
    return [f"{problem} (the uploaded CSR says so; make a new CSR)" for problem in problems]


def _field_problems(
    params: Params, wish: Mapping[str, Any], facts: CaFacts | None, at: datetime | None, *, is_known: bool
) -> list[str]:
    """Hold the form, filled by its wish, against the tables of fields.

    :param facts: of the CA that is to sign; None leaves out what it decides.
    :param at: from when its lifetime counts; None where that cannot be read.
    :param is_known: whether the place of the key could be read; what it would have filled in is no problem else.
    """
    # Everything that works on requests has this file, and few of them read a form.
    from .._core import fields

    found: list[str] = []
    source = form_places.source_of(params)
    if wish["auto_renew"] or wish["auto_regenerate"]:
        found = _automatic_problems(wish, source, lifetime_days(wish, at) if at is not None else None)
    ca = f"CA account {params['ca']}"
    # Attributes as they were given: the wish writes their names as texts.
    whole = {**params, **wish, "attributes": params.get("attributes")}
    left = () if is_known else [name for name in (*form_csr.SUBJECT, *form_places.UNKNOWN.wish) if not params.get(name)]
    rows = [row for row in fields.ROWS if row.top not in left]
    found += fields.source_problems(source, facts, ca) if facts is not None else []
    # What does not go with the source was told where the place was read.
    of_csr = [row for row in rows if source == vocabulary.UPLOAD and row.top in _OF_CSR]
    others = [row for row in rows if row not in of_csr]
    found += _said_by_csr(fields.problems(whole, source, facts, asked={}, ca=ca, rows=of_csr))
    return found + fields.problems(whole, source, facts, asked={}, ca=ca, rows=others)


def overlaid(params: Params, stored: Mapping[str, Any], source: str = csr_sources.DEFAULT) -> dict[str, Any]:
    """Lay the options given now over the wish of an earlier request, for comparing.

    :param source: of the earlier request; where the call names another one, what belongs to that is not kept.
    """
    given = {name: value for name, value in params.items() if value is not None}
    wanted = given.get("csr_source") or source
    kept = {name: value for name, value in stored.items() if name not in _DERIVED}
    # What did not go with the source of before says nothing, as a subject that is empty.
    kept = {name: value for name, value in kept.items() if csr_sources.applies(name, source)}
    kept = {name: value for name, value in kept.items() if csr_sources.applies(name, wanted)}
    if given.get("key_type") not in (None, stored.get("key_type")):
        # The measure of a key goes with the kind it was given for.
        kept = {name: value for name, value in kept.items() if name not in ("key_size", "curve")}
    return {**kept, **given, **form_extras.laid_over(given, kept), "csr_source": wanted}


def changed_metadata(wish: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Give the metadata in which a wish differs from the stored one; none and not there yet are the same."""

    def text(value: Any) -> str:
        # As JSON, where true and 1 are two values.
        return json.dumps(value, sort_keys=True) if value else ""

    return {name: wish[name] for name in METADATA if text(wish[name]) != text(stored.get(name))}


def differences(wish: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    """Name the options in which two wishes differ."""
    # What the CSR says beside the options is no other wish where the CSR is the same; older wishes do not tell it.
    keys = (set(wish) | set(stored)) - {*_DERIVED, form_places.EXTENSIONS}
    return sorted(key for key in keys if wish.get(key) != stored.get(key) and not _is_same_curve(key, wish, stored))


def _is_same_curve(option: str, wish: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Say whether two wishes name one curve; older ones have it as it was typed."""
    names = [str(one.get("curve") or "") for one in (wish, stored)]
    return option == "curve" and vocabulary.curve_name(names[0]) == vocabulary.curve_name(names[1])


def lifetime_days(wish: Mapping[str, Any], at: datetime) -> int:
    """Give the asked-for lifetime in days from a moment."""
    return validity.days_from(at, validity.read_validity(wish["validity"]))


def _validity(params: Params, problems: list[str]) -> dict[str, Any]:
    given = params.get("validity") or {"count": 90, "unit": "days"}
    try:
        read = validity.read_validity(given)
    except InputError as exc:
        problems.append(exc.message)
        return dict(given)
    # Only where it is asked for: a wish is compared by value, and most have none.
    return {"count": read.count, "unit": read.unit, **({"at_most": True} if given.get("at_most") else {})}


def _automatic_problems(wish: Mapping[str, Any], source: str, days: int | None) -> list[str]:
    # Most forms say nothing of it and need not pay for it.
    from . import renewal

    return renewal.problems(
        wish["auto_renew"],
        wish["auto_regenerate"],
        lifetime_days=days,
        csr_source=source,
        reuses_key=bool(wish.get("reuse_key")),
    )


def _warnings(params: Params) -> dict[str, list[str]]:
    """Check the lists of the warning policy and keep them as given."""
    given = params.get("warnings") or {}
    lists = {name: list(given.get(name) or ()) for name in ("allow", "ask", "block")}
    if any(lists.values()):
        from .decisions import policy_of

        policy_of(lists)
    return lists
