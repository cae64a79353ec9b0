# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How keys in a token are named: labels for people, ids that say whose a key is and for which request it was made.

The label is the key handler name; ``.rsa`` and ``.ecdsa`` follow where a dual stack has both, and the generation from
the second on: ``www``, ``www.2``, ``www.rsa.3``. The id (CKA_ID, 20 bytes) is a mark, a digest of certificate and
handler, and a digest of request and algorithm: a run after one that was killed finds its key by it, and nobody takes
another's.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

# "CLM" and the number of this layout.
_MARK = b"CLM\x01"
_OWNER_BYTES, _REQUEST_BYTES = 6, 10
_GENERATION = re.compile(r"\.([1-9][0-9]{0,5})")


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()


@dataclass(frozen=True)
class TokenNames:
    """The names of one request's keys.

    :ivar handler: key handler name.
    :ivar certificate_id: whose keys they are; ``request_id`` who has them made.
    """

    handler: str
    certificate_id: str
    request_id: str

    @property
    def owner_prefix(self) -> bytes:
        """Give how the ids of all keys of this certificate and handler begin."""
        return _MARK + _digest(self.certificate_id, self.handler)[:_OWNER_BYTES]

    def id_of(self, algorithm: str) -> bytes:
        """Give the id of the key that this request makes."""
        return self.owner_prefix + _digest(self.request_id, algorithm)[:_REQUEST_BYTES]

    def is_ours(self, key_id: bytes) -> bool:
        """Say whether a key was made for this certificate under this handler."""
        return key_id.startswith(self.owner_prefix)

    def base(self, algorithm: str, *, is_dual: bool) -> str:
        """Give the label of the first generation."""
        return f"{self.handler}.{algorithm.lower()}" if is_dual else self.handler

    def label(self, algorithm: str, generation: int, *, is_dual: bool) -> str:
        """Give the label of a generation, from 1."""
        base = self.base(algorithm, is_dual=is_dual)
        return base if generation == 1 else f"{base}.{generation}"

    def generation(self, algorithm: str, label: str) -> int:
        """Read the generation off a label; 1 where it says none."""
        for base in (self.base(algorithm, is_dual=True), self.handler):
            if label.startswith(f"{base}."):
                found = _GENERATION.fullmatch(label.removeprefix(base))
                return int(found[1]) if found else 1
        return 1


def is_marked(key_id: bytes) -> bool:
    """Say whether a key was made by this collection, for whatever certificate."""
    return key_id.startswith(_MARK) and len(key_id) == len(_MARK) + _OWNER_BYTES + _REQUEST_BYTES
