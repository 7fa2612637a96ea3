-- The example: a small B2B product. Tenants share all tables; keys lead with the tenant.
-- Apply partywall's own objects first: partywall migrate --database-url URL

DO $$
DECLARE
  wanted text;
BEGIN
  -- app: the application's login. It owns and inherits nothing, and becomes tenant_user or tenant_admin for each statement.
  -- app_across: the login of runAcrossTenants(). app_owner: owns the tables; nobody logs in as it.
  -- Set the passwords yourself: ALTER ROLE app PASSWORD '…'
  FOREACH wanted IN ARRAY ARRAY['app LOGIN NOINHERIT', 'app_across LOGIN', 'app_owner NOLOGIN'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = split_part(wanted, ' ', 1)) THEN
      BEGIN
        EXECUTE 'CREATE ROLE ' || wanted;
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END;
    END IF;
  END LOOP;
  IF current_setting('server_version_num')::integer >= 160000 THEN
    EXECUTE 'GRANT tenant_user, tenant_admin TO app WITH INHERIT FALSE, SET TRUE';
  ELSE
    EXECUTE 'GRANT tenant_user, tenant_admin TO app';
  END IF;
  EXECUTE 'GRANT partywall_cross TO app_across';
END
$$;

CREATE TABLE public.tenants (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  key text NOT NULL UNIQUE,
  name text NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  tier text NOT NULL DEFAULT 'free' CHECK (tier IN ('free', 'pro', 'enterprise')),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE public.users (
  tenant_id uuid NOT NULL REFERENCES public.tenants (id),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  email text NOT NULL,
  name text NOT NULL,
  role text NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, email)
);

CREATE TABLE public.projects (
  tenant_id uuid NOT NULL REFERENCES public.tenants (id),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  name text NOT NULL,
  owner_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name),
  FOREIGN KEY (tenant_id, owner_id) REFERENCES public.users (tenant_id, id) ON DELETE SET NULL (owner_id)
);

CREATE TABLE public.documents (
  tenant_id uuid NOT NULL REFERENCES public.tenants (id),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  project_id uuid,
  title text NOT NULL,
  body text NOT NULL DEFAULT '',
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, project_id) REFERENCES public.projects (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, created_by) REFERENCES public.users (tenant_id, id) ON DELETE SET NULL (created_by)
);

CREATE INDEX projects_newest ON public.projects (tenant_id, created_at DESC, id DESC);
CREATE INDEX projects_owner ON public.projects (tenant_id, owner_id);
CREATE INDEX documents_newest ON public.documents (tenant_id, created_at DESC, id DESC);
CREATE INDEX documents_project ON public.documents (tenant_id, project_id);
CREATE INDEX documents_creator ON public.documents (tenant_id, created_by);
CREATE INDEX users_newest ON public.users (tenant_id, created_at DESC, id DESC);

GRANT USAGE ON SCHEMA public TO tenant_user, tenant_admin, partywall_cross, app_owner;
