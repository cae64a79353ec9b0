# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the warnings a change waits on, and acknowledging those that were decided on and no others.

Decides nothing; knows no policy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .._core.errors import ConflictError, RemoteError
from .._core.types import Notice
from .change_calls import ChangeCalls
from .changes import InputKind, ValidationMessage
from .errors import RemoteNotFound
from .warning_match import known_id
from .warnings import recognise


def read_notices(client: ChangeCalls, kind: InputKind, enrollment_id: int, change_id: int) -> tuple[Notice, ...]:
    """Read the warnings a change waits on; empty when they vanished meanwhile, so the change has gone on."""
    try:
        return recognise(client.get_warnings(kind, enrollment_id, change_id))
    except RemoteNotFound:
        return ()


def notices_of(warning: ValidationMessage) -> tuple[Notice, ...]:
    """Take a validation warning apart; one whose words are not known may be known by its code."""
    found = recognise(warning.text)
    known = known_id(warning.code or "")
    if len(found) == 1 and not found[0].code:
        return (Notice(known, found[0].text),)
    return found or (Notice(known, warning.code or ""),)


class Shown:
    """The warnings that changes were seen to wait with, as long as that was a moment ago.

    :param clock: gives seconds that never go back.
    """

    MOMENT_S = 2.0

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, int], tuple[float, tuple[Notice, ...]]] = {}

    def read(self, client: ChangeCalls, kind: InputKind, enrollment_id: int, change_id: int) -> tuple[Notice, ...]:
        """Read the warnings, and remember them."""
        found = read_notices(client, kind, enrollment_id, change_id)
        self._seen[kind.info, change_id] = (self._clock(), found)
        return found

    def taken(self, kind: InputKind, change_id: int) -> tuple[Notice, ...]:
        """Give what was read a moment ago, once: who asks answers it; empty where it was not."""
        at, found = self._seen.pop((kind.info, change_id), (float("-inf"), ()))
        return found if self._clock() - at <= self.MOMENT_S else ()


def acknowledge_notices(
    client: ChangeCalls,
    kind: InputKind,
    enrollment_id: int,
    change_id: int,
    notices: Sequence[Notice],
    *,
    shown: Sequence[Notice] = (),
) -> bool:
    """Acknowledge warnings that were decided on.

    :param shown: those that were read directly before; empty reads them.
    :returns: False when CPS did not wait for it any more, or did not take it.
    :raises ConflictError: there is another one by now.
    """
    current = shown or read_notices(client, kind, enrollment_id, change_id)
    if not current:
        return False
    unseen = [notice.text for notice in current if notice not in notices]
    if unseen:
        raise ConflictError(
            f"Cannot acknowledge the warnings of change {change_id}: there are new ones ({'; '.join(unseen)}); "
            "run again to decide on them",
            code="warnings_changed",
        )
    try:
        client.acknowledge(kind, enrollment_id, change_id)
    except RemoteError as exc:
        # CPS went on by itself between reading and acknowledging; the next look tells where it stands.
        if exc.status not in (404, 409):
            raise
        return False
    return True
