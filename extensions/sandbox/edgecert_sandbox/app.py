# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole sandbox put together: worlds, gateway, servers, edges, and the files in its state directory."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import auth
from .admin import Admin, checked_config
from .clock import SandboxClock, iso
from .control import STATE_NAME, Running, write_private, write_state
from .edges import Edge
from .faults import Faults
from .gateway import CallLog, Gateway
from .limits import Limits, LimitSettings
from .model import NETWORKS, WorldConfig
from .name_server import NameServer
from .pki import SERVER_NAMES, Authority, server_context
from .server import Server
from .wire import Reply, Request
from .world import World

# Seconds a step takes: at once; the engine's own few seconds; about what CPS takes.
PACES: dict[str, dict[str, float]] = {
    "instant": dict.fromkeys(
        (
            "pre_verification_s",
            "csr_s",
            "verify_s",
            "staging_s",
            "production_s",
            "lag_s",
            "empty_input_s",
            "deprovision_s",
            "dns_lag_s",
        ),
        0.0,
    ),
    "quick": {},
    "real": {
        "pre_verification_s": 20.0,
        "csr_s": 60.0,
        "verify_s": 60.0,
        "staging_s": 900.0,
        "production_s": 1800.0,
        "lag_s": 5.0,
        "empty_input_s": 5.0,
        "deprovision_s": 900.0,
        "dns_lag_s": 30.0,
    },
}
PARTNER_CONTRACTS = ["P-1ABCDEF"]


@dataclasses.dataclass(frozen=True)
class ServeOptions:
    """What ``serve`` was told.

    :ivar skew_s: seconds the gateway's clock is ahead of the machine's.
    :ivar pace: a key of :data:`PACES`.
    :ivar settings: further settings of the change engine, by their names in :class:`WorldConfig`.
    """

    state_dir: Path
    port: int = 0
    admin_port: int = 0
    staging_port: int = 0
    production_port: int = 0
    name_server_port: int = 0
    host_name: str = "localhost"
    limits: LimitSettings = dataclasses.field(default_factory=LimitSettings)
    pace: str = "quick"
    contracts: tuple[str, ...] = ()
    seed: int = 0
    skew_s: float = 0.0
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Sandbox:
    """A sandbox that listens from the moment it is made and serves after :meth:`start`."""

    def __init__(self, options: ServeOptions) -> None:
        """Make the sandbox.

        :raises OSError: a port is taken or the state directory cannot be written.
        :raises ValueError: a setting is unknown or of a wrong kind.
        """
        self._options = options
        self._stop = threading.Event()
        authority = Authority("CPS sandbox CA")
        context = server_context([authority.issue("CPS sandbox API", SERVER_NAMES)])
        self._api = Server(self._call, port=options.port, context=context, now=self.now)
        self.host = f"{options.host_name}:{self._api.port}"
        self.clock = SandboxClock()
        self._worlds = self._make_worlds()
        self.clients = auth.make_clients()
        self._gateway = Gateway(
            worlds=self._worlds,
            gate=auth.Gate(self.clients, self.now, host_names=frozenset(SERVER_NAMES)),
            limits=Limits(lambda: self.clock.now().timestamp(), options.limits),
            faults=Faults(),
            calls=CallLog(),
            now=self.now,
            pause=self._stop.wait,
        )
        ports = {"staging": options.staging_port, "production": options.production_port}
        self.edges = [Edge(network, list(self._worlds.values()), port=ports[network]) for network in NETWORKS]
        self._names = NameServer([world.dns for world in self._worlds.values()], port=options.name_server_port)
        self._token = secrets.token_urlsafe(24)
        admin = Admin(self._token, self._worlds[auth.MAIN_ACCOUNT], self.clock, self._gateway, self._stop.set)
        self._admin = Server(admin.handle, port=options.admin_port)
        self._servers: list[Server | Edge | NameServer] = [self._api, self._admin, self._names, *self.edges]
        self._ca_pem = authority.pem

    def now(self) -> float:
        """Give the gateway's clock: the machine's and the skew; it is not moved with the engine's and the limits'."""
        return time.time() + self._options.skew_s

    def start(self) -> Running:
        """Seed, serve, write the files; the state file comes last and says that all is ready."""
        if self._options.seed:
            self._worlds[auth.MAIN_ACCOUNT].seed(self._options.seed)
        for server in self._servers:
            server.start()
        folder = self._options.state_dir
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ca.pem").write_text(self._ca_pem, encoding="ascii")
        write_private(folder / "edgerc", auth.edgerc_text(self.clients, self.host))
        running = Running(
            pid=os.getpid(),
            host=self.host,
            admin_url=f"http://127.0.0.1:{self._admin.port}",
            admin_token=self._token,
            ca_path=str(folder / "ca.pem"),
            edgerc=str(folder / "edgerc"),
            edges={edge.network: edge.address for edge in self.edges},
            name_server=self._names.address,
            started_at=iso(datetime.now(timezone.utc)),
        )
        write_state(folder, running)
        return running

    def wait(self) -> None:
        """Serve until told to stop."""
        while not self._stop.wait(3600):
            pass

    def stop(self) -> None:
        """Tell the sandbox to stop; safe in a signal handler."""
        self._stop.set()

    def close(self) -> None:
        """Stop listening and take back the files that say it runs."""
        self._stop.set()
        for name in (STATE_NAME, "edgerc", "sandbox.pid"):
            with contextlib.suppress(OSError):
                (self._options.state_dir / name).unlink(missing_ok=True)
        for server in self._servers:
            server.stop()

    def _call(self, request: Request) -> Reply | None:
        return self._gateway.handle(request)

    def _make_worlds(self) -> dict[str, World]:
        options = self._options
        settings = checked_config({**PACES[options.pace], "base_url": f"https://{self.host}", **options.settings})
        main = WorldConfig(**settings)
        if options.contracts:
            main.contracts = list(options.contracts)
        partner = WorldConfig(
            **{**settings, "account_id": "A-PARTNER", "account_name": "Partner Account"},
        )
        partner.contracts = list(PARTNER_CONTRACTS)
        return {auth.MAIN_ACCOUNT: World(main, self.clock), auth.PARTNER_ACCOUNT: World(partner, self.clock)}
