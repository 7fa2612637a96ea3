-- Hotels. One tenant has a table beside those of the others, protected as they are.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'k43_app') THEN CREATE ROLE k43_app NOLOGIN; END IF; END $$;
CREATE SCHEMA hotel_fox;
CREATE TABLE hotel_fox.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO hotel_fox.notes VALUES (1, 'note of fox');
GRANT USAGE ON SCHEMA hotel_fox TO k43_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON hotel_fox.notes TO k43_app;
ALTER TABLE hotel_fox.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON hotel_fox.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'fox') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'fox');
CREATE SCHEMA hotel_owl;
CREATE TABLE hotel_owl.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO hotel_owl.notes VALUES (1, 'note of owl');
GRANT USAGE ON SCHEMA hotel_owl TO k43_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON hotel_owl.notes TO k43_app;
ALTER TABLE hotel_owl.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON hotel_owl.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'owl') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'owl');
CREATE TABLE hotel_owl.spa (id int PRIMARY KEY, note text NOT NULL); INSERT INTO hotel_owl.spa VALUES (1, 'spa of owl');
ALTER TABLE hotel_owl.spa ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY own_schema ON hotel_owl.spa USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'owl'); GRANT SELECT ON hotel_owl.spa TO k43_app;
