# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and proxy URLs as users write them: what is taken, and each reason for what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.hosts import (
    host_reasons,
    parse_host,
    proxy_reasons,
    proxy_shown,
)


@pytest.mark.parametrize(
    ("host", "netloc"),
    [
        ("akab-x7.luna.akamaiapis.net", "akab-x7.luna.akamaiapis.net"),
        ("AKAB-X7.luna.akamaiapis.net:8443", "akab-x7.luna.akamaiapis.net:8443"),
        ("localhost:9443", "localhost:9443"),
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:443", "192.0.2.7:443"),
        ("2001:db8::1", "[2001:db8::1]"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("[2001:DB8::1]:443", "[2001:db8::1]:443"),
        ("1.2.3.example", "1.2.3.example"),
    ],
)
def test_usable_host_is_taken(host: str, netloc: str) -> None:
    """D2"""
    assert host_reasons(host) == []
    assert parse_host(host).netloc == netloc


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("", "empty"),
        ("https://akab.luna.akamaiapis.net", "scheme"),
        ("akab.luna.akamaiapis.net/", "slash"),
        ("akab.luna.akamaiapis.net/cps/v2", "slash"),
        (" akab.luna.akamaiapis.net", "blank"),
        ("akab.luna.akamaiapis.net\n", "blank"),
        ("ann@akab.luna.akamaiapis.net", "'@'"),
        ("akab.luna.akamaiapis.net?x", "query"),
        ("akab..akamaiapis.net", "empty label"),
        ("akab.akamaiapis.net.", "empty label"),
        ("akab_1.akamaiapis.net", "other than letters"),
        ("-akab.akamaiapis.net", "begins or ends"),
        ("a" * 64 + ".example.com", "64 characters"),
        (".".join(["a" * 60] * 5), "253 are allowed"),
        ("bücher.example.com", "ASCII"),
        ("akab", "fully qualified"),
        ("192.0.2", "IPv4"),
        ("192.0.2.256", "IPv4"),
        ("2001:db8::zz", "IPv6"),
        ("2001:db8:1", "IPv6"),
        ("[192.0.2.1]", "IPv6"),
        ("[2001:db8::1]x", "port"),
        ("fe80::1%eth0", "zone"),
        ("akab.example.com:0", "port"),
        ("akab.example.com:65536", "port"),
        ("akab.example.com:", "port"),
        ("akab.example.com:abc", "port"),
        (":443", "missing"),
    ],
)
def test_unusable_host_is_refused_with_its_reason(host: str, reason: str) -> None:
    """D2"""
    assert any(reason in one for one in host_reasons(host)), host_reasons(host)
    with pytest.raises(InputError, match="as device host"):
        parse_host(host, "device host")


@given(st.text(max_size=30))
def test_any_text_is_either_taken_or_refused(host: str) -> None:
    if not host_reasons(host):
        assert parse_host(host).netloc == parse_host(parse_host(host).netloc).netloc


@pytest.mark.parametrize(
    "url", ["http://proxy:3128", "http://proxy.example.com", "https://ann:p%40ss@10.0.0.1:8080/", "http://[::1]:3128"]
)
def test_usable_proxy_is_taken(url: str) -> None:
    """D4"""
    assert proxy_reasons(url) == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "http://"),
        ("proxy.example.com:3128", "http://"),
        ("socks5://geheim@proxy:1080", "http://"),
        ("http://", "no host"),
        ("http://ann:geheim@proxy:99999", "no URL"),
        ("http://ann:geheim@proxy:3128/path", "path"),
        ("http://ann:geheim@pro_xy:3128", "other than letters"),
    ],
)
def test_unusable_proxy_is_refused_without_showing_its_password(url: str, reason: str) -> None:
    """D4"""
    reasons = proxy_reasons(url)
    assert any(reason in one for one in reasons), reasons
    assert "geheim" not in " ".join(reasons)


def test_shown_proxy_has_no_password() -> None:
    assert proxy_shown("http://ann:geheim@proxy.example.com:3128") == "proxy.example.com:3128"
    assert proxy_shown("http://[::1]:3128/") == "[::1]:3128"
