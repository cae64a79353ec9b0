# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Derive the sandbox's schemas from a published OpenAPI bundle of CPS.

    cd extensions/sandbox
    python derive_schemas.py cps-v2.bundled.json > edgecert_sandbox/data/schemas.json

Keeps structure only: types, enums, required and known members, nullability. Standard library only.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

KEPT = ("type", "enum", "required", "additionalProperties")
NULLABLE_BOOLEAN: dict[str, Any] = {"type": ["boolean", "null"]}

# Entity -> the published versions that are derived.
WANTED = {
    "acknowledgement": (1,),
    "acknowledgement-with-hash": (1,),
    "certificate-and-trust-chain": (1, 2),
    "certificate-history": (1, 2),
    "change": (1, 2),
    "change-history": (3, 5),
    "change-id": (1,),
    "change-management-info": (4, 5),
    "csr": (1, 2),
    "deployment": (1, 2, 3, 6, 7),
    "deployment-schedule": (1,),
    "deployments": (1, 2, 3, 6, 7),
    "dv-challenges": (1, 2),
    "dv-history": (1,),
    "enrollment": (3, 4, 7, 9, 10, 11),
    "enrollment-status": (1,),
    "enrollments": (3, 4, 7, 9, 10, 11),
    "warnings": (1,),
}


def structure(node: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Give the structure of one schema as JSON Schema, references put in place."""
    if "$ref" in node:
        return structure(schemas[node["$ref"].rsplit("/", 1)[-1]], schemas)
    kept: dict[str, Any] = {key: copy.deepcopy(node[key]) for key in KEPT if key in node}
    if "properties" in node:
        kept["properties"] = {name: structure(node["properties"][name], schemas) for name in sorted(node["properties"])}
    if "items" in node:
        kept["items"] = structure(node["items"], schemas)
    if "required" in kept:
        kept["required"] = sorted(kept["required"])
    if node.get("nullable"):
        kept["type"] = [kept["type"], "null"]
        if "enum" in kept:
            kept["enum"] = [*kept["enum"], None]
    return kept


def newer_versions(derived: dict[str, Any]) -> None:
    """Add the versions that shipping clients use and the bundle has not: each is its predecessor and ``fipsMode``."""
    enrollment = copy.deepcopy(derived["enrollment.v11"])
    enrollment["properties"]["networkConfiguration"]["properties"]["fipsMode"] = NULLABLE_BOOLEAN
    derived["enrollment.v12"] = enrollment
    derived["enrollments.v12"] = copy.deepcopy(derived["enrollments.v11"])
    derived["enrollments.v12"]["properties"]["enrollments"]["items"] = copy.deepcopy(enrollment)
    deployment = copy.deepcopy(derived["deployment.v7"])
    deployment["properties"]["networkConfiguration"]["properties"]["fipsMode"] = NULLABLE_BOOLEAN
    derived["deployment.v8"] = deployment
    derived["deployments.v8"] = copy.deepcopy(derived["deployments.v7"])
    derived["deployments.v8"]["properties"] = {
        network: copy.deepcopy(deployment) for network in derived["deployments.v7"]["properties"]
    }


def derive(bundle: dict[str, Any]) -> dict[str, Any]:
    """Give entity and version to JSON Schema, for all entities the sandbox reads or writes."""
    schemas = bundle["components"]["schemas"]
    names = [f"{entity}.v{version}" for entity, versions in WANTED.items() for version in versions]
    derived = {name: structure(schemas[name], schemas) for name in names}
    newer_versions(derived)
    return dict(sorted(derived.items()))


def render(derived: dict[str, Any]) -> str:
    """Write derived schemas as the text of the data file."""
    return json.dumps(derived, indent=1, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """Read the bundle named, write the schemas to standard output."""
    if len(arguments) != 1:
        print("usage: derive_schemas.py BUNDLE.json", file=sys.stderr)
        return 2
    sys.stdout.write(render(derive(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
