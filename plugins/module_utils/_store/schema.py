# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database schema: numbered migrations, upward only, run under the writer's lock.

A migration is a function from the dialect's column types to statements. Once released it is never changed: it does not
look at the record types of today. A new one goes to the end of ``MIGRATIONS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .._core.errors import StoreError
from .sql import Database, listed, quoted

Types = Mapping[str, str]
Migration = Callable[[Types], Iterator[str]]


def _table(types: Types, name: str, key: str, columns: str) -> Iterator[str]:
    """Make a table.

    :param key: names of the key columns.
    :param columns: words ``name:type``, with a ``?`` at the end where NULL is allowed.
    """
    parts = []
    for word in columns.split():
        column, kind = word.rstrip("?").split(":")
        parts.append(f"{quoted(column)} {types[kind]}{'' if word.endswith('?') else ' NOT NULL'}")
    parts.append(f"PRIMARY KEY ({listed(key.split())})")
    yield f"CREATE TABLE {quoted(name)} ({', '.join(parts)})"


def _index(table: str, *columns: str) -> Iterator[str]:
    for column in columns:
        yield f"CREATE INDEX {quoted(f'{table}_{column}')} ON {quoted(table)} ({quoted(column)})"


def _bookkeeping(types: Types) -> Iterator[str]:
    yield from _table(types, "meta", "name", "name:text value:text")
    yield from _table(types, "seal", "id", "id:integer method:text salt:blob wrapped:blob")
    yield from _table(types, "leases", "name", "name:text holder:text token:text expires_at:text")
    yield from _table(types, "ledger", "account", "account:text blocked_until:text? calls:text")
    yield from _table(
        types,
        "audit",
        "sequence",
        "sequence:integer at:text actor:text action:text noun:text key:text before:text? after:text? comment:text "
        "tracking_id:text previous_hash:text hash:text",
    )
    yield f"INSERT INTO meta (name, value) VALUES ('audit_head', '0 {'0' * 64}')"
    yield f"CREATE INDEX {quoted('audit_key')} ON {quoted('audit')} ({listed(('noun', 'key'))})"


def _settings(types: Types) -> Iterator[str]:
    yield from _table(
        types,
        "devices",
        "name",
        "name:text sync:text host:text data_center:text proxy_required:boolean proxy:blob? api_version:text "
        "credential_source:text edgerc:text section:text client_token:blob? client_secret:blob? access_token:blob? "
        "account_switch_key:text contracts:text ca_path:text validate_certs:boolean timeout_s:integer status:text "
        "status_log:text instance:text discovery:text created_at:text? updated_at:text? checked_at:text? "
        "version:integer",
    )
    yield from _table(
        types,
        "vendor_settings",
        "validation_type secure_network vendor_certificate_type",
        "validation_type:text secure_network:text vendor_certificate_type:text organization:text "
        "admin_contact:text tech_contact:text contract_id:text change_management:boolean network:text "
        "created_at:text? updated_at:text? version:integer",
    )
    yield from _table(
        types,
        "ca_accounts",
        "name",
        "name:text type:text options:text secrets:blob? created_at:text? updated_at:text? version:integer",
    )


def _inventory(types: Types) -> Iterator[str]:
    yield from _table(
        types,
        "certificates",
        "certificate_id",
        "certificate_id:text origin:text common_name:text state:text sans:text san_count:integer device:text "
        "enrollment_id:integer? contract_id:text validation_type:text certificate_type:text secure_network:text "
        "change_management:boolean? ca:text request_id:text key_algorithm:text issuer:text serial:text "
        "fingerprint:text not_before:text? not_after:text? production:text staging:text pending_changes:text "
        "attributes:text created_at:text? updated_at:text? version:integer",
    )
    yield from _index("certificates", "common_name", "device", "fingerprint", "enrollment_id", "not_after")
    yield from _table(
        types,
        "pems",
        "fingerprint",
        "fingerprint:text leaf:text chain:text root:text version:integer",
    )
    yield from _table(
        types,
        "connectors",
        "certificate_id name",
        "certificate_id:text name:text description:text devices:text created_at:text? updated_at:text? version:integer",
    )


def _work(types: Types) -> Iterator[str]:
    yield from _table(
        types,
        "requests",
        "request_id",
        "request_id:text certificate_id:text action:text state:text ca:text csr_source:text reason:text "
        "message:text device:text ca_options:text wish:text key_reference:text csrs:text ca_handles:text "
        "fingerprints:text conditions:text actor:text comment:text tracking_id:text next_look_at:text? "
        "created_at:text? updated_at:text? version:integer",
    )
    yield from _index("requests", "certificate_id", "state")
    yield from _table(
        types,
        "work_orders",
        "work_order_id",
        "work_order_id:text certificate_id:text connector:text device:text action:text network:text state:text "
        "reason:text message:text fingerprints:text change:text notices:text evidence:text conditions:text "
        "actor:text comment:text tracking_id:text next_look_at:text? created_at:text? updated_at:text? "
        "version:integer",
    )
    yield from _index("work_orders", "certificate_id", "state")
    yield from _table(
        types,
        "intents",
        "intent_id",
        "intent_id:text kind:text noun:text key:text wanted:text result:text created_at:text? finished_at:text? "
        "version:integer",
    )
    yield from _index("intents", "key", "finished_at")


def _first(types: Types) -> Iterator[str]:
    yield from _bookkeeping(types)
    yield from _settings(types)
    yield from _inventory(types)
    yield from _work(types)


