# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of cert_report in a real browser: what it shows, how it is used, and that texts of others stay texts.

The store is filled by the real use cases on a sandbox, and beside that with every state a page shows and with names
that try to be markup.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import quote

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock, to_text
from ansible_collections.edgecert.clm.plugins.module_utils._report.page_colors import DARK, LIGHT
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.modules import cert_report
from ansible_collections.edgecert.clm.tests.benchmarks import inventory_seed
from ansible_collections.edgecert.clm.tests.support import browser as browsers
from ansible_collections.edgecert.clm.tests.support import report_seed
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.lives import instant_account
from ansible_collections.edgecert.clm.tests.support.report_seed import HOSTILE, HOSTILE_ID
from ansible_collections.edgecert.clm.tests.support.run_module import run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LIVE = "www.c-t0000.example.com"
SEEDED = 21
ALL = SEEDED + 1


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one browser for this file."""
    with browsers.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write the page of an estate, and give where it is.

    One certificate was enrolled, signed and pushed for real; its push to production has one approval of two.
    """
    folder = tmp_path_factory.mktemp("page")
    with instant_account(2) as account:
        bench = Bench(account, folder, actor="ada")
        bench.issued(comment="for the browser")
        bench.push(network="staging")
        bench.group(approvals={"push": 2})
        order = bench.push(network="production", wait=False).record
        assert order is not None
        bench.act("bob", "approve", work_order_id=order["work_order_id"], comment="names are right")
        # The bench's clock is ahead of the computer's by what the flow waited for.
        now = bench.clock.now()
        report_seed.fill(bench.store, now)
        bench.close()
    with mock.patch.object(SystemClock, "now", lambda _self: now):
        return written(bench.url, folder / "page.html", title="Certificates at <Akamai>")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write the page of some hundred certificates, which no screen holds at once."""
    folder = tmp_path_factory.mktemp("many")
    store = open_store(f"sqlite:///{folder}/clm.db", StoreKey(), SystemClock(), "tester", create=True)
    inventory_seed.fill(store, 400, datetime.now(timezone.utc))
    store.close()
    return written(f"sqlite:///{folder}/clm.db", folder / "many.html")


def written(url: str, dest: pathlib.Path, **options: Any) -> str:
    """Have the module write a page."""
    result = run(cert_report.main, {"store": url, "dest": str(dest), **options})
    assert result["changed"], result
    return dest.as_uri()


def ids(page: Page) -> list[str]:
    """Give the certificates of the table, as they stand."""
    return page.locator("#rows th a").all_inner_texts()


def column(page: Page, label: str) -> list[str]:
    """Give the texts of a column of the table."""
    return page.locator(f'#rows td[data-label="{label}"]').all_inner_texts()


def visible(page: Page, selector: str) -> bool:
    """Say whether an element is seen."""
    return page.locator(selector).first.is_visible()


# -- what is shown ---------------------------------------------------------------------------------------------------


def test_the_page_opens_from_a_disk_and_shows_what_there_is(browser: Browser, address: str) -> None:
    """V1: counts, moment, devices with status and log, certificates, work."""
    with browsers.opened(browser, address) as page:
        assert page.title() == "Certificates at <Akamai>"
        assert page.inner_text("h1") == "Certificates at <Akamai>"
        assert "UTC" in page.inner_text("#moment") and not visible(page, "#stale")
        tiles = [text.split("\n") for text in page.locator(".tile").all_inner_texts()]
        assert tiles == [
            [str(ALL), "certificates"],
            ["1", "expired"],
            ["6", "expiring soon"],
            ["6", "wait for a person"],
            ["2 of 5", "devices cannot be read"],
        ]
        assert page.inner_text("#count") == f"{ALL} certificates"
        assert len(ids(page)) == ALL and LIVE in ids(page)
        devices = page.locator("#device-list tbody tr")
        assert devices.count() == 5
        broken = devices.filter(has_text="edge-old")
        assert "Failed" in broken.inner_text() and "Akamai answered 403" in broken.inner_text()
        good = devices.filter(has_text="edge-emea")
        assert "Certificate Discovery From Device" not in good.inner_text()
        good.locator("summary").click()
        assert "Certificate Discovery From Device" in good.inner_text()


def test_who_must_do_what_by_when_is_told(browser: Browser, address: str) -> None:
    """W2, W4: people first; an approver is told who it may not be."""
    with browsers.opened(browser, address) as page:
        work = page.locator("#work-list tbody tr")
        assert page.inner_text("#work-count") == "6 of 6 wait for a person"
        live = work.filter(has_text=LIVE)
        assert re.search(r"Approve\s+an approver other than ada, bob", live.inner_text())
        assert "1 of 2 approvals" in live.inner_text() and "Push to production by app" in live.inner_text()
        assert "from then on CPS deploys by itself" in work.filter(has_text="pay.example.com").inner_text()
        assert "_dnsauth.new.example.com" in work.filter(has_text="new.example.com").inner_text()
        live.locator("a").click()
        assert page.inner_text("#one-title") == LIVE


def test_the_way_from_the_ca_to_the_edge_is_drawn_and_told(browser: Browser, address: str) -> None:
    """V2, E23, W3: CA connector, certificate, application connector, device, networks with their work orders."""
    with browsers.opened(browser, address) as page:
        page.locator("#rows th a", has_text=LIVE).click()
        assert page.url.endswith(f"#certificate={LIVE}")
        page.wait_for_function("name => document.title.startsWith(`${name} `)", arg=LIVE)
        drawn = page.locator(".drawing svg").text_content() or ""
        for words in ("house", "own_ca", LIVE, "app", "edge", "staging: Completed"):
            assert words in drawn
        assert "production: Push-Review In Progress" in drawn
        assert page.locator(".drawing .box").count() == 4 and page.locator(".drawing .edge").count() == 3
        told = page.locator("#told").text_content() or ""
        for words in (
            "CA connector: house, own_ca, Completed",
            f"Certificate: {LIVE}, Issued, expires ",
            "Application connector: app",
            "Device: edge, Managed",
            "Staging: Completed",
            "Production: Push-Review In Progress",
        ):
            assert words in told
        history = page.locator("table[aria-label=History]")
        assert "for the browser" in history.inner_text() and "names are right" in history.inner_text()
        assert "bob" in history.inner_text()


def test_a_certificate_with_several_places_and_a_past_is_shown_whole(browser: Browser, address: str) -> None:
    """V2: two application connectors, three devices of which one is gone, names, and what it follows."""
    with browsers.opened(browser, f"{address}#certificate=www.example.com") as page:
        assert page.locator(".drawing .box").count() == 7 and page.locator(".drawing .edge").count() == 6
        assert "Not onboarded" in (page.locator("#told").text_content() or "")
        assert page.locator("ul.names li").all_inner_texts() == ["www.example.com", "alt.www.example.com"]
        assert "www.example.com~5a1c" in page.inner_text("table[aria-label='Earlier certificates']")
        facts = page.inner_text(".facts")
        assert "30 days before it expires" in facts and "this certificate, until" in facts
    with browsers.opened(browser, f"{address}#certificate=site03.example.net") as page:
        told = page.locator("#told").text_content() or ""
        assert "found at the device" in told and "No application connector" in told and "Staging: served" in told
        assert "Nothing was done about it here." in page.inner_text("#one")


def test_what_is_asked_for_and_not_issued_yet_has_its_way_drawn(browser: Browser, address: str) -> None:
    """E23: CSR and CA stand as a connector from the moment something is asked for."""
    with browsers.opened(browser, address) as page:
        page.locator("#work-list a", has_text="next.example.com").click()
        assert page.inner_text("#one-title") == "next.example.com"
        told = page.locator("#told").text_content() or ""
        assert "CA connector: in-house, own_ca, Submitted" in told and "not issued yet" in told
        assert page.locator("table[aria-label='Work and approvals'] tbody tr").last.inner_text().startswith("Approve")
        assert page.locator("#facts-title").count() == 0


def test_what_production_still_serves_is_what_ends(browser: Browser, tmp_path: pathlib.Path) -> None:
    """V1: a certificate that was renewed, and not pushed yet, ends for clients when the one before does."""
    url = f"sqlite:///{tmp_path}/clm.db"
    store, now = open_store(url, StoreKey(), SystemClock(), "tester", create=True), datetime.now(timezone.utc)
    with store.write() as unit:
        for name, days in (("near", 3), ("over", -2), ("well", 88)):
            seen = {"fingerprint": "00", "not_after": to_text(now + timedelta(days=days, hours=3))}
            unit.certificates.add(report_seed.certificate(f"{name}.example.org", now, 88, production=seen))
    store.close()
    with browsers.opened(browser, written(url, tmp_path / "page.html")) as page:
        assert [text.split("\n")[0] for text in page.locator(".tile").all_inner_texts()][:3] == ["3", "1", "1"]
        assert column(page, "Days left") == ["-2", "3", "88"] and column(page, "State") == [
            *("Expired", "Expiring", "Issued"),
        ]
        assert "production serves the one before" in page.locator("#rows tr").nth(1).inner_text()
        page.locator(".tile", has_text="expiring").click()
        assert ids(page) == ["near.example.org"]
        page.locator("#rows th a").click()
        assert "3 days left" in page.inner_text(".lead") and "on production until" in page.inner_text("#told")


def test_what_its_ca_has_on_hold_is_told_with_the_reason(browser: Browser, tmp_path: pathlib.Path) -> None:
    """V1, E4: a state of its own, and what the CA said last."""
    url = f"sqlite:///{tmp_path}/clm.db"
    store, now = open_store(url, StoreKey(), SystemClock(), "tester", create=True), datetime.now(timezone.utc)
    with store.write() as unit:
        held = report_seed.certificate("held.example.org", now, 60, state="suspended")
        told = {"state": "suspended", "reason": "", "message": "unknown, because <b>nobody</b> answers"}
        unit.certificates.add(replace(held, revocation={held.fingerprint: told}))
    store.close()
    with browsers.opened(browser, f"{written(url, tmp_path / 'page.html')}#certificate=held.example.org") as page:
        facts = page.inner_text(".facts")
        assert "Suspended: unknown, because <b>nobody</b> answers" in facts and "60" in facts


# -- filters, sorting, pages -----------------------------------------------------------------------------------------


FILTERED: Sequence[tuple[dict[str, str], Sequence[str]]] = (
    ({"text": "PAY.example"}, ["pay.example.com"]),
    ({"text": "pci=true"}, ["pay.example.com"]),
    ({"text": "alt. site04"}, ["site04.example.net"]),
    ({"state": "expired"}, ["site00.example.net"]),
    ({"state": "pending"}, ["new.example.com"]),
    ({"state": "revoked"}, ["revoked.example.com"]),
    ({"state": "expiring", "device": "edge-us"}, [f"site0{n}.example.net" for n in (1, 2, 3)]),
    ({"group": "shop"}, ["shop.example.com"]),
    ({"ca": "letsencrypt"}, ["api.example.com"]),
    ({"network": "none"}, ["new.example.com"]),
    ({"network": "production", "ca": "digicert"}, ["shop.example.com"]),
    ({"from": "10", "to": "17"}, ["pay.example.com", "site03.example.net"]),
    ({"to": "-1"}, ["site00.example.net"]),
    ({"text": "nobody has this"}, []),
)


def test_filters_narrow_the_table_and_stand_in_the_address(browser: Browser, address: str) -> None:
    """V1: each filter, and several at once; the address opens the same list again."""
    addresses = []
    with browsers.opened(browser, address) as page:
        for filters, found in FILTERED:
            for name, value in filters.items():
                control = page.locator(f"#f-{name}")
                if control.evaluate("node => node.tagName") == "SELECT":
                    control.select_option(value)
                else:
                    control.fill(value)
            assert ids(page) == found, filters
            assert page.inner_text("#count") == f"{len(found)} of {ALL} certificates"
            assert visible(page, "#none") == (not found)
            addresses.append(page.url)
            page.click("#reset")
            page.wait_for_function(f"() => document.getElementById('rows').children.length === {ALL}")
            assert page.locator("#reset").is_disabled()
        for again, (filters, found) in zip(addresses, FILTERED, strict=True):
            page.goto("about:blank")
            page.goto(again)
            assert ids(page) == found, filters


SORTED: Sequence[tuple[str, Callable[[str], Any]]] = (
    ("State", str),
    ("Days left", int),
    ("Expires", lambda text: datetime.strptime(text, "%d %b %Y")),
    ("Networks", str),
    ("Device", str),
    ("Group", str),
    ("CA", str),
    ("Open work", str),
    ("Certificate", str),
)


def test_every_column_sorts_both_ways(browser: Browser, address: str) -> None:
    """V1: empty cells come last either way; the header says how it is sorted, and keeps the focus."""
    with browsers.opened(browser, address) as page:
        page.locator("#head").get_by_role("button", name="Certificate", exact=True).click()
        for label, key in SORTED:
            header = page.locator("#head").get_by_role("columnheader", name=label, exact=True)
            for way in ("ascending", "descending"):
                header.get_by_role("button").click()
                assert (header.get_attribute("aria-sort"), page.locator("#head [aria-sort]").count()) == (way, 1)
                texts = ids(page) if label == "Certificate" else column(page, label)
                filled = [key(text) for text in texts if text]
                assert filled == sorted(filled, reverse=way == "descending"), (label, way)
                assert "" not in texts[: len(filled)]
                assert page.evaluate("document.activeElement.textContent") == label


def test_a_week_lists_its_certificates_and_arrows_lead_along_the_weeks(browser: Browser, address: str) -> None:
    """V1: the timeline of expiries, by keyboard."""
    with browsers.opened(browser, address) as page:
        bars = page.locator("#weeks button")
        assert bars.count() == 28
        names = bars.evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))")
        assert names[0] == "Expired: 1 certificate" and names[-1].startswith("Later: ")
        # What is in use: neither the revoked one nor the one that is not issued.
        assert sum(int(name.split(": ")[1].split()[0]) for name in names) == ALL - 2
        bars.first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        assert ids(page) == ["pay.example.com", "site02.example.net"][::-1]
        assert (page.input_value("#f-from"), page.input_value("#f-to")) == ("7", "13")
        page.locator(".tile", has_text="expired").click()
        assert ids(page) == ["site00.example.net"]


def test_pages_hold_a_hundred_rows_each(browser: Browser, many: str) -> None:
    """V1: many certificates; what is typed looks through all of them."""
    with browsers.opened(browser, many) as page:
        total = int(page.inner_text("#count").split()[0])
        assert len(ids(page)) == 100 and 300 < total < 400
        first = ids(page)
        page.get_by_role("button", name="Next").click()
        assert page.inner_text("#where") == f"101\u2013200 of {total}"
        assert not set(first) & set(ids(page))
        assert page.evaluate("document.activeElement.id") == "where"
        for _turn in range(2):
            page.get_by_role("button", name="Next").click()
        assert len(ids(page)) == total - 300 and page.get_by_role("button", name="Next").is_disabled()
        page.fill("#f-text", "www7")
        assert page.inner_text("#where" if visible(page, "#pager") else "#count").startswith("11 of ")


# -- keyboard, screen reader, colours, paper -------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 380])
def test_everything_is_reached_by_keyboard_alone(width: int, browser: Browser, address: str) -> None:
    """Accessibility: skip link, a focus that is seen at every stop, a certificate opened and left again."""
    size = {"width": width, "height": 900}
    with browsers.opened(browser, address, viewport=size, reduced_motion="reduce") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "skip" and page.locator("#skip").is_visible()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        seen = set()
        for _stop in range(40):
            page.keyboard.press("Tab")
            # Browsers scroll by whole pixels, so an edge may stand a part of one outside.
            stop = page.evaluate(
                "() => { const at = document.activeElement, look = getComputedStyle(at);"
                " const box = at.getBoundingClientRect();"
                " return [at.id || at.className || at.textContent, look.outlineStyle, look.outlineWidth,"
                " box.width > 8 && box.top > -1 && box.bottom < innerHeight + 1]; }"
            )
            assert stop[1:] == ["solid", "3px", True], stop
            seen.add(stop[0])
            if stop[0] == "f-text":
                page.keyboard.type("pay.")
            if "f-text" in seen and stop[0] == "pay.example.com":
                break
        # The weeks are one stop among them, a toolbar has one.
        assert {"f-text", "f-state", "f-to", "reset", "pay.example.com"} <= seen
        page.keyboard.press("Enter")
        page.wait_for_selector("#one-title")
        assert page.evaluate("document.activeElement.id") == "one-title"
        page.keyboard.press("Escape")
        page.wait_for_selector("#rows a")
        assert page.evaluate("document.activeElement.textContent") == "pay.example.com"
        assert page.input_value("#f-text") == "pay."


@pytest.mark.parametrize("where", ["", f"#certificate={LIVE}", f"#certificate={quote(HOSTILE_ID)}"])
@pytest.mark.parametrize("width", [1280, 380])
def test_every_control_has_a_name_and_no_page_scrolls_sideways(
    where: str, width: int, browser: Browser, address: str
) -> None:
    """Accessibility: the browser's own tree, on a large and a small screen (WCAG 1.4.10, 4.1.2)."""
    with browsers.opened(browser, address + where, viewport={"width": width, "height": 800}) as page:
        assert browsers.unnamed(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id).length") == page.evaluate(
            "new Set([...document.querySelectorAll('[id]')].map((one) => one.id)).size"
        )


