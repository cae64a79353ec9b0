# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network settings: what CPS writes in several ways is one thing, so that nothing that is as wanted is set again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core import network_settings, vocabulary
from ansible_collections.edgecert.clm.plugins.module_utils._cps.network_wire import enrollment_words, words_to_wire

MUTUAL = "client_mutual_authentication"
OPTIONS = {"sendCaListToClient": False, "ocsp": {"enabled": False}}


def differing(wanted: dict[str, Any], at_cps: dict[str, Any]) -> list[str]:
    """Say what a call would set in an enrollment whose network configuration CPS writes so."""
    wire = {"secureNetwork": "standard-tls", "sniOnly": True, "geography": "core", "quicEnabled": False, **at_cps}
    present = network_settings.normal(enrollment_words({"networkConfiguration": wire}))
    return network_settings.differing(present, network_settings.laid_over(wanted, present))


@pytest.mark.parametrize(
    ("wanted", "at_cps"),
    [
        ({"must_have_ciphers": "ak-akamai-default"}, {}),
        ({"must_have_ciphers": "ak-akamai-default"}, {"mustHaveCiphers": None}),
        ({"must_have_ciphers": ""}, {"mustHaveCiphers": "ak-akamai-default"}),
        ({"preferred_ciphers": " ak-akamai-2020Q1 "}, {"preferredCiphers": "ak-akamai-2020q1"}),
        ({"preferred_ciphers": ""}, {"preferredCiphers": ""}),
        ({"disallowed_tls_versions": ["TLSv1_1", "TLSv1"]}, {"disallowedTlsVersions": ["TLSv1", "TLSv1_1"]}),
        ({"disallowed_tls_versions": ["TLSv1", "TLSv1"]}, {"disallowedTlsVersions": ["TLSv1"]}),
        ({"disallowed_tls_versions": ["TLSv1"]}, {"disallowedTlsVersions": ["TLSv1_0"]}),
        ({"disallowed_tls_versions": ["TLSv1"]}, {"disallowedTlsVersions": ["tlsv1"]}),
        ({"disallowed_tls_versions": []}, {"disallowedTlsVersions": None}),
        ({"disallowed_tls_versions": []}, {}),
        ({"ocsp_stapling": "not-set"}, {"ocspStapling": None}),
        ({"ocsp_stapling": "not-set"}, {}),
        ({"ocsp_stapling": "on"}, {"ocspStapling": "ON"}),
        ({"quic": False}, {"quicEnabled": None}),
        ({"quic": True}, {"quicEnabled": "true"}),
        ({"geography": "core"}, {"geography": None}),
        (
            {"dns_names": ["B.example.com", "a.example.com"]},
            {"dnsNameSettings": {"cloneDnsNames": False, "dnsNames": ["a.example.com", "b.Example.com"]}},
        ),
        ({"dns_names": []}, {"dnsNameSettings": {"cloneDnsNames": True, "dnsNames": ["a.example.com"]}}),
        ({"clone_dns_names": True}, {"dnsNameSettings": None}),
        ({"clone_dns_names": True}, {"dnsNameSettings": {"cloneDnsNames": True, "dnsNames": None}}),
        ({MUTUAL: {"set_id": ""}}, {"clientMutualAuthentication": None}),
        ({MUTUAL: {"set_id": ""}}, {"clientMutualAuthentication": {"setId": None, "authenticationOptions": None}}),
        ({MUTUAL: {"set_id": "s1"}}, {"clientMutualAuthentication": {"setId": "s1", "authenticationOptions": None}}),
        ({MUTUAL: {"ocsp": False}}, {"clientMutualAuthentication": {"setId": "s1", "authenticationOptions": OPTIONS}}),
        ({}, {"disallowedTlsVersions": ["TLSv1"], "unknownMember": 1}),
        ({"must_have_ciphers": None, "dns_names": None}, {"mustHaveCiphers": "other"}),
    ],
)
def test_what_means_the_same_is_no_difference(wanted: dict[str, Any], at_cps: dict[str, Any]) -> None:
    """No perpetual difference by absence, order, case or an old spelling."""
    assert differing(wanted, at_cps) == []


