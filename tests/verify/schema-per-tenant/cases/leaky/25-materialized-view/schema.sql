-- Cafes. A materialized view for a chart knows no policy.
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 's25_app') THEN CREATE ROLE s25_app NOLOGIN; END IF; END $$;
CREATE SCHEMA cafe_a;
CREATE TABLE cafe_a.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO cafe_a.notes VALUES (1, 'note of a');
GRANT USAGE ON SCHEMA cafe_a TO s25_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON cafe_a.notes TO s25_app;
ALTER TABLE cafe_a.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON cafe_a.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'a');
CREATE SCHEMA cafe_b;
CREATE TABLE cafe_b.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO cafe_b.notes VALUES (1, 'note of b');
GRANT USAGE ON SCHEMA cafe_b TO s25_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON cafe_b.notes TO s25_app;
ALTER TABLE cafe_b.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_schema ON cafe_b.notes USING ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b') WITH CHECK ((select nullif(current_setting('app.current_tenant_id', true), '')) = 'b');
CREATE MATERIALIZED VIEW cafe_b.totals AS SELECT count(*) AS n, string_agg(note, ',') AS notes FROM cafe_b.notes; GRANT SELECT ON cafe_b.totals TO s25_app;
