# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build context of the execution environment: definition and archive, and what ansible-builder makes of them.

No image is built here, for which a container engine is needed: the last words say how.
"""

from __future__ import annotations

import pathlib
import shutil
import sys

import release
from common import BIN, CACHE, TOP

DEFINITION = TOP / "extensions" / "execution-environment"
ARCHIVE = "edgecert-clm.tar.gz"
PLACE = TOP / "dist" / "execution-environment"


def context(archive: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Make the context of an image with this archive, and give its folder, which has a Containerfile.

    :param folder: for definition and context, emptied first.
    :raises subprocess.CalledProcessError: ansible-builder does not take the definition.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DEFINITION, folder / "definition")
    shutil.copyfile(archive, folder / "definition" / ARCHIVE)
    made = folder / "context"
    words = ("create", "--file", folder / "definition" / "execution-environment.yml", "--context", made)
    release.output(BIN / "ansible-builder", *words, "--output-filename", "Containerfile", cwd=folder)
    return made


def main() -> int:
    """Build the collection, make the context of its image, and say how to build that."""
    made = context(release.artifact(CACHE / "execution-environment"), PLACE)
    print(f"The context is in {made.relative_to(TOP)}. Where there is podman, or docker:")
    print(f"  podman build -f {made.relative_to(TOP)}/Containerfile -t edgecert-clm-ee:latest {made.relative_to(TOP)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
