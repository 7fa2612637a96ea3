import type { Finding } from '../../finding/finding.ts'
import type { ReportDocument } from '../document.ts'

const SIMPLE = /^[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?$/

/**
 * SQL by which a reader repeats a leak of SELECT without partywall. Undefined where no such script is simple: the context is sealed or is not
 * the tenant's id, a name needs quotes, or no tenant saw the row of another.
 */
export function byHand({ object, key, evidence }: Finding, { examined, run }: ReportDocument): string | undefined {
  const relation = examined.relations.find((each) => each.object === object)
  const leak = examined.leaks.find(
    (each) => each.object === object && each.verb === 'select' && each.keys.includes(key),
  )
  const line = evidence.find((each) => /^as [^,]+, tenant A: SELECT returned the planted row of tenant B$/.test(each))
  const role = /^as ([^,]+),/
    .exec(line ?? '')?.[1]
    ?.split(' → ')
    .at(-1)
  if (run.sealed || leak?.by !== 'attack' || relation?.column === undefined || role === undefined) return undefined
  if (![object, relation.column, role, run.setting].every((name) => SIMPLE.test(name))) return undefined
  return `-- As a superuser, in a database with rows of two tenants. Put their ids in place of TENANT_A and TENANT_B.
-- A count above 0 is the leak.
BEGIN;
SET LOCAL ROLE ${role};
SELECT set_config('${run.setting}', 'TENANT_A', true);
SELECT count(*) FROM ${object} WHERE ${relation.column} = 'TENANT_B';
ROLLBACK;`
}
