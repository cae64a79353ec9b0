# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as a text: its policy, its colours, its data; what it does is tested in a browser, in tests/integration."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._report import page, page_colors
from ansible_collections.edgecert.clm.plugins.module_utils._report.page import PageFormat
from ansible_collections.edgecert.clm.tests.support.report_seed import HOSTILE

Report = dict[str, Any]


class Reader(html.parser.HTMLParser):
    """Collects tags with attributes, and the text in script, style and title."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inner: dict[str, list[str]] = {}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        """Keep what stands in the tag opened last."""
        if self._open in ("script", "style", "title"):
            self.inner.setdefault(self._open, []).append(data)

    def handle_endtag(self, _tag: str) -> None:
        """Forget the tag."""
        self._open = ""


def test_nothing_in_the_page_comes_from_elsewhere(report: Report) -> None:
    """V1: one file, without any resource outside it."""
    read = Reader(PageFormat().render(report))
    for tag, attributes in read.tags:
        for name in ("src", "srcset", "action", "data", "poster", "background"):
            assert name not in attributes, (tag, attributes)
        link = attributes.get("href") or ""
        assert link.startswith("#") or link in ("", "data:,"), (tag, link)
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    style = "".join(read.inner["style"])
    assert "url(" not in style and "@import" not in style


def test_the_policy_allows_the_style_and_the_script_of_the_page_alone(report: Report) -> None:
    """Strict content security policy, by hashes."""
    text = PageFormat().render(report)
    read = Reader(text)
    [policy] = [a["content"] or "" for tag, a in read.tags if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert (rules["default-src"], rules["base-uri"], rules["form-action"]) == ("'none'",) * 3
    data, script = read.inner["script"]
    [style] = read.inner["style"]
    for inner, rule in ((script, rules["script-src"]), (style, rules["style-src"])):
        assert rule == f"'sha256-{base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()}'"
    assert json.loads(data)["schema"] == report["schema"]
    assert "unsafe" not in policy
    # A browser obeys it from where it stands on.
    assert text.index("Content-Security-Policy") < text.index("<style>") < text.index("<script")


def test_the_script_makes_no_markup_of_texts() -> None:
    """Nothing in it parses a text as markup or code, and nothing asks anybody."""
    script = "".join(part.SCRIPT for part in page._SCRIPTS)
    for word in (
        *("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "DOMParser"),
        *("fetch(", "XMLHttpRequest", "sendBeacon", "WebSocket", "import(", "createContextualFragment"),
    ):
        assert word not in script, word


def test_the_script_can_be_read_by_an_engine(tmp_path: Path, report: Report) -> None:
    """A slip in a text of Python is seen before a browser sees it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine; the tests in a browser run the script")
    file = tmp_path / "page.js"
    file.write_text(Reader(PageFormat().render(report)).inner["script"][1], encoding="utf-8")
    subprocess.run([node, "--check", str(file)], check=True, timeout=60)


@given(
    st.recursive(
        st.one_of(st.text(), st.sampled_from(HOSTILE), st.none(), st.integers()),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
        max_leaves=12,
    )
)
@settings(max_examples=300, deadline=None)
def test_no_data_ends_its_block(value: Any) -> None:
    """Every remote string escaped; empty members alone are left out."""
    report = {"certificates": [], "attributes": value, "title": "x"}
    text = page.embedded(report)
    assert text.isascii() and not set("<>&") & set(text)
    read = json.loads(text)
    assert read.get("attributes") == (value if value not in page._NOTHING else None)


@pytest.mark.parametrize("title", [*HOSTILE[:3], "Z\u00fcrich \u2013 \u8bc1\u4e66"])
def test_a_title_is_a_text(title: str, report: Report) -> None:
    """Of whoever writes the playbook."""
    text = PageFormat().render({**report, "title": title})
    assert "".join(Reader(text.partition("<style>")[0]).inner["title"]) == title
    assert json.loads(Reader(text).inner["script"][0])["title"] == title
    assert text.isascii()


def luminance(color: str) -> float:
    """Give the relative luminance of ``#rrggbb`` (WCAG 2.1)."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [page_colors.LIGHT, page_colors.DARK], ids=["light", "dark"])
def test_texts_and_controls_have_the_contrast_they_need(palette: page_colors.Palette) -> None:
    """WCAG 2.1 AA: 4.5 for texts on every ground they stand on, 3 for the lines of controls and the focus."""
    for ground in page_colors.GROUNDS:
        for name in page_colors.TEXTS:
            assert contrast(palette[name], palette[ground]) >= 4.5, (name, ground)
        for name in ("control", "accent"):
            assert contrast(palette[name], palette[ground]) >= 3, (name, ground)
    for name in page_colors.TONES:
        assert contrast(palette[name], palette[f"{name}-soft"]) >= 4.5, name
    assert contrast(palette["card"], palette["accent"]) >= 4.5
    # The main box of a drawing.
    for name in ("text", "quiet"):
        assert contrast(palette[name], palette["accent-soft"]) >= 4.5, name


def test_every_colour_is_one_of_the_palette(report: Report) -> None:
    """Light and dark differ in the palette alone."""
    style = Reader(PageFormat().render(report)).inner["style"][0]
    used = set(re.findall(r"var\(--([a-z-]+)\)", style))
    assert used <= set(page_colors.LIGHT) == set(page_colors.DARK)
    rest = style.replace(page_colors.rules(), "")
    assert not re.findall(r"#[0-9a-f]{3,6}\b(?=[;, )])|rgb\(|hsl\(", rest)


def test_ten_thousand_certificates_leave_what_no_view_shows_out(report: Report) -> None:
    """A page of ten thousand certificates is read over a network, too."""
    read = json.loads(page.embedded(report))
    www = next(one for one in read["certificates"] if one["certificate"] == "www.example.com")
    assert set(www["production"]) == {"fingerprint", "not_after"}
    assert "created_at" not in www and "production_days_left" not in www
    whole = next(one for one in report["certificates"] if one["certificate"] == "www.example.com")
    steps = [step for record in www["history"] for step in record["steps"]]
    assert sorted(map(str, steps)) == sorted(
        str([each["at"], each["step"], each["actor"], each["comment"]]) for each in whole["history"]
    )
