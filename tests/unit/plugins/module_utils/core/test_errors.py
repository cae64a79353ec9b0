# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the errors tell programs: which of them pass when the same call is made again."""

from __future__ import annotations

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ConflictError


@pytest.mark.parametrize(
    ("code", "helps"),
    [
        (None, True),
        ("lease_held", True),
        ("warnings_changed", True),
        ("enrollment_exists", False),
        ("certificate_exists", False),
        ("too_many_names", False),
    ],
)
def test_a_conflict_is_retryable_only_when_repeating_the_call_helps(code: str | None, helps: bool) -> None:
    failure = ConflictError("Cannot do it", code=code).failure()
    assert (failure["code"], failure["retryable"]) == (code or "conflict", helps)
