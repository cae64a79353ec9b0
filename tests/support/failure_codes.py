# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code a failure of the collection can have, read out of the source without running it.

A code is written in one of a few ways, all of which are read here. One that is made while running stands in ``MADE``
with the words it can become; one that is neither is an error of whoever asks, so nothing is missed silently.
"""

from __future__ import annotations

import ast
import functools
import pathlib
import re
from collections.abc import Iterator, Mapping

TOP = pathlib.Path(__file__).resolve().parents[2] / "plugins"

# What takes a code by position: the call's last name, in which part of the source, and which argument it is.
TAKES = {
    "fail": ("_clm/", 0),
    "fail_live": ("_clm/", 2),
    "go_without": ("_clm/", 2),
    "_give_up": ("_clm/", 2),
    "Rule": ("_keys/", 0),
    "refusal": ("_keys/", 3),
    "Obstacle": ("_keys/", 0),
    "Meaning": ("_token/", 0),
    "_simple": ("_cps/errors.py", 1),
    "_made": ("_cps/errors.py", 2),
}
# What is handed on from an error or a rule that is read where it is made.
HANDED_ON = (
    ("_ca/before_order.py", "exc.code"),
    ("_ca/rest.py", "code"),
    ("_clm/deployment.py", "reason"),
    ("_clm/form.py", "first.code"),
    ("_clm/csrs.py", "refusals"),
    ("_clm/moves.py", "reason"),
    ("_clm/opening.py", "code"),
    ("_clm/opening.py", "exc.code"),
    ("_clm/opening.py", "obstacles[0].code"),
    ("_clm/receiving.py", "reason"),
    ("_clm/receiving.py", "refusals"),
    ("_clm/removal.py", "exc.code"),
    ("_clm/removal.py", "reason"),
    ("_clm/removal_end.py", "reason"),
    ("_core/errors.py", "code"),
    ("_cps/errors.py", "code"),
    ("_glue/wire_store_care.py", "exc.code"),
    ("_keys/adc_keys.py", "exc.code"),
    ("_keys/pkcs11_keys.py", "standing[0].code"),
    ("_keys/rest_device.py", "code"),
    ("_keys/rest_device.py", "rule.code"),
    ("_token/failures.py", "meaning.code"),
)
# Words of a CA, a controller, DNS or a mail server, which are no codes of ours.
THEIRS = (
    ("_ca/ejbca.py", "wire.enrolment_code(self._secrets['enrolment_seed'], username)"),
    ("_ca/nexus_answers.py", "code_of(told)"),
    ("_ca/soap.py", "(text(body, 'faultcode') or text(body, 'Code', 'Value')).rpartition(':')[2]"),
    ("_dns/lookup.py", "answer[3] & 15"),
    ("_keys/f5_bigip.py", "value.get('apiError') or ''"),
    ("_keys/netscaler.py", "value.get('errorcode', 0)"),
    ("_notify/mail.py", "next(iter(refused.values()))[0]"),
)
# Codes that are put together while running.
MADE: Mapping[tuple[str, str], tuple[str, ...]] = {
    **dict.fromkeys((*HANDED_ON, *THEIRS), ()),
    ("_clm/accounts.py", "f'{family.noun}_missing'"): ("ca_account_missing", "key_device_missing"),
    ("_clm/device_look.py", "f'device_{device.status}'"): ("device_failed", "device_unresolved"),
    (
        "_clm/notifying.py",
        "failures[0].code if len({one.code for one in failures}) == 1 else 'not_delivered'",
    ): ("not_delivered",),
    ("_clm/gate.py", "unusable[0]"): ("approval_expired", "approval_void"),
    ("_clm/orders.py", "unusable[0]"): ("approval_expired", "approval_void"),
    ("_clm/requests.py", "unusable[0]"): ("approval_expired", "approval_void"),
    ("_clm/push_scripts.py", "f'{stage}_push_failed'"): ("pre_push_failed", "post_push_failed"),
    ("_clm/removal.py", "self._over_code"): ("removal_cancelled", "removal_failed"),
    ("_clm/replacement.py", "f'replacement_{state}'"): ("replacement_stopped", "replacement_aborted"),
    ("_cps/errors.py", "code"): ("burst_blocked", "rate_limited"),
}
# A fault of the collection itself, which the glue tells in the same form.
BUG = "internal_error"


class Unread(Exception):
    """A code that is written in a way nobody here knows."""


def _is_code(line: ast.Assign) -> bool:
    return "code" in {ast.unparse(target).rpartition(".")[2] for target in line.targets}


class _File:
    """One source file."""

    def __init__(self, path: pathlib.Path) -> None:
        self.name = path.relative_to(TOP).as_posix().removeprefix("module_utils/")
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.constants = dict(self._constants())
        taken = [node for node in ast.walk(self.tree) if isinstance(node, ast.ImportFrom)]
        self.imported = {one.name: (node.module or "").rpartition(".")[2] for node in taken for one in node.names}

    def _constants(self) -> Iterator[tuple[str, str]]:
        for node in self.tree.body:
            if not isinstance(node, ast.Assign):
                continue
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                for name, value in zip(names, values, strict=False):
                    if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield name.id, value.value

    def written(self) -> Iterator[ast.expr]:
        """Give each expression that stands where a code is due."""
        classes = [node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)]
        of_classes = {id(line) for node in classes for line in node.body}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.keyword) and node.arg == "code":
                yield node.value
            elif isinstance(node, ast.Call):
                part, place = TAKES.get(ast.unparse(node.func).rpartition(".")[2], ("", 0))
                if part and self.name.startswith(part) and len(node.args) > place:
                    yield node.args[place]
            elif isinstance(node, ast.Assign) and id(node) not in of_classes and _is_code(node):
                yield node.value

    def of_classes(self) -> Iterator[tuple[str, str]]:
        """Give each class that has a code of its own, with that code."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef):
                codes = [line for line in node.body if isinstance(line, ast.Assign) and _is_code(line)]
                yield from ((node.name, ast.literal_eval(line.value)) for line in codes)

    def bare_calls(self) -> set[str]:
        """Give what is called without a code, so that the code of a class is let out."""
        calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return {
            ast.unparse(call.func).partition(".of_problems")[0].rpartition(".")[2]
            for call in calls
            if not any(word.arg == "code" for word in call.keywords)
        }


