# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A published OpenAPI document as a second opinion on a fake and its connector: neither can invent a field.

The document is beside the checkout; where it is not, nothing is held against it, and the test that counts says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Reply

FOLDER = Path(__file__).resolve().parents[3].parent / "shared" / "openapi" / "ca"


def _closed(schema: Any) -> Any:
    """Allow no member that the document does not name."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: _closed(value) for name, value in schema.items() if name != "example"}
    if isinstance(schema.get("properties"), dict):
        result["additionalProperties"] = False
    return result


class Published:
    """One document; ``held`` counts the exchanges that were held against it, by operation and status.

    :param prefix: of paths at the fake, before the document's own.
    """

    def __init__(self, path: Path, prefix: str) -> None:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        self._components = {"schemas": _closed(document["components"]["schemas"])}
        self._prefix = prefix
        self._operations: list[tuple[str, re.Pattern[str], Mapping[str, Any]]] = []
        for template, methods in document["paths"].items():
            pattern = re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(template)))
            self._operations += [(method.upper(), pattern, told) for method, told in methods.items()]
        # A path that is written out goes before one with a parameter at the same place.
        self._operations.sort(key=lambda entry: entry[1].pattern.count("[^/]+"))
        self.held: dict[str, int] = {}

    def hold(self, call: Call, reply: Reply) -> str:
        """Say what is wrong with an exchange; empty for nothing, or for what the document has no word about."""
        path = call.path.removeprefix(self._prefix)
        found = [one for method, pattern, one in self._operations if method == call.method and pattern.fullmatch(path)]
        if not found:
            return "" if reply.status == 404 else f"{call.method} {path} is not published"
        operation = found[0]
        known = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        strange = sorted(set(call.query) - known)
        problems = [f"query {', '.join(strange)}"] if strange else []
        if "requestBody" in operation:
            problems += self._problems("request", operation["requestBody"], call.body)
        answers = operation["responses"]
        answer = answers.get(str(reply.status)) or (answers.get("default") if reply.status == 200 else None)
        if answer is not None:
            problems += self._problems("answer", answer, reply.content())
            name = f"{operation['operationId']} {reply.status}"
            self.held[name] = self.held.get(name, 0) + 1
        elif 200 <= reply.status < 300 and reply.status != 202:
            problems.append(f"status {reply.status}")
        return f"{call.method} {path}: {'; '.join(problems)}" if problems else ""

    def _problems(self, what: str, told: Mapping[str, Any], content: bytes) -> list[str]:
        import jsonschema

        schema = told.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return []
        whole = {**schema, "components": self._components}
        try:
            jsonschema.Draft202012Validator(whole).validate(json.loads(content))
        except ValueError:
            return [f"{what} is no JSON"]
        except jsonschema.ValidationError as exc:
            return [f"{what}: {exc.message[:200]}"]
        return []


def ejbca() -> Published | None:
    """Give EJBCA's document; None where it, or what reads it, is not at hand."""
    path = FOLDER / "ejbca" / "ejbca-rest-openapi.yaml"
    can_read = path.is_file() and find_spec("yaml") is not None and find_spec("jsonschema") is not None
    return Published(path, "/ejbca/ejbca-rest-api") if can_read else None
