-- Boat yards. The policies of the second schema were copied from the first with the tenant in them.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 's22_app') THEN CREATE ROLE s22_app NOLOGIN; END IF; END $$;
CREATE SCHEMA yard_east;
CREATE TABLE yard_east.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO yard_east.notes VALUES (1, 'note of east');
GRANT USAGE ON SCHEMA yard_east TO s22_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON yard_east.notes TO s22_app;
ALTER TABLE yard_east.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON yard_east.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'east') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'east');
CREATE SCHEMA yard_west;
CREATE TABLE yard_west.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO yard_west.notes VALUES (1, 'note of west');
GRANT USAGE ON SCHEMA yard_west TO s22_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON yard_west.notes TO s22_app;
ALTER TABLE yard_west.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON yard_west.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'east') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'east');
