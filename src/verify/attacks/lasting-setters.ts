import type { DatabaseFunction } from '../../catalog/model.ts'
import { quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import { contextSettings } from '../../tenancy/context-settings.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { filler } from '../attack/call-arguments.ts'
import { isHarmless } from '../attack/harmless.ts'
import { becomeSql } from '../attack/identity.ts'
import { draftsOf } from '../finding/drafts.ts'
import { setterSessionScope } from '../rules/setter-session-scope.ts'

/**
 * Finds functions that set the tenant for the session and not for the transaction. The setter is called inside a function that has a SET
 * clause for the same setting. When that function ends, PostgreSQL restores the setting after a transaction-local change, but keeps a
 * change for the session. So nothing has to be committed to tell the two apart.
 *
 * @see PostgreSQL "CREATE FUNCTION", Notes on SET
 */
export const lastingSetters: Attack = {
  name: 'lasting-setters',
  title: 'sets the tenant by the schema’s own functions, and checks whether it outlives the transaction',
  needs: 'a function of the schema that sets the tenant for the whole session',
  rules: ['setter-session-scope'],
  async run(arena) {
    const { facts } = arena
    for (const draft of draftsOf(setterSessionScope, facts)) {
      const fn = facts.functions.find((each) => each.label === draft.object)
      if (fn === undefined || fn.returnsTrigger || !isHarmless(facts, fn)) continue
      const seen = await call(arena, fn)
      if (seen !== undefined) arena.report({ ...draft, rule: 'setter-session-scope', evidence: [seen] })
    }
  },
}

async function call(arena: Arena, fn: DatabaseFunction): Promise<string | undefined> {
  const { facts, session, contexts } = arena
  const b = arena.planting.tenants.b.id
  const inputs = fn.arguments.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table')
  const isId = (type: string) => /^(text|character varying|uuid|integer|bigint|smallint)$/.test(type)
  const list = inputs
    .map((argument) => (isId(argument.baseType) ? `${quoteLiteral(b)}::${argument.type}` : filler(argument)))
    .join(', ')
  const name = `${quoteIdentifier(fn.schema)}.${quoteIdentifier(fn.name)}(${list})`
  const run = fn.kind === 'procedure' ? `call ${name};` : `perform ${name};`
  for (const role of facts.executors(fn)) {
    for (const setting of contextSettings(facts)) {
      const answer = await session.probe(async () => {
        await session.run(
          `create schema partywall_scope; grant usage on schema partywall_scope to ${quoteIdentifier(role.role.name)};
          create function partywall_scope.call() returns void language plpgsql set ${settingName(setting)} = ''
          as ${quoteLiteral(`begin ${run} end`)}`,
        )
        await session.run(`${becomeSql(arena.facts, role)};${contexts.a.sql(role)}select 1`)
        const look = async () =>
          (await session.text(`select pg_catalog.current_setting(${quoteLiteral(setting)}, true) as value`)).rows[0]?.[
            'value'
          ]
        const before = await look()
        await session.run('select partywall_scope.call()')
        const after = await look()
        return before !== after && after?.includes(b) === true
      })
      if (answer.ok && answer.value)
        return `as ${role.path.join(' → ')}: after ${fn.name}(…) for tenant B, ${setting} still named it where a transaction-local value is put back`
    }
  }
  return undefined
}

function settingName(setting: string): string {
  return setting.split('.').map(quoteIdentifier).join('.')
}
