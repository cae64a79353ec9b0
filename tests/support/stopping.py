# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that ends at a place without its process: quicker than a kill, where leases may be left to expire."""

from __future__ import annotations

from typing import NoReturn

from ansible_collections.edgecert.clm.tests.support.crash import Points


class Killed(BaseException):
    """Ends a run where nothing catches it."""


class Stops(Points):
    """Places at one of which the run ends."""

    def reach(self, name: str) -> None:
        """Come by a place."""
        self.names.append(name)
        if len(self.names) == self.fatal:
            self.end()

    def end(self) -> NoReturn:
        """End the run."""
        raise Killed(self.names[-1])
