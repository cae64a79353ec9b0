# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a work order brings to its network. Data alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._core.types import Bundle, CaAccount, CertRequest


@dataclass(frozen=True)
class Pushed:
    """What a work order deploys.

    :ivar bundles: by key algorithm, as ``fingerprints`` and ``csrs``.
    :ivar reference: the enrollment and the change that takes them.
    """

    bundles: Mapping[str, Bundle]
    fingerprints: Mapping[str, str]
    csrs: Mapping[str, str]
    reference: Mapping[str, Any]
    request: CertRequest
    account: CaAccount | None
