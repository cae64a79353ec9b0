# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CSR that was made elsewhere (E7): held against what is asked for, and handed on as it is. Has no key."""

from __future__ import annotations

from collections.abc import Sequence

from .._core.csr_spec import CsrSpec
from .base import CsrAnswer, CsrReady, CsrRefused, KeyOrder, Obstacle, PromptKeyProvider, Reference


class UploadedCsr(PromptKeyProvider):
    """The CSR of one request; ``KeyOrder.place`` holds it as ``csr``, PEM."""

    def validate(self, order: KeyOrder) -> Sequence[str]:
        """Give every reason why the CSR cannot be used for what is asked for."""
        from .._pki.csr import wanted_problems
        from .._pki.x509 import csr_facts

        found = wanted_problems(csr_facts(str(order.place["csr"]), "uploaded CSR"), order.spec)
        problems = [f"the uploaded CSR cannot be used: {problem}" for problem in found]
        if order.challenge_password:
            problems.append("challenge_password cannot be put into a CSR that is made already")
        return problems

    def predict(self, order: KeyOrder) -> str:
        """Say which CSR is taken."""
        return f"Take the uploaded CSR {_fingerprint(order)[:16]} for {order.spec.common_name}"

    def find(self, order: KeyOrder) -> Sequence[Reference]:
        """Find nothing: taking a CSR leaves nothing anywhere."""
        return ()

    def conflicts(self, order: KeyOrder) -> Sequence[Obstacle]:
        """Find nothing in the way."""
        return ()

    def begin(self, order: KeyOrder) -> Reference:
        """Take the CSR."""
        from .._pki.pem import one_csr

        pem = one_csr(str(order.place["csr"]))
        return {"label": "uploaded CSR", "csrs": {algorithm_of(order.spec): pem}, "fingerprint": _fingerprint(order)}

    def collect(self, reference: Reference) -> CsrAnswer:
        """Give the CSR back."""
        csrs = dict(reference.get("csrs") or {})
        return CsrReady(csrs) if csrs else CsrRefused("the request holds no uploaded CSR")


def algorithm_of(spec: CsrSpec) -> str:
    """Name the key algorithm of an order by the word of its option."""
    from .._pki.csr import ALGORITHM_OF_KEY_TYPE

    return ALGORITHM_OF_KEY_TYPE[spec.key_type]


def _fingerprint(order: KeyOrder) -> str:
    from .._pki.x509 import csr_facts

    return csr_facts(str(order.place["csr"]), "uploaded CSR").fingerprint
