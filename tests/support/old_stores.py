# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores as earlier versions of the collection left them, one maker a schema, kept for good.

Tables are made by the released migrations, which never change; rows are written by plain SQL, sealed and chained as
that version did, so that no code of today has a part in them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pathlib
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ansible_collections.edgecert.clm.plugins.module_utils._store.schema import MIGRATIONS
from ansible_collections.edgecert.clm.tests.support.stores import KEY, StorePlace

TYPES = {
    "sqlite": {"text": "TEXT", "integer": "INTEGER", "boolean": "INTEGER", "blob": "BLOB"},
    "postgresql": {"text": 'TEXT COLLATE "C"', "integer": "BIGINT", "boolean": "BOOLEAN", "blob": "BYTEA"},
}
DATA_KEY = bytes(range(32))
AT = "2026-06-01T08:00:00.000000+00:00"
DEVICE_SECRET = "client-secret-of-schema-one"
CA_SECRET = '{"private_key":"no real key"}'
FIRST = "0" * 64


def _sealed(place: str, text: str) -> bytes:
    """Seal as schema 1 does: format byte, nonce, AES-256-GCM with the place as associated data."""
    nonce = os.urandom(12)
    return b"\x01" + nonce + AESGCM(DATA_KEY).encrypt(nonce, text.encode(), place.encode())


def _wrapped(salt: bytes) -> bytes:
    key = hashlib.scrypt(KEY.encode(), salt=salt, n=2**15, r=8, p=1, maxmem=2**26, dklen=32)
    nonce = os.urandom(12)
    return b"\x01" + nonce + AESGCM(key).encrypt(nonce, DATA_KEY, b"edgecert.clm data key")


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _insert(place: StorePlace, table: str, **columns: Any) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" for _name in columns)
    place.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', *columns.values())


def make_schema_1(place: StorePlace) -> None:
    """Make a store of schema 1 (version 0.1.0) in use: one certificate on the edge, another request under way."""
    if place.is_sqlite:
        file = pathlib.Path(place.url[len("sqlite:///") :])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        place.execute("PRAGMA journal_mode = WAL")
    for statement in MIGRATIONS[0](TYPES["sqlite" if place.is_sqlite else "postgresql"]):
        place.execute(statement)
    _insert(place, "meta", name="schema", value="1")
    salt = os.urandom(16)
    _insert(place, "seal", id=1, method="aes256gcm", salt=salt, wrapped=_wrapped(salt))
    _insert(place, "ledger", account="akab-one", blocked_until=None, calls=_text([[AT, ""]]))
    _settings_1(place)
    _inventory_1(place)
    _work_1(place)
    _audit_1(place)


def _settings_1(place: StorePlace) -> None:
    times = {"created_at": AT, "updated_at": AT, "version": 1}
    _insert(
        place,
        "devices",
        name="edge",
        sync="managed",
        host="akab-one.luna.akamaiapis.net",
        data_center="",
        proxy_required=False,
        proxy=None,
        api_version="cps/v2",
        credential_source="inline",
        edgerc="",
        section="",
        client_token=_sealed("devices\0edge\0client_token", "akab-token"),
        client_secret=_sealed("devices\0edge\0client_secret", DEVICE_SECRET),
        access_token=_sealed("devices\0edge\0access_token", "akab-access"),
        account_switch_key="",
        contracts=_text(["C-1"]),
        ca_path="",
        validate_certs=True,
        timeout_s=60,
        status="managed",
        status_log=_text([{"name": "communication", "result": "passed", "at": AT, "duration_ms": 8, "detail": ""}]),
        instance=_text({"contracts": ["C-1"]}),
        discovery=_text({"found": 2}),
        checked_at=AT,
        **times,
    )
    contact = _text(
        {"first_name": "Ada", "last_name": "Example", "phone": "+44 20 7946 0001", "email": "ada@example.com"}
    )
    _insert(
        place,
        "vendor_settings",
        validation_type="third-party",
        secure_network="standard-tls",
        vendor_certificate_type="third-party",
        organization=_text({"name": "Example Ltd.", "country": "GB"}),
        admin_contact=contact,
        tech_contact=contact,
        contract_id="C-1",
        change_management=True,
        network=_text({"sni_only": True}),
        **times,
    )
    secrets = _sealed("ca_accounts\0own\0secrets", CA_SECRET)
    _insert(place, "ca_accounts", name="own", type="own_ca", options=_text({"days": 90}), secrets=secrets, **times)


def _inventory_1(place: StorePlace) -> None:
    web = {"fingerprint": "ab" * 32, "serial": "01", "issuer": "CN=Own Issuing CA", "not_after": AT}
    for name, more in (
        ("www.example.com", {"state": "issued", "request_id": "r-1", "production": _text(web), "enrollment_id": 10001}),
        ("api.example.com", {"state": "pending", "request_id": "r-2", "production": "{}", "enrollment_id": None}),
    ):
        is_issued = more["state"] == "issued"
        _insert(
            place,
            "certificates",
            certificate_id=name,
            origin="enrolled",
            common_name=name,
            sans=_text([name]),
            san_count=1,
            device="edge",
            contract_id="C-1",
            validation_type="third-party",
            certificate_type="third-party",
            secure_network="standard-tls",
            change_management=True if is_issued else None,
            ca="own",
            key_algorithm="ECDSA" if is_issued else "",
            issuer="CN=Own Issuing CA" if is_issued else "",
            serial="01" if is_issued else "",
            fingerprint="ab" * 32 if is_issued else "",
            not_before="2026-05-01T00:00:00.000000+00:00" if is_issued else None,
            not_after="2026-07-30T00:00:00.000000+00:00" if is_issued else None,
            staging="{}",
            pending_changes="[]",
            attributes=_text({"owner": "web team"}) if is_issued else "{}",
            created_at=AT,
            updated_at=AT,
            version=3,
            **more,
        )
    leaf = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(b'no real one').decode()}\n-----END CERTIFICATE-----\n"
    _insert(place, "pems", fingerprint="ab" * 32, leaf=leaf, chain=leaf, root="", version=1)
    _insert(
        place,
        "connectors",
        certificate_id="www.example.com",
        name="edge",
        description="the shop",
        devices=_text(["edge"]),
        created_at=AT,
        updated_at=AT,
        version=1,
    )


