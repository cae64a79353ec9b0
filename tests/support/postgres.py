# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private PostgreSQL cluster on loopback for tests: started, handed out database by database, stopped and removed.

Knows the server's binaries and the psycopg driver; nothing of the store.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import itertools
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from ansible_collections.edgecert.clm.tests.support.ports import free_port

USER = "clm"
PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/pgsql/bin")
# A test's cluster lives for minutes: nothing has to survive a crash of the machine.
SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=60")


class NoServer(Exception):
    """There is no server to start; the text says why, for the skipped test's reason."""


@dataclass
class Cluster:
    """A running server; ``new_database`` makes an empty database in it."""

    port: int
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    def url(self, database: str) -> str:
        """Give the store URL of a database of this cluster."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "") -> str:
        """Make an empty database, or a copy of the one at a URL that nobody is connected to, and give its URL."""
        import psycopg

        name = f"clm_{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            copied = f" TEMPLATE {template.rpartition('/')[2]}" if template else ""
            connection.execute(f"CREATE DATABASE {name}{copied}".encode())
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database made here, also from under connections that a failed test left open."""
        import psycopg

        name = url.rpartition("/")[2]
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def server_binaries() -> pathlib.Path:
    """Give the folder of initdb and pg_ctl, the newest version first.

    :raises NoServer: switched off, or not on this machine, or nobody can run it.
    """
    if os.environ.get("EDGECERT_TEST_POSTGRES", "") == "off":
        raise NoServer("PostgreSQL tests are switched off by EDGECERT_TEST_POSTGRES=off")
    places = [path for pattern in PLACES for path in glob.glob(pattern)]
    places.sort(
        key=lambda path: [int(part) for part in path.replace("-", "/").split("/") if part.isdigit()], reverse=True
    )
    on_path = shutil.which("pg_ctl")
    for place in (*places, *([str(pathlib.Path(on_path).resolve().parent)] if on_path else [])):
        folder = pathlib.Path(place)
        if all(os.access(folder / name, os.X_OK) for name in ("initdb", "pg_ctl", "postgres")):
            return folder
    raise NoServer("no PostgreSQL server is installed (tools/bootstrap installs it where it may)")


def _server_user() -> str | None:
    """Give the user that runs the server where root must not; None where we are nobody special ourselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = next((name for name in ("postgres", "nobody") if name in names), None)
    if user is None:
        raise NoServer("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")
    return user


def _call(program: pathlib.Path, *arguments: str | pathlib.Path, folder: pathlib.Path, user: str | None) -> None:
    """Run a server command in a folder its user may read; its output goes to a file, which a daemon may keep open.

    :raises RuntimeError: it failed; the message holds the end of its log and the server's.
    """
    command = [str(part) for part in (program, *arguments)]
    groups: list[str | int] | None = [] if user else None
    log, server = folder / "commands.log", folder / "server.log"
    with log.open("ab") as output:
        result = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=groups,
            check=False,
        )
    if result.returncode:
        text = "".join(path.read_text(errors="replace") for path in (log, server) if path.exists())
        raise RuntimeError(f"PostgreSQL for tests: {' '.join(command)} ended with {result.returncode}:\n{text[-2000:]}")


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a cluster for the length of a ``with`` block.

    :raises NoServer: there is none to start here.
    :raises RuntimeError: it is there and did not start; the message holds its log.
    """
    binaries, user = server_binaries(), _server_user()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="clm-pg-", dir="/tmp"))
    call = functools.partial(_call, folder=folder, user=user)
    try:
        if user:
            shutil.chown(folder, user)
        data, port = folder / "data", free_port()
        words = ["-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        call(binaries / "initdb", *words, "-D", data)
        settings = ["-c listen_addresses=127.0.0.1", f"-p {port}", f"-k {folder}", *(f"-c {one}" for one in SETTINGS)]
        control = (binaries / "pg_ctl", "-D", data, "-w")
        call(*control, "-l", folder / "server.log", "-o", " ".join(settings), "start")
        try:
            yield Cluster(port)
        finally:
            call(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
