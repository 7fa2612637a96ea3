-- Mills. WITH CHECK is true: a tenant plants rows in the schema of another.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 's24_app') THEN CREATE ROLE s24_app NOLOGIN; END IF; END $$;
CREATE SCHEMA mill_a;
CREATE TABLE mill_a.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO mill_a.notes VALUES (1, 'note of a');
GRANT USAGE ON SCHEMA mill_a TO s24_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON mill_a.notes TO s24_app;
ALTER TABLE mill_a.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON mill_a.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a');
CREATE SCHEMA mill_b;
CREATE TABLE mill_b.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO mill_b.notes VALUES (1, 'note of b');
GRANT USAGE ON SCHEMA mill_b TO s24_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON mill_b.notes TO s24_app;
ALTER TABLE mill_b.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON mill_b.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b');
DROP POLICY own_schema ON mill_b.notes; CREATE POLICY own_schema ON mill_b.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b') WITH CHECK (true);
