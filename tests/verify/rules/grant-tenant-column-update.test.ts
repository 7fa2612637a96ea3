import { expect, it } from 'vitest'
import { HOLDING, ruleCase, withCase } from '../rule-case.ts'

ruleCase('grant-tenant-column-update', {
  hole: `drop policy tenant_isolation on documents; create policy tenant_isolation on documents using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (true);`,
  object: `public.documents`,
  severity: 'low',
  proof: 'static',
  repaired: `select 1;`,
  nearMisses: {
    'the column can be neither given nor changed': `drop policy tenant_isolation on documents; create policy tenant_isolation on documents using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (true); revoke insert, update on documents from {app}; grant update (title) on documents to {app};`,
  },
})

const MARKS = (
  grant: string,
  columns = '',
) => `create table marks (tenant_id uuid not null references tenants (id)${columns});
  alter table marks owner to {owner}; alter table marks enable row level security, force row level security;
  create policy own on marks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (true); ${grant}`

for (const [name, given] of Object.entries({
  'the tenant is the only column': MARKS('grant select, update on marks to {app};'),
  'everybody may update': MARKS('grant select on marks to {app}; grant update on marks to public;', ', note text'),
  'another role gives it': MARKS(
    'grant {writers} to {app}; grant select, update on marks to {writers};',
    ', note text',
  ),
  'the column alone is granted': MARKS('grant select, update (tenant_id) on marks to {app};', ', note text'),
}))
  ruleCase('grant-tenant-column-update', {
    name,
    hole: given,
    object: 'public.marks',
    severity: 'low',
    proof: 'static',
    repaired: 'select 1;',
    nearMisses: {},
  })

it('grants no other column to a role that could update the tenant alone', async () => {
  const sql = MARKS('grant select, update (tenant_id) on marks to {app};', ', note text')
  await withCase([HOLDING, sql], async (verify) => {
    const { findings } = await verify({ mode: 'static' })
    expect(findings.find(({ rule }) => rule === 'grant-tenant-column-update')?.fix).not.toContain('GRANT')
  })
})
