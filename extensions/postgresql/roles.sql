-- Copyright: (c) 2026, the edgecert.clm authors
-- GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Group roles for a store on PostgreSQL 13 or later: who may read, request, approve, run, own. Run it as a superuser, or
-- as the database's owner with CREATEROLE, after "clm_store: action: init" and after each migration; again does no harm.
--
--     psql -d edgecert -f roles.sql
--     psql -d edgecert -v schema=team_a -v personal_logins=on -f roles.sql
--
-- schema: where the store's tables are; public when left out. Beside it the script makes <schema>_masked, whose views show
-- devices, CA accounts and key devices without their secrets; logins other than operators and owners look there first:
--
--     CREATE ROLE ada LOGIN PASSWORD '...' IN ROLE clm_approver;
--     ALTER ROLE ada IN DATABASE edgecert SET search_path = public_masked, public;
--
-- personal_logins: on, when each approver has a login of their own, called as the actor in the audit; an approval then has
-- to be its giver's. Left out, it stays as it was, and off at first.

\set ON_ERROR_STOP on
\if :{?schema}
\else
    \set schema public
\endif
\set masked :schema _masked
\if :{?personal_logins}
\else
    \set personal_logins ''
\endif

SET client_min_messages = warning;
BEGIN;
-- pg_temp last, or a temporary table could stand in for one of these in the functions below.
SET LOCAL search_path TO :"schema", pg_temp;
SET LOCAL clm.masked TO :'masked';

-- Roles ---------------------------------------------------------------------------------------------------------------

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'clm_reader', 'clm_caller', 'clm_requester', 'clm_approver', 'clm_operator', 'clm_owner'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END
$$;

COMMENT ON ROLE clm_reader IS 'edgecert.clm: reads everything but secrets';
COMMENT ON ROLE clm_caller IS 'edgecert.clm: opens the credentials of devices, beside another role';
COMMENT ON ROLE clm_requester IS 'edgecert.clm: submits requests and work orders';
COMMENT ON ROLE clm_approver IS 'edgecert.clm: approves and rejects';
COMMENT ON ROLE clm_operator IS 'edgecert.clm: runs what is due; cannot approve';
COMMENT ON ROLE clm_owner IS 'edgecert.clm: owns the store; groups and their policy, migration, key, restore';

-- Who hands tables over has to be a member of who gets them.
GRANT clm_owner TO CURRENT_USER;
GRANT clm_reader TO clm_requester, clm_approver, clm_operator;
GRANT clm_caller TO clm_operator;

-- Tables --------------------------------------------------------------------------------------------------------------

REVOKE CREATE ON SCHEMA :"schema" FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA :"schema" TO clm_owner;
GRANT USAGE ON SCHEMA :"schema" TO clm_reader;
CREATE TABLE IF NOT EXISTS clm_rules (name text PRIMARY KEY, is_on boolean NOT NULL);
INSERT INTO clm_rules VALUES ('personal_logins', false) ON CONFLICT DO NOTHING;
UPDATE clm_rules SET is_on = coalesce(nullif(:'personal_logins', '')::boolean, is_on) WHERE name = 'personal_logins';

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'meta', 'seal', 'leases', 'ledger', 'audit', 'devices', 'vendor_settings', 'ca_accounts', 'certificates', 'pems',
        'requests', 'connectors', 'work_orders', 'intents', 'groups', 'attachments', 'snapshots', 'key_devices',
        'held_secrets', 'clm_rules'
    ] LOOP
        IF to_regclass(format('%I.%I', current_schema(), wanted)) IS NULL THEN
            RAISE EXCEPTION 'the schema % holds no store of this version: there is no table %', current_schema(), wanted
                USING HINT = 'Run edgecert.clm.clm_store with action: init, or migrate, before this script.';
        END IF;
        EXECUTE format('ALTER TABLE %I OWNER TO clm_owner', wanted);
        EXECUTE format(
            'REVOKE ALL ON %I FROM PUBLIC, clm_reader, clm_caller, clm_requester, clm_approver, clm_operator', wanted
        );
    END LOOP;
END
$$;

GRANT SELECT ON meta, audit, vendor_settings, certificates, pems, requests, connectors, work_orders, intents, groups,
    attachments, snapshots, clm_rules TO clm_reader;

-- Without the row in seal no sealed value opens, whatever else somebody can read, and with the store key, too.
GRANT SELECT ON seal TO clm_caller, clm_requester, clm_approver;

