# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of the store as inventory hosts: options and Ansible's side; what is read stands in the use cases."""

from __future__ import annotations

DOCUMENTATION = r"""
name: akamai_cps
short_description: Certificates as inventory hosts
version_added: 0.1.0
author:
  - The edgecert.clm authors (@edgecert)
description:
  - Reads the certificates of managed and monitored devices from the store and makes a host of each. Nothing is asked
    of Akamai; run M(edgecert.clm.akamai_cps_device) to bring the store up to date.
  - With O(live=true) it reads the devices themselves and needs no store. That takes two API calls for each contract and
    one more, however many certificates there are.
  - The source file's name ends in C(akamai_cps.yml) or C(akamai_cps.yaml).
  - Variables begin with C(cert_); their names are those that M(edgecert.clm.cert_info) gives, and the id is
    C(cert_id).
  - Groups are C(managed), C(monitored), C(expired), C(expiring), and C(pending), which are the certificates that are
    not there yet or have a change open at CPS.
  - Certificates of ignored devices are left out unless O(filters) asks for them by C(sync), vanished ones,
    and superseded or revoked ones that another one followed, unless by C(state) or C(certificate).
  - What comes from Akamai or out of a certificate is never taken for a template, as a variable or as a host's name; in
    a name, braces and characters that cannot be printed become C(_).
extends_documentation_fragment:
  - constructed
  - inventory_cache
  - edgecert.clm._store.plugin
options:
  plugin:
    description:
      - Marks the file as a source of this plugin.
    type: str
    required: true
    choices: [edgecert.clm.akamai_cps, akamai_cps]
  filters:
    description:
      - Which certificates, narrowed down by each filter. Filters are C(certificate), C(device), C(sync), C(group),
        C(ca), C(state), C(enrollment_id), C(attributes), C(tracking_id), C(attachment), C(expiring),
        C(expires_within_days) and C(network), as the options of M(edgecert.clm.cert_info).
      - With O(live=true) there are no C(group), C(ca), C(attributes), C(tracking_id) and C(attachment), which are kept
        in a store.
    type: dict
    default: {}
  hostnames:
    description:
      - Variables, or Jinja2 expressions over them, that give a host's name; the first that gives something is taken,
        and the certificate's id where none does.
      - Of two certificates with one name the second gets its id instead, and a number behind it where that is taken
        too, be it by a group.
    type: list
    elements: str
    default: [cert_id]
  expiring_days:
    description:
      - A certificate is in the group C(expiring) when it expires within so many days. Left out, each certificate goes
        by the C(expiry_warning_days) of its own group, see M(edgecert.clm.cert_group); that is 30 where the group says
        nothing else.
    type: int
  live:
    description:
      - Whether to read O(devices) at Akamai now, instead of the store. Variables and groups are the same; what only a
        store knows is empty.
      - A device that cannot be read is an error. A contract or an enrollment that cannot be read is a warning.
    type: bool
    default: false
  devices:
    description:
      - With O(live=true), the devices to read. Each is a mapping of options as those of
        M(edgecert.clm.akamai_cps_device), which are C(name), C(cert_sync), C(data_center), C(host), C(client_token),
        C(client_secret), C(access_token), C(edgerc), C(section), C(account_switch_key), C(contracts), C(proxy),
        C(proxy_required), C(ca_path), C(validate_certs) and C(timeout).
      - Left out, there is one of the name C(akamai).
      - A device without a credential of its own takes it from E(AKAMAI_HOST), E(AKAMAI_CLIENT_TOKEN),
        E(AKAMAI_CLIENT_SECRET) and E(AKAMAI_ACCESS_TOKEN), or with C(edgerc) or C(section) as the module does. A
        credential may be a template or a vault, is never shown, and enters no cache.
      - Of an ignored device nothing is read.
    type: list
    elements: dict
    default: []
  budget:
    description:
      - With O(live=true), the API calls to each device after which no further enrollment is read by itself. Only where
        the account is refused the list of live certificates does each enrollment take a call. What is not read within
        the budget makes the source fail.
    type: int
    default: 200
"""

