# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium for tests of a page: what goes wrong in it, or leaves it, is kept and held against the test."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
_LOCAL = ("file:", "data:", "about:")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium; a test is skipped where it has none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium on this machine to open the page in")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed to drive chromium with")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def opened(browser: Browser, address: str, **context: Any) -> Iterator[Page]:
    """Open an address in a fresh context; in the end nothing may have failed in it, and nothing may have left it.

    :param context: of playwright, as ``color_scheme`` or ``viewport``.
    """
    faults: list[str] = []
    with contextlib.closing(browser.new_context(**context)) as made:
        made.set_default_timeout(15_000)
        page = made.new_page()
        page.on("console", lambda line: faults.append(f"console: {line.text}") if line.type != "log" else None)
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("request", lambda asked: None if asked.url.startswith(_LOCAL) else faults.append(f"asks {asked.url}"))
        page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
        page.goto(address)
        yield page
    assert faults == []


def unnamed(page: Page) -> list[str]:
    """Give every control that a screen reader could not name, from the browser's own tree of accessibility."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    controls = {
        *("button", "link", "textbox", "searchbox", "combobox", "spinbutton", "checkbox", "DisclosureTriangle"),
        *("table", "navigation", "region", "search", "toolbar", "image", "img"),
    }
    found = []
    for node in nodes:
        role = node.get("role", {}).get("value", "")
        if not node.get("ignored") and role in controls and not node.get("name", {}).get("value", "").strip():
            found.append(f"{role} {node.get('properties')}")
    return found