-- Whoever writes records what was done: a line at the end of the audit, and the note of its end.
GRANT INSERT ON audit TO clm_requester, clm_approver, clm_operator;
GRANT UPDATE ON meta TO clm_requester, clm_approver, clm_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO clm_requester, clm_approver, clm_operator;
GRANT SELECT, INSERT, UPDATE ON ledger TO clm_caller, clm_requester;

GRANT INSERT, UPDATE ON requests, work_orders, certificates TO clm_requester;
GRANT INSERT, UPDATE, DELETE ON connectors, attachments TO clm_requester;
GRANT UPDATE ON intents TO clm_requester;

GRANT UPDATE ON requests, work_orders, intents TO clm_approver;

GRANT SELECT, INSERT, UPDATE, DELETE ON devices, ca_accounts, key_devices, held_secrets TO clm_operator;
GRANT INSERT, UPDATE, DELETE ON vendor_settings, certificates, pems, requests, connectors, work_orders, intents,
    attachments, snapshots TO clm_operator;

-- Views without secrets -----------------------------------------------------------------------------------------------

CREATE SCHEMA IF NOT EXISTS :"masked";
ALTER SCHEMA :"masked" OWNER TO clm_owner;
GRANT USAGE ON SCHEMA :"masked" TO clm_reader;

DO $$
DECLARE
    shown text;
    opened_by text;
    columns text;
BEGIN
    FOR shown, opened_by IN VALUES
        ('devices', 'clm_caller'), ('ca_accounts', 'clm_operator'), ('key_devices', 'clm_operator'),
        ('held_secrets', 'clm_operator')
    LOOP
        SELECT string_agg(
            CASE atttypid
                WHEN 'bytea'::regtype
                THEN format('CASE WHEN pg_has_role(%L, ''MEMBER'') THEN %I END AS %2$I', opened_by, attname)
                ELSE quote_ident(attname)
            END,
            ', ' ORDER BY attnum
        ) INTO columns
        FROM pg_catalog.pg_attribute
        WHERE attrelid = shown::regclass AND attnum > 0 AND NOT attisdropped;
        EXECUTE format('DROP VIEW IF EXISTS %I.%I', current_setting('clm.masked'), shown);
        EXECUTE format('CREATE VIEW %I.%I AS SELECT %s FROM %2$I', current_setting('clm.masked'), shown, columns);
        EXECUTE format('ALTER VIEW %I.%I OWNER TO clm_owner', current_setting('clm.masked'), shown);
        EXECUTE format('GRANT SELECT ON %I.%I TO clm_reader', current_setting('clm.masked'), shown);
    END LOOP;
END
$$;

