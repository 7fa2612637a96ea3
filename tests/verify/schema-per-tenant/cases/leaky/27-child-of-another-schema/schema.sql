-- Laboratories. A table of one schema inherits from a table of another: the parent's policies alone decide there.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 's27_app') THEN CREATE ROLE s27_app NOLOGIN; END IF; END $$;
CREATE SCHEMA lab_a;
CREATE TABLE lab_a.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO lab_a.notes VALUES (1, 'note of a');
GRANT USAGE ON SCHEMA lab_a TO s27_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON lab_a.notes TO s27_app;
ALTER TABLE lab_a.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON lab_a.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a');
CREATE SCHEMA lab_b;
CREATE TABLE lab_b.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO lab_b.notes VALUES (1, 'note of b');
GRANT USAGE ON SCHEMA lab_b TO s27_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON lab_b.notes TO s27_app;
ALTER TABLE lab_b.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON lab_b.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b');
ALTER TABLE lab_b.notes INHERIT lab_a.notes;
