# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a challenge password (E16); no sentence of it ever quotes one."""

from __future__ import annotations

MAX_LENGTH = 255


def problems(password: str, confirmation: str | None) -> list[str]:
    """Give everything that is wrong with a challenge password, as sentences.

    :param confirmation: the same once more; None where it was left out.
    :source: spec, Table 8, "Challenge Password" and "Confirm Password"; RFC 2985 §5.4.1 for the length.
    """
    lacking = [
        kind
        for kind, is_there in (
            ("an upper-case letter", any(char.isupper() for char in password)),
            ("a lower-case letter", any(char.islower() for char in password)),
            ("a digit", any(char.isdigit() for char in password)),
            ("a special character", any(not char.isalnum() for char in password)),
        )
        if not is_there
    ]
    found = [f"challenge_password lacks {', '.join(lacking)} (E16)"] if lacking else []
    if len(password) > MAX_LENGTH:
        found.append(f"challenge_password has {len(password)} characters, {MAX_LENGTH} are allowed")
    if not (password.isascii() and password.isprintable()):
        found.append("challenge_password has a character that is no visible ASCII; some CAs cannot read such a one")
    if confirmation is None:
        found.append("challenge_password_confirm is missing; give the password there once more")
    elif confirmation != password:
        found.append("challenge_password_confirm is not the same as challenge_password")
    return found
