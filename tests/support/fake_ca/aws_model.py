# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchanges with AWS, held against the published model of a service by botocore's own validator and parser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response

SKIP = "botocore, of requirements-aws.txt, is not installed"


def model_of(service: str, document: Any = None) -> Any:
    """Give a model of a service.

    :param document: a saved one; None for botocore's own.
    """
    if document is None:
        loaders = pytest.importorskip("botocore.loaders", reason=SKIP)
        document = loaders.Loader().load_service_model(service, "service-2")
    return pytest.importorskip("botocore.model", reason=SKIP).ServiceModel(document, service)


def hold(exchanges: Sequence[tuple[Request, Response]], model: Any) -> set[str]:
    """Hold every exchange with a service against its model: names, types, lengths, and what comes back.

    :returns: the operations that were seen.
    """
    parsers = pytest.importorskip("botocore.parsers", reason=SKIP)
    validate = pytest.importorskip("botocore.validate", reason=SKIP)
    seen = set()
    for request, answer in exchanges:
        prefix, _dot, name = request.headers["X-Amz-Target"].partition(".")
        if prefix != model.metadata["targetPrefix"]:
            continue
        assert request.headers["Content-Type"] == f"application/x-amz-json-{model.metadata['jsonVersion']}"
        operation = model.operation_model(name)
        body = json.loads(request.body or b"{}")
        assert set(body) <= set(operation.input_shape.members)
        report = validate.ParamValidator().validate(body, operation.input_shape)
        assert not report.has_errors(), report.generate_report()
        if operation.output_shape is not None:
            told = {"status_code": answer.status, "headers": answer.headers, "body": answer.body}
            parsed = parsers.create_parser("json").parse(told, operation.output_shape)
            parsed.pop("ResponseMetadata")
            parsed.pop("Error", None)
            if answer.status == 200:
                assert _members(parsed) == _members(json.loads(answer.body)), name
        seen.add(name)
    return seen


def _members(value: Any) -> Any:
    """Give the names of members at every depth: what a model does not know is missing in what its parser read."""
    if isinstance(value, dict):
        return {name: _members(entry) for name, entry in value.items()}
    return [_members(entry) for entry in value] if isinstance(value, list) else None
