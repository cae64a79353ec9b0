# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one field of the enrollment form is: where the manual has it, how it is written, what limits it.

The tables of fields are made of these; ``fields`` reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .field_rules import Rule
from .vocabulary import ADC, CA_MADE, CSR_SOURCES, ENDPOINT, HSM, LOCAL, UPLOAD

SOURCES = CSR_SOURCES
MADE_HERE = (LOCAL, HSM, ADC)
"""Those whose CSR is made for the request, and not by CPS."""
NOT_BY_CPS = (LOCAL, UPLOAD, HSM, ADC)
WITH_CSR = (ENDPOINT, *NOT_BY_CPS)
NO_CSR = {CA_MADE: "the CA makes the key itself and is sent no CSR"}
"""Why a field of the CSR does not go with a CA that is sent none."""

TEXT, LINES, SECRET, NUMBER, FLAG, CHOICE, TEXTS, MAP = (
    *("text", "lines", "secret", "number", "flag", "choice", "texts", "map"),
)

CSR, ORDER, PLACE, RECORD, AUDIT = "CSR", "CA order", "CPS enrollment", "record", "audit"

ANYTIME = "at any time"
EDIT = "by an edit in place"
DRAFT = "until it is submitted"
NEVER = "never"

GROUP = "the group's policy"
SETTINGS = "the group's policy; with ``csr_source: endpoint`` else the vendor settings"


class CaFacts(Protocol):
    """What the table asks of a CA; its ``Capabilities`` have it."""

    @property
    def san_types(self) -> tuple[str, ...]:
        """Kinds of names it takes."""

    @property
    def key_types(self) -> tuple[str, ...]:
        """Kinds of keys it takes."""

    @property
    def hashes(self) -> tuple[str, ...]:
        """Signature hashes of CSRs that make sense with it."""

    @property
    def csr_sources(self) -> tuple[str, ...]:
        """Sources it is used with."""

    @property
    def request_options(self) -> Mapping[str, Mapping[str, Any]]:
        """Options of a request that only it knows."""

    @property
    def registration_authority(self) -> bool:
        """It has a registration authority that keeps data about the holder."""


@dataclass(frozen=True)
class Offer:
    """With which CAs a field makes sense.

    :ivar has: says whether a CA takes it; ``words`` say which do, for the guide.
    :ivar refusal: why another one does not, the rest of a sentence.
    """

    has: Callable[[CaFacts], bool]
    words: str
    refusal: str


@dataclass(frozen=True)
class Field:
    """One field.

    :ivar option: of ``cert_enroll``, a member behind a dot, as ``generic.uuid``; ``[]`` marks members of a list.
    :ivar label: the manual's; ``table`` is its number there, ``7+`` for the certificate attributes, which have none,
        empty for a field of ours.
    :ivar requirement: id of the row that asks for it.
    :ivar kind: how its value is written.
    :ivar meaning: a sentence without its full stop.
    :ivar limit: most characters of a text, most bytes or members where ``unit`` says so, highest number; None for none.
    :ivar least: lowest number.
    :ivar rule: gives why a value cannot be, else an empty text; ``says`` the same in words, for people.
    :ivar loosened: a flag of the form, and the rule that holds where it is set in place of ``limit`` and ``rule``.
    :ivar whole: as ``rule``, for a mapping: whole sentences.
    :ivar checked_by: what reads the value and checks it in the same pass, by this rule and limit; empty: ``fields``.
    :ivar choices: all there are; ``narrowed`` those of a source that has fewer, with the reason under ``whys``.
    :ivar mandatory: when it has to be there, in words; empty for never. ``needed`` decides.
    :ivar sources: those it goes with; ``whys`` say why not with another.
    :ivar offer: None where every CA takes it.
    :ivar default: what holds where it is left out, in words; ``default_from`` where that comes from.
    :ivar goes_to: where its value ends up.
    :ivar changes: when it may change after the request was made.
    :ivar variable: of ``playbooks/enroll.yml``, without ``clm_``; empty where no survey asks for it.
    """

    option: str
    label: str
    table: str
    requirement: str
    meaning: str
    kind: str = TEXT
    noun: str = ""
    limit: int | None = None
    least: int | None = None
    unit: str = "characters"
    rule: Rule | None = None
    says: str = ""
    loosened: tuple[str, Rule] | None = None
    whole: Callable[[Any], list[str]] | None = None
    checked_by: str = ""
    choices: tuple[str, ...] = ()
    narrowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mandatory: str = ""
    needed: Callable[[Mapping[str, Any], str], bool] | None = None
    sources: tuple[str, ...] = SOURCES
    whys: Mapping[str, str] = field(default_factory=dict)
    offer: Offer | None = None
    default: str = ""
    default_from: str = ""
    goes_to: tuple[str, ...] = (RECORD,)
    changes: str = EDIT
    variable: str = ""

    @property
    def top(self) -> str:
        """Give the option itself, without a member."""
        return self.option.partition(".")[0].removesuffix("[]")

    @property
    def member(self) -> str:
        """Give the member of the option; empty for the option itself."""
        return self.option.partition(".")[2]


def declared(name: str) -> Offer:
    """Give the offer of an option that only CAs take that declare it."""
    return Offer(
        lambda ca: name in ca.request_options,
        "CAs whose ``capabilities.request_options`` name it",
        "is no option of it",
    )


def san(kind: str, words: str) -> Offer:
    """Give the offer of a kind of subject alternative names."""
    return Offer(lambda ca: kind in ca.san_types, f"CAs whose ``capabilities.san_types`` hold ``{kind}``", words)


REGISTRATION = Offer(
    lambda ca: ca.registration_authority,
    "CAs with a registration authority (``capabilities.registration_authority``)",
    "goes with a RA setting of the CA, and this CA has none; leave it out",
)
