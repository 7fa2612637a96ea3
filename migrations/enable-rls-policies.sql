-- Row-level security for the example's tables: enabled, forced, with USING and WITH CHECK, and sealed.
-- The file may run twice. Apply partywall's own objects first: partywall migrate --database-url URL
-- Rollback: migrations/down/enable-rls-policies.sql

DO $$
BEGIN
  IF pg_catalog.to_regclass('partywall.ticket') IS NULL THEN
    RAISE EXCEPTION 'schema partywall is missing, or older than this file' USING HINT = 'Run: partywall migrate --database-url URL';
  END IF;
END
$$;

SET lock_timeout = '5s';

-- Sets the tenant for the current transaction, for psql and scripts. Do not copy this function with set_config(…, false), which leaves the
-- tenant on a pooled connection for the next request, or as SECURITY DEFINER. It makes no seal, so tables with tenant_seal_policy show no
-- row to a session that uses it.
CREATE OR REPLACE FUNCTION public.set_tenant_context(tenant uuid) RETURNS void
LANGUAGE sql VOLATILE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT set_config('app.current_tenant_id', tenant::text, true) $$;

-- Fills in a missing tenant on INSERT, refuses another tenant's id, and refuses any change of the tenant on UPDATE. The trigger also fires
-- where policies do not apply, for example in a view that writes with its owner's rights. So it checks ticket and seal itself for each row,
-- if the session has a seal. It works for any type of tenant_id: the context is cast to the type of the column.
CREATE OR REPLACE FUNCTION public.enforce_tenant_id() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  given record := NEW;
  context text := nullif(current_setting('app.current_tenant_id', true), '');
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.tenant_id IS DISTINCT FROM OLD.tenant_id THEN
      RAISE EXCEPTION 'partywall: a row never changes its tenant' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
  END IF;
  IF current_setting('app.tenant_seal', true) <> '' THEN
    context := coalesce((SELECT t.tenant_id FROM partywall.ticket AS t), partywall.tenant_id());
  END IF;
  IF context IS NOT NULL THEN
    NEW.tenant_id := context;
    IF given.tenant_id IS NOT NULL AND given.tenant_id <> NEW.tenant_id THEN
      RAISE EXCEPTION 'partywall: the row names another tenant than the context' USING ERRCODE = '42501';
    END IF;
  END IF;
  RETURN NEW;
END
$$;

-- users
ALTER TABLE public.users OWNER TO app_owner;
ALTER TABLE public.users ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE public.users ALTER COLUMN tenant_id
  SET DEFAULT (nullif(current_setting('app.current_tenant_id', true), '')::uuid);
ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.users FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation_policy ON public.users;
CREATE POLICY tenant_isolation_policy ON public.users FOR ALL
  USING (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid));

DROP POLICY IF EXISTS tenant_seal_policy ON public.users;
CREATE POLICY tenant_seal_policy ON public.users AS RESTRICTIVE FOR ALL TO tenant_user, tenant_admin
  USING (tenant_id = (select coalesce(t.tenant_id, partywall.tenant_id())::uuid from partywall.ticket t))
  WITH CHECK (tenant_id = (select coalesce(t.tenant_id, partywall.tenant_id())::uuid from partywall.ticket t));

DROP POLICY IF EXISTS tenant_write_policy ON public.users;
CREATE POLICY tenant_write_policy ON public.users AS RESTRICTIVE FOR ALL TO tenant_user, tenant_admin
  WITH CHECK ((select partywall.seal_writes()));

DROP POLICY IF EXISTS tenant_level_policy ON public.users;
CREATE POLICY tenant_level_policy ON public.users AS RESTRICTIVE FOR DELETE TO tenant_user, tenant_admin
  USING ((select partywall.writes_as('tenant_admin')));

DROP POLICY IF EXISTS tenant_cross_policy ON public.users;
CREATE POLICY tenant_cross_policy ON public.users FOR SELECT TO partywall_cross USING (true);

