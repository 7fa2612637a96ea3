import { describe, expect, it } from 'vitest'
import { verifyDatabase } from '../../../src/verify/verify-database.ts'
import { createTestDatabase } from '../../setup/database.ts'

describe('the attacks on the seal', { timeout: 120_000 }, () => {
  it('are two: where no policy checks the seal, only its keys are read', async () => {
    const database = await createTestDatabase()
    await database.admin(`create table plain_notes (id int primary key, tenant_id uuid not null references tenants);
      alter table plain_notes enable row level security;
      create policy own on plain_notes using (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid);
      grant select on plain_notes to tenant_user;
      do $$ declare p record; begin
        for p in select * from pg_policies where coalesce(qual, '') || coalesce(with_check, '') like '%partywall.tenant_id()%' loop
          execute format('drop policy %I on %I.%I', p.policyname, p.schemaname, p.tablename);
        end loop;
      end $$`)
    const { examined } = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: 'app', mode: 'attack' })
    const of = (name: string) => examined.attacks.find((attack) => attack.name === name)
    expect(of('forge-setting')).toMatchObject({ probes: 0, reached: [] })
    expect(of('read-seal-keys')?.probes).toBeGreaterThan(0)
    expect(of('read-seal-keys')?.reached).toEqual([])
    const line = examined.held[0]?.statements.find(({ attack }) => attack === 'read-seal-keys')
    expect(line).toMatchObject({ object: 'partywall.seal_keys', outcome: expect.stringMatching(/^error 42501: /) })
  })

  it('read a key also where none was stored yet', async () => {
    const database = await createTestDatabase()
    await database.admin(
      'delete from partywall.seal_keys; grant usage on schema partywall to tenant_user; grant select on partywall.seal_keys to tenant_user',
    )
    const { examined, findings } = await verifyDatabase({
      databaseUrl: database.adminUrl,
      appRole: 'app',
      mode: 'attack',
    })
    expect(examined.attacks.find(({ name }) => name === 'read-seal-keys')?.reached).toEqual(['partywall.seal_keys'])
    const found = findings.find(({ key }) => key === 'seal-key-readable:partywall.seal_keys')
    expect(found?.proof).toBe('exploited')
    expect(found?.evidence.join()).toContain('SELECT on partywall.seal_keys returned a key')
    expect((await database.admin('select count(*)::int as keys from partywall.seal_keys')).rows[0]?.keys).toBe(0)
  })
})
