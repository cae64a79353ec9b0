# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The own CA: a connector that signs in memory, at once or after a delay; for labs, private trust and rehearsals.

It asks nobody. Twice the same order gives the same serial number, names and dates, so nothing has to be found again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, fields, replace
from datetime import timedelta
from typing import Any

from .._core import names
from .._core.clock import Clock, from_text, to_text
from .._core.csr_spec import CsrSpec
from .._core.errors import ClmError, InputError
from .._core.fields import reason
from .._core.redact import Secret
from .._core.types import Bundle
from .._core.validity import validity_problems
from .._core.vocabulary import HASHES, REVOCATION_REASONS
from .._pki import pem
from .._pki.chain import order_chain
from .._pki.csr import strength_problems
from .._pki.csr_building import general_names
from .._pki.x509 import CsrFacts, certificate_facts, csr_facts, load_csr
from . import option_table
from . import own_ca_account as account
from . import own_ca_crl as crl
from . import own_ca_signing as signing
from .answer_base import (
    CANCELLED,
    PENDING_APPROVAL,
    Action,
    Answer,
    Found,
    Handle,
    Issued,
    NotThere,
    Pending,
    Rejected,
    Revocation,
)
from .base import CaConnector, CaConnectorType, Check, Choice, DeviceKeyMaker, Order, StoredAccount, Tools
from .capability_base import FIND_HARMLESS, Capabilities

PROFILE_OPTION = "certificate_profile"
PROFILES: Mapping[str, str] = {
    "server": "TLS server",
    "server_client": "TLS server and TLS client",
}
_SUBJECT = ("organization", "organizational_unit", "locality", "state_or_province")


