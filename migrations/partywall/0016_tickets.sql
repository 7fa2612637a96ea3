-- Tickets: the short way of checking a seal. A policy finds the tenant by one look-up in an index, with built-in functions alone.
-- Where it finds no ticket, it asks partywall.tenant_id(), which checks the seal's MAC as before.
--
-- Setting app.tenant_seal, with a ticket: the ticket, then the seal of 0001_seal.sql, whose MAC also covers the ticket.
--   offset  length
--        1      64  a MAC of the application's secret over database, tenant, mode and a slot of time, in hex digits
--       65       1  mode: 'w' read and write, 'r' read only
--       66      64  HMAC-SHA-256 over ticket (65) || body || '|' || backend pid || '|' || database, in hex digits
--      130          body, as in 0001_seal.sql
-- A seal without a ticket has 'v' or 'e' at offset 65, and stays valid.
--
-- This database holds only the hashes of tickets, so whoever reads it can make no ticket. A tenant's SQL can read its own seal and no
-- hash at all. A ticket is bound to its tenant, its mode and its slot of time, and not to a user or a backend: user_id(), actor_id(),
-- role_at_least() and writes_as() check the whole seal each time.

SET LOCAL ROLE partywall_owner;

CREATE TABLE partywall.tickets (
  hash bytea PRIMARY KEY CHECK (length(hash) = 32),
  tenant_id text NOT NULL CHECK (tenant_id <> ''),
  not_after timestamptz NOT NULL
) WITH (fillfactor = 10);
CREATE INDEX tickets_tenant_id ON partywall.tickets (tenant_id);
CREATE INDEX tickets_not_after ON partywall.tickets (not_after);
REVOKE ALL ON partywall.tickets FROM PUBLIC;

-- Rows that match no ticket. With them and with few rows a page the table is large enough that the planner takes the index: reading the
-- whole table would hash the ticket once for each row.
INSERT INTO partywall.tickets (hash, tenant_id, not_after)
  SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'partywall: no tenant', 'infinity'
    FROM generate_series(1, 200);

-- One row for each tenant that ever had a ticket or was suspended. Registration and suspension lock the tenant's row, so that a
-- registration under way can't outlive a suspension. A registration also writes it: a suspension in REPEATABLE READ, whose snapshot does
-- not show the new tickets, then fails (40001) and does not leave them behind.
CREATE TABLE partywall.tenant_states (
  tenant_id text PRIMARY KEY CHECK (tenant_id <> ''),
  revoked boolean NOT NULL DEFAULT false,
  registered_until timestamptz
) WITH (fillfactor = 50);
REVOKE ALL ON partywall.tenant_states FROM PUBLIC;

-- As in 0001_seal.sql. New: a ticket in front, and no valid seal for a suspended tenant.
CREATE OR REPLACE FUNCTION partywall.sealed_body() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  seal text := current_setting('app.tenant_seal', true);
  ticket text := '';
  body text;
  inner_key bytea;
  outer_key bytea;
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
  IF EXISTS (SELECT FROM partywall.tenant_states AS s
              WHERE s.tenant_id = substr(body, 28, substr(body, 24, 4)::integer) AND s.revoked) THEN
    RAISE EXCEPTION 'partywall: the tenant is suspended' USING ERRCODE = '42501';
  END IF;
  RETURN body;
END
$$;

-- Whether the seal says that it may write; false without a seal. Not checked here: tenant_seal_policy stands beside each policy that asks
-- this, and refuses a seal that was changed. A statement can make its transaction read-only while it runs, and then a seal for reading
-- passes sealed_body(): so what writes asks for the seal's own mode. PostgreSQL puts the expression in the place of the call.
CREATE FUNCTION partywall.seal_writes() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE substr(current_setting('app.tenant_seal', true), 65, 1)
  WHEN 'w' THEN true
  WHEN 'v' THEN substr(current_setting('app.tenant_seal', true), 76, 1) = 'w'
  ELSE false
END;

