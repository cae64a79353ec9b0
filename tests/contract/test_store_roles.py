# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles of ``extensions/postgresql/roles.sql`` on a real server: what each may, and what it is refused."""

from __future__ import annotations

import importlib
import json
import pathlib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm.policy import APPROVALS, snapshot
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Attachment, Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.key_records import HeldSecret, KeyDevice
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import (
    AuditEntry,
    CaAccount,
    Certificate,
    CertRequest,
    Device,
    Intent,
    WorkOrder,
)
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_watch import look, watch_of
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Unit
from ansible_collections.edgecert.clm.tests.support.postgres import server_binaries
from ansible_collections.edgecert.clm.tests.support.run_module import run
from ansible_collections.edgecert.clm.tests.support.stores import KEY, NOON, StorePlace, care

pytestmark = pytest.mark.postgres

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "extensions" / "postgresql" / "roles.sql"
SHOP = Group("shop", approvals={"enroll": 1, "push": 2})
CONTACT = {"first_name": "Ada", "last_name": "Example", "phone": "+44 20 7946 0001", "email": "ada@akamai.com"}
SETTINGS = {
    "organization": {
        **{"name": "Example Ltd.", "address": "1 Example Street", "country": "GB", "city": "London"},
        **{"state": "London", "postal_code": "EC1A 1AA", "phone": "+44 20 7946 0000"},
    },
    "admin_contact": CONTACT,
    "tech_contact": CONTACT,
}
OF_SECRETS = {
    "devices": "client_secret",
    "ca_accounts": "secrets",
    "key_devices": "secrets",
    "held_secrets": "value",
}
LOGINS = {
    "rolf_reads": "clm_reader",
    "rita_requests": "clm_requester",
    "ada_approves": "clm_approver",
    "bob_approves": "clm_approver",
    "olga_runs": "clm_operator",
    "otto_owns": "clm_owner",
}


