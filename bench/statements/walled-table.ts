import { SEALED_FOR_WRITING, sealedRow } from '../../src/seal/policy-text.ts'

/** Row-level security of a table with a column tenant_id of type uuid: the plain policy, and those of the seal. */
export function wallSql(table: string, sealed: boolean): string {
  const context = "tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid)"
  const seal = sealedRow('tenant_id', 'uuid')
  return `
    alter table ${table} enable row level security, force row level security;
    create policy tenant_isolation_policy on ${table} using (${context}) with check (${context});
    ${
      sealed
        ? `create policy tenant_seal_policy on ${table} as restrictive to tenant_user using (${seal}) with check (${seal});
    create policy tenant_write_policy on ${table} as restrictive to tenant_user with check (${SEALED_FOR_WRITING});`
        : ''
    }`
}
