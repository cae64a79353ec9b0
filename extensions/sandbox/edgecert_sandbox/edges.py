# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two TLS edges: each presents by server name what its network serves now, by the TLS versions allowed there.

Knows the world only to ask it that.
"""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Sequence

from .model import Served
from .pki import Authority, Identity, server_context
from .server import Server
from .wire import Reply, Request, json_reply
from .world import World

NOT_DEPLOYED = "not deployed here"
KEPT_CONTEXTS = 256


def fingerprint(chain_pem: str) -> str:
    """Give the SHA-256 fingerprint of the first certificate, lower-case hexadecimal without colons."""
    end = "-----END CERTIFICATE-----"
    first = chain_pem.partition(end)[0] + end
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first[first.index("-----BEGIN CERTIFICATE-----") :])).hexdigest()


class Deployed:
    """The certificates one network serves, by name; read anew whenever the world says they changed."""

    def __init__(self, worlds: Sequence[World], network: str) -> None:
        self._worlds = worlds
        self._network = network
        self._generations: list[int] = []
        self._by_name: dict[str, list[Served]] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def find(self, server_name: str) -> list[Served]:
        """Give the certificates for a name, exact before wildcard; one for each kind of key, the newest wins."""
        name = server_name.lower().rstrip(".")
        with self._lock:
            self._refresh()
            return self._lookup(name)

    def context(self, server_name: str) -> ssl.SSLContext | None:
        """Give TLS settings for a name, or None when nothing is deployed for it."""
        name = server_name.lower().rstrip(".")
        with self._lock:
            self._refresh()
            if name not in self._contexts:
                found = self._lookup(name)
                if not found:
                    return None
                if len(self._contexts) >= KEPT_CONTEXTS:
                    self._contexts.clear()
                identities = [Identity(s.chain_pem, s.key_pem) for s in found]
                self._contexts[name] = server_context(identities, found[-1].disallowed_tls_versions)
            return self._contexts[name]

    def _lookup(self, name: str) -> list[Served]:
        found = self._by_name.get(name) or self._by_name.get("*." + name.partition(".")[2]) or []
        return list({served.key_algorithm: served for served in found}.values())

    def _refresh(self) -> None:
        generations = [world.generation(self._network) for world in self._worlds]
        if generations == self._generations:
            return
        by_name: dict[str, list[Served]] = {}
        for world in self._worlds:
            for served in world.served(self._network):
                for name in served.names:
                    by_name.setdefault(name, []).append(served)
        self._by_name, self._generations = by_name, generations
        self._contexts.clear()


class Edge:
    """A network's TLS edge on loopback."""

    def __init__(self, network: str, worlds: Sequence[World], *, port: int = 0) -> None:
        """Listen at once; serve after :meth:`start`.

        :param network: ``staging`` or ``production``.
        :raises OSError: the port is taken.
        """
        self.network = network
        self._deployed = Deployed(worlds, network)
        stranger = Authority(f"CPS sandbox {network} default CA")
        self._default = stranger.issue(NOT_DEPLOYED, ["not-deployed.invalid"])
        context = server_context([self._default])
        self._server = Server(self._answer, port=port, context=context, choose=self._deployed.context)

    @property
    def address(self) -> str:
        """``address:port`` it listens on."""
        return f"127.0.0.1:{self._server.port}"

    def start(self) -> None:
        """Serve in the background."""
        self._server.start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop()

    def _answer(self, request: Request) -> Reply:
        name = request.host.rsplit(":", 1)[0]
        found = self._deployed.find(name)
        shown = [{"keyAlgorithm": s.key_algorithm, "sha256": fingerprint(s.chain_pem)} for s in found]
        body = {"network": self.network, "name": name, "certificates": shown or NOT_DEPLOYED}
        return json_reply(200, body)
