-- A schema per tenant, beside the shared tables. The place of a tenant's tables is its placement: one schema of its own, or '' for the
-- shared tables. The seal names the placement, and so does the ticket. This database knows each tenant's placement, too, and refuses a
-- seal that names another one: a process with an old answer of the directory can't write to the old place.
--
-- A seal with a placement is a seal of 0001_seal.sql whose body begins with 'v2' and has one more part at its end: the schema's name, and
-- the length of the name in two digits.
--
--   install_schema()   writes the policies and grants of one tenant's schema, and registers it
--   place_tenant()     changes the placement of a tenant
--   begin_move()       refuses the tenant's statements until end_move(), or until the session of the caller ends

SET LOCAL ROLE partywall_owner;

-- Which schema belongs to which tenant, for ever: neither a name nor a tenant is ever registered a second time. The OID tells a schema that
-- was dropped and created again.
CREATE TABLE partywall.schemas (
  schema_name text PRIMARY KEY CHECK (schema_name ~ '^[a-z_][a-z0-9_]{0,62}$'),
  tenant_id text NOT NULL UNIQUE CHECK (tenant_id <> ''),
  schema_oid oid NOT NULL UNIQUE,
  installed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
REVOKE ALL ON partywall.schemas FROM PUBLIC;

-- Which commands of partywall each-tenant have run for which schema, so that a second run goes on where the first one stopped.
CREATE TABLE partywall.schema_runs (
  key text NOT NULL,
  schema_name text NOT NULL REFERENCES partywall.schemas (schema_name),
  done_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (key, schema_name)
);
REVOKE ALL ON partywall.schema_runs FROM PUBLIC;

-- '' for a ticket for the shared tables. Otherwise the SHA-256 of the tenant, in hex digits, and the ticket opens the tenant's own schema.
ALTER TABLE partywall.tickets ADD COLUMN mark text NOT NULL DEFAULT '';
-- mover_pid, mover_key: who moves the tenant, and the advisory lock that its session holds while it does.
ALTER TABLE partywall.tenant_states
  ADD COLUMN schema_name text NOT NULL DEFAULT '',
  ADD COLUMN mover_pid integer,
  ADD COLUMN mover_key integer;
CREATE UNIQUE INDEX tenant_states_schema_name ON partywall.tenant_states (schema_name) WHERE schema_name <> '';

-- What policies of a tenant's schema ask first, as those of shared tables ask partywall.ticket: the mark of the session's ticket. NULL where
-- this database knows no such ticket, and then the policy asks partywall.placed_mark().
CREATE VIEW partywall.placement AS
SELECT (
  SELECT k.mark FROM partywall.tickets AS k
   WHERE k.hash = sha256(convert_to(left(current_setting('app.tenant_seal', true), 65), 'UTF8'))
     AND k.not_after >= statement_timestamp()
) AS mark;
REVOKE ALL ON partywall.placement FROM PUBLIC;
GRANT SELECT ON partywall.placement TO tenant_user, tenant_admin;

-- Whether somebody moves the tenant's tables at this moment, or has moved them since the caller read the tenant's state. The mover's session
-- holds a lock: if it has ended without end_move(), its transaction was rolled back, and the tenant is where it was. VOLATILE, so that each
-- query here has a snapshot of its own: the caller's snapshot may be older than the end of the move. A snapshot of REPEATABLE READ can't
-- tell, so there the answer is yes.
CREATE FUNCTION partywall.is_moving(tenant text, seen_pid integer, seen_place text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
    OR EXISTS (SELECT FROM partywall.tenant_states AS s JOIN pg_locks AS l ON l.pid = s.mover_pid AND l.objid = s.mover_key::bigint::oid
                WHERE s.tenant_id = tenant AND l.locktype = 'advisory' AND l.classid = 1886680439 AND l.granted)
    -- In this order: the lock is released after the move was committed.
    OR partywall.was_moved(tenant, seen_pid, seen_place);
END
$$;

CREATE FUNCTION partywall.was_moved(tenant text, seen_pid integer, seen_place text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN NOT EXISTS (SELECT FROM partywall.tenant_states AS s
                      WHERE s.tenant_id = tenant AND s.mover_pid IS NOT DISTINCT FROM seen_pid AND s.schema_name = seen_place);
END
$$;
REVOKE ALL ON FUNCTION partywall.is_moving(text, integer, text), partywall.was_moved(text, integer, text) FROM PUBLIC;

-- The audit log moves with no tenant, so a seal is good for it wherever the tenant's tables are: the function of 0016_tickets.sql stays.
ALTER FUNCTION partywall.sealed_body() RENAME TO sealed_body_anywhere;

-- As before. New: no valid seal for a tenant that is being moved, and none that names another placement than the tenant's.
CREATE FUNCTION partywall.sealed_body() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  seal text := current_setting('app.tenant_seal', true);
  ticket text := '';
  body text;
  inner_key bytea;
  outer_key bytea;
  is_revoked boolean;
  place text;
  mover integer;
BEGIN
  IF seal IS NULL OR seal = '' THEN
    RETURN NULL;
  END IF;
  IF substr(seal, 65, 1) IN ('w', 'r') THEN
    ticket := left(seal, 65);
    seal := substr(seal, 66);
  END IF;
  SELECT k.inner_pad, k.outer_pad INTO inner_key, outer_key
    FROM partywall.seal_keys AS k WHERE k.key_id = substr(seal, 67, 8);
  IF inner_key IS NULL THEN
    IF ticket = '' AND substr(seal, 65, 10) = 'e1--------' THEN
      RETURN NULL; -- here and not above: a tenant's query does not pay for it
    END IF;
    RAISE EXCEPTION 'partywall: the seal names no key of this database' USING ERRCODE = '42501';
  END IF;
  body := substr(seal, 65);
  -- Hashes of the two MACs are compared, so that the time it takes tells nothing of the right one.
  IF sha256(sha256(outer_key || sha256(inner_key || convert_to(concat(
       ticket, body, '|', CASE substr(body, 13, 1) WHEN 'p' THEN pg_backend_pid() END, '|', current_database()), 'UTF8'))))
     <> sha256(decode(left(seal, 64), 'hex')) THEN
    RAISE EXCEPTION 'partywall: the seal is not valid' USING ERRCODE = '42501';
  END IF;
  IF statement_timestamp() > to_timestamp(substr(body, 14, 10)::double precision) THEN
    RAISE EXCEPTION 'partywall: the seal has expired' USING ERRCODE = '42501';
  END IF;
  IF substr(body, 12, 1) <> 'w' AND current_setting('transaction_read_only') <> 'on' THEN
    RAISE EXCEPTION 'partywall: the seal is for reading only' USING ERRCODE = '42501';
  END IF;
  SELECT s.revoked, s.schema_name, s.mover_pid INTO is_revoked, place, mover
    FROM partywall.tenant_states AS s WHERE s.tenant_id = substr(body, 28, substr(body, 24, 4)::integer);
  IF is_revoked THEN
    RAISE EXCEPTION 'partywall: the tenant is suspended' USING ERRCODE = '42501';
  END IF;
  IF mover IS NOT NULL AND partywall.is_moving(substr(body, 28, substr(body, 24, 4)::integer), mover, place) THEN
    RAISE EXCEPTION 'partywall: the tenant is being moved' USING ERRCODE = '42501';
  END IF;
  IF (CASE left(body, 2) WHEN 'v2' THEN left(right(body, right(body, 2)::integer + 2), -2) ELSE '' END) <> coalesce(place, '') THEN
    RAISE EXCEPTION 'partywall: the tenant has another placement' USING ERRCODE = '42501';
  END IF;
  RETURN body;
END
$$;

REVOKE ALL ON FUNCTION partywall.sealed_body() FROM PUBLIC;

-- As in 0010_audit.sql. New: valid wherever the tenant's tables are, and the actor ends where the placement begins.
CREATE OR REPLACE FUNCTION partywall.audit_who() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
BEGIN ATOMIC
  SELECT CASE
    WHEN c.body IS NOT NULL THEN ARRAY[
      nullif(c.tenant, ''), substr(c.rest, 5, substr(c.rest, 1, 4)::integer),
      nullif(substr(c.rest, 9 + substr(c.rest, 1, 4)::integer, substr(c.rest, 5 + substr(c.rest, 1, 4)::integer, 4)::integer), ''),
      CASE substr(c.body, 11, 1) WHEN '2' THEN 'tenant_admin' ELSE 'tenant_user' END]
    WHEN EXISTS (SELECT FROM partywall.seal_keys) THEN ARRAY[partywall.refuse('an event of a tenant needs a seal')]
    ELSE ARRAY[nullif(current_setting('app.current_tenant_id', true), ''),
      nullif(current_setting('app.current_user_id', true), ''), NULL, 'unsealed']
  END
  FROM (SELECT b.body, substr(b.body, 28, substr(b.body, 24, 4)::integer) AS tenant,
               substr(b.body, 28 + substr(b.body, 24, 4)::integer) AS rest
        FROM (SELECT partywall.sealed_body_anywhere() AS body OFFSET 0) AS b OFFSET 0) AS c;
END;

CREATE OR REPLACE FUNCTION partywall.audit_tenant() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
BEGIN ATOMIC
  SELECT nullif(CASE
    WHEN s.body IS NOT NULL THEN substr(s.body, 28, substr(s.body, 24, 4)::integer)
    WHEN EXISTS (SELECT FROM partywall.seal_keys) THEN NULL
    ELSE current_setting('app.current_tenant_id', true)
  END, '')
  FROM (SELECT partywall.sealed_body_anywhere() AS body OFFSET 0) AS s;
END;

-- The placement that the valid seal names: a schema, or '' for the shared tables. NULL without a seal.
CREATE FUNCTION partywall.schema_name() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  body text := partywall.sealed_body();
BEGIN
  RETURN CASE left(body, 2) WHEN 'v2' THEN left(right(body, right(body, 2)::integer + 2), -2) WHEN 'v1' THEN '' END;
END
$$;

-- The mark of the tenant that the valid seal names, if the seal is for a schema of its own: SHA-256 of the tenant, in hex digits. '' for the
-- shared tables, NULL without a seal.
CREATE FUNCTION partywall.placed_mark() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  body text := partywall.sealed_body();
BEGIN
  RETURN CASE left(body, 2)
    WHEN 'v2' THEN encode(sha256(convert_to(substr(body, 28, substr(body, 24, 4)::integer), 'UTF8')), 'hex')
    WHEN 'v1' THEN ''
  END;
END
$$;
REVOKE ALL ON FUNCTION partywall.schema_name(), partywall.placed_mark() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION partywall.schema_name(), partywall.placed_mark() TO tenant_user, tenant_admin;

-- The actor ends where the placement begins.
CREATE OR REPLACE FUNCTION partywall.actor_id() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  body text := partywall.sealed_body();
  rest text := substr(body, 28 + substr(body, 24, 4)::integer);
BEGIN
  rest := substr(rest, 5 + left(rest, 4)::integer);
  RETURN nullif(substr(rest, 5, left(rest, 4)::integer), '');
END
$$;

-- As in 0016_tickets.sql. New: a ticket of another placement than the tenant's is left out, and so is that of a tenant that is being moved.
-- An element of the batch has "schema" where the ticket is for a schema.
CREATE OR REPLACE FUNCTION partywall.register_tickets(batch text, mac text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- For a row that such a transaction has inserted. Shorter than deadlock_timeout, so that a deadlock ends this function and no suspension.
SET lock_timeout = '100ms'
AS $$
DECLARE
  inner_key bytea;
  outer_key bytea;
  wanted jsonb;
  last_moment timestamptz;
  held jsonb;
  added integer;
BEGIN
  SELECT k.inner_pad, k.outer_pad INTO inner_key, outer_key
    FROM partywall.seal_keys AS k WHERE k.key_id = substr(batch, 3, 8);
  IF inner_key IS NULL OR left(batch, 2) <> 'k1'
     OR sha256(sha256(outer_key || sha256(inner_key || convert_to(concat(batch, '|', current_database()), 'UTF8'))))
        IS DISTINCT FROM sha256(decode(mac, 'hex')) THEN
    RAISE EXCEPTION 'partywall: these tickets were not made by the application' USING ERRCODE = '42501';
  END IF;
  IF statement_timestamp() > to_timestamp(substr(batch, 11, 10)::double precision) THEN
    RAISE EXCEPTION 'partywall: this registration of tickets has expired' USING ERRCODE = '42501';
  END IF;
  -- It would fail because of tenants' transactions that read tickets, or make them fail. In REPEATABLE READ a suspension that the snapshot
  -- does not show is an error below (40001).
  IF current_setting('transaction_isolation') = 'serializable' THEN
    RAISE EXCEPTION 'partywall: tickets are not registered in SERIALIZABLE' USING ERRCODE = '25001';
  END IF;
  last_moment := to_timestamp(substr(batch, 21, 10)::double precision);
  wanted := substr(batch, 31)::jsonb;
  -- ON CONFLICT alone would wait for whoever changes a row that is there. In one order, so that two registrations never wait for each other.
  INSERT INTO partywall.tenant_states (tenant_id)
    SELECT DISTINCT w ->> 'tenant' FROM jsonb_array_elements(wanted) AS w
     WHERE NOT EXISTS (SELECT FROM partywall.tenant_states AS s WHERE s.tenant_id = w ->> 'tenant')
     ORDER BY 1
    ON CONFLICT DO NOTHING;
  -- The tenants that may have tickets, each with its placement.
  SELECT jsonb_object_agg(h.tenant_id, h.schema_name) INTO held FROM (
    SELECT s.tenant_id, s.schema_name FROM partywall.tenant_states AS s
     WHERE s.tenant_id IN (SELECT w ->> 'tenant' FROM jsonb_array_elements(wanted) AS w) AND NOT s.revoked
       AND (s.mover_pid IS NULL OR NOT partywall.is_moving(s.tenant_id, s.mover_pid, s.schema_name))
     FOR NO KEY UPDATE SKIP LOCKED) AS h;
  WITH brought AS (
    INSERT INTO partywall.tickets (hash, tenant_id, not_after, mark)
      SELECT decode(w ->> 'hash', 'hex'), w ->> 'tenant', last_moment,
             CASE WHEN w ->> 'schema' <> '' THEN encode(sha256(convert_to(w ->> 'tenant', 'UTF8')), 'hex') ELSE '' END
        FROM jsonb_array_elements(wanted) AS w WHERE held ->> (w ->> 'tenant') = coalesce(w ->> 'schema', '')
      ON CONFLICT DO NOTHING RETURNING tenant_id
  ), written AS (
    UPDATE partywall.tenant_states AS s SET registered_until = last_moment
     WHERE s.tenant_id IN (SELECT b.tenant_id FROM brought AS b)
  )
  SELECT count(*) INTO added FROM brought;
  -- Each registration takes away a few more than it brings, so that the table does not grow.
  DELETE FROM partywall.tickets AS t WHERE t.hash IN (
    SELECT old.hash FROM partywall.tickets AS old WHERE old.not_after < statement_timestamp()
     ORDER BY old.not_after LIMIT 2 * jsonb_array_length(wanted) FOR UPDATE SKIP LOCKED);
  RETURN added;
END
$$;

-- As in 0004_directory_context.sql. New: the answer has the tenant's placement.
CREATE OR REPLACE PROCEDURE partywall.guard_directory()
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  what text;
BEGIN
  FOREACH what IN ARRAY ARRAY['key', 'id'] LOOP
    EXECUTE format(
      'CREATE OR REPLACE FUNCTION partywall.%1$I(wanted text)
         RETURNS TABLE (id text, status text, tier text, schema_name text)
         LANGUAGE sql STABLE SECURITY DEFINER
         BEGIN ATOMIC
           SELECT d.id, d.status, d.tier, (SELECT s.schema_name FROM partywall.tenant_states AS s WHERE s.tenant_id = d.id)
             FROM partywall.%2$I($1) AS d WHERE partywall.require_empty_context();
         END', 'tenant_by_' || what, 'directory_by_' || what);
    EXECUTE format('REVOKE ALL ON FUNCTION partywall.%I(text), partywall.%I(text) FROM PUBLIC, tenant_user, tenant_admin',
      'tenant_by_' || what, 'directory_by_' || what);
    EXECUTE format('GRANT EXECUTE ON FUNCTION partywall.%I(text) TO tenant_user, tenant_admin', 'tenant_by_' || what);
  END LOOP;
END
$$;

DO $$
BEGIN
  IF pg_catalog.to_regprocedure('partywall.directory_by_key(text)') IS NOT NULL THEN
    DROP FUNCTION IF EXISTS partywall.tenant_by_key(text), partywall.tenant_by_id(text);
    CALL partywall.guard_directory();
  END IF;
END
$$;

-- Changes the placement of a tenant: to its registered schema, or with NULL to the shared tables. It copies no row. Statements that began
-- before still use the old place; partywall move-tenant waits for them.
CREATE PROCEDURE partywall.place_tenant(tenant text, wanted_schema text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  caller name := current_user;
BEGIN
  SET LOCAL ROLE partywall_owner;
  IF wanted_schema IS NOT NULL AND NOT EXISTS (
    SELECT FROM partywall.schemas AS r JOIN pg_namespace AS n ON n.nspname = r.schema_name AND n.oid = r.schema_oid
     WHERE r.schema_name = wanted_schema AND r.tenant_id = tenant) THEN
    RAISE EXCEPTION 'partywall: schema % is not registered for this tenant', quote_literal(wanted_schema)
      USING ERRCODE = '22023', HINT = 'CALL partywall.install_schema(schema, tenant);';
  END IF;
  INSERT INTO partywall.tenant_states AS s (tenant_id, schema_name) VALUES (tenant, coalesce(wanted_schema, ''))
    ON CONFLICT (tenant_id) DO UPDATE SET schema_name = excluded.schema_name;
  DELETE FROM partywall.tickets AS t WHERE t.tenant_id = tenant;
  PERFORM pg_notify('partywall_tenants', encode(sha256(convert_to(tenant, 'UTF8')), 'hex'));
  EXECUTE format('SET LOCAL ROLE %I', caller);
END
$$;
REVOKE ALL ON PROCEDURE partywall.place_tenant(text, text) FROM PUBLIC;

-- Refuses the tenant's statements while this session moves its tables. Commit after it. Statements that began before still run.
CREATE PROCEDURE partywall.begin_move(tenant text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  caller name := current_user;
  key integer;
BEGIN
  SET LOCAL ROLE partywall_owner;
  INSERT INTO partywall.tenant_states (tenant_id) VALUES (tenant) ON CONFLICT DO NOTHING;
  PERFORM FROM partywall.tenant_states AS s WHERE s.tenant_id = tenant FOR UPDATE;
  IF EXISTS (SELECT FROM partywall.tenant_states AS s
              WHERE s.tenant_id = tenant AND s.mover_pid IS NOT NULL AND partywall.is_moving(tenant, s.mover_pid, s.schema_name)) THEN
    RAISE EXCEPTION 'partywall: the tenant is being moved by another session' USING ERRCODE = '55006';
  END IF;
  -- A shared lock of a random number: nobody can keep the session from taking it.
  LOOP
    key := floor(random() * 2147483647)::integer;
    EXIT WHEN pg_try_advisory_lock_shared(1886680439, key);
  END LOOP;
  UPDATE partywall.tenant_states AS s SET mover_pid = pg_backend_pid(), mover_key = key WHERE s.tenant_id = tenant;
  DELETE FROM partywall.tickets AS t WHERE t.tenant_id = tenant;
  EXECUTE format('SET LOCAL ROLE %I', caller);
END
$$;
REVOKE ALL ON PROCEDURE partywall.begin_move(text) FROM PUBLIC;

-- The session does not move the tenant any more. The lock is released when the session ends, so that a statement whose snapshot still shows
-- the move is refused until then.
CREATE PROCEDURE partywall.end_move(tenant text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  caller name := current_user;
BEGIN
  SET LOCAL ROLE partywall_owner;
  UPDATE partywall.tenant_states AS s SET mover_pid = NULL, mover_key = NULL
   WHERE s.tenant_id = tenant AND s.mover_pid = pg_backend_pid();
  IF NOT FOUND THEN
    RAISE EXCEPTION 'partywall: this session does not move the tenant' USING ERRCODE = '55000';
  END IF;
  PERFORM pg_notify('partywall_tenants', encode(sha256(convert_to(tenant, 'UTF8')), 'hex'));
  EXECUTE format('SET LOCAL ROLE %I', caller);
END
$$;
REVOKE ALL ON PROCEDURE partywall.end_move(text) FROM PUBLIC;

-- The application's login roles and levels, which install_schema() takes rights from: tenant_user, tenant_admin and their members.
CREATE FUNCTION partywall.application_roles() RETURNS SETOF name
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT r.rolname FROM pg_roles AS r
   WHERE NOT r.rolsuper AND (r.rolname IN ('tenant_user', 'tenant_admin') OR EXISTS (
     SELECT FROM pg_auth_members AS m JOIN pg_roles AS l ON l.oid = m.roleid
      WHERE m.member = r.oid AND l.rolname IN ('tenant_user', 'tenant_admin')))
$$;
REVOKE ALL ON FUNCTION partywall.application_roles() FROM PUBLIC;

-- Refuses a schema that partywall can't keep apart from others. Runs as the caller.
CREATE PROCEDURE partywall.check_schema(wanted_schema text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given oid;
  found text;
BEGIN
  IF wanted_schema IS NULL OR wanted_schema !~ '^[a-z_][a-z0-9_]{0,62}$' OR wanted_schema LIKE 'pg\_%'
     OR wanted_schema IN ('public', 'information_schema', 'partywall') THEN
    RAISE EXCEPTION 'partywall: % is no name for the schema of a tenant', coalesce(quote_literal(wanted_schema), 'NULL')
      USING ERRCODE = '42602', HINT = 'Use 1 to 63 lower-case letters, digits and underscores.';
  END IF;
  given := (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = wanted_schema);
  IF given IS NULL THEN
    RAISE EXCEPTION 'partywall: schema % does not exist', quote_ident(wanted_schema) USING ERRCODE = '3F000';
  END IF;
  -- An owner can switch row-level security off.
  SELECT string_agg(o.what, ', ') INTO found FROM (
    SELECT 'schema ' || quote_ident(n.nspname) AS what FROM pg_namespace AS n
     WHERE n.oid = given AND pg_get_userbyid(n.nspowner) IN (SELECT partywall.application_roles())
    UNION ALL
    SELECT c.oid::regclass::text FROM pg_class AS c
     WHERE c.relnamespace = given AND pg_get_userbyid(c.relowner) IN (SELECT partywall.application_roles())) AS o;
  IF found IS NOT NULL THEN
    RAISE EXCEPTION 'partywall: the application owns %', found
      USING ERRCODE = '42501', HINT = 'Let a role own it that the application can not become.';
  END IF;
  -- The policies of a parent decide for its children, and a foreign key checks rows that no policy shows.
  SELECT string_agg(format('%s depends on %s', e.one, e.other), ', ') INTO found FROM (
    SELECT c.oid::regclass AS one, p.oid::regclass AS other FROM pg_inherits AS i
      JOIN pg_class AS c ON c.oid = i.inhrelid JOIN pg_class AS p ON p.oid = i.inhparent
     WHERE (c.relnamespace = given) <> (p.relnamespace = given)
    UNION ALL
    SELECT c.oid::regclass, p.oid::regclass FROM pg_constraint AS k
      JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_class AS p ON p.oid = k.confrelid
     WHERE k.contype = 'f' AND (c.relnamespace = given OR p.relnamespace = given) AND c.relnamespace <> p.relnamespace
       AND (c.relnamespace <> given OR p.relnamespace::regnamespace::text IN (SELECT quote_ident(s.schema_name) FROM partywall.schemas AS s))) AS e;
  IF found IS NOT NULL THEN
    RAISE EXCEPTION 'partywall: %', found USING ERRCODE = '0LP01',
      HINT = 'A table of a tenant may depend on tables of its own schema, and by a foreign key on tables that belong to no tenant.';
  END IF;
END
$$;
REVOKE ALL ON PROCEDURE partywall.check_schema(text) FROM PUBLIC;

-- Protects one table of a tenant's schema. Runs as the caller, who owns the table.
CREATE PROCEDURE partywall.protect_schema_table(wanted_table regclass, tenant text, setting text, sealed boolean)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- The hash and not the id: every role can read the text of a policy. Both policies compare with the same constant. PostgreSQL then tests
  -- both before it reads the table (One-Time Filter), so a statement of another tenant reads nothing of it.
  mark constant text := encode(sha256(convert_to(tenant, 'UTF8')), 'hex');
  plain constant text := format('(select encode(sha256(convert_to(current_setting(%L, true), %L)), %L)) = %L', setting, 'UTF8', 'hex', mark);
  placed constant text := format('(select coalesce(p.mark, partywall.placed_mark()) from partywall.placement p) = %L', mark);
  p record;
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', wanted_table);
  FOR p IN
    SELECT * FROM (VALUES
      ('tenant_isolation_policy', format('FOR ALL USING (%s) WITH CHECK (%1$s)', plain)),
      ('tenant_seal_policy', format('AS RESTRICTIVE FOR ALL TO tenant_user, tenant_admin USING (%s) WITH CHECK (%1$s)', placed)),
      ('tenant_write_policy', 'AS RESTRICTIVE FOR ALL TO tenant_user, tenant_admin WITH CHECK ((select partywall.seal_writes()))'),
      ('tenant_level_policy', 'AS RESTRICTIVE FOR DELETE TO tenant_user, tenant_admin USING ((select partywall.writes_as(''tenant_admin'')))'),
      ('tenant_cross_policy', 'FOR SELECT TO partywall_cross USING (true)')) AS v (policy, clauses)
  LOOP
    EXECUTE format('DROP POLICY IF EXISTS %I ON %s', p.policy, wanted_table);
    CONTINUE WHEN NOT sealed AND p.policy IN ('tenant_seal_policy', 'tenant_write_policy', 'tenant_level_policy');
    EXECUTE format('CREATE POLICY %I ON %s %s', p.policy, wanted_table, p.clauses);
  END LOOP;
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %s TO tenant_user', wanted_table);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO tenant_admin', wanted_table);
  EXECUTE format('GRANT SELECT ON %s TO partywall_cross', wanted_table);
END
$$;
REVOKE ALL ON PROCEDURE partywall.protect_schema_table(regclass, text, text, boolean) FROM PUBLIC;

-- Protects all tables of a tenant's schema and registers it. Call it after the migration that created the tables, in the same transaction,
-- and again after each later migration: a table that was created since has no grants (42501) until then.
--
-- schema, tenant  both are registered for ever: neither is ever registered with another partner
-- place           places the tenant in the schema, if the schema was not registered before. An error (55000) if the tenant has used shared
--                 tables in the last quarter of an hour: copy its rows with partywall move-tenant
-- recreated       the schema was dropped and created again, or restored from a dump
-- setting         the setting that names the tenant
-- sealed          false for an application whose pool has seal: false. It would see no row of a sealed table
CREATE PROCEDURE partywall.install_schema(
  wanted_schema text,
  wanted_tenant text,
  place boolean DEFAULT true,
  recreated boolean DEFAULT false,
  setting text DEFAULT 'app.current_tenant_id',
  sealed boolean DEFAULT true
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  caller name := current_user;
  app_roles text := (SELECT string_agg(quote_ident(r), ', ') FROM partywall.application_roles() AS r);
  given oid;
  known oid;
  c record;
BEGIN
  IF wanted_tenant IS NULL OR wanted_tenant = '' THEN
    RAISE EXCEPTION 'partywall: no tenant given' USING ERRCODE = '22023';
  END IF;
  CALL partywall.check_schema(wanted_schema);
  given := (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = wanted_schema);

  SET LOCAL ROLE partywall_owner;
  IF EXISTS (SELECT FROM partywall.schemas AS s WHERE (s.schema_name = wanted_schema) <> (s.tenant_id = wanted_tenant)) THEN
    RAISE EXCEPTION 'partywall: schema % or its tenant is registered already, with another partner', quote_ident(wanted_schema)
      USING ERRCODE = '23505', HINT = 'A schema belongs to one tenant for ever. Create a schema with a new name.';
  END IF;
  known := (SELECT s.schema_oid FROM partywall.schemas AS s WHERE s.schema_name = wanted_schema);
  IF known <> given AND NOT recreated THEN
    RAISE EXCEPTION 'partywall: schema % was dropped and created again since it was registered', quote_ident(wanted_schema)
      USING ERRCODE = '55000', HINT = 'CALL partywall.install_schema(schema, tenant, recreated => true);';
  END IF;
  IF known IS NULL AND place AND EXISTS (
    SELECT FROM partywall.tenant_states AS s WHERE s.tenant_id = wanted_tenant AND s.registered_until > statement_timestamp()) THEN
    RAISE EXCEPTION 'partywall: the tenant uses the shared tables' USING ERRCODE = '55000',
      HINT = 'Copy its rows with partywall move-tenant, or give place => false.';
  END IF;
  INSERT INTO partywall.schemas AS s (schema_name, tenant_id, schema_oid) VALUES (wanted_schema, wanted_tenant, given)
    ON CONFLICT (schema_name) DO UPDATE SET schema_oid = excluded.schema_oid WHERE s.schema_oid <> excluded.schema_oid;
  EXECUTE format('SET LOCAL ROLE %I', caller);

  EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC, %s', wanted_schema, app_roles);
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO tenant_user, tenant_admin, partywall_cross', wanted_schema);
  -- No policy protects sequences, functions, views of an owner and materialized views. Identity columns need no right on their sequence.
  EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM PUBLIC, %s', wanted_schema, app_roles);
  EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA %I FROM PUBLIC, %s', wanted_schema, app_roles);
  EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA %I FROM PUBLIC, %s', wanted_schema, app_roles);
  FOR c IN SELECT t.oid::regclass AS wanted FROM pg_class AS t WHERE t.relnamespace = given AND t.relkind IN ('r', 'p') ORDER BY t.relname LOOP
    CALL partywall.protect_schema_table(c.wanted, wanted_tenant, setting, sealed);
  END LOOP;
  IF known IS NULL AND place THEN
    CALL partywall.place_tenant(wanted_tenant, wanted_schema);
  END IF;
END
$$;
REVOKE ALL ON PROCEDURE partywall.install_schema(text, text, boolean, boolean, text, boolean) FROM PUBLIC;

RESET ROLE;
