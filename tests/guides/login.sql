ALTER TABLE users ADD COLUMN password_salt bytea, ADD COLUMN password_hash bytea;

CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  token_hash bytea NOT NULL UNIQUE,
  tenant_id uuid NOT NULL,
  user_id uuid NOT NULL,
  ends_at timestamptz NOT NULL DEFAULT now() + interval '12 hours',
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ON sessions (tenant_id, user_id);
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE ROLE shop_entry LOGIN PASSWORD 'change me';
GRANT USAGE ON SCHEMA public TO shop_entry;
GRANT SELECT (id, key, status) ON tenants TO shop_entry;
GRANT SELECT (tenant_id, id, email, role, password_salt, password_hash) ON users TO shop_entry;
GRANT SELECT, INSERT, DELETE ON sessions TO shop_entry;
CREATE POLICY entry_read ON tenants FOR SELECT TO shop_entry USING (true);
CREATE POLICY entry_read ON users FOR SELECT TO shop_entry USING (true);
CREATE POLICY entry_all ON sessions TO shop_entry USING (true) WITH CHECK (true);
