# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why and when a certificate is due for a new one: pure checks on records, the time handed in (E3, E4).

Knows no store and no CA; what the CA asks for comes in as a hint. Acting on what is due is the caller's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from .._core.governance import Group
from .._core.types import Certificate

if TYPE_CHECKING:
    from .._ca.base import RenewalHint

HINT = "ca_hint"
"""Member of a certificate's automatic renewal: what its CA said about the time."""
RENEW, REGENERATE = "renew", "regenerate"
# A regeneration brings a new key with the new certificate, so it covers a renewal that is due at the same time.
KINDS = (REGENERATE, RENEW)

WINDOW_OPEN = "window_open"
LIFE_SPENT = "life_spent"
CA_ASKS = "ca_asks"
EXPIRED = "expired"

# Where nobody named days: begin when this share of the life is left, and in a short life with more of it left, as a
# third of a few days leaves no time to notice that a renewal failed and to mend it.
SHARE_LEFT, SHORT_SHARE_LEFT = 1 / 3, 1 / 2
SHORT_LIFE = timedelta(days=10)
# No window opens before this share of the life has passed. A third lets 30 days of a 47-day certificate, the longest
# that public trust allows from 2029 on, stand as asked; and a window longer than the life brings three times the
# certificates that are needed, not one with every look.
SHARE_LIVED = 1 / 3
# A CA may ask for a renewal far earlier, as before a revocation; one that always asks for it "now" is not followed
# from certificate to certificate with every look.
SETTLED = timedelta(hours=6)
SETTLED_SHARE = 1 / 4


@dataclass(frozen=True)
class Due:
    """What a certificate is due for.

    :ivar action: ``renew`` or ``regenerate``.
    :ivar since: when it became due, UTC.
    :ivar reason: ``window_open`` (the days before its end that were asked for), ``life_spent`` (nobody asked for
        days), ``ca_asks`` or ``expired``.
    :ivar message: the same as a sentence.
    """

    action: str
    since: datetime
    reason: str
    message: str


@dataclass(frozen=True)
class _Opening:
    """The moment a certificate becomes due, and why then; most are only compared, so the sentence comes when asked."""

    at: datetime
    reason: str
    why: Callable[[], str]


def due(certificate: Certificate, group: Group, now: datetime, *, hint: RenewalHint | None = None) -> Due | None:
    """Say what a certificate is due for; None when for nothing, or nobody asked for it to happen by itself.

    Regenerating is for valid certificates alone (E4); an expired one can still be renewed, and that is said.

    :param now: current time, UTC.
    :param hint: what the CA asks for, if it does.
    :source: spec, Table 4; that regenerating goes before renewing when both are due is our reading.
    """
    for kind in KINDS:
        opening = _opening(certificate, group, hint, kind)
        if opening is None or certificate.not_after is None or now < opening.at:
            continue
        end = to_text(certificate.not_after)
        if now <= certificate.not_after:
            return Due(kind, opening.at, opening.reason, f"it ends {end}; {opening.why()}")
        if kind == RENEW:
            return Due(kind, opening.at, EXPIRED, f"it ended {end} and was not renewed in time; {opening.why()}")
    return None


def is_local_forced(certificate: Certificate) -> bool:
    """Say whether key and CSR of each regeneration are to be made here (E4)."""
    return bool(certificate.auto_regenerate.get("enabled") and certificate.auto_regenerate.get("force_local_csr"))


def next_at(certificate: Certificate, group: Group, *, hint: RenewalHint | None = None) -> datetime | None:
    """Give when a certificate becomes, or became, due; None when never.

    A moment that has passed while ``due`` gives None is that of an expired certificate which is only regenerated.
    """
    openings = (window_opens(certificate, group, hint, kind) for kind in KINDS)
    return min((at for at in openings if at is not None), default=None)


def window_opens(certificate: Certificate, group: Group, hint: RenewalHint | None, kind: str) -> datetime | None:
    """Give when a certificate becomes due for one kind, or None when it never does by itself.

    The earlier of two moments: the window's and the CA's. The window begins the days before the end that the
    certificate names, else those its group names, else when a third of the life is left (half of it in a life under
    ten days); but not before a third of the life has passed, so that a window longer than the life renews once in
    each certificate's life and not in a loop.

    :param kind: ``renew`` or ``regenerate``.
    :source: spec, Table 4, "Start Renewing" and "Start Regenerating". The latter "may exceed the validity of
        short-lived certificates": our reading is that it is accepted then, and means as early as possible.
    """
    opening = _opening(certificate, group, hint, kind)
    return opening.at if opening else None


def problems(
    auto_renew: Mapping[str, Any] | None,
    auto_regenerate: Mapping[str, Any] | None,
    *,
    lifetime_days: int | None,
    csr_source: str,
    reuses_key: bool = False,
) -> list[str]:
    """Give what cannot be used of the options ``auto_renew`` and ``auto_regenerate``, as sentences.

    :param lifetime_days: of the certificate asked for; None when the CA decides.
    :param reuses_key: a renewal may have the same key, and so the same CSR.
    :source: requirements E3, E4. A regeneration may begin earlier than a short life lasts, a renewal may not.
    """
    renew, regenerate = auto_renew or {}, auto_regenerate or {}
    found = [*_range_problems("auto_renew", renew), *_range_problems("auto_regenerate", regenerate)]
    days = renew.get("days_before") if renew.get("enabled") and not _range_problems("auto_renew", renew) else None
    if days is not None and lifetime_days is not None and days >= lifetime_days:
        found.append(
            f"auto_renew: days_before {days} is no less than the certificate's life of {lifetime_days} days, so it "
            "would be due as soon as it is issued; give fewer days, or none for a share of its life"
        )
    if csr_source == "upload":
        found += _upload_problems(bool(renew.get("enabled")) and not reuses_key, regenerate)
    return found


