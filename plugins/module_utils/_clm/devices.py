# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboard, change, look at and remove a device (D1–D10).

Planning looks at the device (reads only); the steps store what was wanted and what was found. A device whose settings
are new and that cannot be reached is not stored: the error says why, and the store stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from .._core import vocabulary
from .._core.errors import InputError, StateError
from .._core.hosts import host_reasons, proxy_reasons
from .._core.plan import Outcome, Plan, Step
from .._core.redact import Secret
from .._core.types import AuditEntry, Device
from .._store.base import Unit
from . import discovery, states
from .device_look import Look, look_at
from .ports import Params, Ports
from .views import device_view

_PLAIN = ("data_center", "proxy_required", "edgerc", "section", "api_version", "account_switch_key", "ca_path",
          "validate_certs")  # fmt: skip
_SECRET = ("proxy", "client_token", "client_secret", "access_token")
_TOKENS = ("client_token", "client_secret", "access_token")
_LOOKS = ("status", "status_log", "instance", "discovery", "checked_at", "created_at", "updated_at", "version")


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``akamai_cps_device`` would do.

    :raises InputError: the options cannot be used; nothing was sent.
    """
    with ports.store.read() as unit:
        before = unit.devices.get(params["name"])
    if params["state"] == "absent":
        return _plan_absent(before, ports)
    return _plan_present(params, before, ports)


def _plan_absent(before: Device | None, ports: Ports) -> Plan:
    if before is None:
        return Plan(None, None, (), lambda: Outcome(None))
    device = before
    with ports.store.read() as unit:
        _refuse_removal(device, unit)
        held = unit.certificates.count(device=device.name)

    def remove() -> bool:
        with ports.store.write() as unit:
            # Somebody may have begun to work on it since planning.
            _refuse_removal(device, unit)
            for certificate in unit.certificates.find(device=device.name):
                unit.certificates.remove(certificate)
            unit.devices.remove(device)
            unit.audit(AuditEntry(ports.actor, "device_removed", "device", device.name, before=device_view(device)))
        return True

    sentence = f"Remove device {device.name} and the {held} certificates discovered on it from the store"
    return Plan(device_view(device), None, (Step(sentence, remove),), lambda: Outcome(None))


def _refuse_removal(device: Device, unit: Unit) -> None:
    """Keep a device that something hangs on: what it holds, or may hold after a call in doubt, would be lost sight of.

    :raises StateError: names what hangs on it.
    """
    connectors = [c for c in unit.connectors.find() if device.name in c.devices]
    if connectors:
        names = ", ".join(f"{c.name} of {c.certificate_id}" for c in connectors)
        raise StateError(
            f"Cannot remove device {device.name}: application connectors push to it ({names}); remove them first",
            details={"connectors": [c.name for c in connectors]},
        )
    at_work = [r.request_id for r in unit.requests.find(device=device.name) if not states.is_final(r.state)]
    at_work += [o.work_order_id for o in unit.work_orders.find(device=device.name) if not states.is_final(o.state)]
    if at_work:
        raise StateError(
            f"Cannot remove device {device.name}: {', '.join(at_work)} not ended yet; let them end first, or set "
            "cert_sync to ignored to stop using the device",
            details={"open": at_work},
        )
    kept = [c for c in unit.certificates.find(device=device.name, origin="enrolled") if c.state != "vanished"]
    if kept:
        raise StateError(
            f"Cannot remove device {device.name}: {len(kept)} certificates were enrolled on it here, the first is "
            f"{kept[0].certificate_id}; set cert_sync to ignored to stop using it and keep them",
            details={"certificates": [c.certificate_id for c in kept[:20]]},
        )


def _plan_present(params: Params, before: Device | None, ports: Ports) -> Plan:
    now, budget = ports.clock.now(), params.get("budget")
    if budget is not None and budget < 1:
        raise InputError(f"Cannot look at device {params['name']}: budget is a number from 1, not {budget}")
    wanted = described(params, before, ports.environment)
    is_changed = before is None or _settings(wanted) != _settings(before)
    look = look_at(wanted, params, ports, now)
    failure = look.failure() if look.problems and look.device.status not in vocabulary.SYNC_MODES else None
    if failure is not None and is_changed:
        failure.details["status"] = look.device.status
        failure.details["status_log"] = list(look.device.status_log)
        raise failure
    steps = _steps(look, before, is_changed, params, ports, now)
    view_before = device_view(before) if before else None

    def finish() -> Outcome:
        with ports.store.read() as unit:
            stored = unit.devices.get(wanted.name)
        return Outcome(device_view(stored) if stored else None, look.extra())

    def note() -> None:
        look.keep(ports)

    predicted = device_view(replace(look.device, version=max(1, wanted.version)))
    kept = None if look.target is None else note
    return Plan(view_before, predicted, steps, finish, note=kept, extra=look.extra(), failure=failure)


def _steps(
    look: Look, before: Device | None, is_changed: bool, params: Params, ports: Ports, now: datetime
) -> tuple[Step, ...]:
    steps = []
    if is_changed:
        verb = "Onboard" if before is None else "Change"

        def save() -> bool:
            look.device = _save(look.device, before, ports, now)
            return True

        steps.append(Step(f"{verb} device {look.device.name} as {look.device.sync}", save))
    difference = look.difference
    if difference is not None and not difference.is_empty:
        counts = difference.counts()

        def store_found() -> bool:
            with ports.store.write() as unit:
                discovery.write(difference, look.device.name, ports.actor, unit)
            return True

        sentence = (
            f"Record what was discovered on {look.device.name}: {counts['added']} new, {counts['changed']} changed, "
            f"{counts['vanished']} vanished"
        )
        steps.append(Step(sentence, store_found))
    return (*steps, *_fetching(look, params, ports, now))


def _fetching(look: Look, params: Params, ports: Ports, now: datetime) -> Iterator[Step]:
    """Give the steps that read one enrollment after the other, as far as the budget of calls goes."""
    difference, target = look.difference, look.target
    if difference is None or target is None:
        return
    found = difference
    fetcher = look.fetcher(target, ports)
    look.fetched = fetcher.done
    wanted = len(found.unfetched) + len(found.bundles)
    if wanted:

        def fetch() -> bool:
            fetcher.pems(found)
            return True

        yield Step(f"Fetch the PEM of {wanted} certificates", fetch)
    if found.histories:

        def read() -> bool:
            fetcher.histories(found.histories, now)
            return True

        yield Step(f"Read the history of {len(found.histories)} enrollments", read)


def _settings(device: Device) -> dict[str, Any]:
    """Give what a user set, apart from what looks at the device left behind."""
    return {name: value for name, value in vars(device).items() if name not in _LOOKS}


def described(params: Params, before: Device | None, environment: Mapping[str, str]) -> Device:
    """Lay the given options over the stored device; an option left out keeps what is stored.

    :param before: None for a device that is new, or never stored.
    :raises InputError: the options cannot be used; all problems at once.
    """
    device = before or Device(params["name"])
    changes: dict[str, Any] = {name: params[name] for name in _PLAIN if params.get(name) is not None}
    for name in _SECRET:
        if params.get(name) is not None:
            changes[name] = Secret(params[name]) if params[name] else None
    if params.get("host") is not None:
        changes["host"] = params["host"].strip()
    if params.get("cert_sync") is not None:
        changes["sync"] = params["cert_sync"]
    if params.get("contracts") is not None:
        changes["contracts"] = tuple(c[4:] if c.startswith("ctr_") else c for c in params["contracts"])
    if params.get("timeout") is not None:
        changes["timeout_s"] = params["timeout"]
    changes["credential_source"] = _source(params, before, environment)
    if changes["credential_source"] != "inline":
        changes.update(dict.fromkeys(_TOKENS))
        if device.credential_source == "inline" and params.get("host") is None:
            # The host belongs to the credential: the old one's would send the new tokens to the wrong place.
            changes["host"] = ""
    elif any(params.get(name) for name in _TOKENS):
        changes.update(edgerc="", section="")
    merged = replace(device, **changes)
    problems = _problems(merged)
    if problems:
        raise InputError.of_problems(f"Cannot use device {merged.name}", problems)
    return merged


def _source(params: Params, before: Device | None, environment: Mapping[str, str]) -> str:
    if any(params.get(name) for name in _TOKENS):
        return "inline"
    if params.get("edgerc") or params.get("section"):
        return "edgerc"
    if before is not None:
        return before.credential_source
    return "environment" if environment.get("AKAMAI_CLIENT_SECRET") else "inline"


def _problems(device: Device) -> list[str]:
    """Give everything wrong with the options, before any traffic."""
    problems = []
    if not device.name.strip():
        problems.append("name is empty; a device needs a name of its own (D1)")
    if device.credential_source == "inline":
        missing = [name for name in _TOKENS if not getattr(device, name)]
        if missing:
            problems.append(
                f"{', '.join(missing)} missing; give client_token, client_secret and access_token, or edgerc and "
                "section, or set AKAMAI_HOST, AKAMAI_CLIENT_TOKEN, AKAMAI_CLIENT_SECRET and AKAMAI_ACCESS_TOKEN"
            )
        if not device.host:
            problems.append("host is missing; it is the host of the API credential, as akab-….luna.akamaiapis.net")
    if device.host:
        problems += [f"host {device.host!r}: {reason}" for reason in host_reasons(device.host)]
    if device.proxy:
        problems += [f"proxy: {reason}" for reason in proxy_reasons(device.proxy.reveal())]
    if device.proxy_required and not device.proxy:
        problems.append("proxy_required is true and proxy is missing; give the proxy's URL, as http://proxy:3128")
    if device.api_version != "cps/v2":
        problems.append(f"api_version {device.api_version!r} is not supported; the only one is cps/v2")
    if not 1 <= device.timeout_s <= 600:
        problems.append(f"timeout {device.timeout_s} is outside 1 to 600 seconds")
    return problems


def _save(device: Device, before: Device | None, ports: Ports, now: datetime) -> Device:
    with ports.store.write() as unit:
        if before is None:
            stored = unit.devices.add(replace(device, created_at=now, updated_at=now))
        else:
            stored = unit.devices.put(replace(device, updated_at=now))
        unit.audit(
            AuditEntry(
                ports.actor,
                "device_onboarded" if before is None else "device_changed",
                "device",
                device.name,
                before=device_view(before) if before else None,
                after=device_view(stored),
            )
        )
    return stored
