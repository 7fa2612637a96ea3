import type { DatabaseFunction } from '../../catalog/model.ts'
import { quoteLiteral } from '../../catalog/names.ts'
import type { RolePath } from '../../catalog/role-graph.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { AS_PLANTER, becomeSql } from '../attack/identity.ts'
import { victimRead } from '../attack/victim-read.ts'
import { draftsOf } from '../finding/drafts.ts'
import { rolesInReach, showPath } from '../readings/role-paths.ts'
import { policyFunctionUntrusted } from '../rules/policy-function-untrusted.ts'
import { stepsTo } from './become.ts'

/** Replaces functions that policies call and that the application's roles own. The new body lets everyone in; then B's rows are read. */
export const replaceFunctions: Attack = {
  name: 'replace-functions',
  title: 'replaces functions that policies call',
  needs: 'a function that policies call and that a role in reach owns',
  rules: ['policy-function-untrusted'],
  async run(arena) {
    const { facts } = arena
    for (const draft of draftsOf(policyFunctionUntrusted, facts)) {
      const fn = facts.functions.find((each) => each.label === draft.object)
      const sql = fn === undefined ? undefined : replacement(arena, fn)
      if (fn === undefined || sql === undefined) continue
      for (const path of rolesInReach(facts)) {
        if (path.role.oid !== fn.owner || path.role.superuser) continue
        const seen = await replace(arena, path, sql, draft.tables ?? [])
        if (seen === undefined) continue
        arena.report({
          ...draft,
          rule: 'policy-function-untrusted',
          verbs: ['select'],
          tables: [seen],
          evidence: [
            `as ${showPath(path)}: after CREATE OR REPLACE FUNCTION ${fn.label} tenant A read the planted row of tenant B in ${seen}`,
          ],
        })
        break
      }
    }
  },
}

async function replace(
  arena: Arena,
  path: RolePath,
  sql: string,
  labels: readonly string[],
): Promise<string | undefined> {
  const { facts, session, contexts } = arena
  for (const relation of facts.relations.filter((each) => labels.includes(each.label))) {
    for (const role of facts.reach(relation, 'SELECT')) {
      const read = victimRead(arena, relation, role)
      if (read === undefined) continue
      const look = async () => {
        await session.run(`${becomeSql(arena.facts, role)};${contexts.a.sql(role)}select 1`)
        return (await session.text(read)).count
      }
      const answer = await session.probe(async () => {
        if ((await look()) > 0) return false
        await session.run(AS_PLANTER)
        for (const step of [...stepsTo(path), sql]) await session.run(step)
        return (await look()) > 0
      })
      if (answer.ok && answer.value) return relation.label
    }
  }
  return undefined
}

/** The same function with a new body. A boolean function returns true, any other function returns B's id. */
function replacement(arena: Arena, fn: DatabaseFunction): string | undefined {
  const head = fn.definition?.split(/\n LANGUAGE /)[0]
  if (head === undefined || fn.kind !== 'function' || fn.returnsTrigger) return undefined
  const type = fn.returnType.replace(/^SETOF /i, '')
  const answer = type === 'boolean' ? 'true' : `${quoteLiteral(arena.planting.tenants.b.id)}::${type}`
  return `${head}\n LANGUAGE sql STABLE AS ${quoteLiteral(`select ${answer}`)}`
}
