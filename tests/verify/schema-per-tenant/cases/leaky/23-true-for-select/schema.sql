-- Farms. A second permissive policy was added for a report and is true for everybody.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 's23_app') THEN CREATE ROLE s23_app NOLOGIN; END IF; END $$;
CREATE SCHEMA farm_a;
CREATE TABLE farm_a.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO farm_a.notes VALUES (1, 'note of a');
GRANT USAGE ON SCHEMA farm_a TO s23_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON farm_a.notes TO s23_app;
ALTER TABLE farm_a.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON farm_a.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a');
CREATE SCHEMA farm_b;
CREATE TABLE farm_b.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO farm_b.notes VALUES (1, 'note of b');
GRANT USAGE ON SCHEMA farm_b TO s23_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON farm_b.notes TO s23_app;
ALTER TABLE farm_b.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON farm_b.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b');
CREATE POLICY report ON farm_b.notes FOR SELECT USING (true);
