# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site resolves references to Ansible's pages without fetching, and fails with what was said."""

from __future__ import annotations

import io
import sys

import docsite
import pytest
from sphinx.util.inventory import InventoryFile


def test_the_inventory_of_ansibles_pages_is_read_by_sphinx() -> None:
    read = InventoryFile.load(io.BytesIO(docsite.inventory()), docsite.ANSIBLE, lambda base, page: f"{base}{page}")
    label = read["std:label"]["common_return_values"]
    assert label.uri == f"{docsite.ANSIBLE}reference_appendices/common_return_values.html#common_return_values"
    assert label.display_name == "Return Values"
    assert len(read["std:label"]) + len(read["std:envvar"]) == len(docsite.ANSIBLES_OWN)


def test_only_the_complaints_of_a_tool_are_told() -> None:
    script = "import sys; print('reading'); print('x.rst:1: WARNING: undefined label'); sys.exit(1)"
    with pytest.raises(RuntimeError, match=r"cannot be built:\nx\.rst:1: WARNING: undefined label$"):
        docsite._told(sys.executable, "-c", script)
    with pytest.raises(RuntimeError, match="no such option"):
        docsite._told(sys.executable, "-c", "import sys; sys.exit('no such option')")
