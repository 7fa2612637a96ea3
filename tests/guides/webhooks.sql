CREATE TABLE payments (
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  event_id text NOT NULL,
  amount_cents integer NOT NULL,
  PRIMARY KEY (tenant_id, event_id)
);
GRANT SELECT, INSERT ON payments TO app;

CREATE TABLE billing_customers (
  customer_id text PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (id)
);
CREATE INDEX ON billing_customers (tenant_id);
ALTER TABLE billing_customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE ROLE shop_webhooks LOGIN PASSWORD 'change me';
GRANT USAGE ON SCHEMA public TO shop_webhooks;
GRANT SELECT ON billing_customers TO shop_webhooks;
CREATE POLICY webhooks_read ON billing_customers FOR SELECT TO shop_webhooks USING (true);