def psql(url: str, *arguments: str) -> str:
    """Run the script and give what it said; raises where it fails."""
    command = [str(server_binaries() / "psql"), "-X", "-q", url, *arguments, "-f", str(SCRIPT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout + done.stderr


class Site:
    """One store with its roles, and a login of each."""

    def __init__(self, url: str, schema: str = "public") -> None:
        self.url, self.schema = url, schema
        self.admin = StorePlace(url)

    def login(self, name: str) -> StorePlace:
        """Give the store as a login reaches it."""
        where, options = self.url.replace("clm@", f"{name}@"), []
        if self.schema != "public":
            masked = LOGINS[name] not in ("clm_operator", "clm_owner")
            options = [f"{self.schema}_masked"] * masked + [self.schema]
        return StorePlace(f"{where}?options=-csearch_path%3D{'%2C'.join(options)}" if options else where)


@pytest.fixture
def site(postgres_url: str) -> Iterator[Site]:
    """Give a store in use, the script run over it twice, and a login in each role."""
    admin = StorePlace(postgres_url)
    with admin.open() as store, store.write() as unit:
        unit.groups.add(SHOP)
        unit.devices.add(Device("edge", client_secret=Secret("device-hush")))
        unit.ca_accounts.add(CaAccount("own", "own_ca", secrets=Secret("ca-hush")))
        unit.key_devices.add(KeyDevice("hsm", "pkcs11", secrets=Secret("pin-hush")))
        unit.held_secrets.add(HeldSecret("request", "r-1", "private_key/RSA", Secret("key-hush")))
        unit.certificates.add(Certificate("www.example.com", "enrolled", "www.example.com", group="shop"))
        unit.requests.add(request_of("r-1"))
        unit.work_orders.add(order_of("w-1"))
        unit.intents.add(Intent("i-1", "open_enrollment", "request", "r-1"))
        unit.audit(AuditEntry("admin", "set_up", "store", ""))
    for _again in range(2):
        assert psql(postgres_url) == ""
    for name, role in LOGINS.items():
        admin.execute(f"DROP ROLE IF EXISTS {name}")
        admin.execute(f"CREATE ROLE {name} LOGIN IN ROLE {role}")
        if role not in ("clm_operator", "clm_owner"):
            admin.execute(f"ALTER ROLE {name} SET search_path = public_masked, public")
    yield Site(postgres_url)
    for name in LOGINS:
        admin.execute(f"DROP OWNED BY {name}")
        admin.execute(f"DROP ROLE {name}")


def request_of(request_id: str, **changes: Any) -> CertRequest:
    """Give a submitted request in the group."""
    request = CertRequest(request_id, "www.example.com", "enroll", "submitted", "own", "endpoint", actor="rita")
    return replace(request, **{"policy": snapshot(SHOP, "enroll"), "group": "shop", **changes})


def order_of(work_order_id: str, **changes: Any) -> WorkOrder:
    """Give a submitted work order in the group."""
    order = WorkOrder(work_order_id, "www.example.com", "edge", "edge", "push", "production", "submitted", actor="rita")
    return replace(order, **{"policy": snapshot(SHOP, "push"), "group": "shop", **changes})


def approval(actor: str, level: int = 1) -> dict[str, Any]:
    """Give an approval entry."""
    at = NOON.isoformat()
    ends = "2027-01-01T00:00:00+00:00"
    return {
        **{"level": level, "actor": actor, "at": at, "effective_at": at, "expires_at": ends, "digest": "aa"},
        **{"binds": {}, "comment": ""},
    }


def write(place: StorePlace, change: Callable[[Unit], Any]) -> None:
    """Make a change as the modules do: with a line of the audit, in one unit."""
    with place.open() as store, store.write() as unit:
        change(unit)
        unit.audit(AuditEntry("x", "changed", "x", "x"))


def refused(place: StorePlace, change: Callable[[Unit], Any], said: str = "grant the user the right") -> None:
    """Have a change refused, with what to do."""
    with pytest.raises(StoreError, match=said) as caught:
        write(place, change)
    assert caught.value.code == "store_refused"
    assert "CONTEXT" not in str(caught.value)


def approved(unit: Unit, *entries: dict[str, Any], **changes: Any) -> None:
    """Give the work order these approvals."""
    order = unit.work_orders.get("w-1")
    assert order is not None
    unit.work_orders.put(replace(order, approvals=entries, **changes))


def adding(record: WorkOrder | Group) -> Callable[[Unit], Any]:
    """Give what adds a record."""

    def add(unit: Unit) -> Any:
        return unit.groups.add(record) if isinstance(record, Group) else unit.work_orders.add(record)

    return add


def read_everything(place: StorePlace) -> None:
    """Read as ``cert_info`` does."""
    with place.open(create=False) as store:
        store.describe()
        assert store.verify_audit() == []
        with store.read() as unit:
            for name in (*OF_SECRETS, "certificates", "requests", "work_orders", "groups", "attachments"):
                getattr(unit, name).find()


@pytest.mark.parametrize("name", LOGINS)
def test_everybody_reads_everything_but_secrets(name: str, site: Site) -> None:
    read_everything(site.login(name))


@pytest.mark.parametrize("name", ["rolf_reads", "rita_requests", "ada_approves"])
def test_secrets_of_devices_and_authorities_are_not_even_shown_sealed(name: str, site: Site) -> None:
    place = site.login(name)
    with place.open() as store, store.read() as unit:
        device, account = unit.devices.get("edge"), unit.ca_accounts.get("own")
        assert device is not None and account is not None
        assert (device.client_secret, account.secrets) == (None, None)
        [token], [held] = unit.key_devices.find(), unit.held_secrets.find()
        assert (token.secrets, held.value) == (None, None)
    for table, column in OF_SECRETS.items():
        with pytest.raises(Exception, match="permission denied"):
            place.execute(f"SELECT {column} FROM public.{table}")


def test_a_caller_opens_credentials_of_devices_and_of_no_authority(site: Site) -> None:
    site.admin.execute("GRANT clm_caller TO rita_requests")
    with site.login("rita_requests").open() as store, store.read() as unit:
        device, account = unit.devices.get("edge"), unit.ca_accounts.get("own")
        assert device is not None and device.client_secret is not None and account is not None
        assert device.client_secret.reveal() == "device-hush"
        assert account.secrets is None
    with site.login("olga_runs").open() as store, store.read() as unit:
        account = unit.ca_accounts.get("own")
        assert account is not None and account.secrets is not None
        assert account.secrets.reveal() == "ca-hush"
        [token], [held] = unit.key_devices.find(), unit.held_secrets.find()
        assert token.secrets is not None and token.secrets.reveal() == "pin-hush"
        assert held.value is not None and held.value.reveal() == "key-hush"


def test_a_reader_writes_nothing(site: Site) -> None:
    reader = site.login("rolf_reads")
    refused(reader, lambda unit: None)
    refused(reader, lambda unit: unit.requests.add(request_of("r-2")))
    with reader.open() as store, pytest.raises(StoreError) as caught, store.lease("x", 60):
        pass
    assert caught.value.code == "store_refused"
    with pytest.raises(Exception, match="permission denied"):
        reader.execute("SELECT * FROM seal")


def test_a_login_that_reads_is_enough_to_watch_the_store(site: Site) -> None:
    """Issue 7: as the event source does; no secret is opened."""
    place = site.login("rolf_reads")
    found = look(watch_of({"store": place.url, "store_key": KEY}, {}), place.clock, "watcher")
    assert sorted(str(fact["request_id"] or fact["work_order_id"]) for fact in found) == ["r-1", "w-1"]
    assert {fact["kind"] for fact in found} == {"awaiting_approval"}


def test_a_requester_submits_and_approves_nothing(site: Site) -> None:
    """W2: with the policy its group has, no other."""
    requester = site.login("rita_requests")
    write(requester, lambda unit: unit.requests.add(request_of("r-2")))
    write(requester, lambda unit: unit.work_orders.add(order_of("w-2")))
    write(requester, lambda unit: unit.attachments.add(Attachment("a", "www.example.com", "a", content=Secret("YQ=="))))
    with requester.open() as store, store.lease("x", 60):
        pass
    for change in (
        lambda unit: approved(unit, approval("rita")),
        lambda unit: approved(unit, approval("ada")),
        lambda unit: unit.work_orders.add(order_of("w-3", approvals=(approval("ada"),))),
    ):
        refused(requester, change, "may not approve; Approve with a login that is a member of clm_approver")
    refused(requester, lambda unit: approved(unit, state="approved"), "may not go on with what was not approved")
    refused(requester, lambda unit: approved(unit, policy={}), "may not change the policy")
    refused(requester, lambda unit: approved(unit, actor="somebody"), "or the requester")
    for policy in ({}, {**snapshot(SHOP, "push"), "levels": 0}, {**snapshot(SHOP, "push"), "auto_approve": True}):
        refused(requester, adding(order_of("w-3", policy=policy)), "another policy")
    refused(requester, lambda unit: unit.groups.put(replace(SHOP, auto_approve=True, version=1)))
    refused(requester, lambda unit: unit.devices.put(Device("edge", version=1)), "use one of clm_operator")
    refused(requester, lambda unit: unit.ca_accounts.add(CaAccount("mine", "own_ca")), "use one of clm_operator")
    refused(requester, lambda unit: unit.key_devices.add(KeyDevice("mine", "pkcs11")), "use one of clm_operator")
    with pytest.raises(Exception, match="permission denied"):
        requester.execute("SELECT client_secret FROM public.devices")


def test_the_script_knows_the_policy_that_holds_where_a_group_says_nothing(site: Site) -> None:
    """The defaults stand in policy.APPROVALS and, for the trigger, in the script."""
    for group in (Group("default"), Group("mine"), replace(SHOP, name="open", approvals={"distinct_approvers": False})):
        site.admin.execute("DELETE FROM groups WHERE name = ?", group.name)
        if group.name != "default":
            write(site.admin, adding(group))
        for kind in ("enroll", "push"):
            told = site.admin.execute("SELECT clm_policy_of(?, ?)", group.name, kind)[0][0]
            wanted = snapshot(group, kind)
            assert told == {name: wanted[name] for name in told}
            assert set(wanted) - set(told) == {"valid_hours"}
    assert set(APPROVALS) == {"enroll", "push", "distinct_approvers", "requester_may_approve", "valid_hours"}


def test_an_approver_approves_and_changes_nothing_else(site: Site) -> None:
    approver = site.login("ada_approves")
    write(approver, lambda unit: approved(unit, approval("ada"), state="review_in_progress"))
    refused(approver, lambda unit: approved(unit, approval("ada"), state="approved"), "what was not approved")
    refused(approver, lambda unit: approved(unit, approval("ada"), approval("ada", 2)), "a second approval of ada")
    refused(approver, lambda unit: approved(unit, approval("ada"), approval("ada")), "a second approval of ada")
    refused(approver, lambda unit: approved(unit, approval("ada"), approval("rita", 2)), "the one who asked for it")
    refused(approver, lambda unit: approved(unit, approval("ada"), policy={"levels": 1}), "change the policy")
    write(approver, lambda unit: approved(unit, approval("ada"), approval("bob", 2), state="approved"))
    refused(approver, lambda unit: unit.requests.add(request_of("r-2")))
    refused(approver, lambda unit: unit.certificates.add(Certificate("x", "enrolled", "x.example.com")))
    refused(approver, lambda unit: unit.groups.put(replace(SHOP, version=1)))


def test_an_operator_runs_everything_and_voids_but_never_approves(site: Site) -> None:
    operator = site.login("olga_runs")
    write(site.login("ada_approves"), lambda unit: approved(unit, approval("ada"), state="review_in_progress"))
    refused(operator, lambda unit: approved(unit, approval("ada"), approval("bob", 2)), "may not approve")
    refused(operator, lambda unit: approved(unit, {**approval("ada"), "digest": "bb"}), "may not approve")
    refused(operator, lambda unit: approved(unit, approval("ada"), state="implementing"), "what was not approved")
    write(operator, lambda unit: approved(unit, state="submitted"))
    write(operator, lambda unit: unit.devices.add(Device("another", client_secret=Secret("x"))))
    write(
        operator, lambda unit: unit.requests.add(request_of("r-auto", policy={**snapshot(SHOP, "enroll"), "levels": 0}))
    )
    write(operator, lambda unit: unit.requests.remove(replace(request_of("r-auto"), version=1)))
    write(operator, lambda unit: unit.intents.put(Intent("i-1", "open_enrollment", "request", "r-1", version=1)))
    with operator.open() as store:
        assert store.ledger.reserve("account", "", _limits(), NOON) == 0
        with store.lease("x", 60):
            pass
    refused(operator, lambda unit: unit.groups.put(replace(SHOP, version=1)))
    assert care(operator, "rekey", new_store_key="another")["failure"]["code"] == "store_refused"


def _limits() -> Any:
    from ansible_collections.edgecert.clm.plugins.module_utils._core.ledger import Limits

    return Limits(per_minute=5, burst=5)


@pytest.mark.parametrize("name", [name for name, role in LOGINS.items() if role != "clm_owner"])
def test_the_audit_only_grows_and_the_schema_is_the_owners(name: str, site: Site) -> None:
    """W6+: append only."""
    place = site.login(name)
    for statement in (
        "UPDATE audit SET actor = 'eve'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "DELETE FROM meta",
        "UPDATE meta SET value = '1' WHERE name = 'schema'",
        "UPDATE meta SET value = '0 ' || repeat('0', 64) WHERE name = 'audit_head'",
        "INSERT INTO meta VALUES ('x', 'y')",
        "UPDATE seal SET wrapped = wrapped",
        "UPDATE groups SET auto_approve = true",
        "UPDATE clm_rules SET is_on = true",
        "DELETE FROM work_orders",
        "ALTER TABLE audit ADD COLUMN x integer",
        "DROP TRIGGER clm_guard ON requests",
        "CREATE TABLE public.x (x integer)",
    ):
        if statement == "DELETE FROM work_orders" and name == "olga_runs":
            continue
        with pytest.raises(Exception, match="permission denied|must be owner|may not change"):
            place.execute(statement)
    if name != "rolf_reads":
        write(place, lambda unit: None)
    assert care(site.login("otto_owns"), "verify")["problems"] == []


def test_a_temporary_table_does_not_stand_in_for_the_groups(site: Site) -> None:
    """The functions look at the store's own tables, whoever calls them."""
    order = order_of("w-9", policy={**snapshot(SHOP, "push"), "levels": 0})
    values = {"policy": json.dumps(dict(order.policy)), "actor": "rita"}
    import psycopg

    with psycopg.connect(site.login("rita_requests").url) as connection:
        connection.execute("CREATE TEMPORARY TABLE groups (name text, approvals text, auto_approve boolean)")
        connection.execute("INSERT INTO groups VALUES ('shop', '{\"push\": 0}', false)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="another policy"):
            connection.execute(
                "INSERT INTO work_orders SELECT 'w-9', certificate_id, connector, device, action, network, state, "
                "reason, message, fingerprints, change, notices, evidence, conditions, actor, comment, tracking_id, "
                'next_look_at, created_at, updated_at, version, "group", %(policy)s FROM work_orders '
                "WHERE work_order_id = 'w-1'",
                values,
            )


def test_with_personal_logins_an_approval_is_its_givers(site: Site) -> None:
    """The actor an approval names is the login the server has checked."""
    approver = site.login("ada_approves")
    psql(site.url, "-v", "personal_logins=on")
    refused(approver, lambda unit: approved(unit, approval("bob_approves")), "may not approve as bob_approves")
    write(approver, lambda unit: approved(unit, approval("ada_approves"), state="review_in_progress"))
    psql(site.url)
    second = site.login("bob_approves")
    refused(second, lambda unit: approved(unit, approval("ada_approves"), approval("ada", 2)), "may not approve as ada")
    both = (approval("ada_approves"), approval("bob_approves", 2))
    write(second, lambda unit: approved(unit, *both, state="approved"))
    psql(site.url, "-v", "personal_logins=off")
    refused(second, lambda unit: approved(unit, *both, approval("ada_approves", 3)), "a second approval")
    write(second, lambda unit: approved(unit, *both, approval("carl", 3)))


def test_an_owner_migrates_keeps_and_restores(site: Site, tmp_path: pathlib.Path) -> None:
    owner = site.login("otto_owns")
    write(owner, lambda unit: unit.groups.put(replace(SHOP, description="ours", version=1)))
    write(owner, lambda unit: approved(unit, approval("ada"), approval("bob", 2)))
    path = str(tmp_path / "clm.backup")
    assert care(owner, "backup", path=path)["changed"] is True
    assert care(owner, "restore", path=path, force=True)["changed"] is True
    assert care(owner, "rekey", new_store_key="another")["changed"] is True
    owner.execute("ALTER TABLE devices ADD COLUMN x integer")
    owner.execute("CREATE TABLE later (x integer)")


@pytest.mark.parametrize("name", ["rolf_reads", "rita_requests", "ada_approves"])
def test_who_does_not_see_everything_takes_no_backup(name: str, site: Site, tmp_path: pathlib.Path) -> None:
    """A backup without its secrets would be found out when it is needed."""
    failed = care(site.login(name), "backup", path=str(tmp_path / "clm.backup"))
    assert failed["failure"]["code"] == "store_refused"
    assert "clm_owner" in failed["msg"] or "grant the user" in failed["msg"]
    assert list(tmp_path.iterdir()) == []


def test_modules_do_with_these_logins_what_people_do(site: Site) -> None:
    """U4: one asks, another approves, each with no right to more; neither needs a credential of CPS."""

    def call(login: str, module: str, **options: Any) -> Any:
        main = importlib.import_module(f"ansible_collections.edgecert.clm.plugins.modules.{module}").main
        common = {"store": site.login(login).url, "store_key": KEY, "actor": login.partition("_")[0]}
        return run(main, {**common, **options})

    for module, options in (
        ("ca_account", {"name": "house", "type": "own_ca"}),
        ("akamai_vendor_settings", SETTINGS),
        (
            "akamai_cps_device",
            {
                **{"name": "cps", "host": "akab-x.luna.akamaiapis.net", "validate": False, "discover": "none"},
                **{"client_token": "t", "client_secret": "s", "access_token": "a", "contracts": ["C-1"]},
            },
        ),
    ):
        done = call("olga_runs", module, **options)
        assert done.get("changed") is True, done
    asked = call(
        "rita_requests",
        "cert_enroll",
        **{"common_name": "shop.example.com", "ca": "house", "device": "cps", "contract_id": "C-1", "group": "shop"},
    )
    assert asked.get("changed") is True, asked
    assert asked["request"]["state"] == "submitted"
    number = asked["request"]["request_id"]
    assert "failed" in call("rita_requests", "cert_workflow", request_id=number, action="approve")
    refused_too = call("olga_runs", "cert_workflow", request_id=number, action="approve")
    assert refused_too["failure"]["code"] == "store_refused", refused_too
    given = call("ada_approves", "cert_workflow", request_id=number, action="approve", comment="fine")
    assert given.get("changed") is True, given
    assert given["request"]["state"] == "approved"
    seen = call("rolf_reads", "cert_info", view="audit")
    assert {"request_submitted", "request_approved"} <= {line["action"] for line in seen["audit"]}
    refused_too = call("olga_runs", "cert_group", name="shop", approvals={"enroll": 0})
    assert refused_too["failure"]["code"] == "store_refused"
    assert call("otto_owns", "cert_group", name="shop", approvals={"enroll": 2})["changed"] is True


def test_a_store_in_a_schema_of_its_own_has_roles_too(postgres_url: str, site: Site) -> None:
    site.admin.execute("CREATE SCHEMA team_a")
    team = StorePlace(f"{postgres_url}?options=-csearch_path%3Dteam_a")
    with team.open() as store, store.write() as unit:
        unit.groups.add(SHOP)
        unit.work_orders.add(order_of("w-1"))
        unit.devices.add(Device("edge", client_secret=Secret("x")))
    psql(postgres_url, "-v", "schema=team_a")
    there = Site(postgres_url, "team_a")
    requester = there.login("rita_requests")
    write(requester, lambda unit: unit.requests.add(request_of("r-2")))
    refused(requester, lambda unit: approved(unit, approval("ada")), "may not approve")
    write(there.login("ada_approves"), lambda unit: approved(unit, approval("ada"), state="review_in_progress"))
    with requester.open() as store, store.read() as unit:
        assert [device.client_secret for device in unit.devices.find()] == [None]


def test_the_database_s_owner_needs_no_superuser(postgres_url: str) -> None:
    admin, name = StorePlace(postgres_url), "carl_hosts"
    admin.execute(f"DROP ROLE IF EXISTS {name}")
    admin.execute(f"CREATE ROLE {name} LOGIN CREATEROLE")
    try:
        admin.execute(f"ALTER DATABASE {postgres_url.rpartition('/')[2]} OWNER TO {name}")
        host = StorePlace(postgres_url.replace("clm@", f"{name}@"))
        assert care(host, "init")["changed"] is True
        for _again in range(2):
            assert psql(host.url) == ""
        assert care(host, "verify")["problems"] == []
        write(host, lambda unit: unit.groups.add(SHOP))
    finally:
        admin.execute(f"REASSIGN OWNED BY {name} TO clm")
        admin.execute(f"DROP OWNED BY {name}")
        admin.execute(f"DROP ROLE {name}")


def test_a_database_without_a_store_is_told(postgres_url: str) -> None:
    with pytest.raises(RuntimeError, match="holds no store of this version") as caught:
        psql(postgres_url)
    assert "clm_store with action: init" in str(caught.value)
