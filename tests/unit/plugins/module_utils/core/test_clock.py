# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as text, on every Python that the collection runs on."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core import clock
from ansible_collections.edgecert.clm.plugins.module_utils._http import retry
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Response

NOON = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)


class OldDatetime(datetime):
    """What Python before 3.11 takes."""

    @classmethod
    def fromisoformat(cls, date_string: str) -> OldDatetime:
        """Refuse what came later: Z, offsets without a colon, fractions of other lengths."""
        if not re.fullmatch(r"[\d-]{10}(T[\d:]{5,8}(\.(\d{3}|\d{6}))?([+-]\d\d:\d\d)?)?", date_string):
            raise ValueError(f"Invalid isoformat string: {date_string!r}")
        return super().fromisoformat(date_string)


@pytest.fixture(params=["old", "new"])
def _python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "old":
        monkeypatch.setattr(clock, "datetime", OldDatetime)


TEXTS = ["12:00:00Z", "12:00:00z", "12:00:00", "12:00:00+0000", "13:30:00+0130", "07:00:00-0500", "14:00:00+02:00"]


@pytest.mark.usefixtures("_python")
@pytest.mark.parametrize("text", [*TEXTS, "12:00:00.0Z", "12:00:00.000000000+0000"])
def test_offsets_are_read_with_a_colon_and_without(text: str) -> None:
    """Servers write +0000 as often as +00:00; a repeated call waits for the same moment."""
    assert clock.from_text(f"2026-11-30T{text}") == NOON
    told = Response(429, {"retry-after": f"2026-11-30T{text}"}, b"")
    asked = NOON.replace(hour=11)
    assert retry.wait_told(told, asked, retry.RetryPolicy(margin_s=0.0)) == 3600.0


@pytest.mark.usefixtures("_python")
@pytest.mark.parametrize("text", ["", "soon", "2026-11", "30-11-2026", "+0000", "2026-11-30T12:00:00+00000"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """Bad input."""
    with pytest.raises(ValueError, match="Invalid isoformat string"):
        clock.from_text(text)
