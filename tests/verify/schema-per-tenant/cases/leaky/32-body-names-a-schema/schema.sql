-- Zoos. A common function writes the name of a schema in its body, and runs as its owner.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 's32_app') THEN CREATE ROLE s32_app NOLOGIN; END IF; END $$;
CREATE SCHEMA zoo_a;
CREATE TABLE zoo_a.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO zoo_a.notes VALUES (1, 'note of a');
GRANT USAGE ON SCHEMA zoo_a TO s32_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON zoo_a.notes TO s32_app;
ALTER TABLE zoo_a.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON zoo_a.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a');
CREATE SCHEMA zoo_b;
CREATE TABLE zoo_b.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO zoo_b.notes VALUES (1, 'note of b');
GRANT USAGE ON SCHEMA zoo_b TO s32_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON zoo_b.notes TO s32_app;
ALTER TABLE zoo_b.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON zoo_b.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b');
CREATE SCHEMA tools32; GRANT USAGE ON SCHEMA tools32 TO s32_app;
CREATE FUNCTION tools32.count_notes() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN (SELECT string_agg(note, ',') FROM zoo_b.notes); END $$;
