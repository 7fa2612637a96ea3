-- Rolls back migrations/enable-rls-policies.sql. Afterwards every role with grants on the tables sees all rows.

DROP TRIGGER IF EXISTS partywall_tenant_change ON public.tenants;
DROP FUNCTION IF EXISTS partywall.tenant_by_key(text), partywall.tenant_by_id(text), partywall.directory_by_key(text), partywall.directory_by_id(text);
DROP POLICY IF EXISTS tenant_directory_policy ON public.tenants;

DROP POLICY IF EXISTS tenant_isolation_policy ON public.users;
DROP POLICY IF EXISTS tenant_seal_policy ON public.users;
DROP POLICY IF EXISTS tenant_level_policy ON public.users;
DROP POLICY IF EXISTS tenant_cross_policy ON public.users;
DROP TRIGGER IF EXISTS enforce_tenant_id ON public.users;
ALTER TABLE public.users NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.users DISABLE ROW LEVEL SECURITY;
ALTER TABLE public.users ALTER COLUMN tenant_id DROP DEFAULT;

DROP POLICY IF EXISTS tenant_isolation_policy ON public.projects;
DROP POLICY IF EXISTS tenant_seal_policy ON public.projects;
DROP POLICY IF EXISTS tenant_level_policy ON public.projects;
DROP POLICY IF EXISTS tenant_cross_policy ON public.projects;
DROP TRIGGER IF EXISTS enforce_tenant_id ON public.projects;
ALTER TABLE public.projects NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.projects DISABLE ROW LEVEL SECURITY;
ALTER TABLE public.projects ALTER COLUMN tenant_id DROP DEFAULT;

DROP POLICY IF EXISTS tenant_isolation_policy ON public.documents;
DROP POLICY IF EXISTS tenant_seal_policy ON public.documents;
DROP POLICY IF EXISTS tenant_level_policy ON public.documents;
DROP POLICY IF EXISTS tenant_cross_policy ON public.documents;
DROP TRIGGER IF EXISTS enforce_tenant_id ON public.documents;
ALTER TABLE public.documents NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.documents DISABLE ROW LEVEL SECURITY;
ALTER TABLE public.documents ALTER COLUMN tenant_id DROP DEFAULT;

DROP POLICY IF EXISTS tenant_isolation_policy ON public.tenants;
DROP POLICY IF EXISTS tenant_seal_policy ON public.tenants;
DROP POLICY IF EXISTS tenant_level_policy ON public.tenants;
DROP POLICY IF EXISTS tenant_cross_policy ON public.tenants;
DROP TRIGGER IF EXISTS enforce_tenant_id ON public.tenants;
ALTER TABLE public.tenants NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.tenants DISABLE ROW LEVEL SECURITY;

DROP FUNCTION IF EXISTS public.enforce_tenant_id();
DROP FUNCTION IF EXISTS public.set_tenant_context(uuid);