def test_a_screen_reader_is_told_what_is_where(browser: Browser, address: str) -> None:
    """Accessibility: landmarks, headings in order, a table with row and column headers, what a filter found."""
    with browsers.opened(browser, address, viewport={"width": 380, "height": 800}) as page:
        tree = page.locator("body").aria_snapshot()
        for line in (
            "- banner:",
            '- navigation "Sections":',
            "- main:",
            '- search "Filter certificates":',
            '- searchbox "Text"',
            '- combobox "State":',
            '- spinbutton "Days left from"',
            '- spinbutton "Days left to"',
            '- toolbar "When certificates expire"',
            '- table "Certificates":',
            '- columnheader "Days left"',
            '- rowheader "www.example.com 2 names"',
        ):
            assert line in tree, line
        assert page.locator("#count").get_attribute("role") == "status"
        levels = page.locator("h1, h2, h3").evaluate_all("all => all.map((one) => Number(one.tagName[1]))")
        assert levels[0] == 1 and all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
        page.locator("#rows a", has_text=LIVE).click()
        page.wait_for_selector("#one-title")
        tree = page.locator("main").aria_snapshot()
        assert f'- img "Topology of {LIVE}, told in the list that follows"' in tree
        assert '- list "Topology in words":' in tree


def test_light_and_dark_follow_the_system_and_the_button(browser: Browser, address: str) -> None:
    """Both schemes, and a choice that outlives a reload."""

    def ground() -> str:
        colour = re.findall(r"\d+", str(page.evaluate("getComputedStyle(document.body).backgroundColor")))
        return "#" + "".join(f"{int(part):02x}" for part in colour[:3])

    with browsers.opened(browser, address, color_scheme="dark") as page:
        assert ground() == DARK["page"]
        page.click("#theme")
        assert (ground(), page.inner_text("#theme")) == (LIGHT["page"], "Colours: light")
        page.reload()
        assert ground() == LIGHT["page"]
        page.click("#theme")
        page.emulate_media(color_scheme="light")
        assert ground() == DARK["page"]
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    with browsers.opened(browser, address, color_scheme="light") as page:
        assert ground() == LIGHT["page"]


