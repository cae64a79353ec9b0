# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the guide on fields and the surveys for AWX from the tables of fields; tests compare them with those.

A survey asks for texts and choices alone: AWX sends an empty text for what was left out, and takes none for a number.
"""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any

from common import TOP

from ansible_collections.edgecert.clm.plugins.module_utils._core import fields, vocabulary
from ansible_collections.edgecert.clm.plugins.module_utils._core.field_records import (
    CHOICE,
    FLAG,
    LINES,
    MAP,
    NUMBER,
    SECRET,
    SOURCES,
    TEXTS,
    Field,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.limits import MAX_TEXT
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import ENDPOINT, UPLOAD

GUIDE = TOP / "docs" / "docsite" / "rst" / "fields_enrollment.rst"
SURVEYS = TOP / "extensions" / "awx" / "surveys"
LEFT_OUT = "default"
"""The choice that stands for none: AWX takes no empty one."""
REQUIRED = ("common_name", "hsm.device", "hsm.key_handler", "adc.device", "adc.key_reference")
FIRST = ("common_name", "subject_alternative_names.dns", "group", "ca")

HEAD = """\
.. Copyright: (c) 2026, the edgecert.clm authors
   GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
   SPDX-License-Identifier: GPL-3.0-or-later

.. Written by tools/field_pages.py from the tables in the code; change those, and run it.

.. _ansible_collections.edgecert.clm.docsite.fields_enrollment:

The fields of an enrollment
===========================

Each field of ``cert_enroll``, with its limit and rule, the sources of keys (``csr_source``) and the CAs it goes with,
and what holds where it is left out. The module checks all of them before anything is sent, and tells everything wrong
at once. What is given and does not go with the source, or is not taken by the CA, is refused with the reason.

*Changes* says when a field may change once the request was made: at any time; until the request is submitted; by an
edit in place (``action: regenerate``); or never. A ``certificate`` given as an empty text becomes the common name and
the time.

What the CSR and the certificate say of them, and where they differ, is told by ``cert_info`` with ``compare: true``.

The surveys of ``extensions/awx/surveys``, one for each source, ask for the same fields, and ``playbooks/enroll.yml``
understands their answers: what is empty, or ``default``, is left out.
A survey is given to a job template by ``POST`` of its file to ``/api/v2/job_templates/ID/survey_spec/`` of AWX. All
questions are texts and choices: AWX refuses an empty answer to a question for a number, and sends an empty text for
what nobody answered. A survey asks for one attachment, as text or as a file where the job runs; run it again for
another, what is not named stays. A line of other extensions is ``OID=VALUE``, the value as base64 of DER, or
``OID=critical:VALUE``. ``extensions/awx/surveys`` has a survey for each other playbook, too: see the
:ref:`guide on AWX <ansible_collections.edgecert.clm.docsite.guide_awx>`.
"""

TITLES = {
    "4": "CA, automatic renewal, source",
    "5": "Keys made by an HSM or ADC",
    "6": "Keys made by CPS",
    "8": "Names, subject, lifetime, key",
    "9": "Attachments",
    "7+": "Attributes",
    "10": "Generic fields",
    "11": "Id",
    "": "Fields that are not in the manual",
    "ca": "Options of a CA",
}
_CA_NOTE = """\
Given under ``ca_options``. Which of them a CA takes, which it requires and what it offers as choices is told by
``ca_account`` (``capabilities.request_options``, ``choices``); a CA may take others."""


def chapter(row: Field) -> str:
    """Give under which title a field stands."""
    return "ca" if row.top == "ca_options" else row.table


def heading(title: str, line: str = "-") -> list[str]:
    """Give a title."""
    return ["", title, line * len(title), ""]


def limit_text(row: Field) -> str:
    """Say a field's limit."""
    if row.least is not None:
        return f"{row.least} to {row.limit}" if row.limit is not None else f"at least {row.least}"
    return f"{row.limit} {row.unit}" if row.limit is not None else ""


def rule_text(row: Field) -> str:
    """Say a field's choices and rule."""
    parts = [", ".join(f"``{choice}``" for choice in row.choices)] if row.choices else []
    parts += [row.says] if row.says else []
    parts += [f"with ``{source}`` {', '.join(few)} only" for source, few in row.narrowed.items()]
    return "; ".join(parts)


def sources_text(row: Field) -> str:
    """Say which sources a field goes with."""
    return "all" if set(row.sources) >= set(SOURCES) else ", ".join(f"``{source}``" for source in row.sources)


def default_text(row: Field) -> str:
    """Say what holds where a field is left out, and where that comes from."""
    return "; else ".join(part for part in (row.default_from, row.default) if part)


def entry(row: Field) -> list[str]:
    """Give the lines of one field."""
    of = f"table {row.table.rstrip('+')}, " if row.table and row.table != "7+" else "step 7, " if row.table else ""
    facts = {
        "Mandatory": row.mandatory,
        "Limit": limit_text(row),
        "Rule": rule_text(row),
        "Sources": sources_text(row),
        "CAs": row.offer.words if row.offer is not None else "",
        "Default": default_text(row),
        "Goes to": ", ".join(row.goes_to),
        "Changes": row.changes,
    }
    lines = [f"``{row.option}``", f"    {row.meaning}. *{row.label}* ({of}{row.requirement})", ""]
    return lines + [f"    * {name}: {text}" for name, text in facts.items() if text] + [""]


