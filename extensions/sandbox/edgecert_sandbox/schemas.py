# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies against the schemas in ``data/schemas.json``. Knows media types by name only, and no HTTP."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

DATA = Path(__file__).parent / "data" / "schemas.json"

# What real answers hold against the published schema, and so clients send back: read-only members, taken and ignored.
READ_BACK: dict[str, dict[str, Any]] = {
    "id": {"type": ["integer", "string", "null"]},
    "orgId": {"type": ["integer", "string", "null"]},
}


class InvalidBody(Exception):
    """A body breaks its schema; the text names the member."""


@functools.cache
def published() -> dict[str, Any]:
    """Give entity and version (``csr.v2``) to JSON Schema."""
    schemas: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return schemas


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    schema = dict(published()[name])
    entity, _dot, version = name.rpartition(".v")
    if entity == "enrollment":
        # The published list of version 4 has members that the published object lacks; Akamai's own tool sends them.
        listed = published()[f"enrollments.v{version}"]["properties"]["enrollments"]["items"]["properties"]
        schema["properties"] = {**listed, **schema["properties"], **(READ_BACK if int(version) >= 11 else {})}
    return Draft202012Validator(schema)


def read(name: str, data: bytes) -> dict[str, Any]:
    """Parse and check a request body.

    :param name: entity and version, as ``enrollment.v11``.
    :raises InvalidBody: no JSON, not an object, or a member that is missing, unknown or of a wrong kind.
    """
    try:
        body = json.loads(data.decode("utf-8"))
    except ValueError as exc:
        raise InvalidBody(f"The request body is not JSON in UTF-8: {exc}") from None
    validator = _validator(name)
    worst = best_match(validator.iter_errors(body))
    if worst is not None:
        raise InvalidBody(_sentence(worst))
    checked: dict[str, Any] = body
    return checked


def _sentence(error: ValidationError) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    place = f"Member {where}" if where else "The body"
    return f"{place} is not valid: {error.message[:300]}"
