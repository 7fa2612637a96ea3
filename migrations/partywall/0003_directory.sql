-- The tenant directory: one tenant by its key, before there is a context, or by its id; never a list.
-- partywall.install_directory('public.tenants') makes it for your tenants table.

SET LOCAL ROLE partywall_owner;

-- Tells listeners that something about a tenant changed. Only a hint: who hears it reads the table again. The payload
-- is a hash, since LISTEN needs no privilege.
CREATE FUNCTION partywall.notify_tenant_change() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  changed jsonb := to_jsonb(CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END);
BEGIN
  PERFORM pg_notify('partywall_tenants', encode(sha256(convert_to(changed ->> TG_ARGV[0], 'UTF8')), 'hex'));
  RETURN NULL;
END
$$;

CREATE PROCEDURE partywall.install_directory(
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
  -- The function below runs as partywall_owner, which row-level security would show nothing.
  EXECUTE format('CREATE POLICY tenant_directory_policy ON %s FOR SELECT TO partywall_owner USING (true)', tenants);
  EXECUTE format('DROP TRIGGER IF EXISTS partywall_tenant_change ON %s', tenants);
  EXECUTE format(
    'CREATE TRIGGER partywall_tenant_change AFTER INSERT OR UPDATE OR DELETE ON %s
       FOR EACH ROW EXECUTE FUNCTION partywall.notify_tenant_change(%L)', tenants, id_column);
  SET LOCAL ROLE partywall_owner;
  EXECUTE format(
    'CREATE OR REPLACE FUNCTION partywall.tenant_by_key(wanted text)
       RETURNS TABLE (id text, status text, tier text)
       LANGUAGE sql STABLE SECURITY DEFINER
       BEGIN ATOMIC
         SELECT t.%I::text, t.%I::text, t.%I::text FROM %s AS t WHERE t.%I = $1 LIMIT 1;
       END', id_column, status_column, tier_column, tenants, key_column);
  -- For envelopes and staff access, which know the canonical id. The cast is on the parameter's side, so that the primary
  -- key's index serves; a text that is no such id is an error there (22P02).
  EXECUTE format(
    'CREATE OR REPLACE FUNCTION partywall.tenant_by_id(wanted text)
       RETURNS TABLE (id text, status text, tier text)
       LANGUAGE sql STABLE SECURITY DEFINER
       BEGIN ATOMIC
         SELECT t.%I::text, t.%I::text, t.%I::text FROM %s AS t WHERE t.%I = $1::%s LIMIT 1;
       END', id_column, status_column, tier_column, tenants, id_column, id_type);
  REVOKE ALL ON FUNCTION partywall.tenant_by_key(text), partywall.tenant_by_id(text) FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION partywall.tenant_by_key(text), partywall.tenant_by_id(text) TO tenant_user, tenant_admin;
  EXECUTE format('SET LOCAL ROLE %I', caller);
END
$$;

REVOKE ALL ON FUNCTION partywall.notify_tenant_change() FROM PUBLIC;
REVOKE ALL ON PROCEDURE partywall.install_directory(regclass, name, name, name, name) FROM PUBLIC;

RESET ROLE;
