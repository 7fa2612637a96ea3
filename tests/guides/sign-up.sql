CREATE ROLE shop_entry LOGIN PASSWORD 'change me';
GRANT USAGE ON SCHEMA public TO shop_entry;
GRANT SELECT (id), INSERT (key, name) ON tenants TO shop_entry;
GRANT SELECT (tenant_id, id), INSERT (tenant_id, email, name, role) ON users TO shop_entry;
CREATE POLICY entry_read ON tenants FOR SELECT TO shop_entry USING (true);
CREATE POLICY entry_insert ON tenants FOR INSERT TO shop_entry WITH CHECK (status = 'active' AND tier = 'free');
CREATE POLICY entry_read ON users FOR SELECT TO shop_entry USING (true);
CREATE POLICY entry_insert ON users FOR INSERT TO shop_entry WITH CHECK (true);
