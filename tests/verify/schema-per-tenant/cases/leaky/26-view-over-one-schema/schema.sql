-- Printers. A view in the common schema reads the tables of one tenant as its owner.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 's26_app') THEN CREATE ROLE s26_app NOLOGIN; END IF; END $$;
CREATE SCHEMA press_a;
CREATE TABLE press_a.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO press_a.notes VALUES (1, 'note of a');
GRANT USAGE ON SCHEMA press_a TO s26_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON press_a.notes TO s26_app;
ALTER TABLE press_a.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON press_a.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a');
CREATE SCHEMA press_b;
CREATE TABLE press_b.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO press_b.notes VALUES (1, 'note of b');
GRANT USAGE ON SCHEMA press_b TO s26_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON press_b.notes TO s26_app;
ALTER TABLE press_b.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON press_b.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b');
CREATE SCHEMA shared_reports; GRANT USAGE ON SCHEMA shared_reports TO s26_app;
CREATE VIEW shared_reports.latest AS SELECT note FROM press_b.notes; GRANT SELECT ON shared_reports.latest TO s26_app;