def _words(value: ast.expr, file: _File, others: Mapping[str, _File]) -> tuple[str, ...] | None:
    """Give the words an expression can be, or None where they are not written in it.

    :param others: every file by the last part of its name.
    """
    if isinstance(value, ast.Constant):
        return (value.value,) if isinstance(value.value, str) else ()
    if isinstance(value, ast.IfExp):
        sides = [_words(side, file, others) for side in (value.body, value.orelse)]
        return None if None in sides else tuple(word for side in sides for word in side or ())
    if not isinstance(value, (ast.Name, ast.Attribute)):
        return None
    module, _dot, name = ast.unparse(value).rpartition(".")
    home = others.get(module or file.imported.get(name, ""), file)
    return (home.constants[name],) if name in home.constants else None


@functools.cache
def collected() -> dict[str, set[str]]:
    """Give every code, with the files it is raised in.

    :raises Unread: an expression is neither understood nor in ``MADE``; names them all.
    """
    files = [_File(path) for path in sorted(TOP.rglob("*.py"))]
    others = {pathlib.PurePath(file.name).stem: file for file in files}
    found: dict[str, set[str]] = {BUG: {"_glue/run.py"}}
    unread, used = [], set()
    bare = set().union(*(file.bare_calls() for file in files))
    for file in files:
        for name, code in file.of_classes():
            if name in bare:
                found.setdefault(code, set()).add(file.name)
        for value in file.written():
            words = _words(value, file, others)
            if words is None:
                place = (file.name, ast.unparse(value))
                used.add(place)
                words = MADE.get(place)
            if words is None:
                unread.append(f"{file.name}:{value.lineno}: {ast.unparse(value)}")
            for word in words or ():
                found.setdefault(word, set()).add(file.name)
    unread += [f"{name}: {text}, which is not there any more" for name, text in sorted(set(MADE) - used)]
    if unread:
        raise Unread("\n".join(unread))
    return found


def said(root: pathlib.Path) -> set[str]:
    """Give the words in the strings of the Python files of a folder, and in its YAML files; this file counts for none.

    :param root: with those under it.
    """
    found: set[str] = set()
    for path in root.rglob("*"):
        if path.name == pathlib.Path(__file__).name:
            continue
        if path.suffix == ".py":
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        elif path.suffix in (".yml", ".yaml", ".j2"):
            texts = [path.read_text(encoding="utf-8")]
        else:
            continue
        found.update(word for text in texts for word in re.findall(r"\w+", text))
    return found