-- Whether the valid seal may write, with at least this level: 'tenant_user' or 'tenant_admin'. False without a seal.
CREATE FUNCTION partywall.writes_as(level text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN partywall.role_at_least(level) AND partywall.seal_writes();
END
$$;

-- What policies ask first: one row with the tenant of the session's ticket. NULL where this database knows no such ticket, and then the
-- policy asks partywall.tenant_id(). The view reads the tickets as its owner, so that no role of the application needs a privilege on
-- the table.
CREATE VIEW partywall.ticket AS
SELECT (
  SELECT k.tenant_id FROM partywall.tickets AS k
   WHERE k.hash = sha256(convert_to(left(current_setting('app.tenant_seal', true), 65), 'UTF8'))
     AND k.not_after >= statement_timestamp()
) AS tenant_id;

-- Registers tickets of one slot of time. Only the application can call it with success: it needs a MAC of the secret.
--
-- batch: 'k1', key id (8), not-after of this call (10), not-after of the tickets (10), then a JSON array of
--        {"hash": hex, "tenant": text}
-- mac:   HMAC-SHA-256 over batch || '|' || database, 64 hex digits
-- Answers how many were new. Tickets of suspended tenants are left out, and so are those of a tenant that another transaction is suspending
-- or readmitting. It waits for no such transaction: the connection that registers serves other tenants next.
CREATE FUNCTION partywall.register_tickets(batch text, mac text) RETURNS integer
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
  held text[];
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
  held := ARRAY(
    SELECT s.tenant_id FROM partywall.tenant_states AS s
     WHERE s.tenant_id IN (SELECT w ->> 'tenant' FROM jsonb_array_elements(wanted) AS w) AND NOT s.revoked
     FOR NO KEY UPDATE SKIP LOCKED);
  WITH brought AS (
    INSERT INTO partywall.tickets (hash, tenant_id, not_after)
      SELECT decode(w ->> 'hash', 'hex'), w ->> 'tenant', last_moment
        FROM jsonb_array_elements(wanted) AS w WHERE w ->> 'tenant' = ANY (held)
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

-- Refuses the tenant's statements from the next one on, in this database itself: in the transaction that suspends the tenant.
CREATE FUNCTION partywall.revoke_tenant(tenant text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO partywall.tenant_states AS s (tenant_id, revoked) VALUES (tenant, true)
    ON CONFLICT (tenant_id) DO UPDATE SET revoked = true;
  DELETE FROM partywall.tickets AS t WHERE t.tenant_id = tenant;
END
$$;

CREATE FUNCTION partywall.readmit_tenant(tenant text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
  UPDATE partywall.tenant_states AS s SET revoked = false WHERE s.tenant_id = tenant AND s.revoked;
END;

-- As in 0003_directory.sql. New: a change of a tenant's status takes effect in this database, too.
CREATE OR REPLACE FUNCTION partywall.notify_tenant_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  changed jsonb := to_jsonb(CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END);
  tenant text := changed ->> TG_ARGV[0];
BEGIN
  IF EXISTS (SELECT FROM partywall.directory_by_id(tenant) AS d WHERE d.status = 'active') THEN
    PERFORM partywall.readmit_tenant(tenant);
  ELSE
    PERFORM partywall.revoke_tenant(tenant);
  END IF;
  PERFORM pg_notify('partywall_tenants', encode(sha256(convert_to(tenant, 'UTF8')), 'hex'));
  RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION partywall.seal_writes(), partywall.writes_as(text), partywall.register_tickets(text, text),
  partywall.revoke_tenant(text), partywall.readmit_tenant(text) FROM PUBLIC;
REVOKE ALL ON partywall.ticket FROM PUBLIC;
GRANT EXECUTE ON FUNCTION partywall.seal_writes(), partywall.writes_as(text), partywall.register_tickets(text, text)
  TO tenant_user, tenant_admin;
GRANT SELECT ON partywall.ticket TO tenant_user, tenant_admin;

RESET ROLE;
