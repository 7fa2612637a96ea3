CREATE TABLE invitations (
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  email text NOT NULL,
  role text NOT NULL CHECK (role IN ('admin', 'member', 'viewer')),
  token_hash bytea NOT NULL,
  ends_at timestamptz NOT NULL DEFAULT now() + interval '3 days',
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, email)
);
CREATE INDEX ON invitations (token_hash);
GRANT SELECT, INSERT, DELETE ON invitations TO app;

CREATE ROLE shop_entry LOGIN PASSWORD 'change me';
GRANT USAGE ON SCHEMA public TO shop_entry;
GRANT SELECT, DELETE ON invitations TO shop_entry;
GRANT SELECT (tenant_id, id), INSERT (tenant_id, email, name, role) ON users TO shop_entry;
CREATE POLICY entry_read ON invitations FOR SELECT TO shop_entry USING (ends_at > now());
CREATE POLICY entry_delete ON invitations FOR DELETE TO shop_entry USING (ends_at > now());
CREATE POLICY entry_read ON users FOR SELECT TO shop_entry USING (true);
CREATE POLICY entry_insert ON users FOR INSERT TO shop_entry WITH CHECK (role <> 'owner');
