-- The seal: a MAC over tenant, user, actor, level, mode, expiry, backend and database, made by the application, checked here.
-- Injected SQL can set any setting; it can't make a seal.
--
-- Setting app.tenant_seal: 64 hex digits HMAC-SHA-256, then the body:
--   offset  length
--       65       2  'v1'
--       67       8  key id
--       75       1  level: '1' tenant_user, '2' tenant_admin
--       76       1  mode: 'w' read and write, 'r' read only (valid only in a read-only transaction)
--       77       1  'p' bound to this backend, 't' behind a transaction pooler
--       78      10  not-after, seconds since 1970, against statement_timestamp()
--       88       4  length of the tenant, then the tenant; the same for user and actor ('' for none)
-- The MAC covers body || '|' || backend pid ('' behind a pooler) || '|' || database; the last two are this server's own.
--
-- BEGIN ATOMIC: names are bound when the function is made, so the caller's search_path and temporary objects mean nothing
-- here, neither for tables and functions nor for types and operators.

SET LOCAL ROLE partywall_owner;

-- Part of every dump of this database: keep dumps as you keep the secret. In no publication.
CREATE TABLE partywall.seal_keys (
  key_id text PRIMARY KEY CHECK (key_id ~ '^[0-9a-f]{8}$'),
  inner_pad bytea NOT NULL CHECK (length(inner_pad) = 64),
  outer_pad bytea NOT NULL CHECK (length(outer_pad) = 64),
  added_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
REVOKE ALL ON partywall.seal_keys FROM PUBLIC;

CREATE FUNCTION partywall.refuse(reason text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'partywall: %', reason USING ERRCODE = '42501';
END
$$;

-- The body of the seal in force, NULL without one. An error for a seal that is not valid here and now: silence would
-- look like a tenant without data.
CREATE FUNCTION partywall.sealed_body() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
BEGIN ATOMIC
  SELECT CASE
    WHEN s.seal IS NULL OR s.seal = '' THEN NULL
    WHEN k.key_id IS NULL THEN partywall.refuse('the seal names no key of this database')
    WHEN sha256(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
           substr(s.seal, 65) || '|'
           || CASE substr(s.seal, 77, 1) WHEN 'p' THEN pg_backend_pid()::text ELSE '' END
           || '|' || current_database(), 'UTF8'))))
         <> sha256(decode(left(s.seal, 64), 'hex')) THEN partywall.refuse('the seal is not valid')
    WHEN statement_timestamp() > to_timestamp(substr(s.seal, 78, 10)::double precision)
         THEN partywall.refuse('the seal has expired')
    WHEN substr(s.seal, 76, 1) <> 'w' AND current_setting('transaction_read_only') <> 'on'
         THEN partywall.refuse('the seal is for reading only')
    ELSE substr(s.seal, 65)
  END
  FROM (SELECT current_setting('app.tenant_seal', true) AS seal OFFSET 0) AS s
  LEFT JOIN partywall.seal_keys AS k ON k.key_id = substr(s.seal, 67, 8);
END;

-- The tenant that the valid seal names, in one evaluation; NULL without a seal.
CREATE FUNCTION partywall.tenant_id() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
BEGIN ATOMIC
  SELECT substr(b.body, 28, substr(b.body, 24, 4)::integer)
  FROM (SELECT partywall.sealed_body() AS body OFFSET 0) AS b;
END;

-- The user that the valid seal names; NULL without a seal.
CREATE FUNCTION partywall.user_id() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
BEGIN ATOMIC
  SELECT substr(b.rest, 5, substr(b.rest, 1, 4)::integer)
  FROM (SELECT substr(a.body, 28 + substr(a.body, 24, 4)::integer) AS rest
        FROM (SELECT partywall.sealed_body() AS body OFFSET 0) AS a OFFSET 0) AS b;
END;

-- Who really acts, where staff act for the tenant; NULL where nobody does, and without a seal.
CREATE FUNCTION partywall.actor_id() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
BEGIN ATOMIC
  SELECT nullif(substr(c.rest, 5), '')
  FROM (SELECT substr(b.rest, 5 + substr(b.rest, 1, 4)::integer) AS rest
        FROM (SELECT substr(a.body, 28 + substr(a.body, 24, 4)::integer) AS rest
              FROM (SELECT partywall.sealed_body() AS body OFFSET 0) AS a OFFSET 0) AS b OFFSET 0) AS c;
END;

-- Whether the level in the valid seal is at least this one: 'tenant_user' or 'tenant_admin'. False without a seal.
CREATE FUNCTION partywall.role_at_least(level text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
BEGIN ATOMIC
  SELECT coalesce(CASE level
    WHEN 'tenant_user' THEN substr(b.body, 11, 1) IN ('1', '2')
    WHEN 'tenant_admin' THEN substr(b.body, 11, 1) = '2'
    ELSE false
  END, false)
  FROM (SELECT partywall.sealed_body() AS body OFFSET 0) AS b;
END;

-- The names of the applied files of this folder: the application asks at its start whether one is missing.
CREATE FUNCTION partywall.applied_migrations() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
  SELECT m.name FROM partywall.migrations AS m WHERE m.name <> 'lock';
END;
REVOKE ALL ON FUNCTION partywall.applied_migrations() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION partywall.applied_migrations() TO tenant_user, tenant_admin;

REVOKE ALL ON FUNCTION partywall.refuse(text), partywall.sealed_body(), partywall.tenant_id(), partywall.user_id(),
  partywall.actor_id(), partywall.role_at_least(text) FROM PUBLIC;
GRANT USAGE ON SCHEMA partywall TO tenant_user, tenant_admin;
GRANT EXECUTE ON FUNCTION partywall.tenant_id(), partywall.user_id(), partywall.actor_id(),
  partywall.role_at_least(text) TO tenant_user, tenant_admin;

RESET ROLE;
