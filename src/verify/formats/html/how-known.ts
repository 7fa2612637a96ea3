import type { Finding } from '../../finding/finding.ts'
import type { RuleId } from '../../finding/rule-id.ts'
import { isAboutSpeed } from '../controls/mapped-rules.ts'
import type { ReportDocument } from '../document.ts'

/** Attacks that try to reach rows of a table. They can confirm each finding of these groups, whichever rule explains the hole. */
const CROSSING: readonly string[] = ['read-across', 'write-across']
const OF_TABLES: readonly string[] = ['rls', 'policy', 'role', 'grant']

/** Rules whose findings attacks between schemas of tenants can confirm. */
const BETWEEN_SCHEMAS: readonly string[] = [
  'schema-table-unwalled',
  'schema-policy-wrong-tenant',
  'policy-trusts-search-path',
] satisfies readonly RuleId[]

/** Whether an attack of this run confirmed a finding; if not, which attacks tried its object, and how often. */
export function howKnown(finding: Finding, document: ReportDocument): string {
  if (finding.proof === 'exploited')
    return isAboutSpeed(finding.rule) ? 'Seen in a query plan of this run.' : 'An attack of this run succeeded.'
  return `Read from the catalog. ${notConfirmed(finding, document)}`
}

function notConfirmed({ rule, object }: Finding, { run, examined, attacks, rules }: ReportDocument): string {
  if (run.mode !== 'attack') return 'Nothing was attacked in this run.'
  if (examined.tenantSchemas > 0 && BETWEEN_SCHEMAS.includes(rule))
    return 'The attacks between schemas of tenants did not confirm it.'
  const group = rules.find(({ id }) => id === rule)?.group ?? ''
  const able = attacks
    .filter(
      (each) => each.rules?.includes(rule) === true || (OF_TABLES.includes(group) && CROSSING.includes(each.name)),
    )
    .map(({ name }) => name)
  if (able.length === 0) return 'No attack of partywall tries this rule.'
  const statements = examined.held.flatMap((held) => held.statements).filter((each) => each.object === object)
  const tried = able.flatMap((name) => {
    const tries = statements.filter(({ attack }) => attack === name).reduce((sum, each) => sum + each.tries, 0)
    return tries === 0 ? [] : [`${tries} ${tries === 1 ? 'time' : 'times'} by \`${name}\``]
  })
  if (tried.length > 0) return `Tried ${tried.join(', ')}; not confirmed.`
  const names = able.map((name) => `\`${name}\``).join(', ')
  const sent = examined.attacks.some(({ name, probes }) => able.includes(name) && probes > 0)
  return sent
    ? `Not confirmed by ${names}. This report lists no statement of ${able.length === 1 ? 'this attack' : 'these attacks'} on ${object}.`
    : `Not tried: ${names} sent no probe in this run.`
}
