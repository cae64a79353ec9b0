# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a report of the inventory to a file (V1, V2, E23): reads the store, asks nobody, leaves no trace in the audit.

The file is written anew at each call, so that readers and node_exporter see how old it is. ``changed`` says whether
anything but the moment of writing, and the days counted from it, differs from what stood there.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .._core import files
from .._core.errors import InputError, StoreError
from .._core.plan import Outcome, Plan, Step
from .._report.base import FORMATS as _FORMATS
from .._report.base import ReportFormat
from .filters import Filters
from .ports import Params, Ports
from .report_data import gather
from .views import View

FORMATS = _FORMATS
MAX_TITLE = 200
_WHAT = "the report"
_OCTAL = re.compile(r"(?:0o)?[0-7]{3,4}")
_OWNER_WRITES = 0o600


@dataclass(frozen=True)
class _Found:
    """What stands at the place: its text, and its mode."""

    text: str
    mode: int


def plan(params: Params, ports: Ports, make: Callable[[str], ReportFormat]) -> Plan:
    """Work out what ``cert_report`` would do.

    :param make: gives the format of a name.
    :raises InputError: an option cannot be used, the place cannot be written, or the format cannot show that much.
    """
    dest, mode, title = params["dest"], _mode(params), params["title"]
    filters = Filters.from_options({name: params.get(name) for name in Filters.__dataclass_fields__})
    _refuse(dest, title)
    files.check_new(dest, _WHAT, force=True, taken=ports.own_files)
    found = _found(dest)
    with ports.store.read() as unit:
        report = gather(unit, filters, ports.clock.now(), title)
    form = make(params["format"])
    text = form.render(report)
    data = text.encode("utf-8", "replace")
    view = _view(params, mode, data, len(report["certificates"]))
    is_same = found is not None and form.settled(found.text) == form.settled(data.decode("utf-8"))

    def write() -> bool:
        _write(dest, data, mode)
        return True

    steps = () if found and is_same and found.mode == mode else (Step(_sentence(view, found, is_same), write),)
    before = None if found is None else {"mode": f"{found.mode:04o}", **form.outline(found.text)}
    after = {"mode": view["mode"], **form.outline(text)}
    return Plan(
        before,
        view,
        steps,
        lambda: Outcome(view),
        # With nothing else to say, the moment is bookkeeping.
        note=None if steps else lambda: _write(dest, data, mode),
        extra={"warnings": list(form.advice(dest))} if form.advice(dest) else {},
        diff=({} if before is None else _shown(dest, before), _shown(dest, after)),
    )


def _shown(dest: str, outline: View) -> View:
    return {"dest": dest, **outline}


def _mode(params: Params) -> int:
    """Read the mode; YAML makes a number of what is not quoted.

    :raises InputError: it is none, or takes the file away from its owner.
    """
    given = params["mode"]
    text = str(given).strip()
    if isinstance(given, int) and not isinstance(given, bool):
        mode = given
    elif _OCTAL.fullmatch(text):
        mode = int(text, 8)
    else:
        raise InputError(f'Cannot write {_WHAT}: mode {text!r} is no octal number as "0644"; quote it')
    if not 0 <= mode <= 0o777 or mode & _OWNER_WRITES != _OWNER_WRITES:
        raise InputError(
            f"Cannot write {_WHAT}: mode {mode:04o} is not one that its owner can read and write, without special "
            'bits; give one from "0600" to "0777"'
        )
    return mode


def _refuse(dest: str, title: str) -> None:
    """Refuse what cannot be written.

    :raises InputError: all of it.
    """
    problems = []
    if not Path(dest).is_absolute():
        problems.append(f"dest {dest} is no absolute path")
    if not title.strip() or len(title) > MAX_TITLE or not title.isprintable():
        problems.append(f"title has to be one line of 1 to {MAX_TITLE} characters")
    if problems:
        raise InputError.of_problems(f"Cannot write {_WHAT}", problems)


def _found(dest: str) -> _Found | None:
    """Read what is at the place; None for nothing.

    :raises InputError: something is there that is no file, or cannot be read.
    """
    path = Path(dest)
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"Cannot write {_WHAT} {dest}: what is there is no regular file; choose another path")
    try:
        return _Found(path.read_bytes().decode("utf-8", "replace"), stat.S_IMODE(status.st_mode))
    except OSError as exc:
        raise InputError(
            f"Cannot write {_WHAT} {dest}: the file that is there cannot be read ({exc.strerror}); choose another path",
            code="file_unreadable",
        ) from exc


def _view(params: Params, mode: int, data: bytes, certificates: int) -> View:
    return {
        "dest": params["dest"],
        "format": params["format"],
        "certificates": certificates,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "mode": f"{mode:04o}",
    }


def _sentence(view: View, found: _Found | None, is_same: bool) -> str:
    if is_same:
        return f"Let {view['dest']} have mode {view['mode']}"
    verb, count = "Overwrite" if found else "Write", view["certificates"]
    return f"{verb} {view['dest']} with a report of {count} certificate{'' if count == 1 else 's'} ({view['format']})"


def _write(dest: str, data: bytes, mode: int) -> None:
    with files.replacing(dest, _WHAT) as part:
        path = Path(part)
        try:
            path.write_bytes(data)
            path.chmod(mode)
        except OSError as exc:
            raise StoreError(
                f"Cannot write {_WHAT} {dest}: {exc.strerror}; make room, or make the folder writable",
                code="file_unwritable",
            ) from exc
