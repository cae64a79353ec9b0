# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options every module has, in one table: argument spec of the modules and options of the inventory plugin.

The doc fragment ``_store`` describes the same table in words; a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import env_fallback

from .._core.vocabulary import GEOGRAPHIES, OCSP_STAPLING, SECURE_NETWORKS, TLS_VERSIONS

Spec = dict[str, Any]


@dataclass(frozen=True)
class CommonOption:
    """One common option.

    :ivar env: environment variable that stands in when the option is left out.
    :ivar has_url: a URL that may carry a password; only the password is masked in results.
    :ivar for_reading: the inventory plugin has it too.
    """

    type: str
    env: str
    no_log: bool = False
    has_url: bool = False
    for_reading: bool = True

    def to_spec(self) -> dict[str, Any]:
        """Give the entry of an argument spec."""
        return {"type": self.type, "no_log": self.no_log, "fallback": (env_fallback, [self.env])}


COMMON: Mapping[str, CommonOption] = {
    "store": CommonOption("str", "EDGECERT_STORE", no_log=True, has_url=True),
    "store_key": CommonOption("str", "EDGECERT_STORE_KEY", no_log=True),
    "store_key_file": CommonOption("path", "EDGECERT_STORE_KEY_FILE"),
    "actor": CommonOption("str", "EDGECERT_ACTOR", for_reading=False),
}

_TEXTS = {"type": "list", "elements": "str"}

_SHARED_SETTINGS: Spec = {
    **{word: {"type": "bool"} for word in ("sni_only", "quic", "clone_dns_names")},
    **{word: {"type": "str"} for word in ("must_have_ciphers", "preferred_ciphers")},
    "geography": {"type": "str", "choices": list(GEOGRAPHIES)},
    "disallowed_tls_versions": {**_TEXTS, "choices": list(TLS_VERSIONS)},
    "dns_names": _TEXTS,
    "ocsp_stapling": {"type": "str", "choices": list(OCSP_STAPLING)},
}

NEW_NETWORK: Spec = {
    "type": "dict",
    "options": {**_SHARED_SETTINGS, "client_mutual_authentication": {"type": "dict"}},
}
"""The option ``network``, for enrollments to come; its words are in the doc fragment ``_network_settings``."""

NETWORK_SETTINGS: Spec = {
    "type": "dict",
    "options": {
        **_SHARED_SETTINGS,
        "secure_network": {"type": "str", "choices": list(SECURE_NETWORKS)},
        "client_mutual_authentication": {
            "type": "dict",
            "options": {
                "set_id": {"type": "str"},
                "send_ca_list_to_client": {"type": "bool"},
                "ocsp": {"type": "bool"},
            },
        },
    },
}
"""The option ``network_settings``; the doc fragment of that name describes it in words."""

URL_OPTIONS = (*(name for name, option in COMMON.items() if option.has_url), "proxy")
"""Options of any module whose value is a URL that may carry a password."""

MIXED_OPTIONS = ("options", "attachments")
"""Options of any module that are ``no_log`` to keep a private key, pasted in by mistake, out of the system's log; in
results only such a key is masked."""


def argument_spec(own: Spec) -> Spec:
    """Join a module's own options and the common ones.

    :raises ValueError: the module names an option that is common already.
    """
    clash = sorted(set(own) & set(COMMON))
    if clash:
        raise ValueError(f"options {', '.join(clash)} are common to all modules")
    return {**own, **{name: option.to_spec() for name, option in COMMON.items()}}


def split(params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part a module's parameters into its own and the common ones."""
    own = {name: value for name, value in params.items() if name not in COMMON}
    return own, {name: params.get(name) for name in COMMON}


def reading_options(get_option: Callable[[str], Any]) -> dict[str, Any]:
    """Collect the common options of a plugin that reads the store.

    :param get_option: the plugin's own getter; it has applied environment and defaults.
    """
    return {name: get_option(name) for name, option in COMMON.items() if option.for_reading}
