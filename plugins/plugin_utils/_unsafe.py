# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks values from outside so that Ansible never takes them for templates, on every supported core.

A text without a brace and without a ``#``, which an override of the delimiters begins with, is no template on any core.
Such texts are handed on so that ``ansible-inventory --list`` writes them as texts: what a core holds for untrusted it
writes as a mapping, which users, and AWX, then have for a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Mark = Callable[[str], Any]


def _marker() -> Callable[[Any], Any]:
    try:
        # From core 2.19 on a text is a template only when it is marked as trusted.
        from ansible.template import trust_as_template
    except ImportError:
        # Before, it is none only when it is marked as unsafe.
        from ansible.utils.unsafe_proxy import wrap_var

        return lambda value: marked(value, _as_it_is, wrap_var)
    return lambda value: marked(value, trust_as_template, _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


def marked(value: Any, harmless: Mark, other: Mark) -> Any:
    """Mark every text at any depth.

    :param harmless: marks what can be no template; ``other`` what may be one. Names of members stay what they are
        where they are harmless.
    """
    if isinstance(value, str):
        return harmless(value) if _is_harmless(value) else other(value)
    if isinstance(value, dict):
        return {
            name if not isinstance(name, str) or _is_harmless(name) else other(name): marked(entry, harmless, other)
            for name, entry in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [marked(entry, harmless, other) for entry in value]
    return value


def _is_harmless(text: str) -> bool:
    return "{" not in text and "#" not in text


def plain_name(text: str) -> str:
    """Give a name for a host that no core ever takes for a template, and no terminal for an instruction."""
    return "".join(char if char.isprintable() and char not in "{}" else "_" for char in str.__str__(text)).strip()


make_unsafe = _marker()
"""Give a value, with everything nested in it, that is not templated."""
