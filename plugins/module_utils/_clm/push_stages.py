# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes on around a push: the script before it, which may stop it, and the one after it, which may not (A4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import vocabulary

if TYPE_CHECKING:
    from .deployment import Deployer


def before(deployer: Deployer) -> None:
    """Run the pre-push script before anything is sent.

    A run that was killed after it runs it again: it is run at least once for each upload.

    :raises ScriptError: it failed, and the work order has ended with it; or one of the two cannot be run here, and the
        work order waits for that to be mended.
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


def after(deployer: Deployer) -> None:
    """Run the post-push script of a completed push; its failure is told and undoes nothing."""
    if not deployer.connector.post_push_script:
        return
    from . import push_scripts

    entry = _run(deployer, "post", deployer.order.state)
    told: dict[str, Any] = {"scripts": (*deployer.order.scripts, entry), "message": deployer.order.message}
    if push_scripts.failed(entry):
        error = push_scripts.error_of(entry, deployer.order)
        told.update(reason=error.code, message=error.message)
    deployer.keeper.save("post_push_script_ran", **told)


def _run(deployer: Deployer, stage: str, result: str) -> dict[str, Any]:
    from . import push_scripts

    deployer.keeper.hold(float(deployer.connector.script_timeout_s))
    bundles = deployer.pushed.bundles
    primary = bundles.get(vocabulary.RSA) or next(iter(bundles.values()))
    return push_scripts.run_stage(
        deployer.ports,
        deployer.connector,
        deployer.order,
        deployer.certificate,
        primary.leaf,
        "".join(primary.chain),
        stage,
        result,
    )
