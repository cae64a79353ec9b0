# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a key and its CSR can be made, as data: which options go with which source, which keys can go to CPS (E6-E9).

The words of the form; knows no CA and no device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .vocabulary import ADC, CA_MADE, CSR_SOURCES, ENDPOINT, HSM, LOCAL, UPLOAD

DEFAULT = ENDPOINT

ALLOW_DUPLICATE = "allow_duplicate"
"""Option, and member of a wish, that lets CPS have another enrollment of a common name beside one that is there."""
PUSHABLE = (ENDPOINT,)
"""Sources whose certificates Akamai CPS takes: it deploys a certificate only for a key it made itself."""

WHERE: Mapping[str, str] = {
    ENDPOINT: "Akamai CPS makes the key, and it never leaves CPS",
    LOCAL: "the key is made here and kept sealed in the store",
    UPLOAD: "the key is wherever the uploaded CSR was made",
    HSM: "the key is made in a hardware security module, and stays there",
    ADC: "the key is made on an application delivery controller, and stays there",
    CA_MADE: "the CA makes the key and keeps it, and is sent no CSR",
}

DEVICE_OPTIONS: Mapping[str, tuple[str, str]] = {HSM: ("hsm", "key_handler"), ADC: ("adc", "key_reference")}
"""By source: the option that names device and key, and its member with the key's name (table 5 of the manual)."""

# Of what is no field of the form: the sources it goes with, and why with no other one.
ONLY_WITH: Mapping[str, tuple[tuple[str, ...], str]] = {
    **dict.fromkeys(
        ("take_settings", "allow_names_in_use", "from_snapshot"),
        ((ENDPOINT,), "it says what Akamai CPS makes of an enrollment"),
    ),
    "csr_extensions": ((UPLOAD,), "it says what an uploaded CSR asks for"),
}


def applies(option: str, source: str) -> bool:
    """Say whether an option goes with a source; of the form's fields their table knows."""
    if option in ONLY_WITH:
        return source in ONLY_WITH[option][0]
    # Many ask where a key can go, and few which options go with it.
    from . import fields

    return fields.applies(option, source)


def misplaced(given: Mapping[str, Any], source: str) -> list[str]:
    """Give a sentence for each option that is given and does not go with the source.

    :param given: options by name; None, False and what is empty count as left out.
    """
    from . import fields

    return fields.misplaced(given, source) + [
        f"{name} does not go with csr_source {source}: {why}; it goes with {' and '.join(sources)}"
        for name, (sources, why) in ONLY_WITH.items()
        if given.get(name) and source not in sources
    ]


def unpushable(source: str) -> str:
    """Say why a certificate of that source can never go to CPS; empty when it can."""
    if source in PUSHABLE or source not in CSR_SOURCES:
        return ""
    return (
        f"its key was made with csr_source {source} ({WHERE[source]}), and CPS takes a certificate only for a key of "
        "its own; to have it at Akamai, enrol it with csr_source: endpoint under another certificate id"
    )
