import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { RolePath } from '../../catalog/role-graph.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { victimRow } from '../attack/victim-row.ts'
import { draftsOf } from '../finding/drafts.ts'
import type { Rule } from '../finding/rule.ts'
import { rolesInReach, showPath } from '../readings/role-paths.ts'
import { schemaOwnedByApp } from '../rules/schema-owned-by-app.ts'
import { tableOwnedByApp } from '../rules/table-owned-by-app.ts'
import { stepsTo } from './become.ts'

/** Uses ownership: turns row-level security off on owned tables, and drops tables of other roles in owned schemas. */
export const ownObjects: Attack = {
  name: 'own-objects',
  title: 'alters and drops what the app’s roles own',
  needs: 'a tenant table or a schema that a role in reach owns',
  rules: ['table-owned-by-app', 'schema-owned-by-app'],
  async run(arena) {
    const { facts } = arena
    const said = (rule: Rule) => new Set(draftsOf(rule, facts).map((finding) => finding.object))
    const [tables, schemas] = [said(tableOwnedByApp), said(schemaOwnedByApp)]
    for (const path of rolesInReach(facts)) {
      if (path.role.superuser) continue
      for (const { relation } of facts.tenancy.tables.values()) {
        const victim = victimRow(arena, relation)
        if (relation.owner !== path.role.oid || !tables.has(relation.label) || victim === undefined) continue
        const name = qualifiedName(relation)
        const done = await asOwner(arena, path, [
          `alter table ${name} no force row level security, disable row level security`,
          `do $$ begin if not exists (select from ${name} where ${victim.filter}) then raise 'not seen'; end if; end $$`,
        ])
        if (done)
          arena.report({
            rule: 'table-owned-by-app',
            object: relation.label,
            verbs: ['select'],
            message: `The app switches row security of ${relation.label} off.`,
            evidence: [
              `as ${showPath(path)}: after ALTER TABLE … DISABLE ROW LEVEL SECURITY the planted row of tenant B was read`,
            ],
            fix: `-- Give ${name} to a role that the app can't become.`,
          })
      }
      for (const schema of facts.catalog.schemas.values()) {
        if (schema.owner !== path.role.oid || !schemas.has(`schema ${schema.name}`)) continue
        const planted = `${quoteIdentifier(schema.name)}.partywall_dropped`
        if (await asOwner(arena, path, [`drop table ${planted}`], `create table ${planted} ()`))
          arena.report({
            rule: 'schema-owned-by-app',
            object: `schema ${schema.name}`,
            message: `The app drops tables of others in ${schema.name}.`,
            evidence: [`as ${showPath(path)}: DROP TABLE on a table of another owner was accepted`],
            fix: `-- Give the schema to a role that the app can't become.`,
          })
      }
    }
  },
}

async function asOwner(arena: Arena, path: RolePath, statements: readonly string[], before?: string): Promise<boolean> {
  const answer = await arena.session.probe(async () => {
    if (before !== undefined) await arena.session.run(before)
    for (const step of [...stepsTo(path), ...statements]) await arena.session.run(step)
  })
  return answer.ok
}