def _work_1(place: StorePlace) -> None:
    steps = [{"type": kind, "at": AT, "actor": "ada", "comment": ""} for kind in ("submitted", "approved")]
    common = {
        "actor": "ada",
        "comment": "please",
        "tracking_id": "T-1",
        "message": "",
        "created_at": AT,
        "updated_at": AT,
    }
    for request_id, certificate, state in (
        ("r-1", "www.example.com", "issued"),
        ("r-2", "api.example.com", "implementing"),
    ):
        is_issued = state == "issued"
        _insert(
            place,
            "requests",
            request_id=request_id,
            certificate_id=certificate,
            action="enroll",
            state=state,
            ca="own",
            csr_source="endpoint",
            reason="" if is_issued else "csr_pending",
            device="edge",
            ca_options="{}",
            wish=_text({"common_name": certificate, "device": "edge"}),
            key_reference=_text({"enrollment": 10001, "change": 20001}) if is_issued else "{}",
            csrs="{}",
            ca_handles="{}",
            fingerprints=_text({"ECDSA": "ab" * 32}) if is_issued else "{}",
            conditions=_text([*steps, {"type": state, "at": AT, "actor": "ada", "comment": ""}]),
            next_look_at=None if is_issued else AT,
            version=5,
            **common,
        )
    _insert(
        place,
        "work_orders",
        work_order_id="w-1",
        certificate_id="www.example.com",
        connector="edge",
        device="edge",
        action="push",
        network="production",
        state="completed",
        reason="",
        fingerprints=_text({"ECDSA": "ab" * 32}),
        change=_text({"enrollment": 10001, "change": 20001}),
        notices="[]",
        evidence=_text([{"kind": "handshake", "where": "192.0.2.1", "fingerprint": "ab" * 32, "at": AT}]),
        conditions=_text(steps),
        next_look_at=None,
        version=4,
        **common,
    )
    for intent_id, kind, key, finished in (
        ("i-1", "open_enrollment", "r-1", AT),
        ("i-2", "open_enrollment", "r-2", None),
    ):
        _insert(
            place,
            "intents",
            intent_id=intent_id,
            kind=kind,
            noun="request",
            key=key,
            wanted=_text({"common_name": "www.example.com"}),
            result=_text({"enrollment": 10001}) if finished else "{}",
            created_at=AT,
            finished_at=finished,
            version=2 if finished else 1,
        )


def _audit_1(place: StorePlace) -> None:
    """Chain the lines as schema 1 does: the hash is over one JSON text, in ASCII, keys sorted, no spaces."""
    previous, lines = FIRST, [("device_onboarded", "device", "edge"), ("request_submitted", "request", "r-1")]
    lines += [("certificate_issued", "request", "r-1"), ("push_completed", "work_order", "w-1")]
    for sequence, (action, noun, key) in enumerate(lines, 1):
        members = {
            "sequence": sequence,
            "at": AT,
            "actor": "ada",
            "action": action,
            "noun": noun,
            "key": key,
            "before": None if sequence == 1 else {"state": "before"},
            "after": {"state": "after", "text": "ä"},
            "comment": "",
            "tracking_id": "T-1",
            "previous_hash": previous,
        }
        text = json.dumps(members, sort_keys=True, separators=(",", ":"))
        previous = hashlib.sha256(text.encode("ascii")).hexdigest()
        for name in ("before", "after"):
            value = members[name]
            members[name] = None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))
        _insert(place, "audit", **members, hash=previous)
    place.execute("UPDATE meta SET value = ? WHERE name = 'audit_head'", f"{len(lines)} {previous}")


def make_schema_2(place: StorePlace) -> None:
    """Make a store of schema 2, raised from the one before: what it added stands at its defaults."""
    make_schema_1(place)
    for statement in MIGRATIONS[1](TYPES["sqlite" if place.is_sqlite else "postgresql"]):
        place.execute(statement)
    place.execute("UPDATE meta SET value = ? WHERE name = 'schema'", "2")


def make_schema_3(place: StorePlace) -> None:
    """Make a store of schema 3, raised from the one before: what it added stands at its defaults."""
    make_schema_2(place)
    for statement in MIGRATIONS[2](TYPES["sqlite" if place.is_sqlite else "postgresql"]):
        place.execute(statement)
    place.execute("UPDATE meta SET value = ? WHERE name = 'schema'", "3")


MAKERS = (make_schema_1, make_schema_2, make_schema_3)
"""By schema number less one: one for each released schema before the present."""
