# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account of an ACME CA: its options as a table, checked and completed, and its key, made where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .._core.errors import ClmError, InputError
from .._core.vocabulary import REASON_CODES, SUBSCRIBER_REASONS
from . import acme_look, acme_proof, option_table
from .acme_jws import KEY_KINDS, AccountKey, new_key, unb64
from .acme_server import ANOTHER_KEY
from .base import StoredAccount
from .connection import directory_reason
from .option_table import Option

KIND = "acme"
_NEW = "new"
# Kept for the CA to be told of the next key; nobody gives it.
FORMER = "former_account_keys"
REASONS = {name: REASON_CODES[name] for name in SUBSCRIBER_REASONS}
PROFILE, DCV = "certificate_profile", "dcv_type"
TABLE: option_table.Table = {
    **option_table.NETWORK,
    "url": Option(
        "str",
        "Address of the directory, as https://acme-v02.api.letsencrypt.org/directory.",
        required=True,
        check=directory_reason,
    ),
    "contact": Option("list", "E-mail addresses, or URLs, that a new account is registered with.", default=()),
    "terms_agreed": Option("bool", "Whether you agree to the CA's terms of service.", default=False),
    "account_key_type": Option("str", "Kind of the account's key, where one is made.", default="ec", choices=KEY_KINDS),
    "eab_kid": Option("str", "Key id of the account elsewhere that a new account is bound to.", default=""),
    "is_public": Option("bool", "Whether browsers trust the CA: the limits of public trust hold.", default=False),
    "lifetime_as": Option(
        "str",
        "How the lifetime is asked for: not at all, as most CAs want it, or as its end.",
        default="profile",
        choices=("profile", "not_after"),
    ),
    PROFILE: Option("str", "Profile, where a request names none; usually the CA's own choice.", default=""),
    DCV: Option(
        "str", "How names are proved, where a request does not say.", default="dns-01", choices=acme_proof.METHODS
    ),
    "dcv_check": Option(
        "str",
        "When the CA is told to look at a proof: once it is seen from here, or after some time.",
        default=acme_proof.LOOK,
        choices=(acme_proof.LOOK, acme_proof.WAIT),
    ),
    "dcv_wait_s": Option("int", "That time, in seconds.", default=300, least=0, most=86400),
    "dns_servers": Option(
        "list", "Name servers that have to show a proof, by address; this machine's where there are none.", default=()
    ),
    "http_port": Option("int", "Port that http-01 is looked for at; other than 80 in labs.", 80, least=1, most=65535),
    "preferred_root": Option("str", "Common name of the root that the chain is to lead to.", default=""),
    "revoke_reasons": Option(
        "list", "Reasons that the CA takes for revoking.", default=tuple(REASONS), choices=tuple(REASONS)
    ),
    "account_key": Option("str", "Key of the account, PEM; one is made without it, another one for new.", secret=True),
    "eab_hmac_key": Option("str", "MAC key to eab_kid, base64url, as the CA shows it.", secret=True),
}


def prepared(
    name: str,
    options: Mapping[str, Any],
    secrets: Mapping[str, str],
    before: StoredAccount,
    due: Callable[[], str],
) -> tuple[dict[str, Any], dict[str, str]]:
    """Check an account's options and complete them; a key is made where there is none.

    Keys that were replaced are kept as ``former_account_keys``: the CA may know none but one of them.

    :param due: asks the CA what the account wants done, as it is before; only where a key is replaced once more.
    """
    wanted, opened, problems = option_table.read(KIND, TABLE, options, secrets, before.secrets)
    wanted = {name: list(value) if isinstance(value, tuple) else value for name, value in wanted.items()}
    servers = wanted.get("dns_servers") or ()
    problems += [f"dns_servers: {why}" for one in servers if (why := acme_look.server_reason(str(one)))]
    problems += _binding_problems(wanted, opened)
    is_new = opened.get("account_key", _NEW).strip() == _NEW
    if not problems and is_new:
        opened["account_key"] = new_key(wanted["account_key_type"])
    former = before.secrets.get("account_key")
    if not problems and former and opened.get("account_key") != former:
        kept = [former, *_known_before(name, before, due, is_new)]
        opened[FORMER] = json.dumps([one for one in kept if one != opened.get("account_key")])
    try:
        if opened.get("account_key"):
            AccountKey(opened["account_key"])
    except InputError as exc:
        problems.append(exc.message)
    option_table.refuse(f"Cannot use the options of CA account {name}", problems)
    return wanted, opened


def _known_before(name: str, before: StoredAccount, due: Callable[[], str], is_new: bool) -> list[str]:
    """Give the former keys of which the CA may still know one, now that the key is replaced once more.

    A task that is run again and again with ``new`` must not pile up keys, nor lose the one that the CA knows.

    :raises InputError: another key is to be made, and the CA does not know the one before yet.
    """
    former: list[str] = json.loads(before.secrets.get(FORMER) or "[]")
    if not former:
        return []
    try:
        is_untold, why = due() == ANOTHER_KEY, "the CA was not told of the key that was made before"
    except ClmError as exc:
        is_untold, why = True, f"nobody can say whether the CA knows the key that was made before ({exc.message})"
    if is_untold and is_new:
        raise InputError(
            f"Cannot make another key for CA account {name}: {why}; run the task with test: true and without "
            "account_key, which tells the CA, before account_key: new is given again",
            code="key_untold",
        )
    return former if is_untold else []


def _binding_problems(wanted: Mapping[str, Any], opened: Mapping[str, str]) -> list[str]:
    kid, mac = wanted.get("eab_kid"), opened.get("eab_hmac_key")
    if bool(kid) != bool(mac):
        missing = "eab_hmac_key among the secrets" if kid else "eab_kid among the options"
        return [f"{missing} is missing; a binding needs both"]
    try:
        unb64(mac or "")
    except ValueError:
        return ["eab_hmac_key is no base64url; give it as the CA shows it"]
    return []
