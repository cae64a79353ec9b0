# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of loopback for servers that want to be told theirs before they start."""

from __future__ import annotations

import contextlib
import random
import socket

# Below those that systems give to connections and to whoever asks for any: nobody takes one of them in between.
_FIRST, _LAST = 20_000, 32_000


def free_port() -> int:
    """Give a port that nothing uses, neither by TCP nor by UDP."""
    for port in random.sample(range(_FIRST, _LAST), 200):
        with contextlib.suppress(OSError), socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as channel:
            stream.bind(("127.0.0.1", port))
            channel.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port of loopback is free")
