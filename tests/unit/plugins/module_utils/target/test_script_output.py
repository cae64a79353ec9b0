# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a script's output: bounded, printable, and no secret in it, whole or in part (A4)."""

from __future__ import annotations

import itertools

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ansible_collections.edgecert.clm.plugins.module_utils._target.script_output import (
    KEPT_CHARACTERS,
    BoundedOutput,
    printable,
)

SECRET = "correct-horse-battery-staple"


def kept(*pieces: bytes, secrets: frozenset[str] = frozenset([SECRET])) -> tuple[str, bool]:
    output = BoundedOutput(secrets)
    for piece in pieces:
        output.feed(piece)
    return output.text()


@pytest.fixture(scope="module")
def key() -> str:
    made = rsa.generate_private_key(65537, 4096)
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_lines(key: str) -> list[str]:
    return key.splitlines()[1:-1]


def test_a_short_output_is_kept_whole() -> None:
    assert kept(b"one\n", b"two\n") == ("one\ntwo\n", False)
    assert kept() == ("", False)


@pytest.mark.parametrize("size", [KEPT_CHARACTERS, KEPT_CHARACTERS + 1, 40_000, 66_000, 70_000, 500_000])
@pytest.mark.parametrize("step", [7, 4_096, 1_000_000])
def test_of_a_long_output_the_beginning_and_the_end_are_kept(size: int, step: int) -> None:
    text = "first words\n" + "-" * (size - 24) + "\nlast words\n"
    raw = text.encode()
    shown, truncated = kept(*(raw[at : at + step] for at in range(0, size, step)))
    assert shown.startswith("first words\n-") and shown.endswith("-\nlast words\n")
    assert truncated == (size > KEPT_CHARACTERS)
    assert len(shown) <= KEPT_CHARACTERS + 100
    if truncated:
        assert f"the middle of {size} bytes" in shown
        assert shown.index("[...") > KEPT_CHARACTERS // 2 - 300
    else:
        assert shown == text


def test_bytes_that_are_no_utf_8_are_replaced_and_characters_may_come_in_pieces() -> None:
    assert kept(b"a\xffb \xc3", b"\xa9\n") == ("a\ufffdb é\n", False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b2Jgone", "gone"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]52;c;aGk=\x1b\\text", "text"),
        ("\x1bPq\x1b\\text", "text"),
        ("\x1b(Btext\x1bc", "text"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("bell\x07 nul\x00 del\x7f", "bell\\x07 nul\\x00 del\\x7f"),
        ("left\u202eright\u2066", "left\\u202eright\\u2066"),
        ("unended \x1b]0;title\nnext", "unended \nnext"),
    ],
)
def test_terminal_sequences_and_control_characters_do_nothing(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        f"token={SECRET};",
        f"{SECRET}{SECRET}",
        SECRET.replace("-", "-\x1b[1m"),
        f"https://user:{SECRET}@host/",
    ],
)
def test_a_secret_is_masked(text: str) -> None:
    shown, _truncated = kept(text.encode())
    assert SECRET not in shown and "***" in shown


def test_a_secret_that_begins_like_another_one_leaves_no_rest() -> None:
    secrets = frozenset(["hunter", "hunter-and-more"])
    assert kept(b"<hunter-and-more> <hunter>", secrets=secrets) == ("<***> <***>", False)


# Text of one byte a character, of four, and one of which little is left when it is printable.
FILLERS = [".", "\U0001f600", "\x1b[0m\x1b[1m."]


def placed(text: str, at: int, size: int, filler: str) -> bytes:
    """Put a text at a byte of an output of so many bytes, give or take one character."""
    width = len(filler.encode())
    after = max(size - at - len(text), 0)
    return (filler * (at // width) + text + filler * (after // width)).encode()


def bounds(size: int, length: int, filler: str) -> set[int]:
    """Give where a text of that length may be cut in two: by what is read, and by what is shown."""
    room, shown = BoundedOutput(frozenset([SECRET]))._room, KEPT_CHARACTERS // 2 * len(filler.encode())
    return {at for bound in (room, size - room, shown, size - shown) for at in (bound - length, bound)}


@pytest.mark.parametrize("filler", FILLERS)
def test_a_secret_that_a_bound_cuts_in_two_is_not_shown_in_part(filler: str) -> None:
    """Wherever it stands, also where nearly all that is read is shown."""
    parts = [SECRET[at : at + 6] for at in range(len(SECRET) - 5)]
    size = 100_000
    for bound in bounds(size, len(SECRET), filler):
        for at in range(bound - 40, bound + 40, 3):
            shown, truncated = kept(placed(SECRET, at, size, filler))
            assert truncated
            assert not [part for part in parts if part in shown], at


def test_a_private_key_is_masked_with_every_line_of_it(key: str) -> None:
    shown, _truncated = kept(f"before\n{key}after\n".encode())
    assert shown == "before\n***\nafter\n"
    indented = "".join(f"  | {line}\n" for line in key.splitlines())
    assert not [line for line in key_lines(key) if line in kept(indented.encode())[0]]
    begun = key[: len(key) // 2]
    assert kept(begun.encode()) == ("***", False)


@pytest.mark.parametrize("filler", FILLERS)
@pytest.mark.parametrize("is_ended", [True, False], ids=["ended", "cut off"])
def test_a_private_key_that_a_bound_cuts_in_two_is_not_shown_in_part(key: str, filler: str, is_ended: bool) -> None:
    size = 120_000
    text = f"\n{key}\n" if is_ended else f"\n{key}".replace("-----END PRIVATE KEY-----\n", "")
    pieces = {line[at : at + 20] for line in key_lines(key) for at in range(0, len(line) - 20, 10)}
    near = [range(bound - 300, bound + len(text) + 300, 149) for bound in bounds(size, len(text), filler)]
    for at in [*itertools.chain(*near), *range(size - len(text) - 2_000, size - len(text) + 1, 397)]:
        shown, _truncated = kept(placed(text, at, size if is_ended else 0, filler))
        assert not [piece for piece in pieces if piece in shown], at


@pytest.mark.parametrize("prefix", ["", "12:00:00 | "])
def test_a_key_that_is_ended_after_a_bound_is_not_shown_in_part(key: str, prefix: str) -> None:
    """With little between the bound and the end of the key, all of that would be shown."""
    text = "".join(f"{prefix}{line}\n" for line in key.splitlines())
    shown, truncated = kept(b"x" * 200_000 + text.encode() + b"\x1b[0m\n" * 6_000 + b"last\n")
    assert truncated and shown.endswith("last\n")
    assert not [line for line in key_lines(key) if line[-20:] in shown]


@pytest.mark.parametrize("lines", [40, 1_800])
def test_the_lines_of_a_key_whose_beginning_and_end_are_out_of_sight_are_not_shown(key: str, lines: int) -> None:
    """A script was ended while it printed key after key."""
    body = "\n".join(key_lines(key) * 40)
    raw = "x" * 50_000 + "\n-----BEGIN PRIVATE KEY-----\n" + "\n".join(body.splitlines()[:lines]) + "\n-"
    shown, _truncated = kept(raw.encode())
    assert not [line for line in key_lines(key) if line in shown]


def test_a_flood_needs_no_memory() -> None:
    output = BoundedOutput(frozenset())
    for _number in range(2_000):
        output.feed(b"x" * 65_536)
    assert output.size == 2_000 * 65_536
    assert len(output._head) + len(output._tail) < 400_000
