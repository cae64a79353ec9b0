# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extra variables as AWX writes them for a job: every text is marked unsafe, so that none is a template.

ansible-core from 2.19 on reads what is so marked by what it looks like: an empty text is null, a time is a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


class _Unsafe(yaml.SafeDumper):
    """Marks every text, keys among them."""

    def represent_data(self, data: Any) -> Any:
        """Represent one value."""
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


def marked(variables: Mapping[str, Any]) -> str:
    """Write variables as YAML, each by itself, as AWX does."""
    return "".join(
        yaml.dump({name: value}, Dumper=_Unsafe, default_flow_style=False) for name, value in variables.items()
    )