def toggle_problems(certificate: Certificate | None, asked: Mapping[str, Any] | None, now: datetime) -> list[str]:
    """Say why automatic regeneration cannot be turned on for a certificate; one that has it on may keep it.

    :param certificate: None, or without a life so far, where it is still asked for.
    :param asked: the option ``auto_regenerate``.
    :param now: UTC.
    :source: requirement E4: for valid certificates alone.
    """
    if certificate is None or not (asked or {}).get("enabled") or certificate.auto_regenerate.get("enabled"):
        return []
    end = certificate.not_after
    if certificate.state == "issued" and end is not None and now <= end:
        return []
    why = f"ended {to_text(end)}" if certificate.state == "issued" and end is not None else f"is {certificate.state}"
    return [
        f"auto_regenerate cannot be turned on: the certificate {why}, and only a valid one is regenerated by itself "
        "(E4); have a new one with action: renew, and give auto_regenerate with that"
    ]


def _upload_problems(renews_anew: bool, regenerate: Mapping[str, Any]) -> list[str]:
    """Say which toggles would wait for somebody to upload a CSR, each time."""
    found = []
    if renews_anew:
        found.append(
            "auto_renew does not go with csr_source upload alone: nobody uploads a new CSR by itself; give reuse_key: "
            "true to have the same CSR signed again"
        )
    if regenerate.get("enabled") and not regenerate.get("force_local_csr"):
        found.append(
            "auto_regenerate does not go with csr_source upload alone: nobody uploads a new CSR by itself; give "
            "force_local_csr: true to have key and CSR made here then"
        )
    return found


def inherited(parent: Certificate, *, automatic: bool) -> dict[str, Any]:
    """Give the settings that a successor gets from the certificate it follows; none where a person asked for it.

    What the CA said about the time of a renewal is about that certificate, and stays with it.

    :param automatic: the toggle made the successor; the caller turns it off on the parent then.
    :source: spec, Table 4; requirements E3, E4.
    """
    if not automatic:
        return {}
    settings = {"auto_renew": parent.auto_renew, "auto_regenerate": parent.auto_regenerate}
    kept = {name: {key: one for key, one in value.items() if key != HINT} for name, value in settings.items()}
    return {name: value for name, value in kept.items() if value}


def _range_problems(option: str, setting: Mapping[str, Any]) -> list[str]:
    days = setting.get("days_before")
    if days is None:
        return []
    # What is due is asked far more often than what a form says of it.
    from .._core import fields

    reason = fields.reason(f"{option}.days_before", days)
    return [f"{option}: days_before {reason}"] if reason else []


def _opening(certificate: Certificate, group: Group, hint: RenewalHint | None, kind: str) -> _Opening | None:
    setting = certificate.auto_renew if kind == RENEW else certificate.auto_regenerate
    begin, end = certificate.not_before, certificate.not_after
    if not setting.get("enabled") or begin is None or end is None:
        return None
    # Only what is in use: pending ones have no certificate yet, a superseded or revoked one is not to come back, nor
    # is one on hold while it is, a vanished one has no place any more, and what has a successor was renewed.
    if certificate.state != "issued" or certificate.successor:
        return None
    days = setting.get("days_before") or group.renewal_window_days
    window = _by_days(begin, end, days) if days else _by_share(begin, end)
    asked = _by_hint(certificate.fingerprint, begin, end, hint) if hint else None
    return min((o for o in (window, asked) if o is not None), key=lambda opening: opening.at)


def _by_days(begin: datetime, end: datetime, days: int) -> _Opening:
    wanted, earliest = end - timedelta(days=days), begin + (end - begin) * SHARE_LIVED
    if wanted >= earliest:
        return _Opening(wanted, WINDOW_OPEN, lambda: f"its window of {days} days opened {to_text(wanted)}")

    def why() -> str:
        opened = f"it opened {to_text(earliest)}, when a third had passed"
        return f"its window of {days} days is most of its life, so {opened}"

    return _Opening(earliest, WINDOW_OPEN, why)


def _by_share(begin: datetime, end: datetime) -> _Opening:
    """Give the moment when it is time by the share of the life that is left.

    :source: our reading of the common practice, which Let's Encrypt advises and certbot follows.
    """
    is_short = end - begin < SHORT_LIFE
    at = end - (end - begin) * (SHORT_SHARE_LEFT if is_short else SHARE_LEFT)
    share = "half" if is_short else "a third"
    return _Opening(at, LIFE_SPENT, lambda: f"{share} of its life was left at {to_text(at)}")


def _by_hint(fingerprint: str, begin: datetime, end: datetime, hint: RenewalHint) -> _Opening | None:
    """Give a moment of the time that the CA suggests, or None when it suggests nothing that can be used.

    RFC 9773 wants it drawn at random, so that not all come at once. Drawn from the fingerprint it differs as well,
    and stays the same with every look.

    :source: RFC 9773 §4.2; a time that ends before it begins counts as no answer.
    """
    if hint.until is not None and hint.until <= hint.at:
        return None
    draw = int.from_bytes(hashlib.sha256(fingerprint.encode("utf-8")).digest()[:4], "big") / 2**32
    chosen = hint.at + ((hint.until or hint.at) - hint.at) * draw
    at = max(chosen, begin + min(SETTLED, (end - begin) * SETTLED_SHARE))
    return _Opening(at, CA_ASKS, lambda: f"its CA asks for a renewal from {to_text(at)} on ({hint.source})")
