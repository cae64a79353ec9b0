# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets ansible-test make its environments without downloading pip's bootstrap script.

For each version of pip that the installed ansible-test may ask for, a stand-in goes into its cache: Python's own
ensurepip, then the versions wanted from the package index in use. A script that is there already is kept.
"""

from __future__ import annotations

import pathlib
import re

from ansible_test._internal import python_requirements

STAND_IN = """\
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--upgrade"], stdout=subprocess.DEVNULL)
wanted = [arg for arg in sys.argv[1:] if arg.startswith(("pip==", "setuptools==", "wheel=="))]
if wanted:
    subprocess.check_call([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", *wanted])
"""


def main() -> None:
    """Write the stand-ins that are missing."""
    source = pathlib.Path(str(python_requirements.__file__)).read_text(encoding="utf-8")
    cache = pathlib.Path.home() / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in sorted(set(re.findall(r"""pip\s*=\s*['"]([0-9.]+)['"]""", source))):
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        if not script.exists():
            script.write_text(STAND_IN, encoding="utf-8")


if __name__ == "__main__":
    main()