@pytest.mark.parametrize(
    ("wanted", "at_cps", "words"),
    [
        ({"must_have_ciphers": "ak-akamai-2020q1"}, {}, ["must_have_ciphers"]),
        ({"must_have_ciphers": ""}, {"mustHaveCiphers": "ak-akamai-2020q1"}, ["must_have_ciphers"]),
        ({"disallowed_tls_versions": ["TLSv1"]}, {}, ["disallowed_tls_versions"]),
        ({"disallowed_tls_versions": []}, {"disallowedTlsVersions": ["TLSv1"]}, ["disallowed_tls_versions"]),
        ({"ocsp_stapling": "off"}, {}, ["ocsp_stapling"]),
        ({"quic": True}, {}, ["quic"]),
        ({"dns_names": ["a.example.com"]}, {}, ["clone_dns_names", "dns_names"]),
        ({MUTUAL: {"set_id": "s2"}}, {"clientMutualAuthentication": {"setId": "s1"}}, [MUTUAL]),
        ({MUTUAL: {"ocsp": True}}, {"clientMutualAuthentication": {"setId": "s1"}}, [MUTUAL]),
    ],
)
def test_what_differs_is_named(wanted: dict[str, Any], at_cps: dict[str, Any], words: list[str]) -> None:
    """Nothing that is wanted otherwise is passed over."""
    assert differing(wanted, at_cps) == words


NAMES = st.sampled_from(["a.example.com", "B.example.com", "c.example.com"])
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "quic": st.booleans(),
        "geography": st.sampled_from(vocabulary.GEOGRAPHIES),
        "must_have_ciphers": st.sampled_from(["", "ak-akamai-default", "ak-akamai-2020q1"]),
        "preferred_ciphers": st.sampled_from(["", "ak-akamai-default", "AK-akamai-2020q1"]),
        "disallowed_tls_versions": st.lists(st.sampled_from(vocabulary.TLS_VERSIONS[:3])),
        "dns_names": st.lists(NAMES),
        "ocsp_stapling": st.sampled_from(vocabulary.OCSP_STAPLING),
        MUTUAL: st.fixed_dictionaries(
            {"set_id": st.sampled_from(["", "s1", "s2"])},
            optional={"send_ca_list_to_client": st.booleans(), "ocsp": st.booleans()},
        ),
    },
)


@given(SETTINGS, SETTINGS)
def test_what_was_set_is_as_wanted_afterwards(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Any settings, over any others: written to the wire and read back they differ from nothing that was asked for."""
    before = network_settings.laid_over(first, network_settings.normal({}))
    after = network_settings.laid_over(second, before)
    wire = words_to_wire(before)
    wire.update(words_to_wire({word: after[word] for word in network_settings.words_of(second)}))
    read = network_settings.normal(enrollment_words({"networkConfiguration": wire}))
    assert network_settings.differing(read, after) == []
    assert network_settings.differing(read, network_settings.laid_over(second, read)) == []
    untouched = set(network_settings.WORDS) - set(network_settings.words_of(second))
    assert set(network_settings.differing(before, read)) & untouched == set()


@pytest.mark.parametrize(
    ("wanted", "deployed", "missing"),
    [
        ({"quic": True}, {"quic": True}, []),
        ({"quic": True}, {"quic": False}, ["quic"]),
        ({"quic": True}, {"quic": None}, []),
        ({"quic": True}, {}, []),
        ({"disallowed_tls_versions": ["TLSv1"]}, {"disallowed_tls_versions": ["TLSv1_0"]}, []),
        ({"disallowed_tls_versions": ["TLSv1"]}, {"disallowed_tls_versions": []}, ["disallowed_tls_versions"]),
        ({"clone_dns_names": True, "dns_names": []}, {"dns_names": ["a.example.com", "b.example.com"]}, []),
        ({"clone_dns_names": True, "dns_names": []}, {"dns_names": ["a.example.com"]}, ["dns_names"]),
        ({"clone_dns_names": False, "dns_names": ["a.example.com"]}, {"dns_names": ["A.example.com"]}, []),
        ({MUTUAL: {"set_id": "s1", "send_ca_list_to_client": True, "ocsp": False}}, {}, []),
    ],
)
def test_a_network_is_held_against_what_is_wanted(
    wanted: dict[str, Any], deployed: dict[str, Any], missing: list[str]
) -> None:
    """U6: what it tells has to be so; what it does not tell is not asked of it."""
    assert network_settings.hidden(wanted, deployed, ("a.example.com", "b.example.com")) == missing
