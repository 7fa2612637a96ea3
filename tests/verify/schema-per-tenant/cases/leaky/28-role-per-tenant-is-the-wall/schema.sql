-- Ferries. Each tenant has a role, and the login may become all of them. There are no policies.
DO $$ DECLARE r text; BEGIN FOREACH r IN ARRAY ARRAY['s28_login', 's28_nord', 's28_ost'] LOOP IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN EXECUTE format('CREATE ROLE %I NOINHERIT', r); END IF; END LOOP; END $$;
GRANT s28_nord, s28_ost TO s28_login;
CREATE SCHEMA ferry_nord; CREATE SCHEMA ferry_ost;
CREATE TABLE ferry_nord.notes (id int PRIMARY KEY, note text NOT NULL); CREATE TABLE ferry_ost.notes (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO ferry_nord.notes VALUES (1, 'note of nord'); INSERT INTO ferry_ost.notes VALUES (1, 'note of ost');
GRANT USAGE ON SCHEMA ferry_nord TO s28_nord; GRANT USAGE ON SCHEMA ferry_ost TO s28_ost;
GRANT SELECT ON ferry_nord.notes TO s28_nord; GRANT SELECT ON ferry_ost.notes TO s28_ost;
