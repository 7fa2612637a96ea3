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
-- An explicitly empty context has a seal too, so that a statement that takes its tenant's seal away does not pass for one:
--       65       2  'e1'
--       67       8  '--------': names no key, so whatever asks for a tenant sees none, as without a seal
--       75       8  key id
--       83       1  'p' or 't'
--       84      10  not-after
--
-- Each function looks names up in pg_catalog and pg_temp alone, in this order: the caller's search_path means nothing here, and
-- temporary objects can't stand in for functions, types or operators. PL/pgSQL, since one step each costs less than one SQL
-- statement that does all (measured on PostgreSQL 18: 29 us against 43).

SET LOCAL ROLE partywall_owner;

-- Part of every dump of this database: keep dumps as you keep the secret. In no publication.
CREATE TABLE partywall.seal_keys (
  key_id text PRIMARY KEY CHECK (key_id ~ '^[0-9a-f]{8}$'),
  inner_pad bytea NOT NULL CHECK (length(inner_pad) = 64),
  outer_pad bytea NOT NULL CHECK (length(outer_pad) = 64),
  added_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
REVOKE ALL ON partywall.seal_keys FROM PUBLIC;

-- An error from inside an SQL expression.
CREATE FUNCTION partywall.refuse(reason text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'partywall: %', reason USING ERRCODE = '42501';
END
$$;

-- The body of the seal in force, NULL without one. An error for a seal that is not valid here and now: silence would
-- look like a tenant without data. Each function and operator in here is looked up anew in every transaction, which is most of
-- its price: plain variables instead of a record, one concat instead of a chain, no numeric (measured: a tenth cheaper).
CREATE FUNCTION partywall.sealed_body() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  seal text := current_setting('app.tenant_seal', true);
  body text;
  inner_key bytea;
  outer_key bytea;
BEGIN
  IF seal IS NULL OR seal = '' THEN
    RETURN NULL;
  END IF;
  SELECT k.inner_pad, k.outer_pad INTO inner_key, outer_key
    FROM partywall.seal_keys AS k WHERE k.key_id = substr(seal, 67, 8);
  IF inner_key IS NULL THEN
    IF substr(seal, 65, 10) = 'e1--------' THEN
      RETURN NULL; -- here and not above: a tenant's query does not pay for it
    END IF;
    RAISE EXCEPTION 'partywall: the seal names no key of this database' USING ERRCODE = '42501';
  END IF;
  body := substr(seal, 65);
  -- Hashes of the two MACs are compared, so that the time it takes tells nothing of the right one.
  IF sha256(sha256(outer_key || sha256(inner_key || convert_to(concat(
       body, '|', CASE substr(body, 13, 1) WHEN 'p' THEN pg_backend_pid() END, '|', current_database()), 'UTF8'))))
     <> sha256(decode(left(seal, 64), 'hex')) THEN
    RAISE EXCEPTION 'partywall: the seal is not valid' USING ERRCODE = '42501';
  END IF;
  IF statement_timestamp() > to_timestamp(substr(body, 14, 10)::double precision) THEN
    RAISE EXCEPTION 'partywall: the seal has expired' USING ERRCODE = '42501';
  END IF;
  IF substr(body, 12, 1) <> 'w' AND current_setting('transaction_read_only') <> 'on' THEN
    RAISE EXCEPTION 'partywall: the seal is for reading only' USING ERRCODE = '42501';
  END IF;
  RETURN body;
END
$$;

-- Whether this is an explicitly empty context of the application: it has the seal of one. False where a tenant's seal was taken
-- away. In a database without any key nothing is sealed: there the plain setting is all there is.
CREATE FUNCTION partywall.is_empty_context() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  seal text := current_setting('app.tenant_seal', true);
  body text := substr(seal, 65);
  inner_key bytea;
  outer_key bytea;
BEGIN
  IF NOT EXISTS (SELECT FROM partywall.seal_keys) THEN
    RETURN coalesce(current_setting('app.current_tenant_id', true), '') = '';
  END IF;
  IF seal IS NULL OR left(body, 10) <> 'e1--------' THEN
    RETURN false;
  END IF;
  SELECT k.inner_pad, k.outer_pad INTO inner_key, outer_key
    FROM partywall.seal_keys AS k WHERE k.key_id = substr(body, 11, 8);
  IF inner_key IS NULL OR sha256(sha256(outer_key || sha256(inner_key || convert_to(concat(
       body, '|', CASE substr(body, 19, 1) WHEN 'p' THEN pg_backend_pid() END, '|', current_database()), 'UTF8'))))
     <> sha256(decode(left(seal, 64), 'hex')) THEN
    RETURN false;
  END IF;
  RETURN statement_timestamp() <= to_timestamp(substr(body, 20, 10)::double precision);
END
$$;

-- The tenant that the valid seal names, in one evaluation; NULL without a seal.
CREATE FUNCTION partywall.tenant_id() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  body text := partywall.sealed_body();
BEGIN
  RETURN substr(body, 28, substr(body, 24, 4)::integer);
END
$$;

-- The user that the valid seal names; NULL without a seal.
CREATE FUNCTION partywall.user_id() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  body text := partywall.sealed_body();
  rest text := substr(body, 28 + substr(body, 24, 4)::integer);
BEGIN
  RETURN substr(rest, 5, left(rest, 4)::integer);
END
$$;

-- Who really acts, where staff act for the tenant; NULL where nobody does, and without a seal.
CREATE FUNCTION partywall.actor_id() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  body text := partywall.sealed_body();
  rest text := substr(body, 28 + substr(body, 24, 4)::integer);
BEGIN
  RETURN nullif(substr(rest, 5 + left(rest, 4)::integer + 4), '');
END
$$;

-- Whether the level in the valid seal is at least this one: 'tenant_user' or 'tenant_admin'. False without a seal.
CREATE FUNCTION partywall.role_at_least(level text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given text := substr(partywall.sealed_body(), 11, 1);
BEGIN
  RETURN coalesce(CASE level
    WHEN 'tenant_user' THEN given IN ('1', '2')
    WHEN 'tenant_admin' THEN given = '2'
    ELSE false
  END, false);
END
$$;

-- The names of the applied files of this folder: the application asks at its start whether one is missing.
CREATE FUNCTION partywall.applied_migrations() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
  SELECT m.name FROM partywall.migrations AS m WHERE m.name <> 'lock';
END;
REVOKE ALL ON FUNCTION partywall.applied_migrations() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION partywall.applied_migrations() TO tenant_user, tenant_admin;

REVOKE ALL ON FUNCTION partywall.refuse(text), partywall.sealed_body(), partywall.is_empty_context(), partywall.tenant_id(), partywall.user_id(),
  partywall.actor_id(), partywall.role_at_least(text) FROM PUBLIC;
GRANT USAGE ON SCHEMA partywall TO tenant_user, tenant_admin;
GRANT EXECUTE ON FUNCTION partywall.tenant_id(), partywall.user_id(), partywall.actor_id(),
  partywall.role_at_least(text) TO tenant_user, tenant_admin;

RESET ROLE;