def _more(types: Types, table: str, columns: str) -> Iterator[str]:
    """Add columns; words ``name:type=default`` with the default as SQL, or ``name:type?`` where NULL is allowed."""
    for word in columns.split():
        plain, _equals, default = word.partition("=")
        column, kind = plain.rstrip("?").split(":")
        rule = "" if plain.endswith("?") else f" NOT NULL DEFAULT {default}"
        yield f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(column)} {types[kind]}{rule}"


def _second(types: Types) -> Iterator[str]:
    """Groups with policy, approvals, schedules, attachments, lineage."""
    governed = (
        "group:text='' policy:text='{}' approvals:text='[]' manual_implementation:boolean=FALSE scheduled_at:text? "
    )
    yield from _more(types, "requests", governed + "renews:text='{}' refusals:text='{}'")
    yield from _more(
        types,
        "work_orders",
        f"{governed} warnings:text='{{}}' edges:text='{{}}' is_automatic:boolean=FALSE scripts:text='[]' "
        "last_safe_at:text?",
    )
    yield from _more(
        types,
        "certificates",
        "group:text='' auto_renew:text='{}' auto_regenerate:text='{}' parent:text='' successor:text='' "
        "history_read:text=''",
    )
    yield from _more(
        types,
        "connectors",
        "script_location:text='controller' pre_push_script:text='' post_push_script:text='' "
        "script_timeout_s:integer=60 push_automatically:boolean=FALSE automatic_network:text='staging' "
        "warnings:text='{}'",
    )
    yield from _policy(types)


def _policy(types: Types) -> Iterator[str]:
    yield from _table(
        types,
        "groups",
        "name",
        "name:text description:text defaults:text allowed:text ca_accounts:text approvals:text auto_approve:boolean "
        "push_automatically:boolean automatic_network:text renewal_window_days:integer? expiry_warning_days:integer "
        "freeze_windows:text warnings:text proof:text created_at:text? updated_at:text? version:integer",
    )
    yield from _table(
        types,
        "attachments",
        "attachment_id",
        "attachment_id:text certificate_id:text name:text request_id:text comments:text digest:text size:integer "
        "content:blob? actor:text created_at:text? version:integer",
    )
    yield from _index("attachments", "certificate_id")
    yield from _table(
        types,
        "snapshots",
        "snapshot_id",
        "snapshot_id:text certificate_id:text enrollment_id:integer? before:text request_id:text work_order_id:text "
        "enrollment:text production:text staging:text actor:text created_at:text? version:integer",
    )
    yield from _index("snapshots", "certificate_id")


def _third(types: Types) -> Iterator[str]:
    """Keys made here, in tokens and on other devices; what a CA says of an order, and which CA stands by."""
    yield from _more(types, "requests", "ca_progress:text='{}'")
    yield from _more(types, "groups", "standby_cas:text='[]'")
    yield from _table(
        types,
        "key_devices",
        "name",
        "name:text type:text options:text secrets:blob? created_at:text? updated_at:text? version:integer",
    )
    yield from _table(
        types,
        "held_secrets",
        "noun owner name",
        "noun:text owner:text name:text value:blob? facts:text created_at:text? version:integer",
    )


def _fourth(types: Types) -> Iterator[str]:
    """What CAs say of revocation, and how often they are asked."""
    yield from _more(types, "certificates", "revocation:text='{}'")
    yield from _more(types, "groups", "revocation_checks:text='{}'")


MIGRATIONS: tuple[Migration, ...] = (_first, _second, _third, _fourth)


def number_in(database: Database) -> int:
    """Give the schema's number; 0 when the database holds no store."""
    if not database.has_table("meta"):
        return 0
    found = database.rows("SELECT value FROM meta WHERE name = 'schema'")
    return int(found[0][0]) if found else 0


def ensure(database: Database, *, create: bool, migrate: bool, migrations: tuple[Migration, ...]) -> int:
    """Bring the schema to its newest number as far as allowed, and give the number it had.

    :param create: make a store where there is none.
    :param migrate: raise an older one.
    :raises StoreError: there is none, or an older or newer one.
    """
    found = number_in(database)
    _refuse(database, found, create=create, migrate=migrate, newest=len(migrations))
    if found == len(migrations):
        return found
    if found == 0:
        database.prepare_empty()
    with database.transaction(database.begin_write):
        # Another process may have done it while this one waited for the lock.
        found = number_in(database)
        _refuse(database, found, create=create, migrate=migrate, newest=len(migrations))
        for migration in migrations[found:]:
            for statement in migration(database.types):
                database.run(statement)
        database.run(
            "INSERT INTO meta (name, value) VALUES ('schema', ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (str(len(migrations)),),
        )
    return found


def _refuse(database: Database, found: int, *, create: bool, migrate: bool, newest: int) -> None:
    if found > newest:
        raise StoreError(
            f"Cannot open the store {database.url}: its schema is number {found} and this version of the collection "
            f"knows up to {newest}; install the version of edgecert.clm that wrote it, or a later one",
            code="store_too_new",
            details={"schema": found, "newest": newest},
        )
    if found == 0 and not create:
        raise StoreError(
            f"Cannot open the store {database.url}: the database holds no store; create it with "
            "edgecert.clm.clm_store, action: init, or correct the store's URL",
            code="store_missing",
        )
    if 0 < found < newest and not migrate:
        raise StoreError(
            f"Cannot open the store {database.url}: its schema is number {found} and this version of the collection "
            f"needs {newest}; take a backup, then run edgecert.clm.clm_store with action: migrate",
            code="store_needs_migration",
            details={"schema": found, "newest": newest},
        )
