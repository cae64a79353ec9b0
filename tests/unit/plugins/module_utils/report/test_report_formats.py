# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSV, JSON, Mermaid and Prometheus: what they say, and that texts of others stay texts in each of them."""

from __future__ import annotations

import copy
import csv
import io
import json
import pathlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.edgecert.clm.plugins.module_utils._clm.filters import Filters
from ansible_collections.edgecert.clm.plugins.module_utils._clm.report_data import gather
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_report import report_format
from ansible_collections.edgecert.clm.plugins.module_utils._report import csv_format, mermaid, prometheus
from ansible_collections.edgecert.clm.plugins.module_utils._report.base import FORMATS
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Store
from ansible_collections.edgecert.clm.tests.support.report_seed import HOSTILE, HOSTILE_ID

GUIDE = pathlib.Path(__file__).resolve().parents[5] / "docs" / "docsite" / "rst" / "guide_report.rst"
Report = dict[str, Any]
# Any character a store can hold, the ones that formats give a meaning among them more often than by chance.
TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("=+-@\t\r\n\"'`\\<>&#;{}[]|%,")))


def with_names(report: Report, text: str) -> Report:
    """Give a report of one certificate with that text wherever others choose one."""
    changed = copy.deepcopy(report)
    one = changed["certificates"][0]
    one.update(certificate=text, common_name=text, sans=[text], device=text, group=text, issuer=text, ca=text)
    one["attributes"] = {text: text}
    for connector in one["connectors"]:
        connector.update(name=text)
        for device in connector["devices"]:
            device.update(name=text)
    one["ca_connector"].update(name=text)
    for device in changed["devices"]:
        device.update(name=text)
    changed["certificates"] = [one]
    return changed


def families(text: str) -> Mapping[str, Any]:
    """Read a textfile with the parser of Prometheus's own Python client."""
    return {family.name: family for family in text_string_to_metric_families(text)}


# -- all -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_only_the_moment_and_the_days_since_then_are_no_change(name: str, report: Report, estate: Store) -> None:
    """Changed means that something else differs."""
    form = report_format(name)
    text = form.render(report)
    later = copy.deepcopy(report)
    later["generated_at"] = "2026-12-01T19:00:00Z"
    for one in later["certificates"]:
        for member in ("days_left", "production_days_left"):
            one[member] = None if one[member] is None else one[member] - 1
    assert form.settled(form.render(later)) == form.settled(text)
    later["certificates"][0]["state"] = "revoked"
    later["summary"]["by_state"]["issued"] -= 1
    assert form.settled(form.render(later)) != form.settled(text)
    assert form.settled('someone else\'s file\0"days_left": 3') != form.settled(text)


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_store_gives_a_whole_document(name: str, report: Report) -> None:
    """V1: a new store has a report, too."""
    empty = {**report, "certificates": [], "devices": [], "pending": [], "groups": []}
    empty["summary"] = {**report["summary"], "certificates": 0, "by_state": {}, "pending": 0}
    form = report_format(name)
    assert form.settled(form.render(empty)) == form.settled(form.render(empty))
    assert form.outline(form.render(empty)).get("certificates", 0) == 0


@pytest.mark.parametrize(
    ("name", "outline"),
    [
        ("csv", {"certificates": 21}),
        ("mermaid", {"certificates": 21}),
        ("prometheus", {"certificates": 21, "pending": 5}),
    ],
)
def test_a_look_at_a_document_tells_what_it_counts(name: str, outline: Mapping[str, int], report: Report) -> None:
    """For diffs, which show no document."""
    form = report_format(name)
    assert form.outline(form.render(report)) == outline
    assert sum(form.outline("something else").values()) == 0


@pytest.mark.parametrize("name", ["html", "json"])
def test_a_look_at_a_report_tells_its_summary(name: str, report: Report) -> None:
    """For diffs, which show no document."""
    form = report_format(name)
    assert form.outline(form.render(report))["summary"] == report["summary"]
    for other in ("", "[]", '"x"', "{}", "<html>", '{"title": 1, "summary": 2, "filters": 0}'):
        assert "certificates" not in form.outline(other)


# -- JSON ------------------------------------------------------------------------------------------------------------


def test_json_is_the_data_as_it_is(report: Report) -> None:
    """V1: for programs."""
    text = report_format("json").render(report)
    assert json.loads(text) == report
    assert text.isascii() and text.endswith("}\n")


# -- CSV -------------------------------------------------------------------------------------------------------------


