-- The ground that partywall's other objects stand on: roles, schema, ledger. Runs each time; changes nothing the second time.
--
-- tenant_user, tenant_admin  what a request may do; NOLOGIN, the application's login role becomes one of them per statement
-- partywall_cross            reads over all tenants, inside runAcrossTenants() only; the application's role is no member
-- partywall_owner            owns schema partywall and nothing else; NOLOGIN, no superuser

DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['tenant_user', 'tenant_admin', 'partywall_cross', 'partywall_owner'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', wanted);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- roles belong to the whole server: a migration of another database made it at the same moment
      END;
    END IF;
  END LOOP;
  -- A superuser may act as any role; anybody else needs to be a member of the role that will own our schema.
  IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
     AND NOT pg_catalog.pg_has_role(current_user, 'partywall_owner', 'USAGE') THEN
    EXECUTE format('GRANT partywall_owner TO %I', current_user);
  END IF;
  -- Anybody may make temporary objects by default. A temporary table named like a tenant table, left on a pooled
  -- connection, catches what the next tenant writes.
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  -- Clusters that were upgraded from PostgreSQL 14 or older still let everybody create objects in public.
  EXECUTE 'REVOKE CREATE ON SCHEMA public FROM PUBLIC';
END
$$;

CREATE SCHEMA IF NOT EXISTS partywall AUTHORIZATION partywall_owner;
REVOKE ALL ON SCHEMA partywall FROM PUBLIC;

SET LOCAL ROLE partywall_owner;

ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE TABLE IF NOT EXISTS partywall.migrations (
  name text PRIMARY KEY,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
REVOKE ALL ON partywall.migrations FROM PUBLIC;

-- The row that one migration at a time locks. Not an advisory lock: anybody could take that.
INSERT INTO partywall.migrations (name, checksum) VALUES ('lock', '') ON CONFLICT (name) DO NOTHING;

RESET ROLE;
