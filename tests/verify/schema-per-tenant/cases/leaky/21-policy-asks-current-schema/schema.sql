-- Salons. One policy text for all schemas: it asks where the caller looks, and not where the table is.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 's21_app') THEN CREATE ROLE s21_app NOLOGIN; END IF; END $$;
CREATE SCHEMA salon_a;
CREATE TABLE salon_a.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO salon_a.notes VALUES (1, 'note of a');
GRANT USAGE ON SCHEMA salon_a TO s21_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON salon_a.notes TO s21_app;
ALTER TABLE salon_a.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON salon_a.notes USING (current_schema() = 'salon_' || (select nullif(current_setting('app.current_tenant_id', true), ''))) WITH CHECK (current_schema() = 'salon_' || (select nullif(current_setting('app.current_tenant_id', true), '')));
CREATE SCHEMA salon_b;
CREATE TABLE salon_b.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO salon_b.notes VALUES (1, 'note of b');
GRANT USAGE ON SCHEMA salon_b TO s21_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON salon_b.notes TO s21_app;
ALTER TABLE salon_b.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON salon_b.notes USING (current_schema() = 'salon_' || (select nullif(current_setting('app.current_tenant_id', true), ''))) WITH CHECK (current_schema() = 'salon_' || (select nullif(current_setting('app.current_tenant_id', true), '')));
