-- With many tenants, registration of a ticket and the check of a seal read the whole of partywall.tenant_states wherever the plan was made
-- while the table was small: 100,000 tenants cost 20 ms for each ticket, until the next ANALYZE. Now they take the index, whatever the
-- table's statistics say.

SET LOCAL ROLE partywall_owner;

ALTER FUNCTION partywall.register_tickets(text, text) SET enable_seqscan = off;
ALTER FUNCTION partywall.register_tickets(text, text) SET enable_hashjoin = off;
ALTER FUNCTION partywall.register_tickets(text, text) SET enable_mergejoin = off;

-- sealed_body() has no such setting, because it would cost each check some microseconds. Rows that name no tenant make the table large
-- enough that the planner takes the index from the start, as those of 0016 do for tickets.
ALTER TABLE partywall.tenant_states SET (fillfactor = 10);
INSERT INTO partywall.tenant_states (tenant_id)
  SELECT 'partywall: no tenant ' || n FROM generate_series(1, 200) AS n
  ON CONFLICT DO NOTHING;
ALTER TABLE partywall.tenant_states SET (fillfactor = 50);

RESET ROLE;
