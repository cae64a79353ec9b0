# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and CSRs made on an application delivery controller (E8): one flow over the few things a vendor has to do.

The private key is never asked for. Everything that is made is looked for first, and looked at again where an answer was
lost, so that no key is made twice; a CSR is read back and held against the order before it goes to any CA.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.errors import InputError, RemoteError
from .._core.redact import Secret
from . import adc_orders as orders
from .adc_driver import KEY_MISSING, NAME_TAKEN, STANDBY, Driver, KeySeen
from .adc_orders import Part
from .base import KeyOrder, MadeSecret, Obstacle, Reference
from .device_base import DeviceCheck, DeviceKeys
from .rest_device import DeviceConflict, may_have_been_done

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .device_base import DeviceAbilities


class AdcKeys(DeviceKeys):
    """The keys of one controller.

    :param name: of the key device.
    """

    def __init__(self, name: str, driver: Driver) -> None:
        self._name = name
        self._driver = driver
        self._looked: dict[str, tuple[Obstacle, ...]] = {}
        self._made: tuple[MadeSecret, ...] = ()
        self._there: list[str] = []

    def abilities(self) -> DeviceAbilities:
        """Give what the controller can make."""
        return self._driver.abilities()

    def test(self) -> Sequence[DeviceCheck]:
        """Try it; a failure ends the list, as what follows needs what failed."""
        done: list[DeviceCheck] = []
        self._driver.dare()
        with self._work():
            try:
                done.extend(self._driver.checks())
            except RemoteError as exc:
                done.append(DeviceCheck("reach and log in" if not done else "rights", False, exc.message))
        return done

    def validate(self, order: KeyOrder) -> Sequence[str]:
        """Give what the controller cannot put into a key or a CSR, and what is wrong with the name."""
        driver = self._driver
        found = orders.reference_problems(order.place.get("name"), driver.longest_name)
        found += orders.ability_problems(order.spec, driver.abilities(), driver.title)
        return found + driver.problems(order)

    def predict(self, order: KeyOrder) -> str:
        """Say what ``begin`` would do."""
        made = []
        for part in orders.parts_of(order):
            key = f"a new {part.words} ({part.key})"
            if order.place.get("reuse"):
                key = f"the newest key {order.place['name']}" + (
                    "" if order.renews else f", or with {key} where none is"
                )
            made.append(f"the CSR {part.csr} with {key}")
        return f"Make {' and '.join(made)} for {order.spec.common_name} on {self._driver.label}"

    def find(self, order: KeyOrder) -> Sequence[Reference]:
        """Look for the CSRs that an earlier run made for this very request."""
        with self._work():
            return self._found(order)

    def conflicts(self, order: KeyOrder) -> Sequence[Obstacle]:
        """Look whether this unit may make keys, and whether the name is somebody else's."""
        stem = orders.stem_of(order)
        if stem not in self._looked:
            with self._work():
                self._looked[stem] = tuple(self._obstacles(order))
        return self._looked[stem]

    def begin(self, order: KeyOrder) -> Reference:
        """Make what is not there yet: keys, then CSRs, each looked for first.

        :raises RemoteError: ``made`` among its details names what of this order is, or may be, on the controller all
            the same; where it is missing, nothing is.
        """
        self._looked.pop(orders.stem_of(order), None)
        self._there = []
        with self._work(), self._telling_what_is_there():
            parts = self._parts(order)
            own = {part.key for part in orders.parts_of(order)}
            for part in parts:
                if part.key in own:
                    self._ensure_key(part)
            csrs = {part.algorithm: self._ensure_csr(part.csr, part, order, None) for part in parts}
            challenge = order.challenge_password
            sealed = {}
            left = []
            if challenge:
                sealed = {one.algorithm: self._ensure_csr(one.sealed_csr, one, order, challenge) for one in parts}
                left = [why for one in parts if (why := self._take_away(one.sealed_csr))]
            return {**self._reference(parts, csrs, sealed), **({"left": left} if left else {})}

    def made(self) -> Sequence[MadeSecret]:
        """Give the CSRs that bear the challenge password."""
        return self._made

    @contextmanager
    def _work(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._driver.leave()

    @contextmanager
    def _telling_what_is_there(self) -> Iterator[None]:
        """Put into an error what is there in spite of it, so that its order is begun again and not anew."""
        try:
            yield
        except RemoteError as exc:
            if self._there:
                exc.details["made"] = list(self._there)
            raise

    def _found(self, order: KeyOrder) -> list[Reference]:
        """Give the one reference to CSRs that are there and are what the order asks for, or none.

        None with a challenge password: the CSR that bears it does not stay, so beginning goes on with what is there.
        """
        if order.challenge_password or not all(self._driver.has_csr(one.csr) for one in orders.parts_of(order)):
            return []
        try:
            parts = self._parts(order)
        except DeviceConflict:
            # The key it was made for is gone; beginning again says so.
            return []
        csrs = {part.algorithm: self._driver.read_csr(part.csr) for part in parts}
        if any(self._differences(csrs[part.algorithm], part, order, None) for part in parts):
            return []
        return [self._reference(parts, csrs, {})]

    def _obstacles(self, order: KeyOrder) -> Iterator[Obstacle]:
        driver, reference = self._driver, order.place["name"]
        if why := driver.standby():
            yield Obstacle(STANDBY, f"{driver.label} {why}")
        seen = driver.keys()
        taken = sorted(one.name for one in seen if orders.is_anothers(one.name, order))
        if taken:
            yield Obstacle(
                NAME_TAKEN,
                f"key reference name {reference} belongs to another certificate on {driver.label} "
                f"({', '.join(taken)}); choose another name",
            )
        is_known = bool(order.renews) or any(orders.is_own(one.name, order) for one in seen)
        exact = orders.exact_key(order)
        if order.place.get("reuse"):
            yield from self._reuse_obstacles(order, seen)
        elif not is_known and any(one.name == exact for one in seen):
            yield Obstacle(
                NAME_TAKEN,
                f"a key {exact} that was not made here is on {driver.label} ({driver.place}); choose another key "
                "reference name, or set reuse to have a CSR for that key",
            )

    def _reuse_obstacles(self, order: KeyOrder, seen: Sequence[KeySeen]) -> Iterator[Obstacle]:
        for part in orders.parts_of(order):
            try:
                self._reused(part, order, seen)
            except DeviceConflict as exc:
                yield Obstacle(exc.code, exc.message)

    def _parts(self, order: KeyOrder) -> tuple[Part, ...]:
        parts = orders.parts_of(order)
        if not order.place.get("reuse"):
            return parts
        seen = self._driver.keys()
        return tuple(replace(part, key=self._reused(part, order, seen)) for part in parts)

    def _reused(self, part: Part, order: KeyOrder, seen: Sequence[KeySeen]) -> str:
        """Give the name of the key to be used again: the certificate's newest, else the one made by hand.

        At a first request for which there is none, it is the name of the one to be made.

        :raises DeviceConflict: there is none of that kind, or it cannot be told which is the newest.
        """
        driver, exact = self._driver, orders.exact_key(order)
        own = [one for one in seen if orders.is_own(one.name, order) and _may_be(_with_mark(one), part)]
        by_hand = [one for one in seen if one.name == exact and _may_be(one, part)]
        found = own or by_hand
        if not found and not order.renews:
            return part.key
        if not found:
            raise DeviceConflict(
                f"there is no {part.words} under the key reference name {order.place['name']} on {driver.label} "
                f"({driver.place}) that could be used again; make {exact} there, or leave reuse out to have a new key",
                code=KEY_MISSING,
            )
        dated = [(one.made_at, one.name) for one in found if one.made_at is not None]
        if len(found) == 1:
            return found[0].name
        newest = sorted(dated)[-1:] if len(dated) == len(found) else []
        if not newest or sum(moment == newest[0][0] for moment, _name in dated) > 1:
            raise DeviceConflict(
                f"{driver.label} does not tell which of the keys {', '.join(sorted(one.name for one in found))} is the "
                "newest; remove those that are not used any more, or leave reuse out to have a new key",
                code="key_ambiguous",
            )
        return newest[0][1]

    def _ensure_key(self, part: Part) -> None:
        seen = self._driver.key(part.key)
        if seen is None:
            self._make(part.key, lambda: self._driver.make_key(part), lambda: self._driver.key(part.key) is not None)
        elif not _may_be(seen, part):
            raise DeviceConflict(
                f"Cannot make key {part.key} on {self._driver.label}: a key of that name and another kind is there "
                f"({seen.algorithm or 'unknown'} {seen.bits or seen.curve}); remove it, or choose another key "
                "reference name",
                code=NAME_TAKEN,
            )
        else:
            self._there.append(part.key)
        # Before the CSR, so that a CSR means a key that the device will still have after a restart.
        self._driver.keep()

    def _make(self, name: str, make: Callable[[], None], is_there: Callable[[], bool]) -> None:
        """Make a thing, and look whether it is there where making it failed and may have been done all the same."""
        try:
            make()
        except RemoteError as exc:
            if may_have_been_done(exc):
                # Also where the look does not find it: the device may still be at it, or a proxy may answer the look.
                self._there.append(name)
            elif exc.code != NAME_TAKEN:
                raise
            if not is_there():
                raise
        if name not in self._there:
            self._there.append(name)

    def _ensure_csr(self, name: str, part: Part, order: KeyOrder, challenge: Secret | None) -> str:
        driver = self._driver
        if driver.has_csr(name):
            self._there.append(name)
        else:
            self._make(name, lambda: driver.make_csr(name, part, order, challenge), lambda: driver.has_csr(name))
        text = driver.read_csr(name)
        problems = self._differences(text, part, order, challenge)
        if problems:
            raise DeviceConflict(
                f"Cannot use the CSR {name} of {driver.label}: {'; '.join(problems)}; nothing was ordered with it: "
                "remove it and its key on the device, and run it again, or ask for what the device can make",
                code="csr_differs",
                details={"problems": problems, "device": driver.label},
            )
        return text

    def _take_away(self, name: str) -> str:
        """Remove a CSR that bears the challenge password, once it was read: anybody who may look there could read it.

        :returns: why it may still be there, as a sentence with what to do; empty when it is not.
        """
        driver = self._driver
        try:
            try:
                driver.remove_csr(name)
            except RemoteError as exc:
                if not may_have_been_done(exc):
                    raise
                driver.remove_csr(name)
            # A run before that was broken off may have had it kept over a restart.
            driver.keep()
        except RemoteError as exc:
            return f"{exc.message}; see that CSR {name}, in which the challenge password is readable, is removed there"
        return ""

    def _differences(self, text: str, part: Part, order: KeyOrder, challenge: Secret | None) -> list[str]:
        try:
            return orders.mismatches(text, part, order, challenge)
        except InputError as exc:
            return [exc.message]

    def _reference(self, parts: Sequence[Part], csrs: Mapping[str, str], sealed: Mapping[str, str]) -> Reference:
        self._made = tuple(MadeSecret(f"csr/{one}", Secret(text), {"algorithm": one}) for one, text in sealed.items())
        keys = [
            {"label": part.key, "csr": part.csr, "algorithm": part.algorithm, "place": self._driver.place}
            for part in parts
        ]
        label = f"{' and '.join(part.key for part in parts)} on {self._driver.label}"
        reference: dict[str, Any] = {"key_device": self._name, "keys": keys, "csrs": dict(csrs), "label": label}
        return reference


def _with_mark(seen: KeySeen) -> KeySeen:
    """Take the algorithm off the name of a key that was made here, where the device does not tell it."""
    return seen if seen.algorithm else replace(seen, algorithm=orders.marked_algorithm(seen.name))


def _may_be(seen: KeySeen, part: Part) -> bool:
    """Say whether a key is what a part asks for, as far as the device tells."""
    told = ((seen.algorithm, part.algorithm), (seen.bits, part.bits), (seen.curve, part.curve))
    return all(found == wanted for found, wanted in told if found and wanted)
