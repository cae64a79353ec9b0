# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one module that opens no store: it is handed what to tell, and tells it by mail and webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._clm.notifying import plan
from .._core.clock import Clock, SystemClock
from .._core.redact import Secret
from .._http.base import Transport, TransportOptions
from .._notify.base import Channel
from .._notify.mail import PORTS, MailChannel, MailOptions
from .._notify.webhook import FORMATS, WebhookChannel, WebhookOptions
from .options import Spec, split
from .run import carry_out, finished, started

__all__ = ["FORMATS", "PORTS", "channels_of", "run_notify_module"]


def channels_of(params: Mapping[str, Any]) -> list[Channel]:
    """Build the channels that the options name; no traffic.

    :raises InputError: one cannot be used.
    """
    found: list[Channel] = []
    mail = params.get("mail")
    if mail:
        found.append(MailChannel(_mail(mail)))
    found += [WebhookChannel(_webhook(one), _transport) for one in params.get("webhooks") or []]
    return found


def _transport(options: TransportOptions) -> Transport:
    from .._http.transport import RequestsTransport

    return RequestsTransport(options)


def _mail(given: Mapping[str, Any]) -> MailOptions:
    password = given.get("password")
    return MailOptions(
        host=given["host"].strip(),
        port=PORTS[given["security"]] if given.get("port") is None else given["port"],
        security=given["security"],
        sender=given["sender"].strip(),
        to=tuple(one.strip() for one in given["to"]),
        cc=tuple(one.strip() for one in given.get("cc") or ()),
        reply_to=(given.get("reply_to") or "").strip(),
        username=given.get("username") or None,
        password=Secret(password) if password else None,
        ca_path=given.get("ca_path"),
        validate_certs=given["validate_certs"],
        timeout_s=float(given["timeout"]),
    )


def _webhook(given: Mapping[str, Any]) -> WebhookOptions:
    return WebhookOptions(
        url=Secret(given["url"]),
        format=given["format"],
        headers={str(name): Secret(str(value)) for name, value in (given.get("headers") or {}).items()},
        ca_path=given.get("ca_path"),
        validate_certs=given["validate_certs"],
        timeout_s=float(given["timeout"]),
        proxy=given.get("proxy") or None,
    )


def run_notify_module(spec: Spec, record: str, *, clock: Clock | None = None) -> None:
    """Run a module that tells people; does not return."""
    module = started(spec, {})
    own, _common = split(module.params)

    def work() -> dict[str, Any]:
        planned = plan(own, channels_of(own), clock or SystemClock())
        # What was delivered is the change, and the record says so; a channel that failed has changed nothing.
        told = planned.after["deliveries"] if planned.after else []
        return carry_out(module, planned, record, lambda: sum(one["is_delivered"] for one in told))

    finished(module, work)
