# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both settings of IDnomic share: calls by an account's client certificate, and the test of an account."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.errors import AuthError, ClmError
from .._core.redact import Secret
from . import client_certificate, soap
from .base import Check, Choice, Tools
from .connection import connected, reachable


@dataclass(frozen=True)
class Question:
    """A call that changes nothing, to see whether anything answers."""

    path: str
    body: ET.Element
    action: str = ""


def calls(tools: Tools, options: Mapping[str, Any], secrets: Mapping[str, Secret], version: str = "1.1") -> soap.Soap:
    """Build the calls of an account; no traffic."""
    rest = connected(tools, str(options["url"]), options, secrets, explain=soap.explained, speaks="XML")
    return soap.Soap(rest, version)


def tested(
    made: soap.Soap,
    tools: Tools,
    options: Mapping[str, Any],
    question: Question,
    listed: Callable[[], Sequence[Choice]],
    wanted: tuple[str, str],
) -> Sequence[Check]:
    """Try address, clock, client certificate, and the right to list; enrols nothing.

    :param wanted: what is listed, as "RA workflow", and the one that the account names, if it does.
    """
    found = [
        *client_certificate.checks(options, tools.clock.now()),
        *reachable(
            *(made.rest, tools, question.path),
            method="POST",
            raw=made.enveloped(question.body),
            headers=made.headers(question.action),
        ),
    ]
    if not all(check.passed for check in found if check.name == "reachable"):
        return found
    try:
        names = [choice.value for choice in listed()]
    except ClmError as exc:
        return [*found, Check("may list", False, exc.message)]
    what, name = wanted
    if name and name not in names:
        told = f"it sees no {what} {name!r}; there are {', '.join(names) or 'none'}"
        return [*found, Check("may list", False, told)]
    return [*found, Check("may list", bool(names), f"it sees {len(names) or 'no'} {what}s")]


def values(listed: Callable[[], Sequence[Choice]]) -> list[str]:
    """Give the values of a list; none where it may not be read, and then the CA itself says."""
    try:
        return [choice.value for choice in listed()]
    except AuthError:
        return []
