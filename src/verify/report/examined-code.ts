import { createHash } from 'node:crypto'
import type { DatabaseFunction, Trigger } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { ExaminedFunction, ExaminedRule, ExaminedTrigger, ExaminedView } from './examined.ts'
import type { JudgedScope } from './judge-scope.ts'

/**
 * The functions that rules read: the functions of all schemas except partywall's own, because policies may call functions of any schema.
 */
export function functionsOf(scopes: readonly [JudgedScope, ...(readonly JudgedScope[])]): readonly ExaminedFunction[] {
  const { facts } = scopes[0]
  const acting = scopes.flatMap((scope) => scope.facts.acting.map(({ role }) => role))
  return facts.functions
    .map((fn): ExaminedFunction => {
      const callers = acting.filter(({ oid }) => facts.privileges.onFunction(oid, fn)).map(({ name }) => name)
      return {
        object: fn.label,
        owner: facts.roleName(fn.owner),
        language: fn.language,
        definer: fn.securityDefiner,
        settings: [...fn.config].map(([name, value]) => `${name} = ${value}`).sort(),
        grantees: [...new Set(fn.grants.map(({ grantee }) => facts.roleName(grantee)))].sort(),
        callers: [...new Set(callers)].sort(),
        sha256: bodyDigest(fn),
      }
    })
    .sort(byObject)
}

/** SHA-256 of the text between the quotes or, for a body in SQL (BEGIN ATOMIC), of its statements as the server prints them. */
function bodyDigest({ source, atomicBody }: DatabaseFunction): string {
  return createHash('sha256')
    .update(atomicBody ?? source)
    .digest('hex')
}

export function triggersOf(facts: Facts): readonly ExaminedTrigger[] {
  const own = facts.relations.flatMap(({ label, triggers }) =>
    triggers.map((trigger) => ({
      object: label,
      name: trigger.name,
      when: whenOf(trigger),
      calls: labelOf(facts, trigger.function),
      enabled: trigger.enabled,
      definition: trigger.definition,
    })),
  )
  const ofEvents = facts.catalog.eventTriggers.map(({ name, event, function: oid, enabled }) => ({
    object: 'database',
    name,
    when: `on event ${event}`,
    calls: labelOf(facts, oid),
    enabled: enabled ? ('origin' as const) : ('disabled' as const),
  }))
  return [...own, ...ofEvents]
}

function whenOf({ timing, events, forEachRow, when }: Trigger): string {
  const condition = when === undefined ? '' : ', with a condition'
  return `${timing.replace('-', ' ')} ${events.join(' or ')}, for each ${forEachRow ? 'row' : 'statement'}${condition}`
}

function labelOf({ catalog }: Facts, oid: number): string {
  return catalog.functions.get(oid)?.label ?? 'a function of PostgreSQL or of an extension'
}

/** Views and materialized views, with the query as the server prints it. */
export function viewsOf(facts: Facts): readonly ExaminedView[] {
  return facts.relations
    .filter(({ kind }) => kind === 'view' || kind === 'materialized-view')
    .map(({ label, kind, owner, options, viewDefinition }) => ({
      object: label,
      kind,
      owner: facts.roleName(owner),
      options: [...options].map(([name, value]) => `${name} = ${value}`).sort(),
      definition: viewDefinition ?? '',
    }))
}

export function rewriteRulesOf(facts: Facts): readonly ExaminedRule[] {
  return facts.relations.flatMap(({ label, rules }) =>
    rules.map(({ name, definition }) => ({ object: label, name, definition })),
  )
}

function byObject(a: { readonly object: string }, b: { readonly object: string }): number {
  return a.object < b.object ? -1 : 1
}
