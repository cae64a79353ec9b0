# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EJBCA's words in ours, without a server: base64, links, names, refusals."""

from __future__ import annotations

import base64
from datetime import datetime, timezone

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import ejbca_wire as wire
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import STATES
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REVOCATION_REASONS
from ansible_collections.edgecert.clm.plugins.module_utils._pki import pem
from ansible_collections.edgecert.clm.tests.support.csrs import SPEC
from ansible_collections.edgecert.clm.tests.support.lab_pki import make


def test_certificates_are_read_in_all_forms_that_ejbca_has() -> None:
    text = make("x").pem
    der = pem.der_of(text)
    once = base64.b64encode(der)
    forms = [once, base64.b64encode(once), base64.b64encode(text.encode()), base64.encodebytes(der)]
    assert {wire.certificate_pem(one.decode()) for one in forms} == {pem.one_certificate(text)}


@pytest.mark.parametrize("value", ["", None, "not base64!", base64.b64encode(b"hello").decode(), "MIIB"])
def test_what_is_no_certificate_is_told(value: str | None) -> None:
    with pytest.raises(InputError, match="EJBCA gave|X.509"):
        from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts

        certificate_facts(wire.certificate_pem(value))


@pytest.mark.parametrize(
    ("found", "number"),
    [
        ({"status_code": 202, "info_message": "x", "link": "https://h/v1/certificate/4711/finalize"}, "4711"),
        ({"status_code": 202, "message": "x", "links": ["https://h/v1/certificate/12/finalize?x=1"]}, "12"),
        ({"links": [{"rel": "finalize", "href": "/v1/certificate/7/finalize"}]}, "7"),
        ({"status_code": 202, "info_message": "The request 9 waits"}, ""),
        ({"link": "https://h/v1/certificate/finalize"}, ""),
        (None, ""),
    ],
)
def test_the_number_of_a_request_is_read_from_its_link(found: object, number: str) -> None:
    """ca-connectors §7: no document has that answer, so any member may hold it."""
    assert wire.request_id(found) == number


@pytest.mark.parametrize(
    ("subject_dn", "name"),
    [
        ("CN=ExampleCA,O=Sample,C=SE", "ExampleCA"),
        ("C=SE, O=Sample\\, Inc., cn=Issuing\\+1", "Issuing+1"),
        ("O=CN=none", ""),
        ("OU=x+CN=Two", "Two"),
        ("", ""),
    ],
)
def test_common_names_are_read_from_dns_in_any_order(subject_dn: str, name: str) -> None:
    assert wire.common_name(subject_dn) == name


def test_tables_have_words_of_the_vocabulary_alone() -> None:
    assert set(wire.REASONS) == set(REVOCATION_REASONS)
    assert {*wire.ENTITY_STATES.values(), *wire.ENDED.values()} <= set(STATES)
    assert set(wire.READY) <= set(wire.ENTITY_STATES)


def test_a_refusal_for_a_request_that_waits_already_is_told_from_others() -> None:
    assert wire.is_waiting_already("HTTP 400: Approval Request with id 5 already exists in database.")
    assert not wire.is_waiting_already("HTTP 400: End entity already exists")


def test_names_of_end_entities_are_what_ejbca_leaves_as_they_are() -> None:
    """E11: the certificate's id and the intent, whole, for the intent makes it the order's own."""
    order = Order(SPEC, 90, "ab" * 16, datetime(2026, 11, 30, tzinfo=timezone.utc), certificate_id="*.example.com~1;2")
    name = wire.username_of(order)
    assert name == f"wildcard.example.com-1-2-{'ab' * 16}" and wire.username_problems(name) == []
    assert wire.username_problems("Jürgen Müller, web #1 (host@example.com)") == []
    assert all(wire.username_problems(f"web{char}1") for char in ';!%`?$~<>&\\"\n\x00')
    assert "blanks at an end" in wire.username_problems(" web")[0]
    long = Order(SPEC, 90, "cd" * 16, order.at, certificate_id="x" * 300)
    assert wire.username_problems(wire.username_of(long)) == []


def test_enrolment_codes_differ_by_end_entity_and_by_account() -> None:
    codes = {wire.enrolment_code(Secret(seed), name).reveal() for seed in ("a", "b") for name in ("x", "y")}
    assert len(codes) == 4 and all(len(one) == 32 and one.isascii() for one in codes)
