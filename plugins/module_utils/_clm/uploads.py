# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the uploads of one work order: CPS shows its old status for a while after one, and may say nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .._core.clock import from_text, to_text
from . import intents, states
from .patience import LAG_S

if TYPE_CHECKING:
    from datetime import datetime

    from .._core.errors import RemoteError
    from .._core.types import Intent
    from .deployment import Deployer

MOST_TRIES = 3
"""So often a change is given a certificate that it goes on to ask for, without a word why, or that CPS refuses."""
# Said of who asks, or of the moment: nothing of what was sent.
_OF_THE_CALLER = (401, 403, 404, 408, 429)


def is_due(deployer: Deployer) -> bool:
    """Say whether the change waits for our upload, and not only shows so for a while after it; nor is it early."""
    is_asked = deployer.state.phase == "wants_certificate"
    return is_asked and not lately(deployer) and not refused(deployer) and early_s(deployer) <= 0


def early_s(deployer: Deployer) -> float:
    """Give the seconds until all that is to be uploaded is valid; 0 where it is, or nothing is asked for."""
    if deployer.state.phase != "wants_certificate" or not deployer.pushed.bundles:
        return 0.0
    return max(0.0, (_valid_from(deployer) - deployer.ports.clock.now()).total_seconds())


def _valid_from(deployer: Deployer) -> datetime:
    from .._pki.x509 import certificate_facts

    return max(certificate_facts(bundle.leaf).not_before for bundle in deployer.pushed.bundles.values())


def waits(deployer: Deployer) -> tuple[str, str, float] | None:
    """Say why nothing is uploaded yet, as reason, sentence and seconds; None where that is not for its being early."""
    seconds = early_s(deployer)
    if not seconds:
        return None
    begins = to_text(_valid_from(deployer))
    return "not_yet_valid", f"the certificate is not valid before {begins}; it is uploaded then", seconds


def lately(deployer: Deployer) -> list[Intent]:
    """Give the uploads that CPS may not show yet; one whose answer was lost may have been taken too.

    :source: cps-protocol §3.3: after any POST the old status may persist for a while.
    """
    since = deployer.ports.clock.now() - timedelta(seconds=LAG_S)
    return [one for one in _unrefused(deployer) if _at(one, since) > since]


def refused(deployer: Deployer) -> str:
    """Say why the change is not given the certificate once more; empty when nothing speaks against it."""
    state, tried = deployer.state, _tried(deployer)
    if state.phase != "wants_certificate" or not tried:
        return ""
    # With the old status an error of an earlier upload is shown too.
    if state.error and state.error != tried[-1].wanted.get("error_before", ""):
        return state.error
    if lately(deployer):
        return ""
    if state.error and tried[-1].finished_at is not None:
        return state.error
    if len(tried) < MOST_TRIES:
        return ""
    return (
        f"it waits for a certificate ({state.status}), was given it {len(tried)} times and tells no error; look at "
        f"change {deployer.pushed.reference.get('change_id')} in Akamai Control Center"
    )


def otherwise(deployer: Deployer) -> str:
    """Name the certificates with which the change came to its stop on staging, where nothing of ours is among them.

    :returns: their fingerprints; empty as long as CPS may show what was before, whichever call or run it shows it to.
    """
    state, since = deployer.state, deployer.watch.stage()[1]
    if state.phase != "on_staging" or deployer.is_staged or lately(deployer):
        return ""
    if deployer.ports.clock.now() - since <= timedelta(seconds=LAG_S):
        return ""
    return ", ".join(facts["fingerprint"] for facts in state.staging.certificates)


def begin(deployer: Deployer) -> tuple[Intent, bool]:
    """Write down that an upload is about to be sent, each one by itself, so that they are counted.

    :returns: the intent, and whether no earlier one was left open, which may have been taken.
    """
    key, now = deployer.keeper.upload_key, deployer.ports.clock.now()
    wanted = {"fingerprints": dict(deployer.pushed.fingerprints), "error_before": deployer.state.error}
    with deployer.ports.store.write() as unit:
        is_first = not intents.is_open(unit, *key)
        return intents.add(unit, *key, wanted, now), is_first


def end_if_refused(deployer: Deployer, exc: RemoteError) -> None:
    """End an order whose upload CPS has said no to so often that saying it again tells nobody anything.

    :param exc: what came back, which is on record already; what says nothing of the certificate itself counts for
        nothing: a race, a limit, a login.
    """
    if exc.code == "conflict" or not 400 <= (exc.status or 0) < 500 or exc.status in _OF_THE_CALLER:
        return
    with deployer.ports.store.read() as unit:
        found = intents.of(unit, *deployer.keeper.upload_key)
    said_no = [one for one in _since_begun(deployer, found) if intents.REFUSED in one.result]
    if len(said_no) < MOST_TRIES:
        return
    message = f"CPS refused the certificate {len(said_no)} times, the last time with: {exc.message}"
    deployer.keeper.save("push_failed", state="failed", reason="upload_refused", message=message)


def _unrefused(deployer: Deployer) -> list[Intent]:
    with deployer.ports.store.read() as unit:
        found = intents.of(unit, *deployer.keeper.upload_key)
    return [one for one in found if intents.REFUSED not in one.result]


def _tried(deployer: Deployer) -> list[Intent]:
    """Give the uploads, oldest first, since somebody let the order begin: a retry begins anew."""
    return _since_begun(deployer, _unrefused(deployer))


def _since_begun(deployer: Deployer, found: list[Intent]) -> list[Intent]:
    steps = deployer.order.conditions
    begun = [from_text(step["at"]) for step in steps if step["type"] in states.BEFORE_IMPLEMENTING]
    return [one for one in found if _at(one, begun[-1]) >= begun[-1]] if begun else found


def _at(intent: Intent, otherwise: datetime) -> datetime:
    return intent.finished_at or intent.created_at or otherwise