def test_paper_has_the_rows_that_fit_and_what_is_opened(browser: Browser, many: str) -> None:
    """Print: all pages of rows, no controls; with a certificate opened its view, and the list that is filtered."""
    with browsers.opened(browser, many) as page:
        total = int(page.inner_text("#count").split()[0])
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert len(ids(page)) == total
        assert not any(visible(page, selector) for selector in ("#filters", "#pager", "#theme", "nav"))
        assert page.locator("#head button").count() == 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert len(ids(page)) == 100 and page.locator("#head button").count() == 9
        page.emulate_media(media="screen")
        page.fill("#f-text", "www77")
        fitting = len(ids(page))
        page.locator("#rows a").first.click()
        page.emulate_media(media="print")
        assert not visible(page, "#all") and visible(page, ".drawing svg")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert visible(page, "#table") and len(ids(page)) == fitting
        assert page.inner_text("#asked") == "Filtered by text www77."
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        assert page.pdf().startswith(b"%PDF")
        assert not visible(page, "#all") and visible(page, "#one")


# -- texts of others -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["", f"#certificate={quote(HOSTILE_ID)}", f"#certificate={quote(HOSTILE[0])}"])
def test_no_text_of_others_becomes_markup_or_runs(where: str, browser: Browser, address: str) -> None:
    """Rule of the issue: names, comments, messages and titles; no request leaves, no error, no element of theirs."""
    with browsers.opened(browser, address + where) as page:
        page.wait_for_timeout(50)
        assert page.evaluate("window.hacked") is None
        assert page.locator("img, iframe, object, embed, b:not(.tile b)").count() == 0
        assert page.evaluate("document.scripts.length") == 2
        links = page.locator("a").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
        assert all(link.startswith("#") for link in links)
        if where.endswith(quote(HOSTILE_ID)):
            shown = page.inner_text("#one")
            assert page.inner_text("#one-title") == HOSTILE_ID
            for text in (HOSTILE[0], HOSTILE[1], "=HYPERLINK", "__proto__"):
                assert text in shown
        if where.endswith(quote(HOSTILE[0])):
            assert HOSTILE[0] in page.inner_text("#one")


