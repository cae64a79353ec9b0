# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pre- and post-push scripts of an application connector (A4): what they are told, and what is kept of them.

Runs nothing itself; when a stage is due, and what its failure stops, is the push's affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.clock import to_text
from .._core.errors import ClmError, ScriptError
from .._core.types import Certificate, Connector, WorkOrder
from .._target.script_base import ScriptCall, ScriptFile, ScriptResult
from . import states
from .ports import Ports

PRE, POST = "pre", "post"

CERTIFICATE_FILE, CHAIN_FILE = "CLM_CERTIFICATE_FILE", "CLM_CHAIN_FILE"

_LAST_LINES = 5
_LONGEST_LINE = 200


def script_of(connector: Connector, stage: str) -> str:
    """Give the path of a stage's script, empty for none.

    :param stage: ``pre`` or ``post``.
    """
    return {PRE: connector.pre_push_script, POST: connector.post_push_script}[stage]


def script_problems(ports: Ports, connector: Connector) -> list[str]:
    """Say why scripts of an application connector cannot be run on this host, a sentence each."""
    named = [(stage, path) for stage in (PRE, POST) if (path := script_of(connector, stage))]
    if not named:
        return []
    runner = ports.scripts()
    return [
        f"{stage}_push_script: {problem}"
        for stage, path in named
        for problem in runner.problems(connector.script_location, path)
    ]


def refuse_unusable(ports: Ports, connector: Connector) -> None:
    """Refuse a push whose scripts cannot be run, the later one too: best known before anything is sent.

    :raises ScriptError: there is such a script.
    """
    problems = script_problems(ports, connector)
    if problems:
        raise ScriptError(
            f"Cannot push {connector.certificate_id} through {connector.name}: {'; '.join(problems)}; correct this on "
            "the host that runs the task, or name another script with edgecert.clm.cert_connector",
            code="script_unusable",
            details={"problems": problems},
        )


def run_stage(
    ports: Ports,
    connector: Connector,
    order: WorkOrder,
    certificate: Certificate,
    leaf_pem: str,
    chain_pem: str,
    stage: str,
    result: str = "",
) -> dict[str, Any]:
    """Run the script of a stage and give the entry for ``WorkOrder.scripts``; a failing script is an entry, too.

    :param leaf_pem: what is pushed, one certificate for each key algorithm.
    :param chain_pem: the intermediates; may be empty.
    :param stage: ``pre`` or ``post``; the connector has a script for it.
    :param result: after the push, how it ended; one word.
    """
    at = to_text(ports.clock.now())
    call = ScriptCall(
        connector.script_location,
        script_of(connector, stage),
        float(connector.script_timeout_s),
        variables(ports.actor, order, certificate, leaf_pem, stage, result),
        (
            ScriptFile(CERTIFICATE_FILE, "certificate.pem", leaf_pem),
            ScriptFile(CHAIN_FILE, "chain.pem", chain_pem),
        ),
    )
    return _entry(stage, at, call, ports.scripts().run(call))


def _entry(stage: str, at: str, call: ScriptCall, done: ScriptResult) -> dict[str, Any]:
    return {
        "stage": stage,
        "path": call.path,
        "location": call.location,
        "at": at,
        "duration_ms": done.duration_ms,
        "exit_status": done.exit_status,
        "timed_out": done.reason == "timed_out",
        "output": done.output,
        "truncated": done.truncated,
        "failed": bool(done.reason),
        "reason": done.reason,
        "message": done.message,
    }


def variables(
    actor: str, order: WorkOrder, certificate: Certificate, leaf_pem: str, stage: str, result: str = ""
) -> dict[str, str]:
    """Give what a script is told by its environment; every variable is always there, empty where nothing is known.

    Lists are parted by spaces, for names and fingerprints have none.
    """
    serial, not_after = _identity(order, certificate, leaf_pem)
    told = {
        "CLM_STAGE": stage,
        "CLM_CERTIFICATE": certificate.certificate_id,
        "CLM_COMMON_NAME": certificate.common_name,
        "CLM_SANS": " ".join(certificate.sans),
        "CLM_SERIAL": serial,
        "CLM_NOT_AFTER": not_after,
        "CLM_FINGERPRINTS": " ".join(f"{name}={order.fingerprints[name]}" for name in sorted(order.fingerprints)),
        "CLM_DEVICE": order.device,
        "CLM_NETWORK": order.network,
        "CLM_ACTION": order.action,
        "CLM_CONNECTOR": order.connector,
        "CLM_WORK_ORDER_ID": order.work_order_id,
        "CLM_TRACKING_ID": order.tracking_id,
        "CLM_ACTOR": actor,
        "CLM_STATE": order.state,
        "CLM_RESULT": result,
    }
    return {name: _one_line(text) for name, text in told.items()}


def _one_line(text: str) -> str:
    """Keep a value fit for an environment: a name somebody chose may hold what no variable can, or what misleads."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _identity(order: WorkOrder, certificate: Certificate, leaf_pem: str) -> tuple[str, str]:
    """Give serial and end of the first leaf; in a rollback that is not the certificate the inventory tells of."""
    if certificate.fingerprint in order.fingerprints.values():
        return certificate.serial, to_text(certificate.not_after) if certificate.not_after else ""
    # Asked for here alone: what saves an application connector needs nothing that reads certificates.
    from .._pki.x509 import certificate_facts

    try:
        facts = certificate_facts(leaf_pem.partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----")
    except ClmError:
        return "", ""
    return facts.serial, to_text(facts.not_after)


def failed(entry: Mapping[str, Any]) -> bool:
    """Say whether the script of an entry failed."""
    return bool(entry["failed"])


def error_of(entry: Mapping[str, Any], order: WorkOrder) -> ScriptError:
    """Give the error that tells of a failed script; a failed pre-push script stopped the push, a post-push one did not.

    :param order: as it was when the script ran.
    """
    stage, verb = entry["stage"], states.VERBS[order.action]
    noun, way = {"rollback": ("rollback", "to"), "remove": ("removal", "from")}.get(order.action, ("push", "to"))
    where = f"{order.certificate_id} {way} {order.network}"
    told = f"the {stage}-push script {entry['path']} {entry['message']}{_last_words(entry)}"
    if stage == PRE:
        message = (
            f"Cannot {verb} {where}: {told}. Nothing was sent to CPS; correct what the script complains of, or the "
            f"script, then {verb} again"
        )
    else:
        message = (
            f"The {noun} of {where} was made and stays, but {told}. Do by hand what the script was to do, and correct "
            "it for the next one"
        )
    return ScriptError(
        message,
        code=f"{stage}_push_failed",
        details={
            "work_order_id": order.work_order_id,
            **{name: entry[name] for name in ("path", "location", "reason", "exit_status", "timed_out")},
        },
    )


def _last_words(entry: Mapping[str, Any]) -> str:
    lines = [line.strip()[:_LONGEST_LINE] for line in str(entry["output"]).splitlines() if line.strip()]
    return f"; its last lines are: {' | '.join(lines[-_LAST_LINES:])}" if lines else ", and wrote nothing"
