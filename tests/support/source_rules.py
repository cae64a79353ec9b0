# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the sources for breaches of the layer, clock and size rules; runs nothing of what it reads."""

from __future__ import annotations

import ast
import pathlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass

OWN = "ansible_collections.edgecert.clm.plugins."
MAX_FILE, MAX_FUNCTION = 400, 40
CLOCK = "module_utils/_core/clock.py"
CLOCK_CALLS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}


@dataclass(frozen=True)
class Layer:
    """What one package may import beside the standard library and itself.

    :ivar ours: packages (``_core``) or single files (``_http/base``) of module_utils.
    :ivar libraries: third-party packages, inside functions alone.
    :ivar ansible: names under ``ansible``, at any place.
    """

    ours: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    ansible: tuple[str, ...] = ()


_PROVIDER = Layer(
    ours=("_core", "_pki", "_token", "_http/base", "_http/retry", "_dns"),
    libraries=("cryptography", "boto3", "botocore", "google"),
)
_FAMILIES = ("_ca", "_keys", "_target", "_store")
# Contracts that are too long for one file.
_MORE_BASES = (
    *("_ca/answer_base", "_ca/capability_base", "_keys/device_base"),
    *("_dns/base", "_edns/base", "_notify/base", "_revocation/base"),
    *("_target/edge_base", "_target/inspection_base", "_target/script_base"),
    "_report/base",
)
_ENTRY = ("_glue", "_clm", "_core")
_PLUGIN_BASES = (
    "ansible.errors",
    "ansible.plugins",
    "ansible.module_utils",
    "ansible.parsing",
    "ansible.template",
    "ansible.utils",
)

LAYERS = {
    "module_utils/_core": Layer(),
    "module_utils/_pki": Layer(("_core",), ("cryptography",)),
    "module_utils/_token": Layer(("_core",), ("cryptography", "pkcs11")),
    "module_utils/_dns": Layer(("_core",)),
    # Fetches; what it fetches is read in _pki.
    "module_utils/_revocation": Layer(("_core", "_http/base")),
    "module_utils/_http": Layer(("_core",), ("requests", "urllib3")),
    "module_utils/_edgegrid": Layer(("_core",), ("akamai",)),
    "module_utils/_cps": Layer(("_core", "_edgegrid", "_http")),
    # Another API of the same gateway: the caller and the refusals are those of CPS.
    "module_utils/_edns": Layer(("_core", "_dns", "_http", "_cps")),
    "module_utils/_ca": _PROVIDER,
    "module_utils/_keys": _PROVIDER,
    "module_utils/_target": _PROVIDER,
    "module_utils/_store": Layer(("_core",), ("psycopg", "cryptography")),
    # Turns data into documents: what it is given is JSON-ready, and where it goes is not its business.
    "module_utils/_report": Layer(("_core",)),
    "module_utils/_notify": Layer(("_core", "_http/base")),
    "module_utils/_clm": Layer(("_core", "_pki", *(f"{family}/base" for family in _FAMILIES), *_MORE_BASES)),
    "module_utils/_glue": Layer(
        (
            *("_core", "_pki", "_http", "_edgegrid", "_cps", "_dns", "_edns", "_report", "_notify", "_revocation"),
            *_FAMILIES,
            "_clm",
        ),
        ansible=("ansible.module_utils.basic",),
    ),
    "modules": Layer(_ENTRY),
    "inventory": Layer((*_ENTRY, "plugin_utils"), ansible=_PLUGIN_BASES),
    "plugin_utils": Layer(_ENTRY, ansible=_PLUGIN_BASES),
    "doc_fragments": Layer(),
}

# The only files that speak CPS outside _cps and _glue.
CPS_SPEAKERS = ("module_utils/_keys/endpoint*.py", "module_utils/_target/akamai_cps*.py")


@dataclass(frozen=True)
class Import:
    """One imported module by its full dotted name; ``late`` in a function or for the type checker alone."""

    name: str
    line: int
    late: bool


