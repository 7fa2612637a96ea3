import type { FleetRelation } from '../../tenancy/fleet/fleet.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'

export const schemaDrift: Rule = {
  id: 'schema-drift',
  group: 'object',
  title: 'The schemas of tenants do not have the same tables',
  severity: 'low',
  meaning:
    'A statement that works for one tenant fails for another, or falls through to a common table of the same name.',
  remedy: 'Run the migrations that the schema missed: partywall each-tenant runs a command for each schema.',
  *run(facts) {
    const { fleet } = facts
    if (fleet === undefined || fleet.schemas.length < 2) return
    const tables = fleet.relations.filter(({ kind }) => kind === 'table')
    const byName = new Map<string, FleetRelation[]>()
    for (const table of tables) byName.set(table.name, [...(byName.get(table.name) ?? []), table])
    const shared = new Set(fleet.sharedNames.filter(({ isRelation }) => isRelation).map(({ name }) => name))
    const problems = new Map<string, string[]>()
    const falls = new Set<string>()
    const note = (schema: string, problem: string) => problems.set(schema, [...(problems.get(schema) ?? []), problem])
    for (const [name, having] of byName) {
      const usual = mostFrequent(having.map(({ shape }) => shape))
      for (const { schema, shape } of having) if (shape !== usual) note(schema, `${name} has other columns`)
      const has = new Set(having.map(({ schema }) => schema))
      // If only a minority of the schemas has a table, these tenants have an extra table, and the other schemas do not miss it.
      const missed = has.size * 2 >= fleet.schemas.length || shared.has(name)
      for (const { name: schema } of missed ? fleet.schemas : []) {
        if (has.has(schema)) continue
        note(schema, `${name} is missing`)
        if (shared.has(name)) falls.add(schema)
      }
    }
    for (const [schema, found] of [...problems].sort(([a], [b]) => a.localeCompare(b)))
      yield {
        object: `schema ${schema}`,
        ...(falls.has(schema)
          ? chosenSeverity(
              'medium',
              'A statement that does not find the table here can fall through to a common table of the same name.',
            )
          : {}),
        message: `Schema ${schema} differs from the schemas of other tenants: ${found.slice(0, 5).join('; ')}${found.length > 5 ? '; …' : ''}.`,
        evidence: found.length > 20 ? [...found.slice(0, 20), `and ${found.length - 20} more differences`] : found,
        fix: `-- Run the migrations that this schema missed, then partywall.install_schema() again.`,
      }
  },
}

function mostFrequent(shapes: readonly string[]): string | undefined {
  const counts = new Map<string, number>()
  for (const shape of shapes) counts.set(shape, (counts.get(shape) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0]
}