def test_csv_has_a_line_for_each_certificate(report: Report) -> None:
    """V1: numbers stay numbers, also those below zero."""
    text = report_format("csv").render(report)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 21 and text.count("\r\n") >= 22
    lines = {row["certificate"]: row for row in rows}
    assert lines["site00.example.net"]["days_left"] == "-3"
    www = lines["www.example.com"]
    assert (www["names"], www["networks"]) == ("www.example.com alt.www.example.com", "staging production")
    assert (www["connectors"], www["attributes"], www["renews_days_before"]) == ("edge; second site", "team=edge", "30")
    assert lines["new.example.com"]["not_after"] == ""


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_no_text_in_a_cell_is_a_formula(text: str) -> None:
    """OWASP's list, blanks before it, and full-width forms."""
    cell, said = csv_format.plain(text), text.replace("\0", "\ufffd")
    assert not cell.lstrip().startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20"))
    assert not cell.startswith(("\t", "\r", "\n"))
    assert cell in (said, f"'{said}")


@pytest.mark.parametrize(
    ("value", "cell"),
    [(-3, "-3"), (None, ""), (True, "true"), ("=1+1", "'=1+1"), ("  @x", "'  @x"), ("\t=1", "'\t=1"), ("a=b", "a=b")],
)
def test_a_cell_is_written_as_what_it_is(value: Any, cell: str) -> None:
    """V1."""
    assert csv_format.plain(value) == cell


@given(TEXTS)
@settings(max_examples=60, deadline=None)
def test_every_text_comes_back_out_of_a_line(text: str) -> None:
    """RFC 4180: quotes, commas and line ends of others end no cell."""
    one: dict[str, Any] = {**dict.fromkeys(csv_format.COLUMNS), "certificate": text, "sans": [text]}
    one.update({name: {} for name in ("attributes", "auto_renew", "staging", "production")})
    one.update(networks=[], connectors=[])
    written = csv_format.CsvFormat().render({"certificates": [one]})
    [read] = csv.DictReader(io.StringIO(written, newline=""))
    assert read["certificate"] == csv_format.plain(text)


# -- Mermaid ---------------------------------------------------------------------------------------------------------


def test_mermaid_draws_the_way_of_each_certificate(report: Report) -> None:
    """V2: the same columns as the page's drawing."""
    text = report_format("mermaid").render(report)
    [frame] = re.findall(r'(?ms)^  subgraph c\d+\["www\.example\.com"\]\n(.*?)^  end$', text)
    for words in ("in-house", "own_ca", "second site", "edge-gone<br/>unknown", "staging<br/>Completed"):
        assert words in frame
    assert frame.count("-->") == 8


@given(TEXTS.filter(lambda text: bool(text.strip())))
@settings(max_examples=300, deadline=None)
def test_no_text_leaves_the_quotes_of_its_label(text: str) -> None:
    """Quotes, brackets, line ends and entities mean something to Mermaid."""
    label = mermaid.label(text)
    assert re.fullmatch(r'"(?:[0-9A-Za-z .,:/@_+*-]|#\d+;)*"', label), label


def test_a_chart_that_mermaid_would_not_draw_is_refused(report: Report) -> None:
    """Bad input: Mermaid draws 500 edges of 50000 characters, and says little of more, whatever certificates make."""
    [www] = [one for one in report["certificates"] if one["certificate"] == "www.example.com"]
    most = mermaid.MAX_EDGES // 8
    drawn = report_format("mermaid").render({**report, "certificates": [www] * most})
    assert len(re.findall(r" (?:-->|-\.->) ", drawn)) == most * 8 <= 500 and len(drawn) <= 50_000
    with pytest.raises(InputError, match=f"Cannot draw {most + 1} certificates.* 504 lines") as caught:
        report_format("mermaid").render({**report, "certificates": [www] * (most + 1)})
    assert caught.value.code == "too_many_certificates"
    wordy = {**www, "connectors": [], "common_name": "\u00e9" * 119}
    with pytest.raises(InputError, match=r"Cannot draw 60 certificates"):
        report_format("mermaid").render({**report, "certificates": [wordy] * 60})


# -- Prometheus ------------------------------------------------------------------------------------------------------


def test_prometheus_reads_expiries_as_its_own_parser_does(report: Report) -> None:
    """V1: HELP and TYPE for each metric, seconds since 1970, no moment beside a sample."""
    text = report_format("prometheus").render(report)
    found = families(text)
    assert all(family.type == "gauge" and family.documentation for family in found.values())
    assert all(sample.timestamp is None for family in found.values() for sample in family.samples)
    issued = found["edgecert_certificate_not_after_timestamp_seconds"].samples
    ends = {sample.labels["certificate"]: sample.value for sample in issued}
    [www] = [one for one in report["certificates"] if one["certificate"] == "www.example.com"]
    assert ends["www.example.com"] == from_text(www["not_after"]).timestamp()
    assert "revoked.example.com" not in ends and "new.example.com" not in ends
    served = found["edgecert_network_not_after_timestamp_seconds"].samples
    assert {sample.labels["network"] for sample in served} == {"staging", "production"}
    assert found["edgecert_report_timestamp_seconds"].samples[0].value == from_text(report["generated_at"]).timestamp()