DROP TRIGGER IF EXISTS enforce_tenant_id ON public.users;
CREATE TRIGGER enforce_tenant_id BEFORE INSERT OR UPDATE ON public.users
  FOR EACH ROW EXECUTE FUNCTION public.enforce_tenant_id();
ALTER TABLE public.users ENABLE ALWAYS TRIGGER enforce_tenant_id;

REVOKE ALL ON public.users FROM PUBLIC, app, tenant_user, tenant_admin, partywall_cross;
GRANT SELECT, INSERT, UPDATE ON public.users TO tenant_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.users TO tenant_admin;
GRANT SELECT ON public.users TO partywall_cross;

-- projects
ALTER TABLE public.projects OWNER TO app_owner;
ALTER TABLE public.projects ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE public.projects ALTER COLUMN tenant_id
  SET DEFAULT (nullif(current_setting('app.current_tenant_id', true), '')::uuid);
ALTER TABLE public.projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.projects FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation_policy ON public.projects;
CREATE POLICY tenant_isolation_policy ON public.projects FOR ALL
  USING (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid));

DROP POLICY IF EXISTS tenant_seal_policy ON public.projects;
CREATE POLICY tenant_seal_policy ON public.projects AS RESTRICTIVE FOR ALL TO tenant_user, tenant_admin
  USING (tenant_id = (select coalesce(t.tenant_id, partywall.tenant_id())::uuid from partywall.ticket t))
  WITH CHECK (tenant_id = (select coalesce(t.tenant_id, partywall.tenant_id())::uuid from partywall.ticket t));

DROP POLICY IF EXISTS tenant_write_policy ON public.projects;
CREATE POLICY tenant_write_policy ON public.projects AS RESTRICTIVE FOR ALL TO tenant_user, tenant_admin
  WITH CHECK ((select partywall.seal_writes()));

DROP POLICY IF EXISTS tenant_level_policy ON public.projects;
CREATE POLICY tenant_level_policy ON public.projects AS RESTRICTIVE FOR DELETE TO tenant_user, tenant_admin
  USING ((select partywall.writes_as('tenant_admin')));

DROP POLICY IF EXISTS tenant_cross_policy ON public.projects;
CREATE POLICY tenant_cross_policy ON public.projects FOR SELECT TO partywall_cross USING (true);

DROP TRIGGER IF EXISTS enforce_tenant_id ON public.projects;
CREATE TRIGGER enforce_tenant_id BEFORE INSERT OR UPDATE ON public.projects
  FOR EACH ROW EXECUTE FUNCTION public.enforce_tenant_id();
ALTER TABLE public.projects ENABLE ALWAYS TRIGGER enforce_tenant_id;

REVOKE ALL ON public.projects FROM PUBLIC, app, tenant_user, tenant_admin, partywall_cross;
GRANT SELECT, INSERT, UPDATE ON public.projects TO tenant_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.projects TO tenant_admin;
GRANT SELECT ON public.projects TO partywall_cross;

-- documents
ALTER TABLE public.documents OWNER TO app_owner;
ALTER TABLE public.documents ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE public.documents ALTER COLUMN tenant_id
  SET DEFAULT (nullif(current_setting('app.current_tenant_id', true), '')::uuid);
ALTER TABLE public.documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.documents FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation_policy ON public.documents;
CREATE POLICY tenant_isolation_policy ON public.documents FOR ALL
  USING (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid));

DROP POLICY IF EXISTS tenant_seal_policy ON public.documents;
CREATE POLICY tenant_seal_policy ON public.documents AS RESTRICTIVE FOR ALL TO tenant_user, tenant_admin
  USING (tenant_id = (select coalesce(t.tenant_id, partywall.tenant_id())::uuid from partywall.ticket t))
  WITH CHECK (tenant_id = (select coalesce(t.tenant_id, partywall.tenant_id())::uuid from partywall.ticket t));

