# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of controllers: described as the module documents them, checked before any traffic, all at once."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_base import ADC
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_registry import device_type
from ansible_collections.edgecert.clm.plugins.modules import key_device
from ansible_collections.edgecert.clm.tests.support import adc

KINDS = ("f5_bigip", "netscaler")
LOGIN = {"user": "clm", "password": "Some-Pass-1"}


def problems(kind: str, options: dict[str, Any], secrets: dict[str, str]) -> list[str]:
    """Prepare where it is refused, and give the problems."""
    with pytest.raises(InputError) as raised:
        device_type(kind, adc.tools()).prepare("lb1", options, secrets)
    return list(raised.value.details["problems"])


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_completed_and_texts_of_templates_are_read(kind: str) -> None:
    """E8: a template hands numbers and booleans over as text."""
    maker = device_type(kind, adc.tools())
    given = {"host": "lb1.example.com:8443", "timeout": "30", "validate_certs": "no", "proxy": ""}
    prepared = maker.prepare("lb1", given, LOGIN)
    assert (prepared["timeout"], prepared["validate_certs"]) == (30, False)
    assert "proxy" not in prepared
    assert maker.prepare("lb1", prepared, LOGIN) == prepared
    assert maker.kind == ADC
    described = {name for name, entry in maker.options().items() if not entry["secret"]}
    assert set(prepared) <= described


@pytest.mark.parametrize("kind", KINDS)
def test_every_problem_is_told_at_once(kind: str) -> None:
    """D2, E8: host, numbers, paths, proxy, unknown words and missing secrets."""
    bad = {
        "host": "https://lb1",
        "timeout": "soon",
        "ca_path": "ca.pem",
        "validate_certs": "maybe",
        "proxy": "http://me:secret-word@proxy.example.com:3128",
        "colour": "red",
    }
    found = problems(kind, bad, {"pin": "1234", "user": "clm"})
    text = "\n".join(found)
    for word in ("scheme", "timeout", "ca_path", "validate_certs", "proxy_url", "colour", "pin", "password missing"):
        assert word in text
    assert "secret-word" not in text
    assert len(found) == 8


@pytest.mark.parametrize("kind", KINDS)
def test_host_is_needed(kind: str) -> None:
    """Told once, by itself."""
    assert problems(kind, {}, LOGIN) == ["host is missing; it says where the device's management is"]


@pytest.mark.parametrize(
    ("options", "secrets"),
    [
        ({}, LOGIN),
        ({}, {"token": "Some-Token"}),
        ({"token_env": "LB_TOKEN"}, {}),
        ({"user_env": "LB_USER", "password_env": "LB_PASSWORD"}, {}),
        ({"password_env": "LB_PASSWORD"}, {"user": "clm"}),
        ({}, {**LOGIN, "proxy_url": "http://me:word@proxy.example.com:3128"}),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_credentials_come_stored_or_by_the_environment(
    kind: str, options: dict[str, str], secrets: dict[str, str]
) -> None:
    """As AWX injects them."""
    prepared = device_type(kind, adc.tools()).prepare("lb1", {"host": "lb1.example.com", **options}, secrets)
    assert all(prepared[name] == value for name, value in options.items())


@pytest.mark.parametrize("kind", KINDS)
def test_secret_with_a_line_break_is_refused_without_showing_it(kind: str) -> None:
    """It would end a header."""
    (found,) = problems(kind, {"host": "lb1.example.com"}, {"token": "Tok\r\nX-Evil: 1"})
    assert "Evil" not in found
    assert "line break" in found


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        ("f5_bigip", "partition", "Common/edge"),
        ("f5_bigip", "partition", "x'; rm -rf /"),
        ("f5_bigip", "security_type", "soft"),
        ("f5_bigip", "save_config", "perhaps"),
        ("netscaler", "directory", "/etc"),
        ("netscaler", "directory", "/nsconfig/ssl/../x"),
        ("netscaler", "san_separator", ";"),
    ],
)
def test_own_options_are_checked(kind: str, option: str, value: str) -> None:
    """Nothing of them may mean something else in a shell, a path or a query."""
    (found,) = problems(kind, {"host": "lb1.example.com", option: value}, LOGIN)
    assert found.startswith(option)


@pytest.mark.parametrize("kind", KINDS)
def test_module_documents_every_option_and_secret(kind: str) -> None:
    """Each stands in the documentation by its name, with its default and its choices."""
    text = key_device.DOCUMENTATION
    for name, entry in device_type(kind, adc.tools()).options().items():
        assert f"C({name})" in text, name
        for choice in entry.get("choices", ()):
            assert f"V({choice})" in text, (name, choice)


@pytest.mark.parametrize("kind", KINDS)
def test_building_the_keys_of_a_device_opens_no_connection(kind: str) -> None:
    """abilities, validate and predict need none."""
    maker = device_type(kind, adc.tools())
    prepared = maker.prepare("lb1", {"host": "lb1.invalid.example.com"}, LOGIN)
    keys = maker.connect("lb1", prepared, {name: Secret(text) for name, text in LOGIN.items()})
    assert keys.abilities().can_reuse
    assert keys.validate(adc.order()) == []
    assert "lb1.invalid.example.com" in keys.predict(adc.order())
    assert "the newest key shop, or with a new RSA key" in keys.predict(adc.order(reuse=True))
    assert keys.calls_ahead(adc.order(), "begin", 60.0) == (0, 0)
