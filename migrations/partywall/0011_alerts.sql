-- The outbox of alerts: written by the application through one function, delivered by a login of partywall_alerts.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'partywall_alerts') THEN
    BEGIN
      CREATE ROLE partywall_alerts NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL; -- a migration of another database made it at the same moment
    END;
  END IF;
END
$$;

SET LOCAL ROLE partywall_owner;

-- One row per alert and sink. stream is the tenant, '' for none; within a stream alerts keep their order.
CREATE TABLE partywall.alerts (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  sink text NOT NULL,
  stream text NOT NULL CHECK (length(stream) <= 256),
  dedup_key text NOT NULL CHECK (length(dedup_key) <= 64),
  type text NOT NULL CHECK (length(type) <= 64),
  payload jsonb NOT NULL CHECK (octet_length(payload::text) <= 16384),
  count bigint NOT NULL CHECK (count > 0),
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'dead')),
  attempts integer NOT NULL DEFAULT 0,
  locked_until timestamptz,
  last_error text,
  ended_at timestamptz
);
CREATE INDEX alerts_pending ON partywall.alerts (sink, stream, seq) WHERE status = 'pending';
CREATE INDEX alerts_recent ON partywall.alerts (sink, dedup_key, first_at);
-- What was not tried yet takes the repeats of its source.
CREATE UNIQUE INDEX alerts_open ON partywall.alerts (sink, dedup_key) WHERE status = 'pending' AND attempts = 0;
REVOKE ALL ON partywall.alerts FROM PUBLIC;
GRANT SELECT, UPDATE, DELETE ON partywall.alerts TO partywall_alerts;

-- One alert into the outbox of each sink. A repeat within the window waits for the window's end, and is counted.
CREATE FUNCTION partywall.alert_outbox_add(sinks text[], stream text, dedup_key text, type text, payload jsonb, count bigint,
  first_at timestamptz, last_at timestamptz, window_ms double precision) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  waiting bigint;
  -- Of its stream alone: a tenant must not hold up or take in another's alerts, nor its own for ever.
  source text := encode(sha256(convert_to($2 || chr(10) || $3, 'UTF8')), 'hex');
  began timestamptz := least($7, clock_timestamp() + interval '1 minute');
  pause interval := make_interval(secs => least($9, 86400000) / 1000);
BEGIN
  -- The application adds alerts of all tenants in an empty context, which has a seal of its own.
  IF partywall.audit_tenant() IS DISTINCT FROM $2 AND NOT partywall.is_empty_context() THEN
    RAISE EXCEPTION 'partywall: the alert names another tenant than the seal' USING ERRCODE = '42501';
  END IF;
  -- Injected SQL may call this; it may not fill the disk.
  SELECT count(*) INTO waiting FROM (SELECT FROM partywall.alerts AS a
    WHERE a.status = 'pending' AND a.sink = ANY ($1) AND a.stream = $2 LIMIT 10000) AS w;
  IF waiting >= 10000 THEN
    RAISE EXCEPTION 'partywall: too many alerts of this stream wait' USING ERRCODE = '53400';
  END IF;
  INSERT INTO partywall.alerts AS open (sink, stream, dedup_key, type, payload, count, first_at, last_at, due_at)
  SELECT s.sink, $2, source, $4, $5, $6, began, $8, coalesce(
    (SELECT max(a.first_at) + pause FROM partywall.alerts AS a
       WHERE a.sink = s.sink AND a.dedup_key = source AND a.first_at > began - pause), began)
  FROM unnest($1) AS s (sink)
  ON CONFLICT (sink, dedup_key) WHERE status = 'pending' AND attempts = 0
  DO UPDATE SET count = open.count + excluded.count, last_at = greatest(open.last_at, excluded.last_at);
END
$$;

REVOKE ALL ON FUNCTION partywall.alert_outbox_add(text[], text, text, text, jsonb, bigint, timestamptz, timestamptz, double precision)
  FROM PUBLIC;
GRANT USAGE ON SCHEMA partywall TO partywall_alerts;
GRANT EXECUTE ON FUNCTION partywall.alert_outbox_add(text[], text, text, text, jsonb, bigint, timestamptz, timestamptz, double precision)
  TO tenant_user, tenant_admin;

RESET ROLE;
