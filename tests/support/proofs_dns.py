# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server on loopback in which a test publishes TXT records; every other name leads to loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Action
from ansible_collections.edgecert.clm.tests.support.ports import free_port

SKIP = "dnslib is not installed"


@dataclass
class Records:
    """What the server knows.

    :ivar texts: by name, lower-case, without a dot at the end; ``aliases`` likewise.
    :ivar asked: names asked for.
    """

    address: str
    texts: dict[str, list[str]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    code: int = 0

    def act(self, actions: Sequence[Action]) -> None:
        """Publish what dns-01 wants to see, and nothing else there: OpenBao asks by UDP alone, where it has to fit.

        All at once: the CA may look at it now.
        """
        wanted: dict[str, list[str]] = {}
        for action in actions:
            wanted.setdefault(action.name.lower(), []).append(action.value)
        self.texts.update(wanted)

    def resolve(self, request: Any, _handler: Any) -> Any:
        """Answer a question."""
        from dnslib import CNAME, QTYPE, RR, TXT, A

        reply, name = request.reply(), str(request.q.qname).rstrip(".").lower()
        reply.header.rcode = self.code
        self.asked.append(name)
        if name in self.aliases:
            reply.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME(self.aliases[name]), ttl=1))
        if request.q.qtype == QTYPE.TXT:
            for text in self.texts.get(name, ()):
                parts = [text[at : at + 200] for at in range(0, len(text), 200)]
                reply.add_answer(RR(name, QTYPE.TXT, rdata=TXT([one.encode() for one in parts]), ttl=1))
        elif request.q.qtype == QTYPE.A:
            reply.add_answer(RR(name, QTYPE.A, rdata=A("127.0.0.1"), ttl=1))
        return reply


@contextlib.contextmanager
def running() -> Iterator[Records]:
    """Run a server for the time of a block, by UDP and TCP."""
    server = pytest.importorskip("dnslib.server", reason=SKIP)
    port = free_port()
    records = Records(f"127.0.0.1:{port}")
    quiet = server.DNSLogger("-request,-reply,-truncated,-error", logf=lambda _text: None)
    limited = type("Limited", (server.DNSHandler,), {"udplen": 512})
    kinds = ({"tcp": False, "handler": limited}, {"tcp": True})
    parts = [server.DNSServer(records, "127.0.0.1", port, logger=quiet, **kind) for kind in kinds]
    for one in parts:
        one.start_thread()
    try:
        yield records
    finally:
        for one in parts:
            one.stop()
            one.server.server_close()