-- What rights on tables cannot say ------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION clm_refuse(what text, advice text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = format('%s may not %s', session_user, what), HINT = advice;
END
$$;

-- The policy that a group has for requests (enroll) or work orders (push); the first line is what holds where it says
-- nothing, as policy.APPROVALS has it.
CREATE OR REPLACE FUNCTION clm_policy_of(group_name text, kind text) RETURNS jsonb LANGUAGE sql STABLE
SET search_path FROM CURRENT AS $$
    WITH asked (rules) AS (
        SELECT '{"enroll": 0, "push": 2, "distinct_approvers": true, "requester_may_approve": false}'::jsonb
            || coalesce((SELECT approvals::jsonb FROM groups WHERE name = group_name), '{}')
    )
    SELECT jsonb_build_object(
        'group', group_name,
        'kind', kind,
        'levels', rules -> kind,
        'distinct_approvers', rules -> 'distinct_approvers',
        'requester_may_approve', rules -> 'requester_may_approve',
        'auto_approve', coalesce((SELECT auto_approve FROM groups WHERE name = group_name), false)
    )
    FROM asked
$$;

-- Who may change what of a review: policy, requester, approvals, and the step out of it.
CREATE OR REPLACE FUNCTION clm_guard_review() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    asks jsonb := NEW.policy;
    given jsonb := NEW.approvals;
    was_given jsonb := '[]';
    was_reviewed boolean := true;
    entry jsonb;
BEGIN
    IF pg_has_role(session_user, 'clm_owner', 'MEMBER') THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        was_given := OLD.approvals;
        was_reviewed := OLD.state IN ('draft', 'submitted', 'review_in_progress');
        IF NEW.actor <> OLD.actor OR (asks <> OLD.policy::jsonb AND OLD.state <> 'draft') THEN
            PERFORM clm_refuse(
                'change the policy or the requester of what was submitted',
                'A member of clm_owner may; better cancel it and submit it again.'
            );
        END IF;
    END IF;
    -- An automatic push is opened by an operator, with a policy of its own.
    IF (TG_OP = 'INSERT' OR asks <> OLD.policy::jsonb) AND NOT pg_has_role(session_user, 'clm_operator', 'MEMBER')
        AND NOT asks @> clm_policy_of(asks ->> 'group', CASE TG_TABLE_NAME WHEN 'requests' THEN 'enroll' ELSE 'push' END)
    THEN
        PERFORM clm_refuse('submit with another policy than the group has', 'Submit it with the modules.');
    END IF;
    FOR entry IN
        SELECT value FROM jsonb_array_elements(given) EXCEPT ALL SELECT value FROM jsonb_array_elements(was_given)
    LOOP
        PERFORM clm_guard_approval(entry, given, asks, NEW.actor);
    END LOOP;
    IF was_reviewed AND NEW.state NOT IN ('draft', 'submitted', 'review_in_progress', 'rejected', 'cancelled', 'failed')
        AND NOT coalesce((asks ->> 'auto_approve')::boolean, false)
        AND jsonb_array_length(given) < coalesce((asks ->> 'levels')::integer, 0)
    THEN
        PERFORM clm_refuse('go on with what was not approved', 'Have it approved by members of clm_approver.');
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION clm_guard_approval(entry jsonb, given jsonb, asks jsonb, requester text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    giver text := entry ->> 'actor';
BEGIN
    IF NOT pg_has_role(session_user, 'clm_approver', 'MEMBER') THEN
        PERFORM clm_refuse('approve', 'Approve with a login that is a member of clm_approver.');
    END IF;
    IF (SELECT is_on FROM clm_rules WHERE name = 'personal_logins') AND giver IS DISTINCT FROM session_user::text THEN
        PERFORM clm_refuse(
            format('approve as %s', coalesce(giver, 'nobody')), 'Approve with your own login, and actor as it is called.'
        );
    END IF;
    IF giver = requester AND NOT coalesce((asks ->> 'requester_may_approve')::boolean, false) THEN
        PERFORM clm_refuse('give an approval of the one who asked for it', 'Let somebody else approve it.');
    END IF;
    IF coalesce((asks ->> 'distinct_approvers')::boolean, true)
        AND (SELECT count(*) FROM jsonb_array_elements(given) WHERE value ->> 'actor' = giver) > 1
    THEN
        PERFORM clm_refuse(format('give a second approval of %s', giver), 'Let somebody else approve it.');
    END IF;
END
$$;

-- The note of the audit's end only goes on; the schema's number is the owner's.
CREATE OR REPLACE FUNCTION clm_guard_meta() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF pg_has_role(session_user, 'clm_owner', 'MEMBER') THEN
        RETURN NEW;
    END IF;
    IF OLD.name <> 'audit_head' OR NEW.name <> 'audit_head'
        OR split_part(NEW.value, ' ', 1)::bigint <= split_part(OLD.value, ' ', 1)::bigint
    THEN
        PERFORM clm_refuse(format('change %s of the store so', OLD.name), 'A member of clm_owner may.');
    END IF;
    RETURN NEW;
END
$$;

DROP TRIGGER IF EXISTS clm_guard ON requests;
CREATE TRIGGER clm_guard BEFORE INSERT OR UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION clm_guard_review();
DROP TRIGGER IF EXISTS clm_guard ON work_orders;
CREATE TRIGGER clm_guard BEFORE INSERT OR UPDATE ON work_orders FOR EACH ROW EXECUTE FUNCTION clm_guard_review();
DROP TRIGGER IF EXISTS clm_guard ON meta;
CREATE TRIGGER clm_guard BEFORE UPDATE ON meta FOR EACH ROW EXECUTE FUNCTION clm_guard_meta();

ALTER FUNCTION clm_refuse(text, text) OWNER TO clm_owner;
ALTER FUNCTION clm_policy_of(text, text) OWNER TO clm_owner;
ALTER FUNCTION clm_guard_review() OWNER TO clm_owner;
ALTER FUNCTION clm_guard_approval(jsonb, jsonb, jsonb, text) OWNER TO clm_owner;
ALTER FUNCTION clm_guard_meta() OWNER TO clm_owner;

COMMIT;
