# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Optional third-party libraries: imported late, refused with one clear sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import MissingLibrary


@contextmanager
def needed(package: str, feature: str) -> Iterator[None]:
    """Turn a failing import inside the block into an error that names package and feature.

    The import statement stands in the block itself, because Ansible bundles and linters read it there.

    :param package: the name to install, as on the Python package index.
    :param feature: what needs it, as "the PostgreSQL store".
    :raises MissingLibrary: the import failed.
    """
    try:
        yield
    except ImportError as exc:
        raise MissingLibrary(
            f"The Python package {package} is needed for {feature} and cannot be imported by the Python that runs the "
            f"module ({exc}); install it there, for example with: pip install {package}",
            details={"package": package, "feature": feature},
        ) from exc
