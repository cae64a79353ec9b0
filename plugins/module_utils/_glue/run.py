# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way a module runs: arguments in, use case planned, steps run outside check mode, result or failure out.

Names no vendor, CA or database: what a module needs of those is handed in as ``Wires``, so that a module bundles only
the families it names.
"""

from __future__ import annotations

import os
import random
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from .._clm.ports import Params, Ports
from .._core.clock import Clock, SystemClock
from .._core.errors import ClmError
from .._core.masks import maskable
from .._core.plan import Outcome, Plan
from .._core.redact import Secret, redacted
from .actor import who_acts
from .masking import settle_masks
from .options import Spec, argument_spec, split
from .wire_store import opened, own_files

if TYPE_CHECKING:
    from .._ca.base import CaConnector, CaConnectorType
    from .._core.key_records import KeyDevice
    from .._core.types import CaAccount, Device
    from .._dns.base import NameServers
    from .._edns.base import DnsRecords
    from .._keys.base import KeyProvider
    from .._keys.device_base import DeviceKeys, KeyDeviceType
    from .._revocation.base import Documents
    from .._store.base import Store
    from .._target.base import Target
    from .._target.edge_base import Edges
    from .._target.script_base import ScriptRunner

Environment = Mapping[str, str]
UseCase = Callable[[Params, Ports], Plan]

# Times of bookkeeping and what a look left behind differ at every call; a diff is about what somebody wanted changed.
_NOT_IN_DIFF = frozenset({"at", "checked_at", "created_at", "discovery", "next_look_at", "status_log", "updated_at"})


@dataclass(frozen=True)
class Wires:
    """The real parts a module's use case needs beside the store; a part left out fails loudly when asked for.

    Each maker is called once, with the open store, the clock and the environment, and gives the member of ``Ports``;
    ``probe`` and ``name_servers`` need none of them and are that member itself.
    """

    target: Callable[[Store, Clock, Environment], Callable[[Device], Target]] | None = None
    key_provider: Callable[[Store, Clock, Environment], Callable[[str, Device | None], KeyProvider]] | None = None
    ca: Callable[[Store, Clock, Environment], Callable[[CaAccount], CaConnector]] | None = None
    ca_type: Callable[[Store, Clock, Environment], Callable[[str], CaConnectorType]] | None = None
    probe: Callable[[], Edges] | None = None
    scripts: Callable[[Store, Clock, Environment], Callable[[], ScriptRunner]] | None = None
    key_device: Callable[[Store, Clock, Environment], Callable[[KeyDevice], DeviceKeys]] | None = None
    key_device_type: Callable[[Store, Clock, Environment], Callable[[str], KeyDeviceType]] | None = None
    dns: Callable[[Store, Clock, Environment], Callable[[Device], DnsRecords]] | None = None
    name_servers: Callable[[], NameServers] | None = None
    documents: Callable[[Store, Clock, Environment], Callable[[str], Documents]] | None = None


class _Meter:
    """Counts the calls of every target and key provider built for this module."""

    def __init__(self) -> None:
        self._built: list[Any] = []

    def watched(self, make: Callable[..., Any]) -> Callable[..., Any]:
        """Keep what the maker builds, to ask it for its calls in the end."""

        def build(*args: Any) -> Any:
            part = make(*args)
            self._built.append(part)
            return part

        return build

    def calls(self) -> int:
        """Count the calls made so far."""
        return sum(part.calls for part in self._built if hasattr(part, "calls"))

    def result(self) -> dict[str, int]:
        """Give the ``calls`` entry; empty when nothing that calls was built."""
        return {"calls": self.calls()} if any(hasattr(part, "calls") for part in self._built) else {}


def _not_wired(name: str) -> Callable[..., Any]:
    def fail(*_args: Any) -> NoReturn:
        raise RuntimeError(f"the use case asks for {name}, and the module is not wired with it")

    return fail


def _ports(
    store: Store, clock: Clock, actor: str, environment: Environment, wires: Wires, meter: _Meter, *, check_mode: bool
) -> Ports:
    def made(maker: Callable[..., Any] | None, name: str) -> Callable[..., Any]:
        return maker(store, clock, environment) if maker else _not_wired(name)

    return Ports(
        store=store,
        clock=clock,
        actor=actor,
        target=meter.watched(made(wires.target, "a target")),
        key_provider=meter.watched(made(wires.key_provider, "a key provider")),
        ca=made(wires.ca, "a CA connector"),
        ca_type=made(wires.ca_type, "a kind of CA"),
        probe=wires.probe or _not_wired("an edge probe"),
        scripts=made(wires.scripts, "a runner of scripts"),
        environment=environment,
        calls=meter.calls,
        chance=random.random,
        mark=lambda: store.mark,
        check_mode=check_mode,
        key_device=meter.watched(made(wires.key_device, "a key device")),
        key_device_type=made(wires.key_device_type, "a kind of key device"),
        dns=meter.watched(made(wires.dns, "DNS records")),
        name_servers=wires.name_servers or _not_wired("name servers"),
        documents=made(wires.documents, "what CAs have revoked"),
    )


def _diff(before: Any, after: Any) -> dict[str, Any]:
    return {"before": _wanted(redacted(before) or {}), "after": _wanted(redacted(after) or {})}


def _wanted(value: Any) -> Any:
    """Copy a record without bookkeeping, at any depth."""
    if isinstance(value, dict):
        return {key: _wanted(entry) for key, entry in value.items() if key not in _NOT_IN_DIFF}
    return [_wanted(entry) for entry in value] if isinstance(value, list) else value


def _result(plan: Plan, outcome: Outcome, record: str | None, *, changed: bool, with_diff: bool) -> dict[str, Any]:
    result = dict(redacted({**plan.extra, **outcome.extra}))
    if "warnings" in plan.extra and "warnings" in outcome.extra:
        result["warnings"] = redacted([*plan.extra["warnings"], *outcome.extra["warnings"]])
    result["changed"] = changed
    if record is None:
        return result
    result["steps"] = list(outcome.steps)
    result[plan.noun or record] = redacted(outcome.record)
    if with_diff:
        before, after = plan.diff or (plan.before, outcome.record)
        result["diff"] = _diff(before, after if changed else before)
    return result


def carry_out(
    module: AnsibleModule, plan: Plan, record: str | None, written: Callable[[], int] | None = None
) -> dict[str, Any]:
    """Run a plan, or predict it in check mode, and give the module's result.

    :param written: counts the audit lines of this call: every change writes one, so a run that only waited has
        changed nothing; None where what is done stands in no audit.
    """
    predicted = Outcome(plan.after, steps=tuple(step.sentence for step in plan.steps))
    try:
        if module.check_mode:
            if plan.failure is not None:
                raise plan.failure
            return _result(plan, predicted, record, changed=plan.changed, with_diff=module._diff)
        outcome = plan.execute()
        changed = plan.changed if written is None else written() > 0
        result = _result(plan, outcome, record, changed=changed, with_diff=module._diff)
        return {**result, **_failed(outcome.failure)} if outcome.failure else result
    except ClmError as exc:
        if exc is not plan.failure:
            raise
        # What was seen of the thing is as useful to the user as the failure itself.
        changed = written is not None and written() > 0
        return {**_result(plan, predicted, record, changed=changed, with_diff=module._diff), **_failed(exc)}


def _failed(error: ClmError) -> dict[str, Any]:
    return {"failed": True, "msg": error.message, "failure": redacted(error.failure())}


def _unexpected(error: Exception) -> dict[str, Any]:
    trace = traceback.format_exc()
    # Newer cores show `exception` only to those who ask for tracebacks; a fault is to be reported with it.
    details = {"traceback": trace.splitlines()}
    return {
        "failed": True,
        "msg": f"Unexpected {type(error).__name__}: {error}. This is a fault of the collection; please report it.",
        "failure": {"code": "internal_error", "details": details, "request_id": None, "retryable": False},
        "exception": trace,
    }


def started(spec: Spec, constraints: Mapping[str, Any]) -> AnsibleModule:
    """Read the module's arguments; exits with Ansible's own message when they do not fit the spec."""
    Secret.revealed.clear()
    module = AnsibleModule(argument_spec=argument_spec(spec), supports_check_mode=True, **constraints)
    settle_masks(module)
    return module


def finished(
    module: AnsibleModule, work: Callable[[], dict[str, Any]], always: Callable[[], Mapping[str, Any]] = dict
) -> None:
    """Do the work and leave the module, every secret that was in use masked; does not return.

    :param always: asked after the work for what belongs in a failed result, too.
    """
    try:
        result = work()
    except ClmError as exc:
        result = _failed(exc)
    except Exception as exc:
        result = _unexpected(exc)
    result.update(always())
    module.no_log_values.update(maskable(Secret.revealed))
    for sentence in result.pop("warnings", ()):
        module.warn(sentence)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def run_module(
    spec: Spec,
    plan: UseCase,
    record: str | None,
    wires: Wires | None = None,
    *,
    clock: Clock | None = None,
    reads_only: bool = False,
    **constraints: Any,
) -> None:
    """Run a module from its arguments to its exit; does not return.

    :param spec: the module's own options; the common ones are added.
    :param plan: the use case; it gets the module's own parameters, None for what was left out.
    :param record: the noun under which the record stands in the result; None when everything is in the extras.
    :param wires: the real parts the use case needs.
    :param reads_only: a store that is not there is an error rather than made; what is done outside it stands in no
        audit, so that the plan alone says whether anything changes.
    :param constraints: ``required_if`` and its like, as AnsibleModule takes them.
    """
    module = started(spec, constraints)
    own, common = split(module.params)
    environment = dict(os.environ)
    time, meter = clock or SystemClock(), _Meter()
    create = not (module.check_mode or reads_only)

    def work() -> dict[str, Any]:
        actor = who_acts(common["actor"], environment)
        with opened(common, time, actor, create=create, or_empty=module.check_mode) as store:
            ports = _ports(store, time, actor, environment, wires or Wires(), meter, check_mode=module.check_mode)
            ports = replace(ports, own_files=own_files(common, environment))
            return carry_out(module, plan(own, ports), record, None if reads_only else lambda: store.audited)

    finished(module, work, meter.result)
