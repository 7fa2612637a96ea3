CREATE ROLE shop_admin LOGIN PASSWORD 'change me';
GRANT USAGE ON SCHEMA public TO shop_admin;
GRANT SELECT (id, status), UPDATE (status) ON tenants TO shop_admin;
CREATE POLICY admin_read ON tenants FOR SELECT TO shop_admin USING (true);
CREATE POLICY admin_status ON tenants FOR UPDATE TO shop_admin USING (true);