def test_what_a_hand_would_put_into_the_page_does_not_run(browser: Browser, address: str) -> None:
    """The content security policy holds: the second wall behind the first."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text))
    tried = (
        "document.body.insertAdjacentHTML('beforeend', '<b>markup</b>')",
        "document.body.setAttribute('onclick', 'window.hacked = 1')",
        "{ const one = document.createElement('script'); one.append('window.hacked = 1'); document.body.append(one); }",
        "{ const one = document.createElement('img'); one.src = 'https://evil.example/x'; document.body.append(one); }",
        "document.body.setAttribute('style', 'display: none')",
    )
    for act in tried:
        page.evaluate(f"() => {{ try {{ {act} }} catch (error) {{ console.error(error.message); }} }}")
    page.wait_for_timeout(100)
    page.locator("h1").click()
    assert page.evaluate("window.hacked") is None and page.locator("b", has_text="markup").count() == 0
    assert page.evaluate("getComputedStyle(document.body).display") == "block"
    assert len([text for text in refused if re.search("Content Security Policy|Trusted", text)]) >= len(tried)
    context.close()


@pytest.mark.parametrize(
    "where", ["#certificate=nobody.example", "#certificate=%E0%A4%A", "#nowhere", "#certificates?x=1"]
)
def test_an_address_that_leads_nowhere_says_so(where: str, browser: Browser, address: str) -> None:
    """Bad input: of whoever typed it."""
    with browsers.opened(browser, address + where) as page:
        if where.startswith("#certificate="):
            assert "This report has no certificate" in page.inner_text("#one")
            page.locator("#one a").click()
        assert len(ids(page)) == ALL


def test_an_empty_store_has_a_page_that_says_so(browser: Browser, tmp_path: pathlib.Path) -> None:
    """V1: the first thing a new user sees."""
    url = f"sqlite:///{tmp_path}/clm.db"
    open_store(url, StoreKey(), SystemClock(), "tester", create=True).close()
    with browsers.opened(browser, written(url, tmp_path / "page.html")) as page:
        assert page.inner_text("#count") == "0 certificates"
        assert "Nothing waits." in page.inner_text("#work") and "No device" in page.inner_text("#devices")
        assert visible(page, "#none") and not visible(page, "#table")


def test_without_scripts_the_page_says_why_it_is_empty(browser: Browser, address: str) -> None:
    """Bad surroundings."""
    with browsers.opened(browser, address, java_script_enabled=False) as page:
        assert "switched off here" in page.inner_text("noscript")