def text() -> str:
    """Give the whole guide."""
    lines = [HEAD.rstrip("\n")]
    for name, title in TITLES.items():
        rows = [row for row in fields.ROWS if chapter(row) == name]
        if rows:
            lines += heading(title) + ([*_CA_NOTE.splitlines(), ""] if name == "ca" else [])
            lines += [line for row in rows for line in entry(row)]
    return "\n".join(lines).rstrip("\n") + "\n"


# -- surveys -----------------------------------------------------------------------------------------------------------


def _kind(row: Field) -> str:
    if row.kind in (FLAG, CHOICE) or (row.kind == "text" and row.choices):
        return "multiplechoice"
    return {LINES: "textarea", MAP: "textarea", TEXTS: "textarea", SECRET: "password"}.get(row.kind, "text")


def _described(row: Field, source: str) -> str:
    how = {TEXTS: "one a line", MAP: "one name=value a line"}.get(row.kind, "")
    limits = limit_text(row) if row.kind == NUMBER or row.unit == "characters" else ""
    few = row.narrowed.get(source, ())
    says = row.says.replace("``", "")
    parts = [
        how,
        limits,
        says,
        row.whys.get(source, "") if few else "",
        f"empty: {default_text(row)}" if default_text(row) else "",
    ]
    told = "; ".join(part for part in parts if part).replace("``", "")
    return f"{row.meaning}." + (f" {told[0].upper()}{told[1:]}." if told else "")


def question(row: Field, source: str) -> dict[str, Any]:
    """Give one question, as AWX reads it."""
    kind = _kind(row)
    # AWX counts a number, too, by its text; and it takes no empty answer where there is a least length.
    most = row.limit if kind in ("text", "textarea", "password") and row.unit == "characters" else None
    if row.loosened is not None:
        most = MAX_TEXT
    asked = {
        "question_name": row.label,
        "question_description": _described(row, source),
        "required": row.option in REQUIRED and (row.option, source) != ("common_name", UPLOAD),
        "type": kind,
        "variable": f"clm_{row.variable}",
        "min": None,
        "max": most if row.kind not in (NUMBER, TEXTS, MAP) else None,
        "default": LEFT_OUT if kind == "multiplechoice" else "",
        "choices": "",
        "new_question": True,
    }
    if kind == "multiplechoice":
        choices = ("true", "false") if row.kind == FLAG else fields.choices(row, source)
        asked["choices"] = [LEFT_OUT, *choices]
    return asked


CA_OPTIONS = {
    "question_name": "Options of the CA",
    "question_description": "One name=value a line; which there are is told by ca_account.",
    "required": False,
    "type": "textarea",
    "variable": "clm_ca_options",
    "min": None,
    "max": None,
    "default": "",
    "choices": "",
    "new_question": True,
}

CONNECTOR = {
    **CA_OPTIONS,
    "question_name": "Application connector",
    "question_description": "Name of that to the same device, made once the certificate is issued. A push needs one.",
    "type": "text",
    "variable": "clm_connector",
}


def survey(source: str) -> dict[str, Any]:
    """Give the survey of one source."""
    rows = [row for row in fields.ROWS if row.variable and source in row.sources and row.option != "csr_source"]
    rows.sort(key=lambda row: row.option not in FIRST)
    questions = [question(row, source) for row in rows]
    # AWX tells questions by their name and variable; two options of one label are told apart.
    names = [asked["question_name"] for asked in questions]
    for row, asked in zip(rows, questions, strict=True):
        if names.count(asked["question_name"]) > 1:
            asked["question_name"] = f"{asked['question_name']} ({row.option})"
    place = next(index for index, row in enumerate(rows) if row.option == "ca") + 1
    # CPS takes a certificate for a key of its own only.
    connector = [CONNECTOR] if source == ENDPOINT else []
    return {
        "name": f"Enroll, keys: {source}",
        "description": f"Questions of playbooks/enroll.yml with csr_source {source}; what is empty is left out.",
        "spec": [*questions[:place], CA_OPTIONS, *questions[place:], *connector, _source(source)],
    }


def _source(source: str) -> dict[str, Any]:
    asked = {**CA_OPTIONS, "question_name": "Source of keys", "variable": "clm_csr_source", "required": True}
    told = {"type": "multiplechoice", "choices": [source], "default": source}
    return {**asked, **told, "question_description": "Where key and CSR are made."}


def survey_text(source: str) -> str:
    """Give the file of one survey."""
    return json.dumps(survey(source), indent=2, ensure_ascii=False) + "\n"


def surveys() -> dict[pathlib.Path, str]:
    """Give every survey there is to be, by its file."""
    return {SURVEYS / f"enroll_{source}.json": survey_text(source) for source in vocabulary.CSR_SOURCES}


def main() -> int:
    """Write the guide and the surveys."""
    for path, content in {GUIDE: text(), **surveys()}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        print(f"wrote {path.relative_to(TOP)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
