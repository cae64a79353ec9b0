# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets ``python extensions/sandbox`` run the sandbox's command line. Holds nothing else."""

from __future__ import annotations

import sys

from edgecert_sandbox.cli import main

if __name__ == "__main__":
    sys.exit(main())
