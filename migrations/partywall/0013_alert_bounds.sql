-- No tenant can stop, forge or flood the alerts of the others.
--
-- Before, SQL that was injected into a tenant's statement could call alert_outbox_add(): with a date that JavaScript cannot read
-- (delivery of all alerts stopped), with another tenant's name in the payload, or often enough to fill the table. Now:
--
-- - the function answers only in the application's empty context, which has a seal of its own;
-- - every argument is bounded here, whoever calls, since a database without a seal key cannot tell who calls;
-- - the tenant of an alert is its stream: the payload cannot name another one;
-- - each stream has an allowance per day. What exceeds it is counted in one small alert per type;
-- - alerts go only to sinks that a sender, or the sealed application, has registered.

SET LOCAL ROLE partywall_owner;

ALTER TABLE partywall.alerts ADD COLUMN added_at timestamptz NOT NULL DEFAULT clock_timestamp();
CREATE INDEX alerts_of_stream ON partywall.alerts (stream, added_at);
-- For the retention.
CREATE INDEX alerts_added ON partywall.alerts (added_at);

-- The sinks that somebody delivers to. A sender registers its own; so does the application, where its context is sealed.
CREATE TABLE partywall.alert_sinks (
  name text PRIMARY KEY CHECK (name <> '' AND length(name) <= 64),
  added_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
REVOKE ALL ON partywall.alert_sinks FROM PUBLIC;
GRANT SELECT, INSERT ON partywall.alert_sinks TO partywall_alerts;

-- Registers the sinks where the caller is the sealed application, and refuses those that are not known.
CREATE FUNCTION partywall.alert_know_sinks(sinks text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF sinks IS NULL OR cardinality(sinks) NOT BETWEEN 1 AND 32 OR array_ndims(sinks) <> 1 THEN
    RAISE EXCEPTION 'partywall: an alert goes to 1 to 32 sinks' USING ERRCODE = '22023';
  END IF;
  IF EXISTS (SELECT FROM unnest(sinks) AS s (name) WHERE s.name IS NULL OR s.name = '' OR length(s.name) > 64) THEN
    RAISE EXCEPTION 'partywall: the name of a sink has 1 to 64 characters' USING ERRCODE = '22023';
  END IF;
  IF NOT EXISTS (SELECT FROM unnest(sinks) AS s (name) WHERE NOT EXISTS (SELECT FROM partywall.alert_sinks AS k WHERE k.name = s.name)) THEN
    RETURN;
  END IF;
  IF NOT EXISTS (SELECT FROM partywall.seal_keys) THEN
    RAISE EXCEPTION 'partywall: nobody delivers to a sink of this alert'
      USING ERRCODE = '22023', HINT = 'Start a process with alerts.outboxUrl and this sink: it registers the sink.';
  END IF;
  IF (SELECT count(*) FROM partywall.alert_sinks) >= 200 THEN
    RAISE EXCEPTION 'partywall: 200 sinks are registered'
      USING ERRCODE = '53400', HINT = 'Keep the name of a sink when its address changes. Delete old rows of partywall.alert_sinks.';
  END IF;
  INSERT INTO partywall.alert_sinks (name) SELECT DISTINCT s.name FROM unnest(sinks) AS s (name) ON CONFLICT DO NOTHING;
END
$$;
REVOKE ALL ON FUNCTION partywall.alert_know_sinks(text[]) FROM PUBLIC;

-- The payload as senders read it: these members and no other, each of its type. The tenant is the stream's.
CREATE FUNCTION partywall.alert_payload(stream text, payload jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object(
      'severity', CASE WHEN $2 ->> 'severity' IN ('low', 'medium', 'high', 'critical') THEN $2 ->> 'severity' ELSE 'medium' END,
      'tenantId', nullif($1, ''),
      'userId', left($2 ->> 'userId', 1000),
      'requestId', left($2 ->> 'requestId', 1000)))
    || jsonb_build_object('details', CASE WHEN jsonb_typeof($2 -> 'details') = 'object' THEN $2 -> 'details' ELSE '{}' END)
$$;
REVOKE ALL ON FUNCTION partywall.alert_payload(text, jsonb) FROM PUBLIC;

-- One alert into the outbox of each sink. A repeat within the window waits for the window's end, and is counted.
CREATE OR REPLACE FUNCTION partywall.alert_outbox_add(sinks text[], stream text, dedup_key text, type text, payload jsonb, count bigint,
  first_at timestamptz, last_at timestamptz, window_ms double precision) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  source text;
  added bigint;
  body jsonb;
  -- Between the two, JavaScript can read a date, and an alert is not held back by a time to come.
  latest timestamptz := clock_timestamp() + interval '1 minute';
  began timestamptz := greatest('2000-01-01+00', least($7, latest));
  ended timestamptz := greatest(began, least($8, latest));
  -- NaN sorts above every number.
  pause interval := make_interval(secs => greatest(0, least(coalesce($9, 60000), 86400000)) / 1000);
  times bigint := least($6, 1000000000);
BEGIN
  IF NOT partywall.is_empty_context() THEN
    RAISE EXCEPTION 'partywall: only the application adds alerts, in its empty context'
      USING ERRCODE = '42501',
            HINT = 'Use runWithoutTenant(). This database has a seal key, so the pool needs seal: { secret } for it, too.';
  END IF;
  IF $2 IS NULL OR length($2) > 256 OR $3 IS NULL OR length($3) > 256 OR coalesce($4 !~ '^[A-Z][A-Z_]{0,63}$', true)
     OR $6 IS NULL OR $6 < 1 OR $7 IS NULL OR $8 IS NULL THEN
    RAISE EXCEPTION 'partywall: the stream, key, type, count or time of this alert is missing or out of bounds' USING ERRCODE = '22023';
  END IF;
  -- The size in memory comes first, since the text of a large value would have to be made to be measured.
  IF $5 IS NULL OR jsonb_typeof($5) <> 'object' OR pg_column_size($5) > 65536 OR octet_length($5::text) > 16384 THEN
    RAISE EXCEPTION 'partywall: the payload of an alert is an object of at most 16 KiB' USING ERRCODE = '22023';
  END IF;
  PERFORM partywall.alert_know_sinks($1);
  -- Of its stream alone: a tenant must not hold up or take in another's alerts.
  source := encode(sha256(convert_to($2 || chr(10) || $3, 'UTF8')), 'hex');
  body := partywall.alert_payload($2, $5);
  SELECT count(*) INTO added FROM (SELECT FROM partywall.alerts AS a
    WHERE a.stream = $2 AND a.added_at > clock_timestamp() - interval '1 day' LIMIT 1000) AS w;
  IF added >= 1000 AND NOT EXISTS (SELECT FROM partywall.alerts AS a WHERE a.sink = ANY ($1) AND a.dedup_key = source
       AND a.status = 'pending' AND a.attempts = 0) THEN
    -- The allowance of the stream is used up: from here on its alerts are counted, one row for each type and hour.
    source := encode(sha256(convert_to($2 || chr(10) || 'beyond the allowance' || chr(10) || $4, 'UTF8')), 'hex');
    body := jsonb_set(body, '{details}', '{"folded": true}') - 'userId' - 'requestId';
    pause := greatest(pause, interval '1 hour');
  END IF;
  INSERT INTO partywall.alerts AS open (sink, stream, dedup_key, type, payload, count, first_at, last_at, due_at)
  SELECT s.sink, $2, source, $4, body, times, began, ended, coalesce(
    (SELECT max(a.first_at) + pause FROM partywall.alerts AS a
       WHERE a.sink = s.sink AND a.dedup_key = source AND a.first_at > began - pause), began)
  FROM (SELECT DISTINCT name FROM unnest($1) AS each (name)) AS s (sink)
  ON CONFLICT (sink, dedup_key) WHERE status = 'pending' AND attempts = 0
  DO UPDATE SET count = least(open.count + excluded.count, 1000000000000000), last_at = greatest(open.last_at, excluded.last_at);
END
$$;

RESET ROLE;