def test_prometheus_counts_what_waits_and_what_cannot_be_read(report: Report) -> None:
    """W4, D8: also what there is none of, so that an alert sees the last one go."""
    found = families(report_format("prometheus").render(report))
    waiting = {(s.labels["kind"], s.labels["state"]): s.value for s in found["edgecert_pending"].samples}
    assert waiting["work_order", "review_in_progress"] == 1 and waiting["work_order", "in_doubt"] == 0
    tasks = {s.labels["what"]: s.value for s in found["edgecert_pending_tasks"].samples}
    assert tasks == {"approve": 2, "decide": 1, "implement": 1, "ca_action": 1, "wait": 0}
    devices = {s.labels["status"]: s.value for s in found["edgecert_devices"].samples}
    assert devices == {"managed": 1, "monitored": 1, "failed": 1, "unresolved": 1, "ignored": 0}
    [safe] = found["edgecert_work_order_last_safe_timestamp_seconds"].samples
    assert safe.labels["certificate"] == "pay.example.com"
    assert len(found["edgecert_oldest_due_timestamp_seconds"].samples) == 1


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_no_text_leaves_its_label(text: str) -> None:
    """A name with quotes, backslashes or line ends makes no other metric, and is read back."""
    line = f'{prometheus.Metric("x", "help", [({"name": text}, 1.0)]).name}{{name="{prometheus.escaped(text)}"}} 1\n'
    [family] = text_string_to_metric_families(line)
    [sample] = family.samples
    plain = "".join(one if one.isprintable() or one == "\n" else " " for one in text)
    assert sample.labels == {"name": plain}


def test_hostile_names_change_no_document(report: Report) -> None:
    """Rule of the issue: every remote string escaped."""
    for text in HOSTILE:
        changed = with_names(report, text)
        for name in ("csv", "mermaid", "prometheus", "json"):
            report_format(name).render(changed)
        names = set(families(report_format("prometheus").render(changed)))
        assert all(name.startswith("edgecert_") for name in names)
    assert HOSTILE_ID in {one["certificate"] for one in report["certificates"]}


def test_a_file_that_node_exporter_would_pass_over_is_told() -> None:
    """It reads names that end in .prom, and says nothing of others."""
    form = report_format("prometheus")
    assert form.advice("/var/lib/node_exporter/edgecert.prom") == ()
    assert "node_exporter" in form.advice("/var/lib/node_exporter/edgecert.txt")[0]
    assert report_format("csv").advice("/x") == ()


def test_work_that_has_been_due_for_long_is_told_by_its_moment(estate: Store) -> None:
    """W4: nothing goes on where cert_lifecycle does not run, and an alert can see it."""
    with estate.read() as unit:
        moments = [one.next_look_at for one in unit.requests.find() if one.next_look_at]
        report = gather(unit, Filters(), max(moments) + timedelta(days=1), "x")
    [sample] = families(report_format("prometheus").render(report))["edgecert_oldest_due_timestamp_seconds"].samples
    assert sample.value == min(moments).replace(microsecond=0).timestamp()


def test_every_metric_is_in_the_guide_and_alerts_use_no_other(report: Report) -> None:
    """V1: alert rules can be copied from the guide; each has what Prometheus wants of a rule."""
    text = GUIDE.read_text(encoding="utf-8")
    found = set(families(report_format("prometheus").render(report)))
    assert sorted(name for name in found if f"``{name}``" not in text) == []
    [block] = re.findall(r"(?m)^\.\. code-block:: yaml\n\n(    groups:\n(?:(?:    .*)?\n)+)", text)
    [group] = yaml.safe_load(block)["groups"]
    assert len({rule["alert"] for rule in group["rules"]}) == len(group["rules"]) >= 6
    for rule in group["rules"]:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"[A-Za-z]\w*", rule["alert"]) and rule["annotations"]["summary"]
        assert rule.get("for") is None or re.fullmatch(r"\d+[smhd]", rule["for"])
        used = set(re.findall(r"\bedgecert_\w+", rule["expr"]))
        assert used and used <= found, rule["expr"]
        assert all(rule["expr"].count(one) == rule["expr"].count(other) for one, other in ("()", "{}", "[]"))
