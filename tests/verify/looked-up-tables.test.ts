import { describe, expect, it } from 'vitest'
import { HOLDING, withCase } from './rule-case.ts'

const USERS = `
  create table users (id uuid primary key default gen_random_uuid(), email text not null, password_hash text not null);
  create table members (tenant_id uuid not null references tenants (id), user_id uuid not null references users (id), primary key (tenant_id, user_id));
  alter table users owner to {owner}; alter table members owner to {owner};
  alter table members enable row level security, force row level security; alter table users enable row level security, force row level security;
  create policy here on members using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  create policy of_tenant on users for select using (exists (select from members m where m.user_id = users.id and m.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)));
  grant select on members, users to {app};`

describe('users without a tenant, seen by their memberships', () => {
  const loud = (findings: readonly { rule: string; severity: string; object: string }[]) =>
    findings
      .filter((finding) => !['info', 'low'].includes(finding.severity))
      .map((finding) => `${finding.rule} ${finding.object}`)

  it('are quiet when the look-up decides', async () => {
    // A restrictive policy beside it, and one for a role out of reach, widen nothing.
    const beside = `create policy live on users as restrictive using (true); create policy staff on users for select to {staff} using (true);`
    for (const more of ['', beside]) {
      await withCase([HOLDING, USERS, more], async (verify) => {
        expect(loud((await verify()).findings)).toEqual([])
      })
    }
  })

  it('are open beside a wide policy, and mended by its fix', async () => {
    await withCase([HOLDING, USERS, 'create policy log_in on users for select using (true);'], async (verify, run) => {
      const { findings } = await verify()
      expect(loud(findings)).toEqual(['policy-permissive-or public.users'])
      await run(findings.find((finding) => finding.rule === 'policy-permissive-or')?.fix ?? '')
      expect(loud((await verify()).findings)).toEqual([])
    })
  })

  it('are open where their policies lie idle', async () => {
    await withCase([HOLDING, USERS, 'alter table users disable row level security;'], async (verify, run) => {
      const { findings } = await verify()
      expect(loud(findings)).toEqual(['rls-disabled public.users'])
      await run(findings.find((finding) => finding.rule === 'rls-disabled')?.fix ?? '')
      expect(loud((await verify()).findings)).toEqual([])
    })
  })
})
