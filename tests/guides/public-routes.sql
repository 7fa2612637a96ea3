ALTER TABLE documents ADD COLUMN published_at timestamptz;

CREATE ROLE shop_public LOGIN PASSWORD 'change me';
GRANT USAGE ON SCHEMA public TO shop_public;
GRANT SELECT (id, key, name, status) ON tenants TO shop_public;
GRANT SELECT (tenant_id, id, title, body, published_at) ON documents TO shop_public;
CREATE POLICY public_read ON tenants FOR SELECT TO shop_public USING (status = 'active');
CREATE POLICY public_read ON documents FOR SELECT TO shop_public
  USING (published_at <= now() AND EXISTS (SELECT FROM tenants WHERE tenants.id = documents.tenant_id));
