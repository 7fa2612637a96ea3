CREATE TABLE notes (
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  note text NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
GRANT SELECT, INSERT ON notes TO tenant_user;