def _is_for_types(node: ast.AST) -> bool:
    test = node.test if isinstance(node, ast.If) else None
    return getattr(test, "id", getattr(test, "attr", "")) == "TYPE_CHECKING"


def _names(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        base = ".".join(
            part for part in (*package.split(".")[: len(package.split(".")) - node.level + 1], base) if part
        )
    # The last word may be a module or a class in it; for a class, one word too many harms nothing.
    yield from (f"{base}.{alias.name}" for alias in node.names)


def imports(tree: ast.AST, package: str, late: bool = False) -> Iterator[Import]:
    """Give every import of a syntax tree.

    :param package: dotted name of the package the file is in, for relative imports.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (Import(name, node.lineno, late) for name in _names(node, package))
        else:
            function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from imports(node, package, late or function or _is_for_types(node))


def _starts(name: str, prefixes: tuple[str, ...], separator: str) -> bool:
    return any(name == prefix or name.startswith(prefix + separator) for prefix in prefixes)


def _import_breach(found: Import, file: pathlib.PurePosixPath, package: str, layer: Layer) -> str | None:
    """Say what is wrong with an import in a file, or None."""
    if found.name.startswith(OWN):
        target = found.name[len(OWN) :].replace(".", "/")
        if _starts(target, (package,), "/"):
            return None
        allowed = layer.ours + (("_cps",) if any(file.match(pattern) for pattern in CPS_SPEAKERS) else ())
        if _starts(target.removeprefix("module_utils/"), allowed, "/"):
            return None
        return f"{package} may not import {target}"
    top = found.name.split(".")[0]
    if top in sys.stdlib_module_names:
        return None
    if top == "ansible":
        return None if _starts(found.name, layer.ansible, ".") else f"{package} may not import {found.name}"
    if top not in layer.libraries:
        return f"{package} may not import {top}"
    return None if found.late else f"{top} is imported at the top, not inside a function"


def _clock_breaches(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = getattr(node.value, "id", getattr(node.value, "attr", ""))
            if (owner, node.attr) in CLOCK_CALLS:
                yield node.lineno, f"{owner}.{node.attr} belongs to _core/clock.py"
        elif (
            isinstance(node, ast.ImportFrom)
            and node.module == "time"
            and any(alias.name == "time" for alias in node.names)
        ):
            yield node.lineno, "time.time belongs to _core/clock.py"


def layer_breaches(plugins: pathlib.Path) -> list[str]:
    """Give every breach of layers and clock in a plugins folder, as ``file:line: what``, sorted."""
    found = []
    for path in sorted(plugins.rglob("*.py")):
        file = pathlib.PurePosixPath(path.relative_to(plugins).as_posix())
        text = path.read_text(encoding="utf-8")
        if path.name == "__init__.py":
            found += [f"{file}:1: __init__.py is not empty"] if text.strip() else []
            continue
        package = "/".join(file.parts[:2] if file.parts[0] == "module_utils" else file.parts[:1])
        layer = LAYERS.get(package)
        if layer is None:
            found.append(f"{file}:1: {package} has no line in the table of layers")
            continue
        tree = ast.parse(text)
        dotted = OWN + ".".join(file.parts[:-1])
        for one in imports(tree, dotted):
            what = _import_breach(one, file, package, layer)
            found += [f"{file}:{one.line}: {what}"] if what else []
        if str(file) != CLOCK:
            found += [f"{file}:{line}: {what}" for line, what in _clock_breaches(tree)]
    return sorted(set(found))


def size_breaches(folder: pathlib.Path) -> list[str]:
    """Give the files and functions of a folder that are too long, as ``file:line: what``."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        text, file = path.read_text(encoding="utf-8"), path.relative_to(folder).as_posix()
        lines = len(text.splitlines())
        if lines > MAX_FILE:
            found.append(f"{file}:1: {lines} lines, {MAX_FILE} are allowed")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION:
                    found.append(f"{file}:{node.lineno}: {node.name} has {length} lines, {MAX_FUNCTION} are allowed")
    return found