EXAMPLES = r"""
# certificates.akamai_cps.yml: every certificate of managed and monitored devices
plugin: edgecert.clm.akamai_cps

---
# expiring.akamai_cps.yml: managed certificates on production that expire within 60 days, by device and issuer
plugin: edgecert.clm.akamai_cps
filters:
  sync: managed
  network: production
  expires_within_days: 60
hostnames:
  - cert_common_name
keyed_groups:
  - key: cert_device
    prefix: device
  - key: cert_issuer
    prefix: issuer
groups:
  many_names: cert_san_count > 10
compose:
  cert_weeks_left: cert_days_left // 7

---
# live.akamai_cps.yml: what two accounts serve now, without a store; cached for an hour
plugin: edgecert.clm.akamai_cps
live: true
devices:
  - name: cps-main
    section: default
    edgerc: ~/.edgerc
  - name: cps-partner
    section: partner
    edgerc: ~/.edgerc
    cert_sync: monitored
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/edgecert
cache_timeout: 3600

---
# team.akamai_cps.yml: what one team has to look after, by group and environment
plugin: edgecert.clm.akamai_cps
filters:
  expiring: true
  attributes:
    team: edge
    environment: ~prod.*
keyed_groups:
  - key: cert_group
    prefix: policy
  - key: cert_attributes.environment
    prefix: environment
"""

import hashlib
import itertools
import json
import os
from datetime import datetime
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.edgecert.clm.plugins.module_utils._clm.filters import Filters, certificate_list
from ansible_collections.edgecert.clm.plugins.module_utils._clm.views import lifetime_left, production_days_left
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock, from_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Device
from ansible_collections.edgecert.clm.plugins.module_utils._core.version import VERSION
from ansible_collections.edgecert.clm.plugins.module_utils._glue.actor import login_name
from ansible_collections.edgecert.clm.plugins.module_utils._glue.options import reading_options
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_live import identity, live_devices, live_list
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_store import opened
from ansible_collections.edgecert.clm.plugins.plugin_utils._unsafe import make_unsafe, plain_name

Row = dict[str, Any]

