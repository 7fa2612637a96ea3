-- The tenant directory finds tenants by a key of any type. Before, install_directory() could be called for a key of text only:
-- on a table without a slug, whose key is the number that identifies the tenant, it ended in "operator does not exist".

SET LOCAL ROLE partywall_owner;

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
  -- A text that is no number asks for no tenant. Cast to the key's type it would be an error.
  key_is_text boolean := (SELECT t.typcategory = 'S' FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = tenants AND a.attname = key_column);
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
         SELECT t.%I::text, t.%I::text, t.%I::text FROM %s AS t WHERE t.%I%s = $1 LIMIT 1;
       END', id_column, status_column, tier_column, tenants, key_column, CASE WHEN key_is_text THEN '' ELSE '::text' END);
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
