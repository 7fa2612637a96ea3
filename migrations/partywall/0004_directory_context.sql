-- The tenant directory answers the application alone, and only in its own empty context. Before, SQL that was injected into a
-- tenant's statement could list the other tenants' ids, status and tier by guessing their keys.
--
-- tenant_by_key(), tenant_by_id()        what the application asks; an error inside a tenant's context, whether that tenant exists or not
-- directory_by_key(), directory_by_id()  what they read; no role of the application may execute them
--
-- In a database without a seal key this cannot be enforced: there, injected SQL can empty the plain setting first.

SET LOCAL ROLE partywall_owner;

-- STABLE, so that the planner tests it once and before it reads anything: otherwise a key that exists would give an error, and
-- one that does not would give no row.
CREATE FUNCTION partywall.require_empty_context() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT partywall.is_empty_context() THEN
    RAISE EXCEPTION 'partywall: the tenant directory answers only in the empty context of the application (runWithoutTenant)%',
      CASE WHEN EXISTS (SELECT FROM partywall.seal_keys)
        THEN '; this database has a seal key, so the pool needs seal: { secret }' ELSE '' END
      USING ERRCODE = '42501';
  END IF;
  RETURN true;
END
$$;
REVOKE ALL ON FUNCTION partywall.require_empty_context() FROM PUBLIC;

-- Puts the guarded functions in front of directory_by_key() and directory_by_id().
CREATE PROCEDURE partywall.guard_directory()
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  what text;
BEGIN
  FOREACH what IN ARRAY ARRAY['key', 'id'] LOOP
    EXECUTE format(
      'CREATE OR REPLACE FUNCTION partywall.%1$I(wanted text)
         RETURNS TABLE (id text, status text, tier text)
         LANGUAGE sql STABLE SECURITY DEFINER
         BEGIN ATOMIC
           SELECT d.id, d.status, d.tier FROM partywall.%2$I($1) AS d WHERE partywall.require_empty_context();
         END', 'tenant_by_' || what, 'directory_by_' || what);
    EXECUTE format('REVOKE ALL ON FUNCTION partywall.%I(text), partywall.%I(text) FROM PUBLIC, tenant_user, tenant_admin',
      'tenant_by_' || what, 'directory_by_' || what);
    EXECUTE format('GRANT EXECUTE ON FUNCTION partywall.%I(text) TO tenant_user, tenant_admin', 'tenant_by_' || what);
  END LOOP;
END
$$;
REVOKE ALL ON PROCEDURE partywall.guard_directory() FROM PUBLIC;

DO $$
BEGIN
  IF pg_catalog.to_regprocedure('partywall.tenant_by_key(text)') IS NOT NULL THEN
    ALTER FUNCTION partywall.tenant_by_key(text) RENAME TO directory_by_key;
    ALTER FUNCTION partywall.tenant_by_id(text) RENAME TO directory_by_id;
    CALL partywall.guard_directory();
  END IF;
END
$$;

CREATE OR REPLACE PROCEDURE partywall.install_directory(
  tenants regclass,
  id_column name DEFAULT 'id',
  key_column name DEFAULT 'key',
  status_column name DEFAULT 'status',
  tier_column name DEFAULT 'tier'
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  columns text := format('%I, %I, %I, %I', id_column, key_column, status_column, tier_column);
  id_type text := (SELECT format_type(a.atttypid, NULL) FROM pg_attribute a WHERE a.attrelid = tenants AND a.attname = id_column);
  caller name := current_user;
  schema_name name := (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = tenants);
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO partywall_owner', schema_name);
  EXECUTE format('GRANT SELECT (%s) ON %s TO partywall_owner', columns, tenants);
  EXECUTE format('DROP POLICY IF EXISTS tenant_directory_policy ON %s', tenants);
  -- The functions below run as partywall_owner, which row-level security would show nothing.
  EXECUTE format('CREATE POLICY tenant_directory_policy ON %s FOR SELECT TO partywall_owner USING (true)', tenants);
  EXECUTE format('DROP TRIGGER IF EXISTS partywall_tenant_change ON %s', tenants);
  EXECUTE format(
    'CREATE TRIGGER partywall_tenant_change AFTER INSERT OR UPDATE OR DELETE ON %s
       FOR EACH ROW EXECUTE FUNCTION partywall.notify_tenant_change(%L)', tenants, id_column);
  SET LOCAL ROLE partywall_owner;
  EXECUTE format(
    'CREATE OR REPLACE FUNCTION partywall.directory_by_key(wanted text)
       RETURNS TABLE (id text, status text, tier text)
       LANGUAGE sql STABLE SECURITY DEFINER
       BEGIN ATOMIC
         SELECT t.%I::text, t.%I::text, t.%I::text FROM %s AS t WHERE t.%I = $1 LIMIT 1;
       END', id_column, status_column, tier_column, tenants, key_column);
  -- For envelopes and staff access, which know the canonical id. The cast is on the parameter's side, so that the primary
  -- key's index serves; a text that is no such id is an error there (22P02).
  EXECUTE format(
    'CREATE OR REPLACE FUNCTION partywall.directory_by_id(wanted text)
       RETURNS TABLE (id text, status text, tier text)
       LANGUAGE sql STABLE SECURITY DEFINER
       BEGIN ATOMIC
         SELECT t.%I::text, t.%I::text, t.%I::text FROM %s AS t WHERE t.%I = $1::%s LIMIT 1;
       END', id_column, status_column, tier_column, tenants, id_column, id_type);
  CALL partywall.guard_directory();
  EXECUTE format('SET LOCAL ROLE %I', caller);
END
$$;

RESET ROLE;
