-- Barns. Each new table of a schema can be used before anybody writes its policies.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 's29_app') THEN CREATE ROLE s29_app NOLOGIN; END IF; END $$;
CREATE SCHEMA barn_a;
CREATE TABLE barn_a.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO barn_a.notes VALUES (1, 'note of a');
GRANT USAGE ON SCHEMA barn_a TO s29_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON barn_a.notes TO s29_app;
ALTER TABLE barn_a.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON barn_a.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a');
CREATE SCHEMA barn_b;
CREATE TABLE barn_b.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO barn_b.notes VALUES (1, 'note of b');
GRANT USAGE ON SCHEMA barn_b TO s29_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON barn_b.notes TO s29_app;
ALTER TABLE barn_b.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON barn_b.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b');
ALTER DEFAULT PRIVILEGES IN SCHEMA barn_b GRANT SELECT ON TABLES TO s29_app;
CREATE TABLE barn_b.prices (price int); INSERT INTO barn_b.prices VALUES (42);
