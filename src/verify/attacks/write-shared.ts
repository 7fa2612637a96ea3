import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { isTable } from '../../tenancy/discovery/tenant-root.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { crosses } from '../attack/crosses.ts'
import { variantInsert } from '../attack/variant-row.ts'
import { draftsOf } from '../finding/drafts.ts'
import { globalTableWritable } from '../rules/global-table-writable.ts'

/** Writes the tables that all tenants share: the table of tenants, and tables without a tenant. */
export const writeShared: Attack = {
  name: 'write-shared',
  title: 'changes the table of tenants, and tables without a tenant',
  needs: 'the table of tenants, or a table without a tenant, in which a role in reach may change rows',
  rules: ['grant-tenant-registry-write', 'global-table-writable'],
  async run(arena) {
    const { facts } = arena
    const shared = new Set(draftsOf(globalTableWritable, facts).map((finding) => finding.object))
    for (const relation of facts.relations) {
      if (!isTable(relation) || relation.isPartition || arena.row(relation, 'b') === undefined) continue
      const bound = facts.tenantTable(relation)
      const root = bound?.kind === 'root'
      if (!root && !shared.has(relation.label)) continue
      if (root) {
        await writeRegistry(arena, relation)
        continue
      }
      for (const [verb, count, role] of await changed(arena, relation))
        if (count > 0 && role !== undefined)
          arena.report({
            rule: 'global-table-writable',
            object: relation.label,
            message: `One tenant can ${verb} rows of ${relation.label} that all share.`,
            evidence: [
              `as ${role.path.join(' → ')}, tenant A: ${verb.toUpperCase()} on ${relation.label}${verb === 'insert' ? '' : ' without WHERE'} touched ${count} ${count === 1 ? 'row' : 'rows'}`,
            ],
            fix: `REVOKE ${verb.toUpperCase()} ON ${qualifiedName(relation)} FROM ${quoteIdentifier(facts.tenancy.appRole.name)};`,
          })
    }
  },
}

/** Tries to write B's row in the table of tenants. A session may own several rows there, so only B's row counts. */
async function writeRegistry(arena: Arena, relation: Relation): Promise<void> {
  const { facts } = arena
  for (const verb of ['update', 'delete'] as const)
    for (const role of facts.reach(relation, privilegeOf(verb))) {
      if (!(await crosses(arena, relation, verb, role, arena.contexts.a))) continue
      arena.report({
        rule: 'grant-tenant-registry-write',
        object: relation.label,
        verbs: [verb],
        message: `One tenant can ${verb} the row of another in ${relation.label}.`,
        evidence: [`as ${role.path.join(' → ')}, tenant A: ${verb.toUpperCase()} reached the row of tenant B`],
        fix: `REVOKE ${verb.toUpperCase()} ON ${qualifiedName(relation)} FROM ${quoteIdentifier(role.role.name)};`,
      })
      break
    }
}

type Changed = readonly [verb: 'update' | 'delete' | 'insert', rows: number, by: ActingRole | undefined]

/** For each verb, the largest number of rows that a role in reach changed, and this role. */
async function changed(arena: Arena, relation: Relation): Promise<readonly Changed[]> {
  const { facts } = arena
  const found: Changed[] = []
  const name = qualifiedName(relation)
  const most = async (roles: readonly ActingRole[], sql: (role: ActingRole) => string | undefined) => {
    let [touched, by]: [number, ActingRole | undefined] = [0, undefined]
    for (const role of roles) {
      const statement = sql(role)
      if (statement === undefined) continue
      const answer = await arena.as(role, arena.contexts.a, () => arena.session.text(statement))
      if (answer.ok && answer.value.count > touched) [touched, by] = [answer.value.count, role]
    }
    return [touched, by] as const
  }
  found.push([
    'update',
    ...(await most(facts.reach(relation, 'UPDATE'), (role) => {
      const column = relation.columns.find(
        (candidate) =>
          candidate.generated === undefined &&
          candidate.identity !== 'always' &&
          facts.privileges.onColumn(role.role.oid, relation, candidate, 'UPDATE'),
      )
      if (column === undefined) return undefined
      const quoted = quoteIdentifier(column.name)
      // `SET c = c` needs SELECT on the column. Without this privilege, write the default.
      const readable = facts.privileges.onColumn(role.role.oid, relation, column, 'SELECT')
      return `update ${name} set ${quoted} = ${readable ? quoted : 'default'}`
    })),
  ])
  found.push(['delete', ...(await most(facts.reach(relation, 'DELETE'), () => `delete from ${name}`))])
  if (facts.tenantTable(relation) === undefined && facts.reach(relation, 'SELECT').length > 0)
    found.push([
      'insert',
      ...(await most(facts.reach(relation, 'INSERT'), (role) => variantInsert(arena, relation, 'a', role, new Map()))),
    ])
  return found
}
