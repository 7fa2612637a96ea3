CREATE ROLE shop_operations LOGIN PASSWORD 'change me';
GRANT USAGE ON SCHEMA public TO shop_operations;
GRANT SELECT (id, status), UPDATE (key, name), DELETE ON tenants TO shop_operations;
CREATE POLICY operations_read ON tenants FOR SELECT TO shop_operations USING (true);
CREATE POLICY operations_rename ON tenants FOR UPDATE TO shop_operations USING (true);
CREATE POLICY operations_delete ON tenants FOR DELETE TO shop_operations USING (status = 'suspended');

-- The same three lines for each table of the tenants: rows of a tenant that is not suspended can't be deleted.
GRANT SELECT (tenant_id), DELETE ON documents, projects, users TO shop_operations;
CREATE POLICY operations_read ON documents FOR SELECT TO shop_operations USING (true);
CREATE POLICY operations_delete ON documents FOR DELETE TO shop_operations
  USING (EXISTS (SELECT FROM tenants WHERE id = tenant_id AND status = 'suspended'));
CREATE POLICY operations_read ON projects FOR SELECT TO shop_operations USING (true);
CREATE POLICY operations_delete ON projects FOR DELETE TO shop_operations
  USING (EXISTS (SELECT FROM tenants WHERE id = tenant_id AND status = 'suspended'));
CREATE POLICY operations_read ON users FOR SELECT TO shop_operations USING (true);
CREATE POLICY operations_delete ON users FOR DELETE TO shop_operations
  USING (EXISTS (SELECT FROM tenants WHERE id = tenant_id AND status = 'suspended'));
