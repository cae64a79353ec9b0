# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a channel owes that people are told by."""

from __future__ import annotations

from typing import Protocol

from .._core.notices import Message


class Channel(Protocol):
    """A way to people, of which there may be several in a call.

    A channel delivers a message whole or raises, with ``is_taken`` among the details where others of it took it; it
    repeats nothing, since nobody can tell a message that was lost from
    one whose receipt was. What it says of itself and raises holds no password, no token, and no address that is one.

    :ivar key: the same for the same way from call to call, to remember what was delivered by it; tells no secret.
    :ivar shown: names it for people, as ``mail to ops@example.com``.
    """

    key: str
    shown: str

    def deliver(self, message: Message) -> None:
        """Deliver one message.

        :raises RemoteError: it was refused, or nobody knows whether it arrived.
        """
