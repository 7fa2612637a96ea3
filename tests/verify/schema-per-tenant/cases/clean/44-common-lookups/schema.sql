-- Theatres. A common schema holds countries, which the application may only read, and a function without a fixed path.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'k44_app') THEN CREATE ROLE k44_app NOLOGIN; END IF; END $$;
CREATE SCHEMA stage_fox;
CREATE TABLE stage_fox.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO stage_fox.notes VALUES (1, 'note of fox');
GRANT USAGE ON SCHEMA stage_fox TO k44_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON stage_fox.notes TO k44_app;
ALTER TABLE stage_fox.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON stage_fox.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'fox') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'fox');
CREATE SCHEMA stage_owl;
CREATE TABLE stage_owl.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO stage_owl.notes VALUES (1, 'note of owl');
GRANT USAGE ON SCHEMA stage_owl TO k44_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON stage_owl.notes TO k44_app;
ALTER TABLE stage_owl.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON stage_owl.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'owl') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'owl');
CREATE SCHEMA lookups44; GRANT USAGE ON SCHEMA lookups44 TO k44_app; CREATE TABLE lookups44.countries (code text PRIMARY KEY); GRANT SELECT ON lookups44.countries TO k44_app;
CREATE FUNCTION lookups44.note_count() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 1::bigint';
