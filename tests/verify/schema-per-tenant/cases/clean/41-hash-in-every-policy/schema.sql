-- Inns. The policies compare a hash of the tenant, so that no role reads a tenant's id in pg_policies.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'k41_app') THEN CREATE ROLE k41_app NOLOGIN; END IF; END $$;
CREATE SCHEMA inn_fox;
CREATE TABLE inn_fox.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO inn_fox.notes VALUES (1, 'note of fox');
GRANT USAGE ON SCHEMA inn_fox TO k41_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON inn_fox.notes TO k41_app;
ALTER TABLE inn_fox.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON inn_fox.notes USING ((select encode(sha256(convert_to(current_setting('app.current_tenant_id', true), 'UTF8')), 'hex')) = '776cb326ab0cd5f0a974c1b9606044d8485201f2db19cf8e3749bdee5f36e200') WITH CHECK ((select encode(sha256(convert_to(current_setting('app.current_tenant_id', true), 'UTF8')), 'hex')) = '776cb326ab0cd5f0a974c1b9606044d8485201f2db19cf8e3749bdee5f36e200');
CREATE SCHEMA inn_owl;
CREATE TABLE inn_owl.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO inn_owl.notes VALUES (1, 'note of owl');
GRANT USAGE ON SCHEMA inn_owl TO k41_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON inn_owl.notes TO k41_app;
ALTER TABLE inn_owl.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON inn_owl.notes USING ((select encode(sha256(convert_to(current_setting('app.current_tenant_id', true), 'UTF8')), 'hex')) = '10f7127b980b0b06ef157749f8a02cca1c606d22642729dcb2d24dbbf2bf30df') WITH CHECK ((select encode(sha256(convert_to(current_setting('app.current_tenant_id', true), 'UTF8')), 'hex')) = '10f7127b980b0b06ef157749f8a02cca1c606d22642729dcb2d24dbbf2bf30df');
