# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key that a CA makes itself, as AWS Certificate Manager does: nothing is made here, and there is no CSR."""

from __future__ import annotations

from collections.abc import Sequence

from .base import KeyOrder, Obstacle, PromptKeyProvider, Reference
from .uploaded import algorithm_of


class CaMadeKey(PromptKeyProvider):
    """Stands where a key provider does; the order to the CA says what the key is to be."""

    def validate(self, order: KeyOrder) -> Sequence[str]:
        """Find nothing: what keys a CA makes it says itself."""
        return ()

    def predict(self, order: KeyOrder) -> str:
        """Say that nothing is made."""
        return f"Leave the key of {order.spec.common_name} to the CA"

    def find(self, order: KeyOrder) -> Sequence[Reference]:
        """Find nothing: there is nothing before the order."""
        return ()

    def conflicts(self, order: KeyOrder) -> Sequence[Obstacle]:
        """Find nothing in the way."""
        return ()

    def begin(self, order: KeyOrder) -> Reference:
        """Make nothing; an empty text stands for the CSR."""
        return {"label": "key made by the CA", "csrs": {algorithm_of(order.spec): ""}}