class OwnCaType(CaConnectorType):
    """Makes and reads accounts of the own CA.

    :param tools: the clock for lifetimes of CAs made here and for delays; key devices for keys in an HSM.
    """

    name = "own_ca"

    def __init__(self, tools: Tools) -> None:
        self._clock, self._device_key = tools.clock, tools.device_key

    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """Describe the account's options."""
        return account.describe()

    def prepare(
        self, name: str, options: Mapping[str, Any], secrets: Mapping[str, str], before: StoredAccount
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Make a root and an issuing CA when none is given and none is stored, else check the one there is."""
        what = f"Cannot use the options of CA account {name}"
        wanted, problems = account.checked(name, options)
        known = set(account.describe()) - set(wanted)
        problems += [
            f"{secret} is no secret of own_ca; there are {', '.join(sorted(known))}" for secret in set(secrets) - known
        ]
        kept = account.overlaid(wanted, before.secrets, secrets)
        problems += account.key_problems(wanted, kept)
        problems += account.unmakeable(wanted, before.options)
        if problems:
            raise InputError.of_problems(what, problems)
        if not wanted["certificate"]:
            certificates, made = account.make(wanted, self._clock.now())
            return {**wanted, **certificates}, made
        return {**wanted, **account.taken(wanted, kept, self._clock.now(), self._device_key)}, kept

    def connect(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> CaConnector:
        """Build the connector; certificate and key are read when they are used."""
        return OwnCa(name, options, secrets, self._clock, self._device_key)


class OwnCa(CaConnector):
    """One issuing CA with its key."""

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any],
        secrets: Mapping[str, Secret],
        clock: Clock,
        device_key: DeviceKeyMaker,
    ) -> None:
        self._name, self._options, self._secrets = name, options, secrets
        self._clock, self._device_key = clock, device_key

    def capabilities(self) -> Capabilities:
        """Give what it can take: every kind of name and key, from any source."""
        is_immediate = not self._options["delay_s"] and self._approval == "none"
        found = Capabilities(
            is_public=False,
            is_immediate=is_immediate,
            revoke_reasons=REVOCATION_REASONS if self._options.get("crl_path") else (),
            can_cancel=not is_immediate,
            may_need_approval=self._approval != "none",
            find=FIND_HARMLESS,
            san_types=("dns", "ip", "email", "uri", "other", "directory"),
            key_types=("rsa", "ec", "ed25519"),
            request_options={
                PROFILE_OPTION: {
                    "required": False,
                    "choices_from": "profiles",
                    "description": "What the certificate may be used for; server when left out.",
                }
            },
            choices=("profiles",),
            max_validity_days=self._options["max_validity_days"],
        )
        return option_table.overridden(found, self._options)

    @property
    def _approval(self) -> str:
        # Accounts of before this was an option have none.
        return str(self._options.get("approval") or "none")

    def test(self) -> Sequence[Check]:
        """Look whether the key is there and fits, and whether the issuing CA and its chain are valid now."""
        problems = account.authority_problems(self._options, self._opened(), self._clock.now(), self._device_key)
        if problems:
            return [Check("issuing CA", False, problem) for problem in problems]
        facts = certificate_facts(self._options["certificate"])
        found = [Check("issuing CA", True, f"{facts.subject} can sign until {to_text(facts.not_after)}")]
        return [*found, self._crl_told()] if self._options.get("crl_path") else found

    def _crl_told(self) -> Check:
        """Look until when the CRL is good; one that ended is signed anew by who asked for the test."""
        try:
            end = crl.ends(str(self._options["crl_path"]), account.issuer_of(self._options))
        except ClmError as exc:
            return Check("CRL", False, exc.message)
        return Check("CRL", True, f"good until {to_text(end)}" if end else "none yet, the first revocation makes it")

    def choices(self, kind: str) -> Sequence[Choice]:
        """Give the certificate profiles."""
        if kind != "profiles":
            raise InputError(f"CA account {self._name} has no list {kind!r}; there is: profiles")
        return [Choice(value, label) for value, label in PROFILES.items()]

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of names, subject, lifetime and options."""
        spec = order.spec
        problems = [problem.sentence for problem in _names(spec)[1]]
        given = {word: getattr(spec, word) for word in ("country", "email", *_SUBJECT) if getattr(spec, word)}
        problems += [f"{word} {why}" for word, value in given.items() if (why := reason(word, value))]
        if spec.hash_name not in HASHES:
            problems.append(f"hash {spec.hash_name!r} is not taken; there are {', '.join(HASHES)}")
        if spec.key_type not in self.capabilities().key_types:
            problems.append(f"key_type {spec.key_type!r} is not taken; there are rsa, ec, ed25519")
        limit_days = self._options["max_validity_days"]
        problems += validity_problems(
            order.validity_days, order.at, is_public=False, max_days=limit_days, ca=f"CA account {self._name}"
        )
        facts = certificate_facts(self._options["certificate"], "certificate of the issuing CA")
        if facts.not_after <= order.at:
            problems.append(
                f"the issuing CA {facts.subject} expired on {to_text(facts.not_after)}; give the account a new one"
            )
        return problems + self._option_problems(order.options)

    def _option_problems(self, options: Mapping[str, Any]) -> list[str]:
        problems = [
            f"{name} is no option of this CA; there is: {PROFILE_OPTION}" for name in options if name != PROFILE_OPTION
        ]
        profile = options.get(PROFILE_OPTION)
        if profile is not None and profile not in PROFILES:
            problems.append(f"{PROFILE_OPTION} {profile!r} is not known; there are {', '.join(PROFILES)}")
        return problems

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Sign at once, or keep the order in the handle until the delay is over."""
        facts = csr_facts(csr_pem)
        problems = [*self.validate(order), *strength_problems(facts), *_surplus(order.spec, facts)]
        if problems:
            return Rejected(f"CA account {self._name} does not sign this: {'; '.join(problems)}")
        return self.collect({"order": _order_to_json(order), "csr": pem.one_csr(csr_pem)})

    def find(self, order: Order, csr_pem: str) -> Found:
        """Answer that nothing was left: a second ``submit`` gives the same certificate and costs nothing."""
        return NotThere("the own CA keeps no orders, and the same one twice is the same certificate")

    def collect(self, handle: Handle) -> Answer:
        """Sign once the delay, counted from the order's time, is over."""
        order, csr_pem = _order_from_json(handle["order"]), handle["csr"]
        if self._approval == "denied":
            return Rejected(f"CA account {self._name} denies all orders (option approval)", dict(handle))
        if self._approval == "waiting":
            message = f"CA account {self._name} waits for approval; its owner sets the option approval to granted"
            action = Action("approval", name="approval", value="granted", who=f"the owner of CA account {self._name}")
            return Pending(dict(handle), message, 60.0, state=PENDING_APPROVAL, actions=(action,))
        left = (order.at + timedelta(seconds=self._options["delay_s"]) - self._clock.now()).total_seconds()
        if left > 0:
            message = f"CA account {self._name} signs in {left:.0f} seconds (option delay_s); nobody has to do anything"
            return Pending(dict(handle), message, left)
        leaf = self._signed(order, csr_pem)
        upper = order_chain(self._options["certificate"], [self._options["chain"]], at=order.at).bundle
        is_root = not upper.root and not upper.chain
        chain = () if is_root else (upper.leaf, *upper.chain)
        bundle = Bundle(leaf, chain, upper.leaf if is_root else upper.root)
        return Issued(bundle, {**handle, "serial": certificate_facts(leaf).serial})

    def cancel(self, handle: Handle) -> Answer:
        """Say that it is taken back: nothing is signed that nobody collects."""
        if not self.capabilities().can_cancel:
            return super().cancel(handle)
        return Rejected("it was taken back", dict(handle), state=CANCELLED)

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Put it on the CRL."""
        path = str(self._options.get("crl_path") or "")
        if not path:
            raise InputError(f"CA account {self._name} has no crl_path, so it cannot revoke", code="cannot_revoke")
        serial, now = int(str(handle["serial"]), 16), self._clock.now()
        hash_name = str(self._options["hash"])
        with self._authority() as authority:
            at = crl.revoke(path, authority, serial, reason, now, days=self._crl_days, hash_name=hash_name)
        return Revocation(at=at)

    @property
    def _crl_days(self) -> int:
        # Accounts of before this was an option have none.
        return int(self._options.get("crl_days") or 7)

    def care_due(self) -> str:
        """Ask for the CRL to be signed anew once half of its life is over; a test tells of one that cannot be read."""
        path, now = str(self._options.get("crl_path") or ""), self._clock.now()
        try:
            end = crl.ends(path, account.issuer_of(self._options)) if path else None
        except ClmError:
            return ""
        if end is None or end - now > timedelta(days=self._crl_days) / 2:
            return ""
        return f"Sign the CRL {path} of CA account {self._name} anew, which ends {to_text(end)}"

    def care(self) -> None:
        """Sign the CRL anew."""
        path, now, hash_name = str(self._options["crl_path"]), self._clock.now(), str(self._options["hash"])
        with self._authority() as authority:
            crl.renew(path, authority, now, days=self._crl_days, hash_name=hash_name)

    def _signed(self, order: Order, csr_pem: str) -> str:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        issuer = certificate_facts(self._options["certificate"])
        public = load_csr(csr_pem).public_key()
        spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        span = signing.Span(
            max(order.at - timedelta(minutes=self._options["backdate_minutes"]), issuer.not_before),
            min(order.at + timedelta(days=order.validity_days), issuer.not_after),
        )
        wanted = _names(order.spec)[0]
        folded = replace(
            order.spec, dns_names=wanted.dns, ip_addresses=wanted.ips, emails=wanted.emails, uris=wanted.uris
        )
        subject = {word: getattr(order.spec, word) for word in ("country", "email", *_SUBJECT)}
        with self._authority() as authority:
            return signing.sign_server(
                authority,
                public,
                {**subject, "common_name": wanted.common_name},
                general_names(folded),
                span,
                serial=signing.serial_for(order.intent_id, spki),
                hash_name=order.spec.hash_name,
                with_client_auth=order.options.get(PROFILE_OPTION) == "server_client",
                crl_url=str(self._options.get("crl_url") or ""),
            )

    def _authority(self) -> AbstractContextManager[signing.Authority]:
        return account.authority(self._options, self._opened(), self._device_key)

    def _opened(self) -> dict[str, str]:
        return {name: secret.reveal() for name, secret in self._secrets.items()}


def _names(spec: CsrSpec) -> tuple[names.Names, tuple[names.NameProblem, ...]]:
    return names.read_names(
        spec.common_name, spec.dns_names, spec.ip_addresses, spec.emails, spec.uris, is_qualified=False
    )


def _surplus(spec: CsrSpec, facts: CsrFacts) -> list[str]:
    """Give the names of the CSR that the order does not have: leaving them out would surprise."""
    wanted = _names(spec)[0]
    pairs = (
        (wanted.dns, (*facts.sans.dns, *([facts.common_name] if facts.common_name else []))),
        (wanted.ips, facts.sans.ips),
        (wanted.emails, facts.sans.emails),
        (wanted.uris, facts.sans.uris),
        (_others(spec), facts.sans.others),
    )
    more = sorted({name for ordered, given in pairs for name in given if name.lower() not in map(str.lower, ordered)})
    return [f"the CSR has names that the order has not: {', '.join(more)}"] if more else []


def _others(spec: CsrSpec) -> tuple[str, ...]:
    """Write names of other kinds as the facts of a CSR have them."""
    found = [f"other:{oid}:{value}" for oid, value in spec.other_names]
    return (*found, *(f"directory:{text}" for text in spec.directory_names))


def _order_to_json(order: Order) -> dict[str, Any]:
    spec = {word: list(value) if isinstance(value, tuple) else value for word, value in asdict(order.spec).items()}
    return {
        "spec": spec,
        "validity_days": order.validity_days,
        "intent_id": order.intent_id,
        "at": to_text(order.at),
        "options": dict(order.options),
    }


def _order_from_json(kept: Mapping[str, Any]) -> Order:
    known = {one.name for one in fields(CsrSpec)}
    spec: dict[str, Any] = {
        word: tuple(tuple(e) if isinstance(e, list) else e for e in value) if isinstance(value, list) else value
        for word, value in kept["spec"].items()
        if word in known
    }
    return Order(
        spec=CsrSpec(**spec),
        validity_days=kept["validity_days"],
        intent_id=kept["intent_id"],
        at=from_text(kept["at"]),
        options=kept["options"],
    )
