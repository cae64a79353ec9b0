# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a CA can take and do, as data: nowhere outside a CA's own file is its name tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .._core.vocabulary import HASHES

NATIVE = "native"
REENROLL = "reenroll"
NONE = "none"
WAYS_ON = (NATIVE, REENROLL, NONE)
"""How a renewal or reissue is ordered: by a call of its own, by a new order, not at all."""

FIND_EXACT = "exact"
FIND_HARMLESS = "harmless"
FIND_TOKEN = "token"
FINDS = (FIND_EXACT, FIND_HARMLESS, FIND_TOKEN, NONE)
"""After a lost answer: the CA can be asked; a second order costs nothing and harms nobody; the same order sent again is
the same to the CA, for a while; none of these, so that what was signed may be found, and nothing can be ruled out."""

VALIDITY_UNITS = ("seconds", "days", "months", "terms", "profile")
"""What lifetimes are counted in; ``profile``: the CA decides, whatever is asked for."""

CSR_SOURCES = ("endpoint", "local", "upload", "hsm", "adc")


@dataclass(frozen=True)
class Capabilities:
    """What a CA can take and do; what it cannot is said to the user before anything is sent.

    :ivar is_public: its roots are trusted by browsers, so the validity limits of public trust hold.
    :ivar is_immediate: ``submit`` answers with the certificate itself, normally.
    :ivar renew: of ``WAYS_ON``; ``reissue`` the same, for another key of the same order.
    :ivar renew_refusal: why ``renew`` is ``none``, as a sentence.
    :ivar revoke_reasons: of ``vocabulary.REVOCATION_REASONS``; empty when it cannot revoke.
    :ivar can_cancel: an order that is not signed yet can be taken back.
    :ivar find: of ``FINDS``.
    :ivar asking_orders: ``collect`` of an order that waits may order once more, at a server that forgot it: it is asked
        for as it was ordered, under an intent, and looked for once an answer was lost.
    :ivar can_adopt: an order can be taken over by the id it has at the CA.
    :ivar csr_is_truth: names come from the CSR alone, so a CSR without them is refused.
    :ivar san_types: of ``dns``, ``ip``, ``email``, ``uri``, ``other``, ``directory``.
    :ivar key_types: of ``rsa``, ``ec``, ``ed25519``.
    :ivar hashes: what CSRs may be signed with.
    :ivar csr_sources: of ``CSR_SOURCES``; the seed's limits, which the account's option of that name overrides. ``ca``
        stands there alone for a CA that makes the key itself, and takes no CSR.
    :ivar validity: of ``VALIDITY_UNITS``; ``max_validity_days`` is None when the CA itself decides.
    :ivar request_options: options of a request it takes, as ``{name: {required, choices_from, description}}``.
    :ivar choices: the kinds of lists it can be asked for.
    :ivar dcv_methods: of ``answer_base.ACTION_KINDS``: how control of a domain may have to be proved.
    :ivar may_need_approval: an order may wait for a person at the CA.
    :ivar chain_with_root: its answers hold the root, which is taken out before the certificate goes anywhere.
    :ivar gives_renewal_hints: ``renewal_hint`` is worth asking; it costs a call.
    :ivar registration_authority: it takes the fields that are for a registration authority alone (Table 10).
    """

    is_public: bool
    is_immediate: bool
    renew: str = REENROLL
    reissue: str = REENROLL
    renew_refusal: str = ""
    revoke_reasons: tuple[str, ...] = ()
    can_cancel: bool = False
    find: str = NONE
    asking_orders: bool = False
    can_adopt: bool = False
    csr_is_truth: bool = False
    san_types: tuple[str, ...] = ("dns",)
    key_types: tuple[str, ...] = ("rsa", "ec")
    hashes: tuple[str, ...] = HASHES
    csr_sources: tuple[str, ...] = CSR_SOURCES
    validity: str = "days"
    max_validity_days: int | None = None
    request_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    dcv_methods: tuple[str, ...] = ()
    may_need_approval: bool = False
    chain_with_root: bool = False
    gives_renewal_hints: bool = False
    registration_authority: bool = False

    def shown(self) -> dict[str, Any]:
        """Give them JSON-ready, for users."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
