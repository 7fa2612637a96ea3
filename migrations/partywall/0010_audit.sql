-- The audit log: events (written by the application, read by their tenant), checkpoints and anchors (written by the sealer).
--
-- partywall_sealer   reads events, writes checkpoints and anchors, makes and drops months
-- partywall_auditor  reads everything here, the system stream too; for `partywall audit verify` and security staff
-- partywall_privacy  may erase a person's private values, and nothing else
-- All are NOLOGIN: make logins and grant them one of these. None of them is the application's.

DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['partywall_sealer', 'partywall_auditor', 'partywall_privacy'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', wanted);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- a migration of another database made it at the same moment
      END;
    END IF;
  END LOOP;
END
$$;

SET LOCAL ROLE partywall_owner;

-- Tenant, user, actor and level of whoever writes, in one evaluation. In a database with a seal key only a valid seal
-- counts. A database without any key is an unsealed set-up: there the plain settings are all there is.
CREATE FUNCTION partywall.audit_who() RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
BEGIN ATOMIC
  SELECT CASE
    WHEN c.body IS NOT NULL THEN ARRAY[
      nullif(c.tenant, ''), substr(c.rest, 5, substr(c.rest, 1, 4)::integer),
      nullif(substr(c.rest, 9 + substr(c.rest, 1, 4)::integer), ''),
      CASE substr(c.body, 11, 1) WHEN '2' THEN 'tenant_admin' ELSE 'tenant_user' END]
    WHEN EXISTS (SELECT FROM partywall.seal_keys) THEN ARRAY[partywall.refuse('an event of a tenant needs a seal')]
    ELSE ARRAY[nullif(current_setting('app.current_tenant_id', true), ''),
      nullif(current_setting('app.current_user_id', true), ''), NULL, 'unsealed']
  END
  FROM (SELECT b.body, substr(b.body, 28, substr(b.body, 24, 4)::integer) AS tenant,
               substr(b.body, 28 + substr(b.body, 24, 4)::integer) AS rest
        FROM (SELECT partywall.sealed_body() AS body OFFSET 0) AS b OFFSET 0) AS c;
END;

-- The tenant whose log is read or written here; NULL where there is none.
CREATE FUNCTION partywall.audit_tenant() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
BEGIN ATOMIC
  SELECT nullif(CASE
    WHEN s.tenant IS NOT NULL THEN s.tenant
    WHEN EXISTS (SELECT FROM partywall.seal_keys) THEN NULL
    ELSE current_setting('app.current_tenant_id', true)
  END, '')
  FROM (SELECT partywall.tenant_id() AS tenant OFFSET 0) AS s;
END;

-- tenant_id '' is the system stream: what belongs to no tenant (a bad token).
CREATE TABLE partywall.audit_events (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  who text[] NOT NULL DEFAULT partywall.audit_who(),
  tenant_id text NOT NULL GENERATED ALWAYS AS (who[1]) STORED,
  user_id text GENERATED ALWAYS AS (who[2]) STORED,
  actor_id text GENERATED ALWAYS AS (who[3]) STORED,
  role text NOT NULL GENERATED ALWAYS AS (who[4]) STORED,
  action text NOT NULL CHECK (action <> '' AND length(action) <= 128),
  resource text CHECK (length(resource) <= 256),
  resource_id text CHECK (length(resource_id) <= 256),
  outcome text NOT NULL DEFAULT 'success' CHECK (outcome IN ('success', 'failure', 'denied')),
  details jsonb NOT NULL DEFAULT '{}',
  actor_type text CHECK (length(actor_type) <= 32),
  actor_reason text CHECK (length(actor_reason) <= 512),
  request_id text CHECK (length(request_id) <= 128),
  ip text CHECK (length(ip) <= 64),
  user_agent text CHECK (length(user_agent) <= 512),
  private_commitment bytea CHECK (length(private_commitment) = 32),
  PRIMARY KEY (tenant_id, occurred_at, id)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX audit_events_xid ON partywall.audit_events (xid);

-- What may have to be erased: the event holds only SHA-256(salt || values).
CREATE TABLE partywall.audit_private (
  tenant_id text NOT NULL DEFAULT partywall.audit_tenant(),
  occurred_at timestamptz NOT NULL,
  event_id uuid NOT NULL,
  subject text NOT NULL CHECK (subject <> '' AND length(subject) <= 256),
  salt bytea NOT NULL CHECK (length(salt) = 32),
  data text NOT NULL CHECK (length(data) <= 16384),
  PRIMARY KEY (tenant_id, occurred_at, event_id)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX audit_private_subject ON partywall.audit_private (tenant_id, subject);

DO $$
BEGIN
  -- Sortable by time where the server has it: neighbours in time are neighbours in the index.
  IF current_setting('server_version_num')::integer >= 180000 THEN
    EXECUTE 'ALTER TABLE partywall.audit_events ALTER COLUMN id SET DEFAULT uuidv7()';
  END IF;
END
$$;

ALTER TABLE partywall.audit_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE partywall.audit_private ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON partywall.audit_events, partywall.audit_private FROM PUBLIC;

CREATE POLICY audit_read ON partywall.audit_events FOR SELECT TO tenant_user, tenant_admin
  USING (tenant_id = (select partywall.audit_tenant()));
CREATE POLICY audit_write ON partywall.audit_events FOR INSERT TO tenant_user, tenant_admin
  WITH CHECK (tenant_id = (select partywall.audit_tenant()));
CREATE POLICY audit_staff ON partywall.audit_events FOR SELECT TO partywall_sealer, partywall_auditor USING (true);
CREATE POLICY audit_private_read ON partywall.audit_private FOR SELECT TO tenant_user, tenant_admin
  USING (tenant_id = (select partywall.audit_tenant()));
CREATE POLICY audit_private_write ON partywall.audit_private FOR INSERT TO tenant_user, tenant_admin
  WITH CHECK (tenant_id = (select partywall.audit_tenant()));
CREATE POLICY audit_private_staff ON partywall.audit_private FOR SELECT TO partywall_auditor USING (true);

-- Column grants: with a table-wide INSERT the application could bring its own id, time, transaction, tenant and user.
GRANT SELECT, INSERT (action, resource, resource_id, outcome, details, actor_type, actor_reason, request_id, ip,
  user_agent, private_commitment) ON partywall.audit_events TO tenant_user, tenant_admin;
GRANT SELECT, INSERT (occurred_at, event_id, subject, salt, data) ON partywall.audit_private TO tenant_user, tenant_admin;
GRANT SELECT ON partywall.audit_events TO partywall_sealer, partywall_auditor;
GRANT SELECT ON partywall.audit_private TO partywall_auditor;

-- One signed batch of one tenant. body is the signed text; hash = SHA-256(0x02 || body).
CREATE TABLE partywall.audit_checkpoints (
  tenant_id text NOT NULL,
  n bigint NOT NULL,
  anchor_n bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('seal', 'prune')),
  ids uuid[] NOT NULL,
  leaves bytea NOT NULL,
  body text NOT NULL,
  hash bytea NOT NULL,
  key_id text NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (tenant_id, n)
);
CREATE INDEX audit_checkpoints_anchor ON partywall.audit_checkpoints (anchor_n);

-- One signed record over all checkpoints of one tick; its copies outside the database are what a cut tail is found by.
CREATE TABLE partywall.audit_anchors (
  n bigint PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('seal', 'prune', 'key')),
  body text NOT NULL,
  hash bytea NOT NULL,
  key_id text NOT NULL,
  signature bytea NOT NULL,
  cosignature bytea
);

-- The row that the leading sealer locks. Not an advisory lock: anybody can take one.
CREATE TABLE partywall.audit_sealer (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  ticks bigint NOT NULL DEFAULT 0,
  ticked_at timestamptz
);
INSERT INTO partywall.audit_sealer DEFAULT VALUES;

REVOKE ALL ON partywall.audit_checkpoints, partywall.audit_anchors, partywall.audit_sealer FROM PUBLIC;
GRANT SELECT, INSERT ON partywall.audit_checkpoints, partywall.audit_anchors TO partywall_sealer;
GRANT SELECT, UPDATE ON partywall.audit_sealer TO partywall_sealer;
GRANT SELECT ON partywall.audit_checkpoints, partywall.audit_anchors, partywall.audit_sealer TO partywall_auditor;

-- Makes this month and the next ones. Idempotent and bounded, so that whoever writes may call it. ATTACH, not PARTITION OF:
-- that would lock out writers. There is no default partition: rows in it would block the month that they belong to.
CREATE FUNCTION partywall.audit_make_months() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  base text;
  part text;
  first_day date;
  made integer := 0;
BEGIN
  FOR ahead IN 0..3 LOOP
    first_day := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead))::date;
    FOREACH base IN ARRAY ARRAY['audit_events', 'audit_private'] LOOP
      part := base || to_char(first_day, '"_y"YYYY"m"MM');
      CONTINUE WHEN to_regclass('partywall.' || part) IS NOT NULL;
      -- Two makers at once: the second one waits here and then finds it made.
      LOCK TABLE partywall.audit_sealer IN SHARE UPDATE EXCLUSIVE MODE;
      CONTINUE WHEN to_regclass('partywall.' || part) IS NOT NULL;
      EXECUTE format('CREATE TABLE partywall.%I (LIKE partywall.%I INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS)', part, base);
      EXECUTE format('ALTER TABLE partywall.%I ENABLE ROW LEVEL SECURITY', part);
      EXECUTE format('REVOKE ALL ON partywall.%I FROM PUBLIC, tenant_user, tenant_admin', part);
      EXECUTE format('ALTER TABLE partywall.%I ATTACH PARTITION partywall.%I FOR VALUES FROM (%L) TO (%L)', base, part,
        first_day::text || ' 00:00:00+00', (first_day + interval '1 month')::date::text || ' 00:00:00+00');
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END
$$;

