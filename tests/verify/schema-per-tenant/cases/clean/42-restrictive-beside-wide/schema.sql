-- Bakeries. The permissive policy is wide, and a restrictive one names the tenant.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'k42_app') THEN CREATE ROLE k42_app NOLOGIN; END IF; END $$;
CREATE SCHEMA bakery_fox;
CREATE TABLE bakery_fox.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO bakery_fox.notes VALUES (1, 'note of fox');
GRANT USAGE ON SCHEMA bakery_fox TO k42_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON bakery_fox.notes TO k42_app;
ALTER TABLE bakery_fox.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON bakery_fox.notes USING (true) WITH CHECK (true);
CREATE SCHEMA bakery_owl;
CREATE TABLE bakery_owl.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO bakery_owl.notes VALUES (1, 'note of owl');
GRANT USAGE ON SCHEMA bakery_owl TO k42_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON bakery_owl.notes TO k42_app;
ALTER TABLE bakery_owl.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON bakery_owl.notes USING (true) WITH CHECK (true);
CREATE POLICY only_own ON bakery_fox.notes AS RESTRICTIVE USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'fox') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'fox');
CREATE POLICY only_own ON bakery_owl.notes AS RESTRICTIVE USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'owl') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'owl');
