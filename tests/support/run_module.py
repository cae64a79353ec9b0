# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module in this process through the real AnsibleModule, as ansible would, and gives its result."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

from ansible.module_utils import basic
from ansible.module_utils.common.parameters import PASS_VARS


@contextlib.contextmanager
def _arguments(arguments: Mapping[str, Any]) -> Iterator[None]:
    """Hand arguments to the next AnsibleModule, on cores before and after 2.19."""
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:
        text = json.dumps({"ANSIBLE_MODULE_ARGS": dict(arguments)}).encode()
        with mock.patch.object(basic, "_ANSIBLE_ARGS", text):
            yield
    else:
        with patch_module_args(dict(arguments)):
            yield


def run(
    main: Callable[[], None],
    options: Mapping[str, Any],
    *,
    check: bool = False,
    diff: bool = False,
    invocation: bool = False,
) -> Any:
    """Run a module's main function and give the JSON it prints.

    :param invocation: have the arguments repeated in the result, as cores before 2.20 always do.
    :returns: the result; ``failed`` is there when the module failed.
    """
    arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": diff}
    if invocation and "inject_invocation" in PASS_VARS:
        arguments["_ansible_inject_invocation"] = True
    printed = io.StringIO()
    ended: SystemExit | None = None
    with _arguments(arguments), contextlib.redirect_stdout(printed):
        try:
            main()
        except SystemExit as left:
            ended = left
    if ended is None:
        raise AssertionError("the module did not exit")
    result = json.loads(printed.getvalue().strip().splitlines()[-1])
    assert bool(ended.code) == bool(result.get("failed")), result
    return result
