# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who acts, for conditions and the audit.

How far it can be trusted: the option and the environment say what their writer wants them to say, and the login name
is that of the process. The audit shows who the automation *said* it was. Where that must be more than a claim, let
AWX or another job runner set the option from its own login, out of the playbook author's reach, and restrict who may
reach the store. AWX gives a job its user as the extra variable ``awx_user_name``, which a module sees only when a
task passes it on.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

JOB_USER_VARIABLES = ("AWX_USER_NAME", "TOWER_USER_NAME")
"""Environment variables a job runner's credential type may fill with the user that launched the job."""


def login_name() -> str:
    """Give the name of the process's user, or its number where it has no name, as in many containers."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def who_acts(option: str | None, environment: Mapping[str, str]) -> str:
    """Tell who acts: the option, else the job runner's user, else the login name.

    :param option: the option ``actor``, or what its environment variable said; blank counts as left out.
    """
    candidates = (option, *(environment.get(name) for name in JOB_USER_VARIABLES))
    return next((text.strip() for text in candidates if text and text.strip()), "") or login_name()
