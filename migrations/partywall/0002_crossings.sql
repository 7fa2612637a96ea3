-- Every opening of runAcrossTenants(), written before anything is read.

SET LOCAL ROLE partywall_owner;

CREATE TABLE partywall.crossings (
  id uuid PRIMARY KEY,
  actor text NOT NULL CHECK (actor <> ''),
  reason text NOT NULL CHECK (reason <> ''),
  details jsonb NOT NULL DEFAULT '{}',
  login text NOT NULL DEFAULT session_user,
  opened_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
REVOKE ALL ON partywall.crossings FROM PUBLIC;

-- The one way to write there; login and time are the server's.
CREATE FUNCTION partywall.record_crossing(id uuid, actor text, reason text, details jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
  INSERT INTO partywall.crossings (id, actor, reason, details) VALUES (id, actor, reason, details);
END;

REVOKE ALL ON FUNCTION partywall.record_crossing(uuid, text, text, jsonb) FROM PUBLIC;
GRANT USAGE ON SCHEMA partywall TO partywall_cross;
GRANT EXECUTE ON FUNCTION partywall.record_crossing(uuid, text, text, jsonb) TO partywall_cross;

RESET ROLE;
