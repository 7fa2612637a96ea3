-- Hashes of the policies and functions that releases of partywall write. A process that watches the protection of its
-- tables accepts a changed policy whose hash stands here: so a process of the release before accepts the policies of this one.
-- `partywall migrate` adds the hashes of its own release; hashes of earlier ones stay.

SET LOCAL ROLE partywall_owner;

CREATE TABLE partywall.known_protection (
  purpose text NOT NULL CHECK (purpose IN ('isolation', 'seal', 'level', 'function')),
  hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
  added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (purpose, hash)
);
REVOKE ALL ON partywall.known_protection FROM PUBLIC;

CREATE FUNCTION partywall.known_protection_hashes() RETURNS TABLE (purpose text, hash text)
LANGUAGE sql STABLE SECURITY DEFINER
BEGIN ATOMIC
  SELECT k.purpose, k.hash FROM partywall.known_protection AS k;
END;
REVOKE ALL ON FUNCTION partywall.known_protection_hashes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION partywall.known_protection_hashes() TO tenant_user, tenant_admin;

RESET ROLE;
