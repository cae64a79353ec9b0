# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the page on options of CA accounts from the tables of the CA connectors; a test compares it with those."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from common import TOP

from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import connector_type, type_names

PAGE = TOP / "docs" / "docsite" / "rst" / "fields_ca_account.rst"
# An option that so many kinds of CAs have, and mean the same by, is told once.
MANY = 8
Options = Mapping[str, Mapping[str, Any]]

HEAD = """\
.. Copyright: (c) 2026, the edgecert.clm authors
   GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
   SPDX-License-Identifier: GPL-3.0-or-later

.. Written by tools/ca_pages.py from the tables in the code; change those, and run it.

.. _ansible_collections.edgecert.clm.docsite.fields_ca_account:

The options of CA accounts
==========================

What ``options`` and ``secrets`` of ``ca_account`` take, by the type of the account; the default is in bold. An option
left out keeps what is stored; an unknown one is refused with those there are. How each CA is set up is in
:ref:`Certificate authorities <ansible_collections.edgecert.clm.docsite.guide_cas>`, with an example; what a request may
say beside, in ``capabilities.request_options`` of the account.

.. contents::
   :local:
   :depth: 1
"""
TABLE = """
.. list-table::
   :header-rows: 1
   :widths: 24 14 22 40

   * - Option
     - Kind
     - Default, or one of
     - What it is
"""


def tables() -> dict[str, Options]:
    """Give the options of each type."""
    return {name: connector_type(name).options() for name in type_names()}


def shared(all_options: Mapping[str, Options]) -> dict[str, Mapping[str, Any]]:
    """Give the options that many types have alike."""
    names = sorted({name for options in all_options.values() for name in options})
    found = {}
    for name in names:
        alike = [options[name] for options in all_options.values() if name in options]
        if len(alike) >= MANY and all(one == alike[0] for one in alike):
            found[name] = alike[0]
    return found


def _choices(option: Mapping[str, Any]) -> str:
    default = option.get("default")
    listed = [f"**{one}**" if one == default else str(one) for one in option.get("choices") or ()]
    if listed:
        return ", ".join(listed)
    if isinstance(default, bool):
        return str(default).lower()
    return f"``{default}``" if default not in (None, "") and default != () and default != [] else ""


def _rows(options: Options) -> Iterator[str]:
    for name, option in sorted(options.items()):
        kind = "secret" if option.get("secret") else str(option["type"])
        needed = ", required" if option.get("required") else ""
        default = _choices(option)
        yield f"   * - ``{name}``\n     - {kind}{needed}\n     -{f' {default}' if default else ''}\n"
        yield f"     - {option['description']}\n"


def text() -> str:
    """Give the page."""
    all_options = tables()
    common = shared(all_options)
    parts = [HEAD, _section("Options that most types have", common)]
    for kind, options in all_options.items():
        own = {name: option for name, option in options.items() if name not in common}
        lacking = [f"``{name}``" for name in common if name not in options]
        parts.append(_section(f"``{kind}``", own))
        if lacking:
            parts.append(f"\nOf those that most types have, it lacks {', '.join(lacking)}.\n")
    return "".join(parts)


def _section(title: str, options: Options) -> str:
    return f"\n{title}\n{'-' * len(title)}\n{TABLE}{''.join(_rows(options))}"


def main() -> int:
    """Write the page."""
    PAGE.write_text(text(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(TOP)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
