# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes on around a push: the script before it, which may stop it, the one after it, which may not (A4), and an
upload whose reply was lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import vocabulary
from .._core.errors import TransportError
from .._core.plan import Step
from . import intents, states

if TYPE_CHECKING:
    from .._core.errors import RemoteError
    from .._core.types import Intent, WorkOrder
    from .._store.base import Unit
    from .deployment import Deployer
    from .ports import Ports


def before(deployer: Deployer) -> None:
    """Run the pre-push script before anything is sent.

    A run that was killed after it runs it again: it is run at least once for each upload.

    :raises ScriptError: it failed, and the work order has ended with it; or one of the two cannot be run here, and the
        work order waits for that to be mended.
    :raises StateError: what was approved is not approved any more since it ran.
    :raises PolicyError: the group is frozen since it ran.
    """
    connector = deployer.connector
    if not (connector.pre_push_script or connector.post_push_script):
        return
    from . import push_scripts

    push_scripts.refuse_unusable(deployer.ports, connector)
    if not connector.pre_push_script:
        return
    entry = _run(deployer, "pre", "")
    scripts = (*deployer.order.scripts, entry)
    if push_scripts.failed(entry):
        error = push_scripts.error_of(entry, deployer.order)
        deployer.keeper.save("push_failed", state="failed", reason=error.code, message=error.message, scripts=scripts)
        raise error
    deployer.keeper.save("pre_push_script_ran", scripts=scripts)
    # A script may take long: an approval may have expired by now, a freeze may have begun.
    deployer.check_approved()


def _owed(order: WorkOrder) -> tuple[str, str, str]:
    return intents.RUN_SCRIPT, "work_order", order.work_order_id


def owe(deployer: Deployer, unit: Unit) -> None:
    """Write down, with the completion itself, that the post-push script is still to run: the run may be killed."""
    if deployer.connector.post_push_script:
        intents.add(unit, *_owed(deployer.order), {"stage": "post"}, deployer.ports.clock.now())


def after(deployer: Deployer) -> None:
    """Run the post-push script of a completed push; its failure is told and undoes nothing."""
    if not deployer.connector.post_push_script:
        return
    from . import push_scripts

    entry = _run(deployer, "post", deployer.order.state)
    order = deployer.order
    told: dict[str, Any] = {"scripts": (*order.scripts, entry), "reason": order.reason, "message": order.message}
    if push_scripts.failed(entry):
        error = push_scripts.error_of(entry, deployer.order)
        told.update(reason=error.code, message=error.message)
    with deployer.ports.store.write() as unit:
        deployer.keeper.save_in(unit, "post_push_script_ran", **told)
        intents.close_all(unit, *_owed(deployer.order), {"ran": True}, deployer.ports.clock.now())


def left_steps(deployer: Deployer) -> tuple[Step, ...]:
    """Give the step that makes up for the post-push script of a run that was killed before it was on record."""
    with deployer.ports.store.read() as unit:
        if not intents.is_open(unit, *_owed(deployer.order)):
            return ()

    def run() -> bool:
        with deployer.keeper.lease():
            with deployer.ports.store.read() as unit:
                is_left = intents.is_open(unit, *_owed(deployer.order))
            if is_left and deployer.connector.post_push_script:
                after(deployer)
            elif is_left:
                forget(deployer.ports, deployer.order, "the application connector has no post-push script any more")
        return True

    return (Step(f"Run the post-push script that is left of work order {deployer.order.work_order_id}", run),)


def forget(ports: Ports, order: WorkOrder, why: str) -> None:
    """Give up a post-push script that is left and cannot be run any more."""
    with ports.store.write() as unit:
        intents.close_all(unit, *_owed(order), {"dropped": why}, ports.clock.now())


def doubt(deployer: Deployer, exc: RemoteError, intent: Intent) -> None:
    """Keep that nobody knows whether an upload was taken, so that the next look tells; or that it was not.

    :param intent: of the upload; those of earlier ones, which may have been taken, are left open.
    """
    keeper, order, ids = deployer.keeper, deployer.order, deployer.pushed.reference
    may_be_done = exc.sent if isinstance(exc, TransportError) else (exc.status or 0) >= 500
    if not may_be_done:
        with deployer.ports.store.write() as unit:
            intents.close(unit, intent, {intents.REFUSED: exc.message}, deployer.ports.clock.now())
    if may_be_done and order.state != "in_doubt" and "in_doubt" in states.WORK_ORDER[order.state]:
        message = (
            f"the certificate was sent to change {ids.get('change_id')} of enrollment {ids.get('enrollment_id')} and "
            f"no answer came ({exc.message}); run again to look whether CPS took it"
        )
        keeper.save("push_in_doubt", state="in_doubt", reason="upload_unknown", message=message)


def _run(deployer: Deployer, stage: str, result: str) -> dict[str, Any]:
    from . import push_scripts

    deployer.keeper.hold(float(deployer.connector.script_timeout_s))
    bundles = deployer.pushed.bundles
    # The RSA one first, as the primary one; a chain they share is given once.
    ordered = sorted(bundles, key=lambda algorithm: algorithm != vocabulary.RSA)
    chains = dict.fromkeys("".join(bundles[algorithm].chain) for algorithm in ordered)
    return push_scripts.run_stage(
        deployer.ports,
        deployer.connector,
        deployer.order,
        deployer.certificate,
        "".join(bundles[algorithm].leaf for algorithm in ordered),
        "".join(chains),
        stage,
        result,
    )
