-- Malls. PUBLIC may create objects in a schema: a tenant puts a function in front of a built-in one there.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 's31_app') THEN CREATE ROLE s31_app NOLOGIN; END IF; END $$;
CREATE SCHEMA mall_a;
CREATE TABLE mall_a.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO mall_a.notes VALUES (1, 'note of a');
GRANT USAGE ON SCHEMA mall_a TO s31_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON mall_a.notes TO s31_app;
ALTER TABLE mall_a.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON mall_a.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a');
CREATE SCHEMA mall_b;
CREATE TABLE mall_b.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO mall_b.notes VALUES (1, 'note of b');
GRANT USAGE ON SCHEMA mall_b TO s31_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON mall_b.notes TO s31_app;
ALTER TABLE mall_b.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON mall_b.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b');
GRANT USAGE, CREATE ON SCHEMA mall_b TO PUBLIC;
