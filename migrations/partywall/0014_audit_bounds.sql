-- One event of one tenant must not stop the sealer, which seals the events of all tenants.
--
-- Before, SQL that was injected into a tenant's statement could insert an event with 85 MB of details: the sealer read it, broke, and
-- broke again after each restart. Now events have a size, and the sealer can seal what was written before by its digest.

SET LOCAL ROLE partywall_owner;

-- NOT VALID: new rows are checked; rows from before are sealed by their digest. Values are small in memory before their text is
-- made: a number such as 1e300 has 301 digits as text, so the text is measured too.
ALTER TABLE partywall.audit_events
  ADD CONSTRAINT audit_events_details_size CHECK (
    CASE WHEN pg_column_size(details) > 131072 THEN false ELSE octet_length(details::text) <= 131072 END) NOT VALID,
  ADD CONSTRAINT audit_events_who_size CHECK (octet_length(who::text) <= 16384) NOT VALID;

-- details as the signed row holds them: their text, or for more than 128 KiB its digest. A value whose text PostgreSQL cannot make
-- (more than 1 GB) is named by its size.
CREATE FUNCTION partywall.audit_details_text(details jsonb) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  whole text;
BEGIN
  BEGIN
    whole := details::text;
    IF octet_length(whole) <= 131072 THEN
      RETURN whole;
    END IF;
    RETURN format('partywall-digest sha256 %s of %s bytes', encode(sha256(convert_to(whole, 'UTF8')), 'hex'), octet_length(whole));
  EXCEPTION WHEN program_limit_exceeded OR out_of_memory THEN
    RETURN format('partywall-unreadable %s bytes', pg_column_size(details));
  END;
END
$$;
REVOKE ALL ON FUNCTION partywall.audit_details_text(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION partywall.audit_details_text(jsonb) TO partywall_sealer, partywall_auditor;

-- Erases what the log holds of one person, for good, and writes down that it did: 1,000 events to a line. The chain still verifies.
CREATE OR REPLACE FUNCTION partywall.audit_erase(tenant text, person text, reason text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  erased uuid[];
BEGIN
  WITH gone AS (DELETE FROM partywall.audit_private WHERE tenant_id = tenant AND subject = person RETURNING event_id)
  SELECT coalesce(array_agg(event_id), '{}') INTO erased FROM gone;
  FOR at IN 1..greatest(cardinality(erased), 1) BY 1000 LOOP
    INSERT INTO partywall.audit_events (who, action, resource, outcome, details)
    VALUES (ARRAY[tenant, NULL, session_user::text, 'partywall_privacy'], 'audit.erased', 'audit_log', 'success',
      jsonb_build_object('reason', left(reason, 10000), 'count', cardinality(erased[at:at + 999]), 'events', to_jsonb(erased[at:at + 999])));
  END LOOP;
  RETURN cardinality(erased);
END
$$;

RESET ROLE;
