# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects the codes of failures out of the sources; runs nothing of what it reads.

A code is a word given to something named ``code``: by keyword, by position to a class or function of the collection
that has such a parameter, or as a class attribute. Names of constants are followed. A code that is made at run time,
as ``device_{status}``, is not collected.
"""

from __future__ import annotations

import ast
import pathlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

_WORD = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_NAME = "code"

# By name of a constant, what it stands for; by name of a class or function, at which place it takes a code.
_Constants = Mapping[str, str]
_Places = Mapping[str, int]


def collect(root: pathlib.Path) -> dict[str, list[str]]:
    """Give the codes with where each is used, as ``_ca/base.py:170``.

    :param root: folder of Python files, with those under it.
    """
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.py"))}
    places = dict(place for tree in trees.values() for place in _places(tree))
    by_module = {path.stem: _constants(tree) for path, tree in trees.items()}
    found: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees.items():
        known = {**_imported(tree, by_module), **_constants(tree)}
        for value in _values(tree, places):
            for word in _words(value, known):
                found[word].append(f"{path.relative_to(root)}:{value.lineno}")
    return {word: found[word] for word in sorted(found)}


def _places(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Find the classes and functions that take a code by position."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            fields = [getattr(one.target, "id", "") for one in node.body if isinstance(one, ast.AnnAssign)]
            if _NAME in fields:
                yield node.name, fields.index(_NAME)
        elif isinstance(node, ast.FunctionDef):
            names = [one.arg for one in node.args.args if one.arg not in ("self", "cls")]
            if _NAME in names and node.name != "__init__":
                yield node.name, names.index(_NAME)


def _constants(tree: ast.Module) -> dict[str, str]:
    """Find what names of a module stand for; of several in one assignment, too."""
    found = {}
    for node in tree.body:
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for name, value in pairs:
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found[name.id] = value.value
    return found


def _imported(tree: ast.Module, by_module: Mapping[str, _Constants]) -> dict[str, str]:
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            constants = by_module.get(node.module.rpartition(".")[2], {})
            found.update({one.asname or one.name: constants[one.name] for one in node.names if one.name in constants})
    return found


def _values(tree: ast.Module, places: _Places) -> Iterator[ast.expr]:
    """Find what is given to something named ``code``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (keyword.value for keyword in node.keywords if keyword.arg == _NAME)
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in places and len(node.args) > places[name]:
                yield node.args[places[name]]
        elif isinstance(node, ast.ClassDef):
            for one in node.body:
                if isinstance(one, ast.Assign) and any(getattr(t, "id", "") == _NAME for t in one.targets):
                    yield one.value


def _words(value: ast.expr, known: _Constants) -> Iterator[str]:
    """Give the words that an expression may come to; what a call gives is made at run time."""
    if isinstance(value, ast.IfExp):
        yield from _words(value.body, known)
        yield from _words(value.orelse, known)
    elif isinstance(value, ast.BoolOp):
        for one in value.values:
            yield from _words(one, known)
    else:
        name = getattr(value, "id", "") or getattr(value, "attr", "")
        word = value.value if isinstance(value, ast.Constant) else known.get(name, "")
        if isinstance(word, str) and _WORD.fullmatch(word):
            yield word


def said(root: pathlib.Path) -> set[str]:
    """Give the words that are in the strings of the Python files of a folder, and in its YAML files.

    :param root: with those under it.
    """
    found: set[str] = set()
    for path in root.rglob("*"):
        if path.suffix == ".py":
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        elif path.suffix in (".yml", ".yaml", ".j2"):
            texts = [path.read_text(encoding="utf-8")]
        else:
            continue
        found.update(word for text in texts for word in re.findall(r"\w+", text))
    return found
