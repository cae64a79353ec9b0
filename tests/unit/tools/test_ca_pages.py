# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page on options of CA accounts says what the tables of the CA connectors say."""

from __future__ import annotations

import re

import ca_pages


def test_the_page_is_what_the_tables_make() -> None:
    assert ca_pages.PAGE.read_text(encoding="utf-8") == ca_pages.text(), "run tools/ca_pages.py"


def test_every_option_of_every_ca_is_on_the_page() -> None:
    """C: an option that no account can be given is on no page, and one that it can is."""
    text = ca_pages.text()
    common = text.partition("\n``acme``\n")[0]
    for kind, options in ca_pages.tables().items():
        section = re.split(r"\n``\w+``\n---", text.partition(f"\n``{kind}``\n")[2])[0]
        assert [name for name in options if f"``{name}``" not in section + common] == [], kind


def test_what_a_type_lacks_is_said() -> None:
    text = ca_pages.text()
    own = text.partition("\n``own_ca``\n")[2].partition("\n``vault_pki``\n")[0]
    assert "it lacks ``ca_path``" in own
