# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a regeneration brings back: the enrollment as a snapshot has it (U5), or what is missing of a dual stack (E10).

Reads records alone. That names, subject or keys are other ones in a snapshot makes them edits like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._core.errors import InputError, StateError
from .._core.snapshots import Snapshot
from .._core.types import Certificate, CertRequest
from .._store.base import Unit
from . import dual_stack, edits
from .ports import Params
from .snapshots import FILLED, PREVIOUS, form_of, named, parties_of, refuse_filled


@dataclass(frozen=True)
class Return:
    """What a call, or a draft that it goes on with, brings back.

    :ivar adds: key algorithms of the certificates that are missing, where only those are wanted.
    :ivar restores: ``snapshot_id`` and ``enrollment``; empty for none. ``filled`` are the options that it fills.
    :ivar is_one: it is a return, though there may be nothing to be brought back; ``told`` says why not.
    """

    is_one: bool = False
    told: str = ""
    adds: tuple[str, ...] = ()
    restores: Mapping[str, Any] | None = None
    filled: Mapping[str, Any] | None = None

    def on(self, request: CertRequest, parent: CertRequest) -> CertRequest:
        """Give a new successor with what it brings back.

        :raises InputError: it adds a certificate of another CA than that of the one that stays.
        """
        if self.adds:
            dual_stack.refuse_other_ca(request, parent)
            return dual_stack.adding(request, parent)
        if self.restores:
            # They come back along with the rest: what is kept here is what CPS has then.
            settings = request.wish["settings"]
            wish = {**request.wish, "settings": {**settings, **parties_of(self.restores["enrollment"], settings)}}
            return replace(request, wish=wish, renews={**request.renews, "restores": dict(self.restores)})
        return request

    @property
    def has_work(self) -> bool:
        """Say whether there is something to be brought back."""
        return self.is_one and not self.told

    def refuse_edits(self, what: str, edited: edits.Edits) -> None:
        """Refuse to edit more than the snapshot does.

        :param what: the sentence's beginning, as "Cannot regenerate www.example.com".
        :raises InputError: more is to be edited.
        """
        others = [name for name in edited.before if name not in (self.filled or {})]
        if self.is_one and others:
            kind = "only_missing" if self.filled is None else "from_snapshot"
            raise InputError(
                f"{what} with another {', '.join(others)} and {kind}, which edits nothing else; do one after the other",
                code="return_differs",
                details={"differing": others},
            )


NONE = Return()


def wanted(
    params: Params, certificate: Certificate, parent: CertRequest, draft: CertRequest | None, unit: Unit
) -> Return:
    """Give what a call brings back.

    What was rolled forward has the certificate from before as its previous one again, and must not go to and fro: what
    was made from a snapshot is not made from it again.

    :param draft: the draft that the call goes on with, which brings back what it was made for.
    :raises NotFoundError: there is no such snapshot.
    :raises InputError: the call names what the draft's snapshot fills.
    :raises StateError: the draft was made for something else.
    """
    if draft is not None:
        refuse_other(draft, params)
        found = _of_draft(draft)
        if found.restores:
            refuse_filled(params)
        return found
    word = params.get("from_snapshot")
    if word:
        made_from = (parent.renews.get("restores") or {}).get("snapshot_id")
        if made_from and word in (made_from, PREVIOUS):
            told = f"was made from {made_from} already; to go back further, name a snapshot"
            return Return(is_one=True, told=f"{certificate.certificate_id} {told}", filled={})
        return _of_snapshot(named(unit, certificate, word), parent)
    if params.get("only_missing"):
        missing = dual_stack.missing(parent)
        there = " and ".join(parent.fingerprints)
        told = f"nothing is missing of {certificate.certificate_id}: {there} is there, as it was asked for"
        return Return(is_one=True, told="" if missing else told, adds=tuple(missing))
    return NONE


def _of_snapshot(back: Snapshot, parent: CertRequest) -> Return:
    restored = {"snapshot_id": back.snapshot_id, "enrollment": dict(back.enrollment)}
    return Return(is_one=True, restores=restored, filled=form_of(back, parent.wish))


def _of_draft(draft: CertRequest) -> Return:
    restored = draft.renews.get("restores")
    filled = {name: draft.wish[name] for name in FILLED} if restored else None
    adds = tuple(draft.renews.get("adds") or ())
    return Return(is_one=bool(restored or adds), adds=adds, restores=restored, filled=filled)


def refuse_other(request: CertRequest, params: Params) -> None:
    """Refuse to go on with a regeneration, open or a draft, of another kind than this call asks for.

    :raises StateError: it goes back to no snapshot, or adds nothing, and this call does.
    """
    word, restored = params.get("from_snapshot"), (request.renews.get("restores") or {}).get("snapshot_id")
    is_other = bool(word) and (restored is None or word not in (restored, PREVIOUS))
    if is_other or (params.get("only_missing") and not dual_stack.is_addition(request)):
        raise other_is_open(request, f"{params['action']} (with {'from_snapshot' if is_other else 'only_missing'})")


def other_is_open(request: CertRequest, action: str) -> StateError:
    """Give the refusal of an action beside a request that does another one."""
    return StateError(
        f"Cannot {action} {request.certificate_id}: request {request.request_id} to {request.action} it is "
        f"{request.state}; let it end, or cancel it with edgecert.clm.cert_workflow",
        code="request_open",
        details={"request_id": request.request_id, "state": request.state},
    )
