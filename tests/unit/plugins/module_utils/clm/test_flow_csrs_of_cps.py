# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CSR that CPS hands out is held against what was asked for before a CA sees it (E9, U6).

The sandbox makes good ones; what it gives is changed on its way here.
"""

from __future__ import annotations

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StateError
from ansible_collections.edgecert.clm.plugins.module_utils._keys.base import CsrAnswer, CsrReady, Reference
from ansible_collections.edgecert.clm.plugins.module_utils._keys.endpoint import EndpointKeys
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, make_csr
from ansible_collections.edgecert.clm.tests.support.flow import Bench


def handed_out(monkeypatch: pytest.MonkeyPatch, pem: str) -> None:
    """Have CPS hand out one CSR in place of its own."""
    collect = EndpointKeys.collect

    def changed(keys: EndpointKeys, reference: Reference) -> CsrAnswer:
        answer = collect(keys, reference)
        return CsrReady(dict.fromkeys(answer.csrs, pem)) if isinstance(answer, CsrReady) else answer

    monkeypatch.setattr(EndpointKeys, "collect", changed)


def test_a_csr_for_other_names_is_not_ordered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """U6: the request has failed, and says what is wrong with the CSR."""
    bench.prepare()
    handed_out(monkeypatch, make_csr(KEYS["rsa"](), ("other.example.com",), "other.example.com"))
    with pytest.raises(StateError, match="the RSA CSR cannot be used: .*other.example.com") as caught:
        bench.enroll(key_type="rsa")
    assert caught.value.code == "csr_unusable" and "order_sent" not in bench.audit()


def test_a_new_csr_that_has_the_old_key_is_not_ordered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """E4: a key that was to be another one is not quietly kept."""
    made = bench.issued(key_type="rsa").record
    assert made is not None
    bench.push(network="production")
    handed_out(monkeypatch, made["csrs"]["RSA"])
    with pytest.raises(StateError, match="the RSA CSR has the key of the certificate it is to follow") as caught:
        bench.enroll_action("regenerate", bench.name(), force=True, wait=True, wait_timeout=900)
    assert caught.value.code == "csr_reused"
