# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An EST account: its options, and what it needs to log in.

:source: RFC 7030 §3.2.2 for labels, §3.2.3 and §3.3.2 for logging in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from . import option_table
from .connection import url_reason
from .option_table import Option

KIND = "est"
ENROLL, REENROLL = "simpleenroll", "simplereenroll"


def label_reason(label: str) -> str:
    """Say why a label cannot be one: a segment of a path, and none of the operations; empty when it can."""
    operations = ("cacerts", ENROLL, REENROLL, "fullcmc", "serverkeygen", "csrattrs")
    if label in (*operations, ".", "..") or "/" in label or unquote(label) != label:
        return f"is {label!r}; one segment of a path is wanted, as it is before it is encoded, and no operation of EST"
    return ""


TABLE: option_table.Table = {
    **option_table.NETWORK,
    **option_table.CLIENT_CERTIFICATE,
    "url": Option("str", "Address of the server, as https://est.example.com.", required=True, check=url_reason),
    "label": Option(
        "str", "Label of the CA or profile at the server, where a request names none.", default="", check=label_reason
    ),
    "username": Option("str", "User for HTTP basic authentication.", default=""),
    "password": Option("str", "Its password.", secret=True),
    "repeat_lost": Option(
        "bool",
        "Whether the server knows a pending request again even after it answered it, so that asking may be repeated "
        "when the answer was lost.",
        default=False,
    ),
    "reenroll": Option(
        "bool", "Whether renewals with the same names use simplereenroll, which not every account may.", default=False
    ),
}


def problems(options: Mapping[str, Any], secrets: Mapping[str, str]) -> list[str]:
    """Say what an account needs to log in and has not."""
    found = []
    if bool(options.get("username")) != bool(secrets.get("password")):
        missing = "password among the secrets" if options.get("username") else "username among the options"
        found.append(f"{missing} is missing; give both")
    if ":" in str(options.get("username") or ""):
        found.append("username holds a colon, which HTTP basic authentication takes for the end of it")
    if not options.get("username") and not options.get("client_certificate"):
        found.append("nothing to log in with; give username and password, or a client certificate, or both")
    return found
