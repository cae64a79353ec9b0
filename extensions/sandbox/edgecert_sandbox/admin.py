# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin interface: plain HTTP with a bearer token, for tests, the demonstration and the command line."""

from __future__ import annotations

import dataclasses
import hmac
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from . import broken, edge_dns, faults, limits
from .clock import SandboxClock, iso
from .gateway import Gateway
from .model import WorldConfig
from .wire import Reply, Request, json_reply
from .world import World

Order = dict[str, Any]


class Admin:
    """Answers admin calls; one at a time."""

    def __init__(
        self, token: str, world: World, clock: SandboxClock, gateway: Gateway, stop: Callable[[], None]
    ) -> None:
        self._token = token
        self._world = world
        self._clock = clock
        self._gateway = gateway
        self._stop = stop
        self._lock = threading.Lock()
        self._calls: dict[tuple[str, str], Callable[[Order], object]] = {
            ("GET", "/state"): self._get_state,
            ("GET", "/events"): self._get_events,
            ("POST", "/clock"): self._post_clock,
            ("POST", "/seed"): self._post_seed,
            ("GET", "/faults"): lambda _order: {"faults": gateway.faults.describe()},
            ("POST", "/faults"): self._post_faults,
            ("DELETE", "/faults"): lambda _order: {"forgotten": gateway.faults.clear()},
            ("POST", "/limits"): self._post_limits,
            ("POST", "/config"): self._post_config,
            ("POST", "/validation"): self._post_validation,
            ("GET", "/calls"): self._get_calls,
            ("POST", "/stop"): self._post_stop,
        }

    def handle(self, request: Request) -> Reply:
        """Answer one call; refusals are ``{"error": sentence}``."""
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return json_reply(401, {"error": "The admin token of the state file is missing or wrong."})
        call = self._calls.get((request.method, request.path))
        if call is None:
            known = ", ".join(f"{method} {path}" for method, path in self._calls)
            return json_reply(404, {"error": f"There is no {request.method} {request.path}; there are {known}."})
        try:
            order = _order(request)
            with self._lock:
                return json_reply(200, call(order))
        except (ValueError, TypeError, KeyError, LookupError) as exc:
            return json_reply(400, {"error": f"{request.method} {request.path} was not understood: {exc}"})

    def _get_state(self, _order: Order) -> object:
        return {
            "now": iso(self._clock.now()),
            "limits": dataclasses.asdict(self._gateway.limits.settings),
            "faults": self._gateway.faults.describe(),
            "config": dataclasses.asdict(self._world.config),
            "world": self._world.describe(),
            "records": self._world.dns.describe(),
        }

    def _get_events(self, order: Order) -> object:
        _only(order, "after")
        events = list(self._world.events)
        wanted = events[int(order.get("after", 0)) :]
        return {"count": len(events), "events": [{**dataclasses.asdict(e), "at": iso(e.at)} for e in wanted]}

    def _post_clock(self, order: Order) -> object:
        _only(order, "advance_seconds")
        moment = self._clock.advance(_number(order, "advance_seconds"))
        return {"now": iso(moment)}

    def _post_seed(self, order: Order) -> object:
        _only(order, "count", "contracts", "kinds", "expiring", "former", "csr")
        count = int(_number(order, "count"))
        contracts, kinds = _texts(order, "contracts"), _texts(order, "kinds") or ["third-party"]
        expiring, former = int(order.get("expiring", 0)), int(order.get("former", 0))
        ids = self._world.seed(count, contracts, kinds, expiring, former, dict(order.get("csr") or {}))
        return {"count": len(ids), "first": ids[0] if ids else None, "last": ids[-1] if ids else None}

    def _post_faults(self, order: Order) -> object:
        return dataclasses.asdict(self._gateway.faults.add(faults.parse(order)))

    def _post_limits(self, order: Order) -> object:
        wanted = dict(order)
        reset = wanted.pop("reset", False)
        self._gateway.limits.settings = limits.changed(self._gateway.limits.settings, wanted)
        if reset:
            self._gateway.limits.reset()
        return dataclasses.asdict(self._gateway.limits.settings)

    def _post_config(self, order: Order) -> object:
        changed = checked_config(order)
        for name, value in changed.items():
            setattr(self._world.config, name, value)
        return {name: getattr(self._world.config, name) for name in changed}

    def _post_validation(self, order: Order) -> object:
        _only(order, "enrollment", "change", "message", "error")
        enrollment, change = int(_number(order, "enrollment")), int(_number(order, "change"))
        self._world.add_validation(enrollment, change, str(order["message"]), bool(order.get("error", False)))
        return {}

    def _get_calls(self, order: Order) -> object:
        _only(order, "reset")
        calls = self._gateway.calls.read(reset=order.get("reset") == "true")
        return {"count": len(calls), "calls": [dataclasses.asdict(record) for record in calls]}

    def _post_stop(self, _order: Order) -> object:
        self._stop()
        return {}


def checked_config(order: Mapping[str, Any]) -> dict[str, Any]:
    """Check settings of the change engine before any of them is used.

    :raises ValueError: an unknown name, or a value of another kind than the default.
    """
    default = WorldConfig()
    checked: dict[str, Any] = {}
    for name, value in order.items():
        if name not in {field.name for field in dataclasses.fields(WorldConfig)}:
            known = ", ".join(sorted(field.name for field in dataclasses.fields(WorldConfig)))
            raise ValueError(f"unknown setting {name!r}; known are {known}")
        checked[name] = _like(name, value, getattr(default, name))
    broken.check(checked.get("broken_enrollments", ()))
    edge_dns.check(checked.get("dns_zones", ()))
    return checked


def _like(name: str, value: Any, default: Any) -> Any:
    if (
        isinstance(value, list)
        and all(isinstance(item, str) for item in value)
        and (isinstance(default, list) or name == "pre_verification_warnings")
    ):
        return value
    if isinstance(default, float) and isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value)
    if not isinstance(default, (float, list)) and type(value) is type(default):
        return value
    raise ValueError(f"setting {name!r} cannot be {value!r}; it is like {default!r}")


def _order(request: Request) -> Order:
    if request.method in ("GET", "DELETE") or not request.body:
        return dict(request.query)
    order = json.loads(request.body)
    if not isinstance(order, dict):
        raise ValueError("the body must be a JSON object")
    return order


def _only(order: Order, *names: str) -> None:
    unknown = sorted(set(order) - set(names))
    if unknown:
        raise ValueError(f"unknown member {unknown[0]!r}; known are {', '.join(names)}")


def _number(order: Order, name: str) -> float:
    value = order.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"member {name!r} must be a number")
    return value


def _texts(order: Order, name: str) -> list[str]:
    value = order.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"member {name!r} must be a list of texts")
    return value
