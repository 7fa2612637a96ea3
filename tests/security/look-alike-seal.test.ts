// The proof of a sealed policy leans on what partywall.tenant_id() does. Whoever owns the schema can give that name to anything.
import { beforeAll, describe, expect, it } from 'vitest'
import { verifyDatabase } from '../../src/verify/index.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
  // Only the seal says whose rows these are: no policy on the plain setting stands beside it.
  await database.admin(`
    create policy sealed on documents using (tenant_id = (select partywall.tenant_id()::uuid));
    drop policy tenant_isolation_policy on documents`)
})

async function verdicts(): Promise<Record<string, number>> {
  const setting = 'app.current_tenant_id'
  const report = await verifyDatabase({ databaseUrl: database.adminUrl, appRole: 'app', setting, mode: 'static' })
  const documents = report.tables.find((table) => table.object === 'public.documents')
  const counted: Record<string, number> = {}
  for (const verdict of Object.values(documents?.verbs ?? {})) counted[verdict] = (counted[verdict] ?? 0) + 1
  return counted
}

const replaced = (name: string, body: string) => `
  do $$
  declare made text := pg_get_functiondef('partywall.${name}()'::regprocedure);
  begin
    execute regexp_replace(made, 'AS \\$(\\w*)\\$.*\\$\\1\\$', $body$ AS $new$${body}$new$ $body$);
  end $$`

describe('a function that is called partywall.tenant_id', () => {
  it('proves a table while it is partywall’s own', async () => {
    expect(await verdicts()).toEqual({ 'proved-static': 4 })
  })

  it.each([
    ['tenant_id', "begin return current_setting('app.tenant_seal', true); end"],
    ['tenant_id', "begin return coalesce(current_setting('app.current_tenant_id', true), 'x'); end"],
    ['sealed_body', "begin return current_setting('app.tenant_seal', true); end"],
  ])('proves nothing once the body of %s is another', async (name, body) => {
    const before = await database.admin(`select pg_get_functiondef('partywall.${name}()'::regprocedure) as made`)
    await database.admin(replaced(name, body))
    const { proved = 0, 'proved-static': still = 0 } = await verdicts()
    expect(proved + still).toBe(0)
    await database.admin(String(before.rows[0]?.made))
    expect(await verdicts()).toEqual({ 'proved-static': 4 })
  })
})
