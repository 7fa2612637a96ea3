import { VERBS, type Verb } from '../../catalog/verbs.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { FleetRelation } from '../../tenancy/fleet/fleet.ts'
import type { TableVerdict } from '../finding/finding.ts'
import type { Verdict } from '../finding/verdict.ts'
import { judgeTable, type SchemaVerdict } from '../readings/fleet-tables.ts'
import type { JoinedFinding } from '../report/join-findings.ts'
import type { FleetRun } from './attack-fleet.ts'

/**
 * The verdicts of the tables in tenants' schemas. Tables with the same name and the same verdicts are one line, so that the result of a
 * thousand schemas stays readable: `documents in 998 schemas`.
 */
export function fleetVerdicts(
  facts: Facts,
  findings: readonly JoinedFinding[],
  run: FleetRun | undefined,
): readonly TableVerdict[] {
  const { fleet } = facts
  if (fleet === undefined) return []
  const leaking = new Set(
    findings
      .filter(({ severity, crosses }) => severity !== 'info' && crosses)
      .flatMap(({ tables, verbs }) => tables.flatMap((table) => (verbs ?? []).map((verb) => `${table}/${verb}`))),
  )
  const lines = new Map<
    string,
    { readonly relations: FleetRelation[]; readonly verdict: Omit<TableVerdict, 'object'> }
  >()
  for (const relation of fleet.relations) {
    if (relation.kind !== 'table') continue
    const verdict = verdictOf(facts, relation, { leaking, run })
    const key = JSON.stringify([relation.name, verdict])
    const line = lines.get(key)
    if (line === undefined) lines.set(key, { relations: [relation], verdict })
    else line.relations.push(relation)
  }
  return [...lines.values()].map(({ relations, verdict }) => ({ object: nameOf(relations), ...verdict }))
}

function nameOf(relations: readonly FleetRelation[]): string {
  const [first] = relations
  if (first === undefined) return ''
  return relations.length === 1 ? `${first.schema}.${first.name}` : `${first.name} in ${relations.length} schemas`
}

interface Court {
  readonly leaking: ReadonlySet<string>
  readonly run: FleetRun | undefined
}

function verdictOf(facts: Facts, relation: FleetRelation, { leaking, run }: Court): Omit<TableVerdict, 'object'> {
  const label = `${relation.schema}.${relation.name}`
  const judged = facts.fleet === undefined ? [] : judgeTable(facts, facts.fleet, relation)
  const verbs: Partial<Record<Verb, Verdict>> = {}
  const reasons: Partial<Record<Verb, string>> = {}
  for (const verb of VERBS) {
    const found = judged.filter((each) => each.verb === verb).map(({ verdict }) => verdict)
    if (leaking.has(`${label}/${verb}`)) {
      verbs[verb] = 'leaks'
      continue
    }
    const { verdict, reason } = worst(found, run?.controls.get(relation.name))
    verbs[verb] = verdict
    reasons[verb] = reason
  }
  return { verbs, reasons }
}

function worst(
  found: readonly SchemaVerdict[],
  control: boolean | undefined,
): { readonly verdict: Verdict; readonly reason: string } {
  if (found.length === 0 || found.every((verdict) => verdict === 'no-access'))
    return { verdict: 'no-access', reason: 'no role in reach may use it, or no policy lets one reach a row' }
  if (found.some((verdict) => verdict !== 'proved' && verdict !== 'no-access'))
    return {
      verdict: 'unproved',
      reason: 'its policies could not be read as a comparison with the schema’s own tenant',
    }
  const how = 'its policies compare the context with the schema’s own tenant'
  if (control === true) return { verdict: 'proved', reason: how }
  const why =
    control === undefined ? 'no control was run for a table of this name' : 'the control saw no row of its own'
  return { verdict: 'proved-static', reason: `${how}; ${why}` }
}
