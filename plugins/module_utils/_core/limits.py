# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits that several parts go by, apart from the table of fields: most calls need a number, and not the table."""

from __future__ import annotations

MAX_TEXT = 255
MAX_LINES = 2000
MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE_NAME = 64
MAX_ATTRIBUTE = 1024
MAX_BYTES = 1024 * 1024
"""Bytes of an attachment."""
MAX_FILES = 20
"""Attachments of a certificate."""
MAX_KEY_NAME = 64
"""Characters of the name a key is made under in a token."""
MAX_KEY_REFERENCE = 101
"""The same on a controller: the 128 of a BIG-IP without the ending of the longest file; others take fewer."""
TOKEN_RSA_BITS = (2048, 3072, 4096, 8192)
"""Sizes of RSA keys that are asked of a token, and those that controllers make; one may make fewer."""
ADC_RSA_BITS = (2048, 3072, 4096)
