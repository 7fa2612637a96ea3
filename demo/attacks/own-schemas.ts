// Tenants with a schema of their own: a tenant of the shared tables attacks a schema, and one schema attacks another.
import type { TenantTestHelper } from '../../src/testing/tenant-test-helper.ts'
import { type Attack, failureOf, outcome } from '../attack.ts'
import type { PlacedTenant } from '../placed-tenants.ts'
import type { Stage } from '../stage.ts'

function onInitech(id: string, title: string, attacker: (stage: Stage) => TenantTestHelper): Attack {
  return {
    id,
    title,
    lines: ['security-no-leak', 'completed-cross-tenant-access'],
    async run(stage) {
      const { initech } = stage
      const foreign = await readsOf(attacker(stage), initech)
      const write = await failureOf(() =>
        attacker(stage).rawQuery(`insert into ${initech.schema}.documents (title) values ('planted')`),
      )
      const own = await initech.helper.api.get('/documents')
      const isServed = own.status === 200 && own.text.includes(initech.secret) && !own.text.includes('planted')
      return outcome(
        !foreign && write === '42501' && isServed,
        `${foreign ? 'rows' : 'nothing'} of Initech, INSERT ${write}; its API ${isServed ? 'answers with its own rows' : `answers ${own.status}`}`,
      )
    },
  }
}

/** Whether one of the statements gives the attacker rows of the tenant. */
async function readsOf(attacker: TenantTestHelper, { schema, helper, secret }: PlacedTenant): Promise<boolean> {
  const xml = "query_to_xml('select body from documents', true, false, '')::text"
  const asInitech = `set_config('search_path', '${schema}', true), set_config('app.current_tenant_id', '${helper.tenantId}', true)`
  for (const text of [`select body from ${schema}.documents`, `select ${asInitech}, ${xml}`]) {
    const { rows } = await attacker.rawQuery(text)
    if (JSON.stringify(rows).includes(secret)) return true
  }
  return false
}

export const ownSchemas: readonly Attack[] = [
  onInitech('schema-from-shared', 'the schema of Initech by name, path and set_config', ({ a }) => a.helper),
  onInitech('schema-from-schema', 'the same, from the schema of Hooli', ({ hooli }) => hooli.helper),
]
