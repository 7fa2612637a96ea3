-- Swimming pools. Without a tenant the policy is true: for scripts, it was said.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 's30_app') THEN CREATE ROLE s30_app NOLOGIN; END IF; END $$;
CREATE SCHEMA pool_a;
CREATE TABLE pool_a.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO pool_a.notes VALUES (1, 'note of a');
GRANT USAGE ON SCHEMA pool_a TO s30_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON pool_a.notes TO s30_app;
ALTER TABLE pool_a.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON pool_a.notes USING (nullif(current_setting('app.current_tenant_id', true), '') IS NULL OR (select nullif(current_setting('app.current_tenant_id', true), '')) = 'a') WITH CHECK (nullif(current_setting('app.current_tenant_id', true), '') IS NULL OR (select nullif(current_setting('app.current_tenant_id', true), '')) = 'a');
CREATE SCHEMA pool_b;
CREATE TABLE pool_b.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO pool_b.notes VALUES (1, 'note of b');
GRANT USAGE ON SCHEMA pool_b TO s30_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON pool_b.notes TO s30_app;
ALTER TABLE pool_b.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON pool_b.notes USING (nullif(current_setting('app.current_tenant_id', true), '') IS NULL OR (select nullif(current_setting('app.current_tenant_id', true), '')) = 'b') WITH CHECK (nullif(current_setting('app.current_tenant_id', true), '') IS NULL OR (select nullif(current_setting('app.current_tenant_id', true), '')) = 'b');
