-- A mover whose session was killed stayed named in partywall.tenant_states. A transaction in REPEATABLE READ or SERIALIZABLE can't tell that the
-- session has ended, so those of the tenant were refused until the tenant was moved again. Now another session may end such a move, and the
-- next registration of the tenant's tickets forgets it.

SET LOCAL ROLE partywall_owner;

-- As in 0018_schemas.sql. New: it forgets a mover whose session has ended.
CREATE OR REPLACE FUNCTION partywall.register_tickets(batch text, mac text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- For a row that such a transaction has inserted. Shorter than deadlock_timeout, so that a deadlock ends this function and no suspension.
SET lock_timeout = '100ms'
-- As 0020_tickets_of_many_tenants.sql set it.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
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
    -- Forgets a mover whose session has ended: REPEATABLE READ can't tell that, and would refuse the tenant as long as it is named here.
    UPDATE partywall.tenant_states AS s SET registered_until = last_moment, mover_pid = NULL, mover_key = NULL
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

-- As in 0018_schemas.sql. New: another session may call it for a mover whose session has ended.
CREATE OR REPLACE PROCEDURE partywall.end_move(tenant text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  caller name := current_user;
BEGIN
  SET LOCAL ROLE partywall_owner;
  UPDATE partywall.tenant_states AS s SET mover_pid = NULL, mover_key = NULL
   WHERE s.tenant_id = tenant AND s.mover_pid IS NOT NULL
     AND (s.mover_pid = pg_backend_pid() OR NOT partywall.is_moving(s.tenant_id, s.mover_pid, s.schema_name));
  IF NOT FOUND THEN
    RAISE EXCEPTION 'partywall: this session does not move the tenant' USING ERRCODE = '55000';
  END IF;
  PERFORM pg_notify('partywall_tenants', encode(sha256(convert_to(tenant, 'UTF8')), 'hex'));
  EXECUTE format('SET LOCAL ROLE %I', caller);
END
$$;

RESET ROLE;
