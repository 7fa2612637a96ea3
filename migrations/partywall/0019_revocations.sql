-- Revoked tokens and users, for all processes of the application. The database keeps keyed hashes alone (HMAC-SHA-256 with a key of the
-- application's secret), so whoever reads the table learns no token id and no user, and can't add an entry for one.
--
-- revoke_credentials(), revoked_credentials() answer the application alone, in its own empty context: with a seal key, SQL that was
-- injected into a tenant's statement can neither revoke nor list.

SET LOCAL ROLE partywall_owner;

CREATE TABLE partywall.revocations (
  hash bytea PRIMARY KEY CHECK (length(hash) = 32),
  revoked_at timestamptz NOT NULL,
  keep_until timestamptz NOT NULL
);
CREATE INDEX revocations_keep_until ON partywall.revocations (keep_until);
REVOKE ALL ON partywall.revocations FROM PUBLIC;

-- Adds entries and notifies the processes, which read the entries again: a forged notification revokes nothing.
CREATE FUNCTION partywall.revoke_credentials(hashes bytea[], keep_seconds integer) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  one bytea;
BEGIN
  PERFORM partywall.require_empty_context();
  IF cardinality(hashes) > 16 OR keep_seconds NOT BETWEEN 1 AND 315360000 THEN
    RAISE EXCEPTION 'partywall: at most 16 hashes, kept for 1 second to 10 years' USING ERRCODE = '22023';
  END IF;
  FOREACH one IN ARRAY hashes LOOP
    INSERT INTO partywall.revocations AS r (hash, revoked_at, keep_until)
      VALUES (one, clock_timestamp(), clock_timestamp() + make_interval(secs => keep_seconds))
      ON CONFLICT (hash) DO UPDATE SET revoked_at = excluded.revoked_at, keep_until = greatest(r.keep_until, excluded.keep_until);
    PERFORM pg_notify('partywall_revocations', encode(one, 'hex'));
  END LOOP;
  DELETE FROM partywall.revocations AS r WHERE r.hash IN (
    SELECT old.hash FROM partywall.revocations AS old WHERE old.keep_until < statement_timestamp()
     ORDER BY old.keep_until LIMIT 100 FOR UPDATE SKIP LOCKED);
END
$$;

-- The entries with these hashes, or all entries. Moments in milliseconds since 1970.
CREATE FUNCTION partywall.revoked_credentials(wanted bytea[] DEFAULT NULL)
RETURNS TABLE (hash text, revoked_at double precision, keep_until double precision)
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
  SELECT encode(r.hash, 'hex'), floor(extract(epoch FROM r.revoked_at) * 1000)::double precision, floor(extract(epoch FROM r.keep_until) * 1000)::double precision
    FROM partywall.revocations AS r
   WHERE partywall.require_empty_context() AND r.keep_until >= statement_timestamp() AND (wanted IS NULL OR r.hash = ANY (wanted));
END;

REVOKE ALL ON FUNCTION partywall.revoke_credentials(bytea[], integer), partywall.revoked_credentials(bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION partywall.revoke_credentials(bytea[], integer), partywall.revoked_credentials(bytea[]) TO tenant_user, tenant_admin;

RESET ROLE;
