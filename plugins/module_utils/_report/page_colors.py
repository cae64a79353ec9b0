# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of the page, by what they are for, in light and dark; a test holds their contrast (WCAG 2.1, AA)."""

from __future__ import annotations

from collections.abc import Mapping

Palette = Mapping[str, str]

LIGHT: Palette = {
    "page": "#f5f6f8",
    "card": "#ffffff",
    "raised": "#eef1f5",
    "text": "#1b2028",
    "quiet": "#566070",
    "line": "#dde2e9",
    "control": "#7a8595",
    "accent": "#0a58a6",
    "accent-soft": "#e3eefa",
    "good": "#12632f",
    "good-soft": "#e2f3e6",
    "warn": "#7a4b00",
    "warn-soft": "#fcefd3",
    "bad": "#a91d1d",
    "bad-soft": "#fce5e4",
    "plain": "#4a5462",
    "plain-soft": "#e9edf2",
}
DARK: Palette = {
    "page": "#0e1115",
    "card": "#161a20",
    "raised": "#1f252d",
    "text": "#e5e9ef",
    "quiet": "#9ba6b4",
    "line": "#2a313b",
    "control": "#71808f",
    "accent": "#7db7ff",
    "accent-soft": "#14283f",
    "good": "#76d191",
    "good-soft": "#14291b",
    "warn": "#e8ba6d",
    "warn-soft": "#2f2611",
    "bad": "#ff9a93",
    "bad-soft": "#371c1c",
    "plain": "#b3bdc9",
    "plain-soft": "#262d36",
}
TONES = ("accent", "good", "warn", "bad", "plain")
"""Colours that a text may have, each also on the soft one of its name."""
TEXTS = ("text", "quiet", *TONES)
GROUNDS = ("page", "card", "raised")


def rules() -> str:
    """Give the palettes as CSS variables: what the system prefers, unless the reader chose one; paper is light."""
    light, dark = _variables(LIGHT, "light"), _variables(DARK, "dark")
    return (
        f":root {{ {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ {dark} }} }}\n"
        f"@media screen {{ :root[data-theme=dark] {{ {dark} }} }}\n"
    )


def _variables(palette: Palette, scheme: str) -> str:
    return f"color-scheme: {scheme}; " + " ".join(f"--{name}: {value};" for name, value in palette.items())
