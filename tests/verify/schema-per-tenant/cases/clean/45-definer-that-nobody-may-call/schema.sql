-- Museums. An export function runs as its owner, and only the owner may call it.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'k45_app') THEN CREATE ROLE k45_app NOLOGIN; END IF; END $$;
CREATE SCHEMA museum_fox;
CREATE TABLE museum_fox.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO museum_fox.notes VALUES (1, 'note of fox');
GRANT USAGE ON SCHEMA museum_fox TO k45_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON museum_fox.notes TO k45_app;
ALTER TABLE museum_fox.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON museum_fox.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'fox') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'fox');
CREATE SCHEMA museum_owl;
CREATE TABLE museum_owl.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO museum_owl.notes VALUES (1, 'note of owl');
GRANT USAGE ON SCHEMA museum_owl TO k45_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON museum_owl.notes TO k45_app;
ALTER TABLE museum_owl.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON museum_owl.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'owl') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'owl');
CREATE FUNCTION museum_fox.export() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = museum_fox, pg_temp AS 'SELECT note FROM notes'; REVOKE ALL ON FUNCTION museum_fox.export() FROM PUBLIC;
CREATE FUNCTION museum_owl.export() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = museum_owl, pg_temp AS 'SELECT note FROM notes'; REVOKE ALL ON FUNCTION museum_owl.export() FROM PUBLIC;