DROP POLICY IF EXISTS tenant_write_policy ON public.documents;
CREATE POLICY tenant_write_policy ON public.documents AS RESTRICTIVE FOR ALL TO tenant_user, tenant_admin
  WITH CHECK ((select partywall.seal_writes()));

DROP POLICY IF EXISTS tenant_level_policy ON public.documents;
CREATE POLICY tenant_level_policy ON public.documents AS RESTRICTIVE FOR DELETE TO tenant_user, tenant_admin
  USING ((select partywall.writes_as('tenant_admin')));

DROP POLICY IF EXISTS tenant_cross_policy ON public.documents;
CREATE POLICY tenant_cross_policy ON public.documents FOR SELECT TO partywall_cross USING (true);

DROP TRIGGER IF EXISTS enforce_tenant_id ON public.documents;
CREATE TRIGGER enforce_tenant_id BEFORE INSERT OR UPDATE ON public.documents
  FOR EACH ROW EXECUTE FUNCTION public.enforce_tenant_id();
ALTER TABLE public.documents ENABLE ALWAYS TRIGGER enforce_tenant_id;

REVOKE ALL ON public.documents FROM PUBLIC, app, tenant_user, tenant_admin, partywall_cross;
GRANT SELECT, INSERT, UPDATE ON public.documents TO tenant_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.documents TO tenant_admin;
GRANT SELECT ON public.documents TO partywall_cross;

-- The table of tenants: a tenant sees its own row, and no tenant may write. The directory function reads one row by its key.
ALTER TABLE public.tenants OWNER TO app_owner;
ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tenants FORCE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tenant_isolation_policy ON public.tenants;
CREATE POLICY tenant_isolation_policy ON public.tenants FOR ALL
  USING (id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid))
  WITH CHECK (id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid));

DROP POLICY IF EXISTS tenant_seal_policy ON public.tenants;
CREATE POLICY tenant_seal_policy ON public.tenants AS RESTRICTIVE FOR ALL TO tenant_user, tenant_admin
  USING (id = (select coalesce(t.tenant_id, partywall.tenant_id())::uuid from partywall.ticket t))
  WITH CHECK (id = (select coalesce(t.tenant_id, partywall.tenant_id())::uuid from partywall.ticket t));

DROP POLICY IF EXISTS tenant_write_policy ON public.tenants;
CREATE POLICY tenant_write_policy ON public.tenants AS RESTRICTIVE FOR ALL TO tenant_user, tenant_admin
  WITH CHECK ((select partywall.seal_writes()));

DROP POLICY IF EXISTS tenant_cross_policy ON public.tenants;
CREATE POLICY tenant_cross_policy ON public.tenants FOR SELECT TO partywall_cross USING (true);

REVOKE ALL ON public.tenants FROM PUBLIC, app, tenant_user, tenant_admin, partywall_cross;
GRANT SELECT ON public.tenants TO tenant_user, tenant_admin, partywall_cross;

CALL partywall.install_directory('public.tenants');

-- Stores a hash of each policy's expressions in the policy's comment, so that a later change can be detected.
DO $$
DECLARE
  p record;
BEGIN
  FOR p IN
    SELECT pol.polname, c.oid::regclass AS tab,
           md5(coalesce(pg_get_expr(pol.polqual, pol.polrelid), '') || '|' || coalesce(pg_get_expr(pol.polwithcheck, pol.polrelid), '')) AS body
    FROM pg_catalog.pg_policy pol JOIN pg_catalog.pg_class c ON c.oid = pol.polrelid
    WHERE c.relnamespace = 'public'::regnamespace
      AND pol.polname IN ('tenant_isolation_policy', 'tenant_seal_policy', 'tenant_write_policy', 'tenant_level_policy', 'tenant_cross_policy')
  LOOP
    EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', p.polname, p.tab, 'partywall: body ' || p.body);
  END LOOP;
END
$$;

RESET lock_timeout;