-- Drops one month, for retention. The sealer calls it in the transaction that writes the signed prune records; a month that
-- is dropped without them is what `verify` reports.
CREATE FUNCTION partywall.audit_drop_month(month date, expected bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  base text;
  part text := 'audit_events' || to_char(month, '"_y"YYYY"m"MM');
  found bigint := 0;
BEGIN
  IF month >= date_trunc('month', now() AT TIME ZONE 'UTC') THEN
    RAISE EXCEPTION 'partywall: the running month can''t be dropped' USING ERRCODE = '42501';
  END IF;
  IF to_regclass('partywall.' || part) IS NOT NULL THEN
    -- A transaction from before the month's end may still write into it: then the records were signed over too little.
    EXECUTE format('LOCK TABLE partywall.%I IN ACCESS EXCLUSIVE MODE', part);
    EXECUTE format('SELECT count(*) FROM partywall.%I', part) INTO found;
  END IF;
  IF found <> expected THEN
    RAISE EXCEPTION 'partywall: the month holds other events than the signed records say' USING ERRCODE = '40001';
  END IF;
  FOREACH base IN ARRAY ARRAY['audit_events', 'audit_private'] LOOP
    EXECUTE format('DROP TABLE IF EXISTS partywall.%I', base || to_char(month, '"_y"YYYY"m"MM'));
  END LOOP;
END
$$;

-- Events without a tenant. Only in an empty context, which has a seal of its own: tenants have a log of their own, and a
-- statement that takes its seal away is still a tenant's.
CREATE FUNCTION partywall.audit_system(action text, resource text, resource_id text, outcome text, details jsonb,
  request_id text, ip text, user_agent text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT partywall.is_empty_context() THEN
    RAISE EXCEPTION 'partywall: a tenant writes no system events' USING ERRCODE = '42501';
  END IF;
  INSERT INTO partywall.audit_events (who, action, resource, resource_id, outcome, details, request_id, ip, user_agent)
  VALUES (ARRAY['', NULL, NULL, 'system'], $1, $2, $3, $4, $5, $6, $7, $8);
END
$$;

-- Erases what the log holds of one person, for good, and writes down that it did. The chain still verifies.
CREATE FUNCTION partywall.audit_erase(tenant text, person text, reason text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  erased uuid[];
BEGIN
  WITH gone AS (DELETE FROM partywall.audit_private WHERE tenant_id = tenant AND subject = person RETURNING event_id)
  SELECT coalesce(array_agg(event_id), '{}') INTO erased FROM gone;
  INSERT INTO partywall.audit_events (who, action, resource, outcome, details)
  VALUES (ARRAY[tenant, NULL, session_user::text, 'partywall_privacy'], 'audit.erased', 'audit_log', 'success',
    jsonb_build_object('reason', reason, 'count', cardinality(erased), 'events', to_jsonb(erased)));
  RETURN cardinality(erased);
END
$$;

-- Change capture: one event per changed row. Arguments: names of columns that are redacted.
CREATE FUNCTION partywall.audit_capture() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
  after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
  tenant_column text := TG_ARGV[0];
  id_column text := TG_ARGV[1];
  tenant text := coalesce(after, before) ->> tenant_column;
  was jsonb;
  now_is jsonb;
  change jsonb;
  who text[];
BEGIN
  SELECT jsonb_object_agg(key, CASE WHEN key = ANY (TG_ARGV[2:]) THEN '"[redacted]"' ELSE before -> key END)
           FILTER (WHERE before ? key),
         jsonb_object_agg(key, CASE WHEN key = ANY (TG_ARGV[2:]) THEN '"[redacted]"' ELSE after -> key END)
           FILTER (WHERE after ? key)
    INTO was, now_is
    FROM (SELECT DISTINCT jsonb_object_keys(coalesce(before, '{}') || coalesce(after, '{}')) AS key) AS k
    WHERE before -> key IS DISTINCT FROM after -> key;
  IF TG_OP = 'UPDATE' AND was IS NULL AND now_is IS NULL THEN
    RETURN NULL;
  END IF;
  change := CASE WHEN was IS NULL THEN '{}' ELSE jsonb_build_object('old', was) END
    || CASE WHEN now_is IS NULL THEN '{}' ELSE jsonb_build_object('new', now_is) END;
  IF octet_length(change::text) > 8192 THEN
    change := jsonb_build_object('truncated', true, 'columns',
      (SELECT jsonb_agg(DISTINCT key) FROM jsonb_object_keys(coalesce(was, '{}') || coalesce(now_is, '{}')) AS key));
  END IF;
  -- Changes past the application (a migration, psql) have no context: the row says whose they are, the server says who.
  IF partywall.audit_tenant() IS NULL THEN
    -- A statement can take its own seal away while it runs. The application's login never changes a row without one.
    IF EXISTS (SELECT FROM partywall.seal_keys)
       AND (pg_has_role(session_user, 'tenant_user', 'MEMBER') OR pg_has_role(session_user, 'tenant_admin', 'MEMBER'))
       AND NOT pg_has_role(session_user, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = TG_RELID), 'MEMBER') THEN
      RAISE EXCEPTION 'partywall: a change by the application needs a seal' USING ERRCODE = '42501';
    END IF;
    who := ARRAY[coalesce(tenant, ''), NULL, session_user::text, 'database'];
  ELSE
    who := partywall.audit_who();
  END IF;
  INSERT INTO partywall.audit_events (who, action, resource, resource_id, details)
  VALUES (who, TG_TABLE_NAME || CASE TG_OP WHEN 'INSERT' THEN '.created' WHEN 'UPDATE' THEN '.updated' ELSE '.deleted' END,
    TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, left(coalesce(after, before) ->> id_column, 256), change);
  RETURN NULL;
END
$$;

-- CALL partywall.audit_table('public.documents', redact => ARRAY['body']); again with other columns changes them.
CREATE PROCEDURE partywall.audit_table(captured regclass, redact name[] DEFAULT '{}', tenant_column name DEFAULT 'tenant_id',
  id_column name DEFAULT 'id')
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted name;
  arguments text := format('%L, %L', tenant_column, id_column);
BEGIN
  FOREACH wanted IN ARRAY redact || tenant_column || id_column LOOP
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = captured AND attname = wanted AND NOT attisdropped) THEN
      RAISE EXCEPTION 'partywall: % has no column %', captured, wanted USING ERRCODE = '42703';
    END IF;
  END LOOP;
  FOREACH wanted IN ARRAY redact LOOP
    arguments := arguments || format(', %L', wanted);
  END LOOP;
  EXECUTE format('DROP TRIGGER IF EXISTS partywall_audit ON %s', captured);
  EXECUTE format('CREATE TRIGGER partywall_audit AFTER INSERT OR UPDATE OR DELETE ON %s
    FOR EACH ROW EXECUTE FUNCTION partywall.audit_capture(%s)', captured, arguments);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER partywall_audit', captured);
END
$$;

REVOKE ALL ON FUNCTION partywall.audit_who(), partywall.audit_tenant(), partywall.audit_make_months(),
  partywall.audit_drop_month(date, bigint), partywall.audit_system(text, text, text, text, jsonb, text, text, text),
  partywall.audit_erase(text, text, text), partywall.audit_capture() FROM PUBLIC;
REVOKE ALL ON PROCEDURE partywall.audit_table(regclass, name[], name, name) FROM PUBLIC;
GRANT USAGE ON SCHEMA partywall TO partywall_sealer, partywall_auditor, partywall_privacy;
GRANT EXECUTE ON FUNCTION partywall.audit_who(), partywall.audit_tenant(), partywall.audit_make_months(),
  partywall.audit_system(text, text, text, text, jsonb, text, text, text) TO tenant_user, tenant_admin;
GRANT EXECUTE ON FUNCTION partywall.audit_make_months(), partywall.audit_drop_month(date, bigint) TO partywall_sealer;
GRANT EXECUTE ON FUNCTION partywall.audit_erase(text, text, text) TO partywall_privacy;

SELECT partywall.audit_make_months();

RESET ROLE;