# What already says what it is about keeps its name; the id is what the other variables are about.
_NAMES = {"certificate": "cert_id", "cert_sync": "cert_sync"}
# What the groups and the days are worked out from, with the types it may have: a cached row without it is of no use.
_NEEDED: dict[str, type | tuple[type, ...]] = {
    "certificate": str,
    "cert_sync": str,
    "state": str,
    "not_after": (str, type(None)),
    "production": dict,
    "pending_changes": list,
    "expiry_warning_days": int,
}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Reads certificates and adds them as hosts."""

    NAME = "edgecert.clm.akamai_cps"

    def verify_file(self, path: str) -> bool:
        """Say whether the file is one of ours, by its name."""
        is_file: bool = super().verify_file(path)
        return is_file and path.endswith(("akamai_cps.yml", "akamai_cps.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Fill the inventory from one source file."""
        super().parse(inventory, loader, path, cache)
        try:
            self._read_config_data(path)
            rows = self._rows(path, cache)
            self._add_hosts(rows, SystemClock().now())
        except ClmError as exc:
            raise AnsibleParserError(f"Cannot make an inventory of {path}: {exc.message}") from exc

    def _templated(self, name: str) -> Any:
        """Give an option, resolved where it is a template."""
        value = self.get_option(name)
        return self.templar.template(value) if value else value

    def _rows(self, path: str, cache: bool) -> list[Row]:
        """Give the certificates, from the cache when it may be used and has them."""
        options, filters = reading_options(self._templated), self._templated("filters") or {}
        devices = live_devices(self._templated("devices") or [], os.environ) if self._is_live() else None
        if not self.get_option("cache"):
            return self._read(options, filters, devices)
        # Another store or other filters in the same file are another list, and another version has other variables.
        read = options["store"] if devices is None else [identity(one, os.environ) for one in devices]
        asked = json.dumps([VERSION, read, filters], sort_keys=True, default=str)
        key = f"{self.get_cache_key(path)}_{hashlib.sha256(asked.encode()).hexdigest()[:12]}"
        rows = self._cached(key) if cache else None
        if rows is None:
            rows = self._read(options, filters, devices)
            self._cache[key] = rows
        return rows

    def _is_live(self) -> bool:
        return bool(self.get_option("live"))

    def _cached(self, key: str) -> list[Row] | None:
        """Give the rows in the cache; None where there are none, they are too old, or they are no rows."""
        try:
            rows: list[Row] = self._cache[key]
        except KeyError:
            return None
        except Exception as exc:
            # A cache only saves time: whatever its plugin makes of what it finds there, the source can be read.
            self.display.warning(f"The inventory's cache cannot be read, and is made anew: {exc}")
            return None
        if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
            self.display.warning("The inventory's cache holds something else than certificates, and is made anew")
            return None
        return rows

    def _read(self, options: dict[str, Any], filters: dict[str, Any], devices: list[Device] | None) -> list[Row]:
        wanted, clock = Filters.from_options(filters), SystemClock()
        if devices is not None:
            live = live_list(devices, wanted, clock, os.environ, int(self._templated("budget")))
            for note in live.notes:
                self.display.warning(note)
            return live.rows
        with opened(options, clock, login_name(), create=False) as store, store.read() as unit:
            return certificate_list(unit, wanted, clock.now())

    def _add_hosts(self, rows: list[Row], now: datetime) -> None:
        strict = self.get_option("strict")
        compose, groups, keyed = (self.get_option(name) for name in ("compose", "groups", "keyed_groups"))
        hostnames, expiring_days = self.get_option("hostnames"), self.get_option("expiring_days")
        for group in ("managed", "monitored", "expired", "expiring", "pending"):
            self.inventory.add_group(group)
        for row in rows:
            variables = self._variables(row, now)
            host = self._host_name(variables, hostnames, strict)
            self.inventory.add_host(host)
            for name, value in variables.items():
                self.inventory.set_variable(host, name, value)
            for group in _groups(variables, expiring_days):
                # The group of ignored ones is there only when they were asked for.
                self.inventory.add_group(group)
                self.inventory.add_child(group, host)
            if compose:
                self._set_composite_vars(compose, variables, host, strict=strict)
                variables = self.inventory.get_host(host).get_vars()
                # What an expression made of remote texts is as little a template as they are.
                for name in compose:
                    if name in variables:
                        self.inventory.set_variable(host, name, make_unsafe(variables[name]))
            if groups:
                self._add_host_to_composed_groups(groups, variables, host, strict=strict, fetch_hostvars=False)
            if keyed:
                self._add_host_to_keyed_groups(keyed, variables, host, strict=strict, fetch_hostvars=False)

    def _variables(self, row: Row, now: datetime) -> Row:
        """Give a host's variables; a cached row's days are counted anew."""
        end = row["not_after"]
        row = {**row, **lifetime_left(from_text(end) if end else None, now)}
        row["production_days_left"] = production_days_left(row["production"], now)
        unsafe: Row = make_unsafe({_NAMES.get(name, f"cert_{name}"): value for name, value in row.items()})
        return unsafe

    def _host_name(self, variables: Row, hostnames: list[str], strict: bool) -> str:
        name = ""
        for wanted in hostnames:
            name = self._evaluated(wanted, variables, strict)
            if name:
                break
        own = plain_name(variables["cert_id"])
        candidates = itertools.chain((plain_name(name), own), (f"{own}~{number}" for number in itertools.count(2)))
        # A host of a group's name is a warning in every run, and a pattern that means both.
        taken = (self.inventory.hosts, self.inventory.groups)
        return next(one for one in candidates if one and not any(one in names for names in taken))

    def _evaluated(self, wanted: str, variables: Row, strict: bool) -> str:
        if wanted in variables:
            return str(variables[wanted] or "")
        try:
            return str(self._compose(wanted, variables) or "")
        except Exception as exc:
            if strict:
                raise AnsibleParserError(f"Cannot name {variables['cert_id']} by {wanted!r}: {exc}") from exc
            return ""


def _is_row(row: Any) -> bool:
    if not isinstance(row, dict) or not all(isinstance(row.get(name), kind) for name, kind in _NEEDED.items()):
        return False
    try:
        return all(not end or from_text(end) for end in (row["not_after"], row["production"].get("not_after")))
    except (TypeError, ValueError):
        return False


def _groups(variables: Row, expiring_days: int | None) -> list[str]:
    groups = [variables["cert_sync"]] if variables["cert_sync"] else []
    days_left = variables["cert_days_left"]
    warned_days = variables["cert_expiry_warning_days"] if expiring_days is None else expiring_days
    if variables["cert_expired"]:
        groups.append("expired")
    elif days_left is not None and days_left < warned_days:
        groups.append("expiring")
    if variables["cert_state"] == "pending" or variables["cert_pending_changes"]:
        groups.append("pending")
    return groups
