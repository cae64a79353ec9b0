# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What owes who runs pre- and post-push scripts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ScriptFile:
    """A file that a script is given, gone once it ended.

    :ivar variable: environment variable that holds its path.
    :ivar name: file name, without a folder.
    """

    variable: str
    name: str
    text: str


@dataclass(frozen=True)
class ScriptCall:
    """One run of a pre- or post-push script.

    :ivar location: ``controller`` or ``device``; ``path`` is meant there.
    :ivar timeout_s: from then on it is ended.
    :ivar variables: its environment, beside the few variables every process needs.
    """

    location: str
    path: str
    timeout_s: float
    variables: Mapping[str, str]
    files: tuple[ScriptFile, ...] = ()


@dataclass(frozen=True)
class ScriptResult:
    """How a script ended.

    :ivar reason: ``unusable`` (see ``problems``), ``not_started``, ``timed_out``, ``killed`` (by a signal),
        ``exit_status`` (another one than 0); empty when it succeeded.
    :ivar message: the same as the end of a sentence that begins with the script, as "ended with exit status 3".
    :ivar exit_status: None when it did not end by itself.
    :ivar output: what it wrote to standard output and error, bounded, printable, secrets masked.
    :ivar truncated: ``output`` is not all of it.
    """

    reason: str
    message: str
    exit_status: int | None = None
    output: str = ""
    truncated: bool = False
    duration_ms: int = 0


class ScriptRunner(ABC):
    """Runs scripts on the host that runs the module (A4).

    A script sees the variables and files of its call and nothing else of the module: not its environment, which holds
    keys and credentials, not its standard input, not its working directory. It ends within its time limit and a short
    grace, whatever it does, and leaves no process of its own group behind.
    """

    @abstractmethod
    def problems(self, location: str, path: str) -> Sequence[str]:
        """Say why a script cannot be run, a sentence each; empty when it can.

        It is a regular file that may be executed; nobody but its owner and group can change it, or put another one in
        its place. One of the controller is named relative to the script library and is in it, one of the device by
        its absolute path.
        """

    @abstractmethod
    def run(self, call: ScriptCall) -> ScriptResult:
        """Run a script to its end; one with problems is not begun. Every failure is a result, none is raised."""
