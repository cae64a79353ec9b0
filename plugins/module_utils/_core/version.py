# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's version, for the user agent; the same as in galaxy.yml, which does not travel with a module."""

from __future__ import annotations

VERSION = "0.1.0"
