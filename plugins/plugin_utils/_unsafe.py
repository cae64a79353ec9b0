# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks values from outside so that Ansible never takes them for templates, on every supported core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _marker() -> Callable[[Any], Any]:
    try:
        # From core 2.19 on, a text is a template only when it is marked as trusted; ours never is.
        from ansible.template import trust_as_template
    except ImportError:
        from ansible.utils.unsafe_proxy import wrap_var

        marker: Callable[[Any], Any] = wrap_var
        return marker
    del trust_as_template
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


make_unsafe = _marker()
"""Give a value, with everything nested in it, that is not templated."""
