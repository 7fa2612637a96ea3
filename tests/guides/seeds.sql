BEGIN;
SELECT set_config('app.current_tenant_id', '00000000-0000-4000-8000-00000000000a', true);
INSERT INTO tenants (id, key, name) VALUES ('00000000-0000-4000-8000-00000000000a', 'acme', 'Acme') ON CONFLICT DO NOTHING;
INSERT INTO users (email, name, role) VALUES ('ann@acme.example', 'Ann', 'owner') ON CONFLICT DO NOTHING;
COMMIT;

BEGIN;
SELECT set_config('app.current_tenant_id', '00000000-0000-4000-8000-00000000000b', true);
INSERT INTO tenants (id, key, name) VALUES ('00000000-0000-4000-8000-00000000000b', 'globex', 'Globex') ON CONFLICT DO NOTHING;
INSERT INTO users (email, name, role) VALUES ('ann@globex.example', 'Ann', 'owner') ON CONFLICT DO NOTHING;
COMMIT;
